"""What an edition shows of the present, news or not: the phase we are in, what one can do now, what is coming.

Sections of state are no news: they depend on interests and on what has closed before the mail leaves (T7), and size
may cut them. A scope holds subjects alone; it is a part of the variant.
"""

import json
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Self
from zoneinfo import ZoneInfo

from digests.chronicle import Chronicle
from digests.subject import ALIVE, Status, Subject, SubjectKind
from digests.timeline import AnyFacts, EntryKind, Facts, OtherFacts, closing_at
from digests.told import Interests

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scope:
    """The subjects shown as state: current phases, what is open by closing date, what is coming by date."""

    here: tuple[Subject, ...] = ()
    open: tuple[Subject, ...] = ()
    coming: tuple[Subject, ...] = ()

    def to_json(self) -> str:
        """Stable text; a part of the variant's key."""
        parts = {"here": self.here, "open": self.open, "coming": self.coming}
        return json.dumps({name: [str(s) for s in part] for name, part in parts.items()}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave."""
        parts = json.loads(text)
        return cls(*(tuple(_subject(name) for name in parts[part]) for part in ("here", "open", "coming")))


@dataclass(frozen=True, slots=True)
class Present:
    """All that is open or coming for certain interests at one seq, before anyone's hour is known."""

    here: tuple[Subject, ...]
    open: tuple[tuple[datetime | None, Subject], ...]  # with the closing, soonest first, those without last
    coming: tuple[Subject, ...]


def present(
    chronicle: Chronicle,
    upto: int,
    interests: Interests,
    zone: ZoneInfo,
    at: datetime,
    hidden: Container[Subject] = (),
) -> Present:
    """What is alive at that moment and concerns these interests; `hidden` is what an editor left out."""
    alive: list[tuple[Subject, AnyFacts]] = []
    for subject in chronicle.subjects(upto):
        facts = chronicle.facts(subject, upto)
        if subject.kind not in (SubjectKind.ENTRY, SubjectKind.QUESTION) or subject in hidden:
            continue
        if facts is not None and facts.status in ALIVE and interests.touches(facts):
            alive.append((subject, facts))
    day = at.astimezone(zone).date()
    asked = {s: f for s, f in alive if isinstance(f, OtherFacts) and _answerable(f, chronicle, upto, day)}
    asking = {facts.entry for facts in asked.values()}
    doable = [(closing_at(f, zone), s) for s, f in alive if s in asked or _doable(f, s.id in asking, day)]
    phases = [(f.when.first_day(), s) for s, f in alive if _is_phase(f) and isinstance(f, Facts)]
    if not phases:  # between two phases, where we are is before the next one, or after the last
        phases = sorted((f.when.first_day(), s) for s, f in alive if isinstance(f, Facts) and _is_next(f))[:1]
    phases = phases or _last_phase(chronicle, upto, interests, hidden)
    opened = {subject for _, subject in doable} | {subject for _, subject in phases}
    coming = [(f.when.first_day(), s) for s, f in alive if isinstance(f, Facts) and s not in opened and _planned(f)]
    return Present(
        here=tuple(subject for _, subject in sorted(phases)),
        open=tuple(sorted(doable, key=lambda pair: (pair[0] or _NEVER, pair[1]))),
        coming=tuple(subject for _, subject in sorted(coming)),
    )


def still_open(
    scope: Scope, chronicle: Chronicle, upto: int, zone: ZoneInfo, before: datetime
) -> tuple[Scope, list[datetime]]:
    """The scope without what closes before that moment, and when the rest of it closes, soonest first."""
    found: list[tuple[Subject, datetime | None]] = []
    for subject in scope.open:
        facts = chronicle.facts(subject, upto)
        found.append((subject, closing_at(facts, zone) if facts is not None else None))
    kept = [(subject, closing) for subject, closing in found if closing is None or closing >= before]
    closing = sorted(closing for _, closing in kept if closing is not None)
    return replace(scope, open=tuple(subject for subject, _ in kept)), closing


def _last_phase(
    chronicle: Chronicle, upto: int, interests: Interests, hidden: Container[Subject]
) -> list[tuple[date, Subject]]:
    found = []
    for subject in chronicle.of_kind(SubjectKind.ENTRY, upto):
        facts = chronicle.facts(subject, upto)
        over = isinstance(facts, Facts) and facts.kind is EntryKind.PHASE and facts.status is Status.OVER
        if over and isinstance(facts, Facts) and subject not in hidden and interests.touches(facts):
            found.append((facts.when.last_day(), subject))
    return sorted(found)[-1:]


def _doable(facts: AnyFacts, asks: bool, day: date) -> bool:
    """Whether one can take part in an entry: it is open, a deadline to come, or it asks what can be answered."""
    if isinstance(facts, OtherFacts):
        return False
    early = _planned(facts) and (asks or (facts.kind is EntryKind.DEADLINE and _begun(facts, day)))
    return facts.participate and (facts.status is Status.OPEN or early)


def _answerable(facts: OtherFacts, chronicle: Chronicle, upto: int, day: date) -> bool:
    """Whether it is a question that can be answered on that day.

    Who asks waits for answers from the first day on which it may begin, before an approximate date says that it surely
    has. Nobody can answer about a draft that is due in half a year.
    """
    if facts.status is not Status.OPEN or not facts.ref:
        return False
    entry = None if facts.entry is None else chronicle.facts(Subject(SubjectKind.ENTRY, facts.entry), upto)
    return not isinstance(entry, Facts) or _begun(entry, day)


def _begun(facts: Facts, day: date) -> bool:
    """Whether it may have begun; what is due on one day can be done all the time before it."""
    at_once = facts.kind is EntryKind.DEADLINE and facts.when.end is None
    return at_once or not _planned(facts) or facts.when.first_day() <= day


def _planned(facts: Facts) -> bool:
    return facts.status is Status.PLANNED


def _is_phase(facts: AnyFacts) -> bool:
    return isinstance(facts, Facts) and facts.kind is EntryKind.PHASE and facts.status is Status.OPEN


def _is_next(facts: Facts) -> bool:
    return facts.kind is EntryKind.PHASE and _planned(facts)


def _subject(text: str) -> Subject:
    kind, _, number = text.partition(":")
    return Subject(SubjectKind(kind), int(number))
