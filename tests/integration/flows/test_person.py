"""One person's data, shown and destroyed, on both databases: nothing of theirs is left in any column of any table."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from db import editions, inputs, journal, process, roster, seals, search, subscriptions
from db import person as held_by
from db.engine import Database
from db.retention import RETENTION
from db.tables import Base
from flows import ledger, person, retain, triage
from flows import roster as roster_verbs
from flows.engine import Refused
from flows.verify import Verification
from tests.integration.flows.mailroom import EVERYTHING, box, mail, newest, take
from tests.world import World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
WORDS = "Regions should decide about grants, says Ana Alves."


def begun(database: Database) -> World:
    made = World(database)
    made.populate()
    made.until(FIRST)
    return made


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = begun(database)
    yield made
    made.close()


@pytest.fixture
def filed(sqlite: Database) -> Iterator[World]:
    """The same in a file; a server's files are its own."""
    made = begun(sqlite)
    yield made
    made.close()


def answered(world: World) -> None:
    """Ana and Badr answer, Ana is told, a mail to her comes back, she goes on holiday, and she writes in private."""
    ana, badr = world.mailbox("ana@")[0], world.mailbox("badr@")[0]
    world.reply(ana, f"{WORDS}\nCall me: +351 21 555 12 34.", item=ana.number_of("Talks about money"))
    world.reply(badr, "Nobody from outside should decide about it.", item=badr.number_of("نقاش حول المال"))
    take(world, mail(world, "Ana Alves <ana@west.example>", "In private", "Please tell nobody that I wrote this."),
         box("private"), "ana@west.example")  # fmt: skip
    take(world, b"From: MAILER-DAEMON@west.example\r\nSubject: Delivery delayed\r\n\r\nana@west.example: later\r\n",
         ana["Return-Path"].strip("<>") or str(ana.envelope.mail_from), "")  # fmt: skip
    world.turn()
    row = next(one for one in listed(world) if one.body and "Regions" in one.body)
    triage.accept(world.engine, row.id, act=world.act())
    with world.engine.db.write() as tx:
        journal.note_private(tx, world.act(), ("liaison", ana_id(world)), "renamed", process_id=1,
                             liaison_id=ana_id(world), body={"was": "Ana Antunes"}, salt="s")  # fmt: skip
    world.until(FIRST + timedelta(days=8))


def listed(world: World) -> list[inputs.InputRow]:
    with world.engine.db.read() as tx:
        return inputs.inputs(tx, world.process().id, EVERYTHING)


def ana_id(world: World) -> int:
    with world.engine.db.read() as tx:
        return held_by.liaison_of(tx, world.process().id, "ana@west.example") or 0


def columns_with(world: World, *strings: str) -> set[str]:
    """Every column of every table, and of the search index, that holds one of these."""
    found = set()
    with world.engine.db.read() as tx:
        for table in Base.metadata.tables.values():
            for row in tx.execute(select(table)):
                for column, value in row._mapping.items():
                    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else repr(value)
                    if any(one.lower() in text.lower() for one in strings):
                        found.add(f"{table.name}.{column}")
        if any(one.lower() in words.lower() for _, words in search.entries(tx) for one in strings):
            found.add("statement_search")
    return found


def faults(world: World) -> list[str]:
    world.tick()
    return [one.what for one in Verification(world.engine.db, world.now).findings() if one.fault]


def test_everything_held_is_shown(world: World) -> None:
    answered(world)
    held = person.export(world.engine, world.process().id, "Ana@WEST.example")
    assert held.rows["liaison"][0]["name"] == "Ana Alves"
    assert {row["addr"] for row in held.rows["address"]} == {"ana@west.example", "ana@home.example"}
    assert any(WORDS in (row["body"] or "") for row in held.rows["statement_text"])
    assert {"consent", "delivery", "attempt", "subscription", "input", "journal", "roster_group"} <= set(held.rows)
    assert len(held.mails) == 3
    assert not any(b"Nobody from outside" in body.data for body in held.mails.values())
    assert "Badr" not in repr(held.rows)
    with pytest.raises(Refused, match="nothing is held"):
        person.export(world.engine, world.process().id, "nobody@nowhere.example")


@pytest.mark.parametrize("wish", ["keep", "remove"])
def test_nothing_of_theirs_is_left_and_what_others_said_stays(world: World, wish: str) -> None:
    answered(world)
    who = ana_id(world)
    theirs = ["ana@west", "ana@home", "Ana Alves", "Antunes", "555 12 34", "tell nobody"]
    assert len(columns_with(world, *theirs)) > 5
    others = columns_with(world, "Badr Ben Ali", "badr@south", "Nobody from outside")
    done = person.erase(world.engine, world.process().id, "ana@home.example", "asked", statements=wish, act=world.act())
    assert (done.liaison_id, done.mails) == (who, 3)
    assert columns_with(world, *theirs) == set()
    quoted = columns_with(world, "Regions should decide")
    assert ("statement_text.body" in quoted) == (wish == "keep")
    assert (quoted == set()) == (wish == "remove"), quoted
    assert columns_with(world, "Badr Ben Ali", "badr@south", "Nobody from outside") == others
    assert faults(world) == []
    with world.engine.db.snapshot() as tx:
        assert seals.unsealed(tx) == 0
        (series,) = editions.digests(tx)
        assert "sent" in {row.state for row in ledger.rows(tx, ledger.of_edition(tx, series, "1"))}
        assert who not in {one.id for one in roster.liaisons(tx, world.process().id)}
    with pytest.raises(Refused, match="nothing is held"):
        person.erase(world.engine, world.process().id, "ana@home.example", "asked", statements=wish, act=world.act())
    before = len(world.mailbox("ana"))
    world.import_timeline(talks_end="2019-05-20")
    world.until(FIRST + timedelta(days=22))
    assert len(world.mailbox("ana")) == before
    assert faults(world) == []


