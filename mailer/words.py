"""Words of the service: gettext catalogues, and dates, numbers and directions by CLDR.

Pure: a catalogue is read from bytes that the caller loaded. Unknown languages fall back to English,
never to an error, except in `locale_of`, which names the nearest languages.
"""

import difflib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from gettext import GNUTranslations
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import negotiate_locale
from babel.dates import format_date, format_time, get_timezone_name
from babel.languages import get_official_languages
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from mailer.content import Precision, When

SOURCE = "en"
LANGUAGES = ("en", "ar", "de", "es", "fr", "he", "hi", "id", "ja", "pt", "ru", "sw", "zh")
DOMAIN = "tidings"

# First-strong isolates keep a date, name or address whole inside text of the other direction.
FSI, PDI = "\u2068", "\u2069"
_RTL = frozenset({"ar", "he", "fa", "ur", "ps", "sd", "ug", "yi", "dv", "ckb", "arc", "nqo"})
_RTL_SCRIPTS = frozenset({"Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg"})


class UnknownLanguage(ValueError):
    """A language tag that CLDR does not know; the message names near ones."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a catalogue lacks: msgids without translation and those still marked fuzzy."""

    lang: str
    missing: tuple[str, ...]
    fuzzy: tuple[str, ...]
    total: int


def catalogue(mo: bytes) -> GNUTranslations:
    """A compiled catalogue; OSError when the bytes are none."""
    return GNUTranslations(io.BytesIO(mo))


def pick(languages: Iterable[str], available: Iterable[str] = LANGUAGES) -> str:
    """The first language of a reader that has a catalogue, by tag or by its parents; else English."""
    have = tuple(available)
    for lang in languages:
        found = negotiate_locale([lang.replace("-", "_")], have, sep="_")
        if found:
            return found
    return SOURCE


