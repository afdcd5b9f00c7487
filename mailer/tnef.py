"""winmail.dat unpacked: the files and the plain text inside Microsoft's TNEF envelope ([MS-OXTNEF]).

`unpack(data)` never raises and looks at each byte once; a broken tail is left out.
"""

import struct
from dataclasses import dataclass, field

from mailer import rtf
from mailer.charset import decode

_SIGNATURE = 0x223E9F78
_BODY, _TITLE, _DATA, _RENDDATA = 0x800C, 0x8010, 0x800F, 0x9002
_MESSAGE_PROPS, _ATTACH_PROPS = 0x9003, 0x9005
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
_VARIABLE = {13, 30, 31, 258}
_MAX_FILES = 200
_MAX_PROPS = 2_000


@dataclass(slots=True)
class Winmail:
    """What a TNEF file holds."""

    text: str = ""
    html: str = ""
    rtf: bytes = b""  # compressed; read only where there is no other body
    files: list[tuple[str, bytes]] = field(default_factory=list)


def unpack(data: bytes) -> Winmail:
    """Files and bodies of a TNEF stream; an empty answer when it is none."""
    out = Winmail()
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != _SIGNATURE:
        return out
    at = 6
    while at + 9 <= len(data) and len(out.files) < _MAX_FILES:
        level, attribute, size = data[at], *struct.unpack_from("<II", data, at + 1)
        at += 9
        body = data[at : at + size]
        at += size + 2
        if level not in (1, 2) or len(body) < size:
            break
        _take(out, attribute & 0xFFFF, body)
    if out.rtf and not (out.text.strip() or out.html.strip()):
        out.text = rtf.text_of(rtf.expand(out.rtf))
    return out


def _take(out: Winmail, name: int, body: bytes) -> None:
    if name == _RENDDATA:
        out.files.append(("", b""))
    elif name == _BODY:
        out.text = _text(body)
    elif name == _MESSAGE_PROPS:
        for tag, value in _properties(body):
            if tag == 0x1000 and not out.text:
                out.text = _text(value)
            elif tag == 0x1013:
                out.html = _text(value)
            elif tag == 0x1009 and isinstance(value, bytes):
                out.rtf = value
    elif out.files:
        out.files[-1] = _file(out.files[-1], name, body)


def _file(known: tuple[str, bytes], name: int, body: bytes) -> tuple[str, bytes]:
    """What is known of an attachment after one more attribute; the long file name wins."""
    title, content = known
    if name == _TITLE:
        return title or _text(body), content
    if name == _DATA:
        return title, body
    if name == _ATTACH_PROPS:
        for tag, value in _properties(body):
            if tag == 0x3707 or (tag == 0x3704 and not title):
                title = _text(value)
            elif tag == 0x3701 and not content and isinstance(value, bytes):
                content = value
    return title, content


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else decode(value.rstrip(b"\0"))[0]


def _properties(data: bytes) -> list[tuple[int, bytes | str]]:
    """MAPI properties with text or bytes in them; fixed-size ones are stepped over."""
    found: list[tuple[int, bytes | str]] = []
    if len(data) < 4:
        return found
    at = 4
    for _ in range(min(struct.unpack_from("<I", data)[0], _MAX_PROPS)):
        if at + 4 > len(data):
            break
        kind, tag = struct.unpack_from("<HH", data, at)
        at += 4
        if tag >= 0x8000:
            at = _skip_name(data, at)
        base = kind & 0x0FFF
        if base in _VARIABLE or kind & 0x1000:
            if at + 4 > len(data):
                break
            count = struct.unpack_from("<I", data, at)[0]
            at += 4
            if base not in _VARIABLE:
                at += count * _FIXED.get(base, len(data))
                continue
            for _value in range(min(count, _MAX_PROPS)):
                if at + 4 > len(data):
                    return found
                size = struct.unpack_from("<I", data, at)[0]
                value = data[at + 4 : at + 4 + size]
                at += 4 + size + (-size % 4)
                text = value.decode("utf-16-le", "replace").rstrip("\0") if base == 31 else value
                found.append((tag, text))
        elif base in _FIXED:
            at += _FIXED[base]
        else:
            break
    return found


def _skip_name(data: bytes, at: int) -> int:
    """Past the identifier of a named property."""
    if at + 24 > len(data):
        return len(data)
    kind, size = struct.unpack_from("<II", data, at + 16)
    if kind == 0:
        return at + 24
    return int(at + 24 + size + (-size % 4))
