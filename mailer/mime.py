"""The MIME tree of a raw mail, walked within limits (RFC 2045, 2046, 2231; MF16, MF17).

`walk(raw, limits)` never raises and costs time and memory in proportion to the size: parts are kept as
offsets into the bytes, nothing is copied until a leaf is asked for its content. What was cut or mended is
named in `Walk.warnings`.
"""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from mailer.charset import clean_header, decode, decode_words, from_base64, strip_base64


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a mail is read. Sizes in bytes; what is beyond is left out and named in the warnings."""

    depth: int = 20
    parts: int = 500
    headers: int = 1_000
    header_block: int = 262_144
    header_value: int = 65_536
    text: int = 1_048_576  # one text part
    attachment: int = 26_214_400  # one decoded attachment; larger ones are listed without content
    attachments_total: int = 33_554_432
    readable: int = 4_194_304  # attachments up to here are searched for text
    extracted: int = 200_000  # characters of text out of one attachment


@dataclass(slots=True)
class Node:
    """One entity of the tree; `start` to `end` is its body in the raw bytes."""

    headers: list[tuple[str, str]]
    type: str
    params: Mapping[str, str]
    start: int
    end: int
    raw_start: int
    children: list["Node"] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The first raw value of a header, unfolded, not decoded; '' when absent."""
        return next((v for k, v in self.headers if k == name), "")


@dataclass(slots=True)
class Walk:
    """State of one walk: what is left of the budget and what had to be done."""

    raw: bytes
    limits: Limits
    warnings: list[str] = field(default_factory=list)
    parts: int = 0

    def warn(self, name: str) -> None:
        """Remember a limit or repair, once."""
        if name not in self.warnings:
            self.warnings.append(name)


_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_TYPE = re.compile(r"\s*([\w.+-]{1,80})\s*/\s*([\w.+*-]{1,100})")
# A line that is no field, inside the header: what follows decides whether the header goes on.
_KNOWN_FIELD = re.compile(
    rb"(?mi)^(?:from|to|subject|date|message-id|received|mime-version|content-type|return-path|reply-to):"
)


def walk(raw: bytes, limits: Limits) -> tuple[Node, Walk]:
    """The root entity of a mail and the state of the walk."""
    if b"\n" not in raw[:65_536] and b"\r" in raw[:65_536]:
        raw = raw.replace(b"\r", b"\n")
    state = Walk(raw, limits)
    start = 0
    while raw[start : start + 1] in (b"\n", b"\r"):
        start += 1
    if raw.startswith((b"From ", b">From "), start):
        start = (raw.find(b"\n", start) + 1) or len(raw)
    return _entity(state, start, len(raw), 0, "text/plain"), state


def _entity(state: Walk, start: int, end: int, depth: int, default: str) -> Node:
    state.parts += 1
    headers, body = _headers(state, start, end)
    node = Node(headers, default, {}, body, end, start)
    value = node.get("content-type")
    if value:
        node.type, node.params = content_type(value)
    main = node.type.partition("/")[0]
    if main == "multipart":
        _multipart(state, node, depth)
    elif node.type in ("message/rfc822", "message/global", "message/news"):
        if depth + 1 >= state.limits.depth:
            state.warn("too-deep")
        elif state.parts < state.limits.parts and _plain_transfer(node):
            node.children.append(_entity(state, body, end, depth + 1, "text/plain"))
    return node


def _plain_transfer(node: Node) -> bool:
    return node.get("content-transfer-encoding").strip().lower() not in ("base64", "quoted-printable")


