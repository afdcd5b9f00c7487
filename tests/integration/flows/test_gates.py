"""Waiting for a language: what is held and opened when, in which words; calls to translators and their answers (L5)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from db import announcements, editions, gates, holding, ledger
from db.engine import Database
from flows import announce, control, rehearse, tasks, timeline, translations, translators
from flows import gates as waits
from flows import process as processes
from flows.announce import Moment, Text
from flows.engine import Refused
from tests.world import DOMAIN, ENTRIES, PROCESS, World

SLOT = datetime(2019, 3, 18, 8, 0, tzinfo=UTC)  # Monday, 09:00 in Berlin
TRANSLATOR = "{role: Translator, address: tara@words.example, languages: [ar, fr]}"
CORE = "{role: Program manager, address: pm@process.example, languages: [en]}"


def tell(world: World, more: str) -> None:
    content = PROCESS.replace(CORE, f"{CORE}\n  - {TRANSLATOR}") + ENTRIES.format(talks_end="2019-03-31") + more
    processes.import_process(world.engine.db, content, address_base=DOMAIN, act=world.act())
    assert timeline.import_timeline(world.engine.db, "reform", content, act=world.act()).ok


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    made.populate()
    made.until(datetime(2019, 3, 12, tzinfo=UTC))  # the first edition, without any waiting
    made.mails.clear()
    tell(made, ENTRY)
    yield made
    made.close()


ENTRY = """\
- id: report
  kind: publication
  track: money
  start: "2019-03-20"
  precision: day
  announced: {"on": "2019-03-05", basis: invented}
  title: The report
  description: What was found.
  confidence: high
