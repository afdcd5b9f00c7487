"""Receipts: what was filed is told to who wrote it, once, in their language; and what they may answer to it."""

import contextlib

import pytest
from sqlalchemy import select

from db import tables
from flows import held, inbound, receipt
from tests.integration.flows.mailroom import box, count, filed, liaison, mail, newest, raw, take
from tests.world import World


def test_a_receipt_says_what_was_filed_and_how_to_change_it(world: World) -> None:
    digest = world.mailbox("ana")[0]
    answer = world.reply(digest, "MON-1: The region should decide.\n\nBest,\nAna")
    world.turn()
    said = world.mailbox("ana")[-1]
    assert "S-1" in said.text
    assert "The region should decide" in said.text
    assert "(MON-1)" in said.text
    assert "withdraw S-1" in said.text
    assert "Group West" in said.text
    assert said["Auto-Submitted"] == "auto-replied"
    assert said["In-Reply-To"] == answer["Message-ID"]
    assert answer["Message-ID"] in said["References"]
    assert said.envelope.mail_from.startswith("bounce+")
    assert digest.text.split("\n")[0] not in said.text.split("S-1")[1].split("-- ")[0]


def test_it_speaks_the_writers_language(world: World) -> None:
    world.reply(world.mailbox("badr")[0], "MON-1: المناطق تقرر.", quote=False)
    world.turn()
    said = world.mailbox("badr")[-1]
    assert said["Content-Language"] == "ar"
    assert 'dir="rtl"' in said.html
    assert "من ينبغي أن يقرر المنح؟" in said.text


def test_personal_data_is_masked_in_it(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-2: Half. Ask Rui: +351 912 345 678, rui@oak.example.", quote=False)
    world.turn()
    said = world.mailbox("ana")[-1]
    assert "MON-2: Half. Ask Rui: [phone number], [e-mail address]" in said.text
    for secret in ("345 678", "rui@oak"):
        assert secret not in said.text + said.html


def test_what_stands_for_personal_data_is_in_the_readers_language(world: World) -> None:
    world.reply(world.mailbox("badr")[0], "MON-2: اسألوا روي +351 912 345 678 أو rui@oak.example.", quote=False)
    world.turn()
    said = world.mailbox("badr")[-1]
    for page in (said.text, said.html):
        assert "[رقم هاتف]" in page
        assert "[بريد إلكتروني]" in page
        assert "[phone number]" not in page


def test_it_goes_to_the_address_that_wrote(world: World) -> None:
    # Never to where a Reply-To says: anybody could have us write to anybody (RFC 3834 section 4).
    elsewhere = {"Reply_To": "victim@else.example", "Return_Path": "<victim@else.example>"}
    take(world, mail(world, "ana@home.example", "x", "MON-1: from home", **elsewhere), box("input"))
    before = len(world.mails)
    world.turn()
    assert [one.envelope.rcpt_to for one in world.mails[before:]] == [("ana@home.example",)]


@pytest.mark.parametrize("header", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "junk"}], ids=str)
def test_two_machines_stop_after_one_round(world: World, header: dict[str, str]) -> None:
    """Whatever we send is answered at once by a machine that says what it is; that answer gets none."""
    world.reply(world.mailbox("ana")[0], "MON-1: The region should decide.")
    answered = 1
    for _ in range(6):
        world.turn()
        for one in world.mailbox("ana")[answered:]:
            answered += 1
            said = mail(world, "ana@west.example", f"Re: {one['Subject']}", "We have got your message.", **header)
            take(world, said, one["Reply-To"].partition("<")[2].rstrip(">"))
        world.later(hours=2)
    assert answered == len(world.mailbox("ana")) == 2  # the digest and one receipt


def test_a_machine_that_says_nothing_of_itself_gets_eight_a_day(world: World) -> None:
    """It answers each of our receipts at once; what it says is filed, and the ninth receipt waits for the next day."""
    world.reply(world.mailbox("ana")[0], "MON-1: The region should decide.")
    counted = []
    for n in range(12):
        world.turn()
        box_now = world.mailbox("ana")
        counted.append(len(box_now) - 1)
        world.reply(box_now[-1], f"MON-1: Your ticket {n} was received.", quote=False)
        world.later(minutes=61)
    assert counted == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8]
    world.later(hours=12)
    world.turn()
    last = world.mailbox("ana")[-1].text
    assert len(world.mailbox("ana")) == 10
    assert all(f"Your ticket {n} was received" in last for n in (7, 8, 9, 10, 11))


