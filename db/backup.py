"""A backup as lines of text: the whole database at one moment, readable by either kind of database and by people.

One JSON value a line: a head, then each table's columns and rows, then an end with a hash over everything before it, so
that a file that was cut or altered is not taken for whole. Made by SQL alone: no client tools of a server are needed.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from itertools import groupby
from typing import Any

from sqlalchemy import JSON, Boolean, Date, LargeBinary, column, delete, func, insert, inspect, select, table, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.types import NullType, TypeEngine

from db import deployment, migrate, seals, search
from db.engine import CHUNK, Tx
from db.tables import Base, Worker
from db.tables.base import Moment

FORMAT = 1
SEARCH = "statement_search"  # an index that each kind of database keeps its own way
_KINDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Moment, "moment"), (Date, "date"), (LargeBinary, "bytes"), (JSON, "json"), (Boolean, "bool"),
)  # fmt: skip
_TYPES: dict[str, TypeEngine[Any]] = {
    "moment": Moment(), "date": Date(), "bytes": LargeBinary(), "json": JSON(none_as_null=True), "bool": Boolean(),
    "": NullType(),
}  # fmt: skip


class BadBackup(Exception):
    """The file is no backup, or not a whole one; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a backup is of."""

    format: int
    schema: str
    made_at: str
    generation: int
    seal: int
    hash: str


def dump(tx: Tx, now: datetime, write: Callable[[str], object]) -> Head:
    """Write the database as `tx` sees it; a snapshot, so that all tables are of one moment."""
    newest = seals.newest(tx)
    head = Head(
        FORMAT, migrate.revision(tx), now.isoformat(), deployment.generation(tx),
        newest.no if newest else 0, newest.hash if newest else "",
    )  # fmt: skip
    hasher, rows = sha256(), 0

    def put(value: Any) -> None:
        line = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
        hasher.update(line.encode())
        write(line)

    put(asdict(head))
    for name, columns, found in _contents(tx):
        put({"table": name, "columns": columns})
        for values in found:
            put(values)
            rows += 1
    write(json.dumps({"end": True, "rows": rows, "sha256": hasher.hexdigest()}) + "\n")
    return head


def _contents(tx: Tx) -> Iterator[tuple[str, list[list[str]], Iterator[list[Any]]]]:
    for one in Base.metadata.sorted_tables:
        kinds = [_kind(column.type) for column in one.columns]
        query = select(one).order_by(*one.primary_key.columns)
        found = tx.execute(query, execution_options={"yield_per": 1_000})
        names = [list(pair) for pair in zip(one.columns.keys(), kinds, strict=True)]
        yield one.name, names, ([_plain(value) for value in row] for row in found)
    yield SEARCH, [["id", ""], ["words", ""]], ([number, words] for number, words in search.entries(tx))


def _kind(of: TypeEngine[Any]) -> str:
    return next((name for kind, name in _KINDS if isinstance(of, kind)), "")


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def load(tx: Tx, lines: Iterable[str]) -> Head:
    """Put a backup in the place of whatever the database holds, and bring it to this program's schema.

    Raises `BadBackup`; then the transaction must not be committed.
    """
    values = _checked(lines)
    head = _head(next(values, None))
    _clear(tx)
    migrate.upgrade_to(tx, head.schema)
    name, columns = "", [["", ""]]
    for is_table, part in groupby(values, key=lambda value: isinstance(value, dict)):
        if is_table:
            for value in part:  # the last one has the rows that follow; those before it were empty
                name, columns = value["table"], value["columns"]
            continue
        try:
            _fill(tx, name, columns, part)
        except (ValueError, TypeError, IntegrityError, DataError) as error:
            raise BadBackup(f"it was altered: the rows of {name} do not fit") from error
    tx.execute(delete(Worker))
    if tx.dialect.name == "postgresql":
        _set_sequences(tx)
    migrate.upgrade_to(tx, "head")
    return head


def _checked(lines: Iterable[str]) -> Iterator[Any]:
    """The values of a backup; the end is checked when it is reached."""
    hasher, rows = sha256(), 0
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise BadBackup(f"line {number} cannot be read") from error
        if isinstance(value, dict) and value.get("end"):
            if value["rows"] != rows or value["sha256"] != hasher.hexdigest():
                raise BadBackup("it was altered: what it holds does not fit its own hash")
            return
        hasher.update(line.encode())
        rows += isinstance(value, list)
        yield value
    raise BadBackup("it was cut off: its end is missing")


def _head(value: Any) -> Head:
    try:
        head = Head(**value)
    except TypeError as error:
        raise BadBackup("it does not begin like a backup of Tidings") from error
    if head.format != FORMAT or not migrate.known(head.schema):
        raise BadBackup(f"it is of schema {head.schema}, newer than this program: restore with the newer program")
    return head


def _clear(tx: Tx) -> None:
    """Drop every table, children before parents."""
    tx.execute(text(f"DROP TABLE IF EXISTS {SEARCH}"))
    there = set(inspect(tx).get_table_names())
    ordered = [one.name for one in reversed(Base.metadata.sorted_tables)]
    for name in [*sorted(there - set(ordered)), *(name for name in ordered if name in there)]:
        tx.execute(text(f'DROP TABLE "{name}"' + (" CASCADE" if tx.dialect.name == "postgresql" else "")))


def _fill(tx: Tx, name: str, columns: Sequence[Sequence[str]], rows: Iterable[list[Any]]) -> None:
    batch: list[dict[str, Any]] = []
    names, kinds = [one[0] for one in columns], [one[1] for one in columns]
    made = table(name, *(column(one, _TYPES[kind]) for one, kind in columns))
    for row in rows:
        if name == SEARCH:
            search.index(tx, row[0], row[1])
            continue
        batch.append(dict(zip(names, map(_value, kinds, row), strict=True)))
        if len(batch) == CHUNK:
            tx.execute(insert(made), batch)
            batch = []
    if batch:
        tx.execute(insert(made), batch)


def _value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "moment":
        return datetime.fromisoformat(value)
    if kind == "date":
        return date.fromisoformat(value)
    return base64.b64decode(value) if kind == "bytes" else value


def _set_sequences(tx: Tx) -> None:
    """Let the numbers that PostgreSQL gives go on behind those that were loaded."""
    for one in Base.metadata.sorted_tables:
        key = one.c.get("id")
        sequence = tx.execute(select(func.pg_get_serial_sequence(one.name, "id"))).scalar() if key is not None else None
        if sequence:
            following = select(func.coalesce(func.max(key), 0) + 1).scalar_subquery()
            tx.execute(select(func.setval(sequence, following, False)))