def _headers(state: Walk, start: int, end: int) -> tuple[list[tuple[str, str]], int]:
    """Header fields from `start`, and where the body begins. A line that is no field ends them."""
    raw, limits = state.raw, state.limits
    found: list[tuple[str, str]] = []
    at, name, chunks, size = start, "", list[bytes](), 0
    stop = min(end, start + limits.header_block)
    while at < end:
        if at >= stop:
            state.warn("headers-cut")
            blank = re.compile(rb"\r?\n\r?\n").search(raw, at, end)
            at = blank.end() if blank else end
            break
        newline = raw.find(b"\n", at, end)
        after = newline + 1 if newline >= 0 else end
        line = raw[at : min(after, at + limits.header_value)].rstrip(b"\r\n")
        if not line:
            at = after
            break
        if line[:1] in (b" ", b"\t"):
            if name:
                size += len(line)
                if size <= limits.header_value:
                    chunks.append(line)
                else:
                    state.warn("header-cut")
        else:
            match = _FIELD.match(line)
            if match is None:
                if not _goes_on(state, after, end, top=start <= 1_000 and state.parts == 1):
                    state.warn("no-separator")
                    break
                state.warn("header-mended")
                if name and size + len(line) <= limits.header_value:
                    size += len(line)
                    chunks.append(line)
                at = after
                continue
            if name and len(found) < limits.headers:
                found.append((name, _unfold(chunks)))
            name, chunks = match.group(1).decode("ascii").lower(), [line[match.end() :]]
            size = len(line)
        at = after
    if name:
        if len(found) < limits.headers:
            found.append((name, _unfold(chunks)))
        else:
            state.warn("headers-cut")
    return found, min(at, end)


def _goes_on(state: Walk, at: int, end: int, top: bool) -> bool:
    """Whether a known field still comes before the blank line (RFC 7103 section 7.1), in the outer header only."""
    if not top:
        return False
    window = state.raw[at : min(end, at + 8_192)]
    blank = re.search(rb"\r?\n\r?\n", window)
    return bool(_KNOWN_FIELD.search(window[: blank.start()] if blank else window))


def _unfold(chunks: list[bytes]) -> str:
    """A value on one line; bytes that are not ASCII stay recoverable as surrogates."""
    data = chunks[0] if len(chunks) == 1 else b"".join(c.rstrip(b"\r") for c in chunks)
    if data.isascii():
        return data.decode("ascii").strip(" \t")
    try:
        return data.decode("utf-8").strip(" \t")
    except UnicodeError:
        return data.decode("ascii", "surrogateescape").strip(" \t")


def header_text(value: str) -> str:
    """A raw header value as clean, decoded text."""
    if any("\udc80" <= c <= "\udcff" for c in value):
        value = decode(value.encode("utf-8", "surrogateescape"))[0]
    return clean_header(decode_words(value))


def _multipart(state: Walk, node: Node, depth: int) -> None:
    if depth + 1 >= state.limits.depth:
        state.warn("too-deep")
        return
    boundary = node.params.get("boundary", "").rstrip().encode("utf-8", "surrogateescape")[:200]
    spans = _split(state, node, boundary) if boundary else []
    if not spans:
        sniffed = _sniff(state.raw, node.start, node.end)
        if sniffed and sniffed != boundary:
            spans = _split(state, node, sniffed)
            if spans:
                state.warn("boundary-guessed")
    default = "message/rfc822" if node.type == "multipart/digest" else "text/plain"
    for start, end in spans:
        if state.parts >= state.limits.parts:
            state.warn("too-many-parts")
            break
        node.children.append(_entity(state, start, end, depth + 1, default))
    if not spans:
        state.warn("no-boundary")


_LOOKS_LIKE_BOUNDARY = re.compile(rb"(?m)^--([^\s-][^\r\n]{0,120}?|-[^\r\n]{1,120}?)[ \t]*\r?\n(?=[Cc]ontent-)")


def _sniff(raw: bytes, start: int, end: int) -> bytes:
    """A boundary that its own header did not name right: a dashed line before a Content- field."""
    match = _LOOKS_LIKE_BOUNDARY.search(raw, start, min(end, start + 65_536))
    return match.group(1) if match else b""


def _split(state: Walk, node: Node, boundary: bytes) -> list[tuple[int, int]]:
    """Spans between the delimiter lines (RFC 2046 section 5.1.1); one more than the budget at most."""
    raw, end = state.raw, node.end
    mark = b"--" + boundary
    spans: list[tuple[int, int]] = []
    open_at = -1
    at = node.start
    while True:
        hit = raw.find(mark, at, end)
        if hit < 0:
            break
        at = hit + len(mark)
        if hit > node.start and raw[hit - 1 : hit] not in (b"\n", b"\r"):
            continue
        newline = raw.find(b"\n", at, end)
        rest = raw[at : min(newline if newline >= 0 else end, at + 256)].strip()
        if rest not in (b"", b"--"):
            continue
        if open_at >= 0:
            spans.append((open_at, _before(raw, hit, open_at)))
        open_at = -1
        if rest == b"--" or newline < 0:
            break
        open_at = at = newline + 1
        if len(spans) > state.limits.parts:
            return spans
    if open_at >= 0 and open_at < end:
        spans.append((open_at, end))
        state.warn("not-closed")
    return spans


