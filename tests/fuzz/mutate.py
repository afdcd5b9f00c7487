"""Mails that nobody would write: our own ones cut, spliced, repeated, nested, and sprinkled with what readers look for."""

import base64
import quopri
from collections.abc import Sequence
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parents[1] / "mail"
LONGEST = 60_000
WORDS: tuple[bytes, ...] = (
    *(
    word.encode()
    for word in (
        "> ", ">>> ", "\n\n", "\r\n", "\r", "\n", "\n-- \n", "--b\n", "--b--\n", "_____\n", ":", ";", ",", '"', "<", ">",
        "&lt;", "&#0;", "&#x110000;", "=?utf-8?q?=0D=0A?=", "=?utf-8?b?", "?=", "=?x?q?a?=", "=\n", "=3D", "=FF", "%00",
        "On Mon, 11 Mar 2019 at 10:00, Ana <ana@west.example> wrote:\n", "Am 11.03.2019 um 10:00 schrieb Ana:\n",
        "-----Original Message-----\n", "From: ana@west.example\nSent: Monday\nTo: x\nSubject: y\n", "Le 11 mars a écrit :\n",
        "في 11 مارس كتب:\n", "2019年3月11日 写道：\n", "RR-2", "MON-1: ", "S-1042", "fix S-1\n", "1: ", "2) ", "第1条", "+1", "stop",
        "<blockquote type=cite>", "</blockquote>", '<div class="gmail_quote">', "</div>", "<!--", "-->", "<style>", "<script>",
        "<td", "<a href='", "<![CDATA[", "<table>" * 20, "Content-Type: multipart/mixed; boundary=b\n",
        "Content-Type: text/html; charset=utf-7\n", "Content-Type: message/rfc822\n\n", "Content-Type: text/plain; format=flowed; delsp=yes\n",
        "Content-Type: message/delivery-status\n", "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n",
        "Content-Transfer-Encoding: base64\n", "Content-Transfer-Encoding: x-uuencode\n", "Content-Disposition: reaction\n",
        "Content-Disposition: attachment; filename*0*=utf-8''%41; filename*1=b\n", "begin 644 a.txt\n#86)C\n`\nend\n",
        "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n", "Diagnostic-Code: smtp; 550 5.1.1 no\n",
        "Auto-Submitted: auto-replied\n", "Return-Path: <>\n", "Received: from a by b; x\n", "Authentication-Results: x; dmarc=fail\n",
        "Subject: Re: " + "Re: " * 40 + "\n", "\u202e", "\ufeff", "\u0000", "\u2028", "\x1c", "\ud7ff", "٣", "١١:٠٠", "\u0301" * 30,
        "https://x.example/" + "a/" * 60, "+351 21 000 0000", "a@b.example, " * 20, "(" * 60, "[" * 60, "-" * 90, "=" * 90, "|" * 60,
    )
),
    b"\xff\xfe", b"\x80", b"\xc3", b"\x1b$B", b"\x1b(J", b"+AAA-", b"\x78\x9f\x3e\x22", b"PK\x03\x04", b"%PDF-1.4\n", bytes(40),
)  # fmt: skip


def seeds() -> list[bytes]:
    """The mails of tests/mail."""
    return [path.read_bytes() for path in sorted(FOLDER.glob("*.eml"))]


def mutated(rng: Random, given: Sequence[bytes]) -> bytes:
    """One of the mails, changed a few times."""
    mail = rng.choice(given)
    for _ in range(rng.choice((1, 1, 2, 3, 5, 8))):
        mail = rng.choice(_CHANGES)(rng, mail, given)[:LONGEST]
    return mail


def _place(rng: Random, mail: bytes) -> int:
    return rng.randrange(len(mail) + 1)


def _flip(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    data = bytearray(mail)
    for _ in range(rng.randrange(1, 12)):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def _insert(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    at = _place(rng, mail)
    return mail[:at] + rng.choice(WORDS) * rng.choice((1, 1, 1, 2, 50)) + mail[at:]


def _head(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    return rng.choice(WORDS) + mail


def _cut(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    one, two = sorted((_place(rng, mail), _place(rng, mail)))
    return mail[:one] + mail[two:] if rng.random() < 0.7 else mail[one:two]


def _repeat(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    one = _place(rng, mail)
    two = min(len(mail), one + rng.choice((1, 3, 20, 200)))
    return mail[:two] + mail[one:two] * rng.choice((1, 5, 100)) + mail[two:]


def _splice(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    other = rng.choice(given)
    return mail[: _place(rng, mail)] + other[_place(rng, other) :]


def _lines(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    lines = mail.split(b"\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return (rng.choice((b"\n", b"\n", b"\r\n", b"\r", b"\n> "))).join(lines)


def _nest(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    kind = rng.choice(
        (b"message/rfc822", b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=b", b"text/html")
    )
    part = b"--b\nContent-Type: text/plain\n\n" if b"boundary" in kind else b""
    return (b"MIME-Version: 1.0\nContent-Type: " + kind + b"\n\n" + part) * rng.choice((1, 1, 3, 40)) + mail


def _encode(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    head, _, body = mail.partition(b"\n\n")
    if rng.random() < 0.5:
        return head + b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(body)
    return head + b"\nContent-Transfer-Encoding: quoted-printable\n\n" + quopri.encodestring(body)


def _header(rng: Random, mail: bytes, given: Sequence[bytes]) -> bytes:
    """A header of one mail on top of another."""
    lines = rng.choice(given).partition(b"\n\n")[0].split(b"\n")
    at = rng.randrange(len(lines))
    return b"\n".join(lines[at : at + rng.choice((1, 2, 6))]) + b"\n" + mail


_CHANGES = (_flip, _insert, _insert, _head, _cut, _repeat, _splice, _lines, _nest, _encode, _header)