@lru_cache(maxsize=256)
def locale_of(lang: str) -> Locale:
    """The CLDR locale of a tag such as `pt-BR`; UnknownLanguage with near tags otherwise."""
    try:
        return Locale.parse(lang.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        near = difflib.get_close_matches(lang, LANGUAGES, n=3, cutoff=0.3)
        raise UnknownLanguage(f"unknown language {lang!r}; near: {', '.join(near or LANGUAGES)}") from None


@lru_cache(maxsize=1024)
def direction(lang: str) -> str:
    """`rtl` or `ltr`; a script in the tag decides, an unknown language is judged by its code."""
    parts = lang.replace("_", "-").split("-")
    script = next((part.title() for part in parts[1:] if len(part) == 4), "")
    if script:
        return "rtl" if script in _RTL_SCRIPTS else "ltr"
    return "rtl" if parts[0].lower() in _RTL else "ltr"


@lru_cache(maxsize=1024)
def language_name(lang: str, said_in: str) -> str:
    """The name of a language in another one; the tag itself where CLDR has none."""
    try:
        return locale_of(lang).get_display_name(_known(said_in)) or lang
    except UnknownLanguage:
        return lang


@lru_cache(maxsize=4096)
def day(value: date, lang: str) -> str:
    """Weekday and full date: "Friday 23 October 2020"."""
    if lang == "en":
        return f"{format_date(value, 'EEEE d MMMM y', _known(lang))}"
    return format_date(value, "full", _known(lang))


@lru_cache(maxsize=1024)
def month(value: date, lang: str) -> str:
    """Month and year, in the standing form: "March 2020"."""
    locale = _known(lang)
    pattern = locale.datetime_skeletons.get("yMMMM")
    return format_date(value, pattern.pattern if pattern else "LLLL y", locale)


@lru_cache(maxsize=4096)
def moment(value: datetime, zone: str, lang: str) -> str:
    """An aware moment for a reader: local weekday, date and time, then the same in UTC.

    Where UTC has another day, its short date stands before the time.
    """
    locale = _known(lang)
    local, universal = value.astimezone(ZoneInfo(zone)), value.astimezone(UTC)
    utc = f"{_clock(universal, lang)} UTC"
    if local.date() != universal.date():
        utc = f"{format_date(universal.date(), _day_month(locale), locale)}, {utc}"
    if zone in ("UTC", "Etc/UTC", "GMT"):
        return f"{_at(local, lang)} UTC"
    return f"{_at(local, lang)} ({_isolated(utc, lang)})"


def stretch(start: datetime, end: datetime, zone: str, lang: str) -> str:
    """From one moment to another; the end is only a time where it falls on the same local day."""
    here: tzinfo = ZoneInfo(zone)
    if start.astimezone(here).date() != end.astimezone(here).date():
        return f"{moment(start, zone, lang)} – {moment(end, zone, lang)}"
    local = f"{_at(start.astimezone(here), lang)}–{_clock(end.astimezone(here), lang)}"
    if zone in ("UTC", "Etc/UTC", "GMT"):
        return f"{local} UTC"
    utc_start, utc_end = start.astimezone(UTC), end.astimezone(UTC)
    utc = f"{_clock(utc_start, lang)}–{_clock(utc_end, lang)} UTC"
    if utc_start.date() != start.astimezone(here).date():
        locale = _known(lang)
        utc = f"{format_date(utc_start.date(), _day_month(locale), locale)}, {utc}"
    return f"{local} ({_isolated(utc, lang)})"


@lru_cache(maxsize=4096)
def zone_name(zone: str, lang: str) -> str:
    """The zone in words, with its id: "Central European Time, Europe/Berlin"; one that is no place's, by its id."""
    if zone in ("UTC", "GMT") or zone.startswith("Etc/"):
        return _isolated(zone.removeprefix("Etc/"), lang)
    name = get_timezone_name(ZoneInfo(zone), locale=_known(lang))
    return zone if name == zone else f"{name}, {_isolated(zone, lang)}"


@lru_cache
def weekend(country: str) -> frozenset[int]:
    """The weekdays (Monday 0) that are no working days there, by CLDR; Saturday and Sunday where it is not known."""
    for lang in (*get_official_languages(country, de_facto=True), SOURCE) if country else ():
        try:
            there = Locale.parse(f"{lang}_{country}")
        except (UnknownLocaleError, ValueError):
            continue
        first, last = there.weekend_start, there.weekend_end
        return frozenset((first + n) % 7 for n in range((last - first) % 7 + 1))
    return frozenset({5, 6})


def isolate(text: str) -> str:
    """A name inside a sentence of either direction; plain ASCII in a plain sentence needs no marks."""
    return text if text.isascii() or not text else f"{FSI}{text}{PDI}"


def days(when: When, lang: str) -> str:
    """Dates without a clock time, exactly as exact as they are known; precision words are the template's."""
    if when.precision is Precision.MONTH:
        first = month(_date(when.start), lang)
        last = month(_date(when.end), lang) if when.end else first
        return first if first == last else f"{first} – {last}"
    first = day(_date(when.start), lang)
    if when.end is None or _date(when.end) == _date(when.start):
        return first
    return f"{first} – {day(_date(when.end), lang)}"


def local_key(when: When) -> str:
    """The splice argument of a moment or stretch, in UTC: `20201023T1900Z` or `...Z/...Z`."""
    ends = [when.start] if when.end is None else [when.start, when.end]
    return "/".join(_utc(end).strftime("%Y%m%dT%H%MZ") for end in ends)


def zone_table(fields: Iterable[str], zone: str, lang: str) -> Mapping[str, str]:
    """The values of all `local:...` and `zone` fields of a letter for readers in one zone and language."""
    table: dict[str, str] = {}
    for key in fields:
        name, _, arg = key.partition(":")
        if name == "zone":
            table[key] = zone_name(zone, lang)
        elif name == "local":
            ends = [datetime.strptime(part, "%Y%m%dT%H%MZ").replace(tzinfo=UTC) for part in arg.split("/")]
            table[key] = moment(ends[0], zone, lang) if len(ends) == 1 else stretch(ends[0], ends[1], zone, lang)
    return table


def gaps(template: bytes, po: bytes, lang: str) -> Gaps:
    """What the catalogue `po` lacks against the extracted `template` (both PO files)."""
    wanted: Catalog = read_po(io.BytesIO(template))
    have: Catalog = read_po(io.BytesIO(po), locale=lang.replace("-", "_"))
    missing, fuzzy, total = [], [], 0
    for message in wanted:
        if not message.id:
            continue
        total += 1
        single = message.id if isinstance(message.id, str) else message.id[0]
        found = have.get(message.id, message.context)
        said = () if found is None else (found.string,) if isinstance(found.string, str) else found.string
        if found is None or not said or not all(said) or len(said) != _forms(message.id, have):
            missing.append(single)
        elif found.fuzzy:
            fuzzy.append(single)
    return Gaps(lang, tuple(missing), tuple(fuzzy), total)


def _forms(msgid: str | Sequence[str], have: Catalog) -> int:
    return 1 if isinstance(msgid, str) else have.num_plurals


def _known(lang: str) -> Locale:
    try:
        return locale_of(lang)
    except UnknownLanguage:
        return locale_of(SOURCE)


def _at(local: datetime, lang: str) -> str:
    return f"{day(local.date(), lang)}, {_clock(local, lang)}" if lang == "en" else _full(local, lang)


def _full(local: datetime, lang: str) -> str:
    locale = _known(lang)
    joined = str(locale.datetime_formats["full"]).replace("'", "")
    return joined.replace("{1}", day(local.date(), lang)).replace("{0}", _clock(local, lang))


def _clock(at: datetime, lang: str) -> str:
    """Hours and minutes of 24 hours for all: one way of writing a time that nobody misreads."""
    return format_time(at.time(), "HH:mm", locale=_known(lang))


def _day_month(locale: Locale) -> str:
    if locale.language == SOURCE:
        return "d MMMM"
    pattern = locale.datetime_skeletons.get("MMMMd")
    return pattern.pattern if pattern else "d MMMM"


def _isolated(text: str, lang: str) -> str:
    return f"{FSI}{text}{PDI}" if direction(lang) == "rtl" else text


def _date(value: date | datetime | None) -> date:
    if value is None:
        raise ValueError("no date")
    return value.date() if isinstance(value, datetime) else value


def _utc(value: date | datetime) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("a moment needs a time and a zone")
    return value.astimezone(UTC)
