"""The outbox: claiming deliveries, recording what became of them, ending them.

A claim is a lease: it names a worker and a moment. What is recorded later is fenced by both the worker and the
try, so a worker that was given up for dead cannot overwrite the fate that another one recorded.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, bindparam, cast, func, insert, or_, select, tuple_, update
from sqlalchemy.sql import ColumnElement

from db import attempts, journal, rates
from db.attempts import Fate
from db.engine import CHUNK, Tx
from db.journal import Act
from db.rates import Rooms
from db.states import ENDED_BADLY, LIVE, DeliveryState, MailingState
from db.tables import (
    Address,
    Attempt,
    Delivery,
    DeliveryPersonal,
    Deployment,
    Liaison,
    Mailing,
    Subscription,
    Suppression,
    VariantBody,
)

_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_A: Any = Attempt.__table__  # type: ignore[attr-defined]
_L: Any = Liaison.__table__  # type: ignore[attr-defined]
_ADDRESS: Any = Address.__table__  # type: ignore[attr-defined]
_SUB: Any = Subscription.__table__  # type: ignore[attr-defined]
_DEPLOYMENT: Any = Deployment.__table__  # type: ignore[attr-defined]


_DUE_STATES = (DeliveryState.QUEUED, DeliveryState.DEFERRED)


def paused(tx: Tx) -> str | None:
    """Why all sending is paused, or None."""
    row = tx.execute(select(_DEPLOYMENT.c.paused_at, _DEPLOYMENT.c.paused_why)).first()
    return (row.paused_why or "paused") if row is not None and row.paused_at is not None else None


def set_paused(tx: Tx, at: datetime | None, why: str | None) -> None:
    """Pause all sending, or go on (both None)."""
    tx.execute(update(_DEPLOYMENT).values(paused_at=at, paused_why=why))


def claim(
    tx: Tx,
    now: datetime,
    worker: str,
    lease_until: datetime,
    limit: int,
    skip_domains: Sequence[str] = (),
    limits: Mapping[str, int] | None = None,
) -> list[int]:
    """Lease up to `limit` due deliveries for `worker`; gives their ids, urgent lanes first.

    `limits`: the most mails a minute by domain (`rates.ALL`: altogether), over all workers; what finds no room waits.

    Each claim opens an attempt (outcome `started`) before anything leaves, so that an unproved one shows.
    """
    rooms = rates.open_rooms(tx, limits, now) if limits else None
    before = dict(rooms.left) if rooms is not None else {}
    ids: list[int] = []
    for mailing_id in _mailings_due(tx, now):
        if len(ids) == limit or (rooms is not None and rooms.none):
            break
        ids += _due(tx, mailing_id, now, limit - len(ids), skip_domains, rooms)
    if not ids:
        return []
    if rooms is not None:
        rates.close_rooms(tx, before, rooms)
    tx.execute(
        update(_D)
        .where(_D.c.id.in_(ids))
        .values(
            state=DeliveryState.SENDING,
            lease_by=worker,
            lease_until=lease_until,
            tries=_D.c.tries + 1,
            dated_at=func.coalesce(_D.c.dated_at, bindparam("dated", now, type_=_D.c.dated_at.type)),
        )
    )
    # `ended_at` stays empty: an attempt without an end is one that nobody can prove.
    opened = select(_D.c.id, _D.c.tries, bindparam("at", now, type_=_A.c.started_at.type), bindparam("o", "started"))
    tx.execute(insert(_A).from_select(["delivery_id", "n", "started_at", "outcome"], opened.where(_D.c.id.in_(ids))))
    return ids


def _mailings_due(tx: Tx, now: datetime) -> list[int]:
    """The mailings with something due that may leave: urgent lanes first, then the older one."""
    due = select(_D.c.id).where(_D.c.mailing_id == _M.c.id, _D.c.state.in_(_DUE_STATES), _D.c.send_at <= now).exists()
    query = select(_M.c.id).where(_M.c.state == MailingState.READY, due).order_by(_M.c.lane, _M.c.id)
    return list(tx.execute(query).scalars())


def _due(
    tx: Tx, mailing_id: int, now: datetime, limit: int, skip_domains: Sequence[str], rooms: Rooms | None
) -> list[int]:
    """Due deliveries of a mailing in the order of an index, so that a claim costs the same however many wait.

    Those of one moment and one wording stand together: whoever composes them frames it once.
    """
    found: list[int] = []
    order = (_D.c.send_at, _D.c.variant_id, _D.c.id)
    # Without limits the index alone answers: it does not hold the domain.
    columns = order if rooms is None else (*order, _D.c.domain)
    for state in _DUE_STATES:
        skipped = [*skip_domains, *(rooms.full if rooms is not None else ())]
        query = (
            select(*columns)
            .where(_D.c.mailing_id == mailing_id, _D.c.state == state, _D.c.send_at <= now)
            .order_by(*order)
            .limit(limit - len(found))
            .with_for_update(skip_locked=True)
        )
        if skipped:
            query = query.where(_D.c.domain.not_in(skipped))
        rows = tx.execute(query).all()
        found += rooms.within((row.id, row.domain) for row in rows) if rooms is not None else [row.id for row in rows]
        if len(found) == limit:
            break
    return found


def bodies(tx: Tx, variant_ids: Iterable[int]) -> dict[int, Any]:
    """The frozen wordings of variants."""
    return {variant: json.loads(body) for variant, body in unread_bodies(tx, variant_ids).items()}


def unread_bodies(tx: Tx, variant_ids: Iterable[int]) -> dict[int, str]:
    """The same as JSON not yet read: a batch may hold many and use them one by one."""
    table: Any = VariantBody.__table__  # type: ignore[attr-defined]
    query = select(table.c.variant_id, cast(table.c.body, Text).label("body"))
    rows = tx.execute(query.where(table.c.variant_id.in_(list(variant_ids))))
    return {row.variant_id: row.body for row in rows}


def subjects(tx: Tx, variant_ids: Iterable[int]) -> dict[int, str]:
    """The frozen subjects of variants; their wordings, which may be large, stay where they are."""
    table: Any = VariantBody.__table__  # type: ignore[attr-defined]
    ids, found = list(variant_ids), {}
    query = select(table.c.variant_id, table.c.body["subject"].as_string().label("subject"))
    for n in range(0, len(ids), CHUNK):
        rows = tx.execute(query.where(table.c.variant_id.in_(ids[n : n + CHUNK])))
        found.update({row.variant_id: row.subject for row in rows})
    return found


def personal(tx: Tx, delivery_ids: Iterable[int]) -> dict[int, Any]:
    """What only these readers' mails say."""
    table: Any = DeliveryPersonal.__table__  # type: ignore[attr-defined]
    rows = tx.execute(select(table.c.delivery_id, table.c.body).where(table.c.delivery_id.in_(list(delivery_ids))))
    return {row.delivery_id: row.body for row in rows}


