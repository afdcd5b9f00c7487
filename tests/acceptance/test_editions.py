"""What an editor gives an edition: the calendar beside it, and what is left out, put off, pinned or said first."""

import email
import email.policy
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from icalendar import Calendar

from db import addresses
from flows import calendar, choices, corrections, preview, roster, schedule
from flows.choices import Wish
from flows.engine import Refused
from flows.verify import Verification
from tests.world import World

SLOT = datetime(2019, 3, 11, 8, 0, tzinfo=UTC)
FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
DEADLINE = """\
- {id: vote, kind: deadline, track: money, start: "2019-04-05", precision: day, title: {en: Vote, ar: "صوتوا"}}
- {id: later, kind: deadline, track: voice, start: "2019-06", precision: month, title: Some day in June}
"""


def series(world: World) -> Any:
    with world.engine.db.read() as tx:
        return next(iter(schedule.editions.digests(tx, world.process().id)))


def attached(mail: Any) -> Any:
    (part,) = mail.message.iter_attachments()
    assert (part.get_content_type(), part.get_param("method")) == ("text/calendar", "PUBLISH")
    assert part.get_filename() == "core.ics"
    return Calendar.from_ical(part.get_content())


def test_what_is_due_comes_with_the_mail(world: World) -> None:
    world.populate(calendar=True)
    world.import_timeline(more=DEADLINE)
    world.until(FIRST)
    made = attached(world.mailbox("Ana")[0])
    found = {str(event["UID"]).partition("@")[0]: event for event in made.walk("VEVENT")}
    assert set(found) == {"talks", "meeting.s1", "vote"}  # not a month: it is no day yet
    assert made["METHOD"] == "PUBLISH"
    assert {str(event["ORGANIZER"]) for event in found.values()} == {"mailto:core-owner@process.example"}
    assert not any(
        "ATTENDEE" in event or event.subcomponents for event in found.values()
    )  # asks nothing, rings no bell
    meeting = found["meeting.s1"]
    assert meeting["DTSTART"].dt == datetime(2019, 4, 10, 18, 0, tzinfo=UTC)
    feed = Calendar.from_ical(calendar.export_calendar(world.engine.db, "reform", now=world.now))
    theirs = {str(event["UID"]): int(event["SEQUENCE"]) for event in feed.walk("VEVENT")}
    assert all(theirs[str(event["UID"])] == int(event["SEQUENCE"]) for event in found.values())
    words = {
        str(e["UID"]).partition("@")[0]: str(e["SUMMARY"]) for e in attached(world.mailbox("Badr")[0]).walk("VEVENT")
    }
    assert words["vote"] == "صوتوا"
    assert {str(e["UID"]).partition("@")[0] for e in attached(world.mailbox("Chidi")[0]).walk("VEVENT")} == {
        "talks", "vote",
    }  # fmt: skip


def test_a_calendar_is_a_wish_of_the_digest(world: World) -> None:
    world.populate()
    assert not list(preview_of(world).iter_attachments())
    schedule.set_calendar(world.engine, series(world), True, act=world.act())
    assert [part.get_filename() for part in preview_of(world).iter_attachments()] == ["core.ics"]
    schedule.set_calendar(world.engine, series(world), False, act=world.act())
    assert not list(preview_of(world).iter_attachments())


def preview_of(world: World) -> Any:
    made = preview.preview(
        world.engine, world.process(), series(world), "ana@west.example", at=world.now, act=world.act()
    )
    return email.message_from_bytes(made.eml, policy=email.policy.default)


