"""Where a mail program's own words begin: attribution lines, header blocks, original-message markers.

`find(lines, quoted, at)` looks at line `at` and says how far an intro reaches, in any language of the tables,
wrapped over up to five lines or not. Every look is bounded, so a body costs time in proportion to its size.
"""

import re
from dataclasses import dataclass

from mailer.lexicon import fold, lexicon

_MAX_LINE = 600
_MAX_JOINED = 700
_WRAP = 5
_COLONS = (":", "\u1366", "\u17d6", "\u055d", "\u0589", "\u104b", "\u17d4")  # also Ethiopic, Khmer, Armenian, Burmese
_MAX_LOOKS = 6_000  # candidates in one body; beyond them nothing is looked for
_ADDRESS = re.compile(r"[^\s<>(),;:\"]{1,64}@[^\s<>(),;:\"]{2,190}")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h時时시]\s?\d{2}(?!\d)")
_NUMERIC_DATE = re.compile(r"(?<!\d)(?:\d{1,2}([./-]) ?\d{1,2}\1 ?\d{2,4}|\d{4}([./-]) ?\d{1,2}\2 ?\d{1,2})(?!\d)")
_YEAR = re.compile(r"(?<!\d)(?:19|20|13|14|24|25)\d{2}(?!\d)")
_NUMBER = re.compile(r"\d+")
_DAY_MONTH = re.compile(
    r"(?<!\d)\d{1,2}(?:st|nd|rd|th|\.|er)?[ -](?:de |d'|of )?[^\W\d_]{3,12}|[^\W\d_]{3,12}\.? \d{1,2}(?!\d)"
)
_LABEL = re.compile(r"[\s*_|>\u2022]{0,6}([^:\n]{1,40}?)[\s*_]{0,4}:(.*)", re.DOTALL)
_INLINE = re.compile(r"(?<=[\s>*])([^\W\d_]{2,16})\s?: ")
_ROLE_ORDER = ("from", "sent", "to", "subject", "cc")
_DASHES = re.compile(r"[-_=*~#\u2010-\u2015\u2500\u30fc\uff0d\s>+]{2,}")
_RULE = re.compile(r"^[\s>*]*[-_=\u2500\u2014\u2013]{5,}\s*$")
_SENTENCE = re.compile(r"[.!?] [^\W\d_]")


@dataclass(frozen=True, slots=True)
class Intro:
    """An intro over lines `start` to `end` (exclusive). `form` is attribution, headers, original, forward, above."""

    start: int
    end: int
    form: str
    by: str


def has_date(text: str) -> bool:
    """Whether a folded line names a moment: a date, or at least two of time, year, day with month."""
    if _NUMBER.search(text) is None:
        return False
    if _NUMERIC_DATE.search(text):
        return True
    signs = bool(_TIME.search(text)) + bool(_YEAR.search(text)) + bool(_DAY_MONTH.search(text))
    return signs >= 2 or (signs == 1 and len(_NUMBER.findall(text[:200])) >= 3)


