"""The program dies at every named place, and at random ones; started again, it keeps every promise (4, 1, 3).

`tests/crash_driver.py` is the program, a sink in this one the witness. Each case works on a copy of a database in which
the second edition is about to be approved, and three replies to the first are on their way.
"""

import importlib
import itertools
import json
import pkgutil
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

import flows
from app.wiring import DIED
from db import tables
from db.engine import Database
from flows import failpoint, inbound
from mailer.wire.sink import STALL
from tests.crash import Driver, Witness, check_records
from tests.crash_driver import BATCH, CONNECTIONS, LEASE, Order
from tests.databases import KINDS, Databases
from tests.netns import Enclave, NoNamespaces
from tests.world import World

for module in pkgutil.iter_modules(flows.__path__):
    importlib.import_module(f"flows.{module.name}")

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
MONDAY = datetime(2019, 3, 18, 6, 30, tzinfo=UTC)  # the slot is 08:00, its review begins at 07:00
END = datetime(2019, 3, 19, 12, 0, tzinfo=UTC)
READERS = 20
OF_FILES = {"intake.home"}  # never reached on a server
RESTART = max(LEASE, inbound.LEASE) + timedelta(minutes=1)
FANOUT = datetime(2019, 3, 11, 8, 0, tzinfo=UTC)  # the first edition is approved

HEAD = "name,address,group,role_there,rank,agreed_on,languages,timezone,hour,cadence,size,interests,other_addresses\n"


def roster(count: int) -> str:
    """Readers in three sizes and two languages; every fifth follows one track only."""
    return HEAD + "".join(
        f"Reader {n},r{n}@west.example,west,member,deputy,2019-01-10,{('en', 'ar en')[n % 2]},UTC,8,every,{'SML'[n % 3]},"
        f"{'money' if n % 5 == 0 else ''},\n"
        for n in range(1, count + 1)
    )


@dataclass
class Scene:
    """A database to copy, letters on their way to it, and what a run without a crash comes to."""

    databases: Databases
    driver: Driver
    base: Database
    letters: Path
    visits: dict[str, int]
    expected: set[tuple[str, str]]

    def play(self, folder: Path, point: str = "") -> tuple[Witness, Database]:
        """Run the program, with a death at `point` and a restart; gives what the world and the database saw."""
        db = self.databases.copy(self.base)
        for file in self.letters.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        witness = Witness()
        order = Order(
            "circle", url(db), witness.sink.port, MONDAY.isoformat(), END.isoformat(), str(folder), failpoint=point
        )
        try:
            if point:
                assert self.driver.run(order) == DIED
                witness.settle()
                witness.run += 1
                died = datetime.fromisoformat((folder / "clock").read_text())
                order = replace(order, failpoint="", start=(died + RESTART).isoformat())
            assert self.driver.run(order) == 0
        finally:
            witness.close()
        return witness, db


def url(db: Database) -> str:
    return db.sql.url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    made.close()


@pytest.fixture(scope="module", params=KINDS)
def scene(
    request: pytest.FixtureRequest, databases: Databases, driver: Driver, tmp_path_factory: pytest.TempPathFactory
) -> Scene:
    """The stage of one kind of database, after a run without a crash."""
    base, letters = databases.fresh(request.param), tmp_path_factory.mktemp("letters")
    world = World(base)
    world.populate(liaisons=roster(READERS))
    world.until(FIRST)
    world.import_timeline(talks_end="2019-05-15")
    _write_replies(world, letters)
    world.close()
    made = Scene(databases, driver, base, letters, {}, set())
    folder = tmp_path_factory.mktemp("control")
    witness, db = made.play(folder)
    check_records(db)
    made.visits.update(json.loads((folder / "visits").read_text()))
    made.expected |= witness.letters
    return made


def _write_replies(world: World, folder: Path) -> None:
    """Three readers answer, in files, as their mail programs would."""
    written: list[EmailMessage] = []
    world.at(MONDAY)
    world.send = lambda message, to, sender: written.append(message)  # type: ignore[method-assign]
    for n in (1, 2, 3):
        world.reply(world.mailbox(f"Reader {n} ")[0], f"MON-2: The {n}. opinion of our community on grants, in full.")
    for n, message in enumerate(written):
        (folder / f"{n}.eml").write_bytes(message.as_bytes(policy=SMTP))


