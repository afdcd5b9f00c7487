"""The MIME tree of a raw mail, walked within limits (RFC 2045, 2046, 2231; MF16, MF17).

`walk(raw, limits)` never raises and costs time and memory in proportion to the size: parts are kept as
offsets into the bytes, nothing is copied until a leaf is asked for its content. What was cut or mended is
named in `Walk.warnings`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailer.charset import clean_header, decode, decode_words
from mailer.param import content_type


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


_BLANK = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
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


class _Fields:
    """Header fields as their lines come in, within the limits."""

    def __init__(self, state: Walk) -> None:
        self.state = state
        self.found: list[tuple[str, str]] = []
        self.name = ""
        self.chunks: list[bytes] = []
        self.size = 0

    def begin(self, name: str, value: bytes) -> None:
        """A new field; the one before it is complete."""
        self.finish()
        self.name, self.chunks, self.size = name, [value], len(value)

    def go_on(self, line: bytes) -> None:
        """A folded line of the field that is open."""
        if not self.name:
            return
        self.size += len(line)
        if self.size <= self.state.limits.header_value:
            self.chunks.append(line)
        else:
            self.state.warn("header-cut")

    def finish(self) -> None:
        """Keep the open field, if there is room."""
        if self.name and len(self.found) < self.state.limits.headers:
            self.found.append((self.name, _unfold(self.chunks)))
        elif self.name:
            self.state.warn("headers-cut")
        self.name = ""


def _headers(state: Walk, start: int, end: int) -> tuple[list[tuple[str, str]], int]:
    """Header fields from `start`, and where the body begins. A line that is no field ends them."""
    raw, limits = state.raw, state.limits
    fields = _Fields(state)
    at = start
    stop = min(end, start + limits.header_block)
    while at < end:
        if at >= stop:
            state.warn("headers-cut")
            blank = _BLANK.search(raw, at, end)
            at = blank.end() if blank else end
            break
        newline = raw.find(b"\n", at, end)
        after = newline + 1 if newline >= 0 else end
        line = raw[at : min(after, at + limits.header_value)].rstrip(b"\r\n")
        match = _FIELD.match(line)
        if not line:
            at = after
            break
        if line[:1] in (b" ", b"\t"):
            fields.go_on(line)
        elif match is not None:
            fields.begin(match.group(1).decode("ascii").lower(), line[match.end() :])
        elif _goes_on(state, after, end, top=state.parts == 1):
            state.warn("header-mended")
            fields.go_on(line)
        else:
            state.warn("no-separator")
            break
        at = after
    fields.finish()
    return fields.found, min(at, end)


def _goes_on(state: Walk, at: int, end: int, top: bool) -> bool:
    """Whether a known field still comes before the blank line (RFC 7103 section 7.1), in the outer header only."""
    if not top:
        return False
    window = state.raw[at : min(end, at + 8_192)]
    blank = _BLANK.search(window)
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
