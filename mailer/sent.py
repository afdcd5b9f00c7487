"""Our own mail coming back in a body without marks: which lines are from it, whatever a program made of their breaks.

`Sent(lines)` knows the lines of the mail that is answered; `Sent.own(body)` says of each line of a body whether it is
one of them (`True`), somebody's else (`False`), or says nothing (`None`: blank, only an address or a link of ours).
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

WILD = "\ufffc"
"""Stands in a line for what differs from reader to reader: an address, an hour."""

_LEAST = 4  # words of a line that is known wherever it stands; a shorter one only as a line of its own
_MOST_WILD = 24  # words that a wildcard may stand for
_LONG, _GRAM, _SHARE = 12, 5, 0.9  # a long line is ours by most of its runs of words, though changed here and there
_WHOLE = 0.8  # of its words make a line ours
_MOST_LINES = 5_000  # of a body that are compared with each other
_MOST = 500_000  # characters of a body that are looked at
_END = ""  # where a line ends in the tree of words
_TYPED = 3  # lines between marked ones that may repeat some of them
_LINK = re.compile(r"<?\b(?:https?://|mailto:)[^\s<>]{1,2000}>?", re.IGNORECASE)
_TOKEN_ADDRESS = re.compile(  # of a process with a prefix too: `garden-reply+...`
    r"<?(?<![\w.-])(?:[\w.-]{1,64}-)?(?:reply|bounce|leave)(?:\+|%2b)[0-9a-z]{30,}@[^\s<>]{1,255}>?", re.IGNORECASE
)
_SIGNS = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # scripts without blanks between words
_WORD = re.compile(rf"\ufffc|[{_SIGNS}]|[^\W_{_SIGNS}]+")
_UNSPACED = re.compile(f"[{_SIGNS}]")


Branch = dict[str, "Branch"]


def _words(text: str) -> list[str]:
    """Words as they are compared: no marks, links and addresses of ours; each sign of an unspaced script is one."""
    if ":" in text:
        text = _LINK.sub(" ", text)
    if "@" in text:
        text = _TOKEN_ADDRESS.sub(" ", text)
    return _WORD.findall(unicodedata.normalize("NFKC", text.replace(WILD, f" {WILD} ")).casefold())


def _grams(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + _GRAM]) for i in range(len(words) - _GRAM + 1)}


class Sent:
    """The lines of one mail of ours, ready to be known again. Looking costs time in proportion to the body."""

    def __init__(self, lines: frozenset[str]) -> None:
        self._tree: Branch = {}
        self._wild: dict[str, list[tuple[str, ...]]] = {}
        self._grams: set[tuple[str, ...]] = set()
        for line in lines:
            words = tuple(_words(line))
            while words[:1] == (WILD,):
                words = words[1:]
            if not words:
                continue
            self._grams |= _grams(words)
            if WILD in words:
                self._wild.setdefault(words[0], []).append(words)
                continue
            branch = self._tree
            for word in words:
                branch = branch.setdefault(word, {})
            branch[_END] = {}

    def own(self, body: Sequence[str]) -> list[bool | None]:
        """Whose each line of a body is."""
        left, words = _MOST, list[list[str]]()
        for text in body:
            words.append(_words(text) if left > 0 else [])
            left -= len(text)
        flat = [word for line in words for word in line]
        ends, starts, at = set[int](), set[int](), 0
        for line in words:
            starts.add(at)
            at += len(line)
            ends.add(at)
        ours = self._covered(flat, starts, ends)
        out: list[bool | None] = []
        at = 0
        for line in words:
            known = sum(ours[at : at + len(line)])
            at += len(line)
            out.append(None if not line else known >= _WHOLE * len(line) or self._mostly(line))
        return out

    def _covered(self, flat: list[str], starts: set[int], ends: set[int]) -> list[bool]:
        """Which words belong to lines that are there from their first word to their last."""
        ours = [False] * len(flat)
        at, follows = 0, True
        while at < len(flat):
            found = self._line_at(flat, at, at in starts or follows, ends)
            if found:
                ours[at : at + found] = [True] * found
            at, follows = at + (found or 1), bool(found)
        return ours

    def _line_at(self, flat: list[str], at: int, begins: bool, ends: set[int]) -> int:
        """How many words the longest line of ours has that stands at a place; 0 for none."""
        branch, found = self._tree, 0
        for here in range(at, len(flat)):
            if (deeper := branch.get(flat[here])) is None:
                break
            branch, length = deeper, here + 1 - at
            if _END in branch and (length >= _LEAST or (begins and here + 1 in ends)):
                found = length
        for line in self._wild.get(flat[at], ()):
            stop = _wild(line, flat, at, ends)
            if stop - at > found and (len(line) >= _LEAST or (begins and stop in ends)):
                found = stop - at
        return found

    def _mostly(self, line: list[str]) -> bool:
        """Whether a long line is ours by most of its runs of words."""
        grams = _grams(line) if len(line) >= _LONG else set()
        return bool(grams) and len(grams & self._grams) >= _SHARE * len(grams)


def _wild(line: tuple[str, ...], flat: list[str], at: int, ends: set[int]) -> int:
    """Where a line with wildcards ends that begins at a place; the place itself if it does not stand there."""
    here = at
    for place, word in enumerate(line):
        if word == WILD:
            after = line[place + 1] if place + 1 < len(line) else None
            if after is None:
                return next((i for i in range(here, here + _MOST_WILD + 1) if i in ends), at)
            window = flat[here : here + _MOST_WILD]
            if after not in window:
                return at
            here += window.index(after)
        elif here < len(flat) and flat[here] == word:
            here += 1
        else:
            return at
    return here


@lru_cache(maxsize=8)
def sent_of(lines: frozenset[str]) -> Sent:
    """The same for the same lines: many answer one mail."""
    return Sent(lines)


def solid(line: str) -> bool:
    """Whether a line says enough to tell a mail by: five words or more."""
    return len(_words(line)) > (_LEAST * 2 if _UNSPACED.search(line) else _LEAST)


def repeated(body: Sequence[str], quoted: Sequence[bool]) -> set[int]:
    """Where somebody typed lines of ours as an answer: a few between marked lines, which are there marked too."""
    lines = [i for i, line in enumerate(body[:_MOST_LINES]) if line.strip()]
    marked = {tuple(_words(body[i])) for i in lines if quoted[i]}
    found, run = set[int](), list[int]()
    for place, i in enumerate(lines):
        if not quoted[i]:
            run.append(i)
            continue
        between = run and place > len(run)
        if between and len(run) <= _TYPED and all(tuple(_words(body[j])) in marked for j in run):
            found |= set(run)
        run = []
    return found if 2 * len(found) <= len(marked) else set()
