"""Suppressions as a list; `db.addresses` asks about one address."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select

from db.addresses import AddressRow, addresses
from db.engine import Tx
from db.tables import Liaison, Suppression

_S: Any = Suppression.__table__  # type: ignore[attr-defined]
_L: Any = Liaison.__table__  # type: ignore[attr-defined]


def in_force(tx: Tx, process_id: int) -> list[tuple[str, str, datetime]]:
    """Keyed hash, reason and beginning of every suppression in force, oldest first."""
    query = select(_S.c.key_hash, _S.c.reason, _S.c.since).where(
        _S.c.process_id == process_id, _S.c.lifted_at.is_(None)
    )
    return [(row.key_hash, row.reason, row.since) for row in tx.execute(query.order_by(_S.c.since, _S.c.id))]


def owned(tx: Tx, process_id: int) -> Iterator[tuple[AddressRow, str]]:
    """Every present address with its liaison's name."""
    names = {
        row.id: row.name or "" for row in tx.execute(select(_L.c.id, _L.c.name).where(_L.c.process_id == process_id))
    }
    for liaison_id, mine in addresses(tx, process_id).items():
        for one in mine:
            yield one, names.get(liaison_id, "")
