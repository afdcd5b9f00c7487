"""Publishing an edition: approve and freeze it, then write a delivery, or the reason for none, for every reader.

Freezing is one transaction; enqueueing goes in batches, may stop anywhere and is taken up again by anyone: unique keys
keep it from doing a thing twice, and nothing can be claimed before the last batch is written (promises 1 and 2).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from db import counters, deployment, editions, gates, journal, outbox, process, readers, variants
from db.editions import DigestRow, EditionRow, MailingRow
from db.engine import CHUNK, Lane, Tx
from db.journal import Act
from db.states import WAITING, DeliveryState, EditionState, MailingState
from digests import news
from digests.gate import cut_off, reason
from digests.landing import overdue
from digests.subject import Subject, SubjectKind
from digests.wall import zone
from flows import control, frozen, restore, sampling
from flows.engine import Engine, Refused
from flows.failpoint import Failpoint
from flows.frozen import Frozen
from flows.notice import tags
from flows.press import EditionBase, Gathered, Press, gather, plan, set_up
from mailer.compose import Fragment

FROZEN = Failpoint("publish.frozen")
WORDED = Failpoint("publish.worded")
STORED = Failpoint("publish.stored")
WRITTEN = Failpoint("publish.written")
READY = Failpoint("publish.ready")

NOTHING = "nothing to say"
PART = 100  # readers, or wordings, in one transaction: a `250` waits for the one that is under way


@dataclass(frozen=True, slots=True)
class Published:
    """What an approval came to. `mailing_id` None: there was nothing to say to anybody."""

    edition_id: int
    number: int | None
    mailing_id: int | None
    deliveries: int = 0
    left_out: int = 0
    held: bool = False


def approve(engine: Engine, edition_id: int, *, act: Act, sample: sampling.Plan | None = None) -> Published:
    """Freeze a draft and put it into the outbox; skip it when nobody would get it. With `sample` a few get it first.

    Raises `Refused` when there is no such draft, and `TemplateFailed` before anything was frozen.
    """
    press = _prospect(engine, edition_id, act)
    first = _first_deliver(press)
    if first is None:
        with engine.db.write() as tx:
            journal.move(tx, act, "edition", edition_id, EditionState.SKIPPED, NOTHING, reason=NOTHING,
                         seq=press.frozen.seq)  # fmt: skip
        return Published(edition_id, None, None)
    press.add_numbers([first])
    press.word(first, first=False)  # a template that fails must fail here: the edition stays a draft
    with engine.db.write() as tx:
        mailing = _freeze(tx, engine, edition_id, act)
        if sample is not None:
            sampling.plan_for(tx, mailing.id, sample)
    FROZEN.reach()
    return enqueue(engine, mailing, act=act)


def _prospect(engine: Engine, edition_id: int, act: Act, closed: frozenset[str] = frozenset()) -> Press:
    """The press as it would be if the draft were frozen now."""
    with engine.db.write() as tx:  # a writer's lock, so that the seq that is read is settled
        row = editions.edition(tx, edition_id)
        if row is None or row.state != EditionState.DRAFT:
            raise Refused(f"edition {edition_id} is {row.state}, not a draft" if row else f"no edition {edition_id}")
        seq = counters.last_seq(tx, editions.digest(tx, row.digest_id).process_id)
    return set_press(engine, row, seq, act, closed)


def set_press(engine: Engine, row: EditionRow, seq: int, act: Act, closed: frozenset[str] = frozenset()) -> Press:
    """The press of an edition at a seq, frozen at `act.now` unless it has been already; `closed` is waited for."""
    with engine.db.read() as tx:
        series = editions.digest(tx, row.digest_id)
        owner = process.by_id(tx, series.process_id)
        if owner is None:
            raise LookupError(f"digest {series.slug} has no process")
        number = row.number if row.number is not None else editions.next_number(tx, series.id)
        base = EditionBase(row.frozen_at or act.now, zone(owner.zone))
        return set_up(tx, engine, row, replace(plan(series, row, seq, base), closed_languages=closed), number)


def _first_deliver(press: Press) -> news.Deliver | None:
    """The first reader who would get it, or None when nobody would."""
    for batch in _batches(press, after=0):
        for decision in _decide(press, batch)[0]:
            if isinstance(decision, news.Deliver):
                return decision
    return None


def foresee(
    engine: Engine, edition_id: int, langs: frozenset[str], *, act: Act
) -> tuple[dict[str, gates.Needs], news.Edition]:
    """The texts that readers of these languages would get if a draft were frozen now, and what would be frozen."""
    press = _prospect(engine, edition_id, act, langs)
    seen: set[str] = set()
    for batch in _batches(press, after=0):
        for one in _decide(press, batch)[0]:
            if isinstance(one, news.Deliver) and one.held and one.variant_key not in seen:
                seen.add(one.variant_key)
                press.said(one)
    return press.needs(), press.frozen


def _freeze(tx: Tx, engine: Engine, edition_id: int, act: Act) -> MailingRow:
    row = editions.edition(tx, edition_id)
    if row is None:
        raise Refused(f"no edition {edition_id}")
    series = editions.digest(tx, row.digest_id)
    owner = process.by_id(tx, series.process_id)
    if owner is None:
        raise LookupError(f"digest {series.slug} has no process")
    seq = counters.last_seq(tx, owner.id)
    number = editions.next_number(tx, series.id)
    journal.move(
        tx,
        act,
        "edition",
        edition_id,
        EditionState.APPROVED,
        "approved",
        process_id=owner.id,
        seq=seq,
        number=number,
        frozen_at=act.now,
    )
    key = f"edition:{series.slug}:{row.slot_wall}"
    mailing_id = editions.add_mailing(
        tx,
        tags(engine, owner, key),
        process_id=owner.id,
        natural_key=key,
        kind="edition",
        digest_id=series.id,
        edition_id=edition_id,
        seq=seq,
        state=MailingState.BUILDING,
        generation=deployment.generation(tx),
        lane=0,
        created_at=act.now,
        due_at=row.slot_at,
    )
    mailing = editions.mailing(tx, mailing_id)
    _close_gates(tx, mailing, series, row, act)
    return mailing


def _close_gates(tx: Tx, mailing: MailingRow, series: DigestRow, row: EditionRow, act: Act) -> None:
    """What this edition waits for, by the standing orders of its digest."""
    planned = plan(series, row, mailing.seq, EditionBase(act.now, zone(series.zone)))
    for lang, hours in gates.waits(tx, gates.DIGEST, series.id).items():
        end = cut_off(planned.frozen_at, hours, planned.next_freeze)
        if end is not None:
            gates.add(tx, mailing.id, lang, end, {})


def enqueue(engine: Engine, mailing: MailingRow, *, act: Act) -> Published:
    """Write the deliveries of a frozen edition, from where a crash may have left it; the last commit releases them."""
    with engine.db.read() as tx:
        row = editions.edition(tx, mailing.edition_id or 0)
        if row is None:
            raise LookupError(f"mailing {mailing.id} has no edition")
        stored = variants.ids(tx, mailing.id)
        closed = gates.closed(tx, mailing.id)
    press = set_press(engine, row, mailing.seq, act, closed)
    press.stored.update(stored)
    try:
        for batch in _batches(press, after=0):
            left = _not_served(press, mailing, batch)
            while left:
                left = _enqueue_batch(press, mailing, left, act)
        WRITTEN.reach()
        return _release(press, row, mailing, act)
    except _Overtaken:
        return _so_far(engine, row, mailing)


class _Overtaken(Exception):
    """Another program writes the same mailing and is ahead: it is left to it."""


def _not_served(press: Press, mailing: MailingRow, rows: Sequence[readers.Reader]) -> list[readers.Reader]:
    """Those without a delivery or a reason for none; the numbers that items have by now become this press's own."""
    with press.engine.db.read() as tx:
        served = readers.served(tx, mailing.id, [row.liaison_id for row in rows])
        numbered = editions.items(tx, mailing.id)
    press.numbers.update({Subject(SubjectKind(kind), i): number for (kind, i), number in numbered.items()})
    return [row for row in rows if row.liaison_id not in served]


