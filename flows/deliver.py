"""Delivering: claim what is due, look once more whether each reader may be mailed, compose, send, record.

Nothing is lost: a claim is a lease, each try is written down before it begins, and a fate is recorded before the
connection that it came from finishes its next mail: in the database, or where that is a file in a note beside it, which
the next claim brings home. A mail can go twice only if the worker died between the relay's
`250` and our record of it; then it has the same Message-ID.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from db import accepted, addresses, editions, lease, marks, notes, outbox, pauses, process, readers, sent
from db.attempts import Fate
from db.engine import Lane, Tx
from db.journal import Act
from db.lease import Claimed
from db.notes import Notes
from db.states import DeliveryState
from flows import bounces, control, frozen
from flows.engine import Engine
from flows.failpoint import Failpoint
from flows.letters import Desk, Sender, Stencil, letter, stencil
from mailer import retry
from mailer.address import AddressError
from mailer.compose import Fragment, MissingField
from mailer.letter import Carry, Letter, Outcome
from mailer.retry import ASCII_ONLY

CLAIMED = Failpoint("deliver.claimed")
COMPOSED = Failpoint("deliver.composed")
ANSWERED = Failpoint("deliver.answered")
RECORDED = Failpoint("deliver.recorded")
HOME = Failpoint("deliver.home")

BATCH = 200
SHORT = 100  # tries brought home in one transaction: a mail that comes in waits for its end
BEGIN = 1 / 3  # of a lease; the rest outlasts all timeouts of one conversation, or a worker that was cut off
GUARD = timedelta(minutes=1)  # between two looks for mailings that are too late
NOTED = timedelta(seconds=1)  # how long a note may wait while mails still leave
Clock = Callable[[], datetime]
Sign = Callable[[bytes, datetime], bytes]  # a mail's bytes and the moment of signing


@dataclass(slots=True)
class Delivered:
    """What one run did."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    cancelled: int = 0
    refused: str = ""  # what the smart host said last that was in the way of any mail, and not this one's fault
    held: int = 0  # mailings that are later than their limit and wait for a person

    @property
    def total(self) -> int:
        """Deliveries that got an answer or a reason."""
        return self.sent + self.deferred + self.failed + self.cancelled


@dataclass(slots=True)
class _Run:
    """One worker's run: what it holds between claiming and recording."""

    engine: Engine
    worker: str
    clock: Clock
    sign: Sign | None
    notes: Notes | None
    report: Delivered = field(default_factory=Delivered)
    held: dict[int, tuple[Claimed, str]] = field(default_factory=dict)  # in flight: claim and hash of the bytes
    senders: dict[int, Sender] = field(default_factory=dict)
    desk: Desk = field(default_factory=Desk)
    guarded_at: datetime | None = None  # when it was last looked whether something is too late

    def act(self) -> Act:
        return Act(f"worker:{self.worker}", self.clock())


def deliver(engine: Engine, carry: Carry, worker: str, *, clock: Clock, sign: Sign | None = None) -> Delivered:
    """Send everything that is due now, until nothing is; gives what came of it.

    `carry` is the port to the relay; `sign` adds DKIM to the bytes of a mail. Raises `DatabaseUnavailable`.
    """
    _bring_home_left(engine, Act(f"worker:{worker}", clock()))
    with _noting(engine, worker) as noted:
        run = _Run(engine, worker, clock, sign, noted)
        with engine.db.write() as tx:
            outbox.expire_leases(tx, run.act())
        carry(_letters(run), lambda outcomes: _record(run, outcomes))
        with _writing(run) as tx:
            outbox.finish_mailings(tx, run.act())
    return run.report


def _bring_home_left(engine: Engine, act: Act) -> None:
    """Record what workers noted and the database does not know yet, before anybody's lease is given back."""
    if engine.db.path is not None:
        for worker, fates in notes.left(notes.folder_of(engine.db.path)):
            with engine.db.write() as tx:
                _settle(tx, engine, act, worker, fates)


