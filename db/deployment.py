"""The deployment's one row, and the workers that run on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from db.bulk import insert_new
from db.engine import Tx
from db.tables import Deployment, Worker

_D: Any = Deployment.__table__  # type: ignore[attr-defined]
_W: Any = Worker.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A running program."""

    name: str
    role: str
    started_at: datetime
    seen_at: datetime
    limits: Mapping[str, int]  # how often each was met since it started


def ensure(tx: Tx) -> None:
    """Make the row of a new database."""
    if tx.execute(select(_D.c.id)).first() is None:
        tx.execute(insert(_D).values(id=1, generation=1))


def generation(tx: Tx) -> int:
    """The number that a restore raises; 0 of a database that was never used."""
    return int(tx.execute(select(_D.c.generation)).scalar() or 0)


def raise_generation(tx: Tx, above: int = 0) -> int:
    """Begin a new generation, later than this one and than `above`; gives it."""
    now = max(generation(tx), above) + 1
    tx.execute(update(_D).values(generation=now))
    return now


def sign_of_life(tx: Tx, name: str, role: str, now: datetime, limits: Mapping[str, int] | None = None) -> None:
    """Note that a worker is alive, and which of its limits were met how often."""
    met = dict(limits or {})
    row = {"name": name, "role": role, "started_at": now, "seen_at": now, "limits": met}
    if not insert_new(tx, _W, [row], "name"):
        tx.execute(update(_W).where(_W.c.name == name).values(seen_at=now, role=role, limits=met))


def gone(tx: Tx, name: str) -> None:
    """Forget a worker that ended in good order."""
    tx.execute(delete(_W).where(_W.c.name == name))


def time_of(tx: Tx) -> datetime | None:
    """What time it is for the database server; None where there is none (SQLite)."""
    if tx.dialect.name != "postgresql":
        return None
    moment: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def forget(tx: Tx, before: datetime) -> list[str]:
    """Take workers off the list that were last seen before a moment; gives their names."""
    silent = delete(_W).where(_W.c.seen_at < before).returning(_W.c.name)
    return [str(row.name) for row in tx.execute(silent)]


def workers(tx: Tx) -> list[WorkerRow]:
    """Every worker and its last sign of life."""
    rows = tx.execute(select(_W).order_by(_W.c.name)).all()
    return [WorkerRow(one.name, one.role, one.started_at, one.seen_at, one.limits or {}) for one in rows]
