"""What an editor gives an edition: the calendar beside it."""

import email
import email.policy
from datetime import UTC, datetime
from typing import Any

from icalendar import Calendar

from flows import calendar, preview, schedule
from tests.world import World

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
