"""What differs between the databases behaves the same: counters, writers side by side, search, states."""

import threading

import pytest
from sqlalchemy import select

from db import counters, journal, search, tables
from db.bulk import insert_new
from db.engine import Database, Lane
from db.journal import Act
from db.states import WrongMove
from tests.databases import Databases
from tests.integration.db.stage import NOW, digest, process, put, reader

CLOCK = Act("clock", NOW)


def test_commit_order_is_the_order_of_numbers(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)
    given: list[int] = []
    lock = threading.Lock()

    def write(times: int) -> None:
        for _ in range(times):
            with database.write() as tx:
                first = counters.take_seq(tx, process_id, 2)
                with lock:  # still inside the transaction: whoever comes next here committed later
                    given.extend([first, first + 1])

    threads = [threading.Thread(target=write, args=(15,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given == list(range(1, 121))
    with database.write() as tx:
        assert counters.last_seq(tx, process_id) == 120
        assert counters.take_refs(tx, process_id, 3) == 1
        assert counters.take_refs(tx, process_id) == 4


def test_a_number_taken_in_a_failed_transaction_is_given_again(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)
    with pytest.raises(RuntimeError), database.write() as tx:
        counters.take_seq(tx, process_id)
        raise RuntimeError
    with database.write() as tx:
        assert counters.take_seq(tx, process_id) == 1


def test_insert_new_tells_what_went_in(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)
        rows = [
            {"process_id": process_id, "slug": slug, "code": slug.upper(), "name": slug, "for_all": False}
            for slug in ("a", "b")
        ]
        assert [r.slug for r in insert_new(tx, tables.Track.__table__, rows, "slug")] == ["a", "b"]
        again = [*rows, {"process_id": process_id, "slug": "c", "code": "C", "name": "c", "for_all": False}]
        assert [r.slug for r in insert_new(tx, tables.Track.__table__, again, "slug")] == ["c"]
        assert insert_new(tx, tables.Track.__table__, [], "slug") == []


def test_a_read_keeps_nothing(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)
    if database.dialect == "postgresql":
        with database.read() as tx:
            counters.take_seq(tx, process_id)
    with database.write() as tx:
        assert counters.take_seq(tx, process_id) == 1


def test_inbound_goes_before_bulk(sqlite: Database) -> None:
    order: list[str] = []
    holding, waiting = threading.Event(), []

    def hold() -> None:
        with sqlite.write(Lane.BULK):
            holding.set()
            while len(waiting) < 2:
                pass
            threading.Event().wait(0.2)  # both others now stand at the turnstile

    def write(name: str, lane: Lane) -> None:
        waiting.append(name)
        with sqlite.write(lane):
            order.append(name)

    first = threading.Thread(target=hold)
    first.start()
    holding.wait()
    bulk = threading.Thread(target=write, args=("bulk", Lane.BULK))
    bulk.start()
    threading.Event().wait(0.05)
    inbound = threading.Thread(target=write, args=("inbound", Lane.INBOUND))
    inbound.start()
    for thread in (first, bulk, inbound):
        thread.join()
    assert order == ["inbound", "bulk"]


def test_search_finds_all_words_without_accents(database: Database) -> None:
    with database.write() as tx:
        search.index(tx, 1, "Grant decisions should be taken in the region")
        search.index(tx, 2, "La décision des subventions revient à la région")
        search.index(tx, 3, "قرارات المنح يجب أن تتخذ محليا")
        assert search.find(tx, "grant region") == [1]
        assert search.find(tx, "subventions") == [2]
        assert search.find(tx, "المنح") == [3]
        assert search.find(tx, 'grant" OR (') == []
        assert search.find(tx, "'; DROP TABLE statement; --") == []
        assert search.find(tx, "!!!") == []
        search.index(tx, 1, None)
        assert search.find(tx, "grant") == []


def test_a_move_is_checked_and_written_down(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)
        liaison, _, _ = reader(tx, process_id, digest(tx, process_id), 1)
        assert journal.move(tx, CLOCK, "liaison", liaison, "paused", "asked", process_id=process_id) == "active"
        row = tx.execute(select(tables.Journal)).one()
        assert (row.actor, row.move_from, row.move_to, row.why) == ("clock", "active", "paused", "asked")
        with pytest.raises(WrongMove, match="cannot become applied"):
            journal.move(tx, CLOCK, "liaison", liaison, "applied", "x")
        with pytest.raises(WrongMove, match="no liaison 99"):
            journal.move(tx, CLOCK, "liaison", 99, "left", "x")


def test_links_across_processes_are_refused(database: Database) -> None:
    from sqlalchemy.exc import IntegrityError

    with database.write() as tx:
        one, two = process(tx, "one"), process(tx, "two")
        liaison, _, _ = reader(tx, one, digest(tx, one), 1)
    with pytest.raises(IntegrityError), database.write() as tx:
        put(
            tx,
            tables.Address,
            process_id=two,
            liaison_id=liaison,
            addr="a@b.example",
            key="k",
            hint_key="k",
            is_primary=False,
        )


def test_private_journal_stands_apart(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)
        liaison, _, _ = reader(tx, process_id, digest(tx, process_id), 1)
        journal.note_private(
            tx,
            CLOCK,
            ("liaison", liaison),
            "hour",
            process_id=process_id,
            liaison_id=liaison,
            body={"was": 9, "now": 7},
            salt="pepper",
        )
        public = tx.execute(select(tables.Journal)).one()
        private = tx.execute(select(tables.JournalPrivate)).one()
    assert public.private_hash
    assert "7" not in public.why
    assert private.journal_id == public.id


def test_a_side_that_is_cut_off_is_given_up(databases: Databases) -> None:
    database = databases.fresh("postgresql")
    with database.read() as tx:
        told = tx.connection.dbapi_connection.info.get_parameters()
        seen = tx.exec_driver_sql("SELECT setting FROM pg_settings WHERE name = 'tcp_keepalives_idle'").scalar_one()
    assert told["keepalives_idle"] == "30"
    assert seen in ("0", "30")  # a socket file has no such thing
    databases.release(database)
