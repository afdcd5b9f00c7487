"""A backup holds everything; what is put back sends nothing twice by itself, on either kind of database and across them."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from db import deployment, holding, outbox, process, seals, search, tables
from db.engine import Database
from db.states import DeliveryState, RawState
from flows import control, deliver, restore
from flows.engine import Refused
from flows.verify import Verification
from mailer.letter import Outcome
from tests.databases import KINDS, Databases
from tests.world import World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
MONDAY = datetime(2019, 3, 18, 8, 0, tzinfo=UTC)  # the slot of the second edition


def lines_of(world: World) -> list[str]:
    lines: list[str] = []
    restore.write(world.engine.db, lines.append, act=world.act())
    return lines


def states(world: World) -> dict[str, int]:
    table = tables.Delivery.__table__
    with world.engine.db.read() as tx:
        return dict(tx.execute(select(table.c.state, func.count()).group_by(table.c.state)).all())


def settle(world: World, moment: datetime) -> None:
    world.at(moment)
    world.turn()


@pytest.fixture(params=KINDS)
def lost(request: pytest.FixtureRequest, databases: Databases) -> Iterator[World]:
    """A world whose second edition is about to leave: frozen, one mail claimed, none recorded."""
    made = World(databases.fresh(request.param))
    made.populate()
    made.until(FIRST)
    made.reply(made.mailbox("ana")[0], "MON-1: The regions should decide about grants, all of them.")
    made.import_timeline(talks_end="2019-04-20")
    settle(made, MONDAY - timedelta(hours=1))
    made.at(MONDAY)
    made.tick()
    made.at(MONDAY + timedelta(hours=3))
    yield made
    made.close()


def put_back(databases: Databases, kind: str, lines: list[str], lost: World) -> tuple[World, restore.Held]:
    database = databases.fresh(kind)
    held = restore.restore(database, lines, 4, replace=False, act=lost.act())
    world = World(database)
    world.at(lost.now)
    return world, held


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_goes_twice_by_itself(databases: Databases, lost: World, kind: str) -> None:
    deliver.deliver(
        lost.engine, lambda letters, record: next(letters) and None, "w0", clock=lambda: lost.now
    )  # claimed
    before = states(lost)
    lines = lines_of(lost)
    lost.later(hours=1)
    lost.deliver()  # and all of it goes out after the backup
    gone = {(mail["To"], mail["Message-ID"]) for mail in lost.mails}
    lost.later(hours=1)
    world, held = put_back(databases, kind, lines, lost)
    assert (held.generation, held.unproved) == (5, before["sending"])
    assert held.overdue == before.get("queued", 0)
    for _ in range(3):
        world.later(hours=1)
        world.turn()
    assert world.mails == []
    with world.engine.db.read() as tx:
        waiting = {row.why: row for row in holding.held(tx, world.process().id)}
    assert restore.UNPROVED in waiting
    sent = states(world)["sent"]
    # A person lets them go: the very same mails, by name.
    assert control.release(world.engine, waiting[restore.UNPROVED].mailing_id, act=world.act()) >= 1
    world.deliver()
    assert world.mails
    assert {(mail["To"], mail["Message-ID"]) for mail in world.mails} <= gone
    assert states(world)["sent"] == sent + len(world.mails)
    world.tick()
    found = Verification(world.engine.db, world.now)
    assert [finding.what for finding in found.findings() if finding.fault] == []
    world.close()


def test_what_waited_for_another_try_may_have_been_hurried(databases: Databases, lost: World) -> None:
    def carry(letters, record) -> None:
        record([Outcome(one.id, False, False, 535, "5.7.8", "who are you?") for one in letters])

    deliver.deliver(lost.engine, carry, "w0", clock=lambda: lost.now)
    waits = states(lost)["deferred"]
    lines = lines_of(lost)
    assert control.retry(lost.engine, lost.process().id, act=lost.act()) == waits
    lost.deliver()  # before the moment that the backup knows
    world, held = put_back(databases, "sqlite", lines, lost)
    assert held.overdue >= waits
    world.later(hours=1)
    world.turn()
    assert world.mails == []
    world.close()


def test_everything_comes_back(databases: Databases, lost: World) -> None:
    lost.deliver()
    lost.tick()
    lines = lines_of(lost)
    for kind in KINDS:
        world, _ = put_back(databases, kind, lines, lost)
        again = lines_of(world)
        # The restore itself is on record; everything else is the same, row by row.
        own = {"deployment", "process", "journal"}
        assert contents(again, own) == contents(lines, own)
        with world.engine.db.read() as tx:
            assert search.find(tx, "regions grants") == [1]
            newest = seals.newest(tx)
            assert json.loads(lines[0])["hash"] == (newest.hash if newest else "")
        world.import_timeline(talks_end="2019-05-01", more="")  # new rows get new numbers
        world.close()


def contents(lines: list[str], without: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in lines[1:-1]:
        value = json.loads(line)
        name = value["table"] if isinstance(value, dict) else name
        if name not in without:
            found.setdefault(name, []).append(line)
    search_rows = found.pop("statement_search")
    return found | {"searched": [str(len(search_rows))]}


def test_what_is_no_whole_backup_changes_nothing(sqlite: Database, lost: World) -> None:
    lines = lines_of(lost)
    altered = [line.replace("Ana Alves", "Ana Alvez") for line in lines]
    for bad, says in (
        (lines[:-1], "cut off"),
        (lines[:20], "cut off"),
        (altered, "altered"),
        ([*lines[:5], *lines[6:]], "altered"),
        (["what?\n"], "line 1 cannot be read"),
        (['{"a": 1}\n'], "does not begin like"),
        ([], "cut off"),
        ([lines[0].replace('"schema":"0', '"schema":"9'), *lines[1:]], "newer than this program"),
    ):
        with pytest.raises(Refused, match=says):
            restore.restore(sqlite, bad, 0, replace=True, act=lost.act())
        with sqlite.read() as tx:
            assert process.everyone(tx) == []


def test_a_database_in_use_is_not_replaced(databases: Databases, lost: World) -> None:
    lines = lines_of(lost)
    with pytest.raises(Refused, match="not empty"):
        restore.restore(lost.engine.db, lines, 0, replace=False, act=lost.act())
    with lost.engine.db.write() as tx:
        deployment.sign_of_life(tx, "host:1", "deliver", lost.now)
    with pytest.raises(Refused, match="host:1 may be at work"):
        restore.restore(lost.engine.db, lines, 0, replace=True, act=lost.act())
    lost.later(hours=1)
    assert restore.restore(lost.engine.db, lines, 0, replace=True, act=lost.act()).generation == 2


def test_an_edition_that_may_have_gone_out_is_held_as_a_whole(databases: Databases) -> None:
    world = World(databases.fresh("sqlite"))
    world.populate()
    world.until(FIRST)
    world.import_timeline(talks_end="2019-04-20")
    lines = lines_of(world)  # a week before the second edition
    world.at(MONDAY + timedelta(hours=5))
    again, _ = put_back(databases, "sqlite", lines, world)
    again.turn()
    again.later(hours=2)
    again.turn()
    with again.engine.db.read() as tx:
        (row,) = holding.held(tx, again.process().id)
    assert (row.whole, row.why) == (True, restore.WHY)
    assert again.mails == []
    # The person knows that it had gone out: it counts as told, and the next one tells only what came since.
    assert control.presume(again.engine, row.mailing_id, act=again.act()) == row.mails
    again.turn()
    assert set(states(again)) == {"sent", "presumed"}
    again.until(MONDAY + timedelta(days=6))
    assert again.mails == []
    world.close()
    again.close()


def test_receipts_of_before_wait_and_an_answer_to_a_lost_mail_is_kept(databases: Databases) -> None:
    world = World(databases.fresh("sqlite"))
    world.populate()
    world.until(FIRST)
    world.reply(world.mailbox("ana")[0], "MON-1: The regions should decide about grants.")
    lines = lines_of(world)  # the reply is stored, and not yet understood
    world.import_timeline(talks_end="2019-04-20")
    settle(world, MONDAY - timedelta(hours=1))
    world.until(MONDAY + timedelta(hours=6))
    second = world.mailbox("chidi")[-1]
    assert "no. 2" in second["Subject"]
    again, _ = put_back(databases, "sqlite", lines, world)
    with again.engine.db.write() as tx:
        outbox.set_paused(tx, again.now, "the lost edition stays lost")
    again.reply(second, "MON-2: A third should stay in the region.", sender="chidi@coast.example")
    again.tick()
    with again.engine.db.read() as tx:
        raws = tx.execute(select(tables.RawMessage.state, tables.RawMessage.reason)).all()
        why = [row.why for row in holding.held(tx, again.process().id) if row.natural_key.startswith("receipt")]
    assert (RawState.HELD, "it answers a mail that we no longer have") in raws
    assert why == [restore.WHY]
    assert DeliveryState.SENT in states(again)
    world.close()
    again.close()


def test_a_database_put_back_by_other_means_is_noticed(databases: Databases, lost: World) -> None:
    lost.tick()
    older = databases.copy(lost.engine.db)
    lost.deliver()
    lost.tick()
    with lost.engine.db.read() as tx:
        newest, generation = seals.newest(tx), deployment.generation(tx)
        assert newest is not None
        assert restore.is_older(tx, generation, newest.no, newest.hash) is None
        assert restore.is_older(tx, generation, 0, "") is None
    with older.read() as tx:
        assert "it ends at seal" in (restore.is_older(tx, generation, newest.no, newest.hash) or "")
        assert "generation 2 was known" in (restore.is_older(tx, 2, 0, "") or "")
    world = World(older)
    world.at(lost.now)
    control.pause(world.engine, None, "to write something", act=world.act())
    world.tick()  # it goes on sealing, and comes to another seal of that number
    with older.read() as tx:
        assert "another one" in (restore.is_older(tx, generation, newest.no, newest.hash) or "")
    assert restore.adopt(older, generation, act=world.act()).generation == 2
    with older.read() as tx:
        assert restore.is_older(tx, generation, newest.no, newest.hash) is None
    world.close()


def test_the_file_is_compressed_text(lost: World, tmp_path) -> None:
    file = tmp_path / "b.gz"
    with gzip.open(file, "wt", encoding="utf-8") as out:
        head = restore.write(lost.engine.db, out.write, act=lost.act())
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        assert json.loads(lines.readline())["schema"] == head.schema
