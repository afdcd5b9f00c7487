"""How commands speak: tables and words for people, JSON lines for machines, one line and a code for errors.

Exit codes: 0 done; 1 refused (bad input, a move that is not allowed); 2 wrong usage; 3 configuration;
4 database or network not available.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

REFUSED, USAGE, CONFIG, UNAVAILABLE = 1, 2, 3, 4

WIDE = 200  # columns where nobody's terminal says how many there are
out = Console(soft_wrap=False, highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: moments as ISO text, dataclasses as objects."""
    if is_dataclass(value) and not isinstance(value, type):
        # Not `asdict`: that copies every value, and a zone read from our own files cannot be copied.
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return value


def emit(value: Any) -> None:
    """One JSON line on standard output."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")


def text_of(file: Path) -> str:
    """What a text file says, without a mark of its encoding; one that is not UTF-8 is refused."""
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        fail(f"{file} is not UTF-8: {error.reason} at octet {error.start}")


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what it counts: `1 mail`, `2 mails`; `many` where an s is not enough."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for people. Cells are shown as they are: text from outside is never taken for markup."""
    out.print(Text(title, style="italic"), soft_wrap=True)  # a table's own title is as narrow as the table
    made = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    count = 0
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(plain(cell))) for cell in row))
        count += 1
    out.print(made)
    if not count:
        out.print("(none)")


def say(words: str) -> None:
    """A line for people."""
    out.print(Text(words))


def answer(as_json: bool, value: Any, words: str) -> None:
    """What a verb did: a JSON line for machines, or words for people."""
    if as_json:
        emit(value)
    else:
        say(words)


def say_unless(as_json: bool, words: str) -> None:
    """A line for people, where no machine reads."""
    if not as_json:
        say(words)


def complain(words: str) -> None:
    """A line on standard error."""
    err.print(Text(words))


def unread() -> bool:
    """Whether whoever read our output has gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


def fail(words: str, code: int = REFUSED) -> NoReturn:
    """An error in one line, and out."""
    complain(f"tidings: {words}")
    raise SystemExit(code)