def _release(press: Press, row: EditionRow, mailing: MailingRow, act: Act) -> Published:
    """Let the mailing go, or hold it for a person, now that every reader has a delivery or a reason for none."""
    why = _hold(press, row, act)
    with press.engine.db.write() as tx:
        if not editions.lock_building(tx, mailing.id):
            raise _Overtaken
        total, digest = readers.settled(tx, mailing.id)
        becomes = MailingState.HELD if why else MailingState.READY
        values = {"total": total, "set_hash": digest, "ready_at": act.now, "paused_why": why}
        journal.move(
            tx, act, "mailing", mailing.id, becomes, why or "enqueued",
            process_id=mailing.process_id, proof=digest, **values,
        )  # fmt: skip
        if not why:
            sampling.draw_planned(tx, mailing, act)
    READY.reach()
    return _so_far(press.engine, row, mailing)


def _so_far(engine: Engine, row: EditionRow, mailing: MailingRow) -> Published:
    with engine.db.read() as tx:
        held = editions.mailing(tx, mailing.id).state == MailingState.HELD
        total, _ = readers.settled(tx, mailing.id)
        queued = sum(n for m, _, _, _, n in outbox.counts(tx) if m == mailing.id)
    return Published(row.id, row.number, mailing.id, queued, total - queued, held)


