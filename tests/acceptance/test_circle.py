"""The whole circle: digest out, reply in, filed on the right item, acknowledged, and told in the next digest."""

import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from db import tables
from flows import triage
from tests.world import DOMAIN, World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
SECOND = datetime(2019, 3, 18, 23, 0, tzinfo=UTC)


@pytest.fixture
def told(world: World) -> World:
    """The stage after the first digest."""
    world.populate()
    world.until(FIRST)
    return world


def filed(world: World) -> list[tuple[str, str | None, str]]:
    """What each statement was filed on, by question code where there is one, and its words."""
    with world.engine.db.read() as tx:
        rows = tx.execute(
            select(
                tables.Statement.anchor_kind,
                tables.Statement.anchor_id,
                tables.StatementText.body,
                tables.Statement.id,
            )
            .join(tables.StatementText, tables.StatementText.statement_id == tables.Statement.id)
            .order_by(tables.Statement.id)
        ).all()
        codes = {row.id: row.code for row in tx.execute(select(tables.Question.id, tables.Question.code))}
    return [(r.anchor_kind, codes.get(r.anchor_id) if r.anchor_kind == "question" else None, r.body) for r in rows]


def raw_states(world: World) -> list[str]:
    with world.engine.db.read() as tx:
        return [row.state for row in tx.execute(select(tables.RawMessage.state).order_by(tables.RawMessage.id))]


def inputs(world: World) -> list[int]:
    with world.engine.db.read() as tx:
        return [row.id for row in tx.execute(select(tables.Input.id).order_by(tables.Input.id))]


def test_a_reply_is_filed_acknowledged_and_told(told: World) -> None:
    told.reply(told.mailbox("ana")[0], "MON-2: At least half should stay in the region, we think.")
    told.turn()
    assert filed(told) == [("question", "MON-2", "MON-2: At least half should stay in the region, we think.")] or filed(
        told
    )[0][:2] == ("question", "MON-2")
    receipt = told.mailbox("ana")[-1]
    assert "S-1" in receipt.text
    assert "At least half should stay in the region" in receipt.text
    assert receipt["Auto-Submitted"] == "auto-replied"
    assert receipt["In-Reply-To"].endswith("@west.example>")
    triage.accept(told.engine, inputs(told)[0], act=told.act())
    told.until(SECOND)
    ana = told.mailbox("ana")[-1]
    assert "What became of what you sent" in ana.text
    assert "S-1 · read and accepted" in ana.text
    badr = told.mailbox("badr")[-1]
    assert "At least half should stay in the region" in badr.text
    assert "GW, S-1" in badr.text
    assert "What we heard" not in ana.text  # her own words are no news to her


def test_an_answer_to_an_items_address_is_that_items(told: World) -> None:
    digest = told.mailbox("chidi")[0]
    told.reply(digest, "Our members decide twice a year.", item=digest.number_of("Talks about money"))
    told.turn()
    ((kind, _, body),) = filed(told)
    assert (kind, body) == ("item", "Our members decide twice a year.")


def test_answers_between_the_quoted_lines_are_filed_one_by_one(told: World) -> None:
    digest = told.mailbox("ana")[0]

    def between(answer: EmailMessage) -> None:
        text = answer.get_content()
        text = text.replace("\nplaceholder\n", "\n").replace("\r\n", "\n")
        one = "> MON-1: Who should decide about grants?"
        two = "> MON-2: How much should stay in the region?"
        text = text.replace(one, f"{one}\n\nA committee that we elect.\n").replace(two, f"{two}\n\nTwo thirds.\n")
        answer.set_content(text)

    told.reply(digest, "Dear all, see below.", edit=between)
    told.turn()
    found = {code: body for _, code, body in filed(told) if code}
    assert found == {"MON-1": "A committee that we elect.", "MON-2": "Two thirds."}


def test_an_arabic_reply_is_acknowledged_in_arabic(told: World) -> None:
    told.reply(told.mailbox("badr")[0], "١. نقترح لجنة منتخبة من المنطقة.")
    told.turn()
    receipt = told.mailbox("badr")[-1]
    assert receipt["Content-Language"] == "ar"
    assert "S-1" in receipt.text
    assert "نقترح لجنة منتخبة" in receipt.text


def test_a_reply_from_a_second_address_is_the_liaisons(told: World) -> None:
    told.reply(told.mailbox("ana")[0], "MON-1: We should vote.", sender="ana@home.example")
    told.turn()
    with told.engine.db.read() as tx:
        voice = tx.execute(select(tables.Input.voice)).scalars().all()
    assert voice == ["liaison"]


