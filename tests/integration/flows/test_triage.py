"""What the core team does with inputs, what is told of it, and who may see what."""

from datetime import UTC, datetime

import pytest

from db import events, search
from db.states import WrongMove
from digests.subject import Status, Subject, SubjectKind
from flows import triage, views_inbox, views_input
from flows.engine import Refused
from flows.held import Difference
from tests.integration.flows.mailroom import box, filed, liaison, mail, newest, raw, take
from tests.world import World

NEXT = datetime(2019, 3, 18, 23, 0, tzinfo=UTC)


def say(world: World, text: str, who: str = "ana@west.example", to: str = "input") -> int:
    return filed(world, take(world, mail(world, who, "x", text), box(to)))[0].id


def state(world: World, input_id: int) -> str:
    return views_input.input_show(world.engine, 1, input_id, may_see_private=True).line.state


def facts(world: World, kind: SubjectKind, number: int):
    with world.engine.db.read() as tx:
        return events.facts_at_many(tx, 1, [Subject(kind, number)]).get(Subject(kind, number))


def test_what_is_accepted_is_told_in_the_next_digest(world: World) -> None:
    chosen = say(world, "MON-1: Grants belong to the region. Call me: +351 21 123 4567")
    triage.accept(world.engine, chosen, act=world.act())
    world.until(NEXT)
    everybody = world.mailbox("badr")[-1].text
    assert "Grants belong to the region" in everybody
    assert "GW, S-1" in everybody
    assert "4567" not in everybody
    own = world.mailbox("ana")[-1].text
    assert "S-1" in own
    assert facts(world, SubjectKind.HEARD, 1).status is Status.OVER
    told = facts(world, SubjectKind.STATEMENT, 1)
    assert (told.state, told.about) == ("accepted", liaison(world, "Ana").id)


def test_events_hold_no_words(world: World) -> None:
    chosen = say(world, "MON-1: Zanzibar")
    triage.accept(world.engine, chosen, act=world.act())
    with world.engine.db.read() as tx:
        rows = tx.exec_driver_sql("SELECT after, changes FROM event").fetchall()
    assert "Zanzibar" not in str(rows)


def test_declined_is_told_to_its_author_alone(world: World) -> None:
    chosen = say(world, "MON-1: Zanzibar")
    triage.decline(world.engine, chosen, act=world.act())
    world.until(NEXT)
    assert facts(world, SubjectKind.HEARD, 1) is None
    assert "S-1" in world.mailbox("ana")[-1].text
    assert all("Zanzibar" not in one.text for one in world.mailbox("badr")[1:])


def test_a_changed_mind_takes_back_what_was_heard(world: World) -> None:
    chosen = say(world, "MON-1: Zanzibar")
    triage.accept(world.engine, chosen, act=world.act())
    triage.decline(world.engine, chosen, act=world.act())
    assert facts(world, SubjectKind.HEARD, 1).status is Status.CANCELLED
    triage.accept(world.engine, chosen, act=world.act())
    assert facts(world, SubjectKind.HEARD, 1).status is Status.OVER


def test_private_input_is_told_to_its_author_alone_and_safety_to_nobody(world: World) -> None:
    chosen = say(world, "Between us: MON-1 is a trap", to="private")
    triage.accept(world.engine, chosen, act=world.act())
    assert facts(world, SubjectKind.HEARD, 1) is None
    assert facts(world, SubjectKind.STATEMENT, 1).state == "accepted"
    worried = say(world, "A member threatened me and knows where I live.")
    triage.accept(world.engine, worried, act=world.act())
    with world.engine.db.read() as tx:
        assert (
            tx.exec_driver_sql("SELECT count(*) FROM event WHERE subject_kind IN ('heard', 'statement')").scalar() == 1
        )
    with pytest.raises(Refused, match="restricted"):
        triage.publish(world.engine, worried, act=world.act())


def test_hidden_and_published_again(world: World) -> None:
    chosen = say(world, "MON-1: Zanzibar")
    triage.accept(world.engine, chosen, act=world.act())
    triage.set_private(world.engine, chosen, act=world.act())
    assert facts(world, SubjectKind.HEARD, 1).status is Status.CANCELLED
    with world.engine.db.read() as tx:
        assert search.find(tx, "zanzibar") == []
    triage.publish(world.engine, chosen, act=world.act())
    assert facts(world, SubjectKind.HEARD, 1).status is Status.OVER
    with world.engine.db.read() as tx:
        assert search.find(tx, "zanzibar") == [1]


