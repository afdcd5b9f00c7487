"""Texts out to translators and back, on both databases; what a reader of an outdated translation gets."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from db import editions
from db.engine import Database
from flows import announce, preview, timeline, translations
from flows import process as processes
from flows.announce import Text
from flows.engine import Refused
from tests.world import ENTRIES, LIAISONS, PROCESS, World


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    made.populate(liaisons=LIAISONS.replace(",ar en,", ",ar,"))
    yield made
    made.close()


def export(world: World, lang: str, form: str = "po") -> str:
    return translations.export_texts(world.engine.db, "reform", lang, form, act=world.act())


def take(world: World, content: str, form: str = "po", **more: str):
    return translations.import_texts(world.engine.db, "reform", content, form, act=world.act(), **more)


def of(world: World, lang: str) -> translations.LanguageStatus:
    return next(row for row in translations.status(world.engine.db, "reform") if row.lang == lang)


def change_title(world: World, title: str) -> None:
    content = PROCESS + ENTRIES.format(talks_end="2019-03-31").replace("en: Talks about money,", f"en: {title},")
    assert timeline.import_timeline(world.engine.db, "reform", content, act=world.act()).ok


@pytest.mark.parametrize("form", ["po", "xliff", "yaml"])
def test_export_translate_import_and_again(world: World, form: str) -> None:
    out = export(world, "fr", form)
    if form == "po":
        filled = out.replace('msgid "Talks about money"\nmsgstr ""', 'msgid "Talks about money"\nmsgstr "Débat"')
    elif form == "xliff":
        source = "<source>Talks about money</source>"
        filled = out.replace(source, f"{source}<target>Débat</target>")
    else:
        filled = out.replace(
            "source: Talks about money\n  translation: ''", "source: Talks about money\n  translation: Débat"
        )
    assert filled != out
    report = take(world, filled, form)
    assert report.ok, report.rejected
    assert report.added == ("entry/talks/title",)
    assert len(report.missing) == of(world, "fr").texts - 1 > 5
    assert take(world, filled, form).unchanged == ("entry/talks/title",)
    again = take(world, export(world, "fr", form), form)
    assert (again.added, again.changed) == ((), ())
    assert (of(world, "fr").fresh, of(world, "ar").readers) == (1, 1)


def test_a_changed_source_makes_translations_outdated_and_says_so(world: World) -> None:
    before = export(world, "ar")
    change_title(world, "Talks on money and power")
    assert of(world, "ar").outdated == ("entry/talks/title",)
    sheet = export(world, "ar")
    assert "#, fuzzy" in sheet
    kept = take(world, sheet)
    assert (kept.changed, of(world, "ar").outdated) == ((), ("entry/talks/title",))
    # A file from before the change, translated only now: it is of the earlier source and stays outdated.
    late = take(world, before.replace("نقاش حول المال", "محادثات حول المال"))
    assert [one.name for one in late.changed] == ["entry/talks/title"]
    assert "outdated" in late.warnings[0]
    assert of(world, "ar").outdated == ("entry/talks/title",)
    done = take(world, export(world, "ar").replace("#, fuzzy\n", ""))
    assert [one.name for one in done.changed] == ["entry/talks/title"]
    assert of(world, "ar").outdated == ()
    older = take(world, before)
    assert older.changed == ()
    assert of(world, "ar").outdated == ()


def test_a_reader_sees_that_a_title_is_outdated_and_never_an_outdated_instruction(world: World) -> None:
    content = PROCESS + ENTRIES.format(talks_end="2019-03-31").replace("en: Talks about money,", "en: Money talks,")
    content = content.replace("en: Reply to this mail.,", "en: Reply before noon.,")
    assert timeline.import_timeline(world.engine.db, "reform", content, act=world.act()).ok
    assert of(world, "ar").outdated == ("entry/talks/how", "entry/talks/title")
    world.until(datetime(2019, 3, 11, 23, 0, tzinfo=UTC))
    mail = world.mailbox("badr")[0].text
    assert "نقاش حول المال" in mail
    assert "أقدم من مصدره" in mail
    assert "Reply before noon." in mail
    assert "ردوا على هذه الرسالة." not in mail


def test_what_is_wrong_is_named_with_its_line_and_nothing_is_taken(world: World) -> None:
    out = export(world, "fr", "yaml").replace(
        "source: Talks about money\n  translation: ''", "source: Talks about money\n  translation: Débat"
    )
    for wrong, field, reason in (
        (out.replace("text: entry/talks/title", "text: entry/talk/title"), "text", "did you mean entry/talks/title"),
        (out.replace("source: Talks about money", "source: Talks about many"), "source", "never said"),
        (out.replace("translation: Débat", 'translation: "De\\nbat"'), "entry/talks/title", "one line"),
        (out.replace("translation: Débat", 'translation: "De\\ebat"'), "translation", "control character"),
        (out.replace("process: reform", "process: other"), "process", "another process"),
        (
            out.replace("language: fr", "language: en", 1).replace("source_language: en", "source_language: en"),
            "language",
            "source language",
        ),
        (out.replace("\nlanguage: fr", "\nlanguage: qq"), "language", "unknown language"),
        (out.replace("\nlanguage: fr", ""), "language", "--language"),
        (out + "- text: entry/talks/title\n  source: Talks about money\n  translation: Deux\n", "text", "twice"),
        ("[", "file", "not YAML"),
    ):
        assert wrong != out
        report = take(world, wrong, "yaml")
        assert not report.ok, (field, reason)
        assert [(one.field, reason in one.reason) for one in report.rejected][:1] == [(field, True)], report.rejected
    assert "fr" not in {row.lang for row in translations.status(world.engine.db, "reform")}
    po = take(world, "hello there\n")
    assert po.rejected[0].field == "file"
    assert take(world, "", lang="fr").ok
    with pytest.raises(Refused, match="source language"):
        export(world, "en")
    with pytest.raises(Refused, match="unknown language"):
        export(world, "frr-x")


def test_fallbacks_of_everybody_come_before_the_source(world: World) -> None:
    sheet = export(world, "fr").replace('msgid "Open meeting"\nmsgstr ""', 'msgid "Open meeting"\nmsgstr "Réunion"')
    assert take(world, sheet).ok
    content = PROCESS.replace("  contacts:", '  fallbacks: {"": [fr]}\n  contacts:', 1)
    processes.import_process(world.engine.db, content, act=world.act())
    world.until(datetime(2019, 3, 11, 23, 0, tzinfo=UTC))
    assert "Réunion" in world.mailbox("badr")[0].text
    assert "Réunion" not in world.mailbox("ana@")[0].text


def test_names_are_translated_like_texts_and_stand_in_mails(world: World) -> None:
    names = {"Money": "المال", "The reform digest": "نشرة الإصلاح", "The reform": "الإصلاح"}
    sheet = export(world, "ar")
    for name, said in names.items():
        sheet = sheet.replace(f'msgid "{name}"\nmsgstr ""', f'msgid "{name}"\nmsgstr "{said}"')
    report = take(world, sheet)
    assert report.ok, report.rejected
    assert set(report.added) == {"track/money/name", "digest/core/title", "process/reform/name"}
    badr, ana = preview_for(world, "badr@south.example"), preview_for(world, "ana@west.example")
    assert all(said in badr for said in names.values())
    assert not any(said in ana for said in names.values())
    content = PROCESS.replace("name: Money,", "name: Funds,") + ENTRIES.format(talks_end="2019-03-31")
    assert timeline.import_timeline(world.engine.db, "reform", content, act=world.act()).ok
    renamed = preview_for(world, "badr@south.example")
    assert "Funds" in renamed  # an older name's translation would mislead
    assert "نشرة الإصلاح" in renamed
    assert 'msgid "Funds"\nmsgstr "المال"' in export(world, "ar")  # shown to the translator as outdated
    assert "track/money/name" in of(world, "ar").outdated


def preview_for(world: World, address: str) -> str:
    with world.engine.db.read() as tx:
        (series,) = editions.digests(tx, world.process().id)
    made = preview.preview(world.engine, world.process(), series, address, at=world.now, act=world.act())
    return made.subject + "\n" + made.text


def test_what_was_mailed_wants_no_translator(world: World) -> None:
    """Nobody gets its words any more; a file that was made before it left is still taken."""
    said = {"en": Text("Office hours", "On Thursday.\n")}
    for slug in ("hours", "later"):
        announce.add(world.engine, world.process().id, slug, said, act=world.act())
    before, count = export(world, "ar"), of(world, "ar").texts
    assert "announcement/hours/title" in before
    announce.schedule(world.engine, world.process().id, "hours", act=world.act())
    world.turn()
    after = export(world, "ar")
    assert "announcement/hours" not in after
    assert "announcement/later/title" in after
    assert of(world, "ar").texts == count - 2
    assert "announcement/hours/title" not in of(world, "ar").missing
    assert take(world, before).ok
