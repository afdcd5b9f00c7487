"""Markdown of the core team as safe HTML for a mail, and as good plain text.

HTML in the source is shown as text, never passed through; links go to http, https and mailto only;
pictures become links (no mail of ours loads anything). Pure and total: any text gives something.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mailer.clean import clean_text

# Inline, because Gmail's apps drop <style> for some accounts; classes let the dark style override colours.
STYLES = {
    "p": "margin:0 0 12px",
    "ul": "margin:0 0 12px;padding:0 24px",
    "ol": "margin:0 0 12px;padding:0 24px",
    "li": "margin:0 0 6px",
    "blockquote": "margin:0 0 12px;padding:0 14px;border:0 solid #8a94a6;border-inline-start-width:3px",
    "a": "color:#0b4f8a;text-decoration:underline",
    "code": "font-family:Consolas,Menlo,monospace",
    "pre": "margin:0 0 12px;white-space:pre-wrap;font-family:Consolas,Menlo,monospace",
    "hr": "border:0;border-top:1px solid #8a94a6;margin:16px 0",
}
_BARE = re.compile(r"(?<![\w/(<\"'=])https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}]")
_SAFE = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_TYPED = re.compile(r"\]\([^\s()]*\)")


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": False})
    parser.validateLink = lambda url: bool(_SAFE.match(url))  # type: ignore[method-assign]  # its documented hook
    return parser


_PARSER = _parser()


@lru_cache(maxsize=2048)
def to_html(text: str, heading: int = 3) -> str:
    """HTML with inline styles. Headings of the source start at level `heading`, so that none is skipped."""
    tokens = _PARSER.parse(clean_text(text))
    return _html(tokens, heading)


@lru_cache(maxsize=2048)
def to_text(text: str) -> str:
    """Plain text: lists with signs, links as `words (address)`, headings on a line of their own."""
    return "\n".join(_Text().blocks(_PARSER.parse(clean_text(text)))).strip("\n")


def to_words(text: str, limit: int = 0) -> str:
    """One line of plain words, cut at a word with an ellipsis: for preheaders and excerpts."""
    words = " ".join(to_text(text).split())
    if not limit or len(words) <= limit:
        return words
    cut = words[:limit].rsplit(" ", 1)[0] if " " in words[:limit] else words[:limit]
    return cut.rstrip(" ,;:.–-") + "…"


def links(text: str) -> tuple[str, ...]:
    """The http addresses that a reader can follow, images among them, in order, each once."""
    found: dict[str, None] = {}
    for token in _inline(text):
        if token.type in ("link_open", "image"):
            found[str(token.attrs.get("href") or token.attrs.get("src") or "")] = None
        elif token.type == "text":
            found.update((match[0], None) for match in _BARE.finditer(token.content))
    return tuple(url for url in found if url.lower().startswith(("http://", "https://")))


def lost_links(text: str) -> tuple[str, ...]:
    """The links that lead nowhere from a mail: with no address, or with one that is not whole, which stay as typed."""
    found: dict[str, None] = {}
    for token in _inline(text):
        if token.type == "link_open" and not token.attrs.get("href"):
            found["]()"] = None
        elif token.type == "text":
            found.update((match[0], None) for match in _TYPED.finditer(token.content))
    return tuple(found)


def wordless_images(text: str) -> tuple[str, ...]:
    """The addresses of images without words for those who do not see them."""
    images = (token for token in _inline(text) if token.type == "image" and not token.content.strip())
    return tuple(str(token.attrs.get("src", "")) for token in images)


def _inline(text: str) -> Iterator[Token]:
    for token in _PARSER.parse(clean_text(text)):
        yield from token.children or ()


def _html(tokens: Sequence[Token], heading: int) -> str:
    out: list[str] = []
    for token in tokens:
        if token.type == "inline":
            out.append(_html(token.children or [], heading))
        elif token.type in _INLINE:
            out.append(_INLINE[token.type](token))
        elif token.type == "image":
            out.append(_link(str(token.attrs.get("src", "")), token.content or "…"))
        elif token.type in ("fence", "code_block"):
            out.append(f'<pre style="{STYLES["pre"]}">{escape(token.content.rstrip()).replace(chr(10), "<br>")}</pre>')
        elif token.type == "link_open":
            out.append(_anchor(str(token.attrs["href"])))
        elif not token.hidden and token.tag:
            out.append(_tag(token, heading))
    return "".join(out)


def _tag(token: Token, heading: int) -> str:
    name = token.tag
    if re.fullmatch("h[1-6]", name):
        name = f"h{min(6, heading)}"
        style = "margin:16px 0 8px;font-size:17px;line-height:1.4"
    else:
        style = STYLES.get(name, "")
    if token.nesting == -1:
        return f"</{name}>"
    start = token.attrs.get("start")
    extra = f' start="{int(start)}"' if name == "ol" and start is not None else ""
    return f'<{name}{extra} style="{style}">' if style else f"<{name}{extra}>"


def _anchor(url: str) -> str:
    return f'<a class="a" href="{escape(url)}" style="{STYLES["a"]}">'


def _link(url: str, words: str) -> str:
    return f"{_anchor(url)}{escape(words)}</a>" if _SAFE.match(url) else escape(words)


def _linked(text: str) -> str:
    out, at = [], 0
    for match in _BARE.finditer(text):
        out += [escape(text[at : match.start()]), _link(match[0], match[0])]
        at = match.end()
    return "".join([*out, escape(text[at:])])


_INLINE: dict[str, Callable[[Token], str]] = {
    "text": lambda token: _linked(token.content),
    "softbreak": lambda _: "\n",
    "hardbreak": lambda _: "<br>",
    "code_inline": lambda token: f'<code style="{STYLES["code"]}">{escape(token.content)}</code>',
}


class _Text:
    """Walks block tokens and gives lines; prefixes pile up for lists and quotes."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.prefix: list[str] = []
        self.mark = ""
        self.numbers: list[int] = []

    def blocks(self, tokens: Sequence[Token]) -> list[str]:
        for token in tokens:
            if token.type in ("bullet_list_open", "ordered_list_open"):
                self.numbers.append(int(token.attrs.get("start", 1)) if token.tag == "ol" else 0)
            elif token.type in ("bullet_list_close", "ordered_list_close"):
                self.numbers.pop()
                self._blank()
            elif token.type == "list_item_open":
                self._item()
            elif token.type == "list_item_close":
                self.prefix.pop()
            elif token.type == "blockquote_open":
                self.prefix.append("> ")
            elif token.type == "blockquote_close":
                self.prefix.pop()
            elif token.type == "inline":
                self._say(_plain(token.children or []))
            elif token.type in ("fence", "code_block"):
                self._say(token.content.rstrip("\n"))
                self._blank()
            elif token.type == "hr":
                self._say("* * *")
                self._blank()
            elif token.type in ("paragraph_close", "heading_close") and not token.hidden:
                self._blank()
        return self.lines

    def _item(self) -> None:
        number = self.numbers[-1]
        if number:
            self.numbers[-1] += 1
        self.mark = f"{number}. " if number else "- "
        # Lines are wrapped later by flow, which reads a leading blank as stuffing: no hanging indent.
        self.prefix.append("")

    def _say(self, text: str) -> None:
        quote = "> " if "> " in self.prefix else ""
        for line in text.split("\n"):
            # A literal ">" at the start of a line would be read as a quote.
            safe = f" {line}" if line.startswith(">") and not quote else line
            self.lines.append(quote + self.mark + safe)
            self.mark = ""

    def _blank(self) -> None:
        if self.lines and self.lines[-1] != "":
            self.lines.append("")


def _plain(tokens: Sequence[Token]) -> str:
    out: list[str] = []
    links: list[tuple[int, str]] = []
    for token in tokens:
        if token.type == "link_open":
            links.append((len(out), str(token.attrs["href"])))
        elif token.type == "link_close":
            start, url = links.pop()
            words = "".join(out[start:])
            shown = url.removeprefix("mailto:")
            if words not in (url, shown):
                out.append(f" ({shown})")
        elif token.type == "softbreak":
            out.append(" ")
        elif token.type == "hardbreak":
            out.append("\n")
        elif token.type == "image":
            out.append(f"{token.content} ({token.attrs.get('src', '')})".strip())
        elif token.type in ("em_open", "em_close"):
            out.append("_")
        elif token.type in ("strong_open", "strong_close"):
            out.append("*")
        elif token.content:
            out.append(token.content)
    return "".join(out)
