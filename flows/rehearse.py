"""A rehearsal: every mail that every person will get by the settings as they are, what is held or left out, and why.

Played on a copy of the database by the same verbs as the real thing, with a clock that jumps from one due moment to the
next and a relay that takes everything. Nothing leaves, and the database itself is not touched.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from tempfile import TemporaryFile

from db import announcements, backup, editions, outbox, rehearsal
from db.engine import Database, Tx
from db.journal import Act
from db.rehearsal import Made
from db.states import AnnouncementState, DeliveryState, EditionState, MailingState
from digests.gate import WAITS, waits_for
from digests.wall import zone
from flows import deliver, schedule
from flows.engine import Engine, Refused
from flows.translators import waiting
from mailer import words
from mailer.letter import Letter, Outcome, Record
from mailer.render import Sketcher

Change = Callable[[Engine], None]
Gates = Mapping[str, Mapping[str, str]]  # what is waited for, by key of the mailing and language
LONGEST = 370  # days
_BATCH = 100
_PERSONAL = ("receipt", "notice")


@dataclass(frozen=True, slots=True)
class Planned:
    """One mail to come. `why`: what it waits for, or why it will not leave; empty for one that simply goes.

    `weekend`: by the calendar of the reader's country. `beside`: how many other mails they get on that day of theirs.
    """

    at: datetime
    local: datetime
    name: str
    addr: str
    kind: str
    key: str
    subject: str
    state: str
    why: str
    weekend: bool
    beside: int = 0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What will happen. `left_out`: (address, mailing, reason). `waits`: what goes nowhere until a person acts."""

    mails: tuple[Planned, ...]
    left_out: tuple[tuple[str, str, str], ...]
    waits: tuple[str, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One mail that a change brings, takes away, moves or words anew. `was` and `now` are None where there is none."""

    what: str  # new, gone, moved, other
    was: Planned | None
    now: Planned | None


def copy(db: Database, into: Database, *, now: datetime) -> None:
    """Copy everything as it is at this moment; the service may go on meanwhile."""
    with TemporaryFile("w+", encoding="utf-8", newline="\n") as kept:
        with db.snapshot() as tx:
            backup.dump(tx, now, kept.write)
        kept.seek(0)
        with into.write() as tx:
            backup.load(tx, kept)


def rehearse(stage: Engine, process_id: int, *, days: int, act: Act, change: Change | None = None) -> Rehearsal:
    """Play `days` days on `stage`, an engine on a copy, after `change` was made to it. Raises `Refused`."""
    if not 1 <= days <= LONGEST:
        raise Refused(f"a rehearsal is of 1 to {LONGEST} days, not {days}")
    stage = replace(stage, renderer=Sketcher(stage.renderer))
    if change is not None:
        change(stage)
    waits, by_hand = _free(stage, process_id)
    with stage.db.read() as tx:
        before = rehearsal.mark(tx)
    faults = _play(stage, act.now, act.now + timedelta(days=days))
    with stage.db.read() as tx:
        made = rehearsal.made(tx, process_id, before)
        left_out = rehearsal.left_out(tx, process_id, before)
        countries = rehearsal.countries(tx, {one.liaison_id for one in made})
        subjects = outbox.subjects(tx, _variants(made))
        waits += _skipped(tx, process_id, act.now)
    gates = _gates(stage, process_id)
    mails = [_planned(one, subjects, countries.get(one.liaison_id, ""), _why(one, by_hand, gates)) for one in made]
    mails = [one for one in mails if act.now <= one.at <= act.now + timedelta(days=days)]
    return Rehearsal(tuple(_beside(mails)), tuple(left_out), tuple(waits), tuple(faults))


def _variants(made: Sequence[Made]) -> set[int]:
    return {one.variant_id for one in made if one.variant_id}


def _free(stage: Engine, process_id: int) -> tuple[list[str], frozenset[str]]:
    """Let go on what a person would have to let go; gives what that is, and the digests that are approved by hand."""
    waits = []
    with stage.db.write() as tx:
        if (why := outbox.paused(tx)) is not None:
            waits.append(f"all sending is paused ({why}); played as if it were not")
            outbox.set_paused(tx, None, None)
        series = [one for one in editions.digests(tx, process_id) if one.approval != "automatic"]
        for one in series:
            waits.append(f"each edition of {one.slug} waits for approval; played as if each were approved at its slot")
            editions.set_digest(tx, one.id, approval="automatic")
        idle = announcements.announcements(tx, process_id, [AnnouncementState.DRAFT, AnnouncementState.REVIEW])
        waits += [f"announcement {one.slug} is {one.state} and goes nowhere" for one in idle]
    return waits, frozenset(one.slug for one in series)


def _skipped(tx: Tx, process_id: int, since: datetime) -> Iterator[str]:
    """The editions that would have nothing to say to anybody."""
    for series in editions.digests(tx, process_id):
        for row in reversed(editions.editions(tx, series.id, [EditionState.SKIPPED])):
            if row.slot_at >= since:
                yield f"edition {row.slot_wall} of {series.slug} is skipped: nothing to say to anybody"


def _play(stage: Engine, now: datetime, until: datetime) -> list[str]:
    """Let time pass, from due moment to due moment; gives what went wrong, each once."""
    faults: dict[str, None] = {}
    while True:
        ticked = schedule.tick(stage, act=Act("clock", now))
        faults.update((fault, None) for fault in ticked.faults)
        _deliver(stage, now)
        due = schedule.next_due(stage, now)
        if due is None or due.at > until:
            return list(faults)
        now = due.at


def _deliver(stage: Engine, now: datetime) -> None:
    deliver.deliver(stage, _take, "rehearsal", clock=lambda: now)


def _take(letters: Iterator[Letter], record: Record) -> None:
    """A relay that takes everything and keeps nothing."""
    batch: list[Outcome] = []
    for letter in letters:
        batch.append(Outcome(letter.id, accepted=True, code=250))
        if len(batch) == _BATCH:
            record(batch)
            batch = []
    record(batch)


def _planned(one: Made, subjects: dict[int, str], country: str, why: str) -> Planned:
    local = one.send_at.astimezone(zone(one.zone))
    return Planned(
        at=one.send_at,
        local=local,
        name=one.name,
        addr=one.addr,
        kind=one.kind,
        key=one.key,
        subject=subjects.get(one.variant_id, ""),
        state=one.state,
        why=why,
        weekend=local.weekday() in words.weekend(country),
    )


def _gates(stage: Engine, process_id: int) -> Gates:
    """What each mailing waits for to its end, by its key."""
    found: dict[str, dict[str, str]] = {}
    for one in waiting(stage, process_id, all_=True):
        if one.opened_at is None or one.opened_at >= one.cut_off_at:
            lacks = f"{len(one.missing)} texts missing"
            found.setdefault(one.key, {})[one.lang] = f"{one.lang} until {one.cut_off_at:%Y-%m-%d %H:%M} UTC, {lacks}"
    return found


def _why(one: Made, by_hand: frozenset[str], gates: Gates) -> str:
    if one.mailing_state in (MailingState.HELD, MailingState.PAUSED):
        return f"held: {one.mailing_why or one.mailing_state}"
    if one.state == DeliveryState.HELD and not one.reason.startswith(WAITS):
        return f"held: {one.reason}"
    awaited = gates.get(one.key, {})
    if lang := waits_for(one.languages, awaited):
        return f"held: {WAITS}{awaited[lang]}"
    if one.state != DeliveryState.SENT:
        return f"{one.state}: {one.reason}" if one.reason else one.state
    return "if a person approves the edition" if one.kind == "edition" and one.digest in by_hand else ""


def goes(one: Planned) -> bool:
    """Whether it will leave, if a person does what is theirs to do."""
    return one.state == DeliveryState.SENT


def _beside(mails: Sequence[Planned]) -> Iterator[Planned]:
    """The same mails, each with how many others its reader gets on that day of theirs."""

    def day(one: Planned) -> tuple[str, date]:
        return one.addr, one.local.date()

    count = Counter(day(one) for one in mails if goes(one) and one.kind not in _PERSONAL)
    for one in mails:
        yield replace(one, beside=max(0, count[day(one)] - 1) if goes(one) else 0)


def difference(was: Rehearsal, now: Rehearsal) -> list[Difference]:
    """What differs between two rehearsals, mail by mail, in order of time."""
    before = {(one.addr, one.key): one for one in was.mails if goes(one)}
    after = {(one.addr, one.key): one for one in now.mails if goes(one)}
    found = []
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old is None or new is None:
            found.append(Difference("gone" if new is None else "new", old, new))
        elif old.at != new.at:
            found.append(Difference("moved", old, new))
        elif old.subject != new.subject:
            found.append(Difference("other", old, new))
    return sorted(found, key=lambda one: (_at(one), one.what))


def _at(one: Difference) -> tuple[datetime, str]:
    planned = one.now or one.was
    if planned is None:
        raise ValueError("a difference is of some mail")
    return planned.at, planned.addr
