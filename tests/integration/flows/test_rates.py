"""Mails a minute: altogether and to one domain, over all workers; free of charge where nothing is limited."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import event, update

from db import outbox, rates, tables
from db.engine import Database
from flows.status import RateState, status
from tests.integration.db.stage import NOW, fan_out, mailing
from tests.world import LIAISONS, World

SLOT = datetime(2019, 3, 11, 8, 0, tzinfo=UTC)
HEAD = LIAISONS.split("\n")[0]


def world_with(database: Database, readers: int, limits: dict[str, int]) -> World:
    """A stage whose first edition is due to so many readers, every other one at `slow.example`."""
    world = World(database)
    world.populate(
        liaisons="\n".join(
            [HEAD]
            + [
                f"R {n},r{n}@{'slow' if n % 2 else 'fast'}.example,west,member,deputy,2019-01-10,en,UTC,9,every,M,,"
                for n in range(readers)
            ]
        )
        + "\n"
    )
    world.engine = replace(world.engine, settings=replace(world.engine.settings, limits=limits))
    for moment in (SLOT - timedelta(hours=1), SLOT):
        world.at(moment)
        world.tick()
    world.at(SLOT + timedelta(hours=2))
    return world


def arrived(world: World) -> Counter[str]:
    return Counter(mail["To"].partition("@")[2].rstrip(">") for mail in world.mails)


def test_a_limited_domain_waits_and_others_do_not(database: Database) -> None:
    world = world_with(database, 20, {"slow.example": 12})
    world.deliver()
    assert arrived(world) == {"fast.example": 10, "slow.example": 2}
    found = status(world.engine, timedelta(minutes=1), now=world.now)
    assert found.rates == (RateState("slow.example", 12, 2, 8),)
    world.later(seconds=9)
    assert world.deliver("w2").sent == 0  # another worker, the same limit
    for _ in range(4):
        world.later(seconds=10)
        assert world.deliver("w2").sent == 2
    assert arrived(world) == {"fast.example": 10, "slow.example": 10}
    world.later(minutes=2)
    assert status(world.engine, timedelta(minutes=1), now=world.now).rates == (RateState("slow.example", 12, 0, 0),)
    world.close()


def test_a_limit_on_everything(database: Database) -> None:
    world = world_with(database, 20, {rates.ALL: 30, "slow.example": 6})
    sent = []
    while world.deliver().total:
        sent.append(len(world.mails))
        world.later(seconds=10)
    assert sent == [5, 10, 13, 14, 15, 16, 17, 18, 19, 20]  # one of them to the slow one each time, while there is room
    world.close()


def test_nothing_is_counted_where_nothing_is_limited(database: Database) -> None:
    world = world_with(database, 8, {})
    asked: list[str] = []
    event.listen(database.sql, "before_cursor_execute", lambda _c, _u, statement, *_: asked.append(statement))
    assert world.deliver().sent == 8
    assert [statement for statement in asked if " rate" in statement] == []
    assert status(world.engine, timedelta(minutes=1), now=world.now).rates == ()
    world.close()


def test_workers_at_one_moment_share_a_limit(database: Database) -> None:
    fan_out(database, 80)
    got: list[int] = []
    barrier = threading.Barrier(4)

    def work(name: str) -> None:
        barrier.wait()
        for _ in range(5):
            with database.write() as tx:
                got.extend(outbox.claim(tx, NOW, name, NOW + timedelta(hours=1), 7, (), {"one.example": 60}))

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 10
    with database.read() as tx:
        assert rates.spent(tx, {"one.example": 60}, NOW) == {"one.example": 10}
        assert rates.spent(tx, {"one.example": 60}, NOW + timedelta(minutes=1)) == {"one.example": 0}


def test_urgent_lanes_have_the_room_first(database: Database) -> None:
    process, _, bulk = fan_out(database, 5)
    limits = {"one.example": 6}
    with database.write() as tx:
        urgent = mailing(tx, process, None, "receipt:1", kind="receipt", lane=-10)
        tx.execute(update(tables.Delivery).where(tables.Delivery.id == bulk[4]).values(mailing_id=urgent))
        assert outbox.claim(tx, NOW, "w", NOW + timedelta(hours=1), 200, (), limits) == [bulk[4]]
        assert outbox.claim(tx, NOW, "w", NOW + timedelta(hours=1), 200, (), limits) == []
    with database.write() as tx:
        later = NOW + timedelta(seconds=10)
        assert outbox.claim(tx, later, "w", later + timedelta(hours=1), 200, (), limits) == [bulk[0]]
