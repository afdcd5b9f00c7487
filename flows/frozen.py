"""A rendered letter as it is kept: pieces and splice points as plain values, and what its headers need.

Frozen at approval and stored with its variant; read back for every mail that is composed from it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.engine import Json
from mailer.compose import Field, Fragment, Piece, Rendered


@dataclass(frozen=True, slots=True)
class Frozen:
    """A letter's words and what its headers say beside them.

    `tag` makes the MIME boundaries, the same on each rebuild. `thread` holds the Message-IDs it stands under, oldest
    first. `answers` marks an automatic answer (RFC 3834).
    """

    rendered: Rendered
    tag: str
    thread: tuple[str, ...] = ()
    answers: bool = False
    calendar: str = ""  # an iCalendar text to attach
    sheet: tuple[str, str] | None = None  # or a file for a translator: its name and text


def dump(frozen: Frozen) -> dict[str, Any]:
    """The plain values of a frozen."""
    rendered = frozen.rendered
    values = {
        "lang": rendered.lang,
        "subject": rendered.subject,
        "text": [_plain(piece) for piece in rendered.text],
        "html": [_plain(piece) for piece in rendered.html],
        "tag": frozen.tag,
        "thread": list(frozen.thread),
        "answers": frozen.answers,
    }
    if frozen.calendar:
        values["calendar"] = frozen.calendar
    if frozen.sheet is not None:
        values["sheet"] = list(frozen.sheet)
    return values


def dumps(frozen: Frozen) -> Json:
    """The same as JSON, for the database to store as it is."""
    return Json(json.dumps(dump(frozen)))


def load(values: Mapping[str, Any]) -> Frozen:
    """What `dump` gave."""
    rendered = Rendered(
        lang=values["lang"],
        subject=values["subject"],
        text=tuple(_piece(piece) for piece in values["text"]),
        html=tuple(_piece(piece) for piece in values["html"]),
    )
    sheet = values.get("sheet")
    return Frozen(
        rendered, values["tag"], tuple(values["thread"]), values["answers"], values.get("calendar", ""),
        (sheet[0], sheet[1]) if sheet else None,
    )  # fmt: skip


def loads(text: str) -> Frozen:
    """The same from its JSON."""
    return load(json.loads(text))


def dump_blocks(blocks: Mapping[str, Fragment]) -> dict[str, Any]:
    """The plain values of what only one reader's mail says."""
    return {key: {"text": fragment.text, "html": fragment.html} for key, fragment in blocks.items()}


def load_blocks(values: Mapping[str, Any] | None) -> dict[str, Fragment]:
    """What `dump_blocks` gave; nothing for None."""
    return {key: Fragment(value["text"], value["html"]) for key, value in (values or {}).items()}


def _plain(piece: Piece) -> str | list[str]:
    return piece if isinstance(piece, str) else [piece.name, piece.arg, piece.form]


def _piece(value: str | list[str]) -> Piece:
    return value if isinstance(value, str) else Field(*value)
