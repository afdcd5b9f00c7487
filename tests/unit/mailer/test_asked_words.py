"""The words that our letters ask for are words that our readers of mail understand, in every language."""

import re
from datetime import date
from gettext import GNUTranslations
from pathlib import Path

import pytest

from flows.understand import _UNDO, _YES
from mailer import words
from mailer.commands import read_command
from mailer.phrases import fold

QUOTED = re.compile(r"[«“„”「](?:\s|\u00a0|\u202f)*([^«»“”„「」]{1,30}?)(?:\s|\u00a0|\u202f)*[»”“」]")
YES = (
    "Should it be filed as input from the community? Then answer this mail with “yes”. Your address is not published.",
    "Did you write it? Then answer this mail with “yes”.",
    "To confirm, answer this mail with “yes”.",
)
RESUME = (
    "Nothing is lost: the next one tells everything that changed meanwhile. To have it back earlier, answer this mail"
    " with “resume”."
)
RECEIPT = (
    "Is something wrong? Answer this mail. “withdraw %(ref)s” takes a statement back, “private %(ref)s” hides it, and"
    " “fix %(ref)s” with new words below it corrects it."
)
UNDO = "Was it a mistake? Answer this mail with “undo” within %(num)d day."


def catalogue(lang: str) -> GNUTranslations:
    folder = Path(__file__).parents[3] / "templates" / "locale" / lang / "LC_MESSAGES"
    return words.catalogue((folder / "tidings.mo").read_bytes())


def asked(sentence: str) -> str:
    (word,) = QUOTED.findall(sentence)
    return str(word)


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_the_word_asked_for_is_understood(lang: str) -> None:
    said = catalogue(lang)
    for message in YES:
        word = asked(said.gettext(message))
        assert fold(word) in _YES, (lang, word)
        assert lang == "en" or word != "yes"
    for number in (1, 2, 5, 11, 30):
        word = asked(said.ngettext(UNDO, UNDO.replace("day.", "days."), number))
        assert fold(word) in _UNDO, (lang, word)
        assert lang == "en" or word != "undo"
    word = asked(said.gettext(RESUME))
    command = read_command("", word)
    assert command is not None, (lang, word)
    assert command.read.name == "resume"
    assert lang == "en" or word != "resume"


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_a_receipt_asks_in_words_of_its_language(lang: str) -> None:
    said = catalogue(lang).gettext(RECEIPT) % {"ref": "S-1042"}
    asked_for = QUOTED.findall(said)
    assert len(asked_for) == 3, said
    for word, name in zip(asked_for, ("withdraw", "private", "fix"), strict=True):
        command = read_command("Re: receipt", f"{word}\nWe need more time." if name == "fix" else word)
        assert command is not None, (lang, word)
        assert (command.read.name, command.read.argument) == (name, "S-1042")
        assert command.text == ("We need more time." if name == "fix" else "")
        assert lang == "en" or word != f"{name} S-1042"


HELP = {
    "status": "status ",
    "pause 2020-06-01": "pause 2020-06-01",
    "resume": "resume ",
    "language fr": "language fr",
    "fix S-1042": "fix S-1042",
    "withdraw S-1042": "withdraw S-1042",
    "private S-1042": "private S-1042",
    "unsubscribe": "unsubscribe ",
}


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_help_names_commands_in_words_of_its_language(lang: str) -> None:
    said = catalogue(lang)
    cadences = said.gettext("weekly, fortnightly, monthly")
    meant = {said.gettext(word): name.strip() for word, name in HELP.items()}
    parts = re.split(r"[,،、，]\s*", cadences)
    meant |= dict(zip(parts, ("weekly", "fortnightly", "monthly"), strict=True))
    for word, name in meant.items():
        command = read_command("", word, (), date(2020, 1, 1))
        assert command is not None, (lang, word)
        assert f"{command.read.name} {command.read.argument}".strip() == name, (lang, word)
