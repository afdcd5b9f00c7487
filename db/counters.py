"""Counters of a process, moved in the writer's own transaction (N1, S1): commit order is the order of numbers."""

from sqlalchemy import select, update

from db.engine import Tx
from db.tables import Process

_PROCESS = Process.__table__  # type: ignore[attr-defined]


def take_seq(tx: Tx, process_id: int, n: int = 1) -> int:
    """Reserve `n` sequence numbers; gives the first. The row stays locked until the transaction ends."""
    last: int = tx.execute(
        update(_PROCESS)
        .where(_PROCESS.c.id == process_id)
        .values(last_seq=_PROCESS.c.last_seq + n)
        .returning(_PROCESS.c.last_seq)
    ).scalar_one()
    return last - n + 1


def last_seq(tx: Tx, process_id: int) -> int:
    """The seq that a freeze may read: everything up to it is committed, for the row is locked here too."""
    value: int = tx.execute(
        select(_PROCESS.c.last_seq).where(_PROCESS.c.id == process_id).with_for_update()
    ).scalar_one()
    return value


def take_refs(tx: Tx, process_id: int, n: int = 1) -> int:
    """Reserve `n` statement numbers; gives the first."""
    last: int = tx.execute(
        update(_PROCESS)
        .where(_PROCESS.c.id == process_id)
        .values(last_ref=_PROCESS.c.last_ref + n)
        .returning(_PROCESS.c.last_ref)
    ).scalar_one()
    return last - n + 1