def on_disk(world: World, *strings: str) -> set[str]:
    """Of these, those that stand in the database file or the log beside it."""
    path = world.engine.db.path
    assert path is not None
    beside = [path, path.with_name(f"{path.name}-wal")]
    held = b"".join(file.read_bytes() for file in beside if file.is_file()).lower()
    return {one for one in strings if one.lower().encode() in held}


@pytest.mark.parametrize("way", ["erase", "retain"])
def test_nothing_of_theirs_is_left_in_the_file_while_it_is_in_use(filed: World, way: str) -> None:
    answered(filed)
    theirs = ("ana@west", "ana@home", "Ana Alves", "Antunes", "555 12 34", "tell nobody")
    assert on_disk(filed, *theirs) == set(theirs)
    if way == "erase":
        done = person.erase(filed.engine, 1, "ana@home.example", "asked", statements="remove", act=filed.act())
        assert done.scoured
    else:
        with filed.engine.db.write() as tx:
            journal.move(tx, filed.act(), "liaison", ana_id(filed), "left", "asked", left_at=filed.now)
        filed.now += timedelta(days=800)
        retain.retain(filed.engine, act=filed.act())
    assert on_disk(filed, *theirs) == set()


def test_a_reader_may_keep_the_log_from_being_emptied(filed: World) -> None:
    with closing(Database(f"sqlite:///{filed.engine.db.path}", busy_seconds=0.1)) as other:
        with filed.engine.db.read() as tx:
            tx.execute(select(Base.metadata.tables["liaison"])).all()
            with other.write() as writing:
                journal.note(writing, filed.act(), ("process", 1), "noted")
            assert not other.scour()
        assert other.scour()


def test_old_tokens_name_nobody_and_they_may_sign_up_again(world: World) -> None:
    letter = world.mailbox("ana@")[0]
    person.erase(world.engine, world.process().id, "ana@west.example", "asked", statements="keep", act=world.act())
    world.reply(letter, "I still have something to say.", item=1)
    world.turn()
    assert newest(world).state in ("held", "ignored")
    assert listed(world) == []
    with world.engine.db.read() as tx:
        assert [one.state for one in subscriptions.of_liaison(tx, 1)] == ["left"]
    report = roster_verbs.add_liaison(
        world.engine.db, "reform", "core", name="Ana Alves", address="ana@west.example", group="west",
        languages=["en"], zone_name="Europe/Lisbon", act=world.act(), draw_tag=world.engine.draw_tag,
    )  # fmt: skip
    assert report.ok, report.rejected
    evidence = person.export(world.engine, 1, "ana@west.example").rows["consent"][-1]["evidence"]
    assert evidence == f"by hand, by {world.act().actor}"
    world.import_timeline(talks_end="2019-05-20")
    world.until(FIRST + timedelta(days=8))
    assert len(world.mailbox("ana@")) == 2


def test_a_stranger_is_a_person_too(world: World) -> None:
    take(
        world, mail(world, "Eve <eve@else.example>", "Hello", "May I say something?"), box("input"), "eve@else.example"
    )
    world.turn()
    held = person.export(world.engine, world.process().id, "eve@else.example")
    assert len(held.mails) == 1
    person.erase(world.engine, world.process().id, "eve@else.example", "asked", statements="remove", act=world.act())
    assert columns_with(world, "eve@else", "May I say") == set()
    world.turn()
    assert faults(world) == []


@pytest.mark.parametrize(
    ("address", "reason", "wish", "said"),
    [("no address", "asked", "keep", "address"), ("ana@west.example", "Ana asked!", "keep", "code"),
     ("ana@west.example", "asked", "burn", "kept or removed"), ("x@y.example", "asked", "keep", "nothing is held")],
)  # fmt: skip
def test_bad_wishes_are_refused_and_change_nothing(
    world: World, address: str, reason: str, wish: str, said: str
) -> None:
    before = columns_with(world, "Ana Alves")
    with pytest.raises(Refused, match=said):
        person.erase(world.engine, world.process().id, address, reason, statements=wish, act=world.act())
    assert columns_with(world, "Ana Alves") == before


def test_every_table_has_its_word_on_retention() -> None:
    assert set(Base.metadata.tables) <= set(RETENTION)


def test_what_was_kept_long_enough_goes_by_class_and_only_then(world: World) -> None:
    answered(world)
    roster_verbs.leave(world.engine.db, ana_id(world), act=world.act())

    def run(days: int, dry: bool = False) -> dict[str, int]:
        act = world.act("clock")
        found = retain.retain(world.engine, act=type(act)("clock", FIRST + timedelta(days=days)), dry_run=dry)
        return {one.name: one.due for one in found if one.due}

    assert run(20) == {}
    assert set(run(50)) == {"mails"}  # the report alone
    assert set(run(120, dry=True)) == set(run(120)) == {"liaisons who left", "readings of mails"}
    assert columns_with(world, "ana@west", "Ana Alves") == set()
    late = run(250)
    assert late["mails"] == 1
    assert {"mails", "readings of mails", "letters to one person", "personal parts of letters"} >= set(late)
    assert "raw_body.bytes" not in columns_with(world, "Nobody from outside")
    assert "wordings" in run(1000)
    assert run(1000) == {}
    with world.engine.db.write() as tx:
        process.put_setting(tx, world.process().id, retain.DONE, None)
    world.now = FIRST + timedelta(days=1001)
    assert retain.daily(world.engine, act=world.act("clock"))
    assert retain.daily(world.engine, act=world.act("clock")) == []
    assert [one for one in Verification(world.engine.db, world.now).findings() if one.fault] == []