class Finder:
    """Looks for intros in one body. `quoted[i]` tells whether line i carries quote marks.

    `looks_left` is what remains of the budget; at 0 nothing more is looked for.
    """

    def __init__(self, lines: list[str], quoted: list[bool]) -> None:
        self.lines = lines
        self.quoted = quoted
        self.lex = lexicon()
        self._folded: dict[int, str] = {}
        self._labels: dict[int, frozenset[str]] = {}
        self.looks_left = _MAX_LOOKS

    def folded(self, at: int) -> str:
        """Line `at`, folded; '' for lines too long to be an intro."""
        known = self._folded.get(at)
        if known is None:
            line = self.lines[at]
            known = fold(line) if len(line) <= _MAX_LINE else ""
            self._folded[at] = known
        return known

    def find(self, at: int) -> Intro | None:
        """The intro that begins or ends at line `at`, or None."""
        text = self.folded(at)
        if not text or self.looks_left <= 0:
            return None
        return self._marker(at, text) or self._headers(at, text) or self._attribution(at, text)

    def next_text(self, at: int) -> int:
        """The first line from `at` on that is not blank; the number of lines when there is none."""
        count = len(self.lines)
        stop = min(count, at + 12)
        while at < stop and not self.lines[at].strip(" \t\u00a0>"):
            if self.quoted[at]:
                return at
            at += 1
        return at

    # -- "-----Original Message-----", "Begin forwarded message:", "reply above this line"

    def _marker(self, at: int, text: str) -> Intro | None:
        lex = self.lex
        if len(text) > 160:
            return None
        bare = text.strip(" -_=*~#>+:|.\u2014\u2013\u2015\u2500\uff0d\u30fc<[]")
        if not bare:
            return None
        for phrase in lex.above:
            if phrase in bare and (bare.startswith(phrase) or bare.endswith(phrase) or bare != text):
                return Intro(at, at + 1, "above", "marker:above")
        dashed = bool(_DASHES.match(text)) or text.endswith(("--", "__", "==", "\u2014"))
        if bare in lex.original:
            block = self._headers_after(at + 1)
            if dashed or block is not None or text.endswith(":"):
                return Intro(at, block.end if block else at + 1, "original", "marker:original")
        if bare in lex.forward or (dashed and self._starts_forward(bare)):
            block = self._headers_after(at + 1)
            if dashed or block is not None:
                return Intro(at, block.end if block else at + 1, "forward", "marker:forward")
        if dashed and text[-4:] in ("----", "____", "====") and len(bare) <= 60 and self._before_block(at + 1):
            block = self._headers_after(at + 1)  # a marker of no table, over what can only be a header
            return block and Intro(at, block.end, "original", "marker:original")
        return None

    def _before_block(self, at: int) -> bool:
        """Whether a header block of three roles begins within the next lines."""
        at = self.next_text(at)
        return at < len(self.lines) and self._block(at, least=3) is not None

    def _starts_forward(self, bare: str) -> bool:
        words = bare.split(" ")
        return any(" ".join(words[:n]) in self.lex.forward for n in range(1, min(6, len(words)) + 1))

    def _headers_after(self, at: int) -> Intro | None:
        at = self.next_text(at)
        return self._block(at, least=2) if at < len(self.lines) else None

    # -- From: / Sent: / To: / Subject:

    def label(self, at: int) -> frozenset[str]:
        """The roles that the label at the head of a line may have; empty for none."""
        known = self._labels.get(at)
        if known is None:
            text = self.folded(at)
            match = _LABEL.match(text) if ":" in text[:60] else None
            known = self.lex.labels.get(match.group(1).strip(), frozenset()) if match else frozenset()
            self._labels[at] = known
        return known

    def _inline_roles(self, at: int) -> set[str]:
        """Roles of further labels on the same line, as HTML that lost its line breaks has them."""
        found: set[str] = set()
        for match in _INLINE.finditer(self.folded(at)[:400]):
            found |= self.lex.labels.get(match.group(1), frozenset()) & {"from", "sent", "to", "subject"}
        return found if len(found) <= 4 else set()

    def _headers(self, at: int, text: str) -> Intro | None:
        if _RULE.match(text):
            after = self.next_text(at + 1)
            if after <= at + 3 and after < len(self.lines):
                block = self._block(after, least=2) or self._after_rule(after)
                if block is not None:
                    return Intro(at, block.end, block.form, block.by)
            return None
        block = self._block(at, least=3)
        return Intro(self._head(at), block.end, block.form, block.by) if block else None

    def _head(self, at: int) -> int:
        """Where a block begins whose first lines carry labels of no table: a label with a moment or an address."""
        start = at
        while start > 0 and at - start < 2:
            match = _LABEL.match(self.folded(start - 1))
            value = match.group(2) if match else ""
            if not value or self.quoted[start - 1] != self.quoted[at] or len(value) > 120:
                break
            if not (_ADDRESS.search(value) or (has_date(value) and _TIME.search(value))):
                break
            start -= 1
        return start

    def _after_rule(self, at: int) -> Intro | None:
        """A horizontal rule, then a label line this program does not know, then a block."""
        if ":" in self.folded(at) and at + 1 < len(self.lines):
            block = self._block(at + 1, least=3)
            return block and Intro(at, block.end, "headers", block.by)
        return None

    def _block(self, at: int, least: int) -> Intro | None:
        """A header block from line `at`: `least` different roles, with a sender or a date and subject."""
        roles: set[str] = set()
        first = self.label(at)
        if not first or (first <= {"to", "cc", "subject"} and least > 2 and "subject" not in first):
            return None
        self.looks_left -= 4
        end = i = at
        loose = blanks = 0
        labelled = 0
        dated = False
        count = min(len(self.lines), at + 40)
        while i < count and labelled < 12:
            if not self.lines[i].strip(" \t\u00a0>*"):
                blanks += 1
                if blanks > 1 or len(roles) >= 4 or (len(roles) >= 3 and "subject" in roles):
                    break
                i += 1
                continue
            found = self.label(i)
            if found:
                fresh = found - roles
                roles.add(min(fresh or found, key=_ROLE_ORDER.index))
                roles |= self._inline_roles(i)
                labelled += 1
                loose = 0
                dated = dated or has_date(self.folded(i)) or "@" in self.lines[i]
                end = i + 1
            elif blanks or loose >= 3 or len(self.lines[i]) > 400:
                break
            else:
                loose += 1
                # Long recipient lists wrap; text right after the subject does not belong to the block.
                if "subject" in roles and end == i and not _wrapped(self.lines[i - 1], self.lines[i]):
                    break
            blanks = 0
            i += 1
        strong = "from" in roles and len(roles) >= 2
        enough = len(roles) >= least and (strong or {"sent", "subject"} <= roles or {"to", "subject"} <= roles)
        two = (
            least == 3
            and dated
            and "sent" in roles
            and len(roles) >= 2
            and (roles == {"from", "sent"} or self._mailed(at, end))
        )
        return Intro(at, end, "headers", "headers") if enough or two else None

    def _mailed(self, start: int, end: int) -> bool:
        """Two lines 'Date: <moment>' and 'To: <address>': a header that lost its sender."""
        text = " ".join(self.folded(i) for i in range(start, end))
        return bool(_ADDRESS.search(text) and _TIME.search(text) and has_date(text))

    # -- "On ... wrote:"

    def _attribution(self, at: int, text: str) -> Intro | None:
        """An attribution whose last line is `at`."""
        if text.endswith(("--", "\u2014")):
            text = text.strip("-\u2014\u2013 ") + ":"
            if text == ":":
                return None  # nothing but a rule, as signatures are framed with
        elif self._runs_on(text):
            return Intro(at, at + 1, "run-on", "attribution")
        colon = self._ends(at, text)
        if colon is None:
            return None
        self.looks_left -= 1
        best: Intro | None = None
        joined = ""
        for start in range(at, max(-1, at - _WRAP), -1):
            if start < at and self.quoted[start]:
                break
            piece = self.folded(start) if start < at else text
            if not piece and joined.startswith(("<", ">", "wrote")) and not self.lines[start].strip():
                continue
            joined = f"{piece} {joined}".strip()
            if not piece or len(joined) > _MAX_JOINED:
                break
            grade = self._grade(joined, at, colon)
            opened = self.lex.starts.match(joined) is not None
            if grade == 2 and joined.startswith("<") and self._ends_in_name(start - 1):
                return Intro(start - 1, at + 1, "attribution", "attribution")
            if grade == 2 and (opened or "@" in joined or not self._names_sender(start - 1)):
                return Intro(start, at + 1, "attribution", "attribution")
            if grade and (best is None or ("@" in piece and len(joined) < 200 and "@" not in joined[len(piece) :])):
                best = Intro(start, at + 1, "attribution", "attribution")
        return best

    def _ends(self, at: int, text: str) -> bool | None:
        """How a line ends that may end an attribution: True with a colon, False with a verb, None with neither."""
        if text.rstrip(" *_\"'\u00bb>\u201d)").endswith(_COLONS):
            return True
        if self.lex.quoting.match(text) and has_date(text) and self._before_quote(at):
            return True
        if "@" in text and len(text) <= 140 and has_date(text) and self._before_quote(at):
            return True if _TIME.search(text) or (text.endswith(">") and _date_first(text)) else None
        if not any(_NUMBER.search(self.folded(i)) for i in range(max(0, at - 3), at + 1)):
            return None  # no date here, and without a colon an attribution needs one
        end = text[-60:]
        last_verb = None
        for match in self.lex.verbs.finditer(end):
            last_verb = match
        return False if last_verb and last_verb.end() >= len(end.rstrip(" .*_-")) else None

    def _before_quote(self, at: int) -> bool:
        """Whether marked lines follow line `at`."""
        after = self.next_text(at + 1)
        return after < len(self.lines) and self.quoted[after]

    def _runs_on(self, text: str) -> bool:
        """'On <date>, <name> <address> wrote:   the quoted text', all on one line, as Yahoo on phones writes it."""
        opener = self.lex.starts.match(text)
        address = _ADDRESS.search(text[:300]) if opener else None
        if opener is None or address is None or not _near_start(text, opener.end()):
            return False
        colon = text.find(":", address.end(), address.end() + 60)
        head = text[: colon + 1]
        return (
            text[address.start() - 1] == "<"
            and colon > 0
            and has_date(head)
            and self.lex.verbs.search(head) is not None
        )

    def _names_sender(self, at: int) -> bool:
        """Whether the line before may be the head of a wrapped attribution: a name, an address, no sentence."""
        text = self.folded(at) if at >= 0 else ""
        address = _ADDRESS.search(text)
        if address is None or "<" not in text or address.start() > 60:
            return False
        return not text.endswith((".", "!", "?", ":")) or has_date(text[address.end() :])

    def _ends_in_name(self, at: int) -> bool:
        """Whether the line before an address may hold the name that belongs to it, perhaps after words of a program."""
        text = self.folded(at) if at >= 0 else ""
        return 0 < len(text) <= 80 and not self.quoted[at] and text[-1] not in ".!?:;,>"

    def _grade(self, text: str, at: int, colon: bool) -> int:
        """2: surely an attribution from its first word on; 1: one, but it may begin a line earlier; 0: none."""
        lex = self.lex
        verb = lex.verbs.search(text)
        text = text.lstrip("-\u2014\u2013* ")
        opener = lex.starts.match(text)
        address = bool(_ADDRESS.search(text))
        dated = has_date(text)
        before_quote = self._before_quote(at)
        if not (verb or (dated and address) or lex.quoting.match(text)):
            return _stamped(text) if before_quote and colon else 0
        # "On 3 May the board wrote:" may be the writer's own sentence; programs add the time.
        exact = address or before_quote or bool(_TIME.search(text) or _NUMERIC_DATE.search(text))
        if exact and opener and (verb or (address and colon)) and dated and _near_start(text, opener.end()):
            return 2
        if lex.quoting.match(text) and (address or before_quote) and colon and len(text) < 200:
            return 2
        if (
            exact
            and dated
            and (verb or (address and colon))
            and _date_first(text)
            and not _SENTENCE.search(text[:-1].split("@")[0][40:])
        ):
            return 2
        if verb and address and (colon or dated) and len(text) < 250:
            return 1
        if exact and verb and dated and colon and len(text) < 250:
            return 1
        if opener and verb and colon and address:
            return 2
        if verb and colon and before_quote and len(text) <= 140 and verb.end() >= len(text) - 6:
            return 1
        if dated and address and colon and len(text) < 200:
            return 1
        return 0


def _wrapped(before: str, line: str) -> bool:
    """Whether `line` looks like the rest of a header value that did not fit."""
    return line[:1] in " \t" or before.rstrip().endswith((",", ";")) or line.lstrip().startswith("<")


def _stamped(text: str) -> int:
    """1 for a short line with full date and time: over marked lines an attribution in whatever language; else 0."""
    moment = _TIME.search(text) and (_NUMERIC_DATE.search(text) or _YEAR.search(text))
    return int(bool(moment) and len(text) <= 110 and not _SENTENCE.search(text[:-1]))


def _near_start(text: str, after: int) -> bool:
    """A date begins soon after the first word: 'On Tue, 2011-03-01' but not 'On reflection I ...'."""
    return bool(_NUMBER.search(text[after : after + 40]))


def _date_first(text: str) -> bool:
    """The line begins with a date, perhaps after a weekday in any language."""
    match = _NUMBER.search(text[:28])
    if match is None:
        return False
    return len(text[: match.start()].split()) <= 3
