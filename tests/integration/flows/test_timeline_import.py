"""Entries and questions from YAML and CSV: reports, history by announcement, the clock, and what there is to see."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from db import process as processes
from db import texts, timeline
from db.engine import Database
from db.tables import Event, Text, TextVersion
from digests.language import choose
from digests.subject import Status
from digests.timeline import EventKind
from flows.process import import_process, need_process
from flows.reports import Changed, ImportReport, NotImported, UnknownName
from flows.timeline import import_questions, import_timeline, next_clock_event, record_clock_events
from flows.timeline_export import export_questions, export_timeline
from flows.timeline_show import show_timeline
from tests.seeds import PROCESS, act, make_process, moment

ENTRIES = """\
entries:
  - id: talk
    kind: consultation
    track: core
    also_tracks: [health]
    start: "2019-03-15"
    end: "2019-05-31"
    announced: {on: "2019-02-26", basis: invented}
    title: {en: Talk with us, ar: تحدثوا معنا}
    description: Say what you think.
    participate: true
    participation: {en: Reply., fr: Répondez.}
    questions: [CH-1]
    location: online
    link: https://demo.example/talk
  - id: report
    kind: publication
    track: money
    start: 2019-07
    announced: {on: "2019-06-01"}
    title: The report
"""
TIMELINE = PROCESS + ENTRIES
QUESTIONS = """\
schema: 1
questions:
  - {id: CH-1, track: health, entry: talk, basis: drafted, text: {en: What helps?, ar: ما الذي يساعد؟}}
