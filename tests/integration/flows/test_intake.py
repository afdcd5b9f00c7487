"""From the listener to the database: a `250` that waits for nobody, and each mail there once."""

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from db import inbound, spool, tables
from db.engine import Database, DatabaseUnavailable
from flows import intake
from flows.intake import Intake
from mailer.message import Envelope
from tests.databases import Databases
from tests.world import World

NOW = datetime(2019, 3, 11, 8, 0, tzinfo=UTC)
ENVELOPE = Envelope("a@one.example", ("core@x.example",), "192.0.2.1", "h")


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()


@pytest.fixture
def filed(databases: Databases) -> Iterator[World]:
    made = World(databases.fresh("sqlite"))
    yield made
    made.close()


def count(world: World) -> int:
    with world.engine.db.read() as tx:
        return tx.execute(select(func.count()).select_from(tables.RawMessage.__table__)).scalar_one()


def kept(world: World) -> list[tuple[bytes, object, object]]:
    with world.engine.db.read() as tx:
        raws = tx.execute(select(tables.RawMessage.__table__)).all()
        bodies = {row.id: inbound.body(tx, row.id) for row in raws}
    return [(bodies[row.id].data, row.received_at, row.purge_at - row.received_at) for row in raws]


def test_mails_are_in_the_database_with_the_moment_they_came(world: World) -> None:
    made = Intake(world.engine, "w", lambda: NOW)
    made.keep([(ENVELOPE, b"1"), (ENVELOPE, b"2")])
    made.bring_home()
    keep = timedelta(days=world.engine.settings.raw_days)
    assert kept(world) == [(b"1", NOW, keep), (b"2", NOW, keep)]
    made.keep([(ENVELOPE, b"3")])
    made.close()
    assert [data for data, *_ in kept(world)] == [b"1", b"2", b"3"]


def test_they_come_home_by_themselves(world: World) -> None:
    made = Intake(world.engine, "w", lambda: NOW)
    made.keep([(ENVELOPE, b"1")])
    pause = threading.Event()
    while not count(world):
        pause.wait(0.02)
    made.close()
    assert count(world) == 1


def test_a_mail_is_kept_while_somebody_else_writes_for_long(filed: World) -> None:
    path = filed.engine.db.path
    assert path is not None
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    made = Intake(filed.engine, "w", lambda: NOW)
    made.keep([(ENVELOPE, b"1")])  # returns though the database is locked
    assert count(filed) == 0
    other.execute("ROLLBACK")
    other.close()
    made.bring_home()
    made.close()
    assert count(filed) == 1


def test_a_database_that_cannot_be_written_loses_nothing(filed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Intake(filed.engine, "w", lambda: NOW)

    def locked(*_: object) -> None:
        raise DatabaseUnavailable("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(inbound, "store", locked)
        made.keep([(ENVELOPE, b"1")])
        with pytest.raises(DatabaseUnavailable):
            made.bring_home()
        made.close()
    assert count(filed) == 0
    assert intake.rescue(filed.engine) == 1
    assert (count(filed), intake.rescue(filed.engine)) == (1, 0)


def test_what_was_home_already_when_its_listener_was_killed_is_not_kept_twice(filed: World) -> None:
    path = filed.engine.db.path
    assert path is not None
    folder = spool.folder_of(path)
    made = Intake(filed.engine, "w", lambda: NOW)
    made.keep([(ENVELOPE, b"1"), (ENVELOPE, b"2")])
    (before,) = [file for file in folder.iterdir() if file.stat().st_size]
    records = before.read_bytes()
    made.bring_home()
    made.close()
    more = spool.Spool(folder, "dead")
    more.put([inbound.Arrived(ENVELOPE, b"3", NOW)])
    (left,) = [file for file in folder.iterdir() if file.stat().st_size]
    records += left.read_bytes()
    with more.taken():
        pass
    more.close()
    Path(folder / "dead.a").write_bytes(records)
    assert intake.rescue(filed.engine) == 1
    assert [data for data, *_ in kept(filed)] == [b"1", b"2", b"3"]
    assert list(folder.iterdir()) == []
