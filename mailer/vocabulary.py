"""Small vocabularies that a text is made of whole, or not: how `wish` and `recall` know that a mail says nothing else.

A vocabulary maps folded words to what they mean. `cover` cuts a text into its words, longest first; one word that is
not of the vocabulary and there is no covering. Entries ending in `*` are stems. Latin letters are compared without
accents, as many people type them; Hebrew and Arabic words may be written together with those before them.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Meaning = tuple[str, str]  # a role, and what is named (a cadence, a language), or ''

_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_LETTER = r"\w\u0300-\u036f\u0900-\u0963\u0970-\u0dff"  # vowel signs are no letters to `re`, but belong to the word
_INDIC = re.compile("[\u0900-\u0dff]")
_HEBREW = "[והבלמשכ]{0,2}"  # what is written together with the next word: and, the, in, to, from ...
_ARABIC = "(?:[وف]?[بلك]?(?:ال|ل)?)"
_ALNUM = re.compile(r"[^\W_]")
_TOKEN = re.compile(rf"[{_LETTER}]+")
_JOINED = re.compile(r"[\u0590-\u06ff\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")  # words are written together
_DIGIT = re.compile(r"\d")
_HEAD = 3  # letters of a word that a cheap look compares
_PARTS = 8  # words of a phrase
_WHOLE = {"join", "too", "instead", "likes"}  # roles of phrases whose words say nothing else
_NAMING = ("mine", "mail", "wants", "off", "hold", "again")  # roles that a word keeps inside a longer phrase
_GLUE = "0123456789והבלמשכوفبكلا年月日号號년월일时時点點시"  # what may stand between or before words of the others
_ACCENTED = (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
# What people leave out where their keyboard makes it hard: accents, the dots of ё, hamza, nukta.
_BARE: dict[int, str | None] = {
    code: base
    for code in _ACCENTED
    if (base := unicodedata.normalize("NFD", chr(code))[0]) != chr(code) and base.isascii()
}
_BARE |= {ord(letter): plain for letter, plain in zip("ёأإآىةँ", "еاااىهं", strict=True)} | {ord("ي"): "ى", 0x93C: None}


def bare(folded: str) -> str:
    """A folded text in the letters that everybody types."""
    return folded if folded.isascii() else folded.translate(_BARE)


@dataclass(frozen=True, slots=True)
class Look:
    """What a cheap look at a bare text sees: how its words begin, and of which letters the glued ones are."""

    heads: frozenset[str]
    letters: frozenset[str]


def look(text: str) -> Look | None:
    """A cheap look at a bare text; None when there is no word in it."""
    tokens = _TOKEN.findall(text)
    if not tokens:
        return None
    glued = [] if text.isascii() else [token for token in tokens if _JOINED.search(token)]
    plain = [token for token in tokens if len(token) > _HEAD and (not glued or token not in glued)]
    heads = frozenset(token[:_HEAD] for token in plain if token.isalpha() or not _DIGIT.search(token))
    return Look(heads, frozenset("".join(glued)))


class Vocabulary:
    """The vocabulary of one language: patterns of its words by their first letter, and what each means.

    One pattern of all words would take a fifth of a second to make, in each of many languages.
    """

    def __init__(self, meanings: Mapping[str, list[Meaning]], dates: Iterable[str] = ()) -> None:
        self._meanings: dict[str, list[Meaning]] = {}
        for word, meant in meanings.items():
            self._meanings.setdefault(bare(word), []).extend(meant)
        meanings = self._meanings
        self._of_role: dict[str, list[str]] = {}
        self._stems = sorted((word for word in meanings if word.endswith("*")), key=len, reverse=True)
        self._longest_first = sorted(meanings, key=len, reverse=True)
        self._by_letter: dict[str, re.Pattern[str]] = {}
        words = [part for word in (*meanings, *map(bare, dates)) for part in _TOKEN.findall(word)]
        self._heads = {word[:_HEAD] for word in words}
        self._stubs = tuple(stem[:-1] for stem in self._stems if len(stem) <= _HEAD)
        self._letters = set("".join(words)) | set(_GLUE)

    def may_cover(self, seen: Look) -> bool:
        """A cheap look before the patterns: whether each word begins like one of the vocabulary, or of a date."""
        strange = seen.heads - self._heads
        return seen.letters <= self._letters and all(head.startswith(self._stubs) for head in strange)

    def names(self, text: str, role: str) -> bool:
        """Whether a phrase of a role stands in a text, as a run of characters."""
        if role not in self._of_role:
            self._of_role[role] = [word for word, meant in self._meanings.items() if any(m[0] == role for m in meant)]
        plain = bare(text)
        return any(word in plain for word in self._of_role[role])

    def cover(self, piece: str) -> list[str] | None:
        """The words of this vocabulary that a bare text is made of; None for most, which fail at their first word."""
        at, covering = 0, []
        while letter := _ALNUM.search(piece, at):
            word = self._beginning(letter.group()).match(piece, letter.start())
            if word is None:
                return None
            covering.append(word.group())
            at = word.end()
        return covering

    def _beginning(self, letter: str) -> re.Pattern[str]:
        """The words that may begin with a letter; those that others are written together with may begin with any."""
        known = self._by_letter.get(letter)
        if known is None:
            fitting = (word for word in self._longest_first if word[0] == letter or (_joined(word) and _joined(letter)))
            known = self._by_letter[letter] = re.compile("|".join(map(_part, fitting)) or "(?!)")
        return known

    def meanings(self, found: str) -> list[Meaning]:
        """What a word that was found means; and of the shorter ones inside a phrase, what they name."""
        own = self._own(found)
        if {role for role, _ in own} & _WHOLE:  # "how can I get" is no word about getting less
            return own
        return [*own, *(one for inner in _inside(found) for one in self._own(inner) if one[0] in _NAMING)]

    def _own(self, found: str) -> list[Meaning]:
        stems = (meant for stem in self._stems if found.startswith(stem[:-1]) for meant in self._meanings[stem])
        for form in (found, *_without_prefix(found)):
            if form in self._meanings:
                return [*self._meanings[form], *stems]
        return list(stems)


def _inside(found: str) -> list[str]:
    """The shorter phrases inside a phrase: runs of its words, or of its characters where words are not spaced."""
    apart = " " not in found and _UNSPACED.search(found) is not None
    parts, glue = (list(found), "") if apart else (found.split(" "), " ")
    if not 1 < len(parts) <= _PARTS:
        return []
    runs = ((at, end) for at in range(len(parts)) for end in range(at + 1, len(parts) + 1))
    return [glue.join(parts[at:end]) for at, end in runs if end - at < len(parts)]


def _without_prefix(word: str) -> list[str]:
    return [word[end:] for end in range(1, 5) if not word[0].isascii()]


def _joined(word: str) -> bool:
    return "א" <= word[0] <= "ת" or "ء" <= word[0] <= "ي"


def _part(word: str) -> str:
    body = re.escape(word.removesuffix("*")).replace("\\ ", " ")
    if _UNSPACED.search(word):
        return body
    before = (_HEBREW if word[0] <= "ת" else _ARABIC) if _joined(word) else ""
    letter = rf"[{_LETTER}]" if _INDIC.search(word) else r"\w"  # the class costs a second when all words have it
    end = f"{letter}*" if word.endswith("*") else ""
    after = "" if word.endswith("'") else rf"(?!{letter})"  # l', d' stand before their word
    return rf"(?<!{letter}){before}{body}{end}{after}"
