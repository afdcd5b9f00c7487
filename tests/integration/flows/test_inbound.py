"""What becomes of a mail that comes in: filed, held, counted, carried out, routed; once, and never lost."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from db import inbound as raws
from db import inputs, outbox, tables, tasks
from db.states import DeliveryState, RawState
from flows import inbound, look, roster, views_inbox
from flows.door import Box
from mailer.message import Envelope
from mailer.trust import Vouched
from tests.integration.flows.mailroom import box, count, filed, liaison, mail, newest, open_tasks, raw, take
from tests.world import DOMAIN, World

PASS = Vouched("pass", aligned=True)


def reply_token(world: World, who: str = "ana") -> str:
    return world.mailbox(who)[0]["Reply-To"].partition("<")[2].rstrip(">")


# -- the door


def test_the_door_knows_names_and_tokens_only(world: World) -> None:
    judge = inbound.gatekeeper(world.engine)
    good = reply_token(world)
    for address in (
        good, good.upper(), box("core"), box("CORE"), box("core-owner"), box("core-request"), box("reform"), "postmaster",
        "PostMaster", box("postmaster"), box("Abuse"), box("unsubscribe"), box("private"), box("input"), '"core"@' + DOMAIN,
    ):  # fmt: skip
        assert judge(address).ok, address
    forged = good.replace("@", "@").replace(good[8], "0" if good[8] != "0" else "1", 1)
    for address in (
        forged,
        box("nobody"),
        box("reply+short"),
        box("core-other"),
        box("reply+" + "é" * 35),
        "nobody",
        "",
    ):
        verdict = judge(address)
        assert not verdict.ok, address
        assert (verdict.code, verdict.text.split()[0]) == (550, "5.1.1"), address
    assert judge("ana@elsewhere.example").text.startswith("5.7.1")
    assert judge(good.partition("@")[0] + "@elsewhere.example").text.startswith("5.7.1")


def test_the_door_reads_no_database(world: World) -> None:
    judge = inbound.gatekeeper(world.engine)
    token = reply_token(world)
    world.engine.db.close()
    with world.engine.db.sql.connect() as connection:
        connection.detach()  # even if the pool were asked it would make a new connection: count them instead
    asked = []
    world.engine.db.read = lambda: asked.append(1)  # type: ignore[method-assign, assignment]
    assert judge(token).ok
    assert not asked


def test_several_recipients_are_sorted_by_what_they_say(world: World) -> None:
    door = inbound.open_door(world.engine)
    places = door.places((box("postmaster"), box("core"), reply_token(world), "x@elsewhere.example", box("private")))
    assert [place.box for place in places] == [Box.PRIVATE, Box.REPLY, Box.DIGEST, Box.POSTMASTER]


# -- filing


def test_an_answer_by_code_is_filed_on_its_question(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "Hello,\n\nMON-2: Half of it. Call +351 21 123 4567.\n\nBest,\nAna")
    world.turn()
    row, (statement,) = filed(world)
    assert (row.voice, row.visibility, row.state, row.language) == ("liaison", "public", "new", "en")
    assert row.liaison_id == liaison(world, "Ana").id
    assert row.group_id is not None
    assert statement.ref == "S-1"
    assert statement.anchor_kind == "question"
    assert statement.track == "money"
    assert "4567" in (statement.body or "")
    assert "4567" not in (statement.masked or "")
    assert "wrote" not in (row.body or "")
    assert newest(world).state == "filed"


def test_an_answer_to_an_items_address_is_filed_on_that_item(world: World) -> None:
    digest = world.mailbox("ana")[0]
    world.reply(digest, "We would rather meet in the morning.", item=digest.number_of("Open meeting"))
    world.turn()
    _, (statement,) = filed(world)
    assert statement.anchor_kind == "item"
    assert statement.track == "voice"
    assert not statement.suggested


def test_several_answers_are_several_statements(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: The region.\n\nMON-2: A third.", quote=False)
    world.turn()
    _, statements = filed(world)
    assert [one.ref for one in statements] == ["S-1", "S-2"]
    assert len({one.anchor_id for one in statements}) == 2


@pytest.mark.parametrize(
    "text", ["{}: our community objects", "{}. our community objects", "On item {}: our community objects"]
)
def test_a_number_in_free_text_is_that_item(world: World, text: str) -> None:
    digest = world.mailbox("ana")[0]
    number = digest.number_of("Open meeting")
    world.reply(digest, text.format(number), quote=False)
    world.turn()
    _, (statement,) = filed(world)
    named = statement.anchor_kind == "item" and not statement.suggested
    guessed = statement.anchor_kind == "edition" and statement.suggested[0]["ref"] == str(number)
    assert named if ":" in text else guessed  # "3." may be a list of one's own: a person decides


def test_one_reply_answers_several_things_each_on_its_own(world: World) -> None:
    digest = world.mailbox("ana")[0]
    number = digest.number_of("Open meeting")
    text = f"{number}: mornings please\n\nMON-2: half\n\nAs to MON-1, the region."
    world.reply(digest, text, quote=False)
    world.turn()
    _, statements = filed(world)
    assert [one.anchor_kind for one in statements] == ["item", "question", "question"]
    assert len({(one.anchor_kind, one.anchor_id) for one in statements}) == 3


def test_what_is_guessed_is_counted_apart(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: the region.", quote=False)
    world.turn()
    digest = world.mailbox("ana")[0]
    world.reply(digest, f"{digest.number_of('Open meeting')}. our community objects", quote=False)
    world.turn()
    with world.engine.db.read() as tx:
        guessed = inputs.inputs(tx, world.process().id, inputs.Filter(suggested=True))
        every = inputs.inputs(tx, world.process().id, inputs.Filter())
        (statement,) = inputs.statements(tx, [guessed[0].id])[guessed[0].id]
    assert (len(guessed), len(every)) == (1, 2)
    assert statement.anchor_kind == "edition"
    assert all(0 < one["confidence"] < 0.85 for one in statement.suggested)


def test_the_thread_is_found_without_the_address(world: World) -> None:
    digest = world.mailbox("ana")[0]
    raw_id = take(
        world, mail(world, "ana@west.example", "Re: x", "MON-1: us", In_Reply_To=digest["Message-ID"]), box("core")
    )
    assert raw(world, raw_id).verdict["via"] == "thread"
    row, _ = filed(world, raw_id)
    assert row.context == "edition:core:2019-03-11T09:00"


def test_a_known_sender_is_enough_to_be_filed(world: World) -> None:
    raw_id = take(world, mail(world, "Ana <ANA@west.example>", "MON-1", "MON-1: the region"), box("input"))
    assert raw(world, raw_id).verdict["via"] == "sender"
    assert filed(world, raw_id)[0].liaison_id == liaison(world, "Ana").id


def test_what_is_doubtful_stands_on_the_edition_with_a_suggestion(world: World) -> None:
    world.reply(
        world.mailbox("ana")[0], "Grants are a matter of trust, and money should go where work is done.", quote=False
    )
    world.turn()
    _, (statement,) = filed(world)
    assert statement.anchor_kind == "edition"
    assert statement.confidence < 0.85
    for one in statement.suggested or ():
        assert one["confidence"] < 0.85


def test_the_private_lane(world: World) -> None:
    raw_id = take(world, mail(world, "ana@west.example", "x", "Between us: MON-1 is a trap."), box("private"))
    row, (statement,) = filed(world, raw_id)
    assert row.visibility == "private"
    with world.engine.db.read() as tx:
        from db import search

        assert search.find(tx, "trap") == []
    assert statement.ref == "S-1"


@pytest.mark.parametrize(
    "word",
    [
        "Private", "خاص", "Vertraulich", "Privado", "Confidentiel", "פרטי", "गोपनीय", "Rahasia", "非公開", "Confidencial",
        "Конфиденциально", "Faragha", "保密",
    ],
)  # fmt: skip
def test_a_word_for_private_at_the_beginning(world: World, word: str) -> None:
    said = f"{word}: the deadline of MON-1 is wrong, it clashes with what the board told us, the day should be Friday."
    raw_id = take(world, mail(world, "ana@west.example", "x", said), box("input"))
    row, statements = filed(world, raw_id)
    assert (row.visibility, newest(world).state) == ("private", "filed")
    assert word not in (statements[0].body or "")
    assert open_tasks(world) == []


def test_what_nobody_can_read_on_the_private_lane_stays_private(world: World) -> None:
    secret = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"
    raw_id = take(world, mail(world, "ana@west.example", "about the board", secret), box("private"))
    found = raw(world, raw_id)
    assert (found.state, found.verdict["visibility"]) == ("held", "private")


def test_attachments_are_listed_and_searchable(world: World) -> None:
    message = mail(world, "ana@west.example", "x", "MON-1: see the file")
    message.add_attachment(b"Lighthouse keepers agree.", maintype="text", subtype="plain", filename="notes.txt")
    message.add_attachment(b"\x89PNG\r\n\x1a\n" + b"x" * 500, maintype="image", subtype="png", filename="chart.png")
    raw_id = take(world, message, box("input"))
    row, (statement,) = filed(world, raw_id)
    with world.engine.db.read() as tx:
        from db import inputs, search

        files = inputs.attachments(tx, [row.id])[row.id]
        assert search.find(tx, "lighthouse") == [statement.id]
    assert [(f.name, f.type, f.text is None) for f in files] == [
        ("notes.txt", "text/plain", False),
        ("chart.png", "image/png", True),
    ]


# -- once


def test_the_same_mail_twice_is_a_duplicate(world: World) -> None:
    message = mail(world, "ana@west.example", "x", "MON-1: the region")
    first, second = take(world, message, box("input")), take(world, message, box("core"))
    assert (raw(world, first).state, raw(world, second).state) == ("filed", "duplicate")
    assert count(world, tables.Input) == 1


def test_the_same_name_with_other_words_is_another_mail(world: World) -> None:
    for text in ("MON-1: the region", "MON-1: the centre"):
        take(world, mail(world, "ana@west.example", "x", text, message_id="<same@west.example>"), box("input"))
    assert count(world, tables.Input) == 2


def test_understanding_twice_does_nothing_more(world: World) -> None:
    raw_id = take(world, mail(world, "ana@west.example", "x", "MON-1: the region"), box("input"))
    before = count(world, tables.Journal)
    assert inbound.understand(world.engine, act=world.act("clock")).total == 0
    assert count(world, tables.Journal) == before
    assert raw(world, raw_id).tries == 1


def test_a_claim_that_was_lost_writes_nothing(world: World) -> None:
    inbound.store(world.engine, [(Envelope("ana@west.example", (box("input"),)), mail(world, "ana@west.example", "x", "MON-1: the region").as_bytes())], act=world.act())  # fmt: skip
    with world.engine.db.write() as tx:
        (first,) = raws.claim(tx, world.now, world.now + timedelta(minutes=10), 5)
        assert raws.claim(tx, world.now, world.now, 5) == []
    world.later(minutes=11)
    assert inbound.understand(world.engine, act=world.act("clock")).total == 1
    with world.engine.db.write() as tx:
        assert not raws.holds(tx, first)
    assert count(world, tables.Input) == 1


def test_two_workers_share_the_mails(world: World) -> None:
    batch = [
        (
            Envelope("ana@west.example", (box("input"),)),
            mail(world, "ana@west.example", "x", f"MON-1: number {n}").as_bytes(),
        )
        for n in range(12)
    ]
    inbound.store(world.engine, batch, act=world.act("listener"))
    done: list[int] = []

    def work() -> None:
        for _ in range(6):
            done.append(inbound.understand(world.engine, 2, act=world.act("clock")).total)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 12
    assert count(world, tables.Input) == 12


def test_store_raises_when_it_cannot_keep(world: World) -> None:
    world.engine.db.close()
    with world.engine.db.write() as tx:
        tx.exec_driver_sql("ALTER TABLE raw_body RENAME TO gone")
    with pytest.raises(Exception, match="raw_body"):
        inbound.store(world.engine, [(Envelope("a@b.example", (box("core"),)), b"x")], act=world.act())
    with world.engine.db.write() as tx:
        tx.exec_driver_sql("ALTER TABLE gone RENAME TO raw_body")
    assert count(world, tables.RawMessage) == 0


# -- held


def test_a_token_from_another_address_is_a_community_voice(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "MON-1: I agree with my friends.", sender="friend@elsewhere.example")
    world.turn()
    held = newest(world)
    assert (held.state, held.rule, held.reason) == ("held", "community voice", "awaits confirmation")
    assert count(world, tables.Input) == 0
    assert world.mailbox("friend") == []  # nobody vouched for the address: nothing is sent to it


def test_a_voice_is_filed_after_one_confirmation(world: World) -> None:
    digest = world.mailbox("ana")[0]
    token = reply_token(world)
    message = mail(world, "friend@elsewhere.example", "Re", "MON-1: We want a say.", In_Reply_To=digest["Message-ID"])
    inbound.store(world.engine, [(Envelope("friend@elsewhere.example", (token,)), message.as_bytes())], act=world.act())
    inbound.understand(world.engine, act=world.act("clock"), vouch=lambda data, envelope, sender: PASS)
    first = newest(world)
    assert first.state == "held"
    world.turn()
    (asked,) = world.mailbox("friend")
    assert asked["Auto-Submitted"] == "auto-replied"
    assert "We want a say" not in asked.text
    world.reply(asked, "Yes, please.\nThanks")
    world.turn()
    assert newest(world).state == "command"
    row, (statement,) = filed(world, first.id)
    assert (row.voice, row.liaison_id) == ("community", None)
    assert row.group_id is not None
    assert statement.anchor_kind == "question"
    assert raw(world, first.id).touched_by == "writer"
    world.turn()
    assert "S-1" in world.mailbox("friend")[-1].text


def test_only_who_was_asked_can_confirm(world: World) -> None:
    message = mail(world, "friend@elsewhere.example", "Re", "MON-1: We want a say.")
    inbound.store(world.engine, [(Envelope("friend@elsewhere.example", (reply_token(world),)), message.as_bytes())], act=world.act())  # fmt: skip
    inbound.understand(world.engine, act=world.act("clock"), vouch=lambda *_: PASS)
    world.turn()
    (asked,) = world.mailbox("friend")
    world.reply(asked, "yes", sender="thief@elsewhere.example")
    world.turn()
    assert newest(world).state == "held"
    assert count(world, tables.Input) == 0


def test_a_stranger_is_asked_once_and_only_if_vouched_for(world: World) -> None:
    for n in range(3):
        message = mail(world, "eve@elsewhere.example", "x", f"I have opinion number {n} on money.")
        inbound.store(world.engine, [(Envelope("eve@elsewhere.example", (box("core"),)), message.as_bytes())], act=world.act())  # fmt: skip
        inbound.understand(world.engine, act=world.act("clock"), vouch=lambda *_, n=n: PASS if n else Vouched("none"))
        world.turn()
    assert len(world.mailbox("eve")) == 1


def test_who_is_not_vouched_for_is_held(world: World) -> None:
    message = mail(world, "ana@west.example", "x", "MON-1: the region")
    inbound.store(world.engine, [(Envelope("ana@west.example", (box("core"),)), message.as_bytes())], act=world.act())
    inbound.understand(world.engine, act=world.act("clock"), vouch=lambda *_: Vouched("fail"))
    assert (newest(world).state, newest(world).rule) == ("held", "not vouched for")


def test_a_token_whose_mailing_is_gone_is_held(world: World) -> None:
    ring = world.engine.keys.ring("reform", DOMAIN)
    gone = ring.reply_address(ring.mailing_tag("edition:core:1999"), liaison(world, "Ana").tag, 3)
    assert inbound.gatekeeper(world.engine)(gone).ok
    raw_id = take(world, mail(world, "ana@west.example", "x", "MON-1: yes"), gone)
    assert raw(world, raw_id).state == "held"
    assert "no longer" in (raw(world, raw_id).reason or "")


@pytest.mark.parametrize("local", ["postmaster", "abuse", "core-owner", "reform-owner"])
def test_mail_for_people_waits_for_people(world: World, local: str) -> None:
    raw_id = take(world, mail(world, "eve@elsewhere.example", "Trouble", "Your server is loud."), box(local))
    assert raw(world, raw_id).state == "held"
    assert (local.rpartition("-")[2], "raw") in open_tasks(world)


# -- what no person wrote


def test_an_absence_pauses_and_tells_the_deputy(world: World) -> None:
    message = mail(world, "ana@west.example", "Automatic reply: digest", "I am out of the office until 28 March 2019.", Auto_Submitted="auto-replied")  # fmt: skip
    raw_id = take(world, message, reply_token(world), mail_from="")
    assert raw(world, raw_id).state == "ignored"
    row = liaison(world, "Ana")
    assert (row.state, row.paused_until) == ("paused", date(2019, 3, 28))
    world.turn()
    assert "Ana Alves" in world.mailbox("dora")[-1]["Subject"]
    assert world.mailbox("ana")[1:] == []  # a machine is never answered


def test_the_absence_of_others_on_the_same_return_path_pauses_nobody(world: World) -> None:
    verp = world.mailbox("ana")[0].envelope.mail_from
    message = mail(world, "member@west.example", "Automatic reply", "I am out of the office until 28 March 2019.", Auto_Submitted="auto-replied")  # fmt: skip
    assert raw(world, take(world, message, verp, mail_from="")).state == "ignored"
    assert liaison(world, "Ana").state == "active"


def test_a_longer_pause_of_their_own_stays(world: World) -> None:
    roster.pause(world.engine.db, liaison(world, "Ana").id, date(2019, 6, 1), act=world.act())
    message = mail(world, "ana@west.example", "Automatic reply", "I am out of the office until 28 March 2019.", Auto_Submitted="auto-replied")  # fmt: skip
    take(world, message, reply_token(world), mail_from="")
    assert liaison(world, "Ana").paused_until == date(2019, 6, 1)


def test_an_attachment_alone_is_filed(world: World) -> None:
    message = mail(world, "ana@west.example", "x", "")
    message.add_attachment(b"MON-1: said in a file", maintype="text", subtype="plain", filename="answer.txt")
    raw_id = take(world, message, reply_token(world))
    assert "said in a file" in (filed(world, raw_id)[1][0].body or "")


def test_our_own_mail_coming_back_is_a_loop(world: World) -> None:
    raw_id = take(world, world.mailbox("ana")[0].data, reply_token(world), mail_from="ana@west.example")
    assert (raw(world, raw_id).state, raw(world, raw_id).rule) == ("ignored", "loop")


def test_reactions_and_nods_are_counted(world: World) -> None:
    for n, text in enumerate(("👍", "+1")):
        raw_id = take(world, mail(world, "ana@west.example", "Re: x", text, message_id=f"<{n}@x>"), reply_token(world))
        assert raw(world, raw_id).state == "reaction", text
    assert count(world, tables.Input) == 0


def test_reactions_are_summed_up(world: World) -> None:
    senders = ("ana@west.example", "badr@south.example", "ana@west.example")
    for n, (sender, text) in enumerate(zip(senders, ("👍", "👍", "❤️"), strict=True)):
        take(world, mail(world, sender, "Re: x", text, message_id=f"<{n}@r>"), reply_token(world))
    summed = views_inbox.reactions(world.engine, world.process().id)
    assert {(row.emoji, row.count) for row in summed} == {("👍", 2), ("❤️", 1)}
    assert {row.mailing for row in summed} == {"edition:core:2019-03-11T09:00"}


def bounce_of(status: str = "5.1.1", action: str = "failed") -> bytes:
    return f"""From: MAILER-DAEMON@mx.west.example
