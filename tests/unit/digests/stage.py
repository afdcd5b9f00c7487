"""A small timeline to decide and assemble on: events are recorded by saying what is true from now on."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from digests.chronicle import Chronicle
from digests.landing import Hours
from digests.news import ALL_TRACKS, Edition, Interests, Reader
from digests.subject import Subject, SubjectKind
from digests.timeline import AnyFacts, EntryKind, Event, Facts, Status, When, changes, event_kind
from digests.wall import zone

BERLIN = zone("Europe/Berlin")
MONDAY = datetime(2019, 3, 18, 8, 0, tzinfo=UTC)  # 09:00 in Berlin
WEEK = timedelta(days=7)
EVERYTHING = Interests(((ALL_TRACKS, 0),))


def entry(number: int) -> Subject:
    return Subject(SubjectKind.ENTRY, number)


def facts(title: str = "Talks", start: str = "2019-03-15", end: str | None = "2019-05-31", **more: Any) -> Facts:
    """An open consultation unless told otherwise."""
    given = {"kind": EntryKind.CONSULTATION, "tracks": ("core",), "status": Status.OPEN, "participate": True, **more}
    return Facts(title=title, when=When(start, end), **given)


class Stage:
    """A chronicle under construction."""

    def __init__(self) -> None:
        self.chronicle, self.seq = Chronicle(), 0

    def say(self, subject: Subject, after: AnyFacts) -> int:
        """Record what is true of a subject from now on; gives the seq."""
        before = self.chronicle.facts(subject, self.seq)
        self.seq += 1
        kind, about = event_kind(before, after), getattr(after, "about", None)
        self.chronicle.add(Event(self.seq, MONDAY, subject, kind, after, changes(before, after), about))
        return self.seq

    def edition(self, **more: Any) -> Edition:
        given: dict[str, Any] = {
            "seq": self.seq,
            "frozen_at": MONDAY,
            "slot_wall": "2019-03-18T09:00",
            "anchor": date(2019, 1, 1),
            "zone": BERLIN,
            "next_freeze": MONDAY + WEEK,
        }
        return Edition(**given | more)


def reader(liaison: int = 1, **more: Any) -> Reader:
    """A newcomer who takes everything, at nine in Berlin."""
    given: dict[str, Any] = {"interests": EVERYTHING, "hours": Hours(BERLIN, 9), "known": ()}
    return Reader(liaison, **given | more)
