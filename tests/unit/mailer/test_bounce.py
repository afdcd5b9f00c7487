"""Delivery reports: what is one, whom it names, for how long."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.bounce import read_bounce
from mailer.dsn import Fate, address_in, best_status, code_in, read_fields, status_in
from mailer.message import Part
from mailer.parse import parse
from tests.letters import letter

DAEMON = {"from_addr": "MAILER-DAEMON@mx.example", "subject": "Undelivered Mail Returned to Sender"}


def report(fields: str, **more: object):
    return letter(
        parts=(Part("message/delivery-status", fields),), content_type="multipart/report", **{**DAEMON, **more}
    )


def test_several_recipients_and_only_the_failed_ones() -> None:
    found = read_bounce(
        report(
            "Reporting-MTA: dns; mx.example\n\n"
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n\n"
            "Final-Recipient: rfc822; b@x.example\nAction: delivered\nStatus: 2.0.0\n\n"
            "Final-Recipient: rfc822; c@x.example\nAction: failed\nStatus: 4.4.7\n"
        )
    )
    assert found is not None
    assert found.recipients == ("a@x.example", "c@x.example")
    assert found.permanent is True
    assert found.status == "5.1.1"


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_success_is_no_bounce(action: str) -> None:
    assert read_bounce(report(f"Final-Recipient: rfc822; a@x.example\nAction: {action}\nStatus: 2.0.0\n")) is None


def test_delay_is_not_permanent() -> None:
    found = read_bounce(report("Final-Recipient: rfc822; a@x.example\nAction: delayed\nStatus: 4.4.1\n"))
    assert found is not None
    assert found.permanent is False


def test_the_far_servers_code_beats_a_bare_one() -> None:
    fields = (
        "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 452 4.2.2 full\n"
    )
    found = read_bounce(report(fields))
    assert found is not None
    assert (found.status, found.permanent, found.diagnostic) == ("4.2.2", False, "452 4.2.2 full")


def test_missing_code_of_a_failure_counts_as_permanent() -> None:
    found = read_bounce(report("Final-Recipient: rfc822; a@x.example\nAction: failed\n"))
    assert found is not None
    assert found.permanent is True


def test_international_address() -> None:
    found = read_bounce(
        letter(
            parts=(
                Part("message/global-delivery-status", "Final-Recipient: utf-8; пётр@почта.example\nAction: failed\n"),
            ),
            **DAEMON,
        )
    )
    assert found is not None
    assert found.recipients == ("пётр@почта.example",)
    assert address_in(r"utf-8; p\x{E9}ter@x.example") == "péter@x.example"


@pytest.mark.parametrize(
    ("body", "recipients", "permanent"),
    [
        (
            "Hi. This is the qmail-send program.\n\n<a@x.example>:\nno mailbox here by that name. (#5.1.1)\n",
            ("a@x.example",),
            True,
        ),
        (
            "could not be delivered. The following address(es) failed:\n\n  a@x.example\n    Unrouteable address\n",
            ("a@x.example",),
            True,
        ),
        (
            "Delivery to the following recipient has been delayed:\n\n     a@x.example\n\nwill be retried\n",
            ("a@x.example",),
            False,
        ),
        ("Your message to <a@x.example> was automatically rejected:\nQuota exceeded\n", ("a@x.example",), True),
        ("User mailbox exceeds allowed size: a@x.example\n", ("a@x.example",), True),
        ("RCPT TO:<a@x.example>\n550 5.7.1 no relaying\n", ("a@x.example",), True),
        ("<a@x.example>: host mx.x.example said: 450 4.2.0 try again later\n", ("a@x.example",), False),
        ("Ваше письмо не может быть доставлено:\n<a@x.example>: user unknown\n", ("a@x.example",), True),
    ],
)
def test_reports_in_plain_words(body: str, recipients: tuple[str, ...], permanent: bool) -> None:
    found = read_bounce(letter(body, **DAEMON))
    assert found is not None
    assert found.recipients == recipients
    assert found.permanent is permanent


def test_addresses_of_the_returned_mail_are_not_taken() -> None:
    body = (
        "could not be delivered to\n\n<a@x.example>: unknown user\n\n--- Below this line is a copy of the message.\n\n"
        "Return-Path: <us@digest.example>\nTo: other@x.example\nMessage-ID: <d9@digest.example>\n"
    )
    found = read_bounce(letter(body, **DAEMON))
    assert found is not None
    assert found.recipients == ("a@x.example",)
    assert found.message_ids == ("<d9@digest.example>",)


def test_failed_recipients_header() -> None:
    found = read_bounce(
        letter("could not be delivered", headers={"X-Failed-Recipients": "a@x.example, b@x.example"}, **DAEMON)
    )
    assert found is not None
    assert found.recipients == ("a@x.example", "b@x.example")


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        (
            "Re: Digest 9",
            "The mail to our list could not be delivered because the address was wrong.\n> RR-1 Which ...\n",
        ),
        ("Re: Undeliverable mails", "Some of us got an error 550. Is the address kim@x.example right?\n> hello\n"),
        ("Digest 9", "RR-2: local, please."),
        ("Out of office", "I am out of the office until Monday."),
    ],
)
def test_a_persons_mail_is_no_bounce(subject: str, body: str) -> None:
    assert read_bounce(letter(body, subject=subject, in_reply_to=("<d9@digest.example>",))) is None


def test_codes() -> None:
    assert status_in("said: 550-5.1.1 no such user") == "5.1.1"
    assert status_in("host 192.0.2.5.1") == ""
    assert code_in("450 busy") == "450"
    assert code_in("call 555-1234") == ""
    assert best_status("", "550 no") == "550"
    assert Fate("a@x", "failed").permanent is True
    assert read_fields("Final-Recipient: rfc822; nobody\nAction: failed\n")[0].recipient == "nobody"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=2_000), st.text(max_size=200), st.binary(max_size=2_000))
def test_anything_gives_a_verdict(body: str, subject: str, raw: bytes) -> None:
    found = read_bounce(letter(body, subject=subject, from_addr="mailer-daemon@x.example"), raw)
    assert found is None or found.permanent in (True, False, None)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["Final-Recipient: rfc822; ", "a@x.example", "\n", "Action: failed", ";", "5.1.1", " ", "Status:"]
        )
    )
)
def test_any_mixture_of_fields(pieces: list[str]) -> None:
    assert all(isinstance(fate, Fate) for fate in read_fields("".join(pieces)))


REPORTS = tomllib.loads((Path(__file__).parents[2] / "mail" / "reports.toml").read_text("utf-8"))
RETURNED = (
    "\n\nReturn-Path: <bounce+k3@tidings.example>\nReceived: from tidings.example by mx.example; Mon, 6 Jan 2025 10:00 +0000"
    "\nFrom: Tidings <reply+k3@tidings.example>\nTo: Ana <ana@community.example>\nMessage-ID: <e12@tidings.example>\n"
)


@pytest.mark.parametrize("null", ["Return-Path: <>\n", ""], ids=["null", "sender"])
@pytest.mark.parametrize("server", REPORTS)
def test_reports_of_servers_in_their_own_words(server: str, null: str) -> None:
    report = REPORTS[server]
    raw = (
        f"{null}From: {report['sender']}\nTo: bounce+k3@tidings.example\nSubject: {report['subject']}\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{report['text']}{RETURNED}"
    ).encode()
    found = read_bounce(parse(raw), raw, bool(null))
    assert found is not None
    assert found.recipients == ("ana@community.example",)
    assert found.permanent is report["permanent"]


PERSONS = (
    (
        "Re: Undeliverable: Digest 12",
        "Your digest was undeliverable to june@x.example. Her mailbox is full, use june2@x.example.",
    ),
    (
        "Delivery of the strategy",
        "The delivery of the report failed to reach small groups: the message was not sent to them.",
    ),
    (
        "Re: Digest 12",
        "My last mail was returned to sender: 550 5.1.1 user unknown. Is your address right?\n\nRR-2: agreed.",
    ),
    (
        "Failure notice for the old wiki",
        "The old wiki cannot be reached. The address does not exist any more; remove the link.",
    ),
    (
        "Mail delivery failed",
        "Hello, your mails arrive with broken images: please look at it. The rest is fine for us.",
    ),
    ("Quota", "The quota per region is exceeded in the draft: recipients of grants should be limited."),
)


@pytest.mark.parametrize(("subject", "text"), PERSONS, ids=[subject for subject, _ in PERSONS])
def test_persons_who_write_of_failures(subject: str, text: str) -> None:
    raw = f"From: Ana <ana@community.example>\nTo: reply+k3@tidings.example\nSubject: {subject}\n\n{text}\n".encode()
    assert read_bounce(parse(raw), raw) is None


def test_success_without_fields_is_no_bounce() -> None:
    text = "This is an automatically generated Delivery Status Notification.\n\nDelivered to ana@x.example."
    message = letter(text, from_addr="MAILER-DAEMON@mx.example", subject="Delivery Status Notification (Success)")
    assert read_bounce(message, b"", null_sender=True) is None
