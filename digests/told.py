"""What readers know, and what is therefore news to them (model N4 to N6, N12, N13).

A reader knows of a subject what the last delivery that reached them said. News is every subject whose present view
differs from that. A cursor is a shortcut that says the same of all subjects at once, where it may be used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from digests.chronicle import Chronicle
from digests.subject import FADING, Status, Subject, SubjectKind, View
from digests.timeline import CLOSING, AnyFacts, Facts

ALL_TRACKS = ""
"""In place of a track's slug: an interest in everything."""


class Label(StrEnum):
    """What kind of news a subject is to a reader."""

    NEW = "new"  # recorded since they joined, never told
    STANDING = "standing"  # went on already when they joined
    CHANGED = "changed"  # some loud fact differs
    MOVED = "moved"  # its dates or sessions differ
    MOVED_TRACK = "moved-track"  # left the reader's tracks, or came back to them
    OPENED = "opened"  # has begun, nothing else
    CLOSED = "closed"  # one can no longer take part, or a phase is over
    HAPPENED = "happened"  # took place, was reached, was published
    CANCELLED = "cancelled"
    REOPENED = "reopened"  # goes on after it was over or cancelled


@dataclass(frozen=True, slots=True, order=True)
class News:
    """One subject in a news set. `was_seq` names the old view, where it was alive and may be quoted."""

    subject: Subject
    label: Label
    was_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Interests:
    """The active interests of a reader as (track slug or ALL_TRACKS, since_seq), tracks for all included, sorted."""

    since: tuple[tuple[str, int], ...]

    @property
    def steady(self) -> bool:
        """Whether a change of track is nothing to the reader: they take all tracks, and took them at one time."""
        return any(track == ALL_TRACKS for track, _ in self.since) and len({seq for _, seq in self.since}) == 1

    def touches(self, facts: AnyFacts) -> bool:
        """Whether a subject with these facts concerns the reader; one without tracks concerns everybody."""
        return not facts.tracks or any(track == ALL_TRACKS or track in facts.tracks for track, _ in self.since)

    def since_of(self, facts: AnyFacts) -> int | None:
        """From which seq on such a subject concerned the reader; None when it does not."""
        touching = (s for t, s in self.since if not facts.tracks or t == ALL_TRACKS or t in facts.tracks)
        return min(touching, default=None)


