"""A person answers a mail, and reading a copy again leaves it a copy."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from db.engine import Database
from flows import held, reply
from flows.engine import Refused
from tests.integration.flows.mailroom import box, mail, raw, take
from tests.world import World


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    made.populate()
    made.until(datetime(2019, 3, 11, 23, 0, tzinfo=UTC))
    yield made
    made.close()


def test_a_stranger_is_answered_and_the_mail_stays_held(world: World) -> None:
    raw_id = take(world, mail(world, "Eve <eve@else.example>", "grants", "Who gets the secret money?"), box("core"))
    told = reply.answer(world.engine, raw_id, "Thank you.\r\nEverybody may ask for it.\x00", act=world.act())
    assert told == "eve@else.example"
    world.turn()
    (letter,) = world.mailbox("eve")
    assert letter["Subject"] == "Answer to your mail of Monday 11 March 2019"
    assert "Everybody may ask for it." in letter.text
    assert "secret" not in letter.message.as_string()
    assert letter["In-Reply-To"].startswith("<")
    assert "reform-owner@" in letter.text
    assert raw(world, raw_id).state == "held"


def test_a_liaison_is_answered_in_their_language(world: World) -> None:
    world.reply(world.mailbox("badr")[0], "MON-1: لجنة", quote=False)
    world.turn()
    reply.answer(world.engine, 1, "شكرًا", act=world.act())
    world.turn()
    assert world.mailbox("badr")[-1]["Subject"].startswith("جواب رسالتك")


def test_what_cannot_be_answered_is_said(world: World) -> None:
    auto = take(world, mail(world, "m@else.example", "x", "Away", Auto_Submitted="auto-replied"), box("core"))
    for number, text, why in (
        (auto, "hello", "a machine"),
        (999, "hello", "no mail 999"),
        (auto, " ", "say something"),
    ):
        with pytest.raises(Refused, match=why):
            reply.answer(world.engine, number, text, act=world.act())
    with pytest.raises(Refused, match="at most 20000"):
        reply.answer(world.engine, auto, "x" * 20_001, act=world.act())


def test_a_copy_through_a_list_stays_one_when_read_again(world: World) -> None:
    digest = world.mailbox("ana")[0]
    to = digest["Reply-To"].partition("<")[2].rstrip(">")
    first = mail(world, "ana@west.example", "Re: x", "MON-1: the regions.", To=to)
    take(world, first, to)
    first["List-Id"] = "<talk.west.example>"
    copy = take(world, first, to, "talk-bounces@west.example")
    assert raw(world, copy).state == "duplicate"
    assert held.reprocess(world.engine, act=world.act(), since=datetime(2019, 3, 1, tzinfo=UTC)) == []