def _settle(tx: Tx, engine: Engine, act: Act, worker: str, fates: Sequence[Fate]) -> None:
    """Record tries, and count what was refused for good against its address."""
    written = set(outbox.record(tx, act, worker, fates))
    if turned := [one.delivery_id for one in fates if one.enhanced == ASCII_ONLY and one.outcome == "temporary"]:
        addresses.turn_to_ascii(tx, [one for one in turned if one in written], act.now)
    refused = {one.delivery_id: one for one in fates if _is_theirs(one) and one.delivery_id in written}
    for found in sent.by_id(tx, list(refused)):
        one = refused[found.id]
        final = one.outcome == "permanent"
        bounces.refused(tx, engine, found, one.enhanced or f"{one.code // 100}.0.0", final, act=act)


def _is_theirs(one: Fate) -> bool:
    """Whether a mail ended at its reader's server: refused for good, or put off until it was given up."""
    if one.outcome == "permanent":
        return True
    return one.state is DeliveryState.FAILED and one.outcome == "temporary" and not retry.of_relay(one.reason or "")


@contextmanager
def _noting(engine: Engine, worker: str) -> Iterator[Notes | None]:
    """Notes where the database is a file. On a server they would lie on one machine, out of the others' sight."""
    if engine.db.path is None:
        yield None
        return
    with closing(Notes(notes.folder_of(engine.db.path), worker)) as made:
        yield made


@contextmanager
def _writing(run: _Run, lane: Lane = Lane.NORMAL) -> Iterator[Tx]:
    """A writer's transaction after bringing home what was noted."""
    with run.notes.taken() if run.notes is not None else nullcontext(()) as fates:
        for start in range(0, len(fates), SHORT):
            with run.engine.db.write(lane) as tx:
                _settle(tx, run.engine, run.act(), run.worker, fates[start : start + SHORT])
        with run.engine.db.write(lane) as tx:
            yield tx
        HOME.reach()


def _letters(run: _Run) -> Iterator[Letter]:
    """Letters as the connections want them, claimed in batches: the first leaves while the rest is not yet claimed."""
    while True:
        batch = _claim(run)
        if not batch.claimed:
            return
        CLAIMED.reach()
        dropped: list[tuple[Claimed, str]] = []
        for claimed in batch.claimed:
            reason = standing(claimed, batch.suppressed, run.clock())
            made = None if reason else _compose(run, batch, claimed, dropped)
            if reason:
                dropped.append((claimed, reason))
            if made is not None:
                yield made
        _drop(run, dropped)


@dataclass(frozen=True, slots=True)
class _Batch:
    claimed: Sequence[Claimed] = ()
    known: Mapping[int, Stencil] = field(default_factory=dict)  # by variant: made for an earlier batch
    wordings: Mapping[int, str] = field(default_factory=dict)  # by variant, the others
    blocks: Mapping[int, Mapping[str, Fragment]] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    suppressed: Mapping[int, str] = field(default_factory=dict)  # delivery -> reason
    ours: Callable[[], bool] | None = None  # whether the lease still outlasts a conversation that begins now


def _claim(run: _Run) -> _Batch:
    act = run.act()
    with _writing(run, Lane.BULK) as tx:
        if outbox.paused(tx) is not None:
            return _Batch()
        if run.guarded_at is None or act.now - run.guarded_at > GUARD:
            run.report.held += len(control.hold_late(tx, act))
            run.guarded_at = act.now
        away = list(pauses.domains(tx))
        settings = run.engine.settings
        ids = outbox.claim(tx, act.now, run.worker, act.now + settings.lease, BATCH, away, settings.limits)
    if not ids:
        return _Batch()
    with run.engine.db.read() as tx:
        claimed = lease.claimed(tx, ids)
        variants = {c.variant_id for c in claimed if c.variant_id is not None}
        # Held by the batch itself: what the desk gives up meanwhile is still needed here.
        known = {v: run.desk.stencils[v] for v in variants if v in run.desk.stencils}
        bodies = outbox.unread_bodies(tx, variants - known.keys())
        blocks = outbox.personal(tx, ids)
        groups = readers.groups_of(tx, [c.liaison_id for c in claimed if c.liaison_id is not None])
        for mailing_id in {c.mailing_id for c in claimed} - run.senders.keys():
            run.senders[mailing_id] = sender(run.engine, tx, mailing_id)
        suppressed = _suppressed(run.engine, tx, claimed)
    begin_by = act.now + run.engine.settings.lease * BEGIN
    return _Batch(
        claimed,
        known,
        bodies,
        {delivery: frozen.load_blocks(values) for delivery, values in blocks.items()},
        {liaison: ", ".join(name for _, _, name in found) for liaison, found in groups.items()},
        suppressed,
        lambda: run.clock() < begin_by,
    )