def _hold(press: Press, row: EditionRow, act: Act) -> str | None:
    """Why an edition waits for a person instead of going out, or None."""
    series = press.material.digest
    could_be_approved = row.slot_at - timedelta(minutes=series.grace_minutes)
    if restore.may_have_gone(could_be_approved, press.material.process.restored_at):
        return restore.WHY
    late = overdue(row.slot_at, act.now, timedelta(minutes=series.late_limit_minutes))
    return control.OVERDUE if act.actor == "clock" and late else None


def _batches(press: Press, after: int) -> Iterator[list[readers.Reader]]:
    while True:
        with press.engine.db.read() as tx:
            rows = readers.subscribers(tx, press.material.digest.id, after, CHUNK)
        if not rows:
            return
        yield rows
        after = rows[-1].liaison_id


def _decide(press: Press, rows: Sequence[readers.Reader]) -> tuple[list[news.Decision], Gathered]:
    """Decide over a batch; those whose shortcut does not hold are worked out from their deliveries."""
    engine, series = press.engine, press.material.digest
    with engine.db.read() as tx:
        gathered = gather(tx, engine, series.process_id, series.id, rows, exact=False)
    decisions = list(news.decide(press.frozen, press.chronicle, [press.reader(row, gathered) for row in rows]))
    ask = {d.liaison for d in decisions if isinstance(d, news.AskExact)}
    if ask:
        again = [row for row in rows if row.liaison_id in ask]
        with engine.db.read() as tx:
            exact = gather(tx, engine, series.process_id, series.id, again, exact=True)
        found = news.decide(press.frozen, press.chronicle, [press.reader(row, exact) for row in again])
        by_liaison = {decision.liaison: decision for decision in found}
        decisions = [by_liaison.get(d.liaison, d) for d in decisions]
    return decisions, gathered


@dataclass(frozen=True, slots=True)
class _Made:
    """A decision to deliver with its words."""

    deliver: news.Deliver
    row: readers.Reader
    key: str
    lang: str
    blocks: dict[str, Fragment]