def suppressed(tx: Tx, process_id: int, hashes: Sequence[str]) -> dict[str, str]:
    """Of these address hashes, the suppressed ones with their reasons."""
    table: Any = Suppression.__table__  # type: ignore[attr-defined]
    rows = tx.execute(
        select(table.c.key_hash, table.c.reason).where(
            table.c.process_id == process_id, table.c.key_hash.in_(hashes), table.c.lifted_at.is_(None)
        )
    )
    return {row.key_hash: row.reason for row in rows}


def record(tx: Tx, act: Act, worker: str, fates: Sequence[Fate]) -> list[int]:
    """Write what tries came to; gives the ids that were written. Fenced: a lease that was lost writes nothing."""
    if not fates:
        return []
    together: dict[tuple[Any, ...], list[Fate]] = {}
    for fate in fates:
        together.setdefault((fate.state, fate.reason, fate.next_at), []).append(fate)
    written: set[int] = set()
    for same in together.values():
        for start in range(0, len(same), CHUNK):
            written |= _settle(tx, worker, same[start : start + CHUNK])
    kept = [fate for fate in fates if fate.delivery_id in written]
    attempts.close(tx, act, kept)
    void_cursors(tx, [fate.delivery_id for fate in kept if fate.state in ENDED_BADLY])
    return [fate.delivery_id for fate in kept]


_SETTLE: Any = (
    update(_D)
    .where(
        _D.c.state == DeliveryState.SENDING,
        _D.c.lease_by == bindparam("worker"),
        tuple_(_D.c.id, _D.c.tries).in_(bindparam("tries_of", expanding=True)),
    )
    .values(
        state=bindparam("becomes"),
        reason=bindparam("why"),
        lease_by=None,
        lease_until=None,
        send_at=func.coalesce(bindparam("again", type_=_D.c.send_at.type), _D.c.send_at),
    )
    .returning(_D.c.id)
)


def _settle(tx: Tx, worker: str, fates: Sequence[Fate]) -> set[int]:
    """Write tries that came to the same in one statement, each behind its own fence; gives the ids it let through."""
    first = fates[0]
    values = {
        "worker": worker,
        "tries_of": [(fate.delivery_id, fate.n) for fate in fates],
        "becomes": first.state,
        "why": first.reason,
        "again": first.next_at,
    }
    return {int(row.id) for row in tx.execute(_SETTLE, values)}


