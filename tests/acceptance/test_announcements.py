"""Announcements from draft to correction, over real mail."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from db import addresses, announcements, events, tables
from db.announcements import AnnouncementRow
from db.states import WrongMove
from digests.subject import Status, Subject, SubjectKind
from flows import announce, gates, precheck, preview, recipients, review, roster, translations
from flows import erratum as errata
from flows.announce import Moment, Text
from flows.engine import Refused
from mailer.address import AddressError
from mailer.message import Envelope
from tests.world import START, Mail, World

HOURS = {"en": Text("Office hours", "On Thursday at 18:00 UTC.\n"), "ar": Text("ساعات المكتب", "يوم الخميس.\n")}
RIGHT = {"en": Text("Office hours", "On Friday.\n"), "ar": Text("ساعات المكتب", "يوم الجمعة.\n")}


def put(world: World, slug: str = "hours", said: dict[str, Text] = HOURS, **options: object) -> None:
    announce.add(world.engine, world.process().id, slug, said, act=world.act("operator:ana"), **options)


def at(world: World, wall: str | None, slug: str = "hours", **parts: object) -> AnnouncementRow:
    moment = Moment(wall, "UTC", **parts)
    return announce.schedule(world.engine, world.process().id, slug, act=world.act("operator:ana"), moment=moment)


def row(world: World, slug: str = "hours") -> AnnouncementRow:
    with world.engine.db.read() as tx:
        found = announcements.by_slug(tx, world.process().id, slug)
    assert found is not None
    return found


def subjects(world: World, who: str) -> list[str]:
    return [mail["Subject"] for mail in world.mailbox(who)]


def test_a_second_person_lets_it_go(world: World) -> None:
    world.populate()
    put(world)
    process_id = world.process().id
    review.ask(world.engine, process_id, "hours", act=world.act("operator:ana"))
    with pytest.raises(Refused, match="second person"):
        at(world, None)
    assert at(world, "2019-03-05T10:00").state == "in review"
    with pytest.raises(Refused, match="written by operator:ana"):
        review.approve(world.engine, process_id, "hours", act=world.act("operator:ana"))
    world.until(datetime(2019, 3, 5, 12, tzinfo=START.tzinfo))
    assert not subjects(world, "chidi")  # nobody approved it, so it did not go
    review.approve(world.engine, process_id, "hours", act=world.act("operator:ben"))
    assert row(world).state == "draft"  # its moment is past: it wants a new one
    assert at(world, "2019-03-06T10:00").state == "scheduled"
    announce.edit(world.engine, process_id, "hours", RIGHT, act=world.act("operator:ana"))
    assert row(world).state == "in review"  # new words want a new look
    review.approve(world.engine, process_id, "hours", act=world.act("operator:ben"))
    assert (row(world).state, row(world).reviewed_by) == ("scheduled", "operator:ben")
    world.until(datetime(2019, 3, 6, 12, tzinfo=START.tzinfo))
    assert subjects(world, "chidi") == ["Office hours"]
    assert "Friday" in world.mailbox("chidi")[0].text
    with pytest.raises(Refused, match="erratum"):
        announce.edit(world.engine, process_id, "hours", HOURS, act=world.act())


def test_translated_words_want_a_new_approval(world: World) -> None:
    world.populate()
    put(world)
    process_id = world.process().id
    at(world, "2019-03-06T10:00")
    review.ask(world.engine, process_id, "hours", act=world.act("operator:ana"))
    with pytest.raises(Refused, match="written by operator:ana"):
        review.approve(world.engine, process_id, "hours", act=world.act("operator:Ana"))
    review.approve(world.engine, process_id, "hours", act=world.act("operator:ben"))
    db, act = world.engine.db, world.act("operator:kim")
    sheet = translations.export_texts(db, "reform", "ar", "po", act=act)
    same = translations.import_texts(db, "reform", sheet, "po", act=act)
    assert (same.added, same.changed) == ((), ())  # a file as it was exported
    assert row(world).state == "scheduled"
    other = translations.import_texts(db, "reform", sheet.replace("يوم الخميس.", "يوم السبت."), "po", act=act)
    assert [one.name for one in other.changed] == ["announcement/hours/body"]
    assert other.warnings == ("announcement/hours: its words changed, it wants a new approval",)
    assert (row(world).state, row(world).reviewed_by, row(world).written_by) == ("in review", None, "operator:kim")


@pytest.mark.parametrize("waits", [True, False])
def test_a_translation_that_was_waited_for_needs_no_approval(world: World, waits: bool) -> None:
    world.populate()
    put(world)
    at(world, "2019-03-06T10:00")
    process, db = world.process(), world.engine.db
    review.ask(world.engine, process.id, "hours", act=world.act("operator:ana"))
    review.approve(world.engine, process.id, "hours", act=world.act("operator:ben"))
    if waits:
        gates.order(world.engine, process, "announcement", row(world).id, "fr", 6, act=world.act())
    sheet = (
        "process: reform\nsource_language: en\nlanguage: fr\ntexts:\n"
        f"- {{text: announcement/hours/title, source: {HOURS['en'].title}, translation: Permanence}}\n"
    )
    done = translations.import_texts(db, "reform", sheet, "yaml", act=world.act("operator:kim"))
    assert row(world).state == ("scheduled" if waits else "in review")
    assert bool(done.warnings) is not waits


def test_another_audience_and_landing_before_it_goes(world: World) -> None:
    world.populate()
    put(world, rule={"names": ["chidi@coast.example"]})
    process_id = world.process().id

    def edit(**values: object) -> None:
        announce.edit(world.engine, process_id, "hours", {}, act=world.act("operator:ana"), **values)

    edit(rule={"languages": ["AR"]}, landing="hour")
    assert (row(world).audience, row(world).landing) == ({"languages": ["ar"]}, "hour")
    edit(rule={"all": True})
    assert row(world).audience == {"all": True}
    for wrong, why in (
        ({}, "say what"),
        ({"landing": "soon"}, "instant, wall, day, hour"),
        ({"rule": {"languages": ["klingon"]}}, "'klingon': unknown language"),
        ({"rule": {"cadences": ["dayly"]}}, "unknown cadence 'dayly'"),
        ({"rule": {"names": ["eve@nowhere.example"]}}, "unknown name 'eve@nowhere.example'"),
    ):
        with pytest.raises(Refused, match=why):
            edit(**wrong)
    with pytest.raises(Refused, match="'xx': unknown language"):
        put(world, "other", {"xx": HOURS["en"]})


def test_sent_back_to_its_writer(world: World) -> None:
    world.populate()
    put(world)
    process_id = world.process().id
    with pytest.raises(Refused, match="is draft"):
        review.approve(world.engine, process_id, "hours", act=world.act("operator:ben"))
    review.ask(world.engine, process_id, "hours", act=world.act("operator:ana"))
    review.send_back(world.engine, process_id, "hours", act=world.act("operator:ben"))
    assert row(world).state == "draft"


def test_undo_in_the_window_and_never_after_it(world: World) -> None:
    world.populate()
    put(world)
    process_id = world.process().id
    at(world, "2019-03-05T10:00", undo_minutes=30)
    world.at(datetime(2019, 3, 5, 10, 5, tzinfo=START.tzinfo))
    world.turn()
    assert row(world).state == "mailed"
    assert not subjects(world, "chidi")
    assert announce.undo(world.engine, process_id, "hours", act=world.act()) == 4
    world.until(datetime(2019, 3, 5, 13, tzinfo=START.tzinfo))
    assert not subjects(world, "chidi")
    at(world, "2019-03-05T14:00")
    world.until(datetime(2019, 3, 5, 15, tzinfo=START.tzinfo))
    assert subjects(world, "chidi") == ["Office hours"]
    with pytest.raises(Refused, match="4 mails of hours have left"):
        announce.undo(world.engine, process_id, "hours", act=world.act())


def test_a_moment_that_was_undone_is_not_used_again(world: World) -> None:
    world.populate()
    put(world, landing="wall")
    at(world, "2019-03-05T10:00")
    world.tick()  # a wall time is put into the outbox the day before
    assert announce.undo(world.engine, world.process().id, "hours", act=world.act()) == 4
    with pytest.raises(Refused, match="another minute"):
        at(world, "2019-03-05T10:00")


def test_an_erratum_to_exactly_those_who_got_it_under_what_they_got(world: World) -> None:
    world.populate()
    put(world, rule={"languages": ["ar"], "tracks": ["money"]})
    process_id = world.process().id
    with pytest.raises(Refused, match="nobody got hours"):
        errata.erratum(world.engine, process_id, "hours", RIGHT, act=world.act())
    at(world, "2019-03-05T10:00", undo_minutes=10)
    world.at(datetime(2019, 3, 5, 10, 1, tzinfo=START.tzinfo))
    world.tick()
    with pytest.raises(Refused, match="have not left"):
        errata.erratum(world.engine, process_id, "hours", RIGHT, act=world.act())
    world.until(datetime(2019, 3, 5, 11, tzinfo=START.tzinfo))
    got = {mail["To"].partition("@")[0] for mail in world.mails}
    with pytest.raises(Refused, match="lacks ar"):
        errata.erratum(world.engine, process_id, "hours", {"en": RIGHT["en"]}, act=world.act())
    name = errata.erratum(world.engine, process_id, "hours", RIGHT, act=world.act())
    assert name == "hours-erratum-1"
    with world.engine.db.read() as tx:
        badr = addresses.by_address_key(tx, process_id, "badr@south.example", world.now)
    assert badr is not None
    roster.set_languages(world.engine.db, badr.liaison.id, ["en"], act=world.act())  # reads English from now on
    who = recipients.recipients(world.engine, process_id, name, now=world.now)
    assert {one.addr for one in who} == {mail.envelope.rcpt_to[0] for mail in world.mails}
    at(world, None, name)
    before = len(world.mails)
    world.turn()
    assert {mail["To"].partition("@")[0] for mail in world.mails[before:]} == got
    (first, second) = world.mailbox("badr")
    assert second["In-Reply-To"] == first["Message-ID"]
    assert first["Message-ID"] in second["References"]
    assert "الجمعة" in second.text  # the language that the first came in
    assert first["Subject"] in second.text
    assert second["Subject"] != first["Subject"]


def test_the_last_day_of_each_month(world: World) -> None:
    world.populate("monthly 1 09:00")
    put(world, "month", {"en": Text("The month is over", "Write your report.\n")}, rule={"tracks": ["voice"]})
    with pytest.raises(Refused, match="never comes until 2019-03-20"):
        at(world, None, "month", repeat="monthly 31 18:00", until=date(2019, 3, 20))
    scheduled = at(world, None, "month", repeat="monthly 31 18:00", until=date(2019, 6, 29))
    assert (scheduled.send_wall, scheduled.repeat) == ("2019-03-31T18:00", "monthly 31 18:00")
    world.until(datetime(2019, 8, 1, tzinfo=START.tzinfo))
    sent = [mail["Date"][5:11].strip() for mail in world.mailbox("ana") if mail["Subject"] == "The month is over"]
    assert sent == ["31 Mar", "30 Apr", "31 May"]
    assert row(world, "month").state == "mailed"


def test_on_that_day_at_each_readers_hour(world: World) -> None:
    world.populate()
    put(world, landing="day")
    at(world, "2019-03-07T00:00")
    world.until(datetime(2019, 3, 8, tzinfo=START.tzinfo))
    for who, zone in (("ana", "Europe/Lisbon"), ("badr", "Africa/Tunis"), ("chidi", "Africa/Lagos")):
        (mail,) = (m for m in world.mailbox(who) if m["Subject"] in ("Office hours", "ساعات المكتب"))
        sent = mail.message["Date"].datetime.astimezone(ZoneInfo(zone))
        assert (sent.day, sent.hour) == (7, 9)


def test_one_that_is_half_a_day_late_asks(world: World) -> None:
    world.populate()
    put(world)
    at(world, "2019-03-05T10:00")
    world.at(datetime(2019, 3, 6, 10, tzinfo=START.tzinfo))
    world.turn()
    assert not [mail for mail in world.mails if mail["Subject"] == "Office hours"]


def test_what_cannot_be(world: World) -> None:
    world.populate()
    put(world)
    with pytest.raises(Refused, match="goes once"):
        put(world, "folded", fold=True)
        at(world, None, "folded", repeat="monthly 31 09:00")
    with pytest.raises(Refused, match="instant, wall, day, hour"):
        put(world, "x", landing="noon")
    announce.withdraw(world.engine, world.process().id, "hours", act=world.act())
    with pytest.raises(WrongMove):
        review.ask(world.engine, world.process().id, "hours", act=world.act())


def test_what_a_digest_took_along_is_taken_back_by_the_next(world: World) -> None:
    """It is no mail of its own: no erratum, no new words; whoever read it reads that it is called off."""
    world.populate()
    process_id = world.process().id
    put(world, fold=True)
    at(world, "2019-03-05T10:00")
    world.until(datetime(2019, 3, 12, tzinfo=START.tzinfo))
    assert "On Thursday at 18:00 UTC." in world.mailbox("ana")[-1].text
    for refused in (
        lambda: errata.erratum(world.engine, process_id, "hours", RIGHT, act=world.act()),
        lambda: announce.edit(world.engine, process_id, "hours", RIGHT, act=world.act()),
    ):
        with pytest.raises(Refused, match=r"withdraw hours. lets the next digest take it back"):
            refused()
    announce.withdraw(world.engine, process_id, "hours", act=world.act())
    with pytest.raises(Refused, match="withdrawn already"):
        announce.withdraw(world.engine, process_id, "hours", act=world.act())
    with pytest.raises(Refused, match="ledger hours"):
        recipients.recipients(world.engine, process_id, "hours", now=world.now)
    before = len(world.mailbox("ana"))
    world.until(datetime(2019, 3, 20, tzinfo=START.tzinfo))
    (told,) = world.mailbox("ana")[before:]
    assert "Office hours\n[Cancelled]" in told.text


def test_whom_it_names_as_its_readers(world: World) -> None:
    """The language each gets it in, nobody whose pause is over by then, and no moment for what a digest takes along."""
    world.populate()
    process_id = world.process().id
    put(world, landing="day")
    with world.engine.db.read() as tx:
        chidi = addresses.by_address_key(tx, process_id, "chidi@coast.example", world.now)
    assert chidi is not None
    roster.pause(world.engine.db, chidi.liaison.id, date(2019, 3, 7), act=world.act())

    def who() -> list[recipients.Recipient]:
        return recipients.recipients(world.engine, process_id, "hours", now=world.now)

    assert {one.addr: one.reason for one in who()}["chidi@coast.example"] == "paused"
    announce.edit(world.engine, process_id, "hours", {}, fold=True, act=world.act())
    assert {one.send_at for one in who()} == {None}
    announce.edit(world.engine, process_id, "hours", {}, fold=False, act=world.act())
    at(world, "2019-03-07T00:00")
    with pytest.raises(Refused, match="announce undo hours"):
        announce.edit(world.engine, process_id, "hours", {}, fold=True, act=world.act())
    assert {one.addr.partition("@")[0]: one.text for one in who()}.items() >= {"ana": "en", "badr": "ar"}.items()
    promised = {one.addr: one.send_at for one in who() if not one.reason}
    assert "chidi@coast.example" in promised
    world.until(datetime(2019, 3, 8, tzinfo=START.tzinfo))
    said = {text.title for text in HOURS.values()}
    sent = {m.envelope.rcpt_to[0]: m.message["Date"].datetime for m in world.mails if m["Subject"] in said}
    assert sent == promised


def test_the_check_names_what_a_colleague_would(world: World) -> None:
    world.populate()
    process_id = world.process().id
    body = "Join at 18:30, see [the page](https://a.example/x) and ![](https://a.example/y.png).\n\nTODO: more.\n"
    put(world, "bad", {"en": Text("A subject that goes on and on and does not stop before the edge", body)})
    at(world, "2019-03-11T04:00", "bad")
    put(world, "other")
    at(world, "2019-03-11T20:00", "other")
    with world.engine.db.read() as tx:
        chidi = addresses.by_address_key(tx, process_id, "chidi@coast.example", world.now)
        badr = addresses.by_address_key(tx, process_id, "badr@south.example", world.now)
    assert chidi is not None
    assert badr is not None
    roster.set_languages(world.engine.db, badr.liaison.id, ["ar"], act=world.act())
    roster.set_quiet(world.engine.db, chidi.liaison.id, (22, 7), [], act=world.act())
    asked: list[str] = []

    def dead(urls: object) -> dict[str, str]:
        asked.extend(urls)  # type: ignore[call-overload]
        return {"https://a.example/x": "404 Not Found"}

    found = precheck.check(world.engine, process_id, "bad", now=world.now, dead=dead)
    assert asked == ["https://a.example/x", "https://a.example/y.png"]
    said = {(one.level, one.what, one.lang) for one in found}
    assert said == {
        ("fault", "dead-link", "en"),
        ("fault", "image-without-words", "en"),
        ("fault", "placeholder", "en"),
        ("note", "hour-without-zone", "en"),
        ("note", "subject-too-long", "en"),
        ("note", "language-missing", "ar"),
        ("note", "no-readable-language", "ar"),
        ("note", "quiet-hours", ""),
        ("note", "same-day", ""),
    }
    beside = sorted(one.found for one in found if one.what == "same-day")
    assert beside == ["2019-03-11: announcement other", "2019-03-11: edition 2019-03-11T09:00 of core"]
    assert next(one.found for one in found if one.what == "quiet-hours") == "1: chidi@coast.example"
    assert [one.level for one in found] == sorted(one.level for one in found)
    missing = [one.found for one in found if one.what == "language-missing"]
    assert missing == ["1 would get it in ar"]
    announce.edit(
        world.engine, process_id, "bad", {}, landing="day", act=world.act()
    )  # put into the outbox a day before
    again = precheck.check(world.engine, process_id, "bad", now=world.now)
    assert sorted(one.found for one in again if one.what == "same-day") == beside
    good = precheck.check(world.engine, process_id, "other", now=world.now - timedelta(days=1))
    assert {one.what for one in good} == {"same-day"}


def test_a_trial_in_any_language_is_nobodys_mail(world: World) -> None:
    world.populate()
    put(world)
    made = {
        lang: preview.trial_of(world.engine, world.process(), "hours", lang, "Me@team.example", act=world.act())
        for lang in ("ar", "en", "de")
    }
    assert [made[lang].subject for lang in ("ar", "en")] == ["[TEST] ساعات المكتب", "[TEST] Office hours"]
    assert "يوم الخميس." in made["ar"].text
    assert "On Thursday at 18:00 UTC." in made["de"].text  # not translated: the source, in a letter that speaks German
    assert made["de"].text != made["en"].text
    mail = Mail(Envelope(made["en"].mail_from, (made["en"].rcpt_to,), "", ""), made["en"].eml)
    assert (mail["To"], mail["List-Unsubscribe"]) == ("Me@team.example", "")
    world.reply(mail, "This is only a test of mine.", sender="me@team.example")
    world.tick()
    with world.engine.db.read() as tx:
        (raw,) = tx.execute(select(tables.RawMessage.state, tables.RawMessage.reason)).all()
        assert tx.execute(select(func.count()).select_from(tables.Delivery.__table__)).scalar_one() == 0
    assert tuple(raw) == ("held", "it answers a mail that we no longer have")
    assert row(world).state == "draft"
    with pytest.raises(AddressError):
        preview.trial_of(world.engine, world.process(), "hours", "en", "me", act=world.act())
    with pytest.raises(Refused, match="no announcement 'ours'"):
        preview.trial_of(world.engine, world.process(), "ours", "en", "me@team.example", act=world.act())
    with pytest.raises(Refused, match="unknown language"):
        preview.trial_of(world.engine, world.process(), "hours", "klingon", "me@team.example", act=world.act())
    with pytest.raises(Refused, match="at most 20000 characters"):
        announce.read_text("# Long\n\n" + "a" * 30_000)


@pytest.mark.parametrize(
    ("wall", "note"),
    [
        (
            "2019-03-31T02:30",
            "clocks in Europe/Berlin are put forward then: 2019-03-31T02:30 is 2019-03-31T03:30 there",
        ),
        ("2019-10-27T02:30", "clocks in Europe/Berlin show 2019-10-27T02:30 twice: the first counts"),
        ("2019-03-31T03:30", ""),
        ("2019-10-27T03:00", ""),
    ],
)
def test_a_moment_that_clocks_skip_or_repeat(world: World, wall: str, note: str) -> None:
    world.populate()
    put(world)
    moment = Moment(wall, "Europe/Berlin")
    announce.schedule(world.engine, world.process().id, "hours", act=world.act(), moment=moment)
    assert announce.clock_note(row(world)) == note


def test_nothing_to_undo(world: World) -> None:
    world.populate()
    put(world)
    process_id = world.process().id
    with pytest.raises(Refused, match="hours is a draft: nothing to undo"):
        announce.undo(world.engine, process_id, "hours", act=world.act())
    announce.withdraw(world.engine, process_id, "hours", act=world.act())
    with pytest.raises(Refused, match="hours is withdrawn: nothing to undo"):
        announce.undo(world.engine, process_id, "hours", act=world.act())


def test_a_folded_one_can_be_called_off(world: World) -> None:
    world.populate()
    put(world, fold=True)
    process_id = world.process().id
    at(world, None)
    world.tick()
    assert row(world).state == "mailed"
    assert announce.withdraw(world.engine, process_id, "hours", act=world.act("operator:ana")) == 0
    assert row(world).state == "withdrawn"
    with world.engine.db.read() as tx:
        subject = Subject(SubjectKind.ANNOUNCEMENT, row(world).id)
        facts = events.facts_at_many(tx, process_id, [subject])[subject]
        assert announcements.progress(tx, process_id) == {}
    assert facts.status is Status.CANCELLED


def test_how_many_mails_of_it_are_gone(world: World) -> None:
    world.populate()
    put(world)
    at(world, "2019-03-05T10:00")
    world.until(datetime(2019, 3, 5, 12, tzinfo=START.tzinfo))
    with world.engine.db.read() as tx:
        found = announcements.progress(tx, world.process().id)
    assert found == {row(world).id: (len(world.mails), len(world.mails))}
    put(world, "undone")
    at(world, "2019-03-06T10:00", "undone", undo_minutes=30)
    world.at(datetime(2019, 3, 6, 10, 5, tzinfo=START.tzinfo))
    world.turn()
    announce.undo(world.engine, world.process().id, "undone", act=world.act())
    put(world, "half", landing="wall")
    at(world, "2019-03-08T10:00", "half")
    before = len(world.mails)
    while len(world.mails) == before:
        world.later(minutes=30)
        world.turn()
    announce.withdraw(world.engine, world.process().id, "half", act=world.act())
    with world.engine.db.read() as tx:
        now = announcements.progress(tx, world.process().id)
    assert now == found | {row(world, "half").id: (len(world.mails) - before, 4)}
    assert len(world.mails) > 1