def _enqueue_batch(press: Press, mailing: MailingRow, rows: Sequence[readers.Reader], act: Act) -> list[readers.Reader]:
    """Decide, word and write one batch; gives the readers whose news moved meanwhile, to be decided again (N7).

    Raises `_Overtaken` when another program wrote of the same mailing for one of them since they were read.
    """
    decisions, gathered = _decide(press, rows)
    delivers = [d for d in decisions if isinstance(d, news.Deliver)]
    numbers = press.add_numbers(delivers)
    by_liaison = {row.liaison_id: row for row in rows}
    made, new = _word(press, delivers, by_liaison, gathered.told_before)
    WORDED.reach()
    _store_wordings(press, mailing, new, numbers)
    STORED.reach()
    moved: set[int] = set()
    for start in range(0, len(decisions), PART):
        part = decisions[start : start + PART]
        with press.engine.db.write(Lane.BULK) as tx:
            moved |= _write(tx, press, mailing, part, by_liaison, made, act)
    if not moved:
        return []
    with press.engine.db.read() as tx:
        return readers.subscribers_by_id(tx, press.material.digest.id, sorted(moved))


def _store_wordings(
    press: Press, mailing: MailingRow, new: Sequence[variants.NewVariant], numbers: Mapping[Subject, int]
) -> None:
    """Before those who are sent them: a wording that nobody gets in the end does no harm."""
    items = {(subject.kind.value, subject.id): number for subject, number in numbers.items()}
    needs = press.needs()
    for start in range(0, max(1, len(new)), PART):
        with press.engine.db.write(Lane.BULK) as tx:
            if not editions.lock_building(tx, mailing.id):
                raise _Overtaken
            editions.add_items(tx, mailing.id, items if start == 0 else {})
            if start == 0 and not items.items() <= editions.items(tx, mailing.id).items():
                raise _Overtaken  # another program numbers them, and words them with other numbers
            for lang, wanted in needs.items() if start == 0 else ():
                gates.need(tx, mailing.id, lang, wanted)
            stored = variants.add(tx, mailing.id, new[start : start + PART])
        press.stored.update(stored)  # committed: not rendered again, and not kept here


def _write(
    tx: Tx,
    press: Press,
    mailing: MailingRow,
    decisions: Sequence[news.Decision],
    rows: Mapping[int, readers.Reader],
    made: Mapping[int, _Made],
    act: Act,
) -> set[int]:
    """Write what was decided for some readers; gives those whose news moved meanwhile, of whom nothing is written."""
    here = {d.liaison: rows[d.liaison] for d in decisions}
    if not editions.lock_building(tx, mailing.id) or readers.served(tx, mailing.id, list(here)):
        raise _Overtaken
    moved = _moved(tx, decisions, here)
    kept = [d for d in decisions if d.liaison not in moved]
    _cancel(tx, act, kept)
    delivers = [made[d.liaison] for d in kept if isinstance(d, news.Deliver)]
    _write_deliveries(tx, mailing, delivers, press.stored, act)
    left = [(d.liaison, d.reason.value) for d in kept if isinstance(d, news.LeftOut)]
    readers.add_left_out(tx, mailing.id, left)
    _set_cursors(tx, kept, here)
    return moved


def _word(
    press: Press, delivers: Sequence[news.Deliver], rows: Mapping[int, readers.Reader], told_before: frozenset[int]
) -> tuple[dict[int, _Made], list[variants.NewVariant]]:
    """What each of these readers is sent, and the wordings in it that are not stored yet, each rendered once."""
    made, new = {}, {}
    for one in delivers:
        first = one.liaison not in told_before
        key = press.variant_key(one, first)
        if key not in press.stored and key not in new:
            new[key] = _new_variant(key, one, press.word(one, first))
        made[one.liaison] = _Made(one, rows[one.liaison], key, press.spoken(one.languages), press.personal(one))
    return made, list(new.values())


