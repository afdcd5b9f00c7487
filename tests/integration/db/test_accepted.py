"""One statement writes what `outbox.record` writes in several, behind the same fence; or nothing at all."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from db import accepted, ledger, outbox, tables
from db.attempts import Fate
from db.engine import Database
from db.journal import Act
from db.states import DeliveryState
from tests.databases import Databases
from tests.integration.db.stage import NOW, fan_out

ACT = Act("worker:w", NOW)
LEASE = NOW + timedelta(minutes=30)
WORDS = "2.0.0 Ok: “queued” as 'A:1' %s\\ \n日本"


@pytest.fixture
def server(databases: Databases) -> Database:
    return databases.fresh("postgresql")


def _fate(delivery: int, n: int = 1) -> Fate:
    at = NOW + timedelta(microseconds=delivery)
    return Fate(delivery, n, DeliveryState.SENT, "accepted", 250, "2.0.0", WORDS, f"hash{delivery}", at=at)


def _claimed(database: Database, number: int) -> list[int]:
    fan_out(database, number)
    with database.write() as tx:
        return outbox.claim(tx, NOW, "w", LEASE, limit=number)


def _all(database: Database) -> tuple[list, list, list]:
    delivery, attempt, row = (t.__table__.c for t in (tables.Delivery, tables.Attempt, tables.Journal))
    with database.read() as tx:
        return (
            tx.execute(
                select(delivery.id, delivery.state, delivery.reason, delivery.lease_by, delivery.lease_until,
                       delivery.send_at, delivery.tries).order_by(delivery.id)
            ).all(),
            tx.execute(select(*attempt).order_by(attempt.delivery_id)).all(),
            tx.execute(select(*row).where(row.subject_kind == "attempts")).all(),
        )  # fmt: skip


def test_it_writes_what_the_slow_way_writes(databases: Databases, server: Database) -> None:
    other = databases.fresh("postgresql")
    for one in (server, other):
        ids = _claimed(one, 3)
    with server.alone() as tx:
        assert accepted.record(tx, ACT, "w", [_fate(i) for i in reversed(ids[:2])])
    with other.write() as tx:
        assert outbox.record(tx, ACT, "w", [_fate(i) for i in ids[:2]]) == ids[:2]
    assert _all(server) == _all(other)
    assert [state for _, state, *_ in _all(server)[0]] == ["sent", "sent", "sending"]


@pytest.mark.parametrize("lost", ["worker", "try", "state"])
def test_where_one_lease_is_lost_nothing_is_written(server: Database, lost: str) -> None:
    ids = _claimed(server, 3)
    change = {"worker": "lease_by = 'x'", "try": "tries = 2", "state": "state = 'deferred'"}[lost]
    with server.write() as tx:
        tx.execute(text(f"UPDATE delivery SET {change} WHERE id = {ids[1]}"))
    before = _all(server)
    with server.alone() as tx:
        assert not accepted.record(tx, ACT, "w", [_fate(i) for i in ids])
    assert _all(server) == before


def test_it_is_recorded_once(server: Database) -> None:
    ids = _claimed(server, 2)
    with server.alone() as tx:
        assert accepted.record(tx, ACT, "w", [_fate(i) for i in ids])
        assert not accepted.record(tx, ACT, "w", [_fate(i) for i in ids])
    assert len(_all(server)[2]) == 1
    with server.read() as tx:
        assert len(list(ledger.attempts(tx))) == 2