def _before(raw: bytes, hit: int, floor: int) -> int:
    """Where a part ends: the line break before the delimiter belongs to the delimiter."""
    if hit > floor and raw[hit - 1 : hit] == b"\n":
        hit -= 1
        if hit > floor and raw[hit - 1 : hit] == b"\r":
            hit -= 1
    return hit


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
        clear = _CLEAR_TAIL.search(raw, start, end)
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


def content_type(value: str) -> tuple[str, dict[str, str]]:
    """Type and parameters of a Content-Type; text/plain for what cannot be read (RFC 2045 section 5.2)."""
    match = _TYPE.match(value)
    if match is None:
        bare = re.match(r"\s*([A-Za-z]+)\s*(?:;|$)", value)
        kind = {"text": "text/plain", "html": "text/html", "multipart": "multipart/mixed"}.get(
            bare.group(1).lower() if bare else "", "text/plain"
        )
        return kind, parameters(value)
    return f"{match.group(1)}/{match.group(2)}".lower(), parameters(value[match.end() :])


def parameters(value: str) -> dict[str, str]:
    """Parameters of a structured header, RFC 2231 continuations and charsets joined; first one wins."""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, text in _pairs(value):
        base, star, number = name.partition("*")
        if not star:
            plain.setdefault(name, text)
            continue
        digits = number.rstrip("*")
        if digits and not digits.isdigit():
            continue
        index = int(digits[:4]) if digits else 0
        pieces.setdefault(base, {}).setdefault(index, (number.endswith("*") or not number, text))
    for base, parts in pieces.items():
        joined = _join_2231(parts)
        if joined:
            plain[base] = joined
    return plain


def _join_2231(parts: dict[int, tuple[bool, str]]) -> str:
    """The pieces of one parameter in order (RFC 2231 sections 3 and 4)."""
    label = ""
    data = b""
    for place, index in enumerate(sorted(parts)):
        coded, text = parts[index]
        if coded:
            if place == 0 and text.count("'") >= 2:
                label, _, text = text.split("'", 2)
            data += unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
        else:
            data += text.encode("utf-8", "surrogateescape")
    return decode(data, label)[0]


def _pairs(value: str) -> list[tuple[str, str]]:
    """`name=value` pairs, quoted strings and comments understood, unbalanced quotes forgiven."""
    pairs: list[tuple[str, str]] = []
    for piece in _fields(value)[:200]:
        name, equals, text = piece.partition("=")
        name = name.strip().lower()
        text = text.strip()
        if not equals or not name or len(name) > 80:
            continue
        if text.startswith('"'):
            body = text[1:]
            close = _closing_quote(body)
            text = body[:close] if close >= 0 else body
            text = re.sub(r"\\(.)", r"\1", text) if '\\"' in text or "\\\\" in text else text
        else:
            text = text.partition(" (")[0].strip().strip("'")
        pairs.append((name.split()[-1] if name.split() else name, text))
    return pairs


def _closing_quote(text: str) -> int:
    at = text.find('"')
    while at > 0 and text[at - 1] == "\\":
        at = text.find('"', at + 1)
    return at


def _fields(value: str) -> list[str]:
    """Pieces between semicolons that stand outside quotes."""
    if '"' not in value:
        return value.split(";")
    out: list[str] = []
    start = 0
    quoted = False
    for match in re.finditer(r'[";]', value):
        at = match.start()
        if match.group() == '"':
            if at == 0 or value[at - 1] != "\\":
                quoted = not quoted
        elif not quoted:
            out.append(value[start:at])
            start = at + 1
    out.append(value[start:])
    return out
