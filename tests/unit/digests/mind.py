"""The reader's mind: a small world with liaisons who believe only what reached them, and a judge who reads along.

The judge shares with the rules the event log and what counts as known at joining, nothing else (model section 5).
A history is a list of steps, so that a failing one shrinks.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from digests.cadence import Cadence, period
from digests.chronicle import Chronicle
from digests.landing import NOTICE, Hours
from digests.news import (
    ALL_TRACKS,
    AskExact,
    Deliver,
    Edition,
    Interests,
    LeftOut,
    Reader,
    Reason,
    Told,
    correction,
    decide,
    known,
)
from digests.subject import FADING, Status, Subject, SubjectKind, View
from digests.timeline import (
    AnyFacts,
    EntryKind,
    Event,
    Facts,
    OtherFacts,
    Precision,
    When,
    changes,
    clock_events,
    closing_at,
    event_kind,
    status_by_dates,
    view,
)
from digests.wall import wall_text, zone

BERLIN = zone("Europe/Berlin")
START = datetime(2019, 1, 7, 9, 0, tzinfo=UTC)
ANCHOR = date(2019, 1, 7)
TOLD = {"queued", "held", "sent"}
KINDS = list(EntryKind)


@dataclass
class Row:
    """A delivery as stored, and whether it really arrived."""

    seq: int
    news: tuple[Any, ...]
    regular: str | None
    state: str = "queued"
    arrived: bool = False
    erratum: bool = False
    whole: bool = True  # nothing was postponed: after it, the mind is the truth
    blind: bool = False  # decided while a loss was not yet reported

    @property
    def lost(self) -> bool:
        return self.state == "sent" and not self.arrived


@dataclass
class Person:
    """A liaison: the subscription as stored, the deliveries, and what they believe."""

    id: int
    interests: dict[str, int]
    active: set[str]
    hours: Hours
    cadence: Cadence
    cursor: int | None = None
    turn: int = 0
    paused: bool = False
    rows: list[Row] = field(default_factory=list)
    mind: dict[Subject, View] = field(default_factory=dict)

    def wants(self) -> Interests:
        return Interests(tuple(sorted((t, s) for t, s in self.interests.items() if t in self.active)))

    def void(self) -> None:
        self.cursor, self.turn = None, self.turn + 1

    def waiting(self) -> list[Row]:
        return [row for row in self.rows if row.state in {"queued", "held"}]


class World:
    """Interprets steps. `policy` names one rule to break, so that the judge can be judged."""

    def __init__(self, policy: str = "") -> None:
        self.policy = policy
        self.now, self.seq = START, 0
        self.chronicle = Chronicle()
        self.people: list[Person] = []
        self.silenced: dict[Subject, int] = {}
        self.shortcuts = self.mails = self.items = 0

    # events
    def record(self, subject: Subject, after: AnyFacts) -> None:
        before = self.chronicle.facts(subject, self.seq)
        if before == after:
            return
        self.seq += 1
        about = getattr(after, "about", None)
        self.chronicle.add(
            Event(self.seq, self.now, subject, event_kind(before, after), after, changes(before, after), about)
        )

    def facts(self, subject: Subject) -> Any:
        return self.chronicle.facts(subject, self.seq)

    def step_edit(self, number: int, what: str, n: int) -> None:
        subject = Subject(SubjectKind.ENTRY, number)
        facts = self.facts(subject)
        if facts is None:
            facts = Facts(KINDS[n % len(KINDS)], f"entry {number}", self._when(n), ("abc"[n % 3],))
        elif what == "date":
            facts = replace(facts, when=self._when(n))
        elif what == "place":
            facts = replace(facts, place=f"place {n % 3}")
        elif what == "track":
            facts = replace(facts, tracks=(("a",), ("b",), ("a", "b"), ("c",))[n % 4])
        elif what == "title":
            facts = replace(facts, title=f"title {n}", tell=facts.tell + n % 2)
        elif what == "part":
            facts = replace(facts, participate=not facts.participate, how="by mail")
        else:
            gone = facts.status is Status.CANCELLED
            facts = replace(facts, status=Status.PLANNED if gone else Status.CANCELLED)
        self.record(subject, replace(facts, status=status_by_dates(facts, self.now, BERLIN)))

    def _when(self, n: int) -> When:
        day = (self.now + timedelta(days=n % 37 - 6)).date()
        if n % 5 == 0:
            return When(f"{day:%Y-%m}", None, Precision.MONTH)
        precision = Precision.APPROX if n % 5 == 1 else Precision.DAY
        return When(day.isoformat(), (day + timedelta(days=n % 4 * 6)).isoformat(), precision)

    def step_other(self, kind: SubjectKind, number: int, n: int) -> None:
        subject = Subject(kind, number)
        facts = self.facts(subject)
        about = number % 3 if kind in (SubjectKind.STATEMENT, SubjectKind.HEARD) else None
        if facts is None:
            status = Status.OVER if kind is SubjectKind.HEARD else Status.OPEN
            tracks = () if kind is SubjectKind.STATEMENT else ("abc"[number % 3],)
            facts = OtherFacts(f"{subject}", status, tracks, ref=f"R-{number}", about=about)
        elif kind is SubjectKind.HEARD:
            facts = replace(facts, status=Status.CANCELLED if facts.status is Status.OVER else Status.OVER)
        else:
            status = (Status.OPEN, Status.OPEN, Status.OVER, Status.CANCELLED)[n % 4]
            facts = replace(facts, status=status, state=f"state {n % 3}")
        self.record(subject, facts)

    def step_days(self, days: int) -> None:
        self.now += timedelta(days=days)
        for subject in self.chronicle.of_kind(SubjectKind.ENTRY, self.seq):
            for due in clock_events(self.facts(subject), self.now, BERLIN):
                self.record(subject, due.after)

    # people
    def step_join(self, wants: str, cadence: Cadence, hour: int) -> None:
        if len(self.people) < 3:
            tracks = [ALL_TRACKS] if wants == "*" else list(wants)
            hours = Hours(zone(("Europe/Berlin", "Pacific/Auckland", "America/Santiago")[hour % 3]), hour)
            interests = dict.fromkeys(tracks, self.seq)
            self.people.append(Person(len(self.people), interests, set(tracks), hours, cadence))

    def step_interest(self, who: int, track: str) -> None:
        for person in self.people[who : who + 1]:
            if track in person.active and len(person.active) > 1:
                person.active.discard(track)
            else:
                person.active.add(track)
                person.interests.setdefault(track, self.seq)
            for row in person.waiting():
                row.whole = False  # decided for the interests of before
            if self.policy != "interests keep the cursor":
                person.void()

    def step_pause(self, who: int) -> None:
        for person in self.people[who : who + 1]:
            person.paused = not person.paused

    def step_report(self, who: int) -> None:
        """The reports of everything lost come in."""
        for person in self.people[who : who + 1]:
            for row in [row for row in person.rows if row.lost]:
                self._fail(person, row, "bounced")

    def step_late(self, who: int) -> None:
        """What waited leaves after all."""
        for person in self.people[who : who + 1]:
            for row in person.waiting():
                self._read(person, row)

    def _fail(self, person: Person, row: Row, state: str) -> None:
        row.state = state
        if self.policy != "a bad end keeps the cursor":
            person.void()

    # editions
    def step_edition(self, regular: bool, fates: tuple[str, ...], choice: str, race: bool) -> None:
        self.step_days(1)
        edition = self._edition(regular, choice)
        self.silenced = dict(edition.silenced)
        plans = [(person, self._decide(edition, person)) for person in self.people]
        for person, planned in plans:
            taken = person.turn
            if race:
                self.step_report(person.id)
            moved = person.turn != taken and self.policy != "no turn"
            decision = self._decide(edition, person) if moved else planned
            self._apply(person, decision, edition, fates[person.id % len(fates)])

    def _edition(self, regular: bool, choice: str) -> Edition:
        wall = wall_text(self.now.astimezone(BERLIN).replace(tzinfo=None))
        entries = self.chronicle.of_kind(SubjectKind.ENTRY, self.seq)
        silenced = self.silenced | ({entries[-1]: self.seq} if choice == "silence" and entries else {})
        return Edition(
            seq=self.seq,
            frozen_at=self.now,
            slot_wall=wall,
            anchor=ANCHOR,
            zone=BERLIN,
            regular=regular,
            next_freeze=self.now + timedelta(days=7),
            postponed=frozenset(entries[:1]) if choice == "postpone" else frozenset(),
            silenced=silenced,
        )

    def reader(self, person: Person, exact: bool) -> Reader:
        told = [row for row in person.rows if row.state in TOLD and row not in person.waiting()]
        errata: dict[Subject, int] = {}
        for row in told:
            if row.erratum and person.cursor is not None and row.seq > person.cursor:
                errata |= {item.subject: row.seq for item in row.news}
        return Reader(
            liaison=person.id,
            interests=person.wants(),
            hours=person.hours,
            cadence=person.cadence,
            paused=person.paused,
            cursor=None if exact else person.cursor,
            turn=person.turn,
            errata=tuple(sorted(errata.items())),
            known=known(Told(r.seq, tuple(i.subject for i in r.news)) for r in told) if exact else None,
            waiting=tuple(person.rows.index(row) for row in person.waiting()),
            regular=max((row.regular for row in told if row.regular), default=None),
        )

    def _decide(self, edition: Edition, person: Person) -> Deliver | LeftOut:
        """The decision by the shortcut where it holds; it must be that of the exact path (property 2)."""
        (exact,) = decide(edition, self.chronicle, [self.reader(person, exact=True)])
        (short,) = decide(edition, self.chronicle, [self.reader(person, exact=False)])
        assert not isinstance(exact, AskExact)
        if isinstance(short, AskExact):
            return exact
        if self.policy:
            return short
        self.shortcuts += 1
        barred = isinstance(exact, LeftOut) and exact.reason is not Reason.NOTHING_NEW
        assert short == (replace(exact, cursor=short.cursor) if barred else exact), "the shortcut differs"
        return short

    def _apply(self, person: Person, decision: Deliver | LeftOut, edition: Edition, fate: str) -> None:
        for index in decision.cancel:
            person.rows[index].state = "cancelled"
        stored = person.cursor
        person.cursor = decision.cursor
        if decision.cursor is None and stored is not None:
            person.turn += 1
        if isinstance(decision, LeftOut):
            self._check_left_out(person, decision, edition)
            return
        self._check_times(decision, edition)
        news = decision.news + decision.own
        row = Row(edition.seq, news, edition.slot_wall if edition.regular else None)
        row.blind = any(other.lost for other in person.rows)
        row.whole = not edition.postponed
        self._check_period(person, row, edition)
        person.rows.append(row)
        if fate == "read":
            self._read(person, row)
        elif fate == "lost":
            row.state = "sent"
        elif fate == "fail":
            self._fail(person, row, "failed")
        elif fate == "hold":
            row.state = "held"

    def step_erratum(self, who: int, read: bool) -> None:
        """An editor corrects the last mail of this reader (N16): what it said wrongly by now is told anew."""
        for person in self.people[who : who + 1]:
            told = [row for row in person.rows if row.state == "sent"]
            if not told or person.paused:
                continue
            last = max(told, key=lambda row: row.seq)
            entries = [item.subject for item in last.news if item.subject.kind is SubjectKind.ENTRY]
            news = [correction(self.chronicle, self.seq, person.wants(), s, last.seq) for s in entries]
            found = tuple(item for item in news if item is not None)
            if found and self.seq > max(row.seq for row in person.rows):
                for row in person.waiting():
                    self._fail(person, row, "cancelled")
                person.rows.append(Row(self.seq, found, None, erratum=True, whole=False))
                if read:
                    self._read(person, person.rows[-1])
                else:
                    self._fail(person, person.rows[-1], "failed")

    # the judge
    def _read(self, person: Person, row: Row) -> None:
        """A mail arrives: it must change the mind, quote what was believed, and leave no gap."""
        blind = row.blind or any(other.lost for other in person.rows)  # the limit that N20 names
        row.state, row.arrived = "sent", True
        self.mails += 1
        for item in row.news:
            self.items += 1
            now = self.chronicle.view(item.subject, row.seq)
            assert now is not None
            if not blind:
                assert person.mind.get(item.subject) != now, f"told twice: {item}"
            if item.was_seq is not None and not blind:
                old = self.chronicle.view(item.subject, item.was_seq)
                assert person.mind.get(item.subject) == old, f"wrong old value: {item}"
            person.mind[item.subject] = now
        if row.whole and not blind:
            self.check_mind(person, row.seq)

    def check_mind(self, person: Person, seq: int) -> None:
        for subject in self.chronicle.subjects(seq):
            silenced = self.silenced.get(subject)
            if silenced is None or self.chronicle.view(subject, silenced) != self.chronicle.view(subject, seq):
                believed = person.mind.get(subject)
                assert self._agrees(person, subject, believed, seq), f"gap: {subject} for {person.id} at {seq}"

    def _agrees(self, person: Person, subject: Subject, believed: View | None, seq: int) -> bool:
        facts = self.chronicle.facts(subject, seq)
        assert facts is not None
        truth, wants = view(facts), person.wants()
        mine = getattr(facts, "about", None) == person.id
        if (subject.kind is SubjectKind.STATEMENT) is not mine and (mine or subject.kind is SubjectKind.STATEMENT):
            return True  # another's statement, or what others hear of mine
        inside = wants.touches(facts)
        over_unsaid = truth.status is Status.OVER and subject.kind in FADING
        if believed == truth or over_unsaid:
            return True
        if truth.status is Status.CANCELLED and (believed is None or subject.kind is SubjectKind.HEARD):
            return True
        if believed is None:
            joined = wants.since_of(facts)
            then = None if joined is None else self.chronicle.view(subject, joined)
            return not inside or (truth.status is Status.OVER and then is not None and then.status is Status.OVER)
        if not inside:
            tracks = believed.get("tracks").split(", ")
            return not believed.alive or not any(t in wants_of(wants) for t in tracks)
        return False

    def _check_period(self, person: Person, row: Row, edition: Edition) -> None:
        if edition.regular and not self.policy:
            now = period(person.cadence, edition.slot_wall, ANCHOR)
            told = [r.regular for r in person.rows if r.regular and r.state in TOLD]
            assert now not in {period(person.cadence, wall, ANCHOR) for wall in told}, "two regular ones in a period"

    def _check_left_out(self, person: Person, decision: LeftOut, edition: Edition) -> None:
        blind = any(row.lost for row in person.rows) or edition.postponed or self.policy
        if decision.reason is Reason.NOTHING_NEW and not blind:
            self.check_mind(person, edition.seq)
        if decision.reason is Reason.NOT_DUE:
            now = period(person.cadence, edition.slot_wall, ANCHOR)
            told = [r.regular for r in person.rows if r.regular and r.state in TOLD]
            assert now in {period(person.cadence, wall, ANCHOR) for wall in told}, "a period without an edition"

    def _check_times(self, decision: Deliver, edition: Edition) -> None:
        assert edition.frozen_at <= decision.send_at < edition.frozen_at + timedelta(hours=23)
        assert decision.send_at < decision.not_after
        assert edition.next_freeze is not None
        assert decision.not_after <= edition.next_freeze
        for subject in decision.scope.open:
            facts = self.chronicle.facts(subject, edition.seq)
            assert facts is not None
            closes = closing_at(facts, BERLIN)
            assert closes is None or closes >= decision.send_at + NOTICE
            assert closes is None or closes >= decision.not_after

    def quiet_end(self) -> None:
        """All reports come in, everyone is back, and editions go out for long enough: all minds equal the present."""
        for person in self.people:
            person.paused = False
            self.step_report(person.id)
        for _ in range(2):
            self.step_days(32)
            self.step_edition(True, ("read",), "", False)
        for person in self.people:
            self.check_mind(person, self.seq)


def wants_of(interests: Interests) -> "Anything":
    """The tracks of interests, for `in`."""
    return Anything(interests)


@dataclass
class Anything:
    """Membership in interests, where one may be an interest in everything."""

    interests: Interests

    def __contains__(self, track: object) -> bool:
        return any(t in (ALL_TRACKS, track) for t, _ in self.interests.since)


EDITS = ("date", "date", "place", "track", "title", "part", "cancel")
OTHERS = (SubjectKind.ANNOUNCEMENT, SubjectKind.STATEMENT, SubjectKind.HEARD, SubjectKind.QUESTION)
FATES = ("read", "read", "read", "read", "lost", "fail", "wait", "hold")


def history_of(seed: int, steps: int) -> list[tuple[Any, ...]]:
    """A long random history, for what only shows after many editions."""
    rng = Random(seed)
    who = lambda: rng.randrange(3)  # noqa: E731
    n = lambda: rng.randrange(500)  # noqa: E731
    join = lambda: ("join", rng.choice(["*", "a", "ab", "bc"]), rng.choice(list(Cadence)), rng.randrange(24))  # noqa: E731
    choices = ["", "", "", "", "", "", "", "", "postpone", "silence"]
    makers = (
        (35, lambda: ("edit", rng.randint(1, 4), rng.choice(EDITS), n())),
        (30, lambda: ("edition", rng.random() < 0.7, tuple(rng.choices(FATES, k=3)), rng.choice(choices), n() < 150)),
        (5, lambda: ("days", rng.randint(1, 12))),
        (10, lambda: ("other", rng.choice(OTHERS), rng.randint(0, 3), n())),
        (4, lambda: ("interest", who(), rng.choice(["a", "b", "c", ""]))),
        (2, lambda: ("pause", who())),
        (4, lambda: ("report", who())),
        (3, lambda: ("late", who())),
        (3, lambda: ("erratum", who(), n() < 350)),
        (4, join),
    )
    made = rng.choices([make for _, make in makers], [weight for weight, _ in makers], k=steps)
    return [join(), *(make() for make in made)]


def replay(history: list[tuple[Any, ...]], policy: str = "") -> World:
    """Run a history to its quiet end; an AssertionError is the judge's."""
    world = World(policy)
    for name, *rest in history:
        getattr(world, f"step_{name}")(*rest)
    world.quiet_end()
    return world
