"""Any input gives a verdict: mutated mails, mails built from what readers look for, and work that grows with the size.

The short form; `make fuzz` runs the long one.
"""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer import tnef
from mailer.commands import read_command
from mailer.explain import explain
from mailer.html import to_lines, to_text
from mailer.mask import mask
from mailer.parse import parse
from tests.fuzz.judge import CONTEXT, NOW, judge, steps
from tests.fuzz.mutate import WORDS, mutated, seeds

SEEDS = seeds()
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
SPRINKLED = st.lists(st.sampled_from(WORDS) | st.binary(max_size=30), max_size=60).map(b"".join)
TEXT = st.lists(st.sampled_from([w.decode("utf-8", "replace") for w in WORDS]) | st.text(max_size=30), max_size=40)


@pytest.mark.parametrize("start", range(8))
def test_mutated_mails_give_a_verdict(start: int) -> None:
    rng = Random(start)
    for _ in range(40):
        judge(mutated(rng, SEEDS))


@QUICK
@given(SPRINKLED, SPRINKLED)
def test_mails_of_nothing_but_signs_give_a_verdict(head: bytes, body: bytes) -> None:
    judge(b"From: ana@west.example\nTo: core@process.example\n" + head + b"\n\n" + body)


@QUICK
@given(TEXT.map("".join))
def test_readers_of_text_take_any(text: str) -> None:
    assert mask("RR-1 " + text).startswith("RR-1 ")
    read_command(text, text, CONTEXT.writer_languages, NOW.date())
    assert to_text(text) is not None
    assert all("\n" not in line.text for line in to_lines(text))


@QUICK
@given(st.binary(max_size=400), st.integers(0, 0xFFFF))
def test_any_winmail_unpacks_or_not(rest: bytes, key: int) -> None:
    found = tnef.unpack(b"\x78\x9f\x3e\x22" + key.to_bytes(2, "little") + rest)
    assert all(isinstance(data, bytes) for _, data in found.files)


FAMILIES = {
    "quotes": "> RR-1 yes\n", "deep quotes": ">", "attributions": "On Mon, 11 Mar 2019 at 10:00, Ana <a@b.example> wrote:\n",
    "answers": "On Mon, 11 Mar 2019 at 10:00, Ana <a@b.example> wrote:\n> Why?\n\nBecause.\n\n",
    "tabs": "On Mon, 11 Mar 2019 at 10:00, Ana <a@b.example> wrote:\n\twhy\n", "half attributions": "On Mon, 11 Mar 2019 at 10:00,\n", "codes": "RR-1 ", "numbers": "1: no\n", "brackets": "([{<", "dashes": "-- \n",
    "labels": "From: a\nSent: b\n", "addresses": "a@b.example ", "numbers to mask": "+351 21 000 0000 ", "blank": " \t\n", "words": "could not ",
    "one word": "x", "combining": "e\u0301", "right to left": "في كتب: ", "cjk": "写道：", "status": "<a@b.example>: 550 5.1.1 no\n",
    "days": "11 March 2019, ", "links": "https://x.example/a ",
}  # fmt: skip
TAGS = {
    "open": "<div>", "closed": "<p>a</p>", "quotes": "<blockquote type=cite>", "cells": "<table><tr><td>", "attributes": "<a b='c' ",
    "half": "<a", "comments": "<!-- ", "entities": "&amp;", "breaks": "<br>", "gmail": "<div class=gmail_quote>a",
}  # fmt: skip


def grows(build: str, size: int, kind: str) -> None:
    """Four times as much takes at most about four times the steps; quadratic work would take sixteen."""
    few, many = (
        f"From: a@b.example\nSubject: x\nContent-Type: text/{kind}; charset=utf-8\n\n{build * (n // len(build))}\n".encode()
        for n in (size, 4 * size)
    )
    assert work(many) < 6 * work(few) + 20_000


def work(mail: bytes) -> int:
    """The steps of understanding a mail and of masking it, apart from reading tables for the first time."""

    def run() -> None:
        mask(explain(mail)["text"])

    run()
    return steps(run)


@pytest.mark.parametrize("family", FAMILIES)
def test_work_grows_with_the_body(family: str) -> None:
    grows(FAMILIES[family], 12_000, "plain")


@pytest.mark.parametrize("family", TAGS)
def test_work_grows_with_the_html(family: str) -> None:
    grows(TAGS[family], 12_000, "html")


@pytest.mark.parametrize(
    "unit", [b"Received: from a by b\n", b"References: <a@b>\n", b"To: a@b.example, b@b.example\n", b"Subject: =?utf-8?q?a?= \n",
             b"X: y;\n z\n", b"Content-Type: multipart/mixed; boundary=b\n"],
)  # fmt: skip
def test_work_grows_with_the_header(unit: bytes) -> None:
    few, many = (b"From: a@b.example\n" + unit * n + b"\nhello\n" for n in (200, 800))
    assert work(many) < 6 * work(few) + 20_000


@pytest.mark.parametrize("depth", [10, 1_000])
@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed; boundary=b"])
def test_nesting_ends_somewhere(depth: int, kind: str) -> None:
    head = f"Content-Type: {kind}\n\n" + ("--b\n" if "multipart" in kind else "")
    mail = (head * depth + "Content-Type: text/plain\n\nhello\n").encode()
    judge(mail)
    assert any(warning.startswith("too-") for warning in parse(mail).warnings) == (depth == 1_000)
