"""A body cut into segments: what the person wrote, what they answered, signature, footers (FI02).

`segment(message)` labels every line of the decoded body and joins runs of one kind; nothing is lost, in order.
It works on the HTML's structure where a mail program marked it, and on the text. Linear on every input.
"""

import re
from collections import Counter
from itertools import pairwise

from mailer.html import HtmlLine, to_lines
from mailer.message import Message
from mailer.quote import Finder, Intro
from mailer.reading import INSIDE as _INSIDE
from mailer.reading import Segment, SegmentKind
from mailer.sent import repeated, sent_of, solid
from mailer.signature import name_words, tail

_K = SegmentKind
_MAX_LINES = 60_000
_INITIALLED = re.compile(r"\s{0,2}([^\W\d_]{1,4}|[A-Z]{1,3} )>{1,9}(?:\s|$)")
_QUOTED = re.compile(r"^[ \t\u00a0\u200b-\u200f\u202a-\u202e\ufeff]{0,3}(?:>|\uff1e)")
_ONLY_CLOSE = re.compile(r"^\s*>\s*[^\W\d_]{0,14}\s*:\s*$")
# The rest of a link or of a line that did not fit: nobody begins an answer like this.
_BROKEN_OFF = re.compile(r"^\s?[_(<&?/=%)\]][^\s]{3,}")
_TOO_SHORT = 120  # a plain part of fewer characters may only say that there is HTML
_CARD_LINES, _CARD_WIDTH = 9, 80  # a signature below a quote is short; anything longer may be an answer
_ANSWER = re.compile(
    r"\s*(?:re|aw|sv|vs|antw|odp|ynt|r|rif|ref|\u56de\u590d|\u7b54\u590d|\u56de\u8986|\u8fd4\u4fe1|\u0631\u062f|\u05d4\u05e9\u05d1)"
    r"\s?(?:\[\d+\])?\s?[:\uff1a]",
    re.IGNORECASE,
)
_DEEPER = re.compile(r"\s{0,3}>\s?>")  # what somebody else had quoted before
_KNOWN = 12  # characters of a line that is ours wherever it stands
_MARKED_KNOWN = 5  # so many lines of ours make a marked quote surely our mail
_DASHES = re.compile(r"\s*(?:--|\u2014)\s*")
_WORD = re.compile(r"\w")


def segment(message: Message, sent_lines: frozenset[str] = frozenset()) -> tuple[Segment, ...]:
    """The body of `message` in order, every line of it in exactly one segment.

    `sent_lines` are lines of the mail that is answered, stripped: where they come back, they are quotes.
    """
    body = _Body(message, sent_lines)
    body.label()
    return body.segments()


def body_text(message: Message) -> str:
    """The text that `segment` cuts: the plain body, or the HTML's shown text where there is no useful plain."""
    return "\n".join(_Body(message, frozenset()).lines)


def _shown(message: Message) -> list[HtmlLine] | None:
    """The HTML's lines where there is no plain part that says the same; None to read the plain part."""
    plain = (message.plain or "").strip()
    if message.html is None or len(plain) > _TOO_SHORT:
        return None
    lines = to_lines(message.html)
    if plain and sum(len(line.text) for line in lines) < 4 * max(len(plain), _TOO_SHORT):
        return None
    return lines


