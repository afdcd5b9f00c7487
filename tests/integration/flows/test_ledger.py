"""The ledger says who got what, and proves it: every way of altering what is recorded is found, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread

import pytest
from sqlalchemy import text

from db import editions, seals
from db.engine import Database, Tx
from flows import deliver, ledger
from flows.engine import Refused
from flows.verify import Verification
from tests.world import World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
BOUNCE = """\
UPDATE attempt SET outcome = 'temporary', code = 451, ended_at = NULL, journal_id = NULL, mark = NULL
 WHERE delivery_id = 1"""


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    made.populate()
    made.until(FIRST)
    made.tick()
    yield made
    made.close()


def found(world: World, known: tuple[int, str] | None = None) -> list[str]:
    work = Verification(world.engine.db, world.now, known)
    return [finding.what for finding in work.findings() if finding.fault]


def alter(world: World, *statements: str) -> None:
    with world.engine.db.write() as tx:
        if world.engine.db.dialect == "sqlite":
            tx.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for statement in statements:
            tx.execute(text(statement))


def test_who_got_it_and_who_did_not(world: World) -> None:
    with world.engine.db.snapshot() as tx:
        (series,) = editions.digests(tx)
        mailing = ledger.of_edition(tx, series, "1")
        rows = {row.name.split()[0]: row for row in ledger.rows(tx, mailing)}
        assert ledger.of_edition(tx, series, "2019-03-11T09:00") == mailing
        with pytest.raises(Refused, match="no edition and no announcement '9'"):
            ledger.of_edition(tx, series, "9")
    assert set(rows) == {"Ana", "Badr", "Chidi", "Dora"}
    badr = rows["Badr"]
    assert (badr.state, badr.lang, badr.size, badr.addr, badr.code) == ("sent", "ar", "M", "badr@south.example", 250)
    assert badr.at is not None
    world.import_timeline(talks_end="2019-04-20")
    world.until(FIRST.replace(day=18))
    with world.engine.db.snapshot() as tx:
        rows = {row.name.split()[0]: row for row in ledger.rows(tx, ledger.of_edition(tx, series, "2"))}
    assert rows["Dora"].state == "left out"  # monthly
    assert ledger.why(rows["Dora"]) == "had one in this period already"


def test_an_honest_ledger_has_no_faults(world: World) -> None:
    work = Verification(world.engine.db, world.now)
    assert list(work.findings()) == []
    assert (work.sums.deliveries, work.sums.accepted, work.sums.attempts) == (4, 4, 4)
    assert (work.sums.unsealed, work.sums.before_chain, work.sums.unproved) == (0, 0, 0)
    assert work.sums.seals >= 1


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        (["UPDATE attempt SET reply = 'never' WHERE delivery_id = 1"], "attempt 1 of delivery 1 was altered"),
        (["UPDATE attempt SET reply = 'x', mark = NULL WHERE delivery_id = 1"], "say something else than they did"),
        (["DELETE FROM attempt WHERE delivery_id = 2"], "delivery 2 of mailing 1: 1 try was begun, 0 recorded"),
        (["DELETE FROM attempt WHERE delivery_id = 2"], "some were removed or added"),
        ([BOUNCE], "it is sent, and no attempt was accepted"),
        (["UPDATE delivery SET state = 'cancelled' WHERE id = 1"], "the server took it, and yet it is cancelled"),
        (["UPDATE delivery SET state = 'bounced' WHERE id = 1"], "it is bounced, and nothing moved it there"),
        (["UPDATE delivery SET state = 'queued', not_after = '2019-03-01' WHERE id = 1",
          "UPDATE mailing SET state = 'ready'"], "though its limit was"),
        (["UPDATE journal SET why = 'other' WHERE id = 3"], "journal row 3"),
        (["UPDATE journal SET why = 'other', mark = NULL WHERE id = 3"], "does not fit its journal rows"),
        (["DELETE FROM journal WHERE id = 3"], ", without 3"),
        (["DELETE FROM seal WHERE no = 1"], "does not follow"),
        (["UPDATE delivery SET address_id = 2 WHERE id = 1"], "its address, language or wording was altered"),
        (["UPDATE delivery SET lang = 'fr' WHERE id = 1"], "its address, language or wording was altered"),
        (["UPDATE mailing SET total = 5"], "was for 5, 4 are there"),
        (["UPDATE mailing SET set_hash = 'other'"], "has other readers than were recorded"),
        (["DELETE FROM attempt WHERE delivery_id = 1", "DELETE FROM delivery WHERE id = 1"], "was for 4, 3 are there"),
    ],
)  # fmt: skip
def test_every_tampering_is_found(world: World, statements: list[str], says: str) -> None:
    alter(world, *statements)
    assert any(says in what for what in found(world)), found(world)


def test_a_cut_tail_and_a_chain_written_anew_are_known_from_outside(world: World) -> None:
    with world.engine.db.read() as tx:
        newest = seals.newest(tx)
    assert newest is not None
    known = (newest.no, newest.hash)
    assert found(world, known) == []
    assert "written anew" in found(world, (newest.no, "another"))[0]
    alter(world, f"DELETE FROM seal WHERE no = {newest.no}", f"DELETE FROM journal WHERE seal_no = {newest.no}")
    assert any("cut off" in what for what in found(world, known))


def test_what_nobody_can_prove_is_listed(world: World) -> None:
    world.import_timeline(talks_end="2019-04-20")
    for hour in (7, 8, 12):
        world.at(FIRST.replace(day=18, hour=hour))
        world.tick()
    # Claimed, and then the worker is gone.
    deliver.deliver(world.engine, lambda letters, record: next(letters) and None, "dead", clock=lambda: world.now)
    world.later(hours=1)
    world.deliver()
    world.tick()
    work = Verification(world.engine.db, world.now)
    said = [finding.what for finding in work.findings()]
    assert work.sums.faults == 0
    assert work.sums.unproved == len(said) >= 1
    assert all("nobody can say whether it arrived" in what for what in said)


def test_what_was_dropped_when_it_was_about_to_leave_is_no_doubt(world: World) -> None:
    world.import_timeline(talks_end="2019-04-20")
    for hour in (7, 8, 12):
        world.at(FIRST.replace(day=18, hour=hour))
        world.tick()
    alter(world, "UPDATE delivery SET not_after = '2019-03-01' WHERE state = 'queued'")
    assert world.deliver().cancelled >= 1
    work = Verification(world.engine.db, world.now)
    assert [one.what for one in work.findings()] == []
    assert work.sums.unproved == 0


def test_two_sealers_at_once_make_one_chain(world: World) -> None:
    def seal(tx: Tx) -> seals.SealRow | None:
        return seals.seal(tx, world.now)

    alter(world, "UPDATE journal SET seal_no = NULL", "DELETE FROM seal")

    def work() -> None:
        with world.engine.db.write() as tx:
            seal(tx)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found(world) == []
    with world.engine.db.read() as tx:
        assert [one.no for one in seals.every(tx)] == [1]
