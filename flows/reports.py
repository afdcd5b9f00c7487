"""What an import did, or why it did nothing: added, changed, unchanged, rejected, missing, and warnings.

Line numbers count from 1, in the file as given. If anything is rejected, nothing was imported.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from flows.engine import Refused


def at_line(line: int) -> str:
    """Where something stands in a file; nothing where there is no file (line 0)."""
    return f"line {line}: " if line else ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One value that cannot be used: where it stands, what it is, and what would be right."""

    line: int
    field: str
    value: str
    reason: str

    def __str__(self) -> str:
        shown = f" {self.value!r}" if self.value else ""
        return f"{at_line(self.line)}{self.field}{shown}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that the import changed, and which of its fields."""

    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of one import; names are slugs, codes or addresses."""

    what: str
    added: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = ()
    unchanged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()  # known, but not in the file; nothing was done about them
    rejected: tuple[Rejected, ...] = ()
    warnings: tuple[str, ...] = ()
    unknown_yet: tuple[str, ...] = field(default=())  # in the file, but announced later than the day asked for

    @property
    def ok(self) -> bool:
        """Whether the file was imported (even if it changed nothing)."""
        return not self.rejected

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "what": self.what,
            "ok": self.ok,
            "added": list(self.added),
            "changed": [{"name": c.name, "fields": list(c.fields)} for c in self.changed],
            "unchanged": list(self.unchanged),
            "missing": list(self.missing),
            "unknown_yet": list(self.unknown_yet),
            "rejected": [
                {"line": r.line, "field": r.field, "value": r.value, "reason": r.reason} for r in self.rejected
            ],
            "warnings": list(self.warnings),
        }


def nearest(value: str, allowed: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The valid values that look most like `value`, best first; none if nothing comes close."""
    known = list(allowed)
    by_fold = {name.casefold(): name for name in known}
    found = get_close_matches(value.casefold(), by_fold, n=most, cutoff=0.5)
    return tuple(by_fold[name] for name in found)


def unknown(what: str, value: str, allowed: Iterable[str]) -> str:
    """A sentence that says which value is unknown and which valid ones are near, or all if they are few."""
    known = sorted(set(allowed))
    near = nearest(value, known) if len(known) > 3 else ()
    if near:
        return f"unknown {what}; did you mean {' or '.join(near)}?"
    if 0 < len(known) <= 12:
        return f"unknown {what}; there are {', '.join(known)}"
    return f"unknown {what}"


class UnknownName(Refused):
    """Something that was asked for by name does not exist; the message names the nearest valid ones."""

    def __init__(self, what: str, value: str, allowed: Iterable[str]) -> None:
        super().__init__(f"{value!r}: {unknown(what, value, allowed)}")
        self.what = what
        self.value = value


class NotImported(Refused):
    """A file was refused as a whole; `rejected` says why."""

    def __init__(self, rejected: tuple[Rejected, ...]) -> None:
        super().__init__("\n".join(str(one) for one in rejected))
        self.rejected = rejected
