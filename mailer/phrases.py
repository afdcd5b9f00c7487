"""What people write, by language: the tables of `mailer/languages` as look-ups of bounded cost.

A phrase is found by its first word in a dictionary, so a look-up costs one step per word of the text
however many languages there are. Scripts written without spaces are searched as plain substrings.
Matching folds case, width, spaces, apostrophes and Arabic vowel signs; see `fold`.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from mailer.lexicon import language_tables

Table = Mapping[str, Mapping[str, tuple[str, ...]]]

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_MARKS = re.compile(r"[\u064b-\u065f\u0670\u0640\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_SPACE = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u3000]+")
_SAME = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "–": "-", "—": "-", "‐": "-", "‑": "-"})
_SMALL_I = "i\u0307"
_HEAD = 3  # letters; a phrase whose first word has fewer goes on in no other word
_PLACE = itemgetter(0, 1)


@lru_cache(maxsize=64)  # the same few texts of one mail are folded by many rules
def fold(text: str) -> str:
    """The text as it is compared: NFKC, case folded, one space, plain quotes and hyphens; lines stay."""
    if text.isascii():
        plain = text.replace("`", "'").lower()
        return _SPACE.sub(" ", plain) if "  " in plain or "\t" in plain else plain
    text = unicodedata.normalize("NFKC", text).translate(_SAME).casefold().replace(_SMALL_I, "i")
    return _SPACE.sub(" ", _MARKS.sub("", text))


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase found: where, which, in which language, under which name of the table."""

    start: int
    end: int
    phrase: str
    language: str
    name: str


class Phrases:
    """A set of phrases of one section of the tables, ready to be looked up."""

    def __init__(self, entries: Iterable[tuple[str, str, str]]) -> None:
        by_word: dict[str, list[tuple[str, str, str]]] = {}
        self._plain: list[tuple[str, str, str]] = []
        self.whole: dict[str, list[tuple[str, str]]] = {}
        for phrase, language, name in entries:
            folded = fold(phrase)
            self.whole.setdefault(folded.strip(), []).append((language, name))
            word = _WORD.search(folded)
            if _UNSPACED.search(folded) or word is None:
                self._plain.append((folded, language, name))
            else:
                by_word.setdefault(word.group(), []).append((folded, language, name))
        self._by_head: dict[str, list[tuple[str, list[tuple[str, str, str]]]]] = {}
        for key, group in by_word.items():
            group.sort(key=lambda entry: -len(entry[0]))
            self._by_head.setdefault(key[:_HEAD], []).append((key, group))

    def find(self, folded: str, stems: bool = False) -> Iterator[Found]:
        """All phrases in a folded text. With `stems` a phrase may be continued by more letters."""
        text = _text(folded)
        heads = self._by_head.keys() & text.heads.keys()
        at = [
            (start, -len(key), group)
            for head in heads
            for key, group in self._by_head[head]
            for word, start in text.heads[head]
            if (word.startswith(key) if stems else word == key)
        ]
        at.sort(key=_PLACE)
        for start_of_word, _, group in at:
            for phrase, language, name in group:
                start = start_of_word - _lead(phrase)
                end = start + len(phrase)
                if start < 0 or not folded.startswith(phrase, start):
                    continue
                if stems or not folded[end : end + 1].isalnum():
                    yield Found(start, end, phrase, language, name)
        if text.unspaced:
            for phrase, language, name in self._plain:
                start = folded.find(phrase)
                if start >= 0:
                    yield Found(start, start + len(phrase), phrase, language, name)

    def first(self, folded: str, stems: bool = False) -> Found | None:
        """Any phrase in a folded text, or None."""
        return next(self.find(folded, stems), None)


class _Text:
    """A folded text cut into words once, for all the sets that are looked up in it."""

    def __init__(self, folded: str) -> None:
        self.heads: dict[str, list[tuple[str, int]]] = {}  # words and their places, by their first letters
        for found in _WORD.finditer(folded):
            word = found.group()
            self.heads.setdefault(word[:_HEAD], []).append((word, found.start()))
        self.unspaced = not folded.isascii() and _UNSPACED.search(folded) is not None


@lru_cache(maxsize=32)
def _text(folded: str) -> _Text:
    return _Text(folded)


@lru_cache(maxsize=4096)
def _lead(phrase: str) -> int:
    """How many characters of a phrase stand before its first word."""
    word = _WORD.search(phrase)
    return word.start() if word else 0


@lru_cache(maxsize=1)  # not read where no mail is: they take longer than most commands
def tables() -> Mapping[str, Table]:
    """The tables of words by language."""
    return {
        code: {section: {key: tuple(words) for key, words in rows.items()} for section, rows in table.items()}
        for code, table in language_tables().items()
    }


@lru_cache(maxsize=64)
def phrases(section: str, *names: str) -> Phrases:
    """The phrases of a section of all languages, of the given names or of all."""
    return Phrases(
        (phrase, language, name)
        for language, table in tables().items()
        for name, words in table.get(section, {}).items()
        if not names or name in names
        for phrase in words
    )
