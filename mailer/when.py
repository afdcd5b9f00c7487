"""Dates and hours as people write them in mail, in the languages that CLDR knows.

`dates_in` finds dates with their places; a date without a year is the next such day from `today`.
`until` picks the one that a notice or a command means. Nothing here raises; unreadable means none.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from babel.core import Locale, UnknownLocaleError
from babel.dates import get_day_names, get_month_names

from mailer.phrases import fold, phrases, tables

_MAX = 4_000
_LOCALES = {"zh-Hans": "zh_Hans", "zh-Hant": "zh_Hant", "tl": "fil"}
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_NUMERIC = re.compile(r"(?<![\d./-])(\d{1,2}) ?([./-]) ?(\d{1,2})(?:(?: ?\2 ?)(\d{4}|\d{2}))?(?![\d])")
_CJK = re.compile(r"(?:(\d{4}) ?[年년] ?)?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日일号號]?")
_CJK_END = re.compile(r"(?:(\d{4}) ?[年년] ?)?(\d{1,2}) ?[月월] ?[末底말]")
_VIETNAMESE = re.compile(r"(?<!\d)(\d{1,2}) tháng (\d{1,2})(?: năm (\d{4}))?", re.IGNORECASE)
# A month's name; in the scripts of India and Thailand vowel signs are no letters, but belong to it. No character may
# fit both alternatives: a run of such ones would be tried in as many ways as it has subsets.
_NAME = r"[^\W\d_](?:[^\W\d_]|(?=\W)[\u0300-\u036f\u0900-\u0963\u0970-\u0eff]){1,24}"
_DAY = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|\.?º|ª|°|-?го|-го|-е|\.)?,?[ -](?:(?:de|of|den|da|di|del|i) |d')?"
    rf"({_NAME})\.?"
)
_NAMED = re.compile(rf" ?(?:(?:de|of|des|du|di|del) |d')?({_NAME})")
_BEFORE = re.compile(rf"({_NAME}) ?$")
_AFTER = re.compile(rf"({_NAME})\.? (?:den |the )?(\d{{1,2}})(?:st|nd|rd|th|\.)?(?!\d|[:.]\d)")
_YEAR = re.compile(r"[ .,/-]{0,3}(?:de |del |of |năm |г\. ?)?(\d{4})(?!\d)")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_HOUR = re.compile(r"(?<!\d)(\d{1,2})(?:[:.h٫時时點点시]?(\d{2}))?(?!\d) ?(?:(a\.?m|p\.?m)\b)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Day:
    """A date found in a text."""

    start: int
    end: int
    value: date


def digits(text: str) -> str:
    """The text with every decimal digit of any script as an ASCII digit; lengths stay."""
    if text.isascii():
        return text
    return _FOREIGN_DIGIT.sub(lambda found: str(unicodedata.digit(found.group())), text)


@lru_cache(maxsize=128)
def _names(language: str) -> tuple[dict[str, int], dict[str, int]]:
    """Month and weekday names of a language, folded, with their numbers (Monday is 0)."""
    try:
        locale = Locale.parse(_LOCALES.get(language, language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return {}, {}
    months: dict[str, int] = {}
    days: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in get_month_names(width, context, locale).items():
                months.setdefault(fold(name).strip(". "), int(number))
            for number, name in get_day_names(width, context, locale).items():
                days.setdefault(fold(name).strip(". "), int(number))
    return {k: v for k, v in months.items() if not k.isdigit()}, days


def date_words(language: str) -> frozenset[str]:
    """The folded words that dates of a language are made of, English ones among them."""
    months, days = _names(language)
    english = (*_names("en")[0], *_names("en")[1])
    ends = (
        word for phrase in tables().get(language, {}).get("dates", {}).get("ends", ()) for word in fold(phrase).split()
    )
    return frozenset((*months, *days, *english, *ends, "tháng"))


def _month(word: str, languages: tuple[str, ...]) -> int | None:
    word = fold(word).strip(". ")
    for language in languages:
        months = _names(language)[0]
        if word in months:
            return months[word]
        for name, number in months.items():  # inflected: "lokakuuta", "מאי" behind a prefix letter
            if len(name) >= 3 and (word.startswith(name[: max(3, len(name) - 2)]) or word[1:] == name):
                return number
    return None


def _next(month: int, day: int, today: date | None) -> date | None:
    """The day nearest to come: this year's, unless it is more than two months past."""
    base = today or date(2000, 1, 1)
    for year in (base.year, base.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found >= base - timedelta(days=60):
            return found
    return None


def _make(year: str | None, month: int, day: int, today: date | None) -> date | None:
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    if not year:
        return _next(month, day, today)
    number = int(year)
    if today and number in range(today.year + 533, today.year + 553):
        number -= 543  # years of the Buddhist era, as in Thailand
    try:
        return date(number + 2000 if number < 100 else number, month, day)
    except ValueError:
        return None


def _numeric(a: int, b: int, year: str | None, mark: str, today: date | None) -> date | None:
    """Day and month in the order that gives a date, the nearer one to come where both do."""
    first = _make(year, b, a, today)
    second = _make(year, a, b, today) if mark == "/" else None
    if first and second and today:
        return min((first, second), key=lambda d: (d < today, abs((d - today).days)))
    return first or second


def _found(text: str, languages: tuple[str, ...], today: date | None) -> Iterator[Day]:
    for match in _ISO.finditer(text):
        if value := _make(match.group(1), int(match.group(2)), int(match.group(3)), today):
            yield Day(match.start(), match.end(), value)
    for match in _CJK.finditer(text):
        if value := _make(match.group(1), int(match.group(2)), int(match.group(3)), today):
            yield Day(match.start(), match.end(), value)
    for match in _VIETNAMESE.finditer(text):
        if value := _make(match.group(3), int(match.group(2)), int(match.group(1)), today):
            yield Day(match.start(), match.end(), value)
    for match in _NUMERIC.finditer(text):
        a, mark, b, year = match.groups()
        if (year or mark != "-") and (value := _numeric(int(a), int(b), year, mark, today)):
            yield Day(match.start(), match.end(), value)
    for pattern, day_at, name_at in ((_DAY, 1, 2), (_AFTER, 2, 1)):
        for match in pattern.finditer(text):
            month = _month(match.group(name_at), languages)
            if month:
                year_match = _YEAR.match(text, match.end())
                year = year_match.group(1) if year_match else None
                end = year_match.end() if year_match else match.end()
                if value := _make(year, month, int(match.group(day_at)), today):
                    yield Day(match.start(), end, value)


def _month_ends(text: str, languages: tuple[str, ...], today: date | None) -> Iterator[Day]:
    """The last days of months that are named: "the end of April", "4月末", "अप्रैल के अंत"."""
    for match in _CJK_END.finditer(text):
        if value := _last_of(match.group(1), int(match.group(2)), today):
            yield Day(match.start(), match.end(), value)
    plain = fold(text)
    for mark in phrases("dates", "ends").find(plain) if len(plain) == len(text) else ():
        if mark.language not in languages:
            continue
        after, before = _NAMED.match(text, mark.end), _BEFORE.search(text, max(0, mark.start - 26), mark.start)
        for name in (after, before):
            month = _whole_month(name.group(1), mark.language) if name else None
            year = _YEAR.match(text, name.end()) if name and name is after else None
            value = _last_of(year.group(1) if year else None, month, today) if month else None
            if name and value:
                yield Day(min(mark.start, name.start(1)), max(mark.end, (year or name).end()), value)
                break


def _whole_month(word: str, language: str) -> int | None:
    """The month that a word names in full, whatever case it stands in."""
    word = fold(word).strip(". ")
    known = _names(language)[0]
    inflected = (n for name, n in known.items() if len(name) > 3 and word[:-1] in (name, name[:-1]) and word[:1])
    return known.get(word) or next(inflected, None)


def _last_of(year: str | None, month: int, today: date | None) -> date | None:
    """The last day of a month."""
    first = _make(year, month, 1, today) or (_make(year, month, 28, today) if not year else None)
    return (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1) if first else None


def _weekdays(text: str, languages: tuple[str, ...], today: date | None) -> Iterator[Day]:
    if today is None:
        return
    glued = _UNSPACED.search(text) is not None
    for language in languages:
        pattern, names = _day_names(language, glued)
        for match in pattern.finditer(fold(text)) if pattern else ():
            ahead = (names[match.group("day")] - today.weekday() - 1) % 7 + 1
            yield Day(match.start(), match.end(), today + timedelta(days=ahead))


@lru_cache(maxsize=128)
def _day_names(language: str, glued: bool) -> tuple[re.Pattern[str] | None, dict[str, int]]:
    """The weekday names of a language as a pattern; `glued`: those that stand among letters of their script."""
    names = {name: day for name, day in _names(language)[1].items() if len(name) > (1 if glued else 3)}
    names = {name: day for name, day in names.items() if glued is bool(_UNSPACED.search(name))}
    if language == "pt":
        names |= {name.removesuffix("-feira"): day for name, day in names.items() if name.endswith("-feira")}
    listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    if not listed:
        return None, {}
    # Hebrew and Arabic write "on" and "and" as one letter before the name.
    edged = (
        f"(?P<day>{listed})"
        if glued
        else rf"(?<![^\W\d_])[\u05d1\u05d4\u05dc\u05d5\u0628\u0648]?(?P<day>{listed})(?![^\W\d_])"
    )
    return re.compile(edged), names


def dates_in(text: str, languages: tuple[str, ...], today: date | None = None) -> list[Day]:
    """Dates in a text in order of place, none inside another; weekdays only where there is no date."""
    text = digits(unicodedata.normalize("NFKC", text[:_MAX]))
    kept: list[Day] = []
    known = (*languages, "en")
    found = sorted((*_found(text, known, today), *_month_ends(text, known, today)), key=lambda d: (d.start, -d.end))
    for day in found or sorted(_weekdays(text, (*languages, "en"), today), key=lambda d: d.start):
        if not kept or day.start >= kept[-1].end:
            kept.append(day)
    return kept


def until(text: str, languages: tuple[str, ...], today: date | None = None) -> date | None:
    """The day a notice speaks of: after (or before) a word for "until" or "back", else the last one to "
    "come."""
    text = text[:_MAX]
    days = dates_in(text, languages, today)
    if not days:
        return None
    plain = fold(text)
    marks = [m for m in phrases("autoreply", "until").find(plain) if m.language in languages or m.language == "en"]
    if len(plain) == len(text):
        for mark in sorted(marks, key=lambda m: (-len(m.phrase), m.start)):
            after = [d for d in days if 0 <= d.start - mark.end <= 40]
            before = [d for d in days if 0 <= mark.start - d.end <= 3]
            if after or before:
                return (after or before)[0].value
    coming = [d.value for d in days if today is None or d.value >= today - timedelta(days=1)]
    return max(coming or [d.value for d in days])


def hour_in(text: str) -> int | None:
    """An hour of the day, 0..23: `9`, `9:00`, `21h`, `9 pm`; other minutes are cut off."""
    match = _HOUR.search(digits(text[:200]))
    if not match:
        return None
    hour, half = int(match.group(1)), (match.group(3) or "").lower().replace(".", "")
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour if hour <= 23 else None