To: bounce
Subject: Undelivered Mail Returned to Sender
Message-ID: <{status}.{action}@mx.west.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your mail could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.west.example

Final-Recipient: rfc822; ana@west.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no

--b--
""".replace("\n", "\r\n").encode()


def delivery_state(world: World, name: str = "Ana") -> str:
    table = tables.Delivery.__table__
    with world.engine.db.read() as tx:
        return str(
            tx.execute(
                select(table.c.state).where(table.c.liaison_id == liaison(world, name).id).order_by(table.c.id)
            ).scalars().first()
        )  # fmt: skip


def subscription(world: World, name: str = "Ana"):
    table = tables.Subscription.__table__
    with world.engine.db.read() as tx:
        return tx.execute(select(table).where(table.c.liaison_id == liaison(world, name).id)).one()


def test_a_bounce_gives_the_news_back(world: World) -> None:
    sender = world.mailbox("ana")[0].envelope.mail_from
    turn = subscription(world).turn
    raw_id = take(world, bounce_of("5.2.2"), sender, mail_from="")
    assert raw(world, raw_id).state == "bounce"
    assert delivery_state(world) == "bounced"
    assert (subscription(world).cursor, subscription(world).turn) == (None, turn + 1)
    with world.engine.db.read() as tx:
        assert outbox.suppressed(tx, 1, [world.engine.keys.address_hash("ana@west.example")]) == {}


def test_a_mailbox_that_is_gone_is_suppressed_at_once_and_makes_a_task(world: World) -> None:
    sender = world.mailbox("ana")[0].envelope.mail_from
    take(world, bounce_of("5.1.1"), sender, mail_from="")
    with world.engine.db.read() as tx:
        assert outbox.suppressed(tx, 1, [world.engine.keys.address_hash("ana@west.example")])
    assert ("unreachable", "group") in open_tasks(world)


def test_lighter_bounces_add_up_to_one_probe_before_anything_is_suppressed(world: World) -> None:
    sender = world.mailbox("ana")[0].envelope.mail_from
    before = len(world.mailbox("ana"))
    for status in ("5.2.2", "4.2.2", "4.4.7", "5.3.0", "5.0.0"):
        take(world, bounce_of(status), sender, mail_from="")
        with world.engine.db.read() as tx:
            assert outbox.suppressed(tx, 1, [world.engine.keys.address_hash("ana@west.example")]) == {}
    world.deliver()
    assert len(world.mailbox("ana")) == before + 1


def test_a_delay_is_no_bounce_and_policy_is_our_fault(world: World) -> None:
    sender = world.mailbox("ana")[0].envelope.mail_from
    take(world, bounce_of("4.4.1", "delayed"), sender, mail_from="")
    assert delivery_state(world) == "sent"
    raw_id = take(world, bounce_of("5.7.1"), sender, mail_from="")
    assert delivery_state(world) == "bounced"
    assert raw(world, raw_id).reason == "failed 5.7.1"
    with world.engine.db.read() as tx:
        assert "bounce 5.7.1" in set(tx.execute(select(tables.Delivery.reason)).scalars())  # for the ledger
    assert ("refused", "mailing") in open_tasks(world)
    assert count(world, tables.BounceScore) == 1


def test_a_bounce_that_names_nothing_of_ours_is_held(world: World) -> None:
    raw_id = take(world, bounce_of(), box("core"), mail_from="")
    assert raw(world, raw_id).state == "held"
    assert count(world, tables.BounceScore) == 0


def test_a_complaint_stops_mail_at_once(world: World) -> None:
    digest = world.mailbox("ana")[0]
    report = (
        b"""From: feedback@provider.example
