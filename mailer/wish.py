"""Wishes about one's own mail, in whole sentences: less often, in another language, not before June, not at all.

A mail is a wish when every word of it belongs to the small vocabulary of talking about one's mail (`[wish]` of a
language's table), the names of languages, cadences, dates and hours; one word of anything else and it is no wish.
So the sentences that people form are all understood, and none that speaks of the matter itself is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from babel.core import Locale

from mailer.phrases import TABLES, fold
from mailer.reading import CommandRead
from mailer.when import date_words, dates_in, digits, hour_in

MAX_CHARS = 240
MAX_WORDS = 32
_CADENCES = ("fortnightly", "monthly", "weekly")
_ROLES = ("mine", "mail", "join", "off", "hold", "too", "instead", "wants", "words")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_LETTER = r"\w\u0300-\u036f\u0900-\u0963\u0970-\u0dff"  # vowel signs are no letters to `re`, but belong to the word
_INDIC = re.compile("[\u0900-\u0dff]")
_HEBREW = "[והבלמשכ]{0,2}"  # what is written together with the next word: and, the, in, to, from ...
_ARABIC = "(?:[وف]?[بلك]?(?:ال|ل)?)"
_ALNUM = re.compile(r"[^\W_]")
_TOKEN = re.compile(rf"[{_LETTER}]+")
_JOINED = re.compile(r"[\u0590-\u06ff\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")  # words are written together
_HEAD = 3  # letters of a word that a cheap look compares
_GLUE = "0123456789והבלמשכوفبكلا年月日号號년월일時时點点시"  # what may stand between or before words of the others
_PIECE = re.compile(r"[.!?。！？؟।\n;；]+")
_HOUR = re.compile(r"(?<!\d)\d{1,2}(?:[:.h٫時时點点]\d{2})?(?!\d)(?: ?(?:a\.?m|p\.?m|h)\b)?")
_SPEAKERS = ("en", "es", "fr", "de", "pt", "ar", "ru", "zh_Hans", "zh_Hant", "hi", "ja", "id", "sw", "he")
_OTHER_NAMES = {"中文": "zh-Hans", "英文": "en", "法文": "fr", "德文": "de", "हिंदी": "hi", "अंग्रेजी": "en", "अंग्रेज़ी": "en"}


_Meaning = tuple[str, str]  # a role, and the cadence or language that is named


@dataclass(slots=True)
class _Said:
    """What the covered words of one mail amount to."""

    roles: set[str]
    cadences: set[str]
    languages: set[str]
    days: list[date]
    hours: set[int]


def read_wish(text: str, today: date | None = None) -> CommandRead | None:
    """The command that a short mail amounts to; None when it speaks of anything else.

    Several wishes at once, and one without its argument, are `settings`: a page answers them.
    """
    for said in _understood(text, today):
        if read := _read(said):
            return read
    return None


def wants_to_join(text: str) -> bool:
    """Whether somebody asks to get the mails that others get."""
    joins = {"join", "mail"}
    return any(joins <= said.roles and "off" not in said.roles for said in _understood(text, None))


def _understood(text: str, today: date | None) -> Iterator[_Said]:
    """What a short text says, in each language whose vocabulary covers it whole."""
    text = digits(fold(text)).strip()
    if not text or len(text) > MAX_CHARS or len(text.split()) > MAX_WORDS:
        return
    tokens = _TOKEN.findall(text)
    if not tokens:  # marks alone are covered by every vocabulary, and say nothing
        return
    for language in _languages():
        said = _said(text, language, today) if _vocabulary(language).may_cover(tokens) else None
        if said is not None:
            yield said


def _read(said: _Said) -> CommandRead | None:
    changes: list[CommandRead] = [CommandRead(name) for name in sorted(said.cadences)]
    changes += [CommandRead("language", code) for code in sorted(said.languages)]
    if said.days and said.roles & {"off", "hold"} and not changes:
        return CommandRead("pause", max(said.days).isoformat())
    if not said.days:
        changes += [CommandRead("hour", str(hour)) for hour in sorted(said.hours)]
    if "off" in said.roles:  # somebody's mail, not something on a list
        return CommandRead("unsubscribe") if {"mine", "mail"} <= said.roles and not changes and not said.days else None
    if "hold" in said.roles and "mail" in said.roles and not changes:
        return CommandRead("pause") if not said.days else None
    if "wants" not in said.roles or said.days or not changes:
        return None
    return changes[0] if len(changes) == 1 else CommandRead("settings")


def _said(text: str, language: str, today: date | None) -> _Said | None:
    """What a text says in a language, or None when a word of it is not of this vocabulary."""
    said = _Said(set(), set(), set(), [], set())
    days = dates_in(text, (language,), today)
    said.days = [day.value for day in days]
    for day in reversed(days):
        text = f"{text[: day.start]} {text[day.end :]}"
    if not days:
        for found in _HOUR.finditer(text):
            hour = hour_in(found.group())
            said.hours |= {hour} if hour is not None else set()
        text = _HOUR.sub(" ", text)
    words = _vocabulary(language)
    for piece in _PIECE.split(text):
        covering = words.cover(piece)
        if covering is None:
            return None
        _gather(said, [one for word in covering for one in words.meanings(word)])
    return said


def _gather(said: _Said, meanings: list[_Meaning]) -> None:
    """Add what a sentence says. What is called too much, or stands behind an "instead of", is not what is asked for."""
    roles = [role for role, _ in meanings]
    said.roles |= set(roles)
    if "too" in roles:
        meanings = meanings[roles.index("too") :]
    if "instead" in roles:
        meanings = meanings[: roles.index("instead")]
    said.cadences |= {name for role, name in meanings if role == "cadence"}
    said.languages |= {name for role, name in meanings if role == "language"}


@lru_cache(maxsize=1)
def _languages() -> tuple[str, ...]:
    return tuple(code for code, table in TABLES.items() if "wish" in table)


class _Words:
    """The vocabulary of one language: patterns of its words by their first letter, and what each means.

    One pattern of all words would take a fifth of a second to make, in each of many languages.
    """

    def __init__(self, meanings: dict[str, list[_Meaning]], dates: Iterable[str]) -> None:
        self._meanings = meanings
        self._stems = sorted((word for word in meanings if word.endswith("*")), key=len, reverse=True)
        self._longest_first = sorted(meanings, key=len, reverse=True)
        self._by_letter: dict[str, re.Pattern[str]] = {}
        words = [part for word in (*meanings, *dates) for part in _TOKEN.findall(word)]
        self._heads = {word[:_HEAD] for word in words}
        self._letters = set("".join(words)) | set(_GLUE)

    def may_cover(self, tokens: Sequence[str]) -> bool:
        """A cheap look before the patterns: whether each word begins like one of the vocabulary, or of a date."""
        return all(self._may_be(token) for token in tokens)

    def _may_be(self, token: str) -> bool:
        if _JOINED.search(token):
            return self._letters.issuperset(token)
        return len(token) <= _HEAD or token[:_HEAD] in self._heads or any(char.isdecimal() for char in token)

    def cover(self, piece: str) -> list[str] | None:
        """The words of this vocabulary that a text is made of; None for most texts, which fail at their first word."""
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

    def meanings(self, found: str) -> list[_Meaning]:
        """What a word that was found means: one thing or several."""
        for form in (found, *_without_prefix(found)):
            if form in self._meanings:
                return self._meanings[form]
        stem = next((stem for stem in self._stems if found.startswith(stem[:-1])), "")
        return self._meanings.get(stem, [])


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
    return rf"(?<!{letter}){before}{body}{end}(?!{letter})"


@lru_cache(maxsize=32)
def _vocabulary(language: str) -> _Words:
    table, words = TABLES[language], dict[str, list[_Meaning]]()
    for name in _CADENCES:
        for word in table["commands"].get(name, ()):
            words.setdefault(fold(word), []).append(("cadence", name))
    for role in _ROLES:
        for word in table["wish"].get(role, ()):
            words.setdefault(fold(word), []).append((role, ""))
    for name, code in _names().items():
        words.setdefault(name, [("language", code)])
    return _Words(words, date_words(language))


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Folded names of languages as the service's languages call them, with the forms they take in a sentence."""
    names: dict[str, str] = {}
    for speaker in _SPEAKERS:
        known = Locale.parse(speaker).languages
        for code in TABLES:
            name = known.get(code.replace("-", "_")) or known.get(code.split("-")[0])
            for form in _forms(fold(name)) if name else ():
                if len(form) > 3 or not form.isascii():
                    names.setdefault(form, code)
    return names | {fold(name): code for name, code in _OTHER_NAMES.items()}


def _forms(name: str) -> tuple[str, ...]:
    if name.endswith("ский"):
        stem = name.removesuffix("ий")
        return name, f"{stem}ом", f"{stem}ого", f"по-{stem}и"
    if name.startswith("ال"):
        return name, name[2:]
    return (name,)
