"""Many rows at once, where the unique keys decide what is new."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import CHUNK, Tx


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


def insert_rows(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows and give their ids in the same order, a chunk a statement."""
    ids: list[int] = []
    for start in range(0, len(rows), CHUNK):
        made = tx.execute(
            insert(table).returning(table.c.id, sort_by_parameter_order=True), list(rows[start : start + CHUNK])
        )
        ids += [int(i) for (i,) in made]
    return ids


def in_chunks(tx: Tx, query: Any, column: Any, ids: Collection[int] | None) -> Iterator[Any]:
    """The rows of `query` whose `column` is one of `ids`, a chunk of ids a statement; all rows without ids."""
    if ids is None:
        yield from tx.execute(query)
        return
    ordered = sorted(ids)
    for start in range(0, len(ordered), CHUNK):
        yield from tx.execute(query.where(column.in_(ordered[start : start + CHUNK])))
