"""mailer.header: nothing from outside makes a line (HI01), and lines are as RFC 5322 and 2047 want them."""

import email
import email.header
import email.policy
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer import header
from mailer.address import parse

HOSTILE = st.text(
    st.one_of(
        st.sampled_from('\r\n\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\u202e:<>@,;"\\()=?_ \t'),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=300,
)
ANA = parse("ana@example.org")


def fields(data: bytes) -> list[str]:
    """Names of header fields as a second parser sees them, on any of the line ends that some parser splits at."""
    parsed = email.message_from_bytes(data + b"\r\nbody\r\n")
    assert parsed.get_payload().strip() == "body"
    assert not parsed.defects
    own = [
        raw.split(b":")[0].decode()
        for raw in re.split(rb"\r\n|\r|\n|\x0b|\x0c|\x1c|\x1d|\x1e|\x85", data)
        if raw and raw[:1] not in b" \t"
    ]
    assert own == parsed.keys()
    return parsed.keys()


def decoded(line: bytes) -> str:
    value = email.message_from_bytes(line + b"\r\n").items()[0][1]
    return str(email.header.make_header(email.header.decode_header(re.sub(r"\r\n[ \t]", " ", value))))


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_value_makes_a_field(subject, name, rest):
    data = b"".join(
        [
            header.line("Subject", subject),
            header.addresses("To", [(name, ANA), (rest, ANA)]),
            header.tokens("Feedback-ID", "x" + rest),
            header.message_ids("References", ["<a@example.org>", rest, f"<{name}@x>"]),
            header.uris("List-Help", ["https://example.org/" + rest, header.mailto("x@example.org", subject)]),
            header.list_lines(header.ListNames("core.example.org", phrase=name)),
        ]
    )
    assert data.isascii()
    assert all(len(text) <= 998 for text in data.split(b"\r\n"))
    wanted = ["Subject", "To", "Feedback-ID", "References", "List-Help", "List-Id", "List-Post"]
    assert fields(data) == wanted


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Zl", "Zp", "Cf")), max_size=200))
def test_subject_reads_back(text):
    line = header.line("Subject", text)
    assert decoded(line) == " ".join(text.split())


@pytest.mark.parametrize("text", ["Grüße aus Köln " * 20, "戦略に関するお知らせ" * 20, "👩‍👩‍👧 " * 40, "=?utf-8?q?x?="])
def test_encoded_words_are_short_and_whole(text):
    line = header.line("Subject", text)
    assert all(len(part) <= 76 for part in line.split(b"\r\n"))
    for word in re.findall(rb"=\?utf-8\?[qb]\?[^?]*\?=", line):
        assert len(word) <= 75
        email.header.decode_header(word.decode())[0][0].decode("utf-8")
    assert decoded(line) == " ".join(text.split())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Ana Ruiz", b"To: Ana Ruiz <ana@example.org>\r\n"),
        ("Ruiz, Ana", b'To: "Ruiz, Ana" <ana@example.org>\r\n'),
        ('A "B" \\ C', b'To: "A \\"B\\" \\\\ C" <ana@example.org>\r\n'),
        ("", b"To: ana@example.org\r\n"),
        ("J. Doe", b'To: "J. Doe" <ana@example.org>\r\n'),
        ("أمينة", b"To: =?utf-8?b?2KPZhdmK2YbYqQ==?= <ana@example.org>\r\n"),
    ],
)
def test_display_names(name, wanted):
    assert header.addresses("To", [(name, ANA)]) == wanted


def test_names_hold_no_bidi_controls():
    assert decoded(header.addresses("To", [("\u2067أمينة\u2069", ANA)])) == "أمينة <ana@example.org>"


def test_only_a_local_part_beyond_ascii_makes_utf8():
    assert header.addresses("To", [("Señora", parse("ana@bücher.example"))]).isascii()
    line = header.addresses("To", [("", parse("señora@example.org"))])
    assert line == "To: señora@example.org\r\n".encode()


def test_several_addresses_fold():
    line = header.addresses("To", [("Somebody With A Name", ANA)] * 6)
    assert all(len(part) <= 78 for part in line.split(b"\r\n"))
    message = email.message_from_bytes(line + b"\r\n", policy=email.policy.default)
    assert len(message["To"].addresses) == 6


def test_date_needs_a_zone():
    at = datetime(2020, 10, 23, 19, 0, tzinfo=UTC)
    assert header.date("Date", at) == b"Date: Fri, 23 Oct 2020 19:00:00 +0000\r\n"
    with pytest.raises(ValueError, match="zone"):
        header.date("Date", at.replace(tzinfo=None))


def test_list_lines():
    names = header.ListNames(
        "core.tidings.example.org",
        "Strategy digest",
        "mailto:core-request@x.example?subject=help",
        "",
        "mailto:core-owner@x.example",
    )
    assert header.list_lines(names).decode().split("\r\n") == [
        "List-Id: Strategy digest <core.tidings.example.org>",
        "List-Help: <mailto:core-request@x.example?subject=help>",
        "List-Post: NO",
        "List-Owner: <mailto:core-owner@x.example>",
        "",
    ]


def test_leave_lines():
    url, mail = "https://t.example/leave/abc", "leave+abc@t.example"
    plain = header.leave_lines(url, mail, one_click=False)
    assert plain.replace(b"\r\n ", b" ") == (
        b"List-Unsubscribe: <https://t.example/leave/abc>, <mailto:leave%2Babc@t.example?subject=unsubscribe>\r\n"
    )
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in header.leave_lines(url, mail, one_click=True)
    assert b"Post" not in header.leave_lines("", mail, one_click=True)


def test_nothing_to_say_is_no_line():
    assert header.message_ids("References", ["nonsense"]) == b""
    assert header.uris("List-Help", [""]) == b""


def test_a_bad_header_name_is_refused():
    with pytest.raises(ValueError, match="header name"):
        header.line("X: y\r\nBcc", "z")


def test_file_names():
    assert header.filename("dates.ics") == 'filename="dates.ics"'
    assert header.filename("../né.ics") == "filename*=UTF-8''.._n%C3%A9.ics"
    assert "\n" not in header.filename('a"\r\nX: y')


def test_what_no_line_can_hold_is_left_out():
    long = "https://example.org/" + "ď" * 300
    assert header.uris("List-Help", [long]) == b""
    assert header.uris("List-Help", [long, "https://example.org/"]) == b"List-Help: <https://example.org/>\r\n"
    assert header.message_ids("References", [f"<{'a' * 1000}@x>", "<b@x>"]) == b"References: <b@x>\r\n"
