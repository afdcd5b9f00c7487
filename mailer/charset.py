"""Bytes of a mail as clean text: lying charset labels, 8-bit headers, encoded words (RFC 2047, EA07).

Nothing here raises. A wrong or missing label is found out, and the answer says so.
"""

import base64
import binascii
import codecs
import re
from functools import lru_cache

_ALIASES = {
    "ascii": "us-ascii",
    "ansi": "cp1252",
    "big-5": "big5hkscs",
    "big5": "big5hkscs",
    "cn-gb": "gb18030",
    "cp-850": "cp850",
    "dos-874": "cp874",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "iso-8859-11": "cp874",
    "iso-8859-8-e": "iso8859_8",
    "iso-8859-8-i": "iso8859_8",
    "iso8859-1": "cp1252",
    "iso-2022-jp": "iso2022_jp_ext",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "macintosh": "mac_roman",
    "shift-jis": "cp932",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "tis-620": "cp874",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-8mb4": "utf-8",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "windows-936": "gb18030",
    "x-big5": "big5hkscs",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gb18030",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
    "x-sjis": "cp932",
    "x-windows-949": "cp949",
}
_NO_TEXT = {"idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined", "mbcs", "oem"}
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAK = re.compile("\r\n?|[\x0c\x85\u2028\u2029]")
_HEADER_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,8000}(?:\?(?!=)[^?]{0,200}){0,8})\?=")
_SAMPLE = 4_096
_HIGH_RUN, _LOW_RUN = re.compile(rb"[\xb8\xa8\xc0-\xff]{3,}"), re.compile(rb"[A-Za-z]+")
_ENOUGH = 16  # letters that tell a script
# Bytes that carry meaning although every one of them is ASCII.
_SHIFTED = {"utf-7", "utf-16", "utf-16le", "utf-16be", "utf-32", "hz"}


@lru_cache(maxsize=512)
def codec(label: str) -> str:
    """The codec for a charset label as mail writes it; '' when nobody knows it."""
    name = label.strip().strip("\"'<>").lower().replace(" ", "")
    name = name.partition("*")[0]
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return ""
    if found.name in _NO_TEXT or not getattr(found, "_is_text_encoding", True):
        return ""
    return name


def decode(data: bytes, label: str = "") -> tuple[str, str]:
    """Text of `data` and a warning ('' when the label was right): charset-guessed, charset-repaired."""
    name = codec(label) if label else ""
    if data.startswith(codecs.BOM_UTF8):
        return data[3:].decode("utf-8", "replace"), ""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and len(data) % 2 == 0:
        return data.decode("utf-16", "replace"), ""
    if name not in _SHIFTED and data.isascii() and b"\x1b" not in data and b"~{" not in data:
        return data.decode("ascii"), ""
    for candidate in (*(() if name in _SHIFTED or b"\x1b" in data else ("utf-8",)), name):
        if not candidate:
            continue
        try:
            text = data.decode(candidate)
        except (UnicodeError, ValueError):
            continue
        if candidate == "cp1252" and _not_western(data) and (guess := _detect(_telling(data))) not in ("", "cp1252"):
            return data.decode(guess, "replace"), "charset-guessed"
        right = not label or name in (candidate, "utf-8")
        return text, "" if right else "charset-guessed"
    return _repair(data, name)


def _repair(data: bytes, name: str) -> tuple[str, str]:
    """The label does not fit and it is not UTF-8: bear a few bad bytes, else ask a detector."""
    if b"\x1b$" in data[:_SAMPLE] or b"\x1b(" in data[:_SAMPLE]:
        return data.decode("iso2022_jp_ext", "replace"), "charset-guessed"
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if name not in _SHIFTED and sum(c > "\x7f" for c in text[: 16 * _SAMPLE]) >= 4 * bad:
        return text, "charset-repaired"
    if name and name not in ("us-ascii", "utf-8"):
        text = data.decode(name, "replace")
        bad = text.count("\ufffd")
        if bad * 20 <= len(text):
            if name == "cp1252":
                text = data.decode("latin-1")
            return text, "charset-repaired"
    sample = _telling(data)
    high = sum(byte > 0x7F for byte in sample)
    guess = "" if high < 8 and high * 3 < len(sample) else _detect(sample)
    if guess:
        return data.decode(guess, "replace"), "charset-guessed"
    try:
        return data.decode("cp1252"), "charset-guessed"
    except UnicodeError:
        return data.decode("latin-1"), "charset-guessed"


def _not_western(data: bytes) -> bool:
    """Whether the words of a text said to be Western are made of nothing but letters beyond ASCII."""
    sample = _telling(data)
    high = sum(len(run) for run in _HIGH_RUN.findall(sample))
    return high >= _ENOUGH and high >= 2 * sum(len(run) for run in _LOW_RUN.findall(sample))


def _telling(data: bytes) -> bytes:
    """A bounded sample: the lines that are not plain ASCII."""
    head = data[: 64 * _SAMPLE]
    lines = [line for line in head.split(b"\n") if not line.isascii()]
    return b"\n".join(lines)[:_SAMPLE]


@lru_cache(maxsize=256)
def _detect(sample: bytes) -> str:
    """The codec a detector finds for a small sample; '' when it finds none."""
    from charset_normalizer import from_bytes

    if len(sample) < 4:
        return ""
    likely = [
        "cp1252", "cp1251", "koi8_r", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp874",
        "gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "utf_8",
    ]  # fmt: skip
    best = from_bytes(sample, cp_isolation=likely, steps=3, chunk_size=256).best()
    return codec(best.encoding) if best else ""


def clean_text(text: str) -> str:
    """Text with LF line ends and no control character but tab and newline."""
    if "\r" in text or not text.isascii() or "\x0c" in text:
        text = _BREAK.sub("\n", text)
    # a quick look at all that is neither shown nor one of the two that stay, before the search
    if not text.replace("\n", "").replace("\t", "").isprintable():
        text = _CONTROL.sub("", text)
    return text


def clean_header(text: str) -> str:
    """One line of text: controls, line separators and surrounding space are gone."""
    return (text if text.isprintable() else _HEADER_CONTROL.sub(" ", text)).strip()


def decode_words(text: str) -> str:
    """An unstructured header with its RFC 2047 words decoded; broken ones stay as they are."""
    if "=?" not in text:
        return text
    out: list[str] = []
    pending: tuple[str, bytes] | None = None
    at = 0
    for match in _WORD.finditer(text):
        gap = text[at : match.start()]
        at = match.end()
        raw = _word_bytes(match.group(2), match.group(3))
        label = match.group(1)
        if pending is not None and not gap.strip():
            if pending[0].lower() == label.lower():
                pending = (label, pending[1] + raw)
                continue
            gap = ""
        if pending is not None:
            out.append(decode(pending[1], pending[0])[0])
        out.append(gap)
        pending = (label, raw)
    if pending is not None:
        out.append(decode(pending[1], pending[0])[0])
    out.append(text[at:])
    return "".join(out)


def _word_bytes(encoding: str, text: str) -> bytes:
    """The bytes inside one encoded word."""
    data = text.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        return from_base64(data)
    return binascii.a2b_qp(data.replace(b"_", b"=20"))


_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


def strip_base64(data: bytes) -> bytes:
    """Only the bytes of the base64 alphabet and its padding."""
    return data.translate(None, _NOT_BASE64)


def from_base64(data: bytes) -> bytes:
    """Base64 as mail has it: foreign bytes skipped, padding missing or in the middle."""
    data = strip_base64(data)
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        pass
    data = data.rstrip(b"=")
    if len(data) % 4 == 1:
        data = data[:-1]
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return b""
