"""Header lines from values: RFC 5322 folding, RFC 2047 encoded words, structured address fields, List-*.

Every function gives complete lines as ASCII bytes, ending in CRLF, at most 78 octets where a
word allows it. Values are cleaned here, so that none of them can make a line of its own. Only an address
with a local part beyond ASCII makes a line with UTF-8 (RFC 6532), which `Address.needs_smtputf8` tells.
"""

import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

from mailer.address import Address
from mailer.clean import clean, one_line

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_SAFE_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_PLAIN_Q = bytes(_SAFE_Q) + b" "
_Q = tuple(chr(byte) if byte in _SAFE_Q else "_" if byte == 32 else f"={byte:02X}" for byte in range(256))
_MSGID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_BIDI = re.compile("[\u200e\u200f\u061c\u2066-\u2069]")
_WORD = 75
_LONGEST = 900  # octets of a word that must stand in one line of 998


@lru_cache(maxsize=256)
def line(name: str, value: str) -> bytes:
    """An unstructured field such as Subject: encoded words where the text is not plain ASCII."""
    text = one_line(value)
    return fold(name, _encoded(text, len(name) + 2) if _needs_encoding(text) else text.split(" "))


def addresses(name: str, mailboxes: Iterable[tuple[str, Address]]) -> bytes:
    """A field of mailboxes such as From, To, Reply-To: display name ('' for none) and address each."""
    words: list[str] = []
    for label, address in mailboxes:
        if words:
            words[-1] += ","
        words += _phrase(label, len(name) + 2)
        words.append(f"<{address.addr}>" if label else address.addr)
    return fold(name, words)


@lru_cache(maxsize=256)
def tokens(name: str, value: str) -> bytes:
    """A field of plain ASCII words, not encoded (Auto-Submitted, Content-Language, Feedback-ID)."""
    return fold(name, clean(value).encode("ascii", "replace").decode().split())


@lru_cache(maxsize=64)
def date(name: str, at: datetime) -> bytes:
    """A date field with numeric zone; `at` is aware (RFC 5322 section 3.3)."""
    if at.tzinfo is None:
        raise ValueError("a date in a header needs a zone")
    return fold(name, [format_datetime(at)])


def message_ids(name: str, ids: Sequence[str]) -> bytes:
    """Message-ID, In-Reply-To or References; what is not an id is left out, '' when nothing is left."""
    good = [found[0] for text in ids if (found := _MSGID.search(clean(text))) and len(found[0]) <= _LONGEST]
    return fold(name, good) if good else b""


def uris(name: str, links: Iterable[str]) -> bytes:
    """A List-* field: URIs in angle brackets, preferred first (RFC 2369 section 2). ASCII only.

    A URI cannot be folded: one that no line can hold is left out (RFC 5322 section 2.1.1).
    """
    safe = [f"<{link if _PLAIN_URI.fullmatch(link) else quote(clean(link), safe=_URI_SAFE)}>" for link in links if link]
    safe = [uri for uri in safe if len(uri) <= _LONGEST]
    return fold(name, [f"{uri}," for uri in safe[:-1]] + safe[-1:]) if safe else b""


_PLAIN_URI = re.compile(r"[\w.~%:/?#\[\]@!$&'()*+;=-]*", re.ASCII)
_URI_SAFE = "%:/?#[]@!$&'()*+;=-._~"


@dataclass(frozen=True, slots=True)
class ListNames:
    """The list that a mailing belongs to. URIs as text; '' leaves a field out. `post` '' says NO.

    `label` is the List-Id, a domain name of ours that never changes (RFC 2919).
    """

    label: str
    phrase: str = ""
    help: str = ""
    subscribe: str = ""
    owner: str = ""
    archive: str = ""
    post: str = ""


@lru_cache(maxsize=256)
def list_lines(names: ListNames) -> bytes:
    """What is equal for all readers: List-Id, -Help, -Subscribe, -Post, -Owner, -Archive."""
    words = _phrase(names.phrase, 9)
    post = uris("List-Post", [names.post]) if names.post else b"List-Post: NO\r\n"
    return b"".join(
        [
            fold("List-Id", [*words, f"<{clean(names.label).encode('idna').decode()}>"]),
            uris("List-Help", [names.help]),
            uris("List-Subscribe", [names.subscribe]),
            post,
            uris("List-Owner", [names.owner]),
            uris("List-Archive", [names.archive]),
        ]
    )


