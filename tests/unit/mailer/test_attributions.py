"""Attribution lines of many programs and languages: whole or wrapped, over marked or bare text, above or below."""

import textwrap
import tomllib
from pathlib import Path

import pytest

from mailer.parse import parse
from mailer.segment import segment

TABLE = tomllib.loads((Path(__file__).parents[2] / "mail" / "attributions.toml").read_text("utf-8"))
LINES = [
    pytest.param(line.format(n="Tidings Digest", a="reply+k3@tidings.example"), id=f"{client}-{language}-{number}")
    for client, languages in TABLE.items()
    for language, lines in languages.items()
    for number, line in enumerate(lines)
]
SAID = "We would like small groups to have a seat as well.\n\nThe rest is fine for our community."
QUOTED = ["2. The list of pilots is open until 31 January.", "   Question RR-2: should small groups get a seat?"]
MARKED = "\n".join(f"> {line}" for line in QUOTED)
BARE = "\n".join(QUOTED)


def replies(text: str) -> list[str]:
    found = segment(
        parse(f"From: Ana <ana@community.example>\nContent-Type: text/plain; charset=utf-8\n\n{text}".encode())
    )
    assert "\n".join(s.text for s in found) == text
    return [s.text.strip() for s in found if s.kind == "reply" and s.text.strip()]


def wrapped(line: str, width: int) -> str:
    return "\n".join(
        textwrap.fill(part, width, break_long_words=False, break_on_hyphens=False) for part in line.split("\n")
    )


@pytest.mark.parametrize("line", LINES)
def test_answer_above_marked_lines(line):
    assert replies(f"{SAID}\n\n{line}\n\n{MARKED}\n") == [SAID]


@pytest.mark.parametrize("line", LINES)
def test_answer_above_marked_lines_at_once(line):
    assert replies(f"{SAID}\n\n{line}\n{MARKED}\n") == [SAID]


@pytest.mark.parametrize("line", LINES)
def test_wrapped(line):
    for width in (60, 72, 78):
        assert replies(f"{SAID}\n\n{wrapped(line, width)}\n\n{MARKED}\n") == [SAID]


@pytest.mark.parametrize("line", LINES)
def test_answer_below(line):
    assert replies(f"{line}\n{MARKED}\n\n{SAID}\n") == [SAID]


@pytest.mark.parametrize("line", [param for param in LINES if not param.id.startswith("marked")])
def test_bare_text_below(line):
    assert replies(f"{SAID}\n\n{line}\n\n{BARE}\n") == [SAID]


HEADERS = tomllib.loads((Path(__file__).parents[2] / "mail" / "headers.toml").read_text("utf-8"))
VALUES = ("Tidings Digest <reply+k3@tidings.example>", "6. 1. 2025 10:00", "Ana <ana@community.example>", "Digest 12")
BLOCKS = [
    pytest.param(labels, id=f"{language}-{number}")
    for language, rows in HEADERS["labels"].items()
    for number, labels in enumerate(rows)
]


def marks(kind: str):
    return [
        pytest.param(mark, id=f"{language}-{number}")
        for language, rows in HEADERS[kind].items()
        for number, mark in enumerate(rows)
    ]


def block(labels, shape: str = "{}: {}") -> str:
    return "\n".join(shape.format(label, value) for label, value in zip(labels, VALUES, strict=True))


@pytest.mark.parametrize("labels", BLOCKS)
def test_header_block(labels):
    for shape in ("{}: {}", "{}:\t{}", "*{}:* {}", "{} : {}", "{}： {}"):
        assert replies(f"{SAID}\n\n{block(labels, shape)}\n\n{BARE}\n") == [SAID]
    assert replies(f"{SAID}\n\n{'_' * 32}\n{block(labels)}\n\n{BARE}\n") == [SAID]
    sender, sent, to, subject = block(labels).split("\n")
    assert replies(f"{SAID}\n\n{sent}\n{sender}\n{to}\n{subject}\n\n{BARE}\n") == [SAID]
    assert replies(f"{SAID}\n\n{sender}\n{subject}\n{sent}\n{to}\n\n{BARE}\n") == [SAID]
    marked = "\n".join(f"> {line}" for line in (sender, sent, to, subject))
    assert replies(f"{SAID}\n\n{marked}\n>\n{MARKED}\n") == [SAID]


@pytest.mark.parametrize("mark", marks("original"))
def test_marker_of_the_original(mark):
    for dashes in ("-----", "--------", "---------- ", "________ "):
        line = f"{dashes}{mark}{dashes[::-1]}"
        assert replies(f"{SAID}\n\n{line}\n{block(['From', 'Sent', 'To', 'Subject'])}\n\n{BARE}\n") == [SAID]
        assert replies(f"{SAID}\n\n{line}\n\n{BARE}\n") == [SAID]


@pytest.mark.parametrize("mark", marks("forward"))
def test_marker_of_a_forward(mark):
    for dashes in ("---------- ", "-------- "):
        text = f"{SAID}\n\n{dashes}{mark}{dashes[::-1]}\n{block(['From', 'Date', 'To', 'Subject'])}\n\n{BARE}\n"
        assert replies(text) == [SAID]


def test_address_between_brackets_on_lines_of_their_own():
    line = "On Mon, Jan 6, 2025 at 10:00 AM Tidings Digest\n\n<\nmailto:Tidings Digest <reply+k3@tidings.example>\n> wrote:"
    assert replies(f"{SAID}\n\n{line}\n{BARE}\n") == [SAID]
    assert replies(f"{SAID}\n\n{line}\n\n{MARKED}\n") == [SAID]
