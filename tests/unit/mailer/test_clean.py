"""mailer.clean: total, idempotent, and nothing left that makes a line."""

from hypothesis import given
from hypothesis import strategies as st

from mailer.clean import clean, clean_text, one_line

ANY = st.text(st.characters())


@given(ANY)
def test_nothing_left_that_any_parser_breaks_a_line_at(text):
    for found in (clean(text), one_line(text)):
        assert len(found.splitlines()) <= 1
        assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in found)
    assert one_line(one_line(text)) == one_line(text)
    clean_text(text).encode()


@given(ANY)
def test_text_keeps_its_lines(text):
    assert clean_text(clean_text(text)) == clean_text(text)
    assert "\r" not in clean_text(text)


def test_examples():
    assert one_line("a\r\nb\x0bc\u2028d\x85e\tf") == "a b c d e f"
    assert clean("a\r\nb\u202ec\ufeff\ud800") == "abc"
    assert clean_text("a\r\nb\rc\u2029d\x00") == "a\nb\nc\nd"
    assert one_line("\u2067עברית\u2069") == "\u2067עברית\u2069"
