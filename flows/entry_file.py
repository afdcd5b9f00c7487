"""Reading one entry of a timeline file. Pure.

An entry of a file has a past: `EntryPart.known_on(day)` says what was announced of it by then (dates that moved later
still stand at their old value), or None where it was not announced yet.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from digests.subject import Status
from digests.timeline import EntryKind
from digests.when import Precision, Session, When
from flows.fields import Fields
from flows.source import Mapping, Scalar
from flows.words import Words, read_words

CODE = re.compile(r"[A-Z]+-[1-9][0-9]{0,2}")
_FOREVER = date.max
ENTRY_NAMES = (
    *("id", "kind", "track", "also_tracks", "start", "end", "precision", "starts_at", "ends_at", "second_session"),
    *("sessions", "announced", "revisions", "status", "cancelled", "reason", "title", "description", "participate"),
    *("participation", "questions", "location", "path", "link", "path_seen", "source", "confidence", "note"),
)


@dataclass(frozen=True, slots=True)
class Revision:
    """A date that moved: which one, its value until the day it moved, and why."""

    field: str
    was: str
    moved_on: date
    reason: Words
    line: int


@dataclass(frozen=True, slots=True)
class Stage:
    """The dates of an entry from the day `since` on, and why they became so."""

    since: date
    when: When
    reason: Words


@dataclass(frozen=True, slots=True)
class EntryPart:
    """An entry as the file has it. `tracks`: the main one first; `stages`: oldest first."""

    line: int
    slug: str
    kind: EntryKind
    tracks: tuple[str, ...]
    stages: tuple[Stage, ...]
    sessions: tuple[Session, ...]
    cancelled_on: date | None
    cancelled_why: Words
    place: str
    link: str
    participate: bool
    questions: tuple[str, ...]
    title: Words
    description: Words
    how: Words

    def known_on(self, day: date | None) -> "Known | None":
        """What was known at the end of that day (None: all that the file knows)."""
        day = day or _FOREVER
        known = [stage for stage in self.stages if stage.since <= day]
        if not known:
            return None
        if self.cancelled_on is not None and self.cancelled_on <= day:
            return Known(known[-1].when, Status.CANCELLED, self.cancelled_why)
        return Known(known[-1].when, Status.PLANNED, known[-1].reason)


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of an entry: its dates, whether it was called off, and why."""

    when: When
    status: Status
    reason: Words


