"""Intros in every language of the tables; the tables themselves."""

import pytest

from mailer.lexicon import fold, language_tables, lexicon
from mailer.quote import Finder, has_date

TABLES = language_tables()
SECTIONS = {
    "attribution": ("starts", "verbs", "quoting"),
    "header_block": ("from", "sent", "to", "cc", "subject", "original"),
    "forward": ("marks",),
    "signature": ("mobile", "mobile_ends"),
    "closing": ("words",),
}
WANTED = (
    "ar hi he fa ja zh-Hans zh-Hant ko tr cs hu fi el uk vi th bn sw id"
    " en de fr es pt it nl pl ru sv nb da ca ro bg sr hr"
)


def find(text, at):
    lines = text.split("\n")
    return Finder(lines, [line.startswith(">") for line in lines]).find(at)


def test_at_least_the_promised_languages():
    assert set(WANTED.split()) <= set(TABLES)


@pytest.mark.parametrize("code", sorted(TABLES))
def test_table_is_whole(code):
    for section, keys in SECTIONS.items():
        for key in keys:
            words = TABLES[code][section][key]
            assert all(isinstance(w, str) and w.strip() for w in words)
    assert TABLES[code]["attribution"]["verbs"]
    assert TABLES[code]["closing"]["words"]


@pytest.mark.parametrize("code", sorted(TABLES))
def test_what_legal_footers_say_goes_by_known_names(code):
    parts = {
        "mail",
        "secret",
        "addressee",
        "mistake",
        "forbidden",
        "tell",
        "delete",
        "disown",
        "print",
        "firm",
        "data",
        "yours",
    }
    for part, words in TABLES[code].get("disclaimer", {}).items():
        assert part in parts
        assert all(word == fold(word) for word in words)


@pytest.mark.parametrize("code", sorted(TABLES))
def test_header_block_and_marker_of_each_language(code):
    table = TABLES[code]["header_block"]
    block = (
        f"{table['from'][0]}: Tidings <t@tidings.example>\n{table['sent'][0]}: 6.1.2025 10:00\n"
        f"{table['to'][0]}: a@b.example\n{table['subject'][0]}: Digest"
    )
    found = find(block, 0)
    assert found is not None
    assert (found.form, found.start, found.end) == ("headers", 0, 4)
    found = find(f"-----{table['original'][0]}-----\n{block}", 0)
    assert found is not None
    assert (found.form, found.end) == ("original", 5)
    found = find(f"---------- {TABLES[code]['forward']['marks'][0]} ---------", 0)
    assert found is not None
    assert found.form == "forward"


@pytest.mark.parametrize("code", sorted(TABLES))
def test_attribution_verb_of_each_language(code):
    verb = TABLES[code]["attribution"]["verbs"][0]
    found = find(f"6.1.2025 10:00, Tidings <t@tidings.example> {verb}:\n> old", 0)
    assert found is not None
    assert found.form == "attribution"


@pytest.mark.parametrize(
    "text",
    [
        "Time: 10:00\nPlace: here",
        "The committee said: no",
        "Please note the following:",
        "We met on 6.1.2025 at 10:00. Then the board decided:",
        "To: be decided\nSubject: to change",
        "a@b.example",
        "https://a.example/wrote:",
        "From: our side, thanks\nTo: all of you",
    ],
)
def test_ordinary_lines_are_no_intro(text):
    assert find(text, 0) is None


def test_wrapped_attribution_begins_at_its_first_line():
    text = "Fine.\nOn Mon, Jan 6, 2025 at 10:00 AM Somebody With A Long Name\n<somebody@tidings.example>\nwrote:\n> old"
    found = find(text, 3)
    assert found is not None
    assert (found.start, found.end) == (1, 4)


def test_fold_and_dates():
    assert fold("\u202bفي ٦ يناير ٢٠٢٥：\u202c") == "في 6 يناير 2025:"
    assert has_date("6 january 2025")
    assert has_date("2025/1/6")
    assert not has_date("item 12 of the list")


def test_tables_are_read_once():
    assert lexicon() is lexicon()


@pytest.mark.parametrize(
    ("pattern", "section", "key"),
    [("verbs", "attribution", "verbs"), ("closings", "closing", "words")],
)
def test_every_word_of_a_table_is_found_whole(pattern, section, key):
    for table in TABLES.values():
        for word in map(fold, table[section][key]):
            match = getattr(lexicon(), pattern).search(word)
            assert match is not None
            assert match.group() == word
