"""Commands in the writer's own words, and prose that only sounds like one."""

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.commands import language_code, read_command
from mailer.phrases import fold, tables

TODAY = date(2026, 11, 3)
SERVICE = ("en", "es", "fr", "de", "ar", "pt", "ru", "zh-Hans", "zh-Hant", "hi", "ja", "id", "sw", "he")
PLAIN = ("unsubscribe", "resume", "weekly", "fortnightly", "monthly", "help", "status")


def said(text: str, subject: str = "Re: Digest 9") -> tuple[str, str] | None:
    found = read_command(subject, text, (), TODAY)
    return (found.read.name, found.read.argument) if found else None


@pytest.mark.parametrize("language", SERVICE)
@pytest.mark.parametrize("name", PLAIN)
def test_every_word_of_every_service_language(language: str, name: str) -> None:
    words = tables()[language]["commands"][name]
    assert words
    for word in words:
        found = said(word)
        assert found is not None, word
        assert found[0] == name or (word in {"stop", "cancel"} and found[0] == "unsubscribe"), (word, found)


@pytest.mark.parametrize("language", SERVICE)
@pytest.mark.parametrize("name", ["withdraw", "fix"])
def test_references(language: str, name: str) -> None:
    for word in tables()[language]["commands"][name]:
        found = read_command("Re: x", f"{word} S-1042\nnew words", (), TODAY)
        if name == "fix":
            assert found is not None, word
            assert (found.read.name, found.read.argument, found.text) == ("fix", "S-1042", "new words")
        else:
            assert said(f"{word} S-1042") == ("withdraw", "S-1042"), word


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("UNSUBSCRIBE", ("unsubscribe", "")),
        ("Hello,\n\nplease unsubscribe me.\n\nThanks!", ("unsubscribe", "")),
        ("I have a new job. Could you take me off the list please?", ("unsubscribe", "")),
        ("Pause bis 1. Dezember, danke", ("pause", "2026-12-01")),
        ("Could we get the digest once a month instead? Thanks", ("monthly", "")),
        ("hour 21", ("hour", "21")),
        ("language: Swahili", ("language", "sw")),
        ("Bitte künftig auf Deutsch", ("language", "de")),
        ("private S-7b", ("private", "S-7b")),
        ("Fix S-12: we meant the region", ("fix", "S-12")),
    ],
)
def test_said(text: str, want: tuple[str, str]) -> None:
    assert said(text) == want


@pytest.mark.parametrize(
    "text",
    [
        "RR-1: unsubscribe links are missing on the wiki.",
        "We think that weekly meetings wear people out and that a monthly rhythm is better for volunteers.",
        "help is needed with the translation of the third page, who can do it?",
        "People leave because nobody thanks them. " * 4,
        "hour by hour",
        "language is a barrier",
        "If you want to unsubscribe click here: https://x.example",
        "pause",
        "",
        "yes",
    ],
)
def test_not_said(text: str) -> None:
    found = said(text)
    assert found is None or (text == "pause" and found == ("pause", ""))


def test_subject_counts_only_without_a_text() -> None:
    assert said("", "unsubscribe") == ("unsubscribe", "")
    assert said("", "Re: unsubscribe") is None
    assert said("RR-1: no.", "unsubscribe") is None


@pytest.mark.parametrize(
    ("name", "code"),
    [("français", "fr"), ("French", "fr"), ("日本語", "ja"), ("العربية", "ar"), ("zh", "zh-Hans"), ("Klingon", "")],
)
def test_language_names(name: str, code: str) -> None:
    assert language_code(name) == code


def test_fold() -> None:
    assert fold("Ｈｅｌｌｏ’s\u00a0 İ") == "hello's i"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=700))
def test_anything_gives_a_verdict(text: str) -> None:
    found = read_command(text[:50], text, (), TODAY)
    assert found is None or found.read.name


SPOKEN = tomllib.loads((Path(__file__).parents[2] / "mail" / "commands.toml").read_text("utf-8"))


@pytest.mark.parametrize(("language", "meant", "written"), SPOKEN["commands"])
def test_command_in_the_writers_language(language, meant, written):
    found = read_command("Re: Digest 12", written, (language,), date(2025, 1, 6))
    assert found is not None
    assert f"{found.read.name} {found.read.argument}".strip() == meant


@pytest.mark.parametrize("written", SPOKEN["others"])
def test_answer_with_a_command_word_is_no_command(written):
    assert read_command("Re: Digest 12", written, ("en",), date(2025, 1, 6)) is None
