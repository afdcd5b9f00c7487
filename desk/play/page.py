"""What all pages of the viewer share: the frame with clock and notice, words for moments, notes, the form's token.

Nothing a page shows is trusted: templates escape everything, and text from mails stands in elements of its own language
and direction.
"""

import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FunctionLoader, StrictUndefined

from desk.play.guard import form_token
from desk.play.ports import Ports
from mailer.words import direction

MAX_NOTES = 200
PLACES = ("/inputs", "/held", "/timeline")
KINDS = {
    "edition": "Digest",
    "announcement": "Announcement",
    "erratum": "Correction",
    "receipt": "Receipt",
    "notice": "Notice",
}


@dataclass(frozen=True, slots=True)
class Note:
    """What an act came to, shown once on the page after it. `tone` is good or bad."""

    words: str
    tone: str = "good"
    lines: tuple[str, ...] = ()


def load(name: str) -> str | None:
    """The text of a page template or style sheet, None when there is none of that name."""
    # A folder without Python of its own takes one step at a time only.
    found = files("templates").joinpath("desk").joinpath(name)
    return found.read_text("utf-8") if found.is_file() else None


class Pages:
    """Renders templates around what every page shows."""

    def __init__(self, ports: Ports, secret: bytes) -> None:
        self.ports = ports
        self._token = form_token(secret)
        self._notes: OrderedDict[int, Note] = OrderedDict()
        self._lock = threading.Lock()
        self._env = Environment(
            loader=FunctionLoader(load),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters.update(
            when=when, day=day, direction=direction, lines=lines, kind=lambda name: KINDS.get(name, "Mail")
        )

    def show(self, request: Request, template: str, status_code: int = 200, **values: Any) -> HTMLResponse:
        """A page."""
        made = self._env.get_template(template).render(
            status=self.ports.status(),
            now=self.ports.now(),
            caught=len(self.ports.mailbox),
            token=self._token,
            note=self._note(request.query_params.get("note", "")),
            place=next((one for one in PLACES if request.url.path.startswith(one)), "/"),
            here=_local(request.url.path + (f"?{request.url.query}" if request.url.query else "")),
            **values,
        )
        return HTMLResponse(made, status_code)

    def go(self, path: str, note: Note | None = None) -> RedirectResponse:
        """On to another page (with GET), where the note is shown."""
        split = urlsplit(_local(path))
        query = [(name, value) for name, value in parse_qsl(split.query) if name != "note"]
        if note is not None:
            query.append(("note", str(self._keep(note))))
        target = split.path + (f"?{urlencode(query)}" if query else "")
        return RedirectResponse(target + (f"#{split.fragment}" if split.fragment else ""), 303)

    def check(self, token: str) -> None:
        """Refuse a form that is not ours."""
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise HTTPException(403, "This form is not from this playground, or from before it was started. Reload.")

    def _keep(self, note: Note) -> int:
        with self._lock:
            number = next(reversed(self._notes), 0) + 1
            self._notes[number] = note
            if len(self._notes) > MAX_NOTES:
                self._notes.popitem(last=False)
        return number

    def _note(self, number: str) -> Note | None:
        with self._lock:
            return self._notes.get(int(number)) if number.isdecimal() and len(number) < 9 else None


Token = Annotated[str, Form(max_length=100)]


def _local(path: str) -> str:
    """A path of this site; anything else becomes the first page."""
    good = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if good else "/"


def lines(text: str) -> list[tuple[str, bool]]:
    """The lines of a text, and whether each has letters: a line without keeps the direction of its mail."""
    return [(line, any(char.isalpha() for char in line)) for line in text.rstrip("\n").split("\n")]


def when(moment: datetime) -> str:
    """A moment of the playground's clock, in UTC."""
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M} UTC"


def day(value: str) -> str:
    """A day or month of the timeline, as a person writes it."""
    for pattern, shown in (("%Y-%m-%d", "{0.day} {0:%b %Y}"), ("%Y-%m", "{0:%b %Y}")):
        try:
            return shown.format(datetime.strptime(value, pattern))  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return value
