"""Deliveries and mailings that wait for a person: held with a reason, let go again, or found to be late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select, update

from db import journal
from db.engine import CHUNK, Tx
from db.journal import Act
from db.states import DeliveryState, MailingState
from db.tables import Delivery, Digest, Mailing
from digests.gate import WAITS

_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_G: Any = Digest.__table__  # type: ignore[attr-defined]

LATE_LIMIT = timedelta(hours=12)  # of what belongs to no digest
BULK = ("edition", "announcement", "erratum")


@dataclass(frozen=True, slots=True)
class HeldRow:
    """What waits in one mailing for one reason. `whole`: the mailing itself is held, with all that has not left."""

    mailing_id: int
    natural_key: str
    whole: bool
    why: str
    mails: int
    due_at: datetime


def held(tx: Tx, process_id: int) -> list[HeldRow]:
    """Everything that is held, oldest mailing first: for a person, or until a translation is there."""
    waiting = _D.c.state.in_([DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.HELD])
    mails = select(func.count()).where(_D.c.mailing_id == _M.c.id, waiting).scalar_subquery()
    whole = (
        select(_M.c.id, _M.c.natural_key, _M.c.state, _M.c.paused_why, _M.c.due_at, mails.label("mails"))
        .where(_M.c.process_id == process_id, _M.c.state.in_([MailingState.HELD, MailingState.PAUSED]))
        .order_by(_M.c.id)
    )
    found = [
        HeldRow(row.id, row.natural_key, True, row.paused_why or row.state, row.mails, row.due_at)
        for row in tx.execute(whole)
    ]
    single = (
        select(_M.c.id, _M.c.natural_key, _D.c.reason, func.count().label("mails"), func.min(_D.c.send_at).label("due"))
        .join(_D, _D.c.mailing_id == _M.c.id)
        .where(_M.c.process_id == process_id, _D.c.state == DeliveryState.HELD, _D.c.reason.is_not(None))
        .group_by(_M.c.id, _M.c.natural_key, _D.c.reason)
        .order_by(_M.c.id, _D.c.reason)
    )
    found += [HeldRow(row.id, row.natural_key, False, row.reason, row.mails, row.due) for row in tx.execute(single)]
    return sorted(found, key=lambda row: row.mailing_id)


def ids(tx: Tx, mailing_id: int, reason: str | None = None) -> list[int]:
    """The deliveries of a mailing that wait for a person, for one reason or for any but a language."""
    query = select(_D.c.id).where(_D.c.mailing_id == mailing_id, _D.c.state == DeliveryState.HELD)
    query = query.where(_D.c.reason == reason if reason else _D.c.reason.not_like(f"{WAITS}%"))
    return [int(i) for i in tx.execute(query.order_by(_D.c.id)).scalars()]


def let_go(tx: Tx, act: Act, delivery_ids: Sequence[int], why: str, not_after: datetime, process_id: int) -> int:
    """Put held deliveries back into the queue, due now unless later, with a new limit; gives how many."""
    gone = 0
    for start in range(0, len(delivery_ids), CHUNK):
        part = delivery_ids[start : start + CHUNK]
        values = {
            "state": DeliveryState.QUEUED,
            "reason": None,
            "send_at": case((_D.c.send_at < act.now, act.now), else_=_D.c.send_at),
            "not_after": case((_D.c.not_after < not_after, not_after), else_=_D.c.not_after),
        }
        still = update(_D).where(_D.c.id.in_(part), _D.c.state == DeliveryState.HELD)
        moved = [int(row.id) for row in tx.execute(still.values(**values).returning(_D.c.id))]
        rows = [(i, DeliveryState.HELD, DeliveryState.QUEUED, why) for i in sorted(moved)]
        journal.record(tx, act, "delivery", rows, process_id)
        gone += len(moved)
    return gone


def late(tx: Tx, now: datetime) -> list[int]:
    """Mailings that may leave, but whose first mail is later by now than the limit of their digest."""
    first = (
        select(func.min(_D.c.send_at))
        .where(_D.c.mailing_id == _M.c.id, _D.c.state == DeliveryState.QUEUED)
        .scalar_subquery()
    )
    query = (
        select(_M.c.id, _G.c.late_limit_minutes, first.label("first"))
        .outerjoin(_G, _G.c.id == _M.c.digest_id)
        .where(_M.c.state == MailingState.READY, _M.c.kind.in_(BULK), first <= now)
    )
    found = []
    for row in tx.execute(query):
        limit = timedelta(minutes=row.late_limit_minutes) if row.late_limit_minutes is not None else LATE_LIMIT
        if row.first < now - limit:
            found.append(int(row.id))
    return found
