"""mailer.markdown: safe HTML, good text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.markdown import to_html, to_text, to_words


def bare(html: str) -> str:
    return re.sub(r' (?:style|class)="[^"]*"', "", html)


def test_html():
    assert (
        bare(to_html("Some **strong** and *soft* words."))
        == "<p>Some <strong>strong</strong> and <em>soft</em> words.</p>"
    )
    assert bare(to_html("# Title", 3)) == "<h3>Title</h3>"
    assert bare(to_html("- a\n- b")) == "<ul><li>a</li><li>b</li></ul>"
    assert bare(to_html("3. a\n4. b")) == '<ol start="3"><li>a</li><li>b</li></ol>'


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](data:text/html,evil)",
        "<b onclick=x>",
        "[x](vbscript:x)",
        "[a](//evil.example)",
    ],
)
def test_no_markup_from_outside(text):
    page = to_html(text)
    assert not re.search(r"<(?!/?(?:p|a|em|strong|br)\b)", page)
    assert "href" not in page


@given(st.text(max_size=200))
def test_any_text_gives_balanced_safe_html(text):
    page = to_html(text)
    tags = re.findall(r"<(/?)([a-z0-9]+)[^>]*>", page)
    stack: list[str] = []
    for slash, name in tags:
        if name in ("br", "hr"):
            continue
        if slash:
            assert stack.pop() == name
        else:
            stack.append(name)
    assert stack == []
    assert {name for _, name in tags} <= {
        *["p", "a", "ul", "ol", "li", "em", "strong", "code", "pre", "blockquote", "br", "hr", "h3"]
    }


def test_links():
    page = to_html("See https://example.org/a?b=1&c=2. Or [the page](https://example.org/x).")
    assert 'href="https://example.org/a?b=1&amp;c=2"' in page
    assert ">https://example.org/a?b=1&amp;c=2</a>." in page
    assert to_text("Or [the page](https://example.org/x).") == "Or the page (https://example.org/x)."
    assert to_text("<https://example.org/>") == "https://example.org/"
    assert to_text("[ana@example.org](mailto:ana@example.org)") == "ana@example.org"


def test_pictures_become_links():
    assert "<img" not in to_html("![A map](https://example.org/m.png)")
    assert ">A map</a>" in to_html("![A map](https://example.org/m.png)")
    assert to_text("![A map](https://example.org/m.png)") == "A map (https://example.org/m.png)"


def test_text():
    lists = "1. a\n2. b\n   - c"
    source = f"# Title\n\nOne *soft*\nline.\n\n{lists}\n\n> said\n> so\n\n    code\n\n---\n\nEnd."
    assert to_text(source) == "Title\n\nOne _soft_ line.\n\n1. a\n2. b\n- c\n\n> said so\n\ncode\n\n* * *\n\nEnd."


def test_a_literal_mark_is_no_quote():
    assert to_text("\\> not a quote") == " > not a quote"


def test_code_keeps_its_lines():
    assert bare(to_html("```\na\n  b\n```")) == "<pre>a<br>  b</pre>"


def test_words():
    assert to_words("Some **strong** words\n\nand more") == "Some *strong* words and more"
    assert to_words("one two three four", 12) == "one two…"
    assert to_words("戦略に関するお知らせ", 4) == "戦略に関…"
