"""Wishes about one's own mail in whole sentences, and sentences about something else."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from mailer.commands import read_command
from mailer.wish import read_wish

TODAY = date(2019, 4, 17)
SAID = tomllib.loads((Path(__file__).parents[2] / "mail" / "wishes.toml").read_text("utf-8"))


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in SAID.items() for text in texts])
def test_a_sentence_about_mail_is_a_command_and_no_other_is(name: str, text: str) -> None:
    command = read_command("Re: Digest 14", text, (), TODAY)
    assert (command.read.name if command else "none") == name


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("Could I have this in French, please?", "language", "fr"),
        ("Пришлите, пожалуйста, на английском.", "language", "en"),
        ("Könnte ich das auf Spanisch bekommen?", "language", "es"),
        ("Please send it at 7 in the morning.", "hour", "7"),
        ("À 18 h, c'est mieux pour moi", "hour", "18"),
        ("No mails until 3 June please", "pause", "2019-06-03"),
        ("Weekly is too much; monthly please.", "monthly", ""),
        ("Monthly instead of every week, please.", "monthly", ""),
        ("Could I have it monthly, and in French?", "settings", ""),
    ],
)
def test_what_is_asked_for(text: str, name: str, argument: str) -> None:
    read = read_wish(text, TODAY)
    assert read is not None
    assert (read.name, read.argument) == (name, argument)


@pytest.mark.parametrize("text", ["", "?", "Bananas, please, once a month", "mail " * 40, "Stop the monthly mail"])
def test_what_is_no_wish(text: str) -> None:
    assert read_wish(text, TODAY) is None
