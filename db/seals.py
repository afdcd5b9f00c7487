"""Seals: a chain of hashes over the marks of journal rows, made by a tick and not on insert (E2).

So no lock stands in the way of writers, and a late commit comes in the next seal. Whoever alters, removes or adds a
sealed row breaks the chain; the limit: whoever writes all later seals anew as well is found only by a hash that was
kept elsewhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from db import marks
from db.engine import CHUNK, Tx
from db.tables import Deployment, Journal, Seal

_J: Any = Journal.__table__  # type: ignore[attr-defined]
_S: Any = Seal.__table__  # type: ignore[attr-defined]
_D: Any = Deployment.__table__  # type: ignore[attr-defined]

AT_ONCE = 5_000  # journal rows under one seal


@dataclass(frozen=True, slots=True)
class SealRow:
    """One link of the chain."""

    no: int
    at: datetime
    count: int
    prev_hash: str
    hash: str


def newest(tx: Tx) -> SealRow | None:
    """The end of the chain."""
    row = tx.execute(select(_S).order_by(_S.c.no.desc()).limit(1)).first()
    return SealRow(**row._mapping) if row is not None else None


def find(tx: Tx, no: int) -> SealRow | None:
    """One link."""
    row = tx.execute(select(_S).where(_S.c.no == no)).first()
    return SealRow(**row._mapping) if row is not None else None


def every(tx: Tx) -> Iterator[SealRow]:
    """The chain from its beginning."""
    for row in tx.execute(select(_S).order_by(_S.c.no)):
        yield SealRow(**row._mapping)


def unsealed(tx: Tx) -> int:
    """How many journal rows wait for a seal."""
    return int(tx.execute(select(func.count()).select_from(_J).where(_J.c.seal_no.is_(None))).scalar_one())


def seal(tx: Tx, now: datetime) -> SealRow | None:
    """Seal what is not sealed yet, at most `AT_ONCE` rows; gives the new seal, None where there is nothing."""
    tx.execute(select(_D.c.id).with_for_update())  # one at a time, on any number of machines
    rows = tx.execute(select(_J).where(_J.c.seal_no.is_(None)).order_by(_J.c.id).limit(AT_ONCE)).all()
    if not rows:
        return None
    last = newest(tx)
    no, prev = (last.no + 1, last.hash) if last is not None else (1, "")
    made = SealRow(no, now, len(rows), prev, chained(prev, ((row.id, marks.of_journal(row)) for row in rows)))
    tx.execute(insert(_S).values(no=no, at=now, count=made.count, prev_hash=prev, hash=made.hash))
    ids = [row.id for row in rows]
    for start in range(0, len(ids), CHUNK):
        tx.execute(update(_J).where(_J.c.id.in_(ids[start : start + CHUNK])).values(seal_no=no))
    return made


def chained(prev: str, rows: Iterable[tuple[int, str]]) -> str:
    """The hash of a link over (id, mark) of its rows in order of their ids, and the link before it."""
    return marks.over([prev, *(f"{row_id} {mark}" for row_id, mark in rows)])