"""
SAMPLES = Path(__file__).parents[3] / "samples"


def bring(db: Database, content: str = TIMELINE, day: str = "2019-03-01", **more: object) -> ImportReport:
    return import_timeline(db, "demo", content, act=act(day), **more)  # type: ignore[arg-type]


def seqs(db: Database) -> int:
    with db.read() as tx:
        return need_process(tx, "demo").last_seq


def statuses(db: Database) -> dict[str, str]:
    with db.read() as tx:
        return {one.slug: one.facts.status.value for one in timeline.entries(tx, 1)}


def test_a_first_import_records_an_event_for_each_entry(database: Database) -> None:
    make_process(database)
    report = bring(database)
    assert (report.added, report.changed, report.ok) == (("talk", "report"), (), True)
    with database.read() as tx:
        events = timeline.events_between(tx, 1, 0, 99)
        wordings = texts.load_texts(tx, 1, [("entry", 1)])
    assert [(event.seq, event.kind) for event in events] == [(1, EventKind.ADDED), (2, EventKind.ADDED)]
    assert choose(wordings["entry", 1, "title"], ["ar"]).body == "تحدثوا معنا"  # type: ignore[union-attr]
    assert choose(wordings["entry", 1, "how"], ["de", "fr"], strict=True).lang == "fr"  # type: ignore[union-attr]
    assert statuses(database) == {"talk": "planned", "report": "planned"}


def test_the_same_file_twice_changes_nothing(database: Database) -> None:
    make_process(database)
    bring(database)
    import_questions(database, "demo", QUESTIONS, act=act("2019-03-01"))

    def rows() -> list[int]:
        with database.read() as tx:
            return [
                tx.execute(select(func.count()).select_from(table)).scalar_one() for table in (Event, Text, TextVersion)
            ]

    before = rows()
    report = bring(database, day="2019-03-02")
    assert (report.added, report.changed, report.unchanged) == ((), (), ("talk", "report"))
    assert import_questions(database, "demo", QUESTIONS, act=act()).unchanged == ("CH-1",)
    assert rows() == before


def test_a_changed_file_records_exactly_what_changed(database: Database) -> None:
    make_process(database)
    bring(database)
    changed = (
        TIMELINE.replace("2019-05-31", "2019-06-15").replace("Say what", "Tell us what").replace("Répondez", "Dites")
    )
    report = bring(database, changed.replace('"2019-06-15"', '"2019-06-15"\n    reason: More time.'))
    assert report.changed == (Changed("talk", ("description", "end", "reason", "how:fr")),)
    with database.read() as tx:
        (event,) = timeline.events_between(tx, 1, 2, 99)
    assert [(one.field, one.was, one.now) for one in event.changes] == [
        ("description", "Say what you think.", "Tell us what you think."),
        ("end", "2019-05-31", "2019-06-15"),
        ("reason", "", "More time."),
    ]


def test_a_new_translation_is_no_event_and_a_new_source_makes_others_outdated(sqlite: Database) -> None:
    make_process(sqlite)
    bring(sqlite)
    report = bring(sqlite, TIMELINE.replace("ar: تحدثوا معنا", "ar: تحدثوا معنا, de: Reden Sie mit"))
    assert report.changed == (Changed("talk", ("title:de",)),)
    assert seqs(sqlite) == 2
    report = bring(sqlite, TIMELINE.replace("en: Talk with us", "en: Talk to us"))
    assert report.changed == (Changed("talk", ("title",)),)
    assert report.warnings == ("talk: the title in ar is outdated now", "talk: the title in de is outdated now")
    with sqlite.read() as tx:
        assert [(one.field, one.lang) for one in texts.outdated(tx, 1)] == [("title", "ar"), ("title", "de")]


REVISED = TIMELINE.replace('end: "2019-05-31"', 'end: "2019-09-15"').replace(
    "    title: {en: Talk",
    """\
    revisions:
      - {field: end, was: "2019-05-31", announced: {on: "2019-05-28"}, reason: {en: All summer., fr: Tout l'été.}}
      - {field: end, was: "2019-06", announced: {on: "2019-06-20"}, reason: Once more.}
    title: {en: Talk""",
)


def test_history_is_replayed_by_the_days_of_announcement(database: Database) -> None:
    make_process(database)
    told = []
    for day in ("2019-02-25", "2019-02-26", "2019-05-27", "2019-05-28", "2019-06-20", "2019-08-01"):
        report = bring(database, REVISED, day, as_of=date.fromisoformat(day))
        record_clock_events(database, "demo", act=act(day))
        told.append((report.added, [one.fields for one in report.changed], report.unknown_yet))
    assert told == [
        ((), [], ("talk", "report")),
        (("talk",), [], ("report",)),
        ((), [], ("report",)),
        ((), [("end", "precision", "reason", "reason:fr")], ("report",)),
        (("report",), [("end", "precision", "reason")], ()),
        ((), [], ()),
    ]
    with database.read() as tx:
        assert timeline.entries(tx, 1)[0].facts.when.end == "2019-09-15"


def test_cancelled_from_that_day_on(sqlite: Database) -> None:
    make_process(sqlite)
    called_off = TIMELINE.replace(
        "    title: The report",
        "    status: cancelled\n    cancelled: {on: 2019-06-10, reason: No money.}\n    title: R",
    )
    import_timeline(sqlite, "demo", called_off, act=act("2019-06-05"), as_of=date(2019, 6, 5))
    assert statuses(sqlite)["report"] == "planned"
    report = import_timeline(sqlite, "demo", called_off, act=act("2019-06-10"), as_of=date(2019, 6, 10))
    assert report.changed == (Changed("report", ("reason", "status")),)
    assert bring(sqlite, TIMELINE, "2019-06-11").changed[0].fields == ("reason", "status", "title")
    assert statuses(sqlite)["report"] == "planned"


def test_missing_entries_stay_unless_asked(sqlite: Database) -> None:
    make_process(sqlite)
    bring(sqlite)
    only = TIMELINE.partition("  - id: report")[0]
    report = bring(sqlite, only)
    assert (report.missing, report.changed) == (("report",), ())
    report = bring(sqlite, only, cancel_missing=True)
    assert report.changed == (Changed("report", ("status",)),)
    assert statuses(sqlite)["report"] == "cancelled"
    assert bring(sqlite, only, cancel_missing=True).changed == ()


def test_the_clock_records_what_opens_and_closes_once(database: Database) -> None:
    make_process(database)
    bring(database)
    import_questions(database, "demo", QUESTIONS, act=act("2019-03-01"))
    assert record_clock_events(database, "demo", act=act("2019-03-14", hour=22)) == []
    assert next_clock_event(database, "demo", moment("2019-03-01")) == moment("2019-03-14", 23)
    (opened,) = record_clock_events(database, "demo", act=act("2019-03-14", hour=23))
    assert (opened.kind, opened.clock_key) == (EventKind.OPENED, "2019-03-15")
    assert record_clock_events(database, "demo", act=act("2019-03-20")) == []
    assert bring(database, day="2019-03-21").changed == ()
    closed = record_clock_events(database, "demo", act=act("2019-08-01"))
    assert [(one.subject.kind, one.subject.id, one.kind) for one in closed] == [
        ("entry", 1, EventKind.CLOSED),
        ("entry", 2, EventKind.HAPPENED),
        ("question", 1, EventKind.CLOSED),
    ]
    assert record_clock_events(database, "demo", act=act("2020-01-01")) == []
    # Dates that move into the future open it again, and its question with it.
    report = bring(database, TIMELINE.replace("2019-05-31", "2019-12-31"), "2019-09-01")
    assert report.changed == (Changed("talk", ("end", "status")),)
    with database.read() as tx:
        (question,) = timeline.questions(tx, 1)
    assert question.facts.status is Status.OPEN


def test_a_question_waits_for_its_entry(sqlite: Database) -> None:
    make_process(sqlite)
    report = import_questions(sqlite, "demo", QUESTIONS, act=act(), as_of=date(2019, 1, 1))
    assert (report.added, report.unknown_yet) == ((), ("CH-1",))
    report = import_questions(sqlite, "demo", QUESTIONS, act=act())
    assert (report.rejected[0].field, report.rejected[0].line) == ("entry", 3)
    bring(sqlite)
    assert import_questions(sqlite, "demo", QUESTIONS, act=act()).added == ("CH-1",)
    changed = QUESTIONS.replace("What helps?", "What would help?")
    report = import_questions(sqlite, "demo", changed, act=act())
    assert report.changed == (Changed("CH-1", ("title", "text")),)
    with sqlite.read() as tx:
        found = timeline.question_by_code(tx, 1, "ch-1")
    assert found is not None
    assert found.facts.title == "What would help?"


@pytest.mark.parametrize(
    ("was", "becomes", "line", "field", "reason"),
    [
        ("track: core\n", "track: cor\n", 15, "track", "there are core, health, money"),
        ("kind: consultation", "kind: consulting", 14, "kind", "did you mean consultation"),
        ("zone: Europe/Berlin", "zone: Europe/Berln", 5, "zone", "did you mean Europe/Berlin"),
        ("source_language: en", "source_language: english", 6, "source_language", "unknown language"),
        ("also_tracks: [health]", "also_tracks: [healt]", 16, "also_tracks", "unknown track"),
        ('end: "2019-05-31"', "precison: day", 18, "entry", "did you mean precision"),
        ('end: "2019-05-31"', "precision: weekly", 18, "precision", "there are approx, day, month"),
        ('end: "2019-05-31"', 'end: "2019-02-31"', 18, "end", "is not a date"),
        ('end: "2019-05-31"', 'end: "2019-01-31"', 17, "start", "before it starts"),
        ("participate: true", "participate: maybe", 22, "participate", "true or false"),
        ("participate: true", "participate: false", 23, "participation", "participate is false"),
        ("questions: [CH-1]", "questions: [CH-01]", 24, "questions", "such as RR-2"),
        ("link: https://demo", "link: javascript://demo", 26, "link", "begins with https://"),
        ("id: report", "id: talk", 27, "id", "stands in line 13 already"),
        ("id: report", "id: The Report", 27, "id", "lower-case"),
        ("title: The report", 'title: "The\\u0007 report"', 32, "title", "control character"),
        ("title: The report", "note: no title", 27, "title", "is missing"),
        ("title: The report", "title: {en: A, xq: B}", 32, "title", "unknown language"),
        ("title: The report", "title: The report\n    end: &x 1", 33, "file", "anchors"),
        ("title: The report", "title: [The report", 33, "file", "not YAML"),
        ("schema: 1", "schema: 2", 1, "schema", "schema 1"),
        ("slug: demo", "slug: demos", 2, "process", "not of the process demo"),
        ('on: "2019-06-01"', 'on: "June"', 31, "on", "is not a day"),
        ("code: CH,", "code: REV,", 11, "code", "is the code of another track"),
    ],
)
def test_one_fault_and_nothing_is_imported(
    sqlite: Database, was: str, becomes: str, line: int, field: str, reason: str
) -> None:
    make_process(sqlite)
    assert was in TIMELINE
    report = bring(sqlite, TIMELINE.replace(was, becomes, 1))
    assert not report.ok
    found = [(one.line, one.field, reason in one.reason) for one in report.rejected]
    assert (line, field, True) in found, report.rejected
    assert statuses(sqlite) == {}
    assert seqs(sqlite) == 0


def test_all_faults_are_told_at_once(sqlite: Database) -> None:
    make_process(sqlite)
    bad = (
        TIMELINE.replace("track: core\n", "track: x\n").replace("id: report", "id: talk").replace("2019-07", "2019-13")
    )
    assert [one.field for one in bring(sqlite, bad).rejected] == ["track", "id", "start"]


def test_csv_says_the_same(sqlite: Database) -> None:
    make_process(sqlite)
    content = (
        "id,kind,track,also_tracks,start,end,title,title_ar,description,"
        "participation,participation_fr,questions,location,link\n"
        "talk,consultation,core,health,2019-03-15,2019-05-31,Talk with us,تحدثوا معنا,Say what you think.,"
        "Reply.,Répondez.,CH-1,online,https://demo.example/talk\n"
        "report,publication,money,,2019-07,,The report,,,,,,,\n"
    )
    assert bring(sqlite, content, format="csv").added == ("talk", "report")
    assert bring(sqlite).changed == ()
    assert bring(sqlite, content, format="csv").unchanged == ("talk", "report")
    report = bring(sqlite, content.replace("consultation", "consult"), format="csv")
    assert (report.rejected[0].line, report.rejected[0].field) == (2, "kind")
    with pytest.raises(UnknownName, match="csv, ics, yaml"):
        bring(sqlite, content, format="xls")


def test_tracks_and_process_come_with_the_file(sqlite: Database) -> None:
    make_process(sqlite)
    more = TIMELINE.replace("entries:", "  - {slug: law, code: LAW, name: Law}\nentries:").replace(
        "track: money", "track: law"
    )
    report = bring(sqlite, more.replace("name: Demo", "name: Demonstration"))
    assert report.changed[:2] == (Changed("demo", ("name",)), Changed("track law", ("added",)))
    with sqlite.read() as tx:
        assert [track.slug for track in processes.tracks(tx, 1)] == ["core", "health", "money", "law"]
        assert need_process(tx, "demo").name == "Demonstration"


def test_a_process_needs_a_domain_of_its_own(sqlite: Database) -> None:
    with pytest.raises(NotImported, match="needs the domain"):
        import_process(sqlite, PROCESS, act=act())
    with pytest.raises(NotImported, match="not a domain"):
        import_process(sqlite, PROCESS, address_base="no domain", act=act())
    make_process(sqlite)
    other = PROCESS.replace("slug: demo", "slug: other")
    with pytest.raises(NotImported, match=r"every address at demo\.example belongs to the process demo"):
        import_process(sqlite, other, address_base="DEMO.example", act=act())
    with pytest.raises(UnknownName, match="demo"):
        import_timeline(sqlite, "demoo", TIMELINE, act=act())
    with sqlite.read() as tx:
        (manager,) = processes.contacts(tx, 1)
    assert (manager.name, manager.languages, manager.track_id) == ("Manager", ("en", "de"), None)


def test_fallback_languages_come_with_the_process(database: Database) -> None:
    make_process(database)
    more = TIMELINE.replace("  source_language: en\n", "  source_language: en\n  fallbacks: {ca: [es, fr], zh: [en]}\n")
    assert bring(database, more).changed == (Changed("demo", ("fallbacks",)),)
    with database.read() as tx:
        assert processes.fallbacks(tx, 1) == {"ca": ("es", "fr"), "zh-Hans": ("en",)}
    assert bring(database, more).changed == ()
    assert bring(database, export_timeline(database, "demo")).changed == ()
    assert bring(database, more.replace("ca: [es", "xq: [es")).rejected[0].line == 7


def test_an_export_imports_to_the_same(sqlite: Database) -> None:
    make_process(sqlite)
    bring(sqlite, REVISED)
    bring(sqlite, REVISED.replace("en: Talk with us", "en: Talk to us"))  # the Arabic is outdated from now on
    import_questions(sqlite, "demo", QUESTIONS, act=act())
    entries, questions = export_timeline(sqlite, "demo"), export_questions(sqlite, "demo")
    again = bring(sqlite, entries)
    assert (again.ok, again.added, again.changed) == (True, (), ()), again
    assert import_questions(sqlite, "demo", questions, act=act()).unchanged == ("CH-1",)
    assert export_timeline(sqlite, "demo") == entries


def test_an_export_carries_what_is_outdated_to_another_database(sqlite: Database, database: Database) -> None:
    make_process(sqlite)
    bring(sqlite)
    bring(sqlite, TIMELINE.replace("en: Talk with us", "en: Talk to us"))
    entries = export_timeline(sqlite, "demo")
    make_process(database, entries)
    assert bring(database, entries).ok
    with database.read() as tx:
        assert [(one.field, one.lang) for one in texts.outdated(tx, 1)] == [("title", "ar")]
    assert bring(database, entries).changed == ()


def test_what_there_is_to_see(sqlite: Database) -> None:
    make_process(sqlite)
    bring(sqlite)
    record_clock_events(sqlite, "demo", act=act("2019-03-20"))

    def slugs(**filters: object) -> list[str]:
        return [row.slug for row in show_timeline(sqlite, "demo", now=moment("2019-06-15"), **filters)]  # type: ignore[arg-type]

    assert slugs() == ["talk", "report"]
    assert slugs(track="health") == ["talk"]
    assert slugs(kind="publication") == ["report"]
    assert slugs(status="open") == ["talk"]
    assert slugs(upcoming=True) == ["report"]
    assert slugs(changed_since=date(2019, 3, 20)) == ["talk"]
    with pytest.raises(UnknownName, match="health"):
        slugs(track="helth")
    row = show_timeline(sqlite, "demo", now=moment("2019-03-01"), languages=["ar"], changed_since=date(2019, 3, 20))[0]
    assert (row.title, row.lang) == ("تحدثوا معنا", "ar")
    assert [(one.field, one.was, one.now) for one in row.changes] == [("status", "planned", "open")]


def test_the_sample_timeline_from_the_first_day_to_the_last(sqlite: Database) -> None:
    content, questions = (SAMPLES / "timeline.yaml").read_text(), (SAMPLES / "questions.yaml").read_text()
    import_process(sqlite, content, address_base="strategy.example", act=act("2018-03-01"))
    day, changed = date(2018, 3, 1), []
    while day < date(2020, 12, 31):
        now = act(day.isoformat())
        report = import_timeline(sqlite, "strategy", content, as_of=day, act=now)
        assert report.ok, report.rejected
        changed += [one.name for one in report.changed]
        assert import_questions(sqlite, "strategy", questions, as_of=day, act=now).ok
        record_clock_events(sqlite, "strategy", act=now)
        if day == date(2019, 3, 14):
            assert all(row.start < "2020" for row in show_timeline(sqlite, "strategy", now=now.now))
        day += timedelta(days=21)
    assert sorted(changed) == [
        "community-conversations-2019",
        "conversations-2020",
        "final-recommendations",
        "final-recommendations",
        "summit-2020",
        "wg-open-call",
    ]
    last = import_timeline(sqlite, "strategy", content, act=act("2021-01-31"))
    assert (last.added, last.changed, len(last.unchanged)) == ((), (), 80)
    record_clock_events(sqlite, "strategy", act=act("2021-01-31"))
    assert {row.status for row in show_timeline(sqlite, "strategy", now=moment("2021-01-31"))} == {"over", "cancelled"}
    with sqlite.read() as tx:
        assert {one.status for one in timeline.questions(tx, 1)} == {"over"}
