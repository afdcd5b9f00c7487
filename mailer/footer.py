"""Legal disclaimers and what lists and scanners append, found from the last line upwards.

`footers` labels whole paragraphs by the words of the language tables, or what a rule of signs sets off.
"""

import re

from mailer.lexicon import fold, lexicon
from mailer.reading import SegmentKind

_K = SegmentKind
Span = tuple[int, int, SegmentKind, str]
RULE = re.compile(r"^\s*(?:[-_=*~#+]\s?){4,}\s*$")
_DASHES = re.compile(r"^\s*[-_=*~]{2,}\s*$")
_FENCE = re.compile(r"^\s*(?:[-_=*~#+]\s?){8,}\s*$")


class Folded:
    """Lines folded once each, when asked for."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.known: dict[int, str] = {}

    def __getitem__(self, at: int) -> str:
        if at not in self.known:
            self.known[at] = fold(self.lines[at][:400])
        return self.known[at]


def trim(lines: list[str], end: int) -> int:
    """`end` without the blank lines before it."""
    while end > 0 and not lines[end - 1].strip(" \t\u00a0"):
        end -= 1
    return end


def footers(lines: list[str], folded: Folded, end: int, spans: list[Span], first: bool) -> int:
    """Take legal and list footers off the end, paragraph by paragraph."""
    for _ in range(20):
        start = _paragraph(lines, end)
        kind = _footer_kind(lines, folded, start, end, spans)
        if kind is None:
            break
        start = _legal_start(lines, folded, start, end)
        if start == 0 and first:
            break
        spans.append((start, end, kind, "footer" if kind is _K.FOOTER else "disclaimer"))
        end = trim(lines, start)
    fence = _fenced(lines, folded, end)
    if fence:
        spans.append((fence, end, _K.DISCLAIMER, "fenced-disclaimer"))
        end = trim(lines, fence)
    return end


def _legal_start(lines: list[str], folded: Folded, start: int, end: int) -> int:
    """Where in its paragraph a footer begins: short lines above its first telling line are name and title."""
    lex = lexicon()
    for i in range(start, min(end, start + 30)):
        if RULE.match(lines[i]) or lex.footer.search(folded[i]) or lex.disclaimer.search(folded[i]):
            while i > start and len(lines[i - 1].strip()) >= 60:
                i -= 1  # noqa: PLW2901 - walks back over the head of the same text
            return i - 1 if i > start and _DASHES.match(lines[i - 1]) else i
    return start


def _appended(lines: list[str], folded: Folded, rows: range, text: str) -> bool:
    """Words of a list or scanner: at the head of a line, or beside a link, an address or a rule."""
    found = lexicon().footer.search(text)
    if found is None:
        return False
    if len(text) <= 1_200 and ("http" in text or "www." in text or "@" in text or RULE.match(lines[rows[0]])):
        return len(found.group()) >= 18 or _short_lines(lines, rows)
    return any(len(m.group()) >= 18 for i in rows[:12] if (m := lexicon().footer.match(folded[i])))


def _short_lines(lines: list[str], rows: range) -> bool:
    """No running text: a list's footer is a few short lines."""
    return all(len(lines[i]) <= 90 and len(lines[i].split()) <= 14 for i in rows) and len(rows) <= 12


def _footer_kind(lines: list[str], folded: Folded, start: int, end: int, spans: list[Span]) -> SegmentKind | None:
    """Footer, disclaimer or neither, for one paragraph; below others of its kind a little less is asked of it."""
    rows = range(start, min(end, start + 60))
    text = " ".join(folded[i] for i in rows)
    if _appended(lines, folded, rows, text):
        return _K.FOOTER
    marks = {m.group() for m in lexicon().disclaimer.finditer(text)}
    # Single words such as "confidential" are everybody's; phrases such as "intended recipient" are the law's.
    phrases = sum(" " in mark or not mark.isascii() for mark in marks)
    if phrases and len(marks) + phrases >= (3 if spans or len(text) <= 60 else 5):
        return _K.DISCLAIMER
    if spans and all(RULE.match(lines[i]) or not lines[i].strip() for i in range(start, end)):
        return spans[-1][2]
    return None


def _fenced(lines: list[str], folded: Folded, end: int) -> int:
    """Where a legal footer that is set off by a rule of signs begins; 0 for none."""
    lex = lexicon()
    seen: set[str] = set()
    found = 0
    rows = 0
    last = range(end - 1, max(0, end - 80), -1)
    if not any(_FENCE.match(lines[i]) for i in last):
        return 0
    for i in last:
        if _FENCE.match(lines[i]):
            near = _until_fence(lines, folded, i + 1, end)
            if lex.disclaimer.search(near) and (len(seen) >= 2 or (seen and rows <= 3)):
                found = i
        elif lines[i].strip():
            rows += 1
            seen.update(m.group() for m in lex.disclaimer.finditer(folded[i]))
    return found


def _until_fence(lines: list[str], folded: Folded, start: int, end: int) -> str:
    """The first lines after a rule, up to the next one."""
    near: list[str] = []
    for i in range(start, min(end, start + 8)):
        if _FENCE.match(lines[i]) and near:
            break
        near.append(folded[i])
    return " ".join(near)


def _paragraph(lines: list[str], end: int) -> int:
    """The first line of the paragraph that ends before `end`."""
    start = end
    while start > 0 and lines[start - 1].strip(" \t\u00a0") and end - start < 200:
        start -= 1
    return start