def _moved(tx: Tx, decisions: Sequence[news.Decision], rows: Mapping[int, readers.Reader]) -> set[int]:
    """Whose turn changed since they were read, or whose waiting mail was claimed: what was decided no longer holds."""
    subscriptions = {row.subscription_id: liaison for liaison, row in rows.items() if row.subscription_id is not None}
    turns = readers.lock_turns(tx, list(subscriptions))
    moved = {liaison for sub, liaison in subscriptions.items() if turns.get(sub) != rows[liaison].turn}
    waiting = {i: d.liaison for d in decisions if not isinstance(d, news.AskExact) for i in d.cancel}
    return moved | {waiting[i] for i in outbox.no_longer(tx, list(waiting), WAITING)}


def _cancel(tx: Tx, act: Act, decisions: Sequence[news.Decision]) -> None:
    """What still waits of older editions is superseded: this one tells it all (N9)."""
    ids = [i for d in decisions if not isinstance(d, news.AskExact) for i in d.cancel]
    outbox.end(tx, act, ids, DeliveryState.CANCELLED, "superseded", void=False)


def _write_deliveries(tx: Tx, mailing: MailingRow, made: Sequence[_Made], stored: Mapping[str, int], act: Act) -> None:
    new = readers.add_deliveries(tx, [_delivery(mailing, one, stored[one.key], act) for one in made])
    personal = [
        (
            new[one.deliver.liaison],
            frozen.dump_blocks(one.blocks),
            [(n.subject.kind.value, n.subject.id) for n in one.deliver.own],
        )
        for one in made
        if one.deliver.own and one.deliver.liaison in new
    ]
    readers.add_personal(tx, personal)


def _new_variant(key: str, deliver: news.Deliver, wording: Frozen) -> variants.NewVariant:
    return variants.NewVariant(
        key=key,
        languages=deliver.languages,
        body=frozen.dumps(wording),
        size=deliver.size,
        still_open=deliver.scope.to_json(),
        news_key=deliver.news_key,
        news=[(n.subject.kind.value, n.subject.id, n.label.value, n.was_seq) for n in deliver.news],
    )


def _delivery(mailing: MailingRow, one: _Made, variant_id: int, act: Act) -> dict[str, Any]:
    return {
        "mailing_id": mailing.id,
        "liaison_id": one.deliver.liaison,
        "subscription_id": one.row.subscription_id,
        "address_id": one.row.address_id,
        "to_addr": None,
        "domain": one.row.address_key.rpartition("@")[2],
        "variant_id": variant_id,
        "lang": one.lang,
        "state": DeliveryState.HELD if one.deliver.held else DeliveryState.QUEUED,
        "reason": reason(one.deliver.held) if one.deliver.held else None,
        "send_at": one.deliver.send_at,
        "not_after": one.deliver.not_after,
        "tries": 0,
        "created_at": act.now,
    }


def _set_cursors(tx: Tx, decisions: Sequence[news.Decision], rows: Mapping[int, readers.Reader]) -> None:
    moves, void = [], []
    for decision in decisions:
        subscription = rows[decision.liaison].subscription_id
        if isinstance(decision, news.AskExact) or subscription is None:
            continue
        if decision.cursor is None:
            void.append(subscription)
        else:
            moves.append((subscription, decision.turn, decision.cursor))
    readers.set_cursors(tx, moves)
    readers.void(tx, void)


def withdraw(engine: Engine, edition_id: int, why: str, *, act: Act) -> int:
    """Take an edition back: a draft is dropped; of an approved one, what has not left is cancelled. Gives how many."""
    with engine.db.write() as tx:
        row = editions.edition(tx, edition_id)
        if row is None:
            raise Refused(f"no edition {edition_id}")
        journal.move(tx, act, "edition", edition_id, EditionState.WITHDRAWN, why, reason=why)
        mailing = next(iter(editions.mailings(tx, edition_id=edition_id)), None)
        if mailing is None:
            return 0
        journal.move(tx, act, "mailing", mailing.id, MailingState.WITHDRAWN, why, process_id=mailing.process_id)
        waiting = outbox.ids_in(tx, mailing.id, WAITING)
        return outbox.end(tx, act, waiting, DeliveryState.CANCELLED, why, mailing.process_id)