class _Body:
    """Lines of one body and the label of each."""

    def __init__(self, message: Message, sent_lines: frozenset[str]) -> None:
        self.marks: list[str] = []
        self.by: list[str] = []
        shown = _shown(message)
        if shown is not None:
            self.lines = [line.text for line in shown]
            self.marks = [line.mark for line in shown]
            self.by = [line.by for line in shown]
        else:
            self.lines = (message.plain or "").split("\n")
        if len(self.lines) > _MAX_LINES:
            self.lines[_MAX_LINES:] = ["\n".join(self.lines[_MAX_LINES:])]
            self.marks, self.by = self.marks[: len(self.lines)], self.by[: len(self.lines)]
        count = len(self.lines)
        self.marks = self.marks or [""] * count
        self.by = self.by or [""] * count
        self.kinds: list[SegmentKind | None] = [None] * count
        self.sent = sent_lines
        self.own: list[bool | None] = []  # whether lines are from the mail we sent, where that is known
        self._answers = bool(message.in_reply_to) or _ANSWER.match(message.subject) is not None
        self.top = 0  # above it nothing is written, as far as intros have been looked for
        self.tabbed = False
        self.names = name_words(message.from_name, message.from_addr)
        self.quoted = [
            mark == "quote" or (bool(_QUOTED.match(line)) and not self._closes_address(i, line))
            for i, (line, mark) in enumerate(zip(self.lines, self.marks, strict=True))
        ]
        if shown is None:
            self._initialled()

    def _initialled(self) -> None:
        """Lines that begin with somebody's initials and '>', as The Bat! and supercite mark a quote.

        Twice at least; with a blank between them, "T > ", three times.
        """
        marks = [_INITIALLED.match(line) if ">" in line[:12] else None for line in self.lines]
        counted = Counter(mark.group(1) for mark in marks if mark)
        for i, mark in enumerate(marks):
            if mark and counted[mark.group(1)] > (2 if mark.group(1).endswith(" ") else 1) and not self.quoted[i]:
                self.quoted[i] = True
                self.by[i] = "initials"

    def _closes_address(self, at: int, line: str) -> bool:
        """Whether a '>' at the head of a line closes an address that was wrapped: '<a@b', '> wrote:'."""
        if _ONLY_CLOSE.match(line) is None:
            return False
        before = self.lines[at - 1] if at else ""
        alone = any(self.lines[i].strip() == "<" for i in range(max(0, at - 3), at))  # '<' on a line of its own
        return alone or ("<" in before[-300:] and ">" not in before[-300:])

    # -- labels

    def label(self) -> None:
        """Give every line a kind."""
        self._sent_again()
        self._structure()
        self._lazy()
        self._intros()
        self._typed_inside()
        self._citations()
        self._only_quote()
        self._only_rest()
        self._below_quote()
        self._tails()
        self._blanks()

    def _below_quote(self) -> None:
        """A signature that a program put below what it quotes in HTML belongs to the quotation, not to the answer."""
        last = max((i for i, mark in enumerate(self.marks) if mark == "quote"), default=-1)
        rest = [i for i in range(last + 1, len(self.lines)) if self.kinds[i] is None and self.lines[i].strip()]
        short = len(rest) <= _CARD_LINES and all(len(self.lines[i]) <= _CARD_WIDTH for i in rest)
        if last >= 0 and rest and short and _DASHES.fullmatch(self.lines[rest[0]]):
            self._set(rest[0], len(self.lines), _K.QUOTE, "below-quote")

    def _set(self, start: int, end: int, kind: SegmentKind | None, by: str) -> None:
        for i in range(start, end):
            self.kinds[i] = kind
            self.by[i] = by

    def _sent_again(self) -> None:
        """Lines of our own mail that come back without quote marks are quotes, however they were broken."""
        if not self.sent:
            return
        self.own = sent_of(self.sent).own(self.lines)
        typed = repeated(self.lines, self.quoted)
        for i, line in enumerate(self.lines):
            known = len(line.strip()) > _KNOWN and line.strip() in self.sent
            if not self.quoted[i] and i not in typed and (known or (self.own[i] and solid(line))):
                self.quoted[i] = True
                self.by[i] = "sent-line"

    def _structure(self) -> None:
        """What the HTML's own classes say."""
        kinds = {"intro": _K.INTRO, "forward": _K.FORWARD}
        rest = False
        for i, mark in enumerate(self.marks):
            if mark == "rest":
                rest = True
            if rest:
                self.kinds[i] = _K.QUOTE
            elif mark in kinds:
                self.kinds[i] = kinds[mark]
            elif mark == "signature" and self.lines[i].strip():
                self.kinds[i] = _K.SIGNATURE
            if self.quoted[i] and self.kinds[i] in (None, _K.INTRO):
                self.kinds[i] = _K.QUOTE
                self.by[i] = self.by[i] or "quote-mark"

    def _citations(self) -> None:
        """Indented blocks that no program introduced: the writer's own, or a forward with its header."""
        finder = Finder(self.lines, [False] * len(self.lines))
        first_intro = next((i for i, k in enumerate(self.kinds) if k is _K.INTRO), len(self.kinds))
        words = [i for i, k in enumerate(self.kinds) if k is None and _WORD.search(self.lines[i])]
        for start, end in self._runs(_K.QUOTE):
            if start > first_intro:
                break
            if self.marks[start] != "quote":
                continue
            first = finder.next_text(start)
            intro = finder.find(first) if first < end else None
            if intro is not None and intro.form == "headers" and not (self._answers and self._written(0, start)):
                self._set(start, end, _K.FORWARD, "quoted-headers")
                continue
            by = self.by[start]
            last = bool(words) and words[0] < start and words[-1] < end and first_intro >= len(self.kinds)
            if by in ("html:blockquote", "client:gmail") and not (last and by == "html:blockquote"):
                for j in range(start, end):
                    self.kinds[j] = None
                    self.quoted[j] = False
                    self.by[j] = ""

    def _only_quote(self) -> None:
        """Nothing but quoted lines and no program that says so: then they are what was written."""
        if self.sent or any(k is not _K.QUOTE and line.strip() for k, line in zip(self.kinds, self.lines, strict=True)):
            return
        if any(by and by != "quote-mark" for by in self.by):
            return
        self.kinds = [None] * len(self.lines)
        self.quoted = [False] * len(self.lines)

    def _only_rest(self) -> None:
        """A header the program marked, and nothing of one's own above it: forwarded without a word."""
        if "rest" not in self.marks:
            return
        at = self.marks.index("rest")
        if not self._written(0, len(self.lines)) and not any(k is _K.FORWARD for k in self.kinds):
            self._set(at, len(self.lines), _K.FORWARD, "only-forward")

    def _runs(self, kind: SegmentKind) -> list[tuple[int, int]]:
        """Stretches of one kind, blank lines inside them included."""
        runs: list[tuple[int, int]] = []
        for i, found in enumerate(self.kinds):
            if found is kind:
                if runs and runs[-1][1] == i:
                    runs[-1] = (runs[-1][0], i + 1)
                else:
                    runs.append((i, i + 1))
        return runs

    def _lazy(self) -> None:
        """The end of a quoted line that a program wrapped without repeating the mark."""
        for i in range(1, len(self.lines) - 1):
            line, before, after = self.lines[i], self.lines[i - 1], self.lines[i + 1]
            if self.kinds[i] is not None or not line.strip() or self.marks[i]:
                continue
            if not (self.quoted[i - 1] and self.quoted[i + 1] and _QUOTED.match(before) and _QUOTED.match(after)):
                continue
            flows = len(before) >= 60 and not before.rstrip().endswith((".", "!", "?", ":", ">"))
            if (flows and line[:1].strip() and len(line) <= len(before)) or _BROKEN_OFF.match(line):
                self.kinds[i], self.by[i] = _K.QUOTE, "lazy-wrap"
                self.quoted[i] = True

    def _intros(self) -> None:
        """Attributions, header blocks and markers, and what each of them makes of the lines after it."""
        finder = Finder(self.lines, self.quoted)
        self.top = i = 0
        while i < len(self.lines):
            if self.kinds[i] is not None or not self.lines[i].strip():
                i += 1
                continue
            intro = finder.find(i)
            if intro is None or any(self.kinds[j] is not None for j in range(intro.start, i + 1)):
                i += 1
                continue
            i = self._apply(intro, finder)

    def _apply(self, intro: Intro, finder: Finder) -> int:
        """Label an intro and its consequences; answers where to look on."""
        count = len(self.lines)
        if intro.form == "forward":
            self._set(intro.start, count, _K.FORWARD, intro.by)
            return count
        above = self._written_above(intro.start)
        follows = finder.next_text(intro.end)
        if intro.form == "attribution" and follows < count and self.lines[follows].startswith(("\t", "| ")):
            self._tabbed(intro.end, self.lines[follows][0])
        quote_next = follows < count and self.quoted[follows] and self.by[follows] != "sent-line"
        self._set(intro.start, intro.end, _K.INTRO, intro.by)
        if quote_next and intro.form != "above":
            return intro.end  # what is quoted is marked, so answers between and below it are not
        if not above and self._is_ours(intro.end):
            before = self.kinds.copy(), self.by.copy()
            self._set(intro.end, count, _K.QUOTE, intro.by)
            if self._answers_inside(intro.end):
                return count
            self.kinds, self.by = before
        if not above and intro.form == "attribution":
            return intro.end  # nothing above it: what follows may be the answer
        if not above and intro.form in ("headers", "original"):
            self._set(intro.start, count, _K.FORWARD, intro.by)
            return count
        if not above:
            return intro.end
        self._set(intro.end, count, _K.QUOTE, intro.by)
        self._answers_inside(intro.end)
        return count

    def _tabbed(self, start: int, mark: str) -> None:
        """mailx and s-nail quote with a tab before each line, some people with a bar. Once for a body is enough."""
        if self.tabbed:
            return
        self.tabbed = True
        for i in range(start, len(self.lines)):
            if self.lines[i].startswith(mark) and self.kinds[i] in (None, _K.QUOTE):
                self.quoted[i] = True
                self.kinds[i], self.by[i] = _K.QUOTE, "tab-mark"

    def _is_ours(self, start: int) -> bool:
        """Whether the mail that we sent stands below a line."""
        return any(own and solid(self.lines[i]) for i, own in enumerate(self.own[start:], start))

    def _typed_inside(self) -> None:
        """Answers inside what the HTML's structure or quote marks say is a quote, as phones leave them."""
        if "rest" in self.marks:
            self._answers_inside(self.marks.index("rest"))
        elif _K.QUOTE in self.kinds:
            self._answers_inside(self.kinds.index(_K.QUOTE), marked=True)

    def _answers_inside(self, start: int, *, marked: bool = False) -> bool:
        """Answers typed into a quote without marks of their own: lines that were not in the mail we sent.

        Only where the quote surely is that mail; in a `marked` one, where it is nearly all of that mail. Answers
        whether there are any.
        """
        at = [i for i in range(start, len(self.own)) if self.own[i] is not None]
        if marked:
            at = [i for i in at if self.kinds[i] is _K.QUOTE and not _DEEPER.match(self.lines[i])]
        known = [i for i in at if self.own[i] and solid(self.lines[i])]
        theirs = [i for i in at if known and i > known[0] and not self.own[i]]
        runs = sum(any(self.own[a + 1 : b]) for a, b in pairwise([start - 1, *theirs]))
        if not theirs or runs > 2 * len(known) or (marked and (len(known) < _MARKED_KNOWN or 2 * runs > len(known))):
            return False
        for i in theirs:
            end = i + 1  # a link on a line of its own goes with the words above it
            while end < len(self.lines) and self.own[end] is None and self.lines[end].strip("> \t"):
                end += 1
            for j in range(i, end):
                self.kinds[j], self.by[j], self.quoted[j] = None, _INSIDE, False
        return True

    def _written(self, start: int, end: int) -> bool:
        return any(self.kinds[j] is None and _WORD.search(self.lines[j]) for j in range(start, end))

    def _written_above(self, end: int) -> bool:
        """Whether there are words of the writer above line `end`, asked from the top down while intros are labelled.

        No label is taken back meanwhile, so each line is looked at once for the whole body.
        """
        while self.top < end and not self._written(self.top, self.top + 1):
            self.top += 1
        return self.top < end

    def _tails(self) -> None:
        """Signatures, closings and footers at the end of each stretch that the person wrote."""
        stretches = self._stretches()
        written = [stretch for stretch in stretches if self._written(*stretch)]
        final = written[-1][1] if written else 0
        for start, end in stretches:
            last = end == final
            for a, b, kind, by in tail(self.lines[start:end], last, self.names, first=start == 0):
                self._set(start + a, start + b, kind, by)

    def _stretches(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        start = -1
        for i, kind in enumerate([*self.kinds, _K.QUOTE]):
            if kind is None and start < 0:
                start = i
            elif kind is not None and start >= 0:
                found.append((start, i))
                start = -1
        return found

    def _blanks(self) -> None:
        """What is left is the reply; blank lines go with the line before them."""
        before: SegmentKind = _K.REPLY
        for i, line in enumerate(self.lines):
            if self.kinds[i] is None or not line.strip():
                if line.strip():
                    self.kinds[i], self.by[i] = _K.REPLY, _INSIDE if self.by[i] == _INSIDE else ""
                else:
                    self.kinds[i], self.by[i] = before, self.by[i - 1] if i else ""
            before = self.kinds[i] or _K.REPLY

    # -- segments

    def segments(self) -> tuple[Segment, ...]:
        """Runs of one kind, joined. Put together with newlines they are the body again."""
        out: list[Segment] = []
        start = 0
        count = len(self.lines)
        for i in range(1, count + 1):
            if i < count and self.kinds[i] == self.kinds[start]:
                continue
            by = next((b for b in self.by[start:i] if b), "")
            out.append(Segment(self.kinds[start] or _K.REPLY, "\n".join(self.lines[start:i]), by))
            start = i
        return tuple(out)