def test_at_most_one_an_hour_beyond_the_first_and_the_rest_together(world: World) -> None:
    for n in range(4):
        world.reply(world.mailbox("ana")[0], f"MON-1: thought number {n}", quote=False)
        world.turn()
        world.later(minutes=1)
    assert len(world.mailbox("ana")) == 2
    world.later(minutes=58)
    world.turn()
    assert len(world.mailbox("ana")) == 3
    last = world.mailbox("ana")[-1].text
    assert "S-1\n" not in last
    assert all(f"S-{n}" in last for n in (2, 3, 4))
    world.later(hours=2)
    world.turn()
    assert len(world.mailbox("ana")) == 3


def voice(world: World, n: int) -> int:
    """A mail of somebody who is no liaison, to an answer's address, filed by a person as a voice of the community."""
    token = world.mailbox("ana")[0]["Reply-To"].partition("<")[2].rstrip(">")
    message = mail(world, "friend@elsewhere.example", "Re", f"MON-1: We want a say, number {n}.")
    raw_id = take(world, message, token, "friend@elsewhere.example")
    held.file_held(world.engine, raw_id, act=world.act(), voice="community")
    return raw_id


def test_a_voice_gets_them_together_and_eight_a_day_too(world: World) -> None:
    for n in range(3):
        voice(world, n)
    world.turn()
    (first,) = world.mailbox("friend")
    assert "number 0." in first.text  # written before the others were filed
    world.later(minutes=61)
    world.turn()
    _, second = world.mailbox("friend")
    assert all(f"We want a say, number {n}." in second.text for n in (1, 2))
    world.later(minutes=61)
    counted = []
    for n in range(3, 14):
        voice(world, n)
        world.turn()
        counted.append(len(world.mailbox("friend")))
        world.later(minutes=61)
    assert counted == [3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8]


def test_a_voice_may_fix_hide_and_withdraw_what_its_receipt_tells(world: World) -> None:
    voice(world, 1)
    world.turn()
    (told,) = world.mailbox("friend")
    for page in (told.text, told.html):  # they have no settings with us, and nothing to unsubscribe from
        assert "/me/" not in page
        assert "/leave/" not in page
        assert "because a mail with your address reached us" in " ".join(page.split())
    world.reply(told, "fix S-1\nWe want a vote.", sender="thief@elsewhere.example")
    world.turn()
    assert newest(world).state == "held"
    world.later(minutes=61)
    world.reply(told, "fix S-1\nWe want a vote.")
    world.turn()
    changed = world.mailbox("friend")[-1]
    assert changed["Subject"] == "Changed as you wished"
    assert "It is changed as you wished. This is what is filed now:" in changed.text
    assert "We want a vote." in changed.text
    world.reply(told, "private")
    world.turn()
    assert "It is filed as private" in world.mailbox("friend")[-1].text
    world.reply(told, "withdraw S-1", quote=False)
    world.turn()
    last = world.mailbox("friend")[-1]
    assert last["Subject"] == "S-1 is withdrawn"
    assert "/me/" not in last.text


