"""Who says it: mail of strangers, of liaisons and of forgers, with our own checks and with those of a front server."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from db import tables
from flows import held, inbound, views_inbox
from flows.look import Vouch
from mailer.message import Envelope
from mailer.trust import Vouched
from mailer.wire.dns import Resolver
from mailer.wire.vouch import Voucher
from tests.integration.flows.mailroom import box, count, filed, liaison, mail, newest, raw
from tests.nameserver import RSA, Nameserver, nameserver, signed
from tests.world import World

FRONT = "198.51.100.25"
NOBODY = Vouched("none")
LATER = Vouched("temperror")


@pytest.fixture
def dns() -> Iterator[Nameserver]:
    with nameserver() as made:
        made.txt("_dmarc.west.example", "v=DMARC1; p=reject")
        made.key(RSA, "west.example")
        yield made


def take(world: World, data: bytes, to: str, vouch: Vouch | None, peer: str = "192.0.2.7") -> int:
    envelope = Envelope("ana@west.example", (to,), peer, "mx.west.example")
    (raw_id,) = inbound.store(world.engine, [(envelope, data)], act=world.act("listener"))
    inbound.understand(world.engine, act=world.act("clock"), vouch=vouch)
    return raw_id


def bytes_of(world: World, text: str = "MON-1: the region", sender: str = "ana@west.example", **headers: str) -> bytes:
    return mail(world, sender, "Money", text, **headers).as_bytes().replace(b"\n", b"\r\n")


def stated(world: World, raw_id: int) -> tuple[str, str | None, str | None]:
    row = raw(world, raw_id)
    return row.state, row.rule, row.reason


def test_our_own_checks_from_the_socket_of_the_dns_to_the_inbox(world: World, dns: Nameserver) -> None:
    vouch = Voucher(Resolver([dns.place]))
    good = take(world, signed(bytes_of(world), "west.example"), box("core"), vouch)
    assert stated(world, good)[0] == "filed"
    shown = views_inbox.inbox_show(world.engine, good, now=world.now)
    assert shown.vouched == "DMARC pass by dkim (SPF none; DKIM pass; the domain asks for: reject)"
    forged = take(world, bytes_of(world, "MON-1: nothing for anybody"), box("core"), vouch)
    assert stated(world, forged)[:2] == ("held", "not vouched for")
    assert "DMARC fail" in views_inbox.inbox_show(world.engine, forged, now=world.now).vouched


def test_a_verdict_is_kept_when_old_mail_is_read_again(world: World, dns: Nameserver) -> None:
    forged = take(world, bytes_of(world), box("core"), Voucher(Resolver([dns.place])))
    assert held.reprocess(world.engine, act=world.act(), ids=[forged]) == []
    assert raw(world, forged).verdict["vouched"]["result"] == "fail"
    held.file_held(world.engine, forged, act=world.act())
    assert raw(world, forged).verdict["vouched"]["result"] == "fail"


def test_a_fresh_token_vouches_where_nobody_else_does(world: World) -> None:
    token = world.mailbox("ana")[0]["Reply-To"].partition("<")[2].rstrip(">")
    for n, vouched in enumerate((NOBODY, LATER, Vouched("fail", policy="none"), Vouched("permerror"))):
        raw_id = take(world, bytes_of(world, f"MON-1: region number {n}"), token, lambda *_, v=vouched: v)
        assert stated(world, raw_id)[0] == "filed", vouched
    denied = take(world, bytes_of(world, "MON-1: none"), token, lambda *_: Vouched("fail", policy="quarantine"))
    assert stated(world, denied)[:2] == ("held", "not vouched for")


def test_an_old_token_vouches_for_nobody(world: World) -> None:
    token = world.mailbox("ana")[0]["Reply-To"].partition("<")[2].rstrip(">")
    world.now += timedelta(days=100)
    raw_id = take(world, bytes_of(world), token, lambda *_: NOBODY)
    assert stated(world, raw_id) == ("held", "not proved", "nobody vouches for the sender")


def test_a_known_sender_without_vouching_is_asked_at_their_own_address(world: World) -> None:
    before = len(world.mailbox("ana"))
    first = take(world, bytes_of(world), box("core"), lambda *_: NOBODY)
    assert stated(world, first) == ("held", "not proved", "nobody vouches for the sender")
    take(world, bytes_of(world, "MON-1: a second thought"), box("core"), lambda *_: NOBODY)
    world.turn()
    (asked,) = world.mailbox("ana")[before:]
    assert "proves that you wrote it" in asked.text
    assert "the region" not in asked.text
    assert count(world, tables.Input) == 0
    world.reply(asked, "yes")
    world.turn()
    assert newest(world).state == "command"
    assert count(world, tables.Input) == 2
    row, _ = filed(world, first)
    assert (row.voice, row.liaison_id) == ("liaison", liaison(world, "Ana").id)


def test_without_checks_the_address_alone_counts(world: World) -> None:
    assert stated(world, take(world, bytes_of(world), box("core"), None))[0] == "filed"


def test_a_front_server_is_believed_and_nobody_else(world: World) -> None:
    settings = replace(world.engine.settings, fronts=(f"{FRONT}/32",), auth_servers=("mx.front.example",))
    world.engine = replace(world.engine, settings=settings)
    claim = "mx.front.example; dmarc=pass header.from=west.example; spf=fail; dkim=pass header.d=west.example"
    real = take(world, bytes_of(world, Authentication_Results=claim), box("core"), lambda *_: Vouched("fail"), FRONT)
    assert stated(world, real)[0] == "filed"
    assert raw(world, real).verdict["vouched"]["by"] == "mx.front.example"
    data = bytes_of(world, "MON-1: lies", Authentication_Results=claim)
    assert stated(world, take(world, data, box("core"), lambda *_: Vouched("fail")))[0] == "held"
    failed = bytes_of(world, "MON-1: other lies", Authentication_Results="mx.front.example; dmarc=fail")
    assert stated(world, take(world, failed, box("core"), None, FRONT))[:2] == ("held", "not vouched for")
    silent = bytes_of(world, "MON-1: said to nobody", Authentication_Results="mx.front.example; spf=pass")
    assert stated(world, take(world, silent, box("core"), lambda *_: NOBODY, FRONT))[1] == "not proved"


def test_a_foreign_claim_of_failure_yields_to_our_own_check(world: World) -> None:
    data = bytes_of(world, Authentication_Results="elsewhere.example; dmarc=fail")
    assert stated(world, take(world, data, box("core"), lambda *_: Vouched("pass", aligned=True)))[0] == "filed"


def test_a_dns_that_is_silent_is_asked_again_later(world: World) -> None:
    answers = [LATER, Vouched("pass", aligned=True)]
    raw_id = take(world, bytes_of(world), box("core"), lambda *_: answers[0])
    assert stated(world, raw_id) == ("pending", None, "the DNS does not answer")
    inbound.understand(world.engine, act=world.act("clock"), vouch=lambda *_: answers[1])
    assert raw(world, raw_id).state == "pending"
    world.now += timedelta(minutes=6)
    inbound.understand(world.engine, act=world.act("clock"), vouch=lambda *_: answers[1])
    assert raw(world, raw_id).state == "filed"


def test_a_dns_that_stays_silent_does_not_keep_a_mail_for_ever(world: World) -> None:
    raw_id = take(world, bytes_of(world), box("core"), lambda *_: LATER)
    for _ in range(3):
        world.now += timedelta(minutes=6)
        inbound.understand(world.engine, act=world.act("clock"), vouch=lambda *_: LATER)
    assert stated(world, raw_id)[:2] == ("held", "not proved")


def test_a_check_that_breaks_stops_no_other_mail(world: World) -> None:
    def vouch(data: bytes, envelope: Envelope, sender: str) -> Vouched:
        if sender.startswith("ana"):
            raise RuntimeError("broken")
        return Vouched("pass", aligned=True)

    broken = take(world, bytes_of(world), box("core"), vouch)
    other = take(world, bytes_of(world, "MON-1: mine", "eve@elsewhere.example"), box("core"), vouch)
    assert raw(world, broken).state == "pending"
    assert raw(world, other).state == "held"
