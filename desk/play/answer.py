"""An answer as a mail program writes it: where it may go, the quoted text, and the finished mail.

Pure: the moment is a parameter, and the Message-ID follows from the content and the moment. Raises `AddressError`
(of `mailer.address`) for a sender or recipient that is none.
"""

import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from babel.dates import format_datetime

from mailer import address, header
from mailer.clean import clean_text, one_line
from mailer.flow import flow
from mailer.mailbox import addresses
from mailer.message import Message

WHOLE = "whole"
MAX_TEXT = 500_000

# How a mail program opens a quotation: the date's pattern (CLDR), and the line around date, name and address.
_OPENINGS = {
    "en": ("EEE, MMM d, y 'at' h:mm a", "On {when} {name} <{addr}> wrote:"),
    "ar": ("EEEE، d MMMM y 'في' h:mm a", "في {when} تمت كتابة ما يلي بواسطة {name} <{addr}>:"),
    "de": ("EEE, d. MMM y 'um' HH:mm 'Uhr'", "Am {when} schrieb {name} <{addr}>:"),
    "es": ("EEE, d MMM y 'a' 'las' H:mm", "El {when}, {name} (<{addr}>) escribió:"),
    "fr": ("EEE d MMM y 'à' HH:mm", "Le {when}, {name} <{addr}> a écrit :"),
    "he": ("EEEE, d MMMM y 'ב'-HH:mm", "בתאריך {when} מאת {name} <{addr}>:"),
    "hi": ("EEE, d MMM y 'को' h:mm a 'बजे'", "{when} को {name} <{addr}> ने लिखा:"),
    "id": ("EEE, d MMM y 'pukul' HH.mm", "Pada tanggal {when} {name} <{addr}> menulis:"),
    "ja": ("y年M月d日(E) H:mm", "{when} {name} <{addr}>:"),
    "pt": ("EEE, d 'de' MMM 'de' y 'às' HH:mm", "Em {when}, {name} <{addr}> escreveu:"),
    "ru": ("EEE, d MMM y 'г'. 'в' HH:mm", "{when}, {name} <{addr}>:"),
    "sw": ("EEE, d MMM y, h:mm a", "Mnamo {when} {name} <{addr}> aliandika:"),
    "zh": ("y年M月d日EEE HH:mm", "{name} <{addr}> 于{when}写道："),
}
_OWN = re.compile(r"reply\+[0-9a-z]{10,60}@\S+", re.IGNORECASE)
_MAILTO = re.compile(r"<mailto:([^>?]+)[^>]*>", re.IGNORECASE)
_SUBJECT_PREFIX = re.compile(r"re\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """A place an answer can go to. `key` is `whole`, the item's number, `leave` or `help`; `title` the item's words."""

    key: str
    addr: str
    title: str = ""

    @property
    def number(self) -> int:
        """The number of the item, 0 where it is none."""
        return int(self.key) if self.key.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed. `sender` may be `Name <address>`."""

    sender: str
    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished answer with its envelope."""

    mail_from: str
    rcpt_to: str
    message_id: str
    data: bytes


def targets(message: Message) -> tuple[Target, ...]:
    """Where this mail can be answered to: the whole of it, each numbered item, unsubscribing, help."""
    whole = next((addr for _, addr in addresses(message.get("reply-to")) if addr), message.from_addr)
    found = [Target(WHOLE, whole)] if whole else []
    found += _items(message.plain or "", whole)
    for key, name in (("leave", "list-unsubscribe"), ("help", "list-help")):
        link = _MAILTO.search(message.get(name))
        if link is not None:
            found.append(Target(key, unquote(link[1])))
    return tuple(found)


def _items(plain: str, whole: str) -> list[Target]:
    """The items that have an address of their own, by the line above it ("Answer item 3:")."""
    lines = plain.split("\n")
    found: dict[str, Target] = {}
    for at, line in enumerate(lines):
        match = _OWN.fullmatch(line.strip())
        above = next((one for one in reversed(lines[max(0, at - 3) : at]) if one.strip()), "")
        number = re.search(r"\d+", above)
        if match is None or number is None or line.strip().lower() == whole.lower():
            continue
        key = str(int(number[0]))
        found.setdefault(key, Target(key, line.strip(), _title(lines[:at], key)))
    return list(found.values())


def _title(above: list[str], number: str) -> str:
    start = f"{number}. "
    return next((line.removeprefix(start).strip() for line in reversed(above) if line.startswith(start)), "")


def quotation(message: Message) -> str:
    """The mail as a mail program quotes it: a line that says when and who, then its text behind `> `."""
    lines = (message.plain or "").rstrip("\n").split("\n")
    return "\n".join([_opening(message), "", *(f"> {line}" for line in lines)])


def _opening(message: Message) -> str:
    lang = message.get("content-language").partition("-")[0].strip().lower()
    lang = lang if lang in _OPENINGS else "en"
    pattern, words = _OPENINGS[lang]
    name = message.from_name or message.from_addr
    when = format_datetime(_dated(message), pattern, locale=lang)
    return words.format(when=when, name=name, addr=message.from_addr)


def _dated(message: Message) -> datetime:
    try:
        return parsedate_to_datetime(message.date).astimezone(UTC)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def subject(message: Message) -> str:
    """The subject of an answer; one `Re:` is enough."""
    return message.subject if _SUBJECT_PREFIX.match(message.subject) else f"Re: {message.subject}"


def write(message: Message, draft: Draft, now: datetime) -> Letter:
    """The finished mail (RFC 5322 section 3.6.4 for the thread, RFC 3676 for the text)."""
    name, sender = address.parse_mailbox(draft.sender)
    to = address.parse(draft.to)
    text = clean_text(draft.text)[:MAX_TEXT]
    seed = f"{sender.addr}\0{to.addr}\0{now.isoformat()}\0{text}"
    message_id = f"<{hashlib.sha256(seed.encode()).hexdigest()[:24]}@{sender.domain}>"
    thread = [*message.references, message.message_id]
    lines = [
        header.addresses("From", [(name, sender)]),
        header.addresses("To", [("", to)]),
        header.line("Subject", one_line(draft.subject)),
        header.date("Date", now),
        header.message_ids("Message-ID", [message_id]),
        header.message_ids("In-Reply-To", [message.message_id]),
        header.message_ids("References", thread),
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\n",
        _coded("\n".join(map(_spaced, text.split("\n")))),
    ]
    return Letter(sender.addr, to.addr, message_id, b"".join(lines))


def _spaced(line: str) -> str:
    """Quote marks as format=flowed writes them: one mark and a blank, the rest is text of that level."""
    return f"> {line[1:].removeprefix(' ')}" if line.startswith(">") else line


def _coded(text: str) -> bytes:
    """The body with the line that says how it is coded: quoted-printable, or base64 where that is shorter."""
    data = flow(text).replace("\n", "\r\n").encode()
    # Where the text has no line break, b2a_qp breaks by a bare LF, which no server should take.
    plain = binascii.b2a_qp(data, istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    packed = binascii.b2a_base64(data, newline=False)
    if len(plain) <= len(packed):
        return b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + plain.rstrip(b"\r\n") + b"\r\n"
    rows = [packed[at : at + 76] for at in range(0, len(packed), 76)]
    return b"Content-Transfer-Encoding: base64\r\n\r\n" + b"\r\n".join(rows) + b"\r\n"