def test_merging_goes_into_the_root_and_can_be_undone(world: World) -> None:
    first, second, third = (say(world, f"MON-1: thought {n}", who) for n, who in enumerate(("ana@west.example", "badr@south.example", "chidi@coast.example")))  # fmt: skip
    assert triage.merge(world.engine, second, "S-1", act=world.act()) == "S-1"
    assert triage.merge(world.engine, third, "s-0002", act=world.act()) == "S-1"
    with pytest.raises(Refused, match="part of this input"):
        triage.merge(world.engine, first, "S-3", act=world.act())
    card = views_input.input_show(world.engine, 1, "S-3")
    assert card.line.statements[0].merged_into == "S-1"
    assert facts(world, SubjectKind.STATEMENT, 2).links == ("merged:S-1",)
    triage.unmerge(world.engine, second, act=world.act())
    assert state(world, second) == "new"
    assert views_input.input_show(world.engine, 1, "S-2").line.statements[0].merged_into == ""


def test_merging_a_root_takes_its_own_along(world: World) -> None:
    first, second, third = (say(world, f"MON-1: thought {n}") for n in range(3))
    triage.merge(world.engine, second, "S-1", act=world.act())
    triage.merge(world.engine, first, "S-3", act=world.act())
    assert views_input.input_show(world.engine, 1, "S-2").line.statements[0].merged_into == "S-3"
    assert state(world, third) == "new"


def test_a_withdrawn_statement_keeps_its_number_without_words(world: World) -> None:
    row, statements = filed(world, take(world, mail(world, "ana@west.example", "x", "MON-1: Zanzibar.\n\nMON-2: Half."), box("input")))  # fmt: skip
    assert len(statements) == 2
    triage.accept(world.engine, row.id, act=world.act())
    triage.withdraw_statement(world.engine, 1, "S-1", act=world.act())
    card = views_input.input_show(world.engine, 1, "S-1")
    assert [(one.ref, one.state, one.text) for one in card.line.statements] == [
        ("S-1", "withdrawn", ""),
        ("S-2", "open", "MON-2: Half."),
    ]
    assert card.line.state == "accepted"
    assert facts(world, SubjectKind.HEARD, 1).status is Status.CANCELLED
    triage.withdraw_statement(world.engine, 1, "S-2", act=world.act())
    assert state(world, row.id) == "withdrawn"
    with world.engine.db.read() as tx:
        assert search.find(tx, "zanzibar") == []
    assert say(world, "MON-1: later") != row.id
    assert filed(world)[1][0].ref == "S-3"


def test_wrong_moves_and_unknown_names_are_refused(world: World) -> None:
    chosen = say(world, "MON-1: Zanzibar")
    triage.withdraw(world.engine, chosen, act=world.act())
    with pytest.raises(WrongMove):
        triage.accept(world.engine, chosen, act=world.act())
    with pytest.raises(Refused, match="no input 99"):
        triage.accept(world.engine, 99, act=world.act())
    with pytest.raises(Refused, match="no statement"):
        triage.fix(world.engine, 1, "S-99", "x", act=world.act())
    with pytest.raises(Refused, match="missing"):
        triage.fix(world.engine, 1, "S-1", "  ", act=world.act())
    other = say(world, "MON-1: again")
    with pytest.raises(Refused, match="withdrawn"):
        triage.merge(world.engine, other, "S-1", act=world.act())
    with pytest.raises(Refused, match="did you mean MON-2"):
        triage.refile(world.engine, 1, "S-2", "MON-22", act=world.act())
    with pytest.raises(Refused, match="west"):
        triage.set_group(world.engine, other, "wset", act=world.act())


def test_a_statement_is_filed_elsewhere(world: World) -> None:
    chosen = say(world, "MON-1: Zanzibar")
    triage.accept(world.engine, chosen, act=world.act())
    triage.refile(world.engine, 1, "S-1", "voice", act=world.act())
    (statement,) = views_input.input_show(world.engine, 1, chosen).line.statements
    assert (statement.anchor, statement.track) == ("voice", "voice")
    assert facts(world, SubjectKind.HEARD, 1).tracks == ("voice",)
    triage.refile(world.engine, 1, "S-1", "mon-2", act=world.act())
    assert views_input.input_show(world.engine, 1, chosen).line.statements[0].anchor == "MON-2"


