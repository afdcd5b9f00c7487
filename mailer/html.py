"""HTML bodies as lines of text that remember the structure they stood in. Linear in time and space.

A tokenizer and a stack, no tree: no input can make it grow beyond its own size. `to_lines` marks what a
mail program's own classes and ids say (quote, intro, signature, forward); `to_text` gives the bare text.
"""

import html
import re
from dataclasses import dataclass

from mailer.lexicon import Selectors, lexicon

_TOKEN = re.compile(
    r"<!--.*?(?:-->|$)|<!\[[^<>]*>|<(/?)([A-Za-z][A-Za-z0-9:_-]{0,40})((?:[^<>\"']|\"[^\"<]{0,20000}\"|'[^'<]{0,20000}')*)>"
    r"|<[!?][^<>]*>|</?[A-Za-z][A-Za-z0-9:_-]{0,40}(?=[\s/])[^<>]{0,20000}>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:.-]{0,60})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
# The rule that Outlook on the desktop and on the Mac draws over its header block, whatever its language.
_OUTLOOK_HEADER = re.compile(r"border:none;border-top:solid#?\w{3,12}1\.0pt;padding:3\.0pt0[a-z]{2}0[a-z]{2}0[a-z]{2}")
_SPACE = re.compile(r"[ \t\n\r\f\u00a0]+")
_VOID = frozenset(
    [
        "br",
        "hr",
        "img",
        "input",
        "meta",
        "link",
        "base",
        "area",
        "col",
        "embed",
        "source",
        "track",
        "wbr",
        "param",
        "o:p",
    ]
)
_SKIP = frozenset(["script", "style", "head", "title", "template", "noscript", "select", "textarea", "svg"])
_BLOCK = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "details",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
        "body",
        "html",
    ]
)
_SPACED = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"])
_CLOSES_ITSELF = {"p": {"p"}, "li": {"li"}, "tr": {"tr"}, "td": {"td", "th"}, "th": {"td", "th"}}


@dataclass(frozen=True, slots=True)
class HtmlLine:
    """A line of shown text and the mark of the innermost structure that has one ('' for none)."""

    text: str
    mark: str = ""
    by: str = ""


class _Open:
    __slots__ = ("by", "mark", "name")

    def __init__(self, name: str, mark: str, by: str) -> None:
        self.name = name
        self.mark = mark
        self.by = by


class _Writer:
    """Text as it comes, with white space folded as a browser does."""

    def __init__(self) -> None:
        self.lines: list[HtmlLine] = []
        self.words: list[str] = []
        self.mark = self.by = ""
        self.blank = True
        self.pre = False

    def text(self, text: str, pre: bool) -> None:
        if pre:
            self.pre = True
            pieces = text.split("\n")
            for piece in pieces[:-1]:
                self.words.append(piece)
                self.line(force=True)
                self.pre = True
            if pieces[-1]:
                self.words.append(pieces[-1])
            return
        text = _SPACE.sub(" ", text)
        if text == " " and not self.words:
            return
        if text:
            self.words.append(text)

    def line(self, force: bool = False) -> None:
        text = "".join(self.words)
        text = text.rstrip() if self.pre and text.strip() else text.strip()
        self.words.clear()
        self.pre = False
        if text:
            self.lines.append(HtmlLine(text, self.mark, self.by))
            self.blank = False
        elif force:
            self.space()

    def space(self) -> None:
        if not self.blank:
            self.lines.append(HtmlLine("", self.mark, self.by))
            self.blank = True


def to_lines(source: str) -> list[HtmlLine]:
    """The shown lines of an HTML body with their marks."""
    reader = _Reader(lexicon().selectors)
    at = 0
    for token in _TOKEN.finditer(source):
        if token.start() > at:
            reader.text(source[at : token.start()])
        at = token.end()
        name = token.group(2)
        if name is None:
            bare = re.match(r"<(/?)([A-Za-z][A-Za-z0-9:_-]*)", token.group())
            if bare is None:
                continue
            reader.tag(bare.group(2).lower(), bool(bare.group(1)), token.group()[bare.end() : -1])
            continue
        reader.tag(name.lower(), bool(token.group(1)), token.group(3))
    reader.text(source[at:])
    return reader.finish()


