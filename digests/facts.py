"""What is recorded of a subject: the facts of an entry, and of everything else (model N2).

Facts are stored after every event as a whole. Raises ValueError, naming the field, for contradictory facts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from digests.subject import Status, SubjectKind
from digests.when import Session, When


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
    Words of people never stand here: events are kept for ever, words may have to be forgotten (E1).
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


def flat(facts: AnyFacts) -> dict[str, str]:
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