def test_a_run_without_a_crash_does_everything_and_visits_every_failpoint(scene: Scene) -> None:
    editions = [name for _, name in scene.expected]
    assert len(editions) == len(set(editions)) == READERS + 3  # one digest each, and three receipts
    assert set(failpoint.ALL) - scene.visits.keys() == (set() if scene.base.path is not None else OF_FILES)


@pytest.mark.parametrize("name", sorted(failpoint.ALL))
def test_death_at_a_failpoint(scene: Scene, name: str, tmp_path: Path) -> None:
    visits = scene.visits.get(name, 0)  # 0 where the test before this one wants it so
    for visit in [1, visits // 2 + 1] if visits > 3 else [1] * (visits > 0):
        folder = tmp_path / str(visit)
        folder.mkdir()
        witness, db = scene.play(folder, f"{name}:{visit}")
        assert scene.expected - witness.letters == set(), "lost"
        assert witness.letters - scene.expected == set(), "sent though it should not be"
        witness.check_repeats(CONNECTIONS)
        if name == "deliver.answered":
            assert witness.repeats()  # the limit of the promise is a real one
        check_records(db)
        with db.read() as tx:
            inputs = tx.execute(select(func.count()).select_from(tables.Input.__table__)).scalar_one()
            statements = tx.execute(select(func.count()).select_from(tables.Statement.__table__)).scalar_one()
        assert (inputs, statements) == (3, 3)
        scene.databases.release(db)


def fan_out(databases: Databases, kind: str, count: int) -> Database:
    """A database whose first edition waits in the outbox for so many readers."""
    db = databases.fresh(kind)
    world = World(db)
    world.populate(liaisons=roster(count))
    for moment in (FANOUT - timedelta(hours=1), FANOUT):
        world.at(moment)
        world.tick()
    world.close()
    return db


def kill_at_random(driver: Driver, witness: Witness, order: Order, kills: int, step: int, dice: random.Random) -> None:
    """Kill the program `kills` times, each time some mails later, then let it finish."""
    start = datetime.fromisoformat(order.start)
    for _ in range(kills):
        target = len(witness.mails) + dice.randint(3, step)
        # At once is before the mail's 250 is out; a little later is anywhere.
        wait = dice.choice((0.0, dice.uniform(0, 0.02)))

        def strike(count: int, target: int = target, wait: float = wait) -> None:
            if count == target:
                threading.Timer(wait, driver.kill).start() if wait else driver.kill()

        witness.on_count = strike
        driver.begin(replace(order, start=start.isoformat()))
        assert driver.end() == -signal.SIGKILL
        witness.settle()
        witness.run += 1
        start += LEASE + timedelta(minutes=1)
    witness.on_count = lambda _: None
    assert driver.run(replace(order, start=start.isoformat())) == 0


def sent_to_all(witness: Witness, count: int) -> None:
    """Everybody got one mail, and one only by its name."""
    assert len(witness.letters) == len({rcpt for rcpt, _ in witness.letters}) == count


@pytest.mark.parametrize("rough", [False, True], ids=["good server", "rough server"])
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_random_moments(databases: Databases, driver: Driver, kind: str, rough: bool, tmp_path: Path) -> None:
    _random_kills(databases, driver, kind, rough, tmp_path, readers=300, kills=10)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rough", [False, True], ids=["good server", "rough server"])
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_two_hundred_random_moments(
    databases: Databases, driver: Driver, kind: str, rough: bool, tmp_path: Path
) -> None:
    _random_kills(databases, driver, kind, rough, tmp_path, readers=5_000, kills=200)


def _random_kills(
    databases: Databases, driver: Driver, kind: str, rough: bool, folder: Path, *, readers: int, kills: int
) -> None:
    db = fan_out(databases, kind, readers)
    witness = Witness(rough)
    end = FANOUT + timedelta(hours=20)
    order = Order("fanout", url(db), witness.sink.port, FANOUT.isoformat(), end.isoformat(), str(folder))
    kill_at_random(driver, witness, order, kills, step=readers // kills - 6, dice=random.Random(readers))
    witness.close()
    sent_to_all(witness, readers)
    witness.check_repeats(CONNECTIONS)
    check_records(db)
    print(witness.figures(kills, lost=readers - len(witness.letters)))
    databases.release(db)


@pytest.mark.parametrize("kind", KINDS)
def test_two_workers_one_killed(databases: Databases, driver: Driver, kind: str, tmp_path: Path) -> None:
    readers = 200
    db = fan_out(databases, kind, readers)
    witness, other = Witness(), Driver()
    end = FANOUT + timedelta(hours=20)
    order = Order("fanout", url(db), witness.sink.port, FANOUT.isoformat(), end.isoformat(), str(tmp_path))
    witness.on_count = lambda count: driver.kill() if count == readers // 3 else None
    driver.begin(order)
    other.begin(order)
    assert (driver.end(), other.end()) == (-signal.SIGKILL, 0)
    witness.settle()
    witness.run += 1
    assert other.run(replace(order, start=(FANOUT + LEASE + timedelta(minutes=1)).isoformat())) == 0
    other.close()
    witness.close()
    sent_to_all(witness, readers)
    witness.check_repeats(CONNECTIONS)
    check_records(db)
    databases.release(db)


def order_of(db: Database, witness: Witness, folder: Path, **more: Any) -> Order:
    """Send what is due."""
    end = FANOUT + timedelta(hours=20)
    return Order("fanout", url(db), witness.sink.port, FANOUT.isoformat(), end.isoformat(), str(folder), **more)


def later(order: Order, moved: timedelta = LEASE) -> Order:
    """The same, when every lease is over."""
    start = datetime.fromisoformat(order.start) + moved + timedelta(minutes=1)
    return replace(order, start=start.isoformat(), pages=0)


def test_a_server_that_refuses_some_for_good(databases: Databases, driver: Driver, tmp_path: Path) -> None:
    readers, dots = 40, itertools.count(1)
    witness = Witness(fault=lambda moment, _: "550 5.2.2 full" if moment == "dot" and next(dots) % 7 == 0 else None)
    db = fan_out(databases, "sqlite", readers)
    assert driver.run(order_of(db, witness, tmp_path)) == 0
    witness.close()
    refused = (next(dots) - 1) // 7
    assert len(witness.mails) == len(witness.letters) == readers - refused
    check_records(db, failed=refused)
    databases.release(db)


def test_a_server_that_stalls(databases: Databases, driver: Driver, tmp_path: Path) -> None:
    """It takes the mail and says nothing more: nobody can know, so the same mail comes again, by the same name."""
    readers, dots = 30, itertools.count(1)
    witness = Witness(fault=lambda moment, _: STALL if moment == "dot" and next(dots) in (5, 20) else None)
    db = fan_out(databases, "sqlite", readers)
    assert driver.run(order_of(db, witness, tmp_path, patience=3.0)) == 0
    witness.close()
    sent_to_all(witness, readers)
    assert len(witness.mails) - len(witness.letters) >= 2
    witness.check_repeats(len(witness.mails))
    check_records(db)
    databases.release(db)


def test_a_full_disk(databases: Databases, driver: Driver, tmp_path: Path) -> None:
    _full_disk(databases, driver, tmp_path, readers=100, times=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_disk_that_is_full_again_and_again(databases: Databases, driver: Driver, tmp_path: Path) -> None:
    _full_disk(databases, driver, tmp_path, readers=3_000, times=30)


def _full_disk(databases: Databases, driver: Driver, folder: Path, *, readers: int, times: int) -> None:
    db = fan_out(databases, "sqlite", readers)
    witness = Witness()
    order = order_of(db, witness, folder)
    for n in range(times):
        assert driver.run(replace(order, pages=4 + n)) == 1  # it cannot record, so it stops sending
        witness.settle()
        witness.run += 1
        order = later(order)
    assert driver.run(order) == 0
    witness.close()
    sent_to_all(witness, readers)
    witness.check_repeats(CONNECTIONS)
    check_records(db)
    databases.release(db)


def test_a_worker_that_was_cut_off_for_longer_than_its_lease(databases: Databases, tmp_path: Path) -> None:
    """It stands still, another takes over what it held, it goes on: what it had not begun it leaves alone."""
    readers, lease = 60, 6.0
    db = fan_out(databases, "postgresql", readers)
    witness, frozen, other, stopped = Witness(), Driver(), Driver(), threading.Event()

    def strike(count: int) -> None:
        if count == 20:
            frozen.kill(signal.SIGSTOP)
            stopped.set()

    witness.on_count = strike
    order = order_of(db, witness, tmp_path, lease=lease, ticking=True)
    frozen.begin(order)
    assert stopped.wait(60)
    time.sleep(lease / 2)  # longer than the third of a lease in which a mail may be begun
    witness.run += 1
    after = replace(later(order), lease=600, ticking=False)
    assert other.run(after) == 0
    frozen.kill(signal.SIGCONT)
    assert frozen.end() == 0
    assert other.run(later(after, timedelta(minutes=30))) == 0
    for one in (frozen, other):
        one.close()
    witness.close()
    sent_to_all(witness, readers)
    assert len(witness.mails) - readers <= CONNECTIONS
    check_records(db)
    databases.release(db)


def test_a_worker_that_the_network_cuts_off(databases: Databases, tmp_path: Path) -> None:
    """Neither the database nor the smart host is reached any more, and nobody says so; another takes over."""
    try:
        enclave = Enclave()
    except NoNamespaces as why:
        pytest.skip(f"no network namespaces here: {why}")
    try:
        _cut_off(databases, enclave, tmp_path)
    finally:
        enclave.close()


def _cut_off(databases: Databases, enclave: Enclave, folder: Path) -> None:
    readers, lease = 60, 6.0
    db = fan_out(databases, "postgresql", readers)
    witness, cut, inside, outside = Witness(), threading.Event(), Driver(enclave.command), Driver()

    def strike(count: int) -> None:
        if count == 20:
            enclave.pull()
            cut.set()

    witness.on_count = strike
    order = order_of(db, witness, folder, lease=lease, ticking=True)
    inside.begin(replace(order, database=_through(enclave, db), host=enclave.address,
                         port=enclave.forward_tcp(witness.sink.port)))  # fmt: skip
    assert cut.wait(60)
    time.sleep(lease / 2)
    witness.run += 1
    after = replace(later(order), lease=600, ticking=False)
    assert outside.run(after) == 0
    assert len(witness.letters) >= readers - 2 * BATCH  # what the other has in an open transaction waits for it
    enclave.plug()
    assert inside.end() in (0, 1)  # 1: its database had given it up
    assert outside.run(later(after, timedelta(minutes=30))) == 0
    for one in (inside, outside):
        one.close()
    witness.close()
    sent_to_all(witness, readers)
    assert len(witness.mails) - readers <= CONNECTIONS
    check_records(db)
    databases.release(db)


def _through(enclave: Enclave, db: Database) -> str:
    """The address of a database behind a socket file, from inside."""
    where = db.sql.url
    port = enclave.forward_unix(f"{where.query['host']}/.s.PGSQL.{where.port or 5432}")
    inside = where.set(query={}, host=enclave.address, port=port)
    return inside.render_as_string(hide_password=False)


def test_a_database_restarted_under_load(driver: Driver, tmp_path: Path) -> None:
    _restarts(driver, tmp_path, readers=60, times=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_database_restarted_again_and_again(driver: Driver, tmp_path: Path) -> None:
    _restarts(driver, tmp_path, readers=3_000, times=25)


def _restarts(driver: Driver, folder: Path, *, readers: int, times: int) -> None:
    own = Databases(folder)  # a server of its own: the others go on
    db = fan_out(own, "postgresql", readers)
    witness = Witness()
    order = order_of(db, witness, folder)
    db.close()
    for _ in range(times):
        target, struck = len(witness.mails) + readers // (times + 2), threading.Event()
        witness.on_count = lambda count, target=target, struck=struck: struck.set() if count == target else None
        driver.begin(order)
        assert struck.wait(60)
        own.restart()
        assert driver.end() in (0, 1)  # 1: it could not record, and stopped sending
        witness.settle()
        witness.run += 1
        order = later(order)
    witness.on_count = lambda _: None
    assert driver.run(order) == 0
    witness.close()
    sent_to_all(witness, readers)
    witness.check_repeats(CONNECTIONS)
    check_records(db)
    own.close()