def to_text(source: str) -> str:
    """The shown text of an HTML body."""
    return "\n".join(line.text for line in to_lines(source)).strip("\n")


class _Reader:
    """The stack of open elements and what they mean."""

    def __init__(self, selectors: Selectors) -> None:
        self.selectors = selectors
        self.stack: list[_Open] = []
        self.counts: dict[str, int] = {}
        self.out = _Writer()
        self.rest = ("", "")
        self.skip = 0

    def text(self, text: str) -> None:
        if self.skip:
            return
        self.out.text(html.unescape(text) if "&" in text else text, self.counts.get("pre", 0) > 0)

    def tag(self, name: str, closing: bool, rest: str) -> None:
        if name in _SKIP:
            self._skip(name, closing, rest)
            return
        if self.skip:
            return
        if name == "br":
            self.out.line(force=True)
            return
        if closing:
            self._close(name)
            return
        for sibling in _CLOSES_ITSELF.get(name, ()):
            if self.stack and self.stack[-1].name == sibling:
                self._close(sibling)
        self._break(name)
        mark, by = self._meaning(name, rest)
        if name in ("td", "th"):
            self.out.text(" ", pre=False)
        if mark == "rest":
            self.rest = ("rest", by)
            mark, by = "", ""
        if name not in _VOID and not rest.rstrip().endswith("/"):
            if len(self.stack) < 100_000:
                self.stack.append(_Open(name, mark, by))
                self.counts[name] = self.counts.get(name, 0) + 1
        elif name == "hr":
            self.out.text("_" * 32, pre=False)
            self.out.line()
        self._settle()
        if name == "li":
            self.out.text("* ", pre=False)

    def finish(self) -> list[HtmlLine]:
        """Everything read."""
        self.out.line()
        return self.out.lines

    def _skip(self, name: str, closing: bool, rest: str) -> None:
        if closing:
            self.skip = max(0, self.skip - 1)
        elif not rest.endswith("/"):
            self.skip += 1
        del name

    def _break(self, name: str) -> None:
        if name in _BLOCK:
            self.out.line()
            if name in _SPACED:
                self.out.space()

    def _close(self, name: str) -> None:
        if name == "p" and not self.counts.get("p"):
            self._break(name)
        if not self.counts.get(name):
            return
        while self.stack:
            top = self.stack.pop()
            self.counts[top.name] -= 1
            self._break(top.name)
            if top.name == name:
                break
        self._settle()

    def _settle(self) -> None:
        """The mark that now holds: the outermost quote or forward wins, then the innermost of the others."""
        mark, by = self._holding()
        if (mark, by) != (self.out.mark, self.out.by):
            self.out.line()
            self.out.mark, self.out.by = mark, by

    def _holding(self) -> tuple[str, str]:
        if self.rest[0]:
            return self.rest
        return (self.stack[-1].mark, self.stack[-1].by) if self.stack else ("", "")

    def _meaning(self, name: str, rest: str) -> tuple[str, str]:
        """What an element's own name, class and id say; inherits from the element around it."""
        above = self.stack[-1] if self.stack else None
        held = (above.mark, above.by) if above else ("", "")
        if held[0] in ("quote", "forward", "indent-quote"):
            return held
        if not rest and name != "blockquote":
            return held
        attributes = {
            m.group(1).lower(): m.group(2) or m.group(3) or m.group(4) or "" for m in _ATTRIBUTE.finditer(rest[:4_000])
        }
        found = self.selectors.match(name, attributes)
        if found is not None:
            return found
        style = attributes.get("style", "").lower().replace(" ", "")
        if name == "div" and _OUTLOOK_HEADER.match(style):
            return "rest", "client:outlook"
        if name == "blockquote":
            indent = "border:none" in style or "border:0" in style
            return held if indent and "margin:0" in style else ("quote", "html:blockquote")
        return held
