"""The object of `tidings explain --json`, and what its --context file may hold."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.explain import context_for, envelope_of, explain, sent_lines
from tests.letters import letter

KEYS = [
    "file", "kind", "rule", "disposition", "visibility", "subject", "segments", "text", "language", "statements",
    "attachments", "bounce", "complaint", "command", "autoreply", "warnings",
]  # fmt: skip
DOCUMENT = {
    "digests": {"d9": {"date": "2026-11-03", "subject": "Digest 9: drafts are out", "asks": ["RR-1", "RR-2"]}},
    "questions": {
        "RR-1": {"track": "roles", "text": "Which structures?"},
        "RR-2": {"track": "roles", "text": "Where?"},
    },
    "roster": [
        {"address": "Kim@north.example", "languages": ["nb", "en"]},
        {"addresses": ["a@x.example", "b@x.example"]},
    ],
    "now": "2026-11-03",
}


def mail(body: str, headers: str = "") -> bytes:
    return f"From: Kim <kim@north.example>\nTo: reply@digest.example\nSubject: Re: x\n{headers}\n{body}\n".encode()


def test_keys_and_their_order() -> None:
    assert list(explain(mail("hello there"), "a.eml")) == KEYS
    assert list(explain(b"", "b.eml")) == KEYS


def test_values_are_plain_json() -> None:
    found = explain(mail("RR-1: yes", "In-Reply-To: <d9@digest.example>\n"), "a.eml", DOCUMENT)
    assert json.loads(json.dumps(found)) == found
    assert found["statements"][0]["anchors"][0] == {"kind": "question", "ref": "RR-1"}
    assert found["bounce"] is None
    assert found["autoreply"] is None


def test_automatic_answer_and_command() -> None:
    away = explain(mail("I am out of the office until 12 November.", "Auto-Submitted: auto-replied\n"), "a", DOCUMENT)
    assert away["autoreply"] == {"until": "2026-11-12"}
    assert explain(mail("monthly"), "a")["command"] == {"name": "monthly", "argument": ""}


def test_notes_stand_among_the_warnings() -> None:
    assert "note: supports" in explain(mail("+1"), "a")["warnings"]


@pytest.mark.parametrize(
    "fields",
    [
        {"in_reply_to": ("<d9@digest.example>",)},
        {"subject": "Re: Digest 9: drafts are out"},
        {"to": ("reply+d9@x.example",)},
    ],
)
def test_the_digest_that_is_answered_is_found(fields: dict[str, object]) -> None:
    context = context_for(letter("x", **fields), DOCUMENT)
    assert [(item.number, item.code, item.track) for item in context.items] == [
        (1, "RR-1", "roles"),
        (2, "RR-2", "roles"),
    ]


def test_another_digest_is_not() -> None:
    assert context_for(letter("x", in_reply_to=("<d90@digest.example>",)), DOCUMENT).items == ()


def test_the_writer() -> None:
    context = context_for(letter("x"), DOCUMENT)
    assert (context.writer_known, context.writer_languages) == (True, ("nb", "en"))
    assert context_for(letter("x", from_addr="b@x.example"), DOCUMENT).writer_known is True
    assert context_for(letter("x", from_addr="z@x.example"), DOCUMENT).writer_known is False
    assert context_for(letter("x"), {}).writer_known is None


def test_other_shapes_of_the_same() -> None:
    document = {
        "items": [{"title": "one"}, {"number": "7", "title": "seven", "code": "A-1"}],
        "questions": [{"id": "A-1", "text": "why?"}, "B-2"],
        "tracks": {"roles": ["governance"], "money": {"name": "Money", "words": "cash"}},
        "own_addresses": "a@x.example, b@x.example",
    }
    context = context_for(letter("x"), document)
    assert [(i.number, i.title) for i in context.items] == [(1, "one"), (7, "seven")]
    assert [q.code for q in context.questions] == ["A-1", "B-2"]
    assert [(t.slug, t.words) for t in context.tracks] == [("roles", ("governance",)), ("money", ("cash",))]
    assert context.own_addresses == ("a@x.example", "b@x.example")


def test_envelope_of_a_stored_mail() -> None:
    assert envelope_of(letter("x", headers={"Return-Path": "<>"})).mail_from == ""
    assert envelope_of(letter("x")).mail_from == "kim@north.example"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("items", "questions", "digests", "tracks", "roster", "now", "token_item"), values)
    )
)
def test_any_document_is_survived(document: dict[str, object]) -> None:
    context_for(letter("x"), document)


def test_a_mail_of_ours_is_known_again_by_its_lines() -> None:
    ours = b"Content-Type: text/plain\n\nWho should decide about grants, and why?\n\nReply under the question.\n"
    answer = (
        b"Subject: Re: Digest\nContent-Type: text/plain\n\nSee below.\n\nFrom: Tidings <core@process.example>\n"
        b"Sent: Monday, March 2, 2026 9:00 AM\nTo: Ana\nSubject: Digest\n\n"
        b"Who should decide about grants, and why?\nThe regions.\nReply under the question.\n"
    )
    assert explain(answer)["text"] == "See below."
    assert explain(answer, document={"sent_lines": sent_lines(ours)})["text"] == "See below.\n\nThe regions."
