"""An ASCII address beside one beyond ASCII: used where the smart host cannot carry the other, and only there."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from db import addresses, ledger, tasks
from db.engine import Database
from flows import roster
from flows.engine import Refused
from flows.roster_import import import_liaisons
from mailer.wire.sink import Sink, SinkSettings
from tests.world import LIAISONS, Mail, World

FIRST = datetime(2019, 3, 11, 9, 1, tzinfo=UTC)  # all have had it
HEAD, _, REST = LIAISONS.partition("\n")
EAI, ASCII, ALONE = "анна@west.example", "anna@home.example", "борис@coast.example"


def people(ascii_address: str = ASCII, address: str = EAI) -> str:
    lines = [f"{line}," for line in REST.splitlines()]
    lines += [
        f"Anna,{address},west,member,deputy,2019-01-10,en,UTC,9,every,M,,,{ascii_address}",
        f"Boris,{ALONE},coast,member,deputy,2019-01-10,en,UTC,9,every,M,,,",
    ]
    return "\n".join([f"{HEAD},ascii_address", *lines]) + "\n"


def bring(world: World, content: str):
    return import_liaisons(
        world.engine.db, "reform", "core", content, draw_tag=world.engine.draw_tag, act=world.act()
    )  # fmt: skip


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()


@pytest.fixture
def old_host(world: World) -> World:
    """The world behind a smart host that carries ASCII alone."""
    world.courier.close()
    world.sink.stop()
    world.sink = Sink(lambda envelope, data: world.mails.append(Mail(envelope, data)), SinkSettings(smtputf8=False))
    world.sink.start()
    world.courier = world.new_courier()
    return world


def told(world: World) -> dict[str, tuple[str, str]]:
    with world.engine.db.read() as tx:
        return {row.name: (row.addr, row.state) for row in ledger.rows(tx, 1)}


def test_it_stands_in_where_the_smart_host_carries_ascii_alone(old_host: World) -> None:
    old_host.populate(liaisons=people())
    old_host.until(FIRST)
    (mail,) = old_host.mailbox(ASCII)
    assert mail.envelope.rcpt_to == (ASCII,)
    assert mail["To"] == f"Anna <{ASCII}>"
    assert mail.data.isascii()
    rows = told(old_host)
    assert rows["Anna"] == (ASCII, "sent")
    assert rows["Boris"][1] == "failed"
    with old_host.engine.db.read() as tx:
        assert [row.kind for row in tasks.tasks(tx, old_host.process().id)] == ["refused"]  # for Boris, not for Anna

    # What is written from there is hers.
    old_host.reply(mail, "MON-1: The regions should decide.")
    old_host.turn()
    receipt = old_host.mailbox(ASCII)[-1]
    assert "S-1" in receipt.text


def test_where_the_smart_host_can_the_first_address_is_used(world: World) -> None:
    world.populate(liaisons=people())
    world.until(FIRST)
    (mail,) = (one for one in world.mails if one.envelope.rcpt_to == (EAI,))
    beyond = [line for line in mail.data.split(b"\r\n") if not line.isascii()]
    assert beyond == [f"To: Anna <{EAI}>".encode()]  # no List field, no reply or bounce address
    assert mail.envelope.mail_from.isascii()
    assert told(world)["Anna"] == (EAI, "sent")


def test_a_suppressed_one_is_not_mailed(old_host: World) -> None:
    old_host.populate(liaisons=people())
    with old_host.engine.db.write() as tx:
        hashed = old_host.engine.keys.address_hash(ASCII)
        addresses.suppress(tx, old_host.process().id, hashed, "complaint", old_host.now)
    old_host.until(FIRST)
    assert old_host.mailbox(ASCII) == []
    assert told(old_host)["Anna"][1] == "cancelled"


def test_one_that_was_retired_meanwhile_stands_in_for_nobody(old_host: World) -> None:
    old_host.populate(liaisons=people())
    with old_host.engine.db.write() as tx:
        found = addresses.by_address_key(tx, old_host.process().id, ASCII, old_host.now)
        assert found is not None
        addresses.retire_address(tx, found.address.id, old_host.now)
    old_host.until(FIRST)
    assert old_host.mailbox(ASCII) == []
    assert told(old_host)["Anna"][1] in ("deferred", "failed")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (people(ascii_address="ана@home.example"), "must be ASCII itself"),
        (people(ascii_address="nothing"), "has no @"),
        (people(address="bo@west.example"), "bo@west.example is none"),
        (people(ascii_address="ana@west.example"), "belongs to a liaison of this file already"),
    ],
)
def test_what_cannot_stand_in_is_refused_by_line(world: World, content: str, reason: str) -> None:
    world.populate()
    report = bring(world, content)
    assert {one.line for one in report.rejected} == {6}
    assert reason in report.rejected[0].reason


def test_it_is_set_and_taken_away_by_file_or_by_command(world: World) -> None:
    world.populate(liaisons=people(ascii_address=""))
    report = bring(world, people())
    assert [(one.name, one.fields) for one in report.changed] == [(EAI, ("other_addresses", "ascii_address"))]
    assert bring(world, people()).changed == ()
    assert bring(world, people(ascii_address="")).changed == ()  # an empty field takes nothing away

    db, act = world.engine.db, world.act()
    with db.read() as tx:
        who = addresses.by_address_key(tx, world.process().id, EAI, world.now).liaison.id
        ana = addresses.by_address_key(tx, world.process().id, "ana@west.example", world.now).liaison.id
    assert roster.set_ascii_address(db, who, "other@home.example", act=act)
    assert not roster.set_ascii_address(db, who, "Other@home.example", act=act)
    assert roster.set_ascii_address(db, who, "", act=act)
    assert not roster.set_ascii_address(db, who, "", act=act)
    for liaison, address, reason in (
        (who, "ana@west.example", "belongs to another"),
        (who, "ана@home.example", "must be ASCII"),
        (ana, ASCII, "is none"),
        (who, "nothing", "no @"),
    ):
        with pytest.raises(Refused, match=reason):
            roster.set_ascii_address(db, liaison, address, act=act)
