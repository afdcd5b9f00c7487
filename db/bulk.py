"""Many rows at once, where the unique keys decide what is new."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Tx


def insert_new(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *returning: str) -> list[Any]:
    """Insert the rows that no unique key forbids; gives the named columns of those that were inserted.

    `RETURNING` tells what went in: the row count does not, on every driver.
    """
    if not rows:
        return []
    make = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = make(table).on_conflict_do_nothing()
    if not returning:
        tx.execute(statement, list(rows))
        return []
    columns = [table.c[name] for name in returning]
    return list(tx.execute(statement.returning(*columns), list(rows)))
