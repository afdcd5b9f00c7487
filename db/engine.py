"""Opening a database and its transactions, on SQLite and PostgreSQL alike.

`Database.read()` gives a snapshot to look at; `Database.write(lane)` gives one writer's transaction that
commits at the end of the block. On SQLite one writer runs at a time and lanes decide who is next (inbound
first, so that a `250` never waits for a build); PostgreSQL lets writers run side by side and needs no lanes.
Raises `DatabaseUnavailable` for a database that cannot be opened, is locked too long, or whose disk is full.
"""

import heapq
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy import Engine as SqlEngine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError

Tx = Connection
CHUNK = 500  # rows in one write, so that no transaction holds the writer long


# Seconds (and milliseconds) after which either side of a connection to PostgreSQL gives the other up: the locks of a
# worker that was cut off keep nobody waiting for hours. Names that the URL has are the operator's own.
CUT_OFF = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}


class Json(str):
    """A document that is written as JSON already: who wants to hold the writer briefly encodes beforehand."""

    __slots__ = ()


def _encode(value: Any) -> str:
    return value if isinstance(value, Json) else json.dumps(value)


class DatabaseUnavailable(Exception):
    """The database cannot be reached, is locked, or cannot write (disk full). Temporary for senders of mail."""


class Lane(IntEnum):
    """Who goes first when several want to write; lower is earlier."""

    INBOUND = 0
    NORMAL = 1
    BULK = 2


class _Turnstile:
    """A lock that serves waiting threads by lane, then in order of arrival."""

    def __init__(self) -> None:
        self._mutex = threading.Condition()
        self._waiting: list[tuple[int, int]] = []
        self._next = 0
        self._busy = False

    @contextmanager
    def pass_through(self, lane: Lane) -> Iterator[None]:
        with self._mutex:
            ticket = (int(lane), self._next)
            self._next += 1
            heapq.heappush(self._waiting, ticket)
            while self._busy or self._waiting[0] != ticket:
                self._mutex.wait()
            heapq.heappop(self._waiting)
            self._busy = True
        try:
            yield
        finally:
            with self._mutex:
                self._busy = False
                self._mutex.notify_all()


class Database:
    """One database and the ways into it. Make one a program; close it at the end."""

    def __init__(self, url: str, busy_seconds: float = 10.0, *, lasting: bool = True) -> None:
        """Open `url` (`sqlite:///file` or `postgresql://...`); a SQLite writer waits `busy_seconds` for others.

        A SQLite file that is not there is made, readable by us alone. One that is not `lasting` need not outlive the
        program, and waits for no disk.
        """
        try:
            parsed = make_url(url)
            if parsed.get_backend_name() not in ("sqlite", "postgresql"):
                raise DatabaseUnavailable(f"{parsed.get_backend_name()} is not supported: use sqlite or postgresql")
            if parsed.get_backend_name() == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            options: dict[str, Any] = {"pool_size": 10, "max_overflow": 10, "json_serializer": _encode}
            options["hide_parameters"] = True  # words and names of people, which errors would carry into the log
            if parsed.get_backend_name() == "postgresql":
                options["connect_args"] = {name: n for name, n in CUT_OFF.items() if name not in parsed.query}
            if parsed.get_backend_name() == "sqlite":
                options["connect_args"] = {"timeout": busy_seconds, "check_same_thread": False}
            self.sql: SqlEngine = create_engine(parsed, **options)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise DatabaseUnavailable(f"cannot use the database {_shown(url)!r}: {error}") from error
        self.dialect = self.sql.dialect.name
        _make_private(self.path)
        if self.dialect == "postgresql":
            event.listen(self.sql, "connect", _prepare_postgresql)
        self._turnstile = _Turnstile()
        if self.dialect == "sqlite":
            event.listen(self.sql, "connect", _prepare_sqlite)
            if not lasting:
                event.listen(self.sql, "connect", _hurry_sqlite)
            event.listen(self.sql, "begin", _begin_sqlite)

    @property
    def path(self) -> Path | None:
        """The file of an embedded database, or None."""
        name = self.sql.url.database
        return Path(name) if self.dialect == "sqlite" and name and name != ":memory:" else None

    def scour(self) -> bool:
        """Take what was destroyed out of the log beside a SQLite file; False where a reader keeps it needed meanwhile.

        A server does that by itself (vacuum, its log); True then. Raises `DatabaseUnavailable`.
        """
        if self.path is None:
            return True
        with _translated(), closing(self.sql.raw_connection()) as connection:
            busy, _, _ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A transaction to look at things; nothing is kept of what it might write."""
        with _translated(), self.sql.connect() as tx, tx.begin() as begun:
            try:
                yield tx
            finally:
                begun.rollback()

    @contextmanager
    def snapshot(self) -> Iterator[Tx]:
        """The same, and every statement sees one state of the database, whatever others write meanwhile."""
        isolation: Any = {} if self.dialect == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with _translated(), self.sql.connect().execution_options(**isolation) as tx, tx.begin() as begun:
            try:
                yield tx
            finally:
                begun.rollback()

    @contextmanager
    def write(self, lane: Lane = Lane.NORMAL) -> Iterator[Tx]:
        """A writer's transaction: commits at the end of the block, rolls back on an exception."""
        if self.dialect != "sqlite":
            with _translated(), self.sql.connect() as tx, tx.begin():
                yield tx
            return
        with (
            self._turnstile.pass_through(lane),
            _translated(),
            self.sql.connect().execution_options(tidings_write=True) as tx,
            tx.begin(),
        ):
            yield tx

    @contextmanager
    def alone(self) -> Iterator[Tx]:
        """For a server: each statement is a transaction of its own, without the two trips that begin and end it."""
        with _translated(), self.sql.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
            yield tx

    def close(self) -> None:
        """Give all connections back."""
        self.sql.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise DatabaseUnavailable(_in_a_line(error)) from error
    except DBAPIError as error:
        # The bare class: a file that is no database, or is damaged.
        if error.connection_invalidated or type(error) is DatabaseError:
            raise DatabaseUnavailable(_in_a_line(error)) from error
        raise


def _make_private(file: Path | None) -> None:
    """Make a database file that is not there yet, for us alone: SQLite would let every user of the machine read it."""
    if file is None or file.is_file():
        return
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise DatabaseUnavailable(f"the database {file}: {error.strerror}") from error


def _shown(url: str) -> str:
    """An address of a database without its password."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)


def _in_a_line(error: DBAPIError) -> str:
    return f"database: {' '.join(str(error.orig).split())}"


def _prepare_sqlite(connection: Any, record: Any) -> None:
    del record
    # The driver must not begin transactions by itself: `_begin_sqlite` decides which kind.
    connection.isolation_level = None
    # `secure_delete`: what is destroyed is overwritten in the file, not only given up.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, record: Any) -> None:
    del record
    with connection.cursor() as cursor:
        # A plan kept from when a table was small reads all of it at each claim and record.
        cursor.execute("SET plan_cache_mode = force_custom_plan")
        for name, value in CUT_OFF.items():
            cursor.execute(f"SET {name if name.startswith('tcp_') else f'tcp_{name}'} = {value}")
    connection.commit()


def _hurry_sqlite(connection: Any, record: Any) -> None:
    del record
    connection.execute("PRAGMA synchronous=OFF")


def _begin_sqlite(tx: Connection) -> None:
    write = tx.get_execution_options().get("tidings_write", False)
    tx.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