class EntryReader:
    """Reads one entry."""

    def __init__(self, row: Mapping, fields: Fields, source_lang: str) -> None:
        self._row = row
        self._fields = fields
        self._source_lang = source_lang

    def read(self, slug: str, tracks: Collection[str]) -> EntryPart | None:
        """The entry; None if a fault leaves nothing to make of it."""
        row, fields = self._row, self._fields
        faults = len(fields.rejected)
        fields.only(row, ENTRY_NAMES, "entry")
        kind = fields.choice(row, "kind", [one.value for one in EntryKind], "kind")
        main = fields.choice(row, "track", tracks, "track")
        also = fields.choices(row, "also_tracks", tracks, "track")
        if main in also:
            fields.reject(row.line_of("also_tracks"), "also_tracks", main or "", "is the main track already")
        participate = fields.flag(row, "participate", default=row.get("participation") is not None)
        how = self._words(row, "participation")
        if bool(how) != participate:
            what = "says how, but participate is false" if how else "is missing: say how to take part"
            fields.reject(row.line_of("participation"), "participation", "", what)
        stages = self._stages()
        cancelled_on, why = self._cancelled()
        title = self._words(row, "title", required=True)
        rest = (self._words(row, "description"), how, self._sessions(), self._codes())
        place, link = fields.text(row, "location", longest=200), fields.link(row, "link")
        if len(fields.rejected) > faults or kind is None or main is None or not stages:
            return None
        return EntryPart(
            line=row.line,
            slug=slug,
            kind=EntryKind(kind),
            tracks=(main, *also),
            stages=stages,
            sessions=rest[2],
            cancelled_on=cancelled_on,
            cancelled_why=why,
            place=place or "",
            link=link or "",
            participate=participate,
            questions=rest[3],
            title=title,
            description=rest[0],
            how=rest[1],
        )

    def _words(self, of: Mapping, name: str, required: bool = False) -> Words:
        return read_words(of, name, self._fields, self._source_lang, required=required)

    def _codes(self) -> tuple[str, ...]:
        found = self._fields.words(self._row, "questions")
        for code, line in found:
            if not CODE.fullmatch(code):
                self._fields.reject(line, "questions", code, "is not a question's code, such as RR-2")
        return tuple(code for code, _ in found)

    def _sessions(self) -> tuple[Session, ...]:
        row, fields = self._row, self._fields
        found = [self._session(text, line, "sessions") for text, line in fields.words(row, "sessions")]
        starts, ends = fields.instant(row, "starts_at"), fields.instant(row, "ends_at")
        if (row.get("starts_at") is None) != (row.get("ends_at") is None):
            fields.reject(row.line, "starts_at", "", "starts_at and ends_at stand together, or not at all")
        elif starts is not None and ends is not None:
            if ends < starts:
                fields.reject(row.line_of("ends_at"), "ends_at", str(ends), "is before starts_at")
            else:
                found.append(Session(starts, ends))
        second = fields.text(row, "second_session")
        if second is not None:
            found.append(self._session(second, row.line_of("second_session"), "second_session"))
        return tuple(sorted(one for one in found if one is not None))

    def _session(self, text: str, line: int, name: str) -> Session | None:
        try:
            return Session.parse(text)
        except ValueError as error:
            self._fields.reject(line, name, text, str(error))
            return None

    def _announced(self, of: Mapping, required: bool = False) -> date | None:
        node = of.get("announced")
        if isinstance(node, Scalar):
            return self._fields.day(of, "announced")
        inner = self._fields.mapping(of, "announced", required=required)
        if inner is None:
            return None
        self._fields.only(inner, ("on", "basis"), "announced")
        self._fields.choice(inner, "basis", ("source", "invented"), "basis", required=False)
        return self._fields.day(inner, "on", required=True)

    def _stages(self) -> tuple[Stage, ...]:
        """The dates at every time, worked out from the present ones backwards."""
        row, fields = self._row, self._fields
        precision = fields.choice(row, "precision", [one.value for one in Precision], "precision", required=False)
        start, end = fields.when(row, "start", required=True), fields.when(row, "end")
        since = self._announced(row) or date.min
        if start is None:
            return ()
        default = Precision.MONTH if len(start) == 7 else Precision.DAY
        exact = Precision(precision) if precision else default
        dates = {"start": start, "end": end}
        stages: list[Stage | None] = []
        for step in reversed(self._revisions(since)):
            stages.append(self._stage(step.moved_on, dates, exact, step.reason, step.line))
            dates = {**dates, step.field: step.was}
        stages.append(self._stage(since, dates, exact, self._words(row, "reason"), row.line_of("start")))
        return tuple(stage for stage in reversed(stages) if stage is not None)

    def _stage(
        self, since: date, dates: dict[str, str | None], exact: Precision, reason: Words, line: int
    ) -> Stage | None:
        months = any(value is not None and len(value) == 7 for value in dates.values())
        precision = Precision.MONTH if months and exact is Precision.DAY else exact
        try:
            return Stage(since, When(dates["start"] or "", dates["end"], precision), reason)
        except ValueError as error:
            self._fields.reject(line, "start", dates["start"] or "", str(error))
            return None

    def _revisions(self, since: date) -> list[Revision]:
        fields = self._fields
        found: list[Revision] = []
        for one in fields.mappings(self._row, "revisions"):
            fields.only(one, ("field", "was", "announced", "reason", "source"), "revision")
            field = fields.choice(one, "field", ("start", "end"), "field")
            was = fields.when(one, "was", required=True)
            moved_on = self._announced(one, required=True)
            reason = self._words(one, "reason")
            if field is None or was is None or moved_on is None:
                continue
            if moved_on <= since:
                earlier = f"is not after {since}, when what it changed was announced"
                fields.reject(one.line_of("announced"), "announced", str(moved_on), earlier)
            since = moved_on
            found.append(Revision(field, was, moved_on, reason, one.line))
        return found

    def _cancelled(self) -> tuple[date | None, Words]:
        row, fields = self._row, self._fields
        status = fields.choice(row, "status", ("planned", "cancelled"), "status", required=False)
        inner = fields.mapping(row, "cancelled")
        if inner is not None and status != "cancelled":
            fields.reject(inner.line, "cancelled", "", "stands only with status: cancelled")
        if status != "cancelled":
            return None, ()
        if inner is None:
            return date.min, self._words(row, "reason")
        fields.only(inner, ("on", "basis", "reason"), "cancelled")
        return fields.day(inner, "on", required=True), self._words(inner, "reason")
