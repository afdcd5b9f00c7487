"""The outbox keeps its promises on both databases: claims are exclusive, fates are fenced, bad ends void cursors."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from db import lease, outbox, tables
from db.attempts import Fate
from db.engine import Database
from db.journal import Act
from db.states import DeliveryState
from tests.integration.db.stage import NOW, fan_out, put

CLOCK = Act("clock", NOW)
LEASE = NOW + timedelta(minutes=30)


def fate(delivery: int, state: DeliveryState, n: int = 1, **more) -> Fate:
    outcome = {"sent": "accepted", "deferred": "temporary", "failed": "permanent"}[state]
    return Fate(delivery, n, state, outcome, 250, "2.0.0", "ok", "hash", **more)


def state_of(database: Database, delivery: int) -> str:
    with database.read() as tx:
        return str(tx.execute(select(tables.Delivery.state).where(tables.Delivery.id == delivery)).scalar_one())


def test_a_claim_leases_and_opens_an_attempt(database: Database) -> None:
    _, mailing, ids = fan_out(database, 3)
    with database.write() as tx:
        got = outbox.claim(tx, NOW, "w1", LEASE, limit=2)
        claimed = lease.claimed(tx, got)
    assert got == ids[:2]
    assert [c.addr for c in claimed] == ["r0@one.example", "r1@one.example"]
    assert {c.mailing_id for c in claimed} == {mailing}
    assert all(c.n == 1 and c.dated_at == NOW for c in claimed)
    with database.read() as tx:
        attempts = tx.execute(select(tables.Attempt.delivery_id, tables.Attempt.outcome)).all()
    assert sorted(attempts) == [(ids[0], "started"), (ids[1], "started")]


def test_two_workers_never_claim_the_same(database: Database) -> None:
    _, _, ids = fan_out(database, 60)
    got: dict[str, list[int]] = {"a": [], "b": [], "c": []}

    def work(name: str) -> None:
        while True:
            with database.write() as tx:
                mine = outbox.claim(tx, NOW, name, LEASE, limit=7)
            if not mine:
                return
            got[name].extend(mine)

    threads = [threading.Thread(target=work, args=(name,)) for name in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [i for mine in got.values() for i in mine]
    assert sorted(everything) == ids
    assert len(everything) == len(set(everything))


def test_what_is_not_due_or_not_ready_stays(database: Database) -> None:
    _, mailing, ids = fan_out(database, 3)
    with database.write() as tx:
        tx.execute(
            update(tables.Delivery).where(tables.Delivery.id == ids[0]).values(send_at=NOW + timedelta(seconds=1))
        )
        assert outbox.claim(tx, NOW, "w", LEASE, limit=9) == ids[1:]
    with database.write() as tx:
        tx.execute(update(tables.Mailing).where(tables.Mailing.id == mailing).values(state="paused"))
        assert outbox.claim(tx, NOW + timedelta(hours=1), "w", LEASE, limit=9) == []


def test_urgent_lanes_leave_first(database: Database) -> None:
    process, _, _ = fan_out(database, 2)
    from tests.integration.db.stage import mailing

    with database.write() as tx:
        receipt = mailing(tx, process, None, "receipt:1", kind="receipt", lane=-1)
        urgent = put(
            tx,
            tables.Delivery,
            mailing_id=receipt,
            to_addr="x@two.example",
            state="queued",
            domain="two.example",
            lang="en",
            send_at=NOW,
            not_after=LEASE,
            created_at=NOW,
            tries=0,
        )
        assert outbox.claim(tx, NOW, "w", LEASE, limit=1) == [urgent]
        assert lease.claimed(tx, [urgent])[0].addr == "x@two.example"


def test_record_is_fenced_by_worker_and_try(database: Database) -> None:
    _, _, ids = fan_out(database, 1)
    with database.write() as tx:
        outbox.claim(tx, NOW, "dead", LEASE, limit=1)
    late = Act("clock", LEASE + timedelta(seconds=1))
    with database.write() as tx:
        assert outbox.expire_leases(tx, late) == 1
        assert outbox.claim(tx, late.now, "alive", late.now + timedelta(minutes=30), limit=1) == ids
    with database.write() as tx:
        assert outbox.record(tx, late, "dead", [fate(ids[0], DeliveryState.SENT)]) == []
        assert outbox.record(tx, late, "alive", [fate(ids[0], DeliveryState.SENT, n=1)]) == []
        assert outbox.record(tx, late, "alive", [fate(ids[0], DeliveryState.SENT, n=2)]) == ids
    assert state_of(database, ids[0]) == "sent"
    with database.read() as tx:
        outcomes = tx.execute(select(tables.Attempt.n, tables.Attempt.outcome).order_by(tables.Attempt.n)).all()
    assert outcomes == [(1, "unknown"), (2, "accepted")]


def test_the_database_refuses_a_second_acceptance(database: Database) -> None:
    _, _, ids = fan_out(database, 1)
    row = {"delivery_id": ids[0], "started_at": NOW, "outcome": "accepted"}
    with database.write() as tx:
        tx.execute(tables.Attempt.__table__.insert().values(n=1, **row))
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.execute(tables.Attempt.__table__.insert().values(n=2, **row))


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.SENT])
def test_a_bad_end_gives_the_news_back(database: Database, state: DeliveryState) -> None:
    _, _, ids = fan_out(database, 2)
    with database.write() as tx:
        outbox.claim(tx, NOW, "w", LEASE, limit=2)
        outbox.record(tx, CLOCK, "w", [fate(ids[0], state), fate(ids[1], DeliveryState.SENT)])
        rows = tx.execute(
            select(tables.Subscription.cursor, tables.Subscription.turn).order_by(tables.Subscription.id)
        ).all()
    assert rows[0] == ((None, 1) if state is DeliveryState.FAILED else (3, 0))
    assert rows[1] == (3, 0)


def test_a_deferred_one_comes_again_later(database: Database) -> None:
    _, _, ids = fan_out(database, 1)
    later = NOW + timedelta(minutes=40)
    with database.write() as tx:
        outbox.claim(tx, NOW, "w", LEASE, limit=1)
        outbox.record(tx, CLOCK, "w", [fate(ids[0], DeliveryState.DEFERRED, next_at=later)])
        assert outbox.claim(tx, NOW, "w", LEASE, limit=1) == []
        assert outbox.next_due(tx, NOW) == later
        again = outbox.claim(tx, later, "w", LEASE + timedelta(hours=1), limit=1)
        assert lease.claimed(tx, again)[0].n == 2
        assert lease.claimed(tx, again)[0].dated_at == NOW  # the Date of the first claim stays


def test_ending_journals_and_finishes_the_mailing(database: Database) -> None:
    process, mailing, ids = fan_out(database, 3)
    with database.write() as tx:
        assert outbox.end(tx, CLOCK, ids, DeliveryState.CANCELLED, "superseded", process) == 3
        assert outbox.end(tx, CLOCK, ids, DeliveryState.CANCELLED, "superseded", process) == 0
        assert outbox.finish_mailings(tx, CLOCK) == [mailing]
        moves = tx.execute(select(tables.Journal.subject_kind, tables.Journal.move_to, tables.Journal.why)).all()
    assert moves.count(("delivery", "cancelled", "superseded")) == 3
    assert ("mailing", "mailed", "all final") in moves


def test_a_delivery_is_found_by_its_tags(database: Database) -> None:
    _, mailing, ids = fan_out(database, 2)
    with database.read() as tx:
        tag = tx.execute(select(tables.Mailing.tag)).scalar_one()
        liaison = tx.execute(select(tables.Liaison.tag).order_by(tables.Liaison.id)).scalars().first()
        assert liaison is not None
        assert outbox.find_delivery(tx, tag, liaison) == (ids[0], mailing, "queued")
        assert outbox.find_delivery(tx, tag, 77) is None
