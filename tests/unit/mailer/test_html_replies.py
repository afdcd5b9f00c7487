"""Replies in the HTML of nearly fifty mail programs: the structure says what is quoted, in whatever language."""

import tomllib
from pathlib import Path

import pytest

from mailer.parse import parse
from mailer.segment import segment

TABLE = tomllib.loads((Path(__file__).parents[2] / "mail" / "html.toml").read_text("utf-8"))
ONE, TWO = "We would like small groups to have a seat as well.", "The rest is fine for our community."
QUOTE, MORE = "2. The list of pilots is open until 31 January.", "Question RR-2: should small groups get a seat?"


@pytest.mark.parametrize("client", TABLE)
def test_only_what_was_said_is_the_reply(client):
    filled = TABLE[client].replace("{one}", ONE).replace("{two}", TWO).replace("{quote}", QUOTE).replace("{more}", MORE)
    head = "From: Ana Ruiz <ana@community.example>\nSubject: Re: Digest 12\nContent-Type: text/html; charset=utf-8\n\n"
    found = segment(parse((head + filled).encode()))
    assert " ".join(" ".join(s.text for s in found if s.kind == "reply").split()) == f"{ONE} {TWO}"
    quoted = " ".join(s.text for s in found if s.kind == "quote")
    assert QUOTE in quoted