@dataclass(frozen=True, slots=True)
class Mind:
    """What a reader was told: the seq of the last telling per subject, and a cursor for all that are not named.

    Exact: `cursor` is None and `told` names everything. Shortcut: `told` holds the errata after the cursor alone.
    """

    cursor: int | None
    told: tuple[tuple[Subject, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """One told delivery: the seq of its mailing and the subjects it told (N5)."""

    seq: int
    subjects: tuple[Subject, ...]


def known(deliveries: Iterable[Told]) -> tuple[tuple[Subject, int], ...]:
    """The exact path: the seq at which each subject was last told, sorted by subject."""
    at: dict[Subject, int] = {}
    for delivery in deliveries:
        for subject in delivery.subjects:
            at[subject] = max(delivery.seq, at.get(subject, 0))
    return tuple(sorted(at.items()))


def shortcut_holds(
    chronicle: Chronicle,
    upto: int,
    interests: Interests,
    mind: Mind,
    silenced: Mapping[Subject, int] | None = None,
) -> bool:
    """Whether a cursor gives what the exact path would give.

    Not when a subject that changed since has hopped between tracks, for a reader who picks tracks (N13); nor when it
    was left out for good (N18), or was gone without a word at the cursor (cancelled, faded) and is no longer: the
    cursor cannot tell whether they knew.
    """
    if mind.cursor is None:
        return False
    told = dict(mind.told)
    for subject in chronicle.changed(mind.cursor, upto):
        if silenced and subject in silenced:
            return False
        if not interests.steady and chronicle.hopped(subject, upto):
            return False
        was = chronicle.view(subject, max(mind.cursor, told.get(subject, 0)))
        if was is not None and _gone(subject, was) and chronicle.view(subject, upto) != was:
            return False
    return True


def news(
    chronicle: Chronicle,
    upto: int,
    interests: Interests,
    mind: Mind,
    silenced: Mapping[Subject, int] | None = None,
) -> tuple[News, ...]:
    """The news for whoever has these interests and this mind, at `upto`, sorted by subject; statements apart.

    `silenced`: what editors left out for good, with the seq of that edition: nobody is told the view of then (N18).
    """
    subjects = chronicle.subjects(upto) if mind.cursor is None else chronicle.changed(mind.cursor, upto)
    shared = [subject for subject in subjects if subject.kind is not SubjectKind.STATEMENT]
    return _judged(chronicle, upto, interests, mind, shared, silenced or {})


def own_news(chronicle: Chronicle, upto: int, mind: Mind, liaisons: Iterable[int]) -> tuple[News, ...]:
    """What became of what one sent: the news of the statements of these liaisons, oneself and whoever one follows."""
    subjects = sorted({subject for liaison in liaisons for subject in chronicle.own(liaison, upto)})
    return _judged(chronicle, upto, Interests(((ALL_TRACKS, 0),)), mind, subjects, {})


def correction(chronicle: Chronicle, upto: int, interests: Interests, subject: Subject, told_at: int) -> News | None:
    """What an erratum tells a reader who was told of the subject at `told_at`; None when that was right (N16)."""
    return _news_of(chronicle, upto, interests, subject, told_at)


def news_key(items: Iterable[News]) -> str:
    """The natural key of a news set: the same news, the same key."""
    lines = sorted(f"{n.subject} {n.label.value} {n.was_seq or ''}" for n in items)
    return sha256("\n".join(lines).encode()).hexdigest()[:32]


def judge(subject: Subject, facts: AnyFacts, was: View | None, now: View, stood: bool) -> Label | None:
    """What the step from `was` to `now` is to somebody whom the subject concerns; None when it is no news."""
    if was == now:
        return None
    if now.status is Status.CANCELLED:
        silent = was is None or subject.kind is SubjectKind.HEARD or _gone(subject, was)
        return None if silent else Label.CANCELLED
    if now.status is Status.OVER:
        return _judge_over(subject, facts, was)
    if was is None:
        return Label.STANDING if stood else Label.NEW
    if not was.alive:
        return Label.REOPENED
    if any(was.get(name) != now.get(name) for name in ("start", "end", "precision", "sessions")):
        return Label.MOVED
    began = was.status is Status.PLANNED and now.status is Status.OPEN and was.loud == now.loud
    return Label.OPENED if began else Label.CHANGED


def _judge_over(subject: Subject, facts: AnyFacts, was: View | None) -> Label | None:
    if subject.kind in FADING:
        return None
    if was is not None and was.status is Status.OVER:
        return Label.CHANGED
    if subject.kind is SubjectKind.HEARD:
        return Label.NEW
    closes = subject.kind is SubjectKind.QUESTION or (isinstance(facts, Facts) and facts.kind in CLOSING)
    return Label.CLOSED if closes else Label.HAPPENED


def _gone(subject: Subject, known_view: View) -> bool:
    """Whether a view may have been reached without a word to the reader."""
    faded = known_view.status is Status.OVER and subject.kind in FADING
    return faded or known_view.status is Status.CANCELLED


def _judged(
    chronicle: Chronicle,
    upto: int,
    interests: Interests,
    mind: Mind,
    subjects: Iterable[Subject],
    silenced: Mapping[Subject, int],
) -> tuple[News, ...]:
    told = dict(mind.told)
    found: list[News] = []
    for subject in subjects:
        at = max((s for s in (mind.cursor, told.get(subject)) if s is not None), default=None)
        item = _news_of(chronicle, upto, interests, subject, at)
        silent = subject in silenced and chronicle.view(subject, silenced[subject]) == chronicle.view(subject, upto)
        if item is not None and not silent:
            found.append(item)
    return tuple(found)


def _news_of(chronicle: Chronicle, upto: int, interests: Interests, subject: Subject, at: int | None) -> News | None:
    """The news of one subject last told at `at`; where it was never told, what was over at joining is known (N12)."""
    facts, now = chronicle.facts(subject, upto), chronicle.view(subject, upto)
    if facts is None or now is None:
        return None
    inside = interests.touches(facts)
    joined = interests.since_of(facts)
    stood = False
    if at is None and joined is not None:
        there = chronicle.view(subject, joined)
        at = joined if there is not None and there.status is Status.OVER else None
        stood = there is not None and there.alive and _touched(chronicle, interests, subject, joined)
    was = None if at is None else chronicle.view(subject, at)
    was_inside = at is not None and _touched(chronicle, interests, subject, at)
    if not inside and not (was_inside and was is not None and was.alive):
        return None
    label = judge(subject, facts, was, now, stood)
    if label is None:
        return None
    if was is not None and was.alive and now.alive and inside is not was_inside:
        label = Label.MOVED_TRACK
    return News(subject, label, chronicle.first(subject, was) if was is not None and was.alive else None)


def _touched(chronicle: Chronicle, interests: Interests, subject: Subject, seq: int) -> bool:
    facts = chronicle.facts(subject, seq)
    return facts is not None and interests.touches(facts)