def sender(engine: Engine, tx: Tx, mailing_id: int) -> Sender:
    """What is equal for all mails of a mailing."""
    mailing = editions.mailing(tx, mailing_id)
    owner = process.by_id(tx, mailing.process_id)
    if owner is None:
        raise LookupError(f"mailing {mailing_id} has no process")
    return Sender(
        process=owner,
        digest=editions.digest(tx, mailing.digest_id) if mailing.digest_id is not None else None,
        mailing=mailing,
        ring=engine.keys.ring(owner.slug, owner.address_base),
        renderer=engine.renderer,
        base_url=engine.settings.base_url,
        signed=engine.settings.signed,
        corrects_tag=editions.mailing(tx, mailing.corrects_id).tag if mailing.corrects_id is not None else None,
    )


def _suppressed(engine: Engine, tx: Tx, claimed: Sequence[Claimed]) -> dict[int, str]:
    found: dict[int, str] = {}
    for process_id in {c.process_id for c in claimed}:
        hashes = {
            c.id: engine.keys.address_hash(c.address_key)
            for c in claimed
            if c.process_id == process_id and c.address_key
        }
        reasons = outbox.suppressed(tx, process_id, list(hashes.values()))
        found |= {delivery: reasons[value] for delivery, value in hashes.items() if value in reasons}
    return found


def standing(claimed: Claimed, suppressed: Mapping[int, str], now: datetime) -> str | None:
    """Why this reader may not be mailed now, or None (promise 5). Looked at when the mail is about to leave."""
    checks = (
        (now > claimed.not_after, "too late"),
        (claimed.id in suppressed, f"suppressed: {suppressed.get(claimed.id, '')}"),
        (claimed.address_retired, "address retired"),
        (not claimed.addr, "no address"),
    )
    for hit, reason in checks:
        if hit:
            return reason
    return _absent(claimed, now.date()) if claimed.liaison_id is not None else None


def _absent(claimed: Claimed, today: date) -> str | None:
    # What answers the reader's own wish (a receipt, a confirmation that they left) still reaches them.
    if claimed.mailing_kind in ("receipt", "notice"):
        return "forgotten" if claimed.liaison_state == "forgotten" else None
    if claimed.liaison_state == "paused" or (claimed.paused_until is not None and claimed.paused_until > today):
        return "paused"
    if claimed.liaison_state != "active":
        return claimed.liaison_state
    if claimed.subscription_state not in ("", "active"):
        return "left"
    return None


def _compose(run: _Run, batch: _Batch, claimed: Claimed, dropped: list[tuple[Claimed, str]]) -> Letter | None:
    try:
        made = letter(
            run.senders[claimed.mailing_id],
            claimed,
            _stencil(run, batch, claimed),
            batch.blocks.get(claimed.id, {}),
            batch.groups.get(claimed.liaison_id or 0, ""),
            batch.ours,
        )
    except (AddressError, MissingField, KeyError) as error:
        # One faulty row must not stop the others; it is a person's to mend.
        dropped.append((claimed, f"cannot be composed: {error}"))
        return None
    if run.sign is not None:
        made = replace(made, data=run.sign(made.data, run.clock()))
    content = hashlib.sha256(made.data).hexdigest()
    run.held[claimed.id] = (claimed, marks.sent(content, claimed.address_id, claimed.lang, claimed.variant_id))
    COMPOSED.reach()
    return made


