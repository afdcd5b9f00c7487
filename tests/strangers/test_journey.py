"""A signed digest goes through Postfix into a Dovecot mailbox, is read there in mutt, and the answer finds its way back."""

import email.policy
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import dkim
import pytest

from mailer.sign import Signer, dns_name, dns_value, new_key
from mailer.wire.courier import Courier
from mailer.wire.letters import CourierSettings, Relay
from tests.strangers.mailhost import PASSWORD, MailHost
from tests.strangers.stage import FIRST, Answer, Stage, need
from tests.world import DOMAIN

KEYS = (new_key("r1", "rsa"), new_key("e1", "ed25519"))
ZONE = {dns_name(key, DOMAIN): dns_value(key) for key in KEYS}
RSA = dns_value(KEYS[0]).encode()
ANA, BADR = "ana@west.example", "badr@south.example"


@pytest.fixture
def host(early: Stage) -> Iterator[MailHost]:
    """The mail host, which takes our mail and brings us answers; the first digest has arrived there."""
    made = MailHost(ZONE, early.port)
    world, signer = early.world, Signer(DOMAIN, KEYS)
    world.courier.close()
    world.courier = Courier([Relay("127.0.0.1", made.smtp, tls="none")], CourierSettings(helo="mx.process.example"))
    world.sign = lambda mail, at: signer.sign(mail, at) + mail
    world.engine = replace(world.engine, settings=replace(world.engine.settings, signed=True))
    world.until(FIRST)
    try:
        made.wait_for(lambda: made.inbox(ANA) and made.inbox(BADR))
        yield made
    finally:
        made.close()


def parsed(mail: bytes) -> Any:
    return message_from_bytes(mail, policy=email.policy.default)


def at_mutt(host: MailHost, address: str, stage: Stage) -> list[str]:
    """The command line of mutt with a mailbox at the host, by IMAP."""
    settings = [
        f'set from="{address}" use_from=yes use_envelope_from=yes hostname=client.example charset=utf-8 sleep_time=0',
        f'set imap_user="{address}" imap_pass="{PASSWORD}" smtp_url="smtp://127.0.0.1:{host.smtp}/"',
        'set ssl_force_tls=no ssl_starttls=no record="" copy=no mark_old=no header_cache="" pipe_decode=yes',
        f'set reflow_text=no wait_key=no editor="{stage.editor}"',
        "ignore *",
        "unignore from: to subject date",
    ]
    options = [word for line in settings for word in ("-e", line)]
    return [need("mutt"), "-n", "-F", "/dev/null", *options, "-f", f"imap://127.0.0.1:{host.imap}/INBOX"]


def test_a_signed_digest_arrives_whole_and_its_answer_comes_back(early: Stage, host: MailHost) -> None:
    for address in (ANA, BADR):
        (mail,) = host.inbox(address)
        verdict = " ".join(parsed(mail)["Authentication-Results"].split())
        assert verdict.startswith("mx.community.example;"), verdict
        assert verdict.count("dkim=pass") == 2, verdict
        assert f"header.d={DOMAIN}" in verdict
        # Once more in the mailbox, behind Dovecot, by another hand; this one knows RSA alone.
        there = mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        signature = next(n for n, value in enumerate(parsed(mail).get_all("DKIM-Signature")) if "rsa-sha256" in value)
        assert dkim.DKIM(there).verify(idx=signature, dnsfunc=lambda name, timeout=5: RSA)
        assert parsed(mail)["Return-Path"].startswith("<bounce+")
        assert parsed(mail)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

        seen = early.folder / "seen"
        keys = [("q:Quit", "\r"), ("Subject:", "|"), ("Pipe to command", f"cat >{seen}\r"), ("", "q"), ("", "q")]
        early.sit_at(at_mutt(host, address, early), keys=keys)
        head, _, text = seen.read_text("utf-8").partition("\n\n")
        assert f"Subject: {parsed(mail)['Subject']}" in head
        assert "From: The reform" in head
        plain = parsed(mail).get_body(("plain",)).get_content().replace("\r\n", "\n")
        shown = [line.rstrip() for line in text.split("\n") if line.strip() and not line.startswith("[-- ")]
        assert shown == [line.rstrip() for line in plain.split("\n") if line.strip()]
        assert any("MON-1" in line for line in shown)

    keys = [("q:Quit", "r"), ("Reply to reply+", "y"), ("To: ", "\r"), ("Subject: ", "\r"),
            ("Include message in reply", "y"), ("y:Send", "y"), ("Mail sent", "q")]  # fmt: skip
    argv = at_mutt(host, ANA, early)
    early.sit_at(argv, answer=Answer(below={"MON-1": "A committee that we elect."}), keys=keys)
    host.wait_for(early.arrived)
    assert early.filed() == [("MON-1", "A committee that we elect.")]
