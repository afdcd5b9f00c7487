"""Taking back, correcting or hiding what was filed, in whole sentences: "Please delete S-1042, thanks".

A mail asks for that when every other word of its sentence belongs to the small vocabulary of doing so (`[recall]` of
a language's table) and it means one of the three; what stands below or behind a colon is the new text.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from mailer.phrases import fold, tables
from mailer.vocabulary import Meaning, Vocabulary, bare, look
from mailer.when import digits
from mailer.wish import courtesies

MAX_CHARS = 160  # of the sentence around the reference
_ROLES = ("withdraw", "fix", "private")
_REASON = re.compile(r"[.!\n,;，。、؛،।—]|\s-\s|\(")
_REASONED = 40  # words of a wish with its reason
_QUESTION = re.compile("[?？؟]")
_ENDS = re.compile(r"[:：\n]")


@dataclass(frozen=True, slots=True)
class Recall:
    """`withdraw`, `fix` or `private`, of which statement, and the new text ('' for none)."""

    name: str
    reference: str
    text: str = ""


def read_recall(text: str, without_name: str, prefix: str = "S") -> Recall | None:
    """What is asked of a statement; `without_name` is the text without a name below it ('' for the same)."""
    found = _reference(prefix).search(digits(text[:MAX_CHARS]))
    if not found:
        return None
    reference = f"{prefix}-{found.group(1)}{(found.group(2) or '').lower()}"
    end = _ENDS.search(text, found.end())
    asked = f"{text[: found.start()]} {text[found.end() : end.start() if end else len(text)]}"
    new = text[end.end() :].strip() if end else ""
    if new and _role(asked) == "fix":
        return Recall("fix", reference, new)
    for whole in (text, without_name):
        role = _role(f"{whole[: found.start()]} {whole[found.end() :]}") if whole else ""
        if role:
            return Recall(role, reference)
    reason = _REASON.search(text, found.end())
    if (
        reason
        and len(text.split()) <= _REASONED
        and _role(f"{text[: found.start()]} {text[found.end() : reason.start()]}") == "private"
    ):
        return Recall("private", reference)  # hidden first, whatever the reason
    return None


def may_recall(text: str, prefix: str = "S") -> bool:
    """A cheap look: whether a reference stands near the head of a text."""
    return _reference(prefix).search(digits(text[: 2 * MAX_CHARS])) is not None


@lru_cache(maxsize=8)
def _reference(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z\d]){re.escape(prefix)}-?(\d{{1,9}})([a-z])?(?![a-z\d])", re.IGNORECASE | re.ASCII)


def _role(sentence: str) -> str:
    """The one thing that a sentence asks for; '' when a word of it is of no such vocabulary, or it asks for two."""
    folded = bare(digits(fold(sentence)))
    seen = look(folded)
    if seen is None or len(folded) > MAX_CHARS:
        return ""
    for language in _languages():
        words = _vocabulary(language)
        covering = words.cover(folded) if words.may_cover(seen) else None
        said = {role for word in covering or () for role, _ in words.meanings(word)}
        roles = said & set(_ROLES)
        if "states" in said:  # "S-12 was withdrawn"
            return ""
        if len(roles) == 1 and (
            "asks" in said or not _QUESTION.search(folded)
        ):  # "was S-12 withdrawn?" asks for nothing
            return roles.pop()
    return ""


@lru_cache(maxsize=1)
def _languages() -> tuple[str, ...]:
    return tuple(code for code, table in tables().items() if "recall" in table)


@lru_cache(maxsize=32)
def _vocabulary(language: str) -> Vocabulary:
    table, words = tables()[language], dict[str, list[Meaning]]()
    for role in (*_ROLES, "asks", "states", "words"):
        for word in table["recall"].get(role, ()):
            words.setdefault(fold(word), []).append((role, ""))
    for word in table["private"]["words"]:
        words.setdefault(fold(word), []).append(("private", ""))
    for word in courtesies(language):
        words.setdefault(word, []).append(("words", ""))
    return Vocabulary(words)
