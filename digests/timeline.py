"""The timeline: what is recorded of a subject (facts), how it is worth telling (views), and what the clock adds.

Facts are stored after every event as a whole (N2), so the state of anything at any `seq` is one look-up. Nothing here
reads a clock: `now` is a parameter. Raises ValueError, naming the field, for facts that contradict themselves.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo

from digests.subject import ALIVE, FADING, Status, Subject, SubjectKind, View
from digests.wall import moment_text
from digests.when import Precision, Session, When

__all__ = [
    "ALIVE",
    "FADING",
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
    "status_by_dates",
    "view",
]


class EntryKind(StrEnum):
    """Kinds of entries."""

    PHASE = "phase"  # a stretch of the process
    MILESTONE = "milestone"  # a point reached
    EVENT = "event"  # a meeting
    PUBLICATION = "publication"  # a text comes out
    CONSULTATION = "consultation"  # people are asked, from a day to a day
    DEADLINE = "deadline"  # the last day for something


OPENING = frozenset({EntryKind.PHASE, EntryKind.CONSULTATION})
"""Kinds that open and close; the others happen, or close, at one point."""
CLOSING = OPENING | {EntryKind.DEADLINE}


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
class Facts:
    """Everything recorded of an entry. Texts are in the process's source language; translations live elsewhere."""

    kind: EntryKind
    title: str
    when: When
    tracks: tuple[str, ...]  # slugs, the main one first
    status: Status = Status.PLANNED
    description: str = ""
    sessions: tuple[Session, ...] = ()
    place: str = ""
    link: str = ""
    participate: bool = False
    how: str = ""
    questions: tuple[str, ...] = ()  # codes
    tell: int = 0  # raised when an editor ticks "tell this" for a quiet change
    reason: str = ""  # why it changed last, or was cancelled

    def __post_init__(self) -> None:
        if not self.tracks:
            raise ValueError("tracks: an entry belongs to at least one track")
        if len(set(self.tracks)) != len(self.tracks):
            raise ValueError(f"tracks: named twice in {', '.join(self.tracks)}")
        object.__setattr__(self, "sessions", tuple(sorted(self.sessions)))

    def as_document(self) -> dict[str, Any]:
        """Plain values for storage; absent facts are left out, so that adding a field changes no stored document."""
        return _document(self)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """What `as_document` gave; unknown keys are ignored."""
        known = _known(cls, document)
        known["kind"], known["status"] = EntryKind(known["kind"]), Status(known.get("status", "planned"))
        known["when"] = When.of_document(known["when"])
        known["sessions"] = tuple(Session.parse(text) for text in known.get("sessions", ()))
        return cls(**known)

    def to_json(self) -> str:
        """The stored document as stable text."""
        return _dump(self.as_document())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave."""
        return cls.of_document(json.loads(text))


@dataclass(frozen=True, slots=True)
class OtherFacts:
    """Everything recorded of a question, announcement, summary or statement.

    `status`: open while it stands; a heard statement is recorded as over, for it happened: a newcomer is not told of
    all those before. `state` and `links` are loud: `answered`; `response:7`, `merged:S-12`, `cited:R-4`.
    """

    title: str = ""
    status: Status = Status.OPEN
    tracks: tuple[str, ...] = ()  # none: concerns everybody
    ref: str = ""  # RR-2, S-1042, or the slug of an announcement
    state: str = ""
    links: tuple[str, ...] = ()
    closes: str = ""  # the moment at which it closes or expires, or nothing
    entry: int | None = None  # the entry that asks a question
    about: int | None = None  # the liaison whose statement it is
    tell: int = 0

    def as_document(self) -> dict[str, Any]:
        """Plain values for storage."""
        return _document(self)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """What `as_document` gave; unknown keys are ignored."""
        known = _known(cls, document)
        return cls(**known | {"status": Status(known.get("status", "open"))})

    def to_json(self) -> str:
        """The stored document as stable text."""
        return _dump(self.as_document())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave."""
        return cls.of_document(json.loads(text))


AnyFacts = Facts | OtherFacts


def facts_of(kind: SubjectKind, document: Mapping[str, Any]) -> AnyFacts:
    """The facts of a stored document, by the kind of its subject."""
    return (Facts if kind is SubjectKind.ENTRY else OtherFacts).of_document(document)


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
    old = {} if before is None else _flat(before)
    new = _flat(after)
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
    flat = _flat(facts)
    if facts.status is Status.OVER:
        return View(Status.OVER, _pick(flat, ("tell",)))
    loud = _LOUD_ENTRY if isinstance(facts, Facts) else _LOUD_OTHER
    return View(facts.status, _pick(flat, loud))


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


def _document(facts: AnyFacts) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for field in fields(facts):
        value = getattr(facts, field.name)
        if value in ("", (), None, 0) and value is not False:
            continue
        if isinstance(value, When):
            value = value.as_document()
        elif isinstance(value, tuple):
            value = [str(part) for part in value]
        elif isinstance(value, StrEnum):
            value = value.value
        document[field.name] = value
    return document


def _known(cls: type[Facts] | type[OtherFacts], document: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(cls)}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in document.items() if k in names}


def _flat(facts: AnyFacts) -> dict[str, str]:
    """Every fact as text: dates taken apart, lists joined."""
    document = _document(facts)
    document |= document.pop("when", {})
    return {name: _text(value) for name, value in document.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if value is None:
        return ""
    return ", ".join(value) if isinstance(value, list) else str(value)


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