def end(
    tx: Tx,
    act: Act,
    ids: Sequence[int],
    state: DeliveryState,
    reason: str,
    process_id: int | None = None,
    *,
    void: bool = True,
) -> int:
    """Move live deliveries to `state` for `reason`, with a journal row each; gives how many were moved.

    A bad end gives the news back: the reader's cursor is voided (N6). With `void` off the caller sees to the cursor.
    """
    moved = 0
    for start in range(0, len(ids), CHUNK):
        part = list(ids[start : start + CHUNK])
        rows = tx.execute(select(_D.c.id, _D.c.state).where(_D.c.id.in_(part)).with_for_update()).all()
        live = [(row.id, row.state) for row in rows if row.state in LIVE]
        if not live:
            continue
        tx.execute(
            update(_D)
            .where(_D.c.id.in_([i for i, _ in live]))
            .values(state=state, reason=reason, lease_by=None, lease_until=None)
        )
        journal.record(tx, act, "delivery", [(i, was, state, reason) for i, was in live], process_id)
        if void and state in ENDED_BADLY:
            void_cursors(tx, [i for i, _ in live])
        moved += len(live)
    return moved


def void_cursors(tx: Tx, delivery_ids: Sequence[int]) -> None:
    """The readers of these deliveries may not know what they told: work it out anew next time (N6)."""
    for start in range(0, len(delivery_ids), CHUNK):
        part = delivery_ids[start : start + CHUNK]
        subscriptions = select(_D.c.subscription_id).where(_D.c.id.in_(part), _D.c.subscription_id.is_not(None))
        tx.execute(update(_SUB).where(_SUB.c.id.in_(subscriptions)).values(cursor=None, turn=_SUB.c.turn + 1))


def expire_leases(tx: Tx, act: Act) -> int:
    """Give back what dead workers held: sending -> deferred, at once due again. The attempt stays unproved."""
    rows = tx.execute(
        select(_D.c.id)
        .where(_D.c.state == DeliveryState.SENDING, _D.c.lease_until < act.now)
        .with_for_update(skip_locked=True)
    ).all()
    ids = [row.id for row in rows]
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        tx.execute(
            update(_D)
            .where(_D.c.id.in_(part))
            .values(state=DeliveryState.DEFERRED, reason="lease over", lease_by=None, lease_until=None)
        )
        tx.execute(
            update(_A)
            .where(_A.c.delivery_id.in_(part), _A.c.outcome == "started")
            .values(outcome="unknown", reply="the worker gave no sign of life")
        )
        journal.record(
            tx, act, "delivery", [(i, DeliveryState.SENDING, DeliveryState.DEFERRED, "lease over") for i in part], None
        )
    return len(ids)


def finish_mailings(tx: Tx, act: Act) -> list[int]:
    """Mailings whose every delivery is final become mailed; gives their ids."""
    live = select(_D.c.id).where(_D.c.mailing_id == _M.c.id, _D.c.state.in_(LIVE)).exists()
    ids = [
        int(row.id)
        for row in tx.execute(select(_M.c.id).where(_M.c.state == MailingState.READY, ~live).with_for_update())
    ]
    for mailing_id in ids:
        journal.move(tx, act, "mailing", mailing_id, MailingState.MAILED, "all final")
    return ids


def next_due(tx: Tx, after: datetime, *, retries: bool = True) -> datetime | None:
    """The moment the next waiting delivery falls due, later than `after`; without `retries`, of those never tried."""
    found: datetime | None = tx.execute(
        select(func.min(_D.c.send_at))
        .join(_M, _M.c.id == _D.c.mailing_id)
        .where(
            _waiting() if retries else _D.c.state == DeliveryState.QUEUED,
            _D.c.send_at > after,
            _M.c.state == MailingState.READY,
        )
    ).scalar()
    return found


def _waiting() -> ColumnElement[bool]:
    return or_(_D.c.state == DeliveryState.QUEUED, _D.c.state == DeliveryState.DEFERRED)


def leases(tx: Tx) -> dict[str, tuple[int, datetime]]:
    """Who holds how many mails under lease, and until when."""
    query = select(_D.c.lease_by, func.count().label("mails"), func.max(_D.c.lease_until).label("until"))
    rows = tx.execute(query.where(_D.c.state == DeliveryState.SENDING).group_by(_D.c.lease_by))
    return {row.lease_by or "?": (int(row.mails), row.until) for row in rows}


def waiting(tx: Tx, now: datetime) -> tuple[int, int]:
    """How many mails wait for their moment or another try, and how many of them are due."""
    total = func.count().label("total")
    due = func.count().filter(_D.c.send_at <= now).label("due")
    row = tx.execute(select(total, due).select_from(_D).where(_waiting())).one()
    return int(row.total), int(row.due)


