"""Subjects: whatever can be news, the status each can have, and the view a reader has of it (model N4).

A view holds the loud facts alone. Two views are equal exactly when there is nothing to tell.
"""

from dataclasses import dataclass
from enum import StrEnum


class SubjectKind(StrEnum):
    """What a subject is."""

    ENTRY = "entry"  # a thing on the timeline
    QUESTION = "question"  # something the process asks
    ANNOUNCEMENT = "announcement"  # a folded one: told in the next digest
    SUMMARY = "summary"  # a text about what was heard
    HEARD = "heard"  # a public statement as others see it
    STATEMENT = "statement"  # a statement as its author sees it


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A subject by kind and number."""

    kind: SubjectKind
    id: int

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.id}"


class Status(StrEnum):
    """Where a subject is in its life; planned and open are alive."""

    PLANNED = "planned"  # lies ahead
    OPEN = "open"  # goes on now
    OVER = "over"  # happened, closed, expired
    CANCELLED = "cancelled"  # called off, withdrawn


ALIVE = frozenset({Status.PLANNED, Status.OPEN})

FADING = frozenset({SubjectKind.ANNOUNCEMENT, SubjectKind.SUMMARY})
"""Kinds whose end is no news: an expired announcement is not announced once more (N17)."""


@dataclass(frozen=True, slots=True)
class View:
    """What a reader knows of a subject: its status and, while it is alive, the loud facts as (name, text) pairs."""

    status: Status
    loud: tuple[tuple[str, str], ...] = ()

    @property
    def alive(self) -> bool:
        """Whether old values of it may be quoted."""
        return self.status in ALIVE

    def get(self, name: str) -> str:
        """A loud fact as text; empty when it has none."""
        return dict(self.loud).get(name, "")
