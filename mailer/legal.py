"""What legal footers say, by its parts: secrecy, addressee, error, prohibition, notice, deletion, liability.

No footer says all of it in the same words, but each says several things that answers do not say together. The tables
of languages hold the words of each part; `legal(text)` tells how much of it one paragraph says, in its best language.
"""

import re
from enum import IntEnum
from itertools import chain

from mailer.phrases import fold, phrases

_SAID = ("mail", "secret", "addressee", "mistake", "forbidden", "tell", "delete", "disown")
_ALONE = 300  # a line about printing or of a register is short
_HEADING = 60
_MAX = 6_000
_LONG_NUMBER = re.compile(r"\d[\d ./-]{3,}\d")
_ASKED = re.compile(r"(?<![^\W_])[A-Z]{1,5}-\d{1,3}(?![\w-])")  # a question's code: then somebody answers
_PLACE = re.compile(r"https?://|www\.|\S@\S+\.\S", re.IGNORECASE)


class Legal(IntEnum):
    """How sure it is that a paragraph is a legal footer."""

    NO = 0
    HINT = 1  # a word of secrecy: in a line or three below a long rule of signs
    BESIDE = 2  # beside other footers, or between rules of signs
    SURE = 3


def legal(text: str) -> Legal:
    """Whether a paragraph is a legal footer."""
    if _ASKED.search(text):
        return Legal.NO
    folded = fold(text[:_MAX])
    return max((_weigh(parts, folded) for parts in _parts(folded).values()), default=Legal.NO)


def spoken_in(text: str) -> str:
    """The language whose footers say most of what a text says; '' for none."""
    found = _parts(fold(text[:_MAX]))
    return max(found, key=lambda language: sum(map(len, found[language].values())), default="")


def tells(line: str, language: str) -> bool:
    """Whether a line says any part of a legal footer in one language."""
    return language in _parts(fold(line[:_MAX]))


def about_yours(text: str) -> bool:
    """Whether a text speaks of the reader's own data or rights, as a notice below its heading does."""
    return any("yours" in parts for parts in _parts(fold(text[:_MAX])).values())


def heads_notice(line: str) -> bool:
    """Whether a short line may be the heading of a notice about personal data."""
    short = len(line) <= _HEADING and not line.rstrip().endswith((".", "!", "?", ":", ","))
    return short and any("data" in parts for parts in _parts(fold(line)).values())


def _parts(folded: str) -> dict[str, dict[str, set[str]]]:
    """What is said, by language and part. Names of registers are whole words, the others may go on in any ending."""
    said: dict[str, dict[str, set[str]]] = {}
    spoken = phrases("disclaimer", *_SAID, "print", "data", "yours").find(folded, stems=True)
    for found in chain(spoken, phrases("disclaimer", "firm").find(folded)):
        said.setdefault(found.language, {}).setdefault(found.name, set()).add(found.phrase)
    return said


def _weigh(parts: dict[str, set[str]], folded: str) -> Legal:
    short = len(folded) <= _ALONE
    if short and ("print" in parts or len(parts.get("firm", ())) > 1):
        return Legal.SURE
    if short and "firm" in parts and _LONG_NUMBER.search(folded):
        return Legal.SURE
    if "data" in parts and _PLACE.search(folded) and len(folded) <= 4 * _ALONE:
        return Legal.SURE if len(parts) > 1 or len(parts["data"]) > 1 else Legal.BESIDE
    notice = "data" in parts and "yours" in parts and len(folded) <= 4 * _ALONE
    if notice and len(parts["data"]) > 1:
        return Legal.SURE  # what is done with the reader's data, and the rights they have
    kinds = [name for name in _SAID if name in parts]
    phrases_said = sum(len(parts[name]) for name in kinds)
    itself = "mail" in parts or {"addressee", "mistake"} & parts.keys()
    if itself and (len(kinds) > 2 or (len(kinds) == 2 and phrases_said > 2)):
        return Legal.SURE
    if "mail" in parts and "disown" in parts:
        return Legal.SURE
    if notice or len(kinds) > 1 or "firm" in parts or phrases_said > 2:
        return Legal.BESIDE
    return Legal.HINT if "secret" in parts else Legal.NO
