"""The timeline: recorded events, what of the facts is worth telling (views), and what the clock adds (model N2 to N4).

An event carries the whole facts after it, so the state of anything at any `seq` is one look-up. Nothing here reads a
clock: `now` is a parameter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from digests.facts import CLOSING, OPENING, AnyFacts, EntryKind, Facts, OtherFacts, facts_of, flat
from digests.subject import ALIVE, FADING, Status, Subject, SubjectKind, View
from digests.wall import moment_text
from digests.when import Precision, Session, When

__all__ = [
    "ALIVE",
    "CLOSING",
    "FADING",
    "OPENING",
    "AnyFacts",
    "Change",
    "ClockEvent",
    "EntryKind",
    "Event",
    "EventKind",
    "Facts",
    "OtherFacts",
    "Precision",
    "Session",
    "Status",
    "Subject",
    "SubjectKind",
    "View",
    "When",
    "changes",
    "clock_events",
    "closing_at",
    "event_kind",
    "facts_of",
    "hops",
    "next_clock",
    "status_by_dates",
    "view",
]


class EventKind(StrEnum):
    """Kinds of recorded events."""

    ADDED = "added"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    OPENED = "opened"  # by the clock, like the next two
    CLOSED = "closed"
    HAPPENED = "happened"


@dataclass(frozen=True, slots=True)
class Change:
    """One fact before and after, as text; empty where there was none."""

    field: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded event: its place in the order, its subject, and the whole facts after it."""

    seq: int
    at: datetime
    subject: Subject
    kind: EventKind
    after: AnyFacts
    changes: tuple[Change, ...] = ()
    about_liaison: int | None = None
    clock_key: str | None = None


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """What the clock adds (N3). `clock_key` is the date that fell due; with subject and kind it is unique."""

    kind: EventKind
    clock_key: str
    due_at: datetime
    after: Facts


def changes(before: AnyFacts | None, after: AnyFacts) -> tuple[Change, ...]:
    """The facts that differ, sorted by name; everything there is when there was nothing before."""
    old = {} if before is None else flat(before)
    new = flat(after)
    names = sorted(old.keys() | new.keys())
    return tuple(Change(n, old.get(n, ""), new.get(n, "")) for n in names if old.get(n, "") != new.get(n, ""))


def event_kind(before: AnyFacts | None, after: AnyFacts) -> EventKind:
    """What a person's or an import's event is called."""
    if before is None:
        return EventKind.ADDED
    if after.status is Status.CANCELLED and before.status is not Status.CANCELLED:
        return EventKind.CANCELLED
    if after.status in ALIVE and before.status not in ALIVE:
        return EventKind.REOPENED
    return EventKind.CHANGED


def view(facts: AnyFacts) -> View:
    """The loud facts alone (N4). Cancelled is one view; over is one view but for an editor's "tell this"."""
    if facts.status is Status.CANCELLED:
        return View(Status.CANCELLED)
    texts = flat(facts)
    if facts.status is Status.OVER:
        return View(Status.OVER, _pick(texts, ("tell",)))
    loud = _LOUD_ENTRY if isinstance(facts, Facts) else _LOUD_OTHER
    return View(facts.status, _pick(texts, loud))


def hops(before: AnyFacts | None, after: AnyFacts) -> bool:
    """Whether a subject changed track: from then on it takes the exact path for selective readers (N13)."""
    return before is not None and set(before.tracks) != set(after.tracks)


def status_by_dates(facts: Facts, now: datetime, where: ZoneInfo) -> Status:
    """The status that the dates give; a cancelled entry stays cancelled. Use it whenever a person sets dates."""
    if facts.status is Status.CANCELLED:
        return Status.CANCELLED
    if now >= _ended_at(facts, where):
        return Status.OVER
    if facts.kind in OPENING and now >= facts.when.started_at(where):
        return Status.OPEN
    return Status.PLANNED


def clock_events(facts: Facts, now: datetime, where: ZoneInfo) -> tuple[ClockEvent, ...]:
    """What fell due by `now` and is not yet in the facts: at most one event, the last of those due."""
    due = status_by_dates(facts, now, where)
    if facts.status is Status.PLANNED and due is Status.OPEN:
        at = facts.when.started_at(where)
        after = replace(facts, status=Status.OPEN)
        return (ClockEvent(EventKind.OPENED, facts.when.started_day().isoformat(), at, after),)
    if facts.status in ALIVE and due is Status.OVER:
        kind = EventKind.CLOSED if facts.kind in CLOSING else EventKind.HAPPENED
        at = _ended_at(facts, where)
        return (ClockEvent(kind, _end_key(facts, at), at, replace(facts, status=Status.OVER)),)
    return ()


def next_clock(facts: Facts, now: datetime, where: ZoneInfo) -> datetime | None:
    """The next instant after `now` at which the clock will have something to say of these facts."""
    if facts.status not in ALIVE:
        return None
    starts = [facts.when.started_at(where)] if facts.kind in OPENING and facts.status is Status.PLANNED else []
    return min((at for at in [*starts, _ended_at(facts, where)] if at > now), default=None)


def closing_at(facts: AnyFacts, where: ZoneInfo) -> datetime | None:
    """The instant at which one can no longer take part; None when it never closes by itself."""
    if isinstance(facts, Facts):
        return _ended_at(facts, where)
    return datetime.fromisoformat(facts.closes) if facts.closes else None


_LOUD_ENTRY = (
    "start",
    "end",
    "precision",
    "sessions",
    "place",
    "tracks",
    "participate",
    "how",
    "questions",
    "tell",
)
_LOUD_OTHER = ("tracks", "state", "links", "closes", "tell")


def _ended_at(facts: Facts, where: ZoneInfo) -> datetime:
    if facts.sessions:
        return max(session.end for session in facts.sessions)
    return facts.when.ended_at(where)


def _end_key(facts: Facts, at: datetime) -> str:
    return moment_text(at) if facts.sessions else facts.when.last_day().isoformat()


def _pick(flat: Mapping[str, str], names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, flat[name]) for name in names if flat.get(name))
