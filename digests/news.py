"""Who gets an edition, with which news, when, and who gets none and why (model section 4, N5 to N12, T3, T6, T7).

`decide` is pure: a flow gathers readers, asks, and applies what comes back, which may be asked again with the same
answer. Readers who know the same and want the same share the work. The words of it stand in `digests.told`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from zoneinfo import ZoneInfo

from digests.cadence import Cadence, period
from digests.chronicle import Chronicle
from digests.gate import waits_for
from digests.landing import NOTICE, Hours, landing, not_after
from digests.scope import Present, Scope, present
from digests.subject import Subject
from digests.told import (
    ALL_TRACKS,
    Interests,
    Label,
    Mind,
    News,
    Told,
    correction,
    known,
    news,
    news_key,
    own_news,
    shortcut_holds,
)

__all__ = [
    "ALL_TRACKS",
    "AskExact",
    "Decision",
    "Deliver",
    "Edition",
    "Interests",
    "Label",
    "LeftOut",
    "Mind",
    "News",
    "Reader",
    "Reason",
    "Scope",
    "Told",
    "correction",
    "decide",
    "known",
    "news",
    "news_key",
    "own_news",
    "shortcut_holds",
]


class Reason(StrEnum):
    """Why a liaison gets no mail; stored in `left_out`."""

    NOT_ACTIVE = "not-active"  # applied, left or forgotten
    PAUSED = "paused"
    NO_ADDRESS = "no-address"  # none that is confirmed and not suppressed
    NOT_DUE = "not-due"  # had a regular one in this period
    NOTHING_NEW = "nothing-new"
    OVERTAKEN = "overtaken"  # the next edition is frozen before their hour comes


@dataclass(frozen=True, slots=True)
class Edition:
    """What is frozen of an edition when it is enqueued."""

    seq: int
    frozen_at: datetime
    slot_wall: str
    anchor: date
    zone: ZoneInfo  # of the process: days end in it
    regular: bool = True
    next_freeze: datetime | None = None
    postponed: frozenset[Subject] = frozenset()  # left out this time: stays untold (N18)
    silenced: Mapping[Subject, int] = field(default_factory=dict)  # left out for good, by edition seq (N18)
    closed_languages: frozenset[str] = frozenset()  # what it waits for (L5)


@dataclass(frozen=True, slots=True)
class Reader:
    """A subscriber as gathered, with the `turn` that was read (N7).

    Waiting rows (queued, deferred, held) of this digest are named in `waiting` and counted neither in `known` nor in
    `regular`: they will be superseded (N9). `known` is None where it was not gathered; `decide` asks for it if needed.
    """

    liaison: int
    interests: Interests
    hours: Hours
    cadence: Cadence = Cadence.EVERY
    size: str = "M"
    languages: tuple[str, ...] = ("en",)
    active: bool = True
    paused: bool = False
    reachable: bool = True
    cursor: int | None = None
    turn: int = 0
    errata: tuple[tuple[Subject, int], ...] = ()  # told ones after the cursor, newest seq per subject
    known: tuple[tuple[Subject, int], ...] | None = None
    waiting: tuple[int, ...] = ()
    regular: str | None = None  # slot of the newest told regular edition
    speaks_for: tuple[int, ...] = ()  # former liaisons whose public statements passed to this one (N17)
    excluded: frozenset[Subject] = frozenset()  # announcements for other audiences


@dataclass(frozen=True, slots=True)
class Deliver:
    """This liaison gets the edition. `cursor` is what to store; None voids the shortcut (then `turn` + 1)."""

    liaison: int
    turn: int
    news: tuple[News, ...]
    own: tuple[News, ...]
    scope: Scope
    languages: tuple[str, ...]
    size: str
    send_at: datetime
    not_after: datetime
    held: str  # the language that it waits for; '' for none
    cursor: int | None
    cancel: tuple[int, ...]

    @property
    def news_key(self) -> str:
        """The key of the news set in its mailing."""
        return news_key(self.news)

    @property
    def variant_key(self) -> str:
        """The key of the variant in its mailing: news set, languages, size and scope (N19)."""
        parts = (self.news_key, " ".join(self.languages), self.size, self.scope.to_json())
        return sha256("\n".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """This liaison gets no mail of it; `cursor` is what to store, None voids the shortcut."""

    liaison: int
    turn: int
    reason: Reason
    cursor: int | None
    cancel: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AskExact:
    """The shortcut does not hold for this liaison: gather `known` and ask again."""

    liaison: int


Decision = Deliver | LeftOut | AskExact


def decide(edition: Edition, chronicle: Chronicle, readers: Iterable[Reader]) -> Iterator[Decision]:
    """One decision per reader, in their order; what equal readers share is worked out once."""
    shared = _Shared(edition, chronicle)
    for reader in readers:
        yield _decide(edition, chronicle, reader, shared)


class _Shared:
    """What readers with equal interests and equal knowledge have in common, remembered."""

    def __init__(self, edition: Edition, chronicle: Chronicle) -> None:
        self.edition, self.chronicle = edition, chronicle
        self._minds: dict[tuple[Interests, Mind], bool] = {}
        self._news: dict[tuple[Interests, Mind], tuple[News, ...]] = {}
        self._present: dict[Interests, Present] = {}
        silenced = edition.silenced
        hidden = {s for s, seq in silenced.items() if chronicle.view(s, seq) == chronicle.view(s, edition.seq)}
        self._hidden = hidden | edition.postponed

    def holds(self, interests: Interests, mind: Mind) -> bool:
        key = (interests, mind)
        if key not in self._minds:
            edition = self.edition
            self._minds[key] = shortcut_holds(self.chronicle, edition.seq, interests, mind, edition.silenced)
        return self._minds[key]

    def news(self, interests: Interests, mind: Mind) -> tuple[News, ...]:
        key = (interests, mind)
        if key not in self._news:
            self._news[key] = news(self.chronicle, self.edition.seq, interests, mind, self.edition.silenced)
        return self._news[key]

    def present(self, interests: Interests) -> Present:
        if interests not in self._present:
            self._present[interests] = present(
                self.chronicle,
                self.edition.seq,
                interests,
                self.edition.zone,
                self.edition.frozen_at,
                self._hidden,
            )
        return self._present[interests]


def _decide(edition: Edition, chronicle: Chronicle, reader: Reader, shared: _Shared) -> Decision:
    kept = None if reader.waiting else reader.cursor
    if (bar := _bar(edition, reader)) is not None:
        return LeftOut(reader.liaison, reader.turn, bar, kept, reader.waiting)
    mind = _mind(reader, shared)
    if mind is None:
        return AskExact(reader.liaison)
    send_at = landing(edition.frozen_at, reader.hours)
    scope, closing = _scope(shared.present(reader.interests), send_at, reader.excluded)
    last = not_after(send_at, edition.next_freeze, closing[:1])
    if last <= send_at:
        return LeftOut(reader.liaison, reader.turn, Reason.OVERTAKEN, kept, reader.waiting)
    ours = (reader.liaison, *reader.speaks_for)
    deaf = reader.excluded.union(*(chronicle.authored(liaison) for liaison in ours))
    found = tuple(n for n in shared.news(reader.interests, mind) if n.subject not in deaf)
    own = own_news(chronicle, edition.seq, mind, ours)
    fresh = tuple(n for n in found if n.subject not in edition.postponed)
    own_fresh = tuple(n for n in own if n.subject not in edition.postponed)
    cursor = edition.seq if fresh == found and own_fresh == own else None
    if not fresh and not own_fresh and not _closes_first(edition, reader, closing):
        return LeftOut(reader.liaison, reader.turn, Reason.NOTHING_NEW, cursor, reader.waiting)
    return Deliver(
        liaison=reader.liaison,
        turn=reader.turn,
        news=fresh,
        own=own_fresh,
        scope=scope,
        languages=reader.languages,
        size=reader.size,
        send_at=send_at,
        not_after=last,
        held=waits_for(reader.languages, edition.closed_languages),
        cursor=cursor,
        cancel=reader.waiting,
    )


def _bar(edition: Edition, reader: Reader) -> Reason | None:
    if not reader.active:
        return Reason.NOT_ACTIVE
    if reader.paused:
        return Reason.PAUSED
    if not reader.reachable:
        return Reason.NO_ADDRESS
    if edition.regular and reader.regular is not None:
        periods = {period(reader.cadence, wall, edition.anchor) for wall in (edition.slot_wall, reader.regular)}
        return Reason.NOT_DUE if len(periods) == 1 else None
    return None


def _mind(reader: Reader, shared: _Shared) -> Mind | None:
    """The shortcut where it holds, else the exact knowledge; None when that was not gathered."""
    if reader.cursor is not None and not reader.waiting:
        short = Mind(reader.cursor, reader.errata)
        if shared.holds(reader.interests, short):
            return short
    return None if reader.known is None else Mind(None, reader.known)


def _scope(now: Present, send_at: datetime, excluded: frozenset[Subject]) -> tuple[Scope, list[datetime]]:
    """What this reader sees as state, and when those open things close that do, soonest first (T7)."""
    ends = [closing for closing, _ in now.open if closing is not None]
    shown = now.open[bisect_left(ends, send_at + NOTICE) :]
    visible = [(closing, subject) for closing, subject in shown if subject not in excluded]
    scope = Scope(now.here, tuple(subject for _, subject in visible), now.coming)
    return scope, [closing for closing, _ in visible if closing is not None]


def _closes_first(edition: Edition, reader: Reader, closing: list[datetime]) -> bool:
    """Whether something open closes before the reader's next chance to hear of it (N11)."""
    if not closing:
        return False
    return edition.next_freeze is None or closing[0] < landing(edition.next_freeze, reader.hours) + NOTICE
