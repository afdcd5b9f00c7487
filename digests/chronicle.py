"""The chronicle: recorded events in order, and the state of any subject at any `seq` (model N2).

It may hold a part of all events: a state is right when the subject's newest event up to that `seq` is in it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from digests.subject import Subject, SubjectKind, View
from digests.timeline import AnyFacts, Event, hops, view


class Chronicle:
    """Events by subject. Grows at the end only; what was said of a past `seq` stays."""

    def __init__(self, events: Iterable[Event] = (), hopped: Iterable[Subject] = ()) -> None:
        """Take events in order of seq. `hopped` names subjects whose change of track lies before the events given."""
        self._order: list[tuple[int, Subject]] = []
        self._seqs: dict[Subject, list[int]] = {}
        self._facts: dict[Subject, list[AnyFacts]] = {}
        self._views: dict[tuple[Subject, int], View] = {}
        self._first: dict[tuple[Subject, View], int] = {}
        self._hopped: dict[Subject, int] = dict.fromkeys(hopped, 0)
        self._kinds: dict[SubjectKind, list[Subject]] = {}
        self._about: dict[int, list[Subject]] = {}
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Append an event. Raises ValueError when it is not newer than all before."""
        if self._order and event.seq <= self._order[-1][0]:
            raise ValueError(f"event {event.seq} after event {self._order[-1][0]}")
        subject, before = event.subject, self._facts.get(event.subject)
        if before is not None and hops(before[-1], event.after):
            self._hopped.setdefault(subject, event.seq)
        if before is None:
            self._kinds.setdefault(subject.kind, []).append(subject)
        self._order.append((event.seq, subject))
        self._seqs.setdefault(subject, []).append(event.seq)
        self._facts.setdefault(subject, []).append(event.after)
        self._views[subject, event.seq] = view(event.after)
        self._first.setdefault((subject, self._views[subject, event.seq]), event.seq)
        about = self.about(event.after)
        if about is not None and subject not in self._about.setdefault(about, []):
            self._about[about].append(subject)

    @staticmethod
    def about(facts: AnyFacts) -> int | None:
        """The liaison whose statement it is."""
        return getattr(facts, "about", None)

    def version(self, subject: Subject, seq: int) -> int | None:
        """The seq of the subject's newest event up to `seq`."""
        seqs = self._seqs.get(subject, [])
        at = bisect_right(seqs, seq)
        return seqs[at - 1] if at else None

    def facts(self, subject: Subject, seq: int) -> AnyFacts | None:
        """All facts of the subject at `seq`; None before it was recorded."""
        at = bisect_right(self._seqs.get(subject, []), seq)
        return self._facts[subject][at - 1] if at else None

    def view(self, subject: Subject, seq: int) -> View | None:
        """What is worth telling of the subject at `seq`."""
        version = self.version(subject, seq)
        return None if version is None else self._views[subject, version]

    def first(self, subject: Subject, known: View) -> int:
        """The seq at which the subject first had that view: one name for it, however a reader came to know it."""
        return self._first[subject, known]

    def changed(self, after: int, upto: int) -> list[Subject]:
        """The subjects with an event in (after, upto], sorted."""
        low = bisect_left(self._order, after + 1, key=lambda pair: pair[0])
        high = bisect_right(self._order, upto, key=lambda pair: pair[0])
        return sorted({subject for _, subject in self._order[low:high]})

    def subjects(self, upto: int) -> list[Subject]:
        """Everything recorded up to `upto`, sorted."""
        return sorted(subject for subject, seqs in self._seqs.items() if seqs[0] <= upto)

    def of_kind(self, kind: SubjectKind, upto: int) -> list[Subject]:
        """The subjects of a kind recorded up to `upto`, sorted."""
        return sorted(s for s in self._kinds.get(kind, ()) if self._seqs[s][0] <= upto)

    def hopped(self, subject: Subject, upto: int) -> bool:
        """Whether the subject ever changed track up to `upto` (N13)."""
        return self._hopped.get(subject, upto + 1) <= upto

    def own(self, liaison: int, upto: int) -> list[Subject]:
        """A liaison's own statements recorded up to `upto`, sorted."""
        return sorted(
            subject
            for subject in self._about.get(liaison, ())
            if subject.kind is SubjectKind.STATEMENT and self._seqs[subject][0] <= upto
        )

    def authored(self, liaison: int) -> frozenset[Subject]:
        """What others hear of a liaison's statements; it is no news to them."""
        return frozenset(s for s in self._about.get(liaison, ()) if s.kind is SubjectKind.HEARD)
