"""HTML as lines: what is shown, and the structure it stood in."""

import pytest

from mailer.html import to_lines, to_text
from mailer.lexicon import Selectors


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ("a<br>b", "a\nb"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("a <b>bold</b>\n  word", "a bold word"),
        ("<style>x</style><script>y</script>a<!-- c -->", "a"),
        ("&lt;a&gt; &amp; &nbsp;b", "<a> & b"),
        ("<ul><li>one<li>two</ul>", "* one\n* two"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("1 < 2", "1 < 2"),
        ("<a href='x>y'>z</a>", "z"),
        ("", ""),
    ],
)
def test_shown_text(source, want):
    assert to_text(source) == want


def test_marks_of_programs():
    lines = to_lines('new<blockquote type="cite">old</blockquote><div class="x_moz-signature">Ana</div>')
    assert [(x.text, x.mark) for x in lines if x.text] == [("new", ""), ("old", "quote"), ("Ana", "signature")]


def test_everything_after_a_reply_header_is_rest():
    lines = to_lines('new<div><div id="divRplyFwdMsg">From: a</div></div><p>old</p>')
    assert [(x.text, x.mark) for x in lines if x.text] == [("new", ""), ("From: a", "rest"), ("old", "rest")]


def test_indent_button_is_no_quote():
    lines = to_lines('<blockquote style="margin: 0 0 0 40px; border: none; padding: 0px">mine</blockquote>')
    assert {x.mark for x in lines if x.text} == {""}


def test_deep_nesting_is_flat_work():
    assert to_text("<div>" * 50_000 + "x") == "x"
    assert to_text("<b id=1>" * 20_000 + "<p>" * 2_000 + "x").strip() == "x"


def test_selector_that_nobody_can_read_is_refused():
    with pytest.raises(ValueError, match="no such selector"):
        Selectors().add("div > p", "quote", "test")