def test_a_voice_changes_nothing_of_others(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: The region should decide.")
    voice(world, 1)
    world.turn()
    (told,) = world.mailbox("friend")
    world.reply(told, "withdraw S-1")
    world.turn()
    assert (newest(world).state, newest(world).reason) == ("held", "withdraw: S-1 is not a statement of theirs")


def test_no_machine_and_no_list_gets_one(world: World) -> None:
    for n, header in enumerate(({"List_Id": "<x.lists.example>"}, {"X_Auto_Response_Suppress": "All"})):  # fmt: skip
        message = mail(world, "ana@west.example", "x", f"MON-1: thought {n}", **header)
        raw_id = take(world, message, box("input"))
        assert raw(world, raw_id).state == "filed"
    raw_id = take(
        world, mail(world, "ana@west.example", "x", "MON-1: without a return path"), box("input"), mail_from=""
    )
    assert raw(world, raw_id).state == "filed"
    world.turn()
    assert len(world.mailbox("ana")) == 1


def test_writing_receipts_twice_writes_none_twice(world: World) -> None:
    raw_id = take(world, mail(world, "ana@west.example", "x", "MON-1: once"), box("input"))
    assert raw(world, raw_id).look_at is None
    from db import inbound as raws

    with world.engine.db.write() as tx:
        raws.change(tx, raw_id, look_at=world.now)  # as after a crash between the outbox and the mark
    world.later(hours=3)
    receipt.send_receipts(world.engine, act=world.act("clock"))
    with world.engine.db.read() as tx:
        table = tables.Mailing.__table__
        assert len(tx.execute(select(table.c.id).where(table.c.kind == "receipt")).all()) == 1


def test_a_receipt_is_still_owed_after_a_crash(world: World) -> None:
    from flows import failpoint

    class Died(BaseException):
        pass

    def bomb() -> None:
        raise Died

    inbound.store(world.engine, [(_envelope(), mail(world, "ana@west.example", "x", "MON-1: now").as_bytes())], act=world.act())  # fmt: skip
    for name in ("inbound.read", "inbound.applied"):
        failpoint.arm(name, bomb)
        with contextlib.suppress(Died):
            inbound.understand(world.engine, act=world.act("clock"))
        failpoint.disarm()
        world.later(minutes=11)
    assert count(world, tables.Input) == 1
    world.turn()
    assert len(world.mailbox("ana")) == 2
    assert newest(world).tries == 2


def _envelope():
    from mailer.message import Envelope

    return Envelope("ana@west.example", (box("input"),))


# -- what may be answered to it


def test_fix_private_and_withdraw_by_mail(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: The regoin.", quote=False)
    world.turn()
    said = world.mailbox("ana")[-1]
    world.later(hours=2)
    world.reply(said, "fix S-1\nThe region decides.")
    world.turn()
    row, (statement,) = filed(world)
    assert (statement.body, statement.revision) == ("The region decides.", 2)
    assert "The region decides." in world.mailbox("ana")[-1].text
    world.reply(said, "private S-1")
    world.turn()
    assert filed(world, row.raw_id)[0].visibility == "private"
    world.reply(said, "withdraw S-1")
    world.turn()
    row, (statement,) = filed(world, row.raw_id)
    assert (row.state, statement.state, statement.body) == ("withdrawn", "withdrawn", "")


def test_a_bare_word_means_the_only_statement(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: The region.", quote=False)
    world.turn()
    world.reply(world.mailbox("ana")[-1], "withdraw")
    world.turn()
    assert newest(world).state == "command"
    assert filed(world)[0].state == "withdrawn"


def test_nobody_changes_what_another_wrote(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: The region.", quote=False)
    world.turn()
    world.reply(world.mailbox("chidi")[0], "withdraw S-1", quote=False)
    world.turn()
    assert newest(world).state == "held"
    assert filed(world)[1][0].state == "open"
    assert liaison(world, "Chidi").state == "active"


def test_a_long_statement_is_shown_in_part(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: " + "word " * 3000, quote=False)
    world.turn()
    assert "[…]" in world.mailbox("ana")[-1].text
    assert len(filed(world)[1][0].body or "") > 14_000


def test_more_words_on_a_receipt_are_filed_beside_the_first(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-2: Half of it.", quote=False)
    world.turn()
    first, _ = filed(world)
    world.reply(world.mailbox("ana")[-1], "We thought again, and a third would do for the smaller communities.")
    world.turn()
    row, (statement,) = filed(world)
    assert row.corrects_id == first.id
    assert (statement.anchor_kind, statement.track) == ("question", "money")
    assert statement.ref == "S-2"


def test_who_speaks_for_several_groups_is_asked_for_which(world: World) -> None:
    with world.engine.db.write() as tx:
        from db import roster

        second = {"liaison_id": liaison(world, "Ana").id, "group_id": 3, "rank": "deputy", "role_there": ""}
        roster.add_mandates(tx, 1, [second])
    world.reply(world.mailbox("ana")[0], "MON-2: Half of it.", quote=False)
    world.turn()
    assert filed(world)[0].group_id is None
    said = world.mailbox("ana")[-1]
    assert "Group West, Group Coast" in said.text
    world.reply(said, "Group Coast.")
    world.turn()
    assert newest(world).state == "command"
    assert filed(world)[0].group_id == 3
    assert "credited to Group Coast" in world.mailbox("ana")[-1].text


def test_one_receipt_that_cannot_be_worded_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    word = receipt._word

    def fail(engine, due, *more):
        if due.to is not None and due.to.liaison.name.startswith("Ana"):
            raise ValueError("a template broke")
        return word(engine, due, *more)

    monkeypatch.setattr(receipt, "_word", fail)
    for who in ("ana@west.example", "badr@south.example"):
        take(world, mail(world, who, "x", "MON-1: the region"), box("input"))
    world.turn()
    assert len(world.mailbox("ana")) == 1
    assert len(world.mailbox("badr")) == 2
    monkeypatch.undo()
    world.later(hours=2)
    world.turn()
    assert len(world.mailbox("ana")) == 2
