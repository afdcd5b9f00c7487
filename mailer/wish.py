"""Wishes about one's own mail, in whole sentences: less often, in another language, not before June, not at all.

A mail is a wish when every word of it belongs to the small vocabulary of talking about one's mail (`[wish]` of a
language's table), the names of languages, cadences, dates and hours; one word of anything else and it is no wish.
So the sentences that people form are all understood, and none that speaks of the matter itself is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from babel.core import Locale

from mailer.phrases import fold, tables
from mailer.reading import CommandRead
from mailer.vocabulary import Meaning, Vocabulary, bare, look
from mailer.when import date_words, dates_in, digits, hour_in

MAX_CHARS = 240
MAX_WORDS = 32
_CADENCES = ("fortnightly", "monthly", "weekly")
_ROLES = (
    "mine", "mail", "join", "off", "hold", "too", "instead", "wants", "words", "again", "keep", "helps", "shows",
    "alter", "late", "sun", "likes", "others", "refuses", "refused",
)  # fmt: skip
WISHING = tuple(code for code, table in tables().items() if "wish" in table)  # languages with a vocabulary of wishes
_PIECE = re.compile(r"[.!?。！？؟।\n;；,،、，]+")
_HOUR = re.compile(
    r"(?<!\d)\d{1,2}(?:[:.h٫時时點点]\d{2})?(?!\d)(?: ?(?:a\.?m|p\.?m|h)\b)?(?! ?(?:[回度次x]|fois|vez|раз))"
)
_SPEAKERS = ("en", "es", "fr", "de", "pt", "ar", "ru", "zh_Hans", "zh_Hant", "hi", "ja", "id", "sw", "he")
_OTHER_NAMES = {
    "中文": "zh-Hans",
    "英文": "en",
    "法文": "fr",
    "德文": "de",
    "हिंदी": "hi",
    "बांग्ला": "bn",
    "अंग्रेजी": "en",
    "अंग्रेज़ी": "en",
}


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
    return any(joins <= said.roles and not said.roles & {"off", "keep"} for said in _understood(text, None))


def speaks_of_mail(text: str, language: str, today: date | None = None) -> bool:
    """Whether a text has only dates and words of this vocabulary; any has in a language without one."""
    return language not in WISHING or _said(digits(fold(text)), language, today) is not None


def _understood(text: str, today: date | None) -> Iterator[_Said]:
    """What a short text says, in each language whose vocabulary covers it whole."""
    text = digits(fold(text)).strip()
    if not text or len(text) > MAX_CHARS or len(text.split()) > MAX_WORDS:
        return
    seen = look(bare(text))
    if seen is None:  # marks alone are covered by every vocabulary, and say nothing
        return
    for language in WISHING:
        said = _said(text, language, today) if _vocabulary(language).may_cover(seen) else None
        if said is not None:
            yield said


def _read(said: _Said) -> CommandRead | None:
    changes = _changes(said)
    if said.roles & {"keep", "others"} or ("likes" in said.roles and not said.roles & {"off", "hold"}):
        return None  # "please do not unsubscribe me", "they want it weekly", "the weekly digest is great"
    if said.days and said.roles & {"off", "hold"} and not changes:
        return CommandRead("pause", max(said.days).isoformat())
    if said.roles & {"off", "hold"} or changes or said.days:
        return _changed(said, changes)
    if "shows" in said.roles:
        return CommandRead("settings" if "alter" in said.roles else "status")
    if "helps" in said.roles:
        return CommandRead("help")
    return CommandRead("resume") if {"again", "mail", "wants"} <= said.roles else None


def _changes(said: _Said) -> list[CommandRead]:
    """The cadences, languages and hours that are named."""
    changes = [CommandRead(name) for name in sorted(said.cadences)]
    changes += [CommandRead("language", code) for code in sorted(said.languages)]
    if said.days or not said.hours:
        return changes
    if said.roles & {"sun", "refuses", "refused"}:  # hours counted from sunrise or not, "not at 7": nobody can tell
        return [*changes, CommandRead("settings")]
    later = 12 if "late" in said.roles else 0
    return [*changes, *(CommandRead("hour", str(h + later if 0 < h < 12 else h)) for h in sorted(said.hours))]


def _changed(said: _Said, changes: list[CommandRead]) -> CommandRead | None:
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
    words = _vocabulary(language)
    days = dates_in(text, (language,), today)
    if words.names(text, "cadence"):  # "setiap minggu", 每周一次: no Sunday, no Monday
        days = [day for day in days if any(char.isdecimal() for char in text[day.start : day.end])]
    said.days = [day.value for day in days]
    for day in reversed(days):
        text = f"{text[: day.start]} {text[day.end :]}"
    text = bare(text)
    if not days:
        text = _hours(text, language, said)
    for piece in _PIECE.split(text):
        covering = words.cover(piece)
        if covering is None:
            return None
        _gather(said, [one for word in covering for one in words.meanings(word)])
    return said


def _hours(text: str, language: str, said: _Said) -> str:
    """Note the hours of a bare text, in figures or words; gives what is left of it."""
    numbers, spoken = _spoken(language)
    if numbers:
        text = spoken.sub(lambda found: f" {numbers[found.group()]} ", text)
    for found in _HOUR.finditer(text):
        hour = hour_in(found.group())
        said.hours |= {hour} if hour is not None else set()
    return _HOUR.sub(" ", text)


@lru_cache(maxsize=32)
def _spoken(language: str) -> tuple[dict[str, int], re.Pattern[str]]:
    """The hours as a language says them in words, with their numbers."""
    words = tables()[language]["wish"].get("spoken", ())
    numbers = {bare(fold(word)): number for number, word in enumerate(words, start=1)}
    return numbers, re.compile("|".join(map(re.escape, sorted(numbers, key=len, reverse=True))) or "(?!)")


def _gather(said: _Said, meanings: list[Meaning]) -> None:
    """Add what a sentence says. What is called too much, or stands behind an "instead of", is not what is asked for."""
    roles = [role for role, _ in meanings]
    said.roles |= set(roles)
    if "too" in roles:
        meanings = meanings[roles.index("too") :]
    if "instead" in roles:
        meanings = meanings[: roles.index("instead")]
    meanings = _not_refused(_not_refused(meanings, "refuses")[::-1], "refused")
    said.cadences |= {name for role, name in meanings if role == "cadence"}
    said.languages |= {name for role, name in meanings if role == "language"}


def _not_refused(meanings: list[Meaning], mark: str) -> list[Meaning]:
    """Meanings without the first cadence or language behind each mark: "not weekly"."""
    kept, refusing, refused = list[Meaning](), False, ("", "")
    for one in meanings:
        named = one[0] in ("cadence", "language")
        if named and (refusing or one == refused):  # a word that is in the vocabulary twice is refused once
            refusing, refused = False, one
            continue
        refused = ("", "")
        refusing = one[0] == mark or refusing
        kept.append(one)
    return kept


@lru_cache(maxsize=32)
def _vocabulary(language: str) -> Vocabulary:
    table, words = tables()[language], dict[str, list[Meaning]]()
    for name in _CADENCES:
        for word in table["commands"].get(name, ()):
            words.setdefault(fold(word), []).append(("cadence", name))
    for role in _ROLES:
        for word in table["wish"].get(role, ()):
            words.setdefault(fold(word), []).append((role, ""))
    for name, code in _names().items():
        words.setdefault(name, [("language", code)])
    for word in courtesies(language):
        words.setdefault(word, []).append(("words", ""))
    return Vocabulary(words, (*date_words(language), *table["wish"].get("spoken", ())))


def courtesies(language: str) -> list[str]:
    """The folded words of a language for greeting, asking and taking leave."""
    table = tables()[language]
    return [fold(word) for word in (*table["courtesy"].get("fillers", ()), *table["closing"].get("words", ()))]


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Folded names of languages as the service's languages call them, with the forms they take in a sentence."""
    names: dict[str, str] = {}
    for speaker in _SPEAKERS:
        known = Locale.parse(speaker).languages
        for code in tables():
            name = known.get(code.replace("-", "_")) or known.get(code.split("-")[0])
            for form in _forms(fold(name)) if name else ():
                if len(form) > 3 or not form.isascii():
                    names.setdefault(form, code)
        names.setdefault(fold(known["zh"]), "zh-Hans")
    return names | {fold(name): code for name, code in _OTHER_NAMES.items()}


def _forms(name: str) -> tuple[str, ...]:
    if name.endswith("кий"):
        stem = name.removesuffix("ий")
        return name, f"{stem}ом", f"{stem}ого", f"по-{stem}и"
    if name.startswith("ال"):
        return name, name[2:]
    return (name,)
