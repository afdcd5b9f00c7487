"""Samples: the readers of a mailing who get it first, and what came back from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from db.bulk import insert_new
from db.engine import Tx
from db.states import DeliveryState
from db.tables import Attempt, Delivery, Sample

_S: Any = Sample.__table__  # type: ignore[attr-defined]
_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_A: Any = Attempt.__table__  # type: ignore[attr-defined]

OPEN, PASSED, STOPPED = "open", "passed", "stopped"
REASON = "sample"  # why the rest is held


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A sample and how its decision is made."""

    mailing_id: int
    size: int  # 0: the mailing is still being built
    percent: float
    wait_minutes: int
    limit_percent: float
    state: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Came:
    """What became of a sample so far. `last`: when its last mail left or was given up."""

    waiting: int
    sent: int
    bad: int
    last: datetime | None


def put(tx: Tx, mailing_id: int, size: int, percent: float, wait_minutes: int, limit_percent: float) -> None:
    """Note a sample, or its size where it was planned."""
    values = {"percent": percent, "wait_minutes": wait_minutes, "limit_percent": limit_percent, "size": size}
    if not insert_new(tx, _S, [values | {"mailing_id": mailing_id, "state": OPEN}], "mailing_id"):
        tx.execute(update(_S).where(_S.c.mailing_id == mailing_id).values(size=size))


def of(tx: Tx, mailing_id: int) -> SampleRow | None:
    """The sample of a mailing."""
    row = tx.execute(select(_S).where(_S.c.mailing_id == mailing_id)).first()
    return SampleRow(**row._mapping) if row is not None else None


def undecided(tx: Tx) -> list[SampleRow]:
    """The samples whose bounces are still awaited."""
    query = select(_S).where(_S.c.state == OPEN, _S.c.size > 0).order_by(_S.c.mailing_id)
    return [SampleRow(**row._mapping) for row in tx.execute(query)]


def decide(tx: Tx, mailing_id: int, state: str, now: datetime) -> bool:
    """Close a sample; False if somebody did before."""
    still = update(_S).where(_S.c.mailing_id == mailing_id, _S.c.state == OPEN)
    return tx.execute(still.values(state=state, decided_at=now).returning(_S.c.mailing_id)).first() is not None


def untouched(tx: Tx, mailing_id: int) -> list[tuple[int, datetime, int]]:
    """The deliveries of a mailing that were never tried: (id, moment, liaison)."""
    query = select(_D.c.id, _D.c.send_at, _D.c.liaison_id).where(
        _D.c.mailing_id == mailing_id, _D.c.state == DeliveryState.QUEUED, _D.c.tries == 0
    )
    return [(row.id, row.send_at, row.liaison_id or 0) for row in tx.execute(query.order_by(_D.c.id))]


def came(tx: Tx, mailing_id: int) -> Came:
    """What became of those who were not held back."""
    mine = (_D.c.mailing_id == mailing_id) & ((_D.c.state != DeliveryState.HELD) | (_D.c.reason != REASON))
    rows = tx.execute(select(_D.c.state, func.count()).where(mine).group_by(_D.c.state)).all()
    counts = {state: int(number) for state, number in rows}
    last = tx.execute(select(func.max(_A.c.ended_at)).join(_D, _D.c.id == _A.c.delivery_id).where(mine)).scalar()
    return Came(
        _sum(counts, (DeliveryState.QUEUED, DeliveryState.SENDING)),
        _sum(counts, (DeliveryState.SENT,)),
        _sum(counts, (DeliveryState.FAILED, DeliveryState.BOUNCED, DeliveryState.COMPLAINED)),
        last,
    )


def _sum(counts: dict[str, int], states: Sequence[str]) -> int:
    return sum(counts.get(state, 0) for state in states)