# -- held mail


def test_a_held_mail_is_filed_by_hand(world: World) -> None:
    raw_id = take(world, mail(world, "eve@elsewhere.example", "Money", "I think grants are fine."), box("core"))
    assert raw(world, raw_id).state == "held"
    input_id = triage.file_held(world.engine, raw_id, group="coast", question="MON-2", act=world.act())
    card = views_input.input_show(world.engine, 1, input_id)
    assert (card.line.voice, card.line.group) == ("community", "GC")
    assert card.line.statements[0].anchor == "MON-2"
    assert raw(world, raw_id).touched_by == "operator"
    world.turn()
    assert world.mailbox("eve") == []  # nobody vouched for that address
    with pytest.raises(WrongMove):
        triage.file_held(world.engine, raw_id, act=world.act())


def test_a_held_mail_is_filed_as_a_liaisons(world: World) -> None:
    raw_id = take(world, mail(world, "ana@new.example", "x", "MON-1: from my new address"), box("core"))
    with pytest.raises(Refused, match="no liaison"):
        triage.file_held(world.engine, raw_id, liaison_id=999, act=world.act())
    input_id = triage.file_held(world.engine, raw_id, liaison_id=liaison(world, "Ana").id, act=world.act())
    assert views_input.input_show(world.engine, 1, input_id).line.liaison == "Ana Alves"


def test_a_held_mail_is_dropped(world: World) -> None:
    raw_id = take(world, mail(world, "eve@elsewhere.example", "x", "Buy now, this is not spam."), box("core"))
    triage.ignore_held(world.engine, raw_id, act=world.act())
    assert raw(world, raw_id).state == "ignored"
    with pytest.raises(WrongMove):
        triage.ignore_held(world.engine, raw_id, act=world.act())


# -- reading again


def test_better_code_reads_old_mail_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import look

    plain = take(world, mail(world, "ana@west.example", "x", "MON-1: the region"), box("input"))
    touched = take(world, mail(world, "ana@west.example", "y", "MON-1: the centre"), box("input"))
    triage.refile(world.engine, 1, "S-2", "MON-2", act=world.act())
    held = take(world, mail(world, "eve@elsewhere.example", "x", "Let me in."), box("core"))
    old = look.read_message

    def better(message, envelope, context, raw):
        from dataclasses import replace

        read = old(message, envelope, context, raw)
        said = tuple(replace(one, text=one.text.upper()) for one in read.statements)
        return replace(read, statements=said)

    assert triage.reprocess(world.engine, ids=[plain, touched, held], act=world.act()) == []
    monkeypatch.setattr(look, "read_message", better)
    (change,) = triage.reprocess(world.engine, since=world.now, act=world.act())
    assert (change.raw_id, change.fields, change.applied, change.why_not) == (plain, ("text",), False, "")
    assert change.differences == (Difference("S-1 text", "MON-1: the region", "MON-1: THE REGION"),)
    assert filed(world, plain)[1][0].body == "MON-1: the region"
    (change,) = triage.reprocess(world.engine, since=world.now, act=world.act(), dry_run=False)
    assert change.applied
    (statement,) = filed(world, plain)[1]
    assert (statement.ref, statement.body, statement.revision) == ("S-1", "MON-1: THE REGION", 2)
    assert filed(world, touched)[1][0].body == "MON-1: the centre"


def test_a_broken_mail_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import inbound, look

    with monkeypatch.context() as patch:
        patch.setattr(look, "read_message", lambda *args: 1 / 0)
        raw_id = take(world, mail(world, "ana@west.example", "x", "MON-1: the region"), box("input"))
        for _ in range(2):
            inbound.understand(world.engine, act=world.act("clock"))
    assert newest(world).state == "broken"
    (change,) = triage.reprocess(world.engine, ids=[raw_id], act=world.act(), dry_run=False)
    assert (change.was, change.becomes, change.applied) == ("broken", "filed", True)
    inbound.understand(world.engine, act=world.act("clock"))
    assert filed(world, raw_id)[1][0].ref == "S-1"


def test_what_was_carried_out_is_not_carried_out_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import look

    world.reply(world.mailbox("ana")[0], "monthly", quote=False)
    world.turn()
    monkeypatch.setattr(look, "decide", lambda *args: __import__("flows.understand", fromlist=["Decision"]).Decision("held", "x", "x"))  # fmt: skip
    (change,) = triage.reprocess(world.engine, ids=[newest(world).id], act=world.act(), dry_run=False)
    assert not change.applied
    assert "carried out" in change.why_not


