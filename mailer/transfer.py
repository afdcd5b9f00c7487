"""Content transfer encodings (RFC 2045 sections 6.7 and 6.8) for bodies that are encoded in stretches.

Pure. Lines are at most 76 octets, the last one of a stretch at most 75, so that a soft break has room.
"""

import binascii
from functools import lru_cache


def qp_value(value: str) -> bytes:
    """Quoted-printable of one value that stands between soft breaks; most need no change."""
    if len(value) < 75 and value.isascii() and "=" not in value and value[0] not in ".F" and value[-1] != " ":
        return value.encode()
    return qp(value)


@lru_cache(maxsize=2048)  # variants share most of their stretches
def qp(text: str) -> bytes:
    """Quoted-printable with lines of at most 76, safe for mbox ("From ") and for a final dot."""
    # Without a line break in the text b2a_qp makes soft breaks of bare LF.
    coded = binascii.b2a_qp(text.encode(), istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    # At the start of a line: "From " is changed by mbox, "." has a meaning in SMTP.
    if coded.startswith((b"From ", b".")):
        coded = b"=%02X" % coded[0] + coded[1:]
    coded = coded.replace(b"\nFrom ", b"\n=46rom ").replace(b"\n.", b"\n=2E")
    # b2a_qp leaves a blank before a field or at the end of the stretch: it would be trailing there.
    if coded.endswith(b" "):
        coded = coded[:-1] + b"=20"
    return _short(coded)


def _short(coded: bytes) -> bytes:
    """Split lines that became longer than 76, and a last one with no room for the soft break of a field."""
    lines = coded.split(b"\r\n")
    if max(map(len, lines)) <= 76 and len(lines[-1]) <= 75:
        return coded
    return b"\r\n".join(_cut(line) for line in lines)


def _cut(line: bytes) -> bytes:
    out = []
    while len(line) > 75:
        cut = 75 if b"=" not in line[73:75] else line.index(b"=", 73)
        out.append(line[:cut] + b"=")
        line = line[cut:]
    return b"\r\n".join([*out, line])


def base64(data: bytes) -> bytes:
    """Base64 in lines of 76."""
    coded = binascii.b2a_base64(data, newline=False)
    return b"\r\n".join([coded[n : n + 76] for n in range(0, len(coded), 76)])
