"""Raw messages and inputs on both databases: claims, twins, references, revisions, filters."""

import threading
from datetime import timedelta

import pytest

from db import counters, inbound, inputs, sent, tables, tasks
from db.engine import Database
from db.inbound import Arrived
from db.inputs import Filter, Words, read_reference
from db.journal import Act
from db.states import InputState, RawState, StatementState, WrongMove
from mailer.message import Envelope
from tests.integration.db.stage import NOW, fan_out, process, put

CLOCK = Act("clock", NOW)
LEASE = NOW + timedelta(minutes=10)


def keep(database: Database, n: int = 1) -> list[int]:
    envelope = Envelope("a@one.example", ("core@x.example",), "192.0.2.1", "h")
    with database.write() as tx:
        return inbound.store(tx, [Arrived(envelope, b"\x00mail %d" % i, NOW) for i in range(n)], timedelta(days=180))


def filed(database: Database, process_id: int, raw_id: int | None, *bodies: str, **values) -> int:
    row = {
        "process_id": process_id,
        "raw_id": raw_id,
        "voice": "liaison",
        "context": "",
        "writer": "",
        "visibility": "public",
        "state": "new",
        "received_at": NOW,
        "subject": "",
        "language": "en",
    }
    with database.write() as tx:
        input_id = inputs.add_input(tx, row | values)
        assert input_id is not None
        first = counters.take_refs(tx, process_id, len(bodies))
        place = {"process_id": process_id, "input_id": input_id, "anchor_kind": "none", "confidence": 0.1}
        rows = [place | {"number": first + n} for n in range(len(bodies))]
        inputs.add_statements(tx, rows, [Words(body, body) for body in bodies], "filed", NOW)
    return input_id


def test_what_was_stored_comes_back_as_it_was(database: Database) -> None:
    ids = keep(database, 3)
    assert ids == sorted(ids)
    with database.read() as tx:
        body = inbound.body(tx, ids[1])
        row = inbound.raw(tx, ids[1])
        heads = inbound.heads(tx, ids, 3)
    assert body is not None
    assert body.data == b"\x00mail 1"
    assert body.envelope == Envelope("a@one.example", ("core@x.example",), "192.0.2.1", "h")
    assert row is not None
    assert (row.state, row.received_at, row.tries) == ("pending", NOW, 0)
    assert heads[ids[0]] == b"\x00ma"


def test_workers_claim_each_mail_once(database: Database) -> None:
    ids = keep(database, 60)
    got: list[int] = []

    def work() -> None:
        while True:
            with database.write() as tx:
                mine = inbound.claim(tx, NOW, LEASE, 7)
            if not mine:
                return
            got.extend(row.id for row in mine)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ids


def test_a_lease_that_is_over_is_claimed_again_and_fences_the_first(database: Database) -> None:
    keep(database)
    with database.write() as tx:
        (first,) = inbound.claim(tx, NOW, LEASE, 5)
    with database.write() as tx:
        assert inbound.claim(tx, NOW + timedelta(minutes=9), LEASE, 5) == []
        (second,) = inbound.claim(tx, LEASE, LEASE + timedelta(minutes=10), 5)
        assert not inbound.holds(tx, first)
        assert inbound.holds(tx, second)
        inbound.settle(tx, CLOCK, second.id, RawState.IGNORED, "test", reason="x")
        assert not inbound.holds(tx, second)
        with pytest.raises(WrongMove):
            inbound.settle(tx, CLOCK, second.id, RawState.FILED, "test")


def test_a_raw_message_yields_one_input(database: Database) -> None:
    (raw_id,) = keep(database)
    with database.write() as tx:
        process_id = process(tx)
    filed(database, process_id, raw_id, "first")
    with database.write() as tx:
        row = {"process_id": process_id, "raw_id": raw_id, "voice": "core", "visibility": "core", "state": "new"}
        assert inputs.add_input(tx, row | {"received_at": NOW, "context": "", "writer": "", "subject": ""}) is None


def test_a_twin_is_one_that_was_dealt_with(database: Database) -> None:
    first, second, third = keep(database, 3)
    with database.write() as tx:
        for raw_id in (first, second, third):
            inbound.change(tx, raw_id, fingerprint="f")
        assert inbound.twin(tx, "f", third) is None
        inbound.settle(tx, CLOCK, first, RawState.IGNORED, "test")
        assert inbound.twin(tx, "f", third) is None
        inbound.settle(tx, CLOCK, second, RawState.FILED, "test")
        twin = inbound.twin(tx, "f", third)
        assert twin is not None
        assert twin.id == second
        assert inbound.twin(tx, "f", second) is None
        assert inbound.counts(tx) == {"ignored": 1, "filed": 1, "pending": 1}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("S-42", (42, "")), ("s-0042", (42, "")), ("42", (42, "")), ("ADV-0042b", (42, "b")), (" S 7 ", (7, "")),
        ("S-", None), ("S-12-3", None), ("", None), ("S-9999999999", None), ("é-1", None),
    ],
)  # fmt: skip
def test_references_as_people_type_them(typed: str, read: tuple[int, str] | None) -> None:
    assert read_reference(typed) == read