def stuck(tx: Tx) -> list[tuple[str, int, datetime]]:
    """Why mails wait for another try, how many, and since when the first of them was tried; most of all first."""
    number, since = func.count().label("mails"), func.min(func.coalesce(_D.c.dated_at, _D.c.send_at)).label("since")
    query = select(_D.c.reason, number, since).where(_D.c.state == DeliveryState.DEFERRED, _D.c.reason.is_not(None))
    rows = tx.execute(query.group_by(_D.c.reason).order_by(number.desc(), _D.c.reason))
    return [(str(row.reason), int(row.mails), row.since) for row in rows]


def hasten(tx: Tx, now: datetime, process_id: int | None = None) -> int:
    """Give what waits for another try this moment; gives how many mails."""
    waiting = (_D.c.state == DeliveryState.DEFERRED) & (_D.c.send_at > now)
    ready = select(_M.c.id).where(_M.c.state == MailingState.READY)
    if process_id is not None:
        ready = ready.where(_M.c.process_id == process_id)
    done = tx.execute(update(_D).where(waiting, _D.c.mailing_id.in_(ready)).values(send_at=now).returning(_D.c.id))
    return len(done.all())


def due_by_domain(tx: Tx, domains: Collection[str], now: datetime) -> dict[str, int]:
    """How many mails to these domains are due and have not left."""
    query = select(_D.c.domain, func.count().label("mails")).where(_waiting(), _D.c.send_at <= now)
    rows = tx.execute(query.where(_D.c.domain.in_(domains)).group_by(_D.c.domain))
    return dict.fromkeys(domains, 0) | {row.domain: int(row.mails) for row in rows}


def counts(tx: Tx, process_id: int | None = None) -> list[tuple[int, str, str, str, int]]:
    """How many deliveries are in which state: (mailing id, natural key, kind, state, number), newest first."""
    query = (
        select(_M.c.id, _M.c.natural_key, _M.c.kind, _D.c.state, func.count())
        .join(_D, _D.c.mailing_id == _M.c.id)
        .group_by(_M.c.id, _M.c.natural_key, _M.c.kind, _D.c.state)
        .order_by(_M.c.id.desc(), _D.c.state)
    )
    if process_id is not None:
        query = query.where(_M.c.process_id == process_id)
    return [(int(a), str(b), str(c), str(d), int(e)) for a, b, c, d, e in tx.execute(query)]


def find_delivery(tx: Tx, mailing_tag: int, liaison_tag: int) -> tuple[int, int, str] | None:
    """The delivery a token names, by its natural key (K2): (delivery id, mailing id, state), or None."""
    row = tx.execute(
        select(_D.c.id, _D.c.mailing_id, _D.c.state)
        .join(_M, _M.c.id == _D.c.mailing_id)
        .outerjoin(_L, _L.c.id == _D.c.liaison_id)
        .where(
            _M.c.tag == mailing_tag,
            and_(_L.c.tag == liaison_tag) if liaison_tag else _D.c.liaison_id.is_(None),
        )
    ).first()
    return (int(row.id), int(row.mailing_id), str(row.state)) if row is not None else None


def ids_in(tx: Tx, mailing_id: int, states: Sequence[str]) -> list[int]:
    """The deliveries of a mailing that are in one of these states."""
    rows = tx.execute(select(_D.c.id).where(_D.c.mailing_id == mailing_id, _D.c.state.in_(states)).order_by(_D.c.id))
    return [int(row.id) for row in rows]


def no_longer(tx: Tx, ids: Sequence[int], states: Sequence[str]) -> list[int]:
    """Of these deliveries, those that are in none of these states any more; the others stay locked."""
    still: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        rows = tx.execute(select(_D.c.id).where(_D.c.id.in_(part), _D.c.state.in_(states)).with_for_update())
        still |= {int(row.id) for row in rows}
    return [i for i in ids if i not in still]


def postpone(tx: Tx, mailing_id: int, send_at: datetime, not_after: datetime) -> int:
    """Give the waiting deliveries of a mailing a new moment and limit where theirs has passed; gives how many wait."""
    waiting = (_D.c.mailing_id == mailing_id) & _D.c.state.in_([DeliveryState.QUEUED, DeliveryState.DEFERRED])
    tx.execute(update(_D).where(waiting, _D.c.send_at < send_at).values(send_at=send_at))
    tx.execute(update(_D).where(waiting, _D.c.not_after < not_after).values(not_after=not_after))
    return int(tx.execute(select(func.count()).where(waiting)).scalar_one())