def leave_lines(url: str, address: str, one_click: bool) -> bytes:
    """List-Unsubscribe of one reader: https first, then mail.

    `one_click` adds List-Unsubscribe-Post; only for mail that is signed over both fields (RFC 8058).
    """
    mail = mailto(address, "unsubscribe") if address else ""
    lines = uris("List-Unsubscribe", [url, mail])
    return lines + b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" if one_click and url else lines


def mailto(address: str, subject: str = "") -> str:
    """A mailto URI with nothing in it but a subject (RFC 6068 sections 2 and 5)."""
    plain = _PLAIN_ADDRESS.fullmatch(address)
    uri = "mailto:" + (address.replace("+", "%2B") if plain else quote(clean(address), safe="@"))
    return f"{uri}?subject={_quoted(subject)}" if subject else uri


_PLAIN_ADDRESS = re.compile(r"[\w.~@+-]+", re.ASCII)


@lru_cache(maxsize=64)
def _quoted(subject: str) -> str:
    return quote(one_line(subject), safe="")


_EVEN = re.compile(r"\S+(?: \S+)*")


def fold(name: str, words: Sequence[str]) -> bytes:
    """One field, folded at blanks so that lines stay within 78 octets where words allow it."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    plain = " ".join(words)
    if len(name) + 2 + len(plain) <= 78 and plain.isascii() and plain.isprintable() and _EVEN.fullmatch(plain):
        # Nearly every line: nothing to clean, nothing to fold.
        return f"{name}: {plain}\r\n".encode()
    out, width = name + ":", len(name) + 1
    for raw in words:
        word = clean(raw).strip()
        if not word:
            continue
        size = len(word.encode())
        # The first word stays beside the name: a first line without text is legal, but some servers mangle it.
        if width + 1 + size > 78 and width > len(name) + 1:
            out, width = out + "\r\n", 0
        out += " " + word
        width += 1 + size
    return out.encode() + b"\r\n"


def _needs_encoding(text: str) -> bool:
    # A word that no line can hold is encoded too, and so is text that looks like an encoded word.
    return not text.isascii() or "=?" in text or any(len(word) > _WORD for word in text.split(" "))


@lru_cache(maxsize=256)
def _phrase(text: str, column: int) -> tuple[str, ...]:
    """A display name: atoms, a quoted string or encoded words (RFC 2047 section 5 rule 3)."""
    text = _BIDI.sub("", one_line(text))
    if not text:
        return ()
    if _needs_encoding(text):
        return tuple(_encoded(text, column))
    if _ATOMS.fullmatch(text):
        return tuple(text.split(" "))
    return tuple(('"' + re.sub(r'(["\\])', r"\\\1", text) + '"').split(" "))


def _encoded(text: str, column: int) -> list[str]:
    """Encoded words of whole characters, the first fit to stand at `column`; Q or B, whichever is shorter."""
    data = text.encode()
    wide = len(data.translate(None, _PLAIN_Q))
    # Q costs three for each byte that is not plain, B four thirds for every byte.
    use_q = len(data) + 2 * wide <= len(data) * 4 / 3
    room = _WORD - len("=?utf-8?q??=") - column
    if (len(data) + 2 * wide <= room) if use_q else (len(data) <= room // 4 * 3):
        return [_encode_q(text) if use_q else _encode_b(text)] if text else []  # most names
    chunks: list[str] = []
    current, size = "", 0
    for char in text:
        cost = _q_size(char) if use_q else len(char.encode())
        limit = room if use_q else room // 4 * 3
        if size + cost > limit:
            chunks.append(current)
            current, size, room = "", 0, _WORD - len("=?utf-8?q??=")
        current += char
        size += cost
    chunks.append(current)
    return [_encode_q(chunk) if use_q else _encode_b(chunk) for chunk in chunks if chunk]


def _q_size(char: str) -> int:
    return sum(len(_Q[byte]) for byte in char.encode())


def _encode_q(text: str) -> str:
    return f"=?utf-8?q?{''.join(map(_Q.__getitem__, text.encode()))}?="


def _encode_b(text: str) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(text.encode(), newline=False).decode()}?="


def filename(name: str) -> str:
    """A `filename` parameter: quoted ASCII, or RFC 2231 for anything else."""
    text = re.sub(r'[/\\"<>|:*?]', "_", one_line(name))[:100] or "file"
    return f'filename="{text}"' if text.isascii() else f"filename*=UTF-8''{quote(text, safe='')}"
