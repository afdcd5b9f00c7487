"""The playground's mailbox: every caught mail as a file of a Maildir, with a small index in memory.

`mutt -f` reads the same folder. Mails are numbered from 1 in the order in which they came; the number, the envelope
and the moment on the playground's clock stand in trace lines at the head of each file, and are taken off again by
`raw`. May be used from several threads.
"""

import mailbox
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mailer.mailbox import addresses
from mailer.message import Envelope, Message
from mailer.parse import parse

_MARK = b"X-Tidings-Play: "
_KIND_HEADER = "x-tidings"


@dataclass(frozen=True, slots=True)
class Caught:
    """One mail as the list shows it. `kind` is what the service calls it (`edition`, `receipt`), '' if it says none."""

    n: int
    caught_at: datetime
    mail_from: str
    rcpt_to: tuple[str, ...]
    to_name: str
    to: str
    subject: str
    lang: str
    kind: str
    message_id: str
    size: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mails are wanted: `to` is an address, `words` stand anywhere in name, address or subject; '' for any."""

    to: str = ""
    words: str = ""
    kind: str = ""
    lang: str = ""

    def fits(self, mail: Caught) -> bool:
        """Whether a mail is one of them."""
        haystack = " ".join((mail.to_name, mail.to, mail.subject, *mail.rcpt_to)).casefold()
        return (
            (not self.to or self.to.casefold() in (r.casefold() for r in (mail.to, *mail.rcpt_to)))
            and all(word in haystack for word in self.words.casefold().split())
            and (not self.kind or self.kind == mail.kind)
            and (not self.lang or self.lang == mail.lang)
        )


class Mailbox:
    """Caught mails, on disk and counted. OSError when the folder cannot be used."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._now = now
        self._box = mailbox.Maildir(folder, create=True)
        self._lock = threading.Lock()
        self._keys: dict[int, str] = {}
        self._index: dict[int, Caught] = {}
        for key in self._box.iterkeys():
            found = _read(self._box.get_bytes(key))
            if found is not None:
                caught, _ = found
                self._keys[caught.n] = key
                self._index[caught.n] = caught

    def add(self, envelope: Envelope, data: bytes) -> None:
        """Keep a mail; the sink calls this with what came over the wire."""
        with self._lock:
            n = max(self._index, default=0) + 1
            at = self._now()
            # As bytes: a message object would be written anew, not as it came.
            self._keys[n] = self._box.add(_trace(n, at, envelope) + data.replace(b"\r\n", b"\n"))
            self._index[n] = _caught(n, at, envelope, data)

    def find(self, wanted: Wanted | None = None) -> list[Caught]:
        """The mails that fit, newest first."""
        with self._lock:
            everything = [self._index[n] for n in sorted(self._index, reverse=True)]
        return [mail for mail in everything if wanted is None or wanted.fits(mail)]

    def get(self, n: int) -> Caught | None:
        """Mail number `n`."""
        with self._lock:
            return self._index.get(n)

    def raw(self, n: int) -> bytes:
        """The bytes of mail `n` as they were sent, lines ending in CRLF. KeyError when there is none."""
        with self._lock:
            found = _read(self._box.get_bytes(self._keys[n]))
        if found is None:
            raise KeyError(n)
        return found[1]

    def message(self, n: int) -> Message:
        """Mail `n`, read. KeyError when there is none."""
        return parse(self.raw(n))

    def recipients(self) -> list[tuple[str, str, int]]:
        """Everybody who got mail: address, name and how many, by address."""
        with self._lock:
            names = {mail.to: mail.to_name for mail in self._index.values()}
            counted = Counter(mail.to for mail in self._index.values())
        return [(to, names[to], counted[to]) for to in sorted(counted)]

    def __len__(self) -> int:
        with self._lock:
            return len(self._index)


def _trace(n: int, at: datetime, envelope: Envelope) -> bytes:
    """The lines that a delivering server writes on top (RFC 5321 section 4.4), and our own."""
    lines = [f"Return-Path: <{envelope.mail_from}>", *(f"Delivered-To: {to}" for to in envelope.rcpt_to)]
    return "\n".join([*lines, ""]).encode() + _MARK + f"{n}; {at.astimezone(UTC).isoformat()}\n".encode()


def _read(kept: bytes) -> tuple[Caught, bytes] | None:
    """A file of ours: its entry in the index and the bytes as sent. None for what others put into the folder."""
    mail_from, rcpt_to = "", []
    rest = kept
    while rest:
        line, _, rest = rest.partition(b"\n")
        if line.startswith(b"Return-Path: <"):
            mail_from = line[14:-1].decode("utf-8", "replace")
        elif line.startswith(b"Delivered-To: "):
            rcpt_to.append(line[14:].decode("utf-8", "replace"))
        elif line.startswith(_MARK):
            number, _, at = line[len(_MARK) :].decode("ascii", "replace").partition("; ")
            data = rest.replace(b"\n", b"\r\n")
            envelope = Envelope(mail_from, tuple(rcpt_to))
            return _caught(int(number), datetime.fromisoformat(at), envelope, data), data
        else:
            return None
    return None


def _caught(n: int, at: datetime, envelope: Envelope, data: bytes) -> Caught:
    head = parse(data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    name, to = next(iter(addresses(head.get("to"))), ("", ""))
    return Caught(
        n=n,
        caught_at=at,
        mail_from=envelope.mail_from,
        rcpt_to=envelope.rcpt_to,
        to_name=name,
        to=to or next(iter(envelope.rcpt_to), ""),
        subject=head.subject,
        lang=head.get("content-language").partition(",")[0].strip(),
        kind=head.get(_KIND_HEADER).partition(";")[0].strip(),
        message_id=head.message_id,
        size=len(data),
    )