def test_every_wording_stays_and_the_newest_counts(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)
    input_id = filed(database, process_id, None, "first words")
    with database.write() as tx:
        statement = inputs.statement(tx, process_id, "s-1")
        assert statement is not None
        assert inputs.reword(tx, statement, Words("second", "se***d"), "fixed", NOW) == 2
    with database.read() as tx:
        (now,) = inputs.statements(tx, [input_id])[input_id]
        assert (now.ref, now.body, now.masked, now.revision) == ("S-1", "second", "se***d", 2)
        assert tx.exec_driver_sql("SELECT count(*) FROM statement_text").scalar() == 2


def test_references_are_not_given_twice_by_concurrent_filers(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)

    def work() -> None:
        for _ in range(5):
            filed(database, process_id, None, "a", "b")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        numbers = [n for (n,) in tx.exec_driver_sql("SELECT number FROM statement ORDER BY number")]
    assert numbers == list(range(1, 31))


def test_filters(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)
        other = process(tx, "other")
        track = put(tx, tables.Track, process_id=process_id, slug="money", code="MON", name="Money", for_all=False)
    first = filed(database, process_id, None, "one")
    second = filed(database, process_id, None, "two", language="ar")
    hidden = filed(database, process_id, None, "three", visibility="private")
    filed(database, other, None, "elsewhere")
    with database.write() as tx:
        inputs.change_statement(
            tx, 1, track_id=track, anchor_kind="question", anchor_id=7, suggested=[{"kind": "item"}]
        )
        row = inputs.one(tx, second)
        assert row is not None
        inputs.move_input(tx, CLOCK, row, InputState.ACCEPTED, "test")
        statements = inputs.statements(tx, [second])[second]
        inputs.move_statements(tx, CLOCK, statements, StatementState.MERGED, "test", merged_into=1)

    def ids(**wanted) -> list[int]:
        with database.read() as tx:
            return [row.id for row in inputs.inputs(tx, process_id, Filter(**wanted))]

    assert ids() == [second, first]
    assert ids(visible=("private",)) == [hidden]
    assert ids(track_id=track) == [first]
    assert ids(question_id=7) == [first]
    assert ids(question_id=8) == []
    assert ids(language="ar") == [second]
    assert ids(states=["accepted"]) == [second]
    assert ids(suggested=True) == [first]
    assert ids(statement_ids=[2]) == [second]
    assert ids(statement_ids=[]) == []
    assert ids(after_id=second) == [first]
    with database.read() as tx:
        assert inputs.counts(tx, process_id) == {
            ("public", "new"): 1,
            ("public", "accepted"): 1,
            ("private", "new"): 1,
        }


def test_a_task_is_open_once(database: Database) -> None:
    with database.write() as tx:
        process_id = process(tx)
        made = tasks.add(tx, CLOCK, process_id, "handover", ("raw", 1))
        assert made is not None
        assert tasks.add(tx, CLOCK, process_id, "handover", ("raw", 1)) is None
        assert tasks.add(tx, CLOCK, process_id, "handover", ("raw", 2)) is not None
        tasks.finish(tx, Act("operator", NOW), made, process_id)
        assert [one.subject_id for one in tasks.tasks(tx, process_id)] == [2]
        assert [one.done_by for one in tasks.tasks(tx, process_id, ["done"])] == ["operator"]
        assert tasks.add(tx, CLOCK, process_id, "handover", ("raw", 1)) is not None


def test_a_token_names_its_delivery_and_scores_fade(database: Database) -> None:
    process_id, mailing_id, (delivery,) = fan_out(database, 1)
    with database.write() as tx:
        tag = tx.exec_driver_sql("SELECT tag FROM mailing").scalar_one()
        found = sent.delivery(tx, process_id, tag, 1000 + process_id * 100_000)
        assert found is not None
        assert (found.id, found.mailing_id, found.address_key) == (delivery, mailing_id, "r0@one.example")
        assert sent.delivery(tx, process_id, tag, 1) is None
        assert sent.delivery(tx, process_id + 1, tag, 1000 + process_id * 100_000) is None
        assert found.address_id is not None
        assert sent.add_score(tx, found.address_id, 3, NOW) == 3
        assert sent.add_score(tx, found.address_id, 3, NOW + timedelta(days=30)) == pytest.approx(4.5)
        assert sent.last_receipt(tx, process_id, found.liaison_id, "r0@one.example") is None
