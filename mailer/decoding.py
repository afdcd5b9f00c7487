"""Transfer encodings undone: base64, quoted-printable, uuencode, as broken as they come (RFC 2045 section 6).

Never raises; large parts are decoded in pieces and cost little more than their decoded size.
"""

import binascii
import re

from mailer.charset import from_base64, strip_base64
from mailer.mime import Node, Walk


def content(state: Walk, node: Node, limit: int) -> bytes:
    """The body of a leaf with its transfer encoding undone; at most about `limit` bytes."""
    encoding = node.get("content-transfer-encoding").partition(";")[0].strip().strip("\"'").lower()
    if encoding == "base64":
        data = _base64_body(state.raw, node.start, node.end, limit)
        if len(data) > limit:
            state.warn("part-cut")
        return data[:limit] if len(data) > limit else data
    data = state.raw[node.start : min(node.end, node.start + limit * 3 + 1_000)]
    if encoding == "quoted-printable":
        data = binascii.a2b_qp(data)
    elif encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        data = uudecode(data)[1] or data
    if len(data) > limit:
        state.warn("part-cut")
        data = data[:limit]
    return data


_CLEAR_TAIL = re.compile(rb"\n\r?\n[ \t]*[^\s]+ [^\r\n]*[^\s]")
# A footer right below the last line: a rule of signs, or words with a sign that base64 does not have.
_GLUED_TAIL = re.compile(rb"\n[ \t]*(?:[-_*#~]{4,}[ \t]*\r?\n|(?=[^\r\n]*[^A-Za-z0-9+/=\s])[^\s]+ [^\r\n]*[^\s])")
_TAIL = 4_000  # footers are short
_CHUNK = 1 << 20


def _base64_body(raw: bytes, start: int, end: int, limit: int) -> bytes:
    """Base64 that may be no base64 at all, or be followed by a footer somebody added in clear text.

    Decoded in pieces, so that a large part costs little more than its own decoded size.
    """
    first = raw[start : min(end, start + 200)].lstrip().partition(b"\n")[0].strip()
    if b" " in first and not re.fullmatch(rb"[A-Za-z0-9+/= \t]+", first):
        return raw[start : min(end, start + limit + 1)]
    tail = b""
    if end - start < _CHUNK:
        clear = _CLEAR_TAIL.search(raw, start, end) or _GLUED_TAIL.search(raw, max(start, end - _TAIL), end)
        if clear:
            tail = b"\n" + raw[clear.start() : end].lstrip()
            end = clear.start()
    out = bytearray()
    rest = b""
    at = start
    while at < end and len(out) <= limit:
        piece = rest + strip_base64(raw[at : min(end, at + _CHUNK)])
        at += _CHUNK
        whole = len(piece) if at >= end else len(piece) - len(piece) % 4
        if at < end and b"=" in piece:
            whole = len(piece)
        out += from_base64(piece[:whole])
        rest = piece[whole:]
    return bytes(out) + tail


def uudecode(data: bytes) -> tuple[str, bytes]:
    """Name and content of the first uuencoded file in `data`; ('', b'') when there is none."""
    begin = re.search(rb"(?m)^begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n", data)
    if begin is None:
        return "", b""
    out: list[bytes] = []
    for line in data[begin.end() :].split(b"\n"):
        line = line.rstrip(b"\r")  # noqa: PLW2901 - the bare line is what is wanted
        if line in (b"end", b"`", b" "):
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            if not line:
                break
            size = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:size]))
            except binascii.Error:
                break
    return begin.group(1).decode("utf-8", "replace").strip(), b"".join(out)
