"""A timeline as iCalendar, out and in."""

from datetime import date, datetime

import pytest
from icalendar import Calendar

from db import timeline
from db.engine import Database
from digests.timeline import Facts, Session
from flows.calendar import export_calendar
from flows.timeline import import_timeline
from tests.seeds import PROCESS, act, make_process, moment

TIMELINE = (
    PROCESS
    + """\
entries:
  - id: talk
    kind: consultation
    track: core
    also_tracks: [health]
    start: "2019-03-15"
    end: "2019-05-31"
    title: {en: "Talk, with; us", ar: تحدثوا معنا}
    description: Say what you think.
    participation: Reply.
    questions: [CH-1]
    link: https://demo.example/talk
  - {id: report, kind: publication, track: money, start: 2019-07, title: The report}
  - id: meeting
    kind: event
    track: health
    start: "2019-06-01"
    end: "2019-06-02"
    sessions: [2019-06-01T11:00Z/2019-06-01T15:00Z, 2019-06-02T03:00Z/2019-06-02T07:00Z]
    location: online
    title: Two meetings
  - {id: off, kind: event, track: core, start: "2019-08-01", title: Off, status: cancelled, reason: No money.}
"""
)
FOREIGN = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Else//EN
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:Meet_42@else.example
DTSTART;TZID=Europe/Berlin:20190701T180000
DTEND;TZID=Europe/Berlin:20190701T193000
SUMMARY:Open call
CATEGORIES:health
URL:https://else.example/42
END:VEVENT
BEGIN:VEVENT
UID:day@else.example
DTSTART;VALUE=DATE:20190704
DTEND;VALUE=DATE:20190707
SUMMARY;LANGUAGE=fr:Trois jours
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def db(sqlite: Database) -> Database:
    make_process(sqlite)
    return sqlite


def facts(db: Database) -> dict[str, Facts]:
    with db.read() as tx:
        return {one.slug: one.facts for one in timeline.entries(tx, 1)}


def test_each_entry_and_session_is_an_event(db: Database) -> None:
    import_timeline(db, "demo", TIMELINE, act=act())
    calendar = Calendar.from_ical(export_calendar(db, "demo", now=moment("2019-03-18"), languages=["ar"]))
    events = {str(one["UID"]): one for one in calendar.walk("VEVENT")}
    assert list(events) == [
        "talk@demo.example",
        "report@demo.example",
        "meeting.s1@demo.example",
        "meeting.s2@demo.example",
        "off@demo.example",
    ]
    talk, report = events["talk@demo.example"], events["report@demo.example"]
    assert (talk["DTSTART"].dt, talk["DTEND"].dt) == (date(2019, 3, 15), date(2019, 6, 1))
    assert (str(talk["SUMMARY"]), talk["SUMMARY"].params["LANGUAGE"]) == ("تحدثوا معنا", "ar")
    assert (report["DTSTART"].dt, report["DTEND"].dt, report["STATUS"]) == (
        date(2019, 7, 1),
        date(2019, 8, 1),
        "TENTATIVE",
    )
    assert events["meeting.s2@demo.example"]["DTSTART"].dt == datetime.fromisoformat("2019-06-02T03:00Z")
    assert events["off@demo.example"]["STATUS"] == "CANCELLED"
    only = Calendar.from_ical(export_calendar(db, "demo", now=moment("2019-03-18"), tracks={"money"}))
    assert [str(one["UID"]) for one in only.walk("VEVENT")] == ["report@demo.example"]


def test_an_export_in_the_source_language_imports_to_the_same(db: Database) -> None:
    import_timeline(db, "demo", TIMELINE, act=act())
    before = facts(db)
    exported = export_calendar(db, "demo", now=moment("2019-03-18"), languages=["en"]).decode()
    report = import_timeline(db, "demo", exported, act=act(), format="ics")
    assert (report.ok, report.changed, report.missing) == (True, (), ()), report
    assert facts(db) == before


def test_a_calendar_from_elsewhere(db: Database) -> None:
    report = import_timeline(db, "demo", FOREIGN, act=act(), format="ics", track="core")
    assert report.added == ("meet-42", "day")
    known = facts(db)
    assert known["meet-42"].sessions == (Session.parse("2019-07-01T16:00Z/2019-07-01T17:30Z"),)
    assert (known["meet-42"].tracks, known["meet-42"].when.start) == (("health",), "2019-07-01")
    assert (known["day"].tracks, known["day"].when.end, known["day"].title) == (("core",), "2019-07-06", "Trois jours")
    assert import_timeline(db, "demo", FOREIGN, act=act(), format="ics", track="core").changed == ()


@pytest.mark.parametrize(
    ("was", "becomes", "line", "field", "reason"),
    [
        ("SUMMARY:Open call\n", "", 12, "SUMMARY", "is missing"),
        ("CATEGORIES:health\n", "CATEGORIES:helth\n", 12, "CATEGORIES", "there are core, health, money"),
        ("DTEND;TZID=Europe/Berlin:20190701T193000", "DTEND:20190601T193000Z", 12, "DTSTART", "before it starts"),
        ("DTEND;TZID=Europe/Berlin:20190701T193000", "RRULE:FREQ=DAILY", 12, "RRULE", "recurring"),
        ("CATEGORIES:health\n", "", 12, "CATEGORIES", "for the whole file with --track"),
        ("Berlin:20190701T18", "Berlin:20190230T18", 12, "DTSTART", "is no date that there is: 20190230T"),
        ("URL:https", "URL:javascript", 12, "URL", "begins with"),
        ("UID:Meet_42@", "UID:@", 12, "UID", "is missing"),
        ("UID:day@", "UID:meet-42@", 20, "UID", "stands in line 12 already"),
        ("BEGIN:VCALENDAR", "BEGIN:VCARD", 1, "file", "not iCalendar"),
        ("DTSTART;TZID=Europe/Berlin", "DTSTART;TZID=Europe/Berlyn", 12, "DTSTART", "did you mean Europe/Berlin"),
        ("DTSTART;TZID=Europe/Berlin:20190701T18", "DTSTART;TZID=Europe/Berlin:20190331T02", 12, "DTSTART", "forward"),
        ("SUMMARY:Open call", "SUMMARY:Open\x07call", 12, "SUMMARY", "control character"),
    ],
)
def test_bad_calendars(db: Database, was: str, becomes: str, line: int, field: str, reason: str) -> None:
    content = FOREIGN.replace("UID:day@else.example", "UID:day@else.example\nCATEGORIES:core")
    assert was in content
    report = import_timeline(db, "demo", content.replace(was, becomes, 1), act=act(), format="ics")
    found = [(one.line, one.field, reason in one.reason) for one in report.rejected]
    assert (line, field, True) in found, report.rejected
    assert facts(db) == {}


def test_what_is_no_calendar_at_all(db: Database) -> None:
    for content in ("", "hello", "BEGIN:VEVENT\n", "BEGIN:VCALENDAR\n", "\x00", "BEGIN:VCALENDAR\nEND:VCALENDAR\n" * 2):
        report = import_timeline(db, "demo", content, act=act(), format="ics", track="core")
        assert (report.ok, report.added) in ((False, ()), (True, ())), content
    todo = "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:a@b\nSUMMARY:Write\nEND:VTODO\nEND:VCALENDAR\n"
    report = import_timeline(db, "demo", todo, act=act(), format="ics", track="core")
    assert [one.reason for one in report.rejected] == ["holds no event, only VTODO: entries are made from VEVENT"]
