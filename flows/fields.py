"""Reading typed fields out of a source file, collecting every fault with its line instead of stopping at the first.

Each reader gives the value, or None after noting why it cannot be used.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache

from babel import Locale
from babel.core import get_global

from digests.language import WrongTag, canonical
from digests.wall import read_moment, zone_names
from digests.when import Precision, day_span
from flows import source
from flows.engine import Refused
from flows.reports import Rejected, unknown
from flows.source import Mapping, Node, Scalar

# C0 and C1 controls but tab and line feed, and the two separators that some programs take for line ends.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})


# Codes of communities with a wiki of their own that CLDR has no data for.
_MORE_LANGUAGES = frozenset({"bcl", "nah"})


@cache
def named_languages() -> frozenset[str]:
    """The primary language codes that CLDR has English names for: what an error proposes."""
    return frozenset(code for code in map(str, Locale("en").languages) if code.isalpha() and len(code) <= 3)


@cache
def languages() -> frozenset[str]:
    """All primary language codes that CLDR knows anything of, two or three letters."""
    likely = {str(tag).partition("_")[0] for tag in get_global("likely_subtags")}
    return named_languages() | likely | _MORE_LANGUAGES


@cache
def regions() -> frozenset[str]:
    """The ISO 3166-1 country codes that CLDR knows."""
    return frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2)


def language(text: str) -> str:
    """The canonical form of a language tag; raises `ValueError` with the nearest known ones."""
    try:
        tag = canonical(text)
    except WrongTag as error:
        raise ValueError(unknown("language", text, named_languages())) from error
    if tag.split("-")[0] not in languages():
        raise ValueError(unknown("language", text, named_languages()))
    return tag


def language_of(text: str) -> str:
    """The same for a tag that a person gave; raises `Refused` with the tag and the nearest known ones."""
    try:
        return language(text)
    except ValueError as error:
        raise Refused(f"{text!r}: {error}") from error


class Fields:
    """The readers, and the list of faults they add to."""

    def __init__(self) -> None:
        self.rejected: list[Rejected] = []

    def reject(self, line: int, field: str, value: str, reason: str) -> None:
        """Note a fault."""
        self.rejected.append(Rejected(line, field, value[:200], reason))

    def only(self, of: Mapping, allowed: Iterable[str], where: str = "") -> None:
        """Refuse names that nothing reads: a misspelt field would be lost in silence."""
        known = set(allowed)
        for name in of.items:
            if name not in known:
                self.reject(of.line_of(name), where or "name", name, unknown("name", name, known))

    def text(self, of: Mapping, name: str, *, required: bool = False, longest: int = 10_000) -> str | None:
        """Text without control characters, trimmed; None where there is none."""
        node = of.get(name)
        if node is None or (isinstance(node, Scalar) and not node.text.strip()):
            if required:
                self.reject(of.line_of(name), name, "", "is missing")
            return None
        if not isinstance(node, Scalar):
            self.reject(node.line, name, "", "must be text")
            return None
        return self.clean(node, name, longest)

    def clean(self, node: Scalar, name: str, longest: int = 10_000) -> str | None:
        """The text of a scalar, if it holds no control characters and is not too long."""
        text = node.text.strip()
        if _CONTROL.search(text):
            self.reject(node.line, name, ascii(text), "contains a control character")
            return None
        if len(text) > longest:
            self.reject(node.line, name, text[:60] + "...", f"is longer than {longest} characters")
            return None
        return text

    def choice(self, of: Mapping, name: str, allowed: Iterable[str], what: str, *, required: bool = True) -> str | None:
        """One of the allowed values."""
        text = self.text(of, name, required=required)
        known = list(allowed)
        if text is not None and text not in known:
            self.reject(of.line_of(name), name, text, unknown(what, text, known))
            return None
        return text

    def slug(self, of: Mapping, name: str) -> str | None:
        """Lower-case letters, digits and hyphens."""
        text = self.text(of, name, required=True)
        if text is not None and (not SLUG.fullmatch(text) or len(text) > 80):
            self.reject(of.line_of(name), name, text, "may have lower-case letters, digits and single hyphens only")
            return None
        return text

    def zone(self, of: Mapping, name: str, *, required: bool = True) -> str | None:
        """An IANA zone."""
        return self.choice(of, name, zone_names(), "zone", required=required)

    def flag(self, of: Mapping, name: str, default: bool) -> bool:
        """True or false."""
        text = self.text(of, name)
        if text is None:
            return default
        if text.lower() not in _YES | _NO:
            self.reject(of.line_of(name), name, text, "must be true or false")
        return text.lower() in _YES

    def number(self, of: Mapping, name: str, low: int, high: int, *, required: bool = False) -> int | None:
        """A whole number from `low` to `high`."""
        text = self.text(of, name, required=required)
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            self.reject(of.line_of(name), name, text, f"must be a whole number from {low} to {high}")
            return None
        return int(text)

    def decimal(self, of: Mapping, name: str, low: float, high: float) -> float | None:
        """A decimal number from `low` to `high`."""
        text = self.text(of, name)
        if text is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{1,12})?", text, re.ASCII) or not low <= float(text) <= high:
            self.reject(of.line_of(name), name, text, f"must be a number from {low:g} to {high:g}")
            return None
        return float(text)

    def day(self, of: Mapping, name: str, *, required: bool = False) -> date | None:
        """A day as YYYY-MM-DD."""
        text = self.text(of, name, required=required)
        return None if text is None else self.day_of(text, of.line_of(name), name)

    def day_of(self, text: str, line: int, name: str) -> date | None:
        """The day that a text means."""
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
                raise ValueError
            return date.fromisoformat(text)
        except ValueError:
            self.reject(line, name, text, "is not a day such as 2019-03-18")
            return None

    def when(self, of: Mapping, name: str, *, required: bool = False) -> str | None:
        """A day, a month or a moment, as written."""
        text = self.text(of, name, required=required)
        return None if text is None else self.when_of(text, of.line_of(name), name)

    def when_of(self, text: str, line: int, name: str) -> str | None:
        """The same for a text that was read already."""
        try:
            day_span(text, Precision.DAY)
        except ValueError as error:
            self.reject(line, name, text, "is not a date: " + str(error).split("; ")[-1])
            return None
        return text

    def instant(self, of: Mapping, name: str) -> datetime | None:
        """A moment with its offset, such as 2019-03-18T17:00Z."""
        text = self.text(of, name)
        return None if text is None else self.instant_of(text, of.line_of(name), name)

    def instant_of(self, text: str, line: int, name: str) -> datetime | None:
        """The moment that a text means, in UTC."""
        try:
            return read_moment(text)
        except (ValueError, OverflowError):
            self.reject(line, name, text, "is not a moment with its zone, such as 2019-03-18T17:00Z")
            return None

    def words(self, of: Mapping, name: str, *, required: bool = False) -> tuple[tuple[str, int], ...]:
        """Several short values with their lines: a list, or text parted by spaces. Doubles are refused."""
        node = of.get(name)
        found: list[tuple[str, int]] = []
        if isinstance(node, source.Sequence):
            for item in node.items:
                if isinstance(item, Scalar) and item.text.strip():
                    found.append((item.text.strip(), item.line))
                else:
                    self.reject(item.line, name, "", "must be a list of texts")
        elif isinstance(node, Scalar):
            found = [(word, node.line) for word in node.text.split()]
        elif node is not None:
            self.reject(node.line, name, "", "must be a list")
        if required and not found and not isinstance(node, Mapping):
            self.reject(of.line_of(name), name, "", "is missing")
        seen: set[str] = set()
        for word, line in found:
            if word in seen:
                self.reject(line, name, word, "is named twice")
            seen.add(word)
        return tuple(found)

    def choices(self, of: Mapping, name: str, allowed: Iterable[str], what: str) -> tuple[str, ...]:
        """Several of the allowed values."""
        known = set(allowed)
        found = self.words(of, name)
        for word, line in found:
            if word not in known:
                self.reject(line, name, word, unknown(what, word, known))
        return tuple(word for word, _ in found if word in known)

    def tags(self, of: Mapping, name: str, *, required: bool = False) -> tuple[str, ...]:
        """Language tags in order, canonical."""
        found: list[str] = []
        for word, line in self.words(of, name, required=required):
            tag = self.tag(word, line, name)
            if tag is not None and tag not in found:
                found.append(tag)
        return tuple(found)

    def tag(self, text: str, line: int, name: str) -> str | None:
        """A language tag, canonical."""
        try:
            return language(text)
        except ValueError as error:
            self.reject(line, name, text, str(error))
            return None

    def link(self, of: Mapping, name: str) -> str | None:
        """A link that a mail may show: https, http or mailto."""
        text = self.text(of, name, longest=2000)
        if text is None:
            return None
        if not re.fullmatch(r"(https?://[^\s/<>\"]+|mailto:[^\s<>\"]+@)[^\s<>\"]*", text):
            self.reject(of.line_of(name), name, text, "is not a link that begins with https://, http:// or mailto:")
            return None
        return text

    def mappings(self, of: Mapping, name: str, *, required: bool = False) -> Sequence[Mapping]:
        """A list of mappings."""
        node = of.get(name)
        if node is None or (isinstance(node, Scalar) and not node.text):
            if required:
                self.reject(of.line_of(name), name, "", "is missing")
            return ()
        if not isinstance(node, source.Sequence):
            self.reject(node.line, name, "", "must be a list")
            return ()
        for item in node.items:
            if not isinstance(item, Mapping):
                self.reject(item.line, name, "", "each one must be a mapping of names to values")
        return [item for item in node.items if isinstance(item, Mapping)]

    def mapping(self, of: Mapping, name: str, *, required: bool = False) -> Mapping | None:
        """One mapping."""
        node: Node | None = of.get(name)
        if isinstance(node, Mapping):
            return node
        if node is not None:
            self.reject(node.line, name, "", "must be a mapping of names to values")
        elif required:
            self.reject(of.line, name, "", "is missing")
        return None