REVIEW = datetime(2019, 3, 11, 7, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


def drafted(world: World, when: datetime = REVIEW) -> int:
    world.until(when)
    with world.engine.db.read() as tx:
        (row,) = schedule.editions.editions(tx, series(world).id, ["draft"])
    return row.id


def decide(world: World, edition: int, **wish: Any) -> Any:
    return choices.edit(world.engine, series(world), edition, Wish(**wish), act=world.act())


def test_what_is_put_off_is_told_by_the_next_edition_once(world: World) -> None:
    world.populate()
    first = drafted(world)
    decide(world, first, put_off=["talks"])
    assert "Talks about money" not in preview_of(world).get_body(("plain",)).get_content()
    world.until(FIRST + WEEK)
    early, late = world.mailbox("Ana")[:2]
    assert "Open meeting" in early.text
    assert "Talks about money" not in early.text
    assert "MON-1" not in early.text  # its questions go with it
    assert "Talks about money" in late.text
    assert "MON-1" in late.text
    assert "Open meeting" not in late.text.split("What is coming")[0]
    chidi = world.mailbox("Chidi")
    assert [("Talks about money" in mail.text) for mail in chidi] == [True]  # nothing else concerns him: one mail


def test_what_is_left_out_stays_out_until_it_changes(world: World) -> None:
    world.populate()
    decide(world, drafted(world), leave_out=["meeting"])
    second = drafted(world, REVIEW + WEEK)
    assert "meeting" not in {
        line.name for line in choices.show(world.engine, series(world), second, now=world.now)[0] if line.label
    }
    world.import_timeline(more=DEADLINE)
    world.until(FIRST + WEEK)
    assert not any(
        "since your last digest" in mail.text and "Open meeting" in mail.text for mail in world.mailbox("Ana")
    )
    assert "Open meeting" not in world.mailbox("Ana")[0].text


def test_an_edition_of_which_everything_is_left_out_is_skipped_for_good(world: World) -> None:
    world.populate()
    edition = drafted(world)
    decide(world, edition, leave_out=["talks", "meeting"])
    world.until(FIRST + WEEK)
    with world.engine.db.read() as tx:
        row = schedule.editions.edition(tx, edition)
    assert row is not None
    assert row.state == "skipped"
    assert world.mailbox("Chidi") == []


def test_a_foreword_and_a_pin(world: World) -> None:
    world.populate()
    edition = drafted(world)
    world.import_timeline(more=DEADLINE)
    decide(world, edition, pin=["later"], foreword={"en": "Thank you for **coming**.", "ar": "شكرا لكم."})
    lines, made = choices.show(world.engine, series(world), edition, now=world.now)
    assert {line.name: line.choice for line in lines if line.choice} == {"later": "pinned"}
    assert list(made.foreword) == ["en", "ar"]
    world.until(FIRST)
    ana, badr = world.mailbox("Ana")[0], world.mailbox("Badr")[0]
    assert "Thank you for" in ana.text
    assert "<strong>coming</strong>" in ana.html
    assert "شكرا لكم." in badr.text
    assert "Thank you" not in badr.text
    assert ana.text.index("Some day in June") < ana.text.index("Open meeting")
    places = [ana.text.index(f"Answer item {number}:") for number in (1, 2, 3)]
    assert places == sorted(places)


def test_a_choice_that_cannot_be(world: World) -> None:
    world.populate()
    edition = drafted(world)
    with pytest.raises(Refused, match="talks"):
        decide(world, edition, leave_out=["talk"])
    with pytest.raises(Refused, match="language"):
        decide(world, edition, foreword={"no such tongue": "x"})
    with pytest.raises(Refused, match="4000"):
        decide(world, edition, foreword={"en": "x" * 4001})
    with pytest.raises(Refused, match="no edition"):
        decide(world, 999, pin=["talks"])
    world.until(FIRST)
    with pytest.raises(Refused, match="cannot be changed any more"):
        decide(world, edition, put_off=["talks"])


def test_an_overtaken_draft_hands_its_choices_on(world: World) -> None:
    world.populate(approval="manual")
    decide(world, drafted(world), leave_out=["talks"], put_off=["meeting"], foreword={"en": "Hello."})
    second = drafted(world, REVIEW + WEEK)
    made = choices.show(world.engine, series(world), second, now=world.now)[1]
    assert {subject.kind.value for subject in made.silenced} == {"entry"}
    assert not made.postponed
    assert made.foreword == {"en": "Hello."}


def correct(world: World, number: int, name: str, **more: Any) -> Any:
    return corrections.erratum(world.engine, series(world), number, name, act=world.act(), **more)


def test_an_erratum_reaches_exactly_those_who_read_the_wrong_thing(world: World) -> None:
    world.populate()
    world.until(FIRST)
    first = {who: world.mailbox(who)[0] for who in ("Ana", "Badr", "Chidi", "Dora")}
    world.import_timeline(talks_end="2019-04-15")
    assert correct(world, 1, "talks", dry=True) == corrections.Corrected(None, 4, 0)
    assert correct(world, 1, "talks").deliveries == 4
    world.turn()
    for who, mail in first.items():
        (again,) = world.mailbox(who)[1:]
        assert again["In-Reply-To"] == mail["Message-ID"]
        assert again["List-Id"] == mail["List-Id"]
        assert again.message["Content-Language"] == mail.message["Content-Language"]
    ana, badr = world.mailbox("Ana")[1], world.mailbox("Badr")[1]
    assert ana["Subject"] == "Correction: Talks about money"
    assert "15 April" in ana.text
    assert "31 March" in ana.text
    assert first["Ana"]["Subject"] in ana.text
    assert "نقاش حول المال" in badr.text
    assert ana.item_address(1).startswith("reply+")
    with pytest.raises(Refused, match="nobody was told talks wrongly"):
        correct(world, 1, "talks")  # once is enough


def test_the_next_edition_does_not_tell_a_correction_again(world: World) -> None:
    world.populate()
    world.until(FIRST)
    world.import_timeline(talks_end="2019-04-15")
    correct(world, 1, "talks")
    world.turn()
    world.import_timeline(talks_end="2019-04-15", more=DEADLINE)
    world.until(FIRST + WEEK)
    edition = world.mailbox("Ana")[2].text
    assert "Vote" in edition
    assert "moved" not in edition.lower()
    assert "31 March" not in edition
    world.import_timeline(talks_end="2019-04-20", more=DEADLINE)  # what changes after it is news again
    world.until(FIRST + 2 * WEEK)
    assert "15 April" in world.mailbox("Ana")[3].text


def test_an_erratum_that_cannot_be(world: World) -> None:
    world.populate()
    with pytest.raises(Refused, match="no edition"):
        correct(world, 1, "talks")
    world.until(SLOT)
    world.import_timeline(talks_end="2019-04-15")
    with pytest.raises(Refused, match="have not left"):
        correct(world, 1, "talks")
    world.until(FIRST)
    with pytest.raises(Refused, match="nobody was told meeting wrongly"):
        correct(world, 1, "meeting")
    with pytest.raises(Refused, match="nothing that a digest tells"):
        correct(world, 1, "nothing-such")


def test_who_is_paused_now_is_left_out_of_an_erratum_and_told_later(world: World) -> None:
    world.populate()
    world.until(FIRST)
    with world.engine.db.read() as tx:
        ana = addresses.by_address_key(tx, world.process().id, "ana@west.example", world.now)
    assert ana is not None
    roster.pause(world.engine.db, ana.liaison.id, (world.now + timedelta(days=3)).date(), act=world.act())
    world.import_timeline(talks_end="2019-04-15")
    assert correct(world, 1, "talks") == corrections.Corrected(ANY, 3, 1)
    world.until(FIRST + WEEK)
    assert "15 April" in world.mailbox("Ana")[1].text  # the next edition
    assert "31 March" in world.mailbox("Ana")[1].text


def test_the_ledger_proves_an_erratum(world: World) -> None:
    world.populate()
    world.until(FIRST)
    world.import_timeline(talks_end="2019-04-15")
    correct(world, 1, "talks")
    world.turn()
    schedule.tick(world.engine, act=world.act("clock"))
    work = Verification(world.engine.db, world.now)
    assert [finding.what for finding in work.findings() if finding.fault] == []
    assert work.sums.deliveries == 8
