"""What the viewer may do and see: callables handed in by whoever makes it, and the values they speak in.

The viewer knows no database and no socket; `app.play` plugs both in. A port that cannot do what was asked raises
`NotDone` with words for the person.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.play.mailbox import Mailbox


class NotDone(Exception):
    """A wish that was not granted, in words for the person who had it. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Due:
    """A moment at which the service will do something by itself, and what."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Status:
    """The playground at a glance. `deliveries` are pairs of state and number; `smtp` is host:port of the way in."""

    process: str
    entries: int
    groups: int
    liaisons: int
    deliveries: tuple[tuple[str, int], ...]
    inputs: int
    held: int
    smtp: str
    due: Due | None


@dataclass(frozen=True, slots=True)
class Jump:
    """A move of the clock, and what happened on the way, in order."""

    was: datetime
    now: datetime
    happened: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What the mail server said (RFC 5321 section 4.2). Code 0: it could not be reached."""

    code: int
    text: str

    @property
    def ok(self) -> bool:
        """Whether the mail was taken."""
        return 200 <= self.code < 300


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a mail in its order. Not `kept`: a quote or signature, left out of what was filed."""

    kind: str
    text: str
    kept: bool


@dataclass(frozen=True, slots=True)
class StatementView:
    """One statement: its reference, what it is filed on in words, the text, and the quoted text it stands under."""

    ref: str
    on: str
    text: str
    state: str
    quote: str = ""
    suggested: str = ""


@dataclass(frozen=True, slots=True)
class InputView:
    """One filed input. `open`: it can still be accepted or declined."""

    id: int
    who: str
    group: str
    voice: str
    received_at: datetime
    subject: str
    language: str
    state: str
    visibility: str
    open: bool
    statements: tuple[StatementView, ...]
    pieces: tuple[Piece, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldView:
    """A mail that was not filed. `open`: it waits for a person to file or ignore it."""

    id: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    state: str
    reason: str
    text: str
    open: bool


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line of the timeline as known now. `start` and `end` are days or months."""

    slug: str
    title: str
    lang: str
    kind: str
    status: str
    start: str
    end: str
    approx: bool
    tracks: tuple[str, ...]
    participate: bool
    link: str = ""


@dataclass(frozen=True, slots=True)
class Ports:
    """The doors of the viewer. `jump` and `jump_to` also run whatever falls due on the way."""

    mailbox: Mailbox
    now: Callable[[], datetime]
    jump: Callable[[], Jump]
    jump_to: Callable[[datetime], Jump]
    send: Callable[[str, list[str], bytes], Said]  # envelope sender, recipients, bytes
    inputs: Callable[[], Sequence[InputView]]  # newest first
    accept: Callable[[int], None]
    decline: Callable[[int, str], None]  # with a reason, which may be ''
    held: Callable[[], Sequence[HeldView]]
    file_held: Callable[[int], None]
    ignore_held: Callable[[int], None]
    timeline: Callable[[], Sequence[EntryView]]
    status: Callable[[], Status]
