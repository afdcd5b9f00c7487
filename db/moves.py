"""Reading the journal: who moved one thing, when, and why. `db.journal` writes it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from db.engine import Tx
from db.tables import Journal

_JOURNAL: Any = Journal.__table__  # type: ignore[attr-defined]


def moves(tx: Tx, subject: tuple[str, int]) -> list[tuple[datetime, str, str]]:
    """When, who, and what (`new -> accepted: accepted`, or just why), oldest first."""
    rows = tx.execute(
        select(_JOURNAL)
        .where(_JOURNAL.c.subject_kind == subject[0], _JOURNAL.c.subject_id == subject[1])
        .order_by(_JOURNAL.c.id)
    )
    return [(row.at, row.actor, _what(row)) for row in rows]


def _what(row: Any) -> str:
    return f"{row.move_from} -> {row.move_to}: {row.why}" if row.move_to else str(row.why)
