"""Text of a mail: wrapped as format=flowed (RFC 3676), counted in columns of a terminal.

A line break in the input is a hard one. Long lines get soft breaks: a trailing blank, which a
reader joins again. With `delsp`, for scripts that write no blanks, the blank is deleted on joining.
"""

import re
import unicodedata
from functools import lru_cache

WIDTH = 72
# Languages whose text has no blanks between words; their mails use delsp=yes.
UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my", "bo", "dz", "yue", "wuu"})
# Never at the start of a line (closing marks), never at its end (opening marks).
_NO_START = frozenset("、。，．！？：；）」』】〉》〕］｝ー・…‥,.!?:;)]}%”’々ぁぃぅぇぉっゃゅょァィゥェォッャュョ")
_NO_END = frozenset("（「『【〈《〔［｛([{“‘")


def unspaced(lang: str) -> bool:
    """Is the language written without blanks?"""
    return lang.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0].lower() in UNSPACED


def columns(text: str) -> int:
    """Columns in a terminal: wide characters take two, combining and format characters none."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def flow(text: str, delsp: bool = False) -> str:
    """The whole text as flowed lines joined by LF. Lines that begin with `> ` are quotes and stay so."""
    return "\n".join(_flow_line(line, delsp) for line in text.split("\n"))


def wrap(text: str, width: int = WIDTH, delsp: bool = False) -> list[str]:
    """Lines of at most `width` columns, without trailing blanks; a longer word stands alone."""
    if columns(text) <= width:
        return [text]
    lines, current, used = [], "", 0
    for piece in _pieces(text, delsp):
        size = columns(piece.rstrip(" "))
        if current.strip(" ") and used + size > width:
            lines.append(current)
            current, used = "", 0
        current += piece
        used += columns(piece)
    lines.append(current)
    return lines if delsp else [line.rstrip(" ") for line in lines]


@lru_cache(maxsize=8192)  # variants share most of their lines
def _flow_line(line: str, delsp: bool) -> str:
    if line == "-- ":
        return line
    quote = ""
    if line.startswith("> "):
        quote, line = "> ", line[2:]
    line = line.rstrip(" ")
    parts = wrap(line, WIDTH - len(quote), delsp)
    # In delsp one blank goes on joining, so a break at a real blank keeps its own before it.
    soft = [part + " " for part in parts[:-1]] + [parts[-1].rstrip(" ")]
    return "\n".join([quote + part if quote else _stuffed(part) for part in soft])


def _stuffed(part: str) -> str:
    return f" {part}" if part.startswith((" ", ">", "From ")) else part


def _pieces(text: str, delsp: bool) -> list[str]:
    """Where a line may end: after blanks; with delsp also between wide characters."""
    words = re.findall(r" *[^ ]+ *|^ +", text)
    if not delsp:
        return words
    out: list[str] = []
    for word in words:
        start = 0
        for n in range(1, len(word)):
            if _breakable(word[n - 1], word[n]):
                out.append(word[start:n])
                start = n
        out.append(word[start:])
    return out


def _breakable(before: str, after: str) -> bool:
    if after in _NO_START or before in _NO_END or " " in (before, after):
        return False
    if _thai(before) and _thai(after):
        # Without a dictionary the safest place in Thai is before a leading vowel.
        return after in "เแโใไ"
    return _width(before) == 2 or _width(after) == 2


def _thai(char: str) -> bool:
    return "\u0e00" <= char <= "\u0eff"


@lru_cache(maxsize=4096)
def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    if "\ufdd0" <= char <= "\ufdef":
        return 1  # the stand-ins of `mailer.compose` for a personal value
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