To: fbl
Subject: FW: complaint
Message-ID: <c1@provider.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: x/1
Version: 1

--b
Content-Type: message/rfc822

""".replace(b"\n", b"\r\n")
        + digest.data
        + b"\r\n--b--\r\n"
    )
    raw_id = take(world, report, box("abuse"), mail_from="fbl@provider.example")
    assert raw(world, raw_id).state == "complaint"
    assert delivery_state(world) == "complained"
    with world.engine.db.read() as tx:
        found = outbox.suppressed(tx, 1, [world.engine.keys.address_hash("ana@west.example")])
    assert list(found.values()) == ["complaint"]


# -- commands


def test_unsubscribing_by_mail_and_undoing_it(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "unsubscribe", quote=False)
    world.turn()
    assert liaison(world, "Ana").state == "left"
    said = world.mailbox("ana")[-1]
    assert "unsubscribed" in said["Subject"]
    world.reply(said, "undo", quote=True)
    world.turn()
    assert liaison(world, "Ana").state == "active"


def test_the_signed_leave_address_needs_no_words(world: World) -> None:
    ring = world.engine.keys.ring("reform", DOMAIN)
    address = ring.leave_address(ring.mailing_tag("edition:core:2019-03-11T09:00"), subscription(world).tag)
    raw_id = take(world, mail(world, "forwarded@elsewhere.example", "", ""), address)
    assert raw(world, raw_id).state == "command"
    assert liaison(world, "Ana").state == "left"
    # An absence notice to that address is a machine's: nobody leaves by it.
    other = ring.leave_address(ring.mailing_tag("edition:core:2019-03-11T09:00"), subscription(world, "Chidi").tag)
    take(world, mail(world, "chidi@coast.example", "Out of office", "I am away.", Auto_Submitted="auto-replied"), other)
    assert liaison(world, "Chidi").state == "active"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("pause until 2019-05-01", "state", "paused"),
        ("language ar", "languages", ["ar", "en"]),
        ("hour 18", "hour", 18),
    ],
)
def test_settings_in_a_reply(world: World, text: str, field: str, value: object) -> None:
    world.reply(world.mailbox("ana")[0], text, quote=False)
    world.turn()
    assert getattr(liaison(world, "Ana"), field) == value
    assert len(world.mailbox("ana")) == 2


def test_cadence_by_mail(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "monthly please", quote=False)
    world.turn()
    assert subscription(world).cadence == "monthly"


def test_a_command_nobody_vouched_for_changes_nothing(world: World) -> None:
    take(world, mail(world, "ana@west.example", "monthly", "monthly"), box("core-request"))
    assert subscription(world).cadence == "every"
    world.turn()
    said = world.mailbox("ana")[-1]
    assert "How often: every" in said.text
    world.reply(said, "monthly", quote=False)
    world.turn()
    assert subscription(world).cadence == "monthly"


def test_help_and_status(world: World) -> None:
    for word in ("help", "status"):
        raw_id = take(world, mail(world, "ana@west.example", word, ""), box("core-request"))
        assert raw(world, raw_id).state == "command", word
    world.turn()
    assert len(world.mailbox("ana")) == 3


def test_a_strangers_command_is_held(world: World) -> None:
    raw_id = take(world, mail(world, "eve@elsewhere.example", "unsubscribe", ""), box("core-request"))
    assert raw(world, raw_id).state == "held"
    raw_id = take(
        world, mail(world, "eve@elsewhere.example", "Hello", "I would like to become a liaison."), box("core")
    )
    assert raw(world, raw_id).state == "held"


def test_what_cannot_be_granted_is_held_with_the_reason(world: World) -> None:
    world.reply(world.mailbox("ana")[0], "withdraw S-77", quote=False)
    world.turn()
    assert newest(world).state == "held"
    assert "S-77" in (newest(world).reason or "")


# -- what must not wait


def test_safety_goes_to_a_person_at_once_and_nowhere_else(world: World) -> None:
    world.reply(
        world.mailbox("ana")[0], "A member threatened me and knows where I live. Please help, MON-1.", quote=False
    )
    world.turn()
    row, statements = filed(world)
    assert (row.visibility, statements) == ("safety", [])
    assert newest(world).state == "routed"
    assert ("safety", "raw") in open_tasks(world)
    (alarm,) = world.mailbox("alarm")
    assert "threatened" not in alarm.message.as_string()
    assert count(world, tables.Statement) == 0


def test_a_handover_makes_a_task(world: World) -> None:
    world.reply(
        world.mailbox("ana")[0], "From June, Kim Lee (kim@west.example) takes over from me as liaison.", quote=False
    )
    world.turn()
    assert newest(world).state == "routed"
    assert ("handover", "raw") in open_tasks(world)
    assert filed(world)[0].visibility == "core"


@pytest.mark.parametrize(
    ("text", "kind", "note"),
    [
        ("The Arabic translation of item 1 is wrong: it changes the meaning. It should be 'may'.", "translation", "en"),
        ("الترجمة العربية للبند 1 فيها خطأ وتغير المعنى، نقترح كلمة أخرى.", "translation", "ar"),
        ("The date of the open meeting is wrong: it should be 20 March instead of 19 March.", "date", ""),
        ("From June, Kim Lee takes over from me as liaison.", "handover", "west"),
    ],
)
def test_corrections_and_handovers_are_tasks_that_say_whose(world: World, text: str, kind: str, note: str) -> None:
    world.reply(world.mailbox("ana")[0], text, quote=False)
    world.turn()
    assert newest(world).state == "routed"
    with world.engine.db.read() as tx:
        (task,) = tasks.tasks(tx, world.process().id)
    assert (task.kind, task.note) == (kind, note)


@pytest.mark.parametrize(
    ("aside", "kind"),
    [
        ("By the way, from 1 June Kim Lee (kim@west.example) takes over from me as your liaison.", "handover"),
        ("The date of the open meeting is wrong: it should be 20 March instead of 19 March.", "date"),
        ("The Arabic translation of item 1 is wrong: it changes the meaning. It should be 'may'.", "translation"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_longer_answer_is_filed_beside_its_task(world: World, aside: str, kind: str, first: bool) -> None:
    said = ["MON-1: The region, with its own people.", "MON-2: A third."]
    world.reply(
        world.mailbox("ana")[0], "\n\n".join([aside, *said] if first else [said[0], aside, said[1]]), quote=False
    )
    world.turn()
    row, statements = filed(world)
    assert (newest(world).state, row.visibility) == ("filed", "public")
    assert [one.body for one in statements] == said
    assert aside in (row.body or "")
    assert (kind, "raw") in open_tasks(world)
    letters = [one.text for one in world.mailbox("ana")[1:]]
    assert any("a part of your mail" in one and "not quoted" in one for one in letters)
    assert any("S-1" in one and "S-2" in one for one in letters)


def test_a_report_about_safety_is_never_cut(world: World) -> None:
    said = "MON-1: The region.\n\nSomebody keeps threatening me, and he knows where I live."
    world.reply(world.mailbox("ana")[0], said, quote=False)
    world.turn()
    assert (newest(world).state, filed(world)[0].visibility) == ("routed", "safety")
    assert count(world, tables.Statement) == 0


# -- bad input


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\x00\xff\xfe" * 1000,
        b"Subject: " + b"=?utf-8?b?////?=" * 500 + b"\r\n\r\n\xff\xfe",
        b"From: \x01\x02\x1b[31m <\r\nX: " + b"a" * 100_000 + b"\r\n\r\nhello",
        b"Content-Type: text/plain; charset=x-unknown-8\r\n\r\n\x80\x81\x82",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(30)),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 10_000,
    ],
)
def test_rubbish_is_kept_and_the_next_mail_is_read(world: World, data: bytes) -> None:
    first = take(world, data, box("core"), mail_from="x@elsewhere.example")
    assert raw(world, first).state in ("held", "ignored", "broken")
    assert raw(world, first).reason
    second = take(world, mail(world, "ana@west.example", "x", "MON-1: the region"), box("input"))
    assert raw(world, second).state == "filed"
    with world.engine.db.read() as tx:
        kept = raws.body(tx, first)
    assert kept is not None
    assert kept.data == data


def test_an_error_in_reading_is_tried_three_times_then_broken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(look, "read_message", fail)
    raw_id = take(world, mail(world, "ana@west.example", "x", "MON-1: the region"), box("input"))
    states = [raw(world, raw_id).state]
    for _ in range(2):
        inbound.understand(world.engine, act=world.act("clock"))
        states.append(raw(world, raw_id).state)
    assert states == ["pending", "pending", "broken"]
    assert "a bug" in (raw(world, raw_id).reason or "")
    assert inbound.understand(world.engine, act=world.act("clock")).total == 0


def test_a_mail_that_kills_its_reader_is_given_up(world: World) -> None:
    raw_id = inbound.store(world.engine, [(Envelope("a@b.example", (box("core"),)), b"x")], act=world.act())[0]
    table = tables.RawMessage.__table__
    with world.engine.db.write() as tx:
        tx.execute(update(table).where(table.c.id == raw_id).values(tries=5))
    inbound.understand(world.engine, act=world.act("clock"))
    assert raw(world, raw_id).state == RawState.BROKEN


def test_a_left_reader_may_still_speak(world: World) -> None:
    roster.leave(world.engine.db, liaison(world, "Ana").id, act=world.act())
    raw_id = take(world, mail(world, "ana@west.example", "x", "MON-1: still here"), reply_token(world))
    assert raw(world, raw_id).state == "filed"
    assert delivery_state(world) == DeliveryState.SENT
