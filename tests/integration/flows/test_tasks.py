"""Tasks for people: listed, handed over, closed; who is written to, and who may not see what they are about."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from db import process
from db import tasks as rows
from db.engine import Database
from db.states import WrongMove
from flows import tasks
from flows.engine import Refused
from flows.status import status
from flows.tasks import TaskLine
from flows.views_inbox import inbox_list, inbox_show
from tests.integration.flows.mailroom import box, mail, newest, take
from tests.world import World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
WRONG_DATE = (
    "The date of the open meeting is wrong: it should be 20 March instead of 19 March. Call me: +351 912 345 678."
)
HANDOVER = "From June, Kim Lee (kim@elsewhere.example) takes over from me as liaison."
SAFETY = "A member threatened me and knows where I live. Please help."


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    made.populate()
    made.until(FIRST)
    yield made
    made.close()


def listed(world: World, **wanted) -> list[TaskLine]:
    return tasks.task_list(world.engine, world.process().id, now=world.now, **wanted)


def test_a_correction_goes_to_whoever_looks_after_the_track(world: World) -> None:
    digest = world.mailbox("ana")[0]
    world.reply(digest, WRONG_DATE, item=digest.number_of("Open meeting"), quote=False)
    world.turn()
    (letter,) = world.mailbox("voi@")
    assert letter["Subject"] == "A date may be wrong"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "should be 20 March" in letter.text
    assert "912" not in letter.text
    assert "Group West" in letter.text
    assert f"tidings inbox show {newest(world).id}" in letter.text
    (line,) = listed(world)
    assert (line.kind, line.late, line.due - line.at) == ("date", False, timedelta(days=2))
    assert "ana@west.example" in line.subject


def test_a_handover_goes_to_the_contact_person_for_the_whole(world: World) -> None:
    world.reply(world.mailbox("ana")[0], HANDOVER, quote=False)
    world.turn()
    (letter,) = world.mailbox("pm@")
    assert letter["Subject"] == "A liaison hands over"
    assert "kim@elsewhere" not in letter.message.as_string()
    assert not world.mailbox("core@team")


def test_without_contact_persons_the_core_team_is_written_to(world: World) -> None:
    with world.engine.db.write() as tx:
        process.put_contacts(tx, world.process().id, [])
    world.reply(world.mailbox("ana")[0], HANDOVER, quote=False)
    world.turn()
    assert [letter["Subject"] for letter in world.mailbox("alarm")] == ["A liaison hands over"]


def test_an_answer_to_such_a_letter_is_for_a_person_and_is_asked_nothing(world: World) -> None:
    world.reply(world.mailbox("ana")[0], HANDOVER, quote=False)
    world.turn()
    (letter,) = world.mailbox("pm@")
    world.reply(letter, "I wrote to Kim and all is settled.", quote=False)
    world.turn()
    assert (newest(world).state, newest(world).rule) == ("held", "answer to the core team")
    assert len(world.mailbox("pm@")) == 1


def test_what_is_restricted_shows_its_kind_and_age_alone(world: World) -> None:
    world.reply(world.mailbox("ana")[0], SAFETY, quote=False)
    world.turn()
    (line,) = listed(world)
    assert (line.kind, line.subject, line.restricted) == ("safety", "", True)
    assert "ana@west.example" in listed(world, may_see_private=True)[0].subject
    with pytest.raises(Refused, match="privacy circle"):
        tasks.task_show(world.engine, world.process().id, line.number, now=world.now)
    card = tasks.task_show(world.engine, world.process().id, line.number, now=world.now, may_see_private=True)
    assert card.see.endswith("--private")
    world.later(hours=5)
    assert listed(world)[0].late


def test_done_with_a_reason_and_open_again(world: World) -> None:
    take(world, mail(world, "a@x.example", "hello", "Who runs this?"), box("core-owner"))
    ours = world.process().id
    (line,) = listed(world)
    with pytest.raises(Refused, match="few words"):
        tasks.done(world.engine, ours, line.number, " \n", act=world.act())
    with pytest.raises(Refused, match="no task 99"):
        tasks.done(world.engine, ours, 99, "done", act=world.act())
    assert status(world.engine, timedelta(minutes=1), now=world.now).tasks == 1
    tasks.done(world.engine, ours, line.number, "answered\r\nby telephone", act=world.act("operator:kim"))
    assert listed(world) == []
    assert status(world.engine, timedelta(minutes=1), now=world.now).tasks == 0
    card = tasks.task_show(world.engine, ours, line.number, now=world.now)
    assert (card.reason, card.done_by) == ("answered by telephone", "operator:kim")
    with pytest.raises(WrongMove):
        tasks.done(world.engine, ours, line.number, "again", act=world.act())
    tasks.reopen(world.engine, ours, line.number, act=world.act())
    card = tasks.task_show(world.engine, ours, line.number, now=world.now)
    assert (card.line.state, card.reason, card.done_by) == ("open", "", "")
    assert [what for _, _, what in card.history] == ["open -> done: done", "done -> open: opened again"]


def test_a_task_is_handed_to_a_contact_person_who_is_told(world: World) -> None:
    with world.engine.db.write() as tx:
        number = rows.add(tx, world.act(), world.process().id, "unreachable", ("group", 1), "bounces; no deputy")
    assert number is not None
    ours = world.process().id
    with pytest.raises(Refused, match="did you mean pm@process"):
        tasks.assign(world.engine, ours, number, "pn@process.example", act=world.act())
    with pytest.raises(Refused, match="several are called"):
        tasks.assign(world.engine, ours, number, "Coordinator", act=world.act())
    assert tasks.assign(world.engine, ours, number, "program manager", act=world.act()) == "pm@process.example"
    world.turn()
    (letter,) = world.mailbox("pm@")
    assert "Group West" in letter.text
    assert [one.assigned_to for one in listed(world, assigned_to="Program Manager")] == ["Program manager"]
    assert tasks.assign(world.engine, ours, number, "Kim", act=world.act()) == ""
    assert listed(world, assigned_to="program manager") == []
    assert listed(world, kind="unreachable")[0].subject == "Group West"
    tasks.assign(world.engine, ours, number, "", act=world.act())
    assert listed(world)[0].assigned_to == ""


def test_states_that_do_not_exist_are_named(world: World) -> None:
    with pytest.raises(Refused, match="did you mean open or done"):
        listed(world, states=["doen"])


def test_who_wrote_is_told_that_a_person_has_it_once_an_hour(world: World) -> None:
    for _ in range(2):
        world.reply(world.mailbox("ana")[0], HANDOVER + " Please note it.", quote=False)
    world.turn()
    letters = [one for one in world.mailbox("ana") if one["Subject"] == "A person looks after what you wrote"]
    assert len(letters) == 1
    assert "Kim" not in letters[0].text
    world.reply(letters[0], "Kim starts on the first Monday.", quote=False)
    world.turn()
    assert (newest(world).state, newest(world).rule) == ("routed", "adds to a task")


def test_more_about_a_report_on_safety_is_as_restricted_as_the_report(world: World) -> None:
    world.reply(world.mailbox("ana")[0], SAFETY, quote=False)
    world.turn()
    letter = world.mailbox("ana")[-1]
    assert "threat" not in letter.message.as_string()
    world.reply(letter, "His name is Bob and he came on Tuesday.", quote=False)
    world.turn()
    assert newest(world).state == "routed"
    assert {one.kind for one in listed(world)} == {"safety"}
    assert all(one.restricted for one in listed(world))
    assert len(world.mailbox("alarm")) == 2


def test_without_an_alert_address_a_report_wakes_the_contact_person(world: World) -> None:
    world.engine = replace(world.engine, settings=replace(world.engine.settings, alerts=()))
    world.reply(world.mailbox("ana")[0], SAFETY, quote=False)
    world.turn()
    (letter,) = world.mailbox("pm@")
    assert "threat" not in letter.message.as_string()


def test_what_its_author_hid_is_hidden_in_the_inbox_and_in_tasks_too(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: the regions.", quote=False)
    world.turn()
    world.reply(world.mailbox("ana")[-1], "private S-1", quote=False)
    world.turn()
    (line,) = [one for one in inbox_list(world.engine, world.process().id) if one.refs]
    assert (line.visibility, line.sender, line.subject) == ("private", "", "")
    with pytest.raises(Refused, match="privacy circle"):
        inbox_show(world.engine, line.raw_id, now=world.now)


def test_a_statement_that_was_taken_back_is_said_to_be(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: the regions.", quote=False)
    world.turn()
    world.reply(world.mailbox("ana")[-1], "withdraw", quote=False)
    world.turn()
    assert world.mailbox("ana")[-1]["Subject"] == "S-1 is withdrawn"
