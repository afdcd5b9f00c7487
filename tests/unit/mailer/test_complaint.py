"""Complaints (RFC 5965 and older forms), receipts (RFC 8098), calendar answers, reactions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.calendar_reply import is_calendar_reply, method_of
from mailer.complaint import read_complaint
from mailer.mdn import is_receipt
from mailer.message import Part
from mailer.reaction import only_emoji, reaction_in
from tests.letters import letter

RETURNED = Part("message/rfc822", "To: ana@x.example\nMessage-ID: <d9@digest.example>\n\ntext")


def test_report_with_fields() -> None:
    fields = "Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <ana@x.example>\n"
    found = read_complaint(letter(parts=(Part("message/feedback-report", fields), RETURNED)))
    assert found is not None
    assert (found.feedback_type, found.recipients) == ("abuse", ("ana@x.example",))
    assert found.message_ids == ("<d9@digest.example>",)


def test_recipient_of_the_returned_mail_where_the_report_names_none() -> None:
    found = read_complaint(letter(parts=(Part("message/feedback-report", "Feedback-Type: opt-out\n"), RETURNED)))
    assert found is not None
    assert found.recipients == ("ana@x.example",)


def test_broken_frame() -> None:
    raw = b"Content-Type: multipart/report; report-type=feedback-report\n\nFeedback-Type: fraud\nVersion: 1\n"
    message = letter(headers={"Content-Type": "multipart/report; report-type=feedback-report"})
    found = read_complaint(message, raw)
    assert found is not None
    assert found.feedback_type == "fraud"


def test_older_forms() -> None:
    attached = letter(
        parts=(RETURNED,), from_addr="staff@web.example", subject="complaint about message from 192.0.2.1"
    )
    assert read_complaint(attached) is not None
    redirected = letter("spam", headers={"X-HmXmrOriginalRecipient": "ana@x.example"})
    found = read_complaint(redirected)
    assert found is not None
    assert found.recipients == ("ana@x.example",)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Re: Digest 9", "I marked this as spam by mistake, sorry."),
        ("Abuse report in our wiki", "RR-3: see the abuse report of 2019."),
    ],
)
def test_talk_about_abuse_is_no_complaint(subject: str, body: str) -> None:
    assert read_complaint(letter(body, subject=subject)) is None


def test_receipts() -> None:
    assert is_receipt(letter(parts=(Part("message/disposition-notification", "Disposition: x; displayed"),)))
    assert is_receipt(letter("Your message\n\nwas read on Tuesday.", subject="Read: Digest 9"))
    assert not is_receipt(letter("Read: RR-1 was read aloud in our meeting", subject="Re: Digest 9"))
    assert not is_receipt(letter("I have read it. We agree with all of it.", subject="Read: Digest 9"))


def calendar(method: str) -> Part:
    return Part(
        "text/calendar",
        f"BEGIN:VCALENDAR\nMETHOD:{method}\nATTENDEE;PARTSTAT=ACCEPTED:mailto:a@x\n",
        (("method", method),),
    )


def test_calendar_answers() -> None:
    message = letter("Ana has accepted", parts=(calendar("REPLY"),), subject="Accepted: Office hours")
    assert is_calendar_reply(message, "Ana has accepted")
    assert method_of(message) == "REPLY"


def test_invitation_with_words_is_a_reply() -> None:
    words = "RR-1: we would rather meet and talk about it. Here is an invitation to our call on Thursday."
    message = letter(words, parts=(calendar("REQUEST"),), subject="Re: Digest 9")
    assert not is_calendar_reply(message, words)


@pytest.mark.parametrize("text", ['{"emoji": "🎉", "version": 1}', '{"emoji": 5}', "not json", "[" * 2_000])
def test_reactions(text: str) -> None:
    assert reaction_in(letter("x", parts=(Part("text/vnd.google.email-reaction+json", text),)))


def test_reaction_sentence_and_lone_emoji() -> None:
    assert reaction_in(letter("👍\n\nAna Reyes reacted via Gmail\n")) == "👍"
    assert reaction_in(letter("👍 we agree\n\nAna\n")) == ""
    assert only_emoji(" 👍👍 ") == "👍👍"
    assert only_emoji("+1") == ""


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=800), st.text(max_size=120), st.text(max_size=400))
def test_anything_gives_a_verdict(body: str, subject: str, part: str) -> None:
    kinds = ("message/feedback-report", "text/calendar", "text/vnd.google.email-reaction+json", "message/rfc822")
    message = letter(body, subject=subject, parts=tuple(Part(kind, part) for kind in kinds))
    read_complaint(message, body.encode())
    is_receipt(message)
    is_calendar_reply(message, body)
    reaction_in(message)