"""
FILLED = (
    ('msgid "Open meeting"\nmsgstr ""', 'msgid "Open meeting"\nmsgstr "اجتماع مفتوح"'),
    ('msgid "Come along."\nmsgstr ""', 'msgid "Come along."\nmsgstr "تعالوا."'),
    ('msgid "The report"\nmsgstr ""', 'msgid "The report"\nmsgstr "التقرير"'),
    ('msgid "What was found."\nmsgstr ""', 'msgid "What was found."\nmsgstr "ما وُجد."'),
)


def order(world: World, hours: int = 6, lang: str = "ar") -> str:
    with world.engine.db.read() as tx:
        digest = editions.digests(tx)[0]
    made = waits.order(world.engine, world.process(), gates.DIGEST, digest.id, lang, hours, act=world.act())
    translators.after_order(world.engine, gates.DIGEST, digest.id, act=world.act())
    return made


def filled(sheet: str) -> str:
    sheet = sheet.replace("\r\n", "\n").replace("#, fuzzy\n", "")
    for empty, full in FILLED:
        assert empty in sheet
        sheet = sheet.replace(empty, full)
    return sheet


def export(world: World) -> str:
    return translations.export_texts(world.engine.db, "reform", "ar", "po", act=world.act())


def translate(world: World) -> None:
    report = translations.import_texts(world.engine.db, "reform", filled(export(world)), "po", act=world.act())
    assert report.ok, report.rejected


def test_it_waits_calls_and_opens_when_all_is_translated(world: World) -> None:
    order(world)
    world.until(SLOT - timedelta(minutes=30))
    (call,) = world.mailbox("tara@")  # the draft was made at 08:00 in Berlin
    assert call["Subject"] == "للترجمة: The reform digest, 2019-03-18"
    assert "عربية" in call.text
    assert "The report" in call.text
    assert "14:00 UTC" in call.html.replace("\u202f", " ")
    world.until(SLOT + timedelta(hours=2))
    assert [len(world.mailbox(who)) for who in ("ana@", "badr@", "tara@")] == [1, 0, 1]
    (one,) = translators.waiting(world.engine, world.process().id)
    assert (one.lang, one.mails, one.called, one.cut_off_at) == ("ar", 1, 1, SLOT + timedelta(hours=6))
    lacks = ("entry/meeting/how", "entry/meeting/title", "entry/report/description", "entry/report/title")
    assert one.missing == lacks
    with world.engine.db.read() as tx:
        (held,) = holding.held(tx, world.process().id)
        states = {(row.addr, row.state, row.reason) for row in ledger.rows(tx, held.mailing_id)}
    assert (held.why, held.mails, held.whole) == ("waits for ar", 1, False)
    assert ("badr@south.example", "held", "waits for ar") in states
    (sheet,) = call.message.iter_attachments()
    assert sheet.get_filename() == "ar.po"
    answer = EmailMessage()
    answer["From"], answer["To"], answer["Subject"] = "tara@words.example", call["Reply-To"], "Re: " + call["Subject"]
    answer["Message-ID"] = "<1@words.example>"
    answer.set_content("Here it is.\n")
    answer.add_attachment(
        filled(sheet.get_content()).encode(), maintype="text", subtype="x-gettext-translation", filename="ar.po"
    )
    world.send(answer, call["Reply-To"].partition("<")[2].rstrip(">") or call["Reply-To"], "tara@words.example")
    world.turn()
    (task,) = tasks.task_list(world.engine, world.process().id, now=world.now, kind="translated")
    card = tasks.task_show(world.engine, world.process().id, task.number, now=world.now)
    mail = int(card.see.rpartition(" ")[2])
    assert card.see == f"tidings translate import --mail {mail}"
    ((name, report),) = translators.take(world.engine, world.process(), mail, "", act=world.act())
    assert (name, report.ok, len(report.added)) == ("ar.po", True, 4)
    assert not tasks.task_list(world.engine, world.process().id, now=world.now, kind="translated")
    world.turn()
    (got,) = world.mailbox("badr@")
    assert "التقرير" in got.text
    assert "The report" not in got.text
    assert not translators.waiting(world.engine, world.process().id)
    world.until(SLOT + timedelta(days=6))
    assert [len(world.mailbox(who)) for who in ("ana@", "badr@", "tara@")] == [1, 1, 1]


def test_at_the_cut_off_it_goes_as_it_was_frozen_with_what_there_is(world: World) -> None:
    order(world)
    world.until(SLOT + timedelta(hours=1))
    later = ENTRY.replace("title: The report", "title: The report and a later word")
    tell(world, later.replace("What was found.", "What was found, in short."))
    part = export(world)
    report = translations.import_texts(
        world.engine.db, "reform",
        part.replace('msgid "What was found, in short."\nmsgstr ""', 'msgid "What was found, in short."\nmsgstr "باختصار"'),
        "po", act=world.act(),
    )  # fmt: skip
    assert report.ok
    assert len(report.added) == 1
    world.until(SLOT + timedelta(hours=5, minutes=59))
    assert not world.mailbox("badr@")
    world.until(SLOT + timedelta(hours=30))
    (got,) = world.mailbox("badr@")
    assert "The report\n" in got.text
    assert "a later word" not in got.text
    assert "باختصار" not in got.text
    assert "بالإنجليزية" in got.text or "الإنجليزية" in got.text  # it says which language the block is in
    with world.engine.db.read() as tx:
        assert [one.state for one in gates.gates(tx)] == ["opened"]


def test_what_is_translated_already_goes_without_delay_and_nobody_is_called(world: World) -> None:
    translate(world)
    order(world)
    world.until(SLOT + timedelta(hours=1))
    assert [len(world.mailbox(who)) for who in ("badr@", "tara@")] == [1, 0]


def test_opened_by_hand(world: World) -> None:
    order(world)
    world.until(SLOT + timedelta(hours=1))
    (one,) = translators.waiting(world.engine, world.process().id)
    assert control.release(world.engine, one.mailing_id, act=world.act()) == 0
    with pytest.raises(Refused, match=r"tidings translate open \d+ -l ar"):
        control.release(world.engine, one.mailing_id, act=world.act(), only="waits for ar")
    with pytest.raises(Refused, match="does not wait for fr"):
        waits.open_by_hand(world.engine, world.process().id, one.mailing_id, "fr", act=world.act())
    assert waits.open_by_hand(world.engine, world.process().id, one.mailing_id, "ar", act=world.act()) == 1
    world.until(SLOT + timedelta(hours=26))
    assert len(world.mailbox("badr@")) == 1


def announced(world: World) -> int:
    said = {"en": Text("Office hours", "Come on Friday at 18:00 UTC.\n")}
    made = announce.add(world.engine, world.process().id, "hours", said, act=world.act())
    waits.order(world.engine, world.process(), gates.ANNOUNCEMENT, made, "ar", 10, act=world.act())
    moment = Moment("2019-03-13T12:00", "UTC")
    announce.schedule(world.engine, world.process().id, "hours", act=world.act(), moment=moment)
    return made


@pytest.mark.parametrize("translated", [True, False])
def test_an_announcement_waits_too(world: World, translated: bool) -> None:
    announced(world)
    world.until(datetime(2019, 3, 13, 13, tzinfo=UTC))
    assert [len(world.mailbox(who)) for who in ("ana@", "badr@", "tara@")] == [1, 0, 1]
    if translated:
        sheet = export(world).replace('msgid "Office hours"\nmsgstr ""', 'msgid "Office hours"\nmsgstr "ساعات"')
        sheet = sheet.replace(
            'msgid "Come on Friday at 18:00 UTC.\\n"\nmsgstr ""',
            'msgid "Come on Friday at 18:00 UTC.\\n"\nmsgstr "تعالوا.\\n"',
        )
        report = translations.import_texts(world.engine.db, "reform", sheet, "po", act=world.act())
        assert len(report.added) == 2, (report, sheet)
        world.turn()
        assert world.mailbox("badr@")[0]["Subject"] == "ساعات"
    else:
        world.until(datetime(2019, 3, 13, 23, tzinfo=UTC))
        assert world.mailbox("badr@")[0]["Subject"] == "Office hours"
    with world.engine.db.read() as tx:
        assert announcements.by_slug(tx, world.process().id, "hours").state == "mailed"


def test_a_rehearsal_says_what_will_wait(world: World, databases: object) -> None:
    order(world)
    copied = databases.fresh("sqlite")  # type: ignore[attr-defined]
    rehearse.copy(world.engine.db, copied, now=world.now)
    stage = World(copied)
    made = rehearse.rehearse(stage.engine, world.process().id, days=8, act=world.act())
    stage.close()
    notes = {one.addr: one.why for one in made.mails if one.kind == "edition"}
    assert notes["badr@south.example"] == "held: waits for ar until 2019-03-18 14:00 UTC, 4 texts missing"
    assert notes["ana@west.example"] == ""
    (call,) = (one for one in made.mails if one.key.startswith("call:ar:edition:core:2019-03-18"))
    assert (call.addr, call.subject) == ("tara@words.example", "للترجمة: The reform digest, 2019-03-18")
    assert f"{call.at:%m-%d %H:%M}" == "03-18 07:00"  # when the draft is made, 08:00 in Berlin


@pytest.mark.parametrize(
    ("lang", "hours", "why"),
    [("en", 6, "source language"), ("xx", 6, "xx"), ("ar", 999, "1 to 336 hours"), ("fr", 0, "does not wait for fr")],
)
def test_orders_that_make_no_sense(world: World, lang: str, hours: int, why: str) -> None:
    with pytest.raises(Refused, match=why):
        order(world, hours, lang)


def test_an_order_is_given_once_taken_back_and_doubted(world: World) -> None:
    assert order(world, 6, "AR") == "ar"
    with pytest.raises(Refused, match="already"):
        order(world, 6)
    assert [(one.name, one.lang, one.hours) for one in translators.orders(world.engine, world.process().id)] == [
        ("core", "ar", 6)
    ]
    order(world, 0)
    assert not translators.orders(world.engine, world.process().id)
    assert translators.doubts(world.engine, world.process(), "ar") == []
    first, second = translators.doubts(world.engine, world.process(), "ja")
    assert "nobody reads ja first" in first
    assert "alarm@team.example is called" in second