def _stencil(run: _Run, batch: _Batch, claimed: Claimed) -> Stencil:
    variant = claimed.variant_id
    if variant is None:
        raise KeyError("no wording")
    found = batch.known.get(variant) or run.desk.stencils.get(variant)
    if found is None:
        found = stencil(run.senders[claimed.mailing_id], frozen.loads(batch.wordings[variant]))
        run.desk.keep(variant, found)
    return found


def _drop(run: _Run, dropped: Sequence[tuple[Claimed, str]]) -> None:
    act = run.act()
    by_reason: dict[str, list[int]] = {}
    for claimed, reason in dropped:
        by_reason.setdefault(reason, []).append(claimed.id)
    if not by_reason:
        return
    with run.engine.db.write() as tx:
        for reason, ids in by_reason.items():
            run.report.cancelled += outbox.end(tx, act, ids, DeliveryState.CANCELLED, reason)


def _record(run: _Run, outcomes: Sequence[Outcome]) -> None:
    ANSWERED.reach()
    act = run.act()
    fates = [fate(run.engine, *run.held[o.id], o, act.now) for o in outcomes if o.id in run.held]
    if run.notes is None:
        rest = _at_once(run, act, fates)
        if rest:
            with run.engine.db.write() as tx:
                _settle(tx, run.engine, act, run.worker, rest)
    else:
        run.notes.put(fates)
        oldest = run.notes.oldest  # looked at once: the thread that claims may bring it home meanwhile
        if oldest is not None and act.now - oldest > NOTED:
            with _writing(run):
                pass
    RECORDED.reach()
    relays = {one.id: one.relay for one in outcomes}
    for one in fates:
        run.held.pop(one.delivery_id, None)
        if one.state is DeliveryState.SENT:
            run.report.sent += 1
        elif one.state is DeliveryState.FAILED:
            run.report.failed += 1
        else:
            run.report.deferred += 1
            if retry.of_relay(one.reason or ""):
                run.report.refused = f"{relays[one.delivery_id]}: {one.reason} {one.reply}"


def _at_once(run: _Run, act: Act, fates: Sequence[Fate]) -> Sequence[Fate]:
    """Record on a server in one trip what was accepted; gives the others, and all where a lease was lost."""
    sent = [one for one in fates if one.state is DeliveryState.SENT]
    if not sent:
        return fates
    with run.engine.db.alone() as tx:
        if not accepted.record(tx, act, run.worker, sent):
            return fates
    return [one for one in fates if one.state is not DeliveryState.SENT]


def fate(engine: Engine, claimed: Claimed, sent_hash: str, outcome: Outcome, now: datetime) -> Fate:
    """What an answer means for a delivery: sent, tried again later, or given up."""
    state, kind, reason, next_at = DeliveryState.SENT, "accepted", None, None
    if not outcome.accepted:
        # Another address of theirs stands in: `_settle` turns the mail to it.
        final = outcome.permanent and not (outcome.enhanced == ASCII_ONLY and claimed.ascii_alt)
        kind = "permanent" if final else "unknown" if outcome.unknown else "temporary"
        next_at = None if final else retry.next_try(claimed.dated_at, now, engine.settings.give_up)
        late = next_at is not None and next_at > claimed.not_after + timedelta(minutes=1)
        state = DeliveryState.DEFERRED if next_at is not None and not late else DeliveryState.FAILED
        reason = f"{outcome.code} {outcome.enhanced}".strip() or "no answer"
        next_at = next_at if state is DeliveryState.DEFERRED else None
    return Fate(
        delivery_id=claimed.id,
        n=claimed.n,
        state=state,
        outcome=kind,
        code=outcome.code,
        enhanced=outcome.enhanced,
        reply=_masked(outcome.text, claimed.addr),
        sent_hash=sent_hash,
        reason=reason,
        next_at=next_at,
        at=now,
    )


def _masked(text: str, addr: str) -> str:
    """A server's words without the reader's address: the attempt outlives the person's data."""
    return text.replace(addr, "<address>")[:500]
