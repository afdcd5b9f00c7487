"""Wishes about one's own mail in whole sentences, and sentences about something else."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from mailer.commands import read_command
from mailer.nod import nod_in
from mailer.wish import _understood, read_wish, wants_to_join

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


@pytest.mark.parametrize(
    "text",
    [
        "How can I get these digests?",
        "subscribe",
        "Please add me to your mailing list.",
        "Comment recevoir ces messages ?",
        "Wie bekomme ich den Newsletter?",
        "¿Cómo puedo recibir el boletín?",
        "Как подписаться на рассылку?",
        "如何订阅？",
        "Bagaimana cara menerima digest ini?",
        "איך אפשר להצטרף לרשימה?",
        "كيف يمكنني استلام النشرة؟",
    ],
)
def test_who_asks_to_get_the_mails(text: str) -> None:
    assert wants_to_join(text)


@pytest.mark.parametrize("text", ["Please add this to the list.", "Add a question on grants.", "How do I get there?"])
def test_who_does_not(text: str) -> None:
    assert not wants_to_join(text)


def test_a_nod_may_be_signed() -> None:
    assert nod_in("Merci beaucoup !\n\nClaire") == "thanks"
    assert nod_in("Merci beaucoup !\n\nClaire refuse") == ""


def test_marks_alone_are_looked_up_in_no_vocabulary() -> None:
    assert list(_understood("[" * 240, TODAY)) == []
