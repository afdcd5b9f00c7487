"""What must hold of mail in on either database: racing workers, twins, receipts, triage with its events."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest

from db import search, tables
from db.engine import Database
from flows import inbound, triage, views_inbox, views_input
from mailer.message import Envelope
from tests.integration.flows.conftest import FIRST
from tests.integration.flows.mailroom import box, count, filed, mail, take
from tests.world import World


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """The stage of the other tests, on each database."""
    made = World(database)
    made.populate()
    made.until(FIRST)
    yield made
    made.close()


def race(*works: Callable[[], object]) -> None:
    """Do several things at once; the first error is raised."""
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_racing_workers_file_each_mail_once_and_see_twins(world: World) -> None:
    messages = [mail(world, "ana@west.example", "x", f"MON-1: number {n}").as_bytes() for n in range(8)]
    envelope = Envelope("ana@west.example", (box("input"),))
    inbound.store(world.engine, [(envelope, data) for data in messages for _ in range(2)], act=world.act("listener"))

    def work() -> None:
        for _ in range(8):
            inbound.understand(world.engine, 3, act=world.act("clock"))

    race(work, work, work)
    assert count(world, tables.Input) == 8
    with world.engine.db.read() as tx:
        states = [state for (state,) in tx.exec_driver_sql("SELECT state FROM raw_message")]
    assert sorted(states) == ["duplicate"] * 8 + ["filed"] * 8


def test_the_circle(world: World) -> None:
    world.reply(world.mailbox("badr")[0], "MON-1: المناطق تقرر.\n\nMON-2: الثلث.", quote=False)
    world.turn()
    assert "S-1" in world.mailbox("badr")[-1].text
    row, statements = filed(world)
    triage.accept(world.engine, row.id, act=world.act())
    card = views_input.input_show(world.engine, 1, "S-2")
    assert [one.anchor for one in card.line.statements] == ["MON-1", "MON-2"]
    with world.engine.db.read() as tx:
        assert search.find(tx, "الثلث") == [statements[1].id]
    (line,) = views_inbox.inbox_list(world.engine, 1)
    assert line.refs == ("S-1", "S-2")
    assert views_inbox.inbox_show(world.engine, line.raw_id, now=world.now).answers.startswith("edition:core")


def test_verdicts_at_the_same_time_are_one_after_the_other(world: World) -> None:
    ids = [
        filed(world, take(world, mail(world, "ana@west.example", "x", f"MON-1: n {n}"), box("input")))[0].id
        for n in range(6)
    ]
    race(*(lambda chosen=chosen: triage.accept(world.engine, chosen, act=world.act()) for chosen in ids))
    with world.engine.db.read() as tx:
        rows = tx.exec_driver_sql("SELECT count(*), count(DISTINCT seq) FROM event WHERE subject_kind = 'heard'").one()
    assert tuple(rows) == (6, 6)
    race(*(lambda: _quietly(lambda: triage.decline(world.engine, ids[0], act=world.act())) for _ in range(3)))
    assert views_input.input_show(world.engine, 1, ids[0]).line.state == "declined"


def _quietly(work: Callable[[], object]) -> None:
    from db.states import WrongMove

    with contextlib.suppress(WrongMove):
        work()


def test_merging_in_both_directions_at_once_makes_no_circle(world: World) -> None:
    first, second = (
        filed(world, take(world, mail(world, "ana@west.example", "x", f"MON-1: n {n}"), box("input")))[0].id
        for n in range(2)
    )

    def merge(chosen: int, into: str) -> None:
        from flows.engine import Refused

        with contextlib.suppress(Refused):
            triage.merge(world.engine, chosen, into, act=world.act())

    race(lambda: merge(first, "S-2"), lambda: merge(second, "S-1"))
    states = sorted(views_input.input_show(world.engine, 1, one).line.state for one in (first, second))
    assert states == ["merged", "new"]
