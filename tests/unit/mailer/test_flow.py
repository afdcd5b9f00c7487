"""mailer.flow: RFC 3676, columns, and scripts without blanks."""

from hypothesis import given
from hypothesis import strategies as st

from mailer.flow import columns, flow, unspaced, wrap
from mailer.flowed import unflow


@given(st.lists(st.text("abcde", min_size=1, max_size=12), min_size=1, max_size=80))
def test_wrapped_lines_fit_and_join_again(words):
    text = " ".join(words)
    flowed = flow(text)
    assert all(len(line.rstrip()) <= 72 for line in flowed.split("\n"))
    assert unflow(flowed, False) == text


@given(st.text("戦略に関するお知らせ、。「」abc ", min_size=1, max_size=200))
def test_delsp_gives_back_every_character(text):
    text = " ".join(text.split())
    flowed = flow(text, delsp=True)
    assert unflow(flowed, True).rstrip() == text.rstrip()
    assert all(columns(line.rstrip()) <= 74 for line in flowed.split("\n"))


def test_stuffing():
    assert flow("From here\n> quoted\n>not quoted\n indented") == " From here\n> quoted\n >not quoted\n  indented"


def test_the_signature_delimiter_stays():
    assert flow("a\n-- \nb") == "a\n-- \nb"


def test_quotes_keep_their_mark_on_every_line():
    lines = flow("> " + "word " * 40).split("\n")
    assert len(lines) > 1
    assert all(line.startswith("> ") for line in lines)


def test_columns():
    assert columns("abc") == 3
    assert columns("戦略") == 4
    assert columns("e\u0301\u200d") == 1


def test_no_closing_mark_starts_a_line():
    lines = wrap("戦略、" * 40, 20, delsp=True)
    assert all(not line.startswith("、") for line in lines)


def test_unspaced():
    assert unspaced("zh_Hans")
    assert unspaced("ja-JP")
    assert not unspaced("ko")
