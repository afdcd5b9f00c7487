"""Compressed RTF as Outlook puts into winmail.dat, and the text in it ([MS-OXRTFCP], [MS-OXRTFEX]).

`expand(data)` undoes the compression, `text_of(rtf)` gives the bare text. Neither raises; both look at each byte once,
and what grows beyond `MAX_RTF` is cut off.
"""

import re
import struct

from mailer.charset import decode

MAX_RTF = 4_000_000
_COMPRESSED, _PLAIN = 0x75465A4C, 0x414C454D
# What the window holds at the start: the words that every RTF file begins with.
_BEGIN = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20"
    b"\\b\\i\\u\\tab\\tx"
)
_WINDOW = 4096
_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_UNSHOWN = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata datastore latentstyles listtable listoverridetable "
    b"generator header footer mhtmltag htmltag xmlnstbl rsidtbl".split()
)
_SIGNS = {
    b"par": "\n", b"line": "\n", b"tab": "\t", b"row": "\n", b"cell": "\t", b"emdash": "\u2014", b"endash": "\u2013",
    b"lquote": "\u2018", b"rquote": "\u2019", b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"bullet": "\u2022",
}  # fmt: skip


def expand(data: bytes) -> bytes:
    """The RTF inside PidTagRtfCompressed; b'' when it is none, its beginning when it is cut off."""
    if len(data) < 16:
        return b""
    size, kind = struct.unpack_from("<II", data, 4)
    if kind == _PLAIN:
        return data[16 : 16 + min(size, MAX_RTF)]
    if kind != _COMPRESSED:
        return b""
    window, out = bytearray(_BEGIN.ljust(_WINDOW, b"\0")), bytearray()
    to, at, limit = len(_BEGIN), 16, min(size, MAX_RTF)
    while at < len(data) and len(out) < limit:
        flags, at = data[at], at + 1
        for bit in range(8):
            if flags >> bit & 1:
                if at + 2 > len(data):
                    return bytes(out[:limit])
                start, length, at = data[at] << 4 | data[at + 1] >> 4, (data[at + 1] & 15) + 2, at + 2
                if start == to:  # a reference to where the next byte goes ends the stream
                    return bytes(out[:limit])
                piece = [(start + step) % _WINDOW for step in range(length)]
            elif at < len(data):
                window[to], at = data[at], at + 1
                piece = [to]
            else:
                return bytes(out[:limit])
            for place in piece:
                window[to] = window[place]
                out.append(window[to])
                to = (to + 1) % _WINDOW
    return bytes(out[:limit])


class _Reader:
    """The groups that are open and the text so far."""

    def __init__(self, page: str) -> None:
        self.page = page
        self.out: list[str] = []
        self.bytes = bytearray()
        self.groups: list[tuple[bool, int]] = []
        self.hidden = self.muted = False
        self.fallback = 1  # how many characters stand after \u for programs that do not know it
        self.skip = 0

    def shown(self, text: str) -> None:
        self.flush()
        if not (self.hidden or self.muted):
            self.out.append(text)

    def byte(self, value: int) -> None:
        if self.skip:
            self.skip -= 1
        elif not (self.hidden or self.muted):
            self.bytes.append(value)

    def flush(self) -> None:
        if self.bytes:
            self.out.append(decode(bytes(self.bytes), self.page)[0])
            self.bytes.clear()

    def word(self, name: bytes, number: int | None) -> None:
        """A control word: a sign, a character, or what hides its group."""
        if name in _UNSHOWN:
            self.flush()
            self.hidden = True
        elif name == b"htmlrtf":  # what only stands in for the HTML that the file holds as well
            self.flush()
            self.muted = number != 0
        elif name == b"uc":
            self.fallback = min(max(number or 0, 0), 8)
        elif name == b"u" and number is not None:
            code = number % 0x10000
            self.shown(chr(code))
            self.skip = self.fallback
        elif name in _SIGNS:
            self.shown(_SIGNS[name])


def text_of(rtf: bytes) -> str:
    """The shown text of an RTF document; '' when it is none."""
    if not rtf.lstrip().startswith(b"{\\rtf"):
        return ""
    found = re.search(rb"\\ansicpg(\d{3,5})", rtf[:2_000])
    page = found.group(1).decode() if found else "1252"
    reader = _Reader({"65001": "utf-8", "936": "gb18030", "932": "shift_jis"}.get(page, f"cp{page}"))
    for token in _TOKEN.finditer(rtf[:MAX_RTF]):
        code, name, number, sign, brace, plain = token.groups()
        if code:
            reader.byte(int(code, 16))
        elif name:
            reader.word(name, int(number) if number else None)
        elif sign == b"*":
            reader.flush()
            reader.hidden = True
        elif sign:
            reader.byte(sign[0] if sign in b"\\{}" else 32 if sign == b"~" else 45 if sign == b"_" else 0)
        elif brace == b"{":
            reader.flush()
            if len(reader.groups) < 10_000:
                reader.groups.append((reader.hidden, reader.fallback))
        elif brace:
            reader.flush()
            reader.hidden, reader.fallback = reader.groups.pop() if reader.groups else (False, 1)
            reader.skip = 0
        elif plain:
            for value in plain:
                reader.byte(value)
    reader.flush()
    text = "".join(reader.out).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "").strip("\n")
