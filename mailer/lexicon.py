"""The words and marks of languages and mail programs, loaded once from the tables beside this module.

One small TOML per language (`languages/`), one per mail program (`clients/`). Everything is folded here, so
that readers compare plain strings. A broken table raises at import of its reader, never on a mail.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

_BIDI = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\u061c\ufeff\u00ad]")
_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_DIGITS = {
    c: ord("0") + unicodedata.digit(chr(c)) for c in range(0x660, 0x1000) if unicodedata.category(chr(c)) == "Nd"
}
_DIGITS.update({c: ord("0") + c - 0xFF10 for c in range(0xFF10, 0xFF1A)})
_DIGITS.update(
    {c: ord("0") + unicodedata.digit(chr(c)) for c in range(0x1040, 0x1A00) if unicodedata.category(chr(c)) == "Nd"}
)
_FOLD = {**_DIGITS, 0xFF1A: ord(":"), 0x2019: ord("'"), 0x02BC: ord("'"), 0xFF0C: ord(","), 0x130: ord("i")}
# Scripts that write words without spaces, or glue the verb to the name.
_GLUED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ROLES = ("from", "sent", "to", "cc", "subject")


def fold(text: str) -> str:
    """Text for comparing: no bidi marks, one kind of space, digit, apostrophe and colon, one case."""
    if text.isascii():
        return (_SPACES.sub(" ", text) if "  " in text or "\t" in text else text).strip().lower()
    text = _SPACES.sub(" ", _BIDI.sub("", text)).strip()
    return unicodedata.normalize("NFC", text.translate(_FOLD)).lower().replace("i\u0307", "i")


@dataclass(slots=True)
class Selectors:
    """What classes, ids and attributes of HTML mean: (mark, name of the table)."""

    exact: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    prefixes: list[tuple[str, str, str, tuple[str, str]]] = field(default_factory=list)

    def add(self, selector: str, mark: str, by: str) -> None:
        """Learn one selector: .class, #id, tag.class, [attribute=value], tag."""
        match = re.fullmatch(r"(\w*)(?:([.#])([\w*-]+)|\[([\w-]+)=([\w*-]+)\])?", selector)
        if match is None:
            raise ValueError(f"no such selector: {selector!r} in {by}")
        tag, kind, name, attribute, value = match.groups()
        attribute = {".": "class", "#": "id", None: attribute or ""}[kind]
        value = (name or value or "").lower()
        if value.endswith("*"):
            self.prefixes.append((tag, attribute, value[:-1], (mark, by)))
        else:
            self.exact[(tag, attribute, value)] = (mark, by)

    def match(self, tag: str, attributes: dict[str, str]) -> tuple[str, str] | None:
        """The meaning of an element, or None."""
        exact = self.exact
        for attribute, value in attributes.items():
            if len(value) > 500:
                continue
            for word in value.lower().split()[:20] if attribute == "class" else (value.lower(),):
                bare = word[2:] if word.startswith("x_") else word
                found = exact.get(("", attribute, bare)) or exact.get((tag, attribute, bare))
                if found:
                    return found
                for wanted, name, prefix, meaning in self.prefixes:
                    if name == attribute and wanted in ("", tag) and bare.startswith(prefix):
                        return meaning
        return exact.get((tag, "", ""))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All tables joined. Words are folded; each pattern is an alternation of literals, longest first."""

    languages: tuple[str, ...]
    starts: re.Pattern[str]
    verbs: re.Pattern[str]
    quoting: re.Pattern[str]
    labels: dict[str, frozenset[str]]
    original: frozenset[str]
    forward: frozenset[str]
    above: tuple[str, ...]
    mobile: re.Pattern[str]
    mobile_ends: re.Pattern[str]
    closings: re.Pattern[str]
    parting: re.Pattern[str]
    answers: frozenset[str]
    footer: re.Pattern[str]
    selectors: Selectors


def _tables(folder: str) -> dict[str, dict[str, Any]]:
    root = resources.files("mailer") / folder
    names = sorted(entry.name for entry in root.iterdir() if entry.name.endswith(".toml"))
    return {name[:-5]: tomllib.loads((root / name).read_text("utf-8")) for name in names}


@lru_cache(maxsize=1)
def language_tables() -> dict[str, dict[str, Any]]:
    """The tables of `languages/` by code, as they are written."""
    return _tables("languages")


def _words(section: str, key: str) -> list[str]:
    found = {fold(w) for table in language_tables().values() for w in table.get(section, {}).get(key, ())}
    return sorted((w for w in found if w), key=lambda w: (-len(w), w))


def _branches(words: list[str], depth: int) -> str:
    """The words as a tree of their first letters: a search then looks at a few of them, not at all."""
    if depth == 0 or len(words) < 4:
        return "|".join(re.escape(w) for w in words)
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word[:1], []).append(word[1:])
    whole = "" in groups
    groups.pop("", None)
    tree = [f"{re.escape(first)}(?:{_branches(rest, depth - 1)})" for first, rest in groups.items()]
    return "|".join([*tree, ""] if whole else tree)


def _alternation(words: Iterable[str], before: str = "", after: str = "") -> re.Pattern[str]:
    """A pattern of literals; words of spaced scripts must stand alone. Nothing in it can backtrack far."""
    listed = list(words)
    spaced = [w for w in listed if not _GLUED.search(w)]
    glued = [w for w in listed if _GLUED.search(w)]
    choices = []
    if spaced:
        choices.append(rf"(?<!\w)(?:{_branches(spaced, 3)})(?!\w)")
    if glued:
        choices.append(_branches(glued, 2))
    return re.compile(f"{before}(?:{'|'.join(choices) or '(?!)'}){after}")


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The tables, read once for the life of the program."""
    labels: dict[str, set[str]] = {}
    for role in _ROLES:
        for word in _words("header_block", role):
            labels.setdefault(word, set()).add(role)
    selectors = Selectors()
    for name, table in _tables("clients").items():
        for mark, listed in table.get("html", {}).items():
            for selector in listed:
                selectors.add(selector, mark, f"client:{name}")
    return Lexicon(
        languages=tuple(language_tables()),
        starts=_alternation(_words("attribution", "starts"), before=r"^[\W_]{0,6}"),
        verbs=_alternation(_words("attribution", "verbs")),
        quoting=_alternation(_words("attribution", "quoting"), before="^"),
        labels={word: frozenset(roles) for word, roles in labels.items()},
        original=frozenset(_words("header_block", "original")),
        forward=frozenset(_words("forward", "marks")),
        above=tuple(_words("header_block", "above")),
        mobile=_alternation(_words("signature", "mobile"), before="^"),
        mobile_ends=_alternation(_words("signature", "mobile_ends"), after=r"[\s.!。]{0,3}$"),
        closings=_alternation(_words("closing", "words"), before="^"),
        parting=_alternation(_words("closing", "parting"), before="^"),
        answers=frozenset(_words("closing", "answers")),
        footer=_alternation(_words("footer", "marks")),
        selectors=selectors,
    )
