"""Phrases of the tables in a text: whole words, stems, scripts without spaces, and where each stands."""

import pytest

from mailer.phrases import Phrases, fold

SET = Phrases(
    [
        ("take over", "en", "handover"),
        ("take", "en", "take"),
        ("übernimm", "de", "handover"),
        ("je", "fr", "self"),
        ("(soon)", "en", "soon"),
        ("引き継", "ja", "handover"),
    ]
)


def names(text: str, stems: bool = False) -> list[tuple[str, str]]:
    return [(found.phrase, found.language) for found in SET.find(fold(text), stems=stems)]


def test_longer_phrases_come_first_where_two_begin_at_one_place() -> None:
    assert names("I take over, and you take it.") == [("take over", "en"), ("take", "en"), ("take", "en")]


@pytest.mark.parametrize(
    ("text", "whole", "stems"),
    [
        ("She takes over", [], ["take"]),
        ("Er übernimmt das", [], ["übernimm"]),
        ("overtake", [], []),
        ("je suis", ["je"], ["je"]),
        ("jeder", [], []),  # a phrase of fewer than three letters is never the beginning of another word
        ("(soon)", ["(soon)"], ["(soon)"]),
        ("soon", [], []),
    ],
)
def test_a_phrase_is_a_whole_word_unless_stems_are_asked_for(text: str, whole: list[str], stems: list[str]) -> None:
    assert [phrase for phrase, _ in names(text)] == whole
    assert [phrase for phrase, _ in names(text, stems=True)] == stems


def test_scripts_without_spaces_are_searched_inside_words() -> None:
    assert names("六月から山田が引き継ぎます") == [("引き継", "ja")]


def test_places_are_those_of_the_folded_text() -> None:
    text = fold("Well,  TAKE\tover now")
    assert [text[found.start : found.end] for found in SET.find(text)] == ["take over", "take"]


def test_nothing_is_found_in_nothing() -> None:
    assert SET.first("") is None
    assert SET.first("¿…?") is None
