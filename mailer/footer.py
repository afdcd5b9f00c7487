"""Legal disclaimers and what lists and scanners append, found from the last line upwards.

`footers` labels whole paragraphs by the words of the language tables, or what a rule of signs sets off.
"""

import re

from mailer.legal import Legal, about_yours, heads_notice, legal, spoken_in, tells
from mailer.lexicon import fold, lexicon
from mailer.reading import SegmentKind

_K = SegmentKind
Span = tuple[int, int, SegmentKind, str]
RULE = re.compile(r"^\s*(?:[-_=*~#+]\s?){4,}\s*$")
_DASHES = re.compile(r"^\s*[-_=*~]{2,}\s*$")
_FEW = 3  # lines below a rule of signs that need not say much to be a footer
_SHORT = 60
_PLACE = re.compile(r"[^.!?]{0,40}(?:https?://|www\.)\S+$")
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
        if kind is None and (above := _above(lines, folded, start, end) or _headed(lines, start, end)):
            start, kind = above, _K.DISCLAIMER
        if kind is None:
            break
        start = _legal_start(lines, folded, start, end)
        if start == 0 and first:
            break
        spans.append((start, end, kind, "footer" if kind is _K.FOOTER else "disclaimer"))
        end = trim(lines, start)
    fence = _fenced(lines, end)
    if fence:
        spans.append((fence, end, _K.DISCLAIMER, "fenced-disclaimer"))
        end = trim(lines, fence)
    return end


def _above(lines: list[str], folded: Folded, start: int, end: int) -> int:
    """Where a legal footer begins whose last paragraph says little, only thanks or names a place; 0 for none."""
    little = legal(" ".join(lines[start : min(end, start + 60)])) is Legal.BESIDE
    for i in () if little else range(start, end):
        if len(lines[i]) > _SHORT or not (_PLACE.match(lines[i]) or lexicon().closings.match(folded[i])):
            return 0
    below = trim(lines, start)
    start = _paragraph(lines, below)
    return start if end - below <= _FEW and legal(" ".join(lines[start:below])) is Legal.SURE else 0


def _headed(lines: list[str], start: int, end: int) -> int:
    """Where a notice about personal data begins that is known by the heading above it; 0 for none."""
    below = trim(lines, start)
    heading = (
        below > 0 and start - below <= _FEW and _paragraph(lines, below) == below - 1 and heads_notice(lines[below - 1])
    )
    return below - 1 if heading and about_yours(" ".join(lines[start : min(end, start + 60)])) else 0


def _legal_start(lines: list[str], folded: Folded, start: int, end: int) -> int:
    """Where in its paragraph a footer begins: short lines above its first telling line are name and title."""
    spoken = spoken_in(" ".join(lines[start : min(end, start + 60)]))
    for i in range(start, min(end, start + 30)):
        if RULE.match(lines[i]) or lexicon().footer.search(folded[i]) or tells(lines[i], spoken):
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
    if legal(" ".join(lines[i] for i in rows)) >= (Legal.BESIDE if spans else Legal.SURE):
        return _K.DISCLAIMER
    if end - start == 1 and heads_notice(lines[start]) and (_PLACE.match(lines[start]) or _below(spans)):
        return _K.DISCLAIMER
    if spans and all(RULE.match(lines[i]) or not lines[i].strip() for i in range(start, end)):
        return spans[-1][2]
    return None


def _below(spans: list[Span]) -> bool:
    """Whether a legal footer was found below."""
    return bool(spans) and spans[-1][2] is _K.DISCLAIMER


def _fenced(lines: list[str], end: int) -> int:
    """Where a legal footer that is set off by a rule of signs begins; 0 for none."""
    found, below = 0, end
    for i in range(end - 1, max(0, end - 80), -1):
        if _FENCE.match(lines[i]):
            block = [line for line in lines[i + 1 : below] if line.strip()]
            if legal(" ".join(block)) >= (Legal.HINT if len(block) <= _FEW else Legal.BESIDE):
                found = i
            below = i
    return found


def _paragraph(lines: list[str], end: int) -> int:
    """The first line of the paragraph that ends before `end`."""
    start = end
    while start > 0 and lines[start - 1].strip(" \t\u00a0") and end - start < 200:
        start -= 1
    return start