def test_a_stranger_is_held_and_not_answered(told: World) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "eve@else.example", f"core@{DOMAIN}", "Hello"
    message["Message-ID"] = "<1@else.example>"
    message.set_content("I would like to say something about money.")
    before = len(told.mails)
    told.send(message, f"core@{DOMAIN}", "eve@else.example")
    told.turn()
    assert raw_states(told) == ["held"]
    assert len(told.mails) == before


def test_an_out_of_office_note_is_no_input(told: World) -> None:
    def automatic(answer: EmailMessage) -> None:
        answer["Auto-Submitted"] = "auto-replied"

    told.reply(told.mailbox("ana")[0], "I am out of the office until 2 April.", edit=automatic, quote=False)
    before = len(told.mails)
    told.turn()
    assert raw_states(told) == ["ignored"]
    assert filed(told) == []
    assert len([m for m in told.mails[before:] if m["To"].startswith("Ana")]) == 0


def test_unknown_and_forged_addresses_are_refused_at_the_door(told: World) -> None:
    digest = told.mailbox("ana")[0]
    good = digest["Reply-To"].partition("<")[2].rstrip(">")
    forged = good.replace(good[10], "0" if good[10] != "0" else "1", 1)
    for address in ("nobody@" + DOMAIN, forged, "someone@elsewhere.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            told.send(b"Subject: x\r\n\r\nx\r\n", address, "ana@west.example")
        assert next(iter(refused.value.recipients.values()))[0] == 550
    for address in (
        f"PostMaster@{DOMAIN}",
        f"abuse@{DOMAIN}",
        f"core-owner@{DOMAIN}",
        f"core-request@{DOMAIN}",
        good.upper(),
    ):
        told.send(b"From: x@y.example\r\nSubject: x\r\n\r\nx\r\n", address, "x@y.example")


def test_a_bounce_makes_the_next_digest_tell_it_again(told: World) -> None:
    digest = told.mailbox("ana")[0]
    bounce = (
        "From: MAILER-DAEMON@west.example\r\nTo: " + digest.envelope.mail_from + "\r\nSubject: Undelivered\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.west.example\r\n\r\n"
        "Final-Recipient: rfc822; ana@west.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
    )
    told.send(bounce.encode(), digest.envelope.mail_from, "")
    told.turn()
    assert raw_states(told) == ["bounce"]
    with told.engine.db.read() as tx:
        state = tx.execute(
            select(tables.Delivery.state)
            .join(tables.Liaison, tables.Liaison.id == tables.Delivery.liaison_id)
            .where(tables.Liaison.name == "Ana Alves")
        ).scalar_one()
        reasons = tx.execute(select(tables.Suppression.reason)).scalars().all()
    assert state == "bounced"
    assert len(reasons) == 1
    told.import_timeline(talks_end="2019-05-15")
    told.until(SECOND)
    assert len(told.mailbox("ana")) == 1  # a dead address is not mailed again


def test_unsubscribing_by_mail_stops_at_once(told: World) -> None:
    told.reply(told.mailbox("ana")[0], "unsubscribe", quote=False)
    told.turn()
    assert raw_states(told) == ["command"]
    told.import_timeline(talks_end="2019-05-15")
    told.until(SECOND)
    assert not [m for m in told.mailbox("ana") if "no. 2" in m["Subject"]]


def test_the_same_mail_twice_is_filed_once(told: World) -> None:
    answer = told.reply(told.mailbox("ana")[0], "MON-1: We should vote.")
    to = str(answer["To"])
    told.send(answer, to, "ana@west.example")
    told.turn()
    assert sorted(raw_states(told)) == ["duplicate", "filed"]
    assert len(filed(told)) == 1


@pytest.mark.parametrize("damage", ["empty", "garbage", "deep", "controls"])
def test_a_mail_that_cannot_be_read_is_kept_and_the_listener_goes_on(told: World, damage: str) -> None:
    to = told.mailbox("ana")[0]["Reply-To"].partition("<")[2].rstrip(">")
    head = b"From: ana@west.example\r\nSubject: x\r\nMessage-ID: <d@west.example>\r\n"
    data = {
        "empty": head + b"\r\n",
        "garbage": head
        + b"Content-Type: text/plain; charset=x-nothing\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff\xfe!!\r\n",
        "deep": head
        + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(40))
        + b"\r\nx\r\n",
        "controls": b"From: ana@west.example\r\nSubject: a\x0bb\x1cBcc: evil@x.example\r\n\r\nMON-1: fine\r\n",
    }[damage]
    told.send(data, to, "ana@west.example")
    told.turn()
    (state,) = raw_states(told)
    assert state in ("held", "broken", "filed", "ignored")
    told.reply(told.mailbox("ana")[0], "MON-1: We should vote.")
    told.turn()
    assert raw_states(told)[1] == "filed"