def test_reading_everything_again_by_accident_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="name mails"):
        triage.reprocess(world.engine, act=world.act())


# -- looking


def test_lists_are_filtered(world: World) -> None:
    say(world, "MON-1: Zanzibar and salt")
    say(world, "MON-2: Half, and pepper", "badr@south.example")
    say(world, "Between us: MON-1 is a trap", to="private")
    engine = world.engine

    def refs(**wanted) -> list[str]:
        return [one.ref for line in views_input.input_list(engine, 1, **wanted) for one in line.statements]

    assert refs() == ["S-2", "S-1"]
    assert refs(may_see_private=True) == ["S-3", "S-2", "S-1"]
    assert refs(question="mon-1") == ["S-1"]
    assert refs(group="south") == ["S-2"]
    assert refs(track="money") == ["S-2", "S-1"]
    assert refs(track="voice") == []
    assert refs(text="zanzibar salt") == ["S-1"]
    assert refs(text="trap", may_see_private=True) == []
    assert refs(states=["accepted"]) == []
    assert refs(language="en") == ["S-2", "S-1"]
    assert refs(limit=1) == ["S-2"]
    for wanted in ({"track": "mony"}, {"question": "MON-9"}, {"group": "sauth"}, {"states": ["accepteed"]}):
        with pytest.raises(Refused, match="did you mean"):
            refs(**wanted)


def test_an_input_in_full(world: World) -> None:
    chosen = say(world, "MON-1: Zanzibar")
    triage.accept(world.engine, chosen, act=world.act())
    card = views_input.input_show(world.engine, 1, "s-1")
    assert card.line.id == chosen
    assert card.line.liaison == "Ana Alves"
    assert card.history[-1][1:] == ("operator", "new -> accepted: accepted")
    assert any(kind == "reply" for kind, _, _ in card.segments)
    with pytest.raises(Refused, match="S-99"):
        views_input.input_show(world.engine, 1, "S-99")


def test_what_is_private_is_seen_by_its_circle_alone(world: World) -> None:
    chosen = say(world, "Between us: MON-1 is a trap", to="private")
    with pytest.raises(Refused, match="restricted"):
        views_input.input_show(world.engine, 1, chosen)
    raw_id = newest(world).id
    (line,) = [one for one in views_inbox.inbox_list(world.engine, 1) if one.raw_id == raw_id]
    assert (line.sender, line.subject, line.state) == ("", "", "filed")
    with pytest.raises(Refused, match="restricted"):
        views_inbox.inbox_show(world.engine, raw_id, now=world.now)
    assert views_inbox.inbox_show(world.engine, raw_id, now=world.now, may_see_private=True).text.startswith("Between")


def test_the_inbox(world: World) -> None:
    take(world, mail(world, "eve@elsewhere.example", "Money, money", "I think grants are fine."), box("core"))
    say(world, "MON-1: Zanzibar")
    assert [one.state for one in views_inbox.inbox_list(world.engine, 1)] == ["filed", "held"]
    (line,) = views_inbox.inbox_list(world.engine, 1, states=["held"], text="MONEY")
    assert (line.sender, line.reason) == ("eve@elsewhere.example", "awaits confirmation")
    shown = views_inbox.inbox_show(world.engine, line.raw_id, now=world.now)
    assert shown.text == "I think grants are fine."
    assert "Subject: Money, money" in shown.source
    with pytest.raises(Refused, match="did you mean held"):
        views_inbox.inbox_list(world.engine, 1, states=["hled"])
    with pytest.raises(Refused, match="no mail 99"):
        views_inbox.inbox_show(world.engine, 99, now=world.now)


def test_a_note_of_the_core_team_is_an_input_too(world: World) -> None:
    made = triage.note(world.engine, 1, "On the phone they said: half.", "MON-2", group="coast", act=world.act())
    card = views_input.input_show(world.engine, 1, made)
    assert (card.line.voice, card.line.group, card.line.statements[0].anchor) == ("core", "GC", "MON-2")
    triage.accept(world.engine, made, act=world.act())
    assert facts(world, SubjectKind.HEARD, 1).about is None
    with pytest.raises(Refused, match="no words"):
        triage.note(world.engine, 1, " ", "MON-2", act=world.act())
