"""What a restored database cannot know: which deliveries may have gone out after it was copied."""

from datetime import datetime
from typing import Any

from sqlalchemy import inspect, or_, select, text, update

from db.engine import CHUNK, Tx
from db.states import DeliveryState
from db.tables import Attempt, Delivery

_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_A: Any = Attempt.__table__  # type: ignore[attr-defined]


def has_tables(tx: Tx) -> bool:
    """Whether the database was ever migrated."""
    return inspect(tx).has_table("deployment")


def is_empty(tx: Tx) -> bool:
    """Whether it holds no process."""
    return tx.execute(text("SELECT id FROM process LIMIT 1")).first() is None


def being_sent(tx: Tx) -> list[int]:
    """Deliveries that were under a lease: nobody can say how their last try ended."""
    return _ids(tx, _D.c.state == DeliveryState.SENDING)


def due(tx: Tx, now: datetime) -> list[int]:
    """Deliveries that waited and were due by now, and those tried before: `outbox retry` may have hurried them."""
    queued = (_D.c.state == DeliveryState.QUEUED) & (_D.c.send_at <= now)
    return _ids(tx, or_(queued, _D.c.state == DeliveryState.DEFERRED))


def _ids(tx: Tx, *where: Any) -> list[int]:
    return [int(i) for i in tx.execute(select(_D.c.id).where(*where).order_by(_D.c.id)).scalars()]


def doubt(tx: Tx, delivery_ids: list[int]) -> None:
    """Their open attempts are unproved from now on."""
    for start in range(0, len(delivery_ids), CHUNK):
        part = delivery_ids[start : start + CHUNK]
        open_ones = update(_A).where(_A.c.delivery_id.in_(part), _A.c.outcome == "started")
        tx.execute(open_ones.values(outcome="unknown", reply="the database was put back"))
