"""A rehearsal says what then happens, and touches nothing."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from db import addresses
from db.engine import Database
from flows import announce, rehearse, roster, whatif
from flows.announce import Moment, Text
from flows.engine import Engine, Refused
from flows.rehearse import Rehearsal
from tests.world import START, World


@pytest.fixture
def play(world: World, tmp_path: Path) -> Callable[..., Rehearsal]:
    @contextmanager
    def stage() -> Iterator[Engine]:
        # A folder of its own each time: a copy has files beside it.
        copied = Database(f"sqlite:///{tempfile.mkdtemp(dir=tmp_path)}/copy.sqlite", lasting=False)
        rehearse.copy(world.engine.db, copied, now=world.now)
        yield replace(world.engine, db=copied)
        copied.close()

    def run(days: int = 60, change: rehearse.Change | None = None) -> Rehearsal:
        with stage() as copied:
            return rehearse.rehearse(copied, world.process().id, days=days, act=world.act(), change=change)

    return run


def when(made: Rehearsal) -> list[tuple[str, str, str]]:
    return [(f"{one.at:%m-%d %H:%M}", one.addr, one.subject) for one in made.mails if rehearse.goes(one)]


def test_what_is_rehearsed_is_what_comes(world: World, play: Callable[..., Rehearsal]) -> None:
    world.populate()
    put(world, "hours", "2019-03-11T09:00")
    with world.engine.db.read() as tx:
        dora = addresses.by_address_key(tx, world.process().id, "dora@west.example", world.now)
    assert dora is not None
    roster.pause(world.engine.db, dora.liaison.id, date(2019, 3, 20), act=world.act())
    made = play(60)
    assert not world.mails
    world.until(START + timedelta(days=60))
    came = [
        (f"{mail.message['Date'].datetime:%m-%d %H:%M}", mail.envelope.rcpt_to[0], mail["Subject"])
        for mail in world.mails
    ]
    assert len(came) > 10
    assert sorted(when(made)) == sorted(came)
    assert ("dora@west.example", "edition:core:2019-03-11T09:00", "paused") in made.left_out
    crowded = [one for one in made.mails if one.beside]
    assert {f"{one.at:%m-%d}" for one in crowded} == {"03-11"}  # the announcement and the edition
    assert {one.addr for one in crowded} == {"ana@west.example", "badr@south.example", "chidi@coast.example"}


def put(world: World, slug: str, wall: str | None) -> None:
    announce.add(world.engine, world.process().id, slug, {"en": Text(slug, "Words.\n")}, act=world.act())
    if wall is not None:
        announce.schedule(world.engine, world.process().id, slug, act=world.act(), moment=Moment(wall, "UTC"))


def test_weekends_and_what_waits_for_a_person(world: World, play: Callable[..., Rehearsal]) -> None:
    world.populate("weekly sun 09:00", approval="manual")
    put(world, "idea", None)
    made = play(14)
    editions = [one for one in made.mails if one.kind == "edition"]
    assert editions
    assert {one.why for one in editions} == {"if a person approves the edition"}
    assert all(one.weekend == (one.local.weekday() >= 5) for one in editions)
    assert any(one.weekend for one in editions)
    assert "announcement idea is draft and goes nowhere" in made.waits
    with pytest.raises(Refused, match="1 to 370 days"):
        play(0)


def test_what_a_change_would_make_different(world: World, play: Callable[..., Rehearsal]) -> None:
    world.populate()
    was, process, act = play(), world.process(), world.act()
    assert rehearse.difference(was, play()) == []  # the same twice
    earlier = rehearse.difference(was, play(change=whatif.setting(process, "ana@west.example.hour=7", act)))
    assert {(one.what, one.now.addr) for one in earlier if one.now} == {("moved", "ana@west.example")}
    tuesday = rehearse.difference(was, play(change=whatif.setting(process, "core.rule=weekly tue 09:00", act)))
    assert {one.what for one in tuesday} == {"gone", "new"}
    with pytest.raises(Refused, match="cannot be imported"):
        play(change=whatif.file(process, "more.yaml", "slug: x\n", act))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("core.rule=weekly tues 25:00", "25:00"),
        ("core.rul=weekly tue 09:00", "did you mean rule"),
        ("corr.rule=weekly tue 09:00", "did you mean core"),
        ("nobody@west.example.hour=7", "no liaison of reform has the address nobody@west.example"),
        ("ana@west.example.hour=seven", "'seven' is no number"),
        ("weekly", "no file and no setting"),
    ],
)
def test_a_wrong_change(world: World, play: Callable[..., Rehearsal], text: str, says: str) -> None:
    world.populate()
    with pytest.raises(Exception, match=says):
        play(1, whatif.setting(world.process(), text, world.act()))
