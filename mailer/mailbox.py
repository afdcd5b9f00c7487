"""Address lists of a received header, read leniently (RFC 5322 section 3.4, MF16). Never raises.

For reading only: an address that is written to is checked by the strict parser of `mailer.address`.
"""

import re

from mailer.charset import clean_header, decode_words

_MAX_ADDRESSES = 2_000
_ANGLE = re.compile(r"<([^<>]{0,1000})>?")
_BARE = re.compile(r"[^\s<>()\[\],;:\"]{1,200}@[^\s<>(),;:\"]{1,255}|\"[^\"]{1,100}\"@[^\s<>(),;:\"]{1,255}")


def addresses(value: str) -> list[tuple[str, str]]:
    """(display name, address) for each mailbox of a header value; groups are flattened."""
    found: list[tuple[str, str]] = []
    for piece in _split(value):
        pair = _mailbox(piece)
        if pair is not None:
            found.append(pair)
        if len(found) >= _MAX_ADDRESSES:
            break
    return found


def _split(value: str) -> list[str]:
    """Pieces between commas, semicolons and group colons outside quotes, comments and angle brackets."""
    out: list[str] = []
    start = depth = 0
    quoted = angle = False
    for match in re.finditer(r'[\\",;:()<>]', value):
        at, mark = match.start(), match.group()
        if at and value[at - 1] == "\\" and mark != "\\":
            continue
        if mark == '"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif mark == "(":
            depth += 1
        elif mark == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif mark == "<":
            angle = True
        elif mark == ">":
            angle = False
        elif not angle and mark in ",;:":
            if mark != ":":
                out.append(value[start:at])
            start = at + 1
    out.append(value[start:])
    if quoted and len(out) == 1 and "," in value:
        return value.split(",")
    return out


def _mailbox(piece: str) -> tuple[str, str] | None:
    piece = piece.strip()
    if not piece:
        return None
    angles = list(_ANGLE.finditer(piece))
    if angles:
        last = angles[-1]
        inner = last.group(1).strip()
        if ":" in inner and inner.startswith("@"):  # source route, RFC 5321 section 4.1.2
            inner = inner.rpartition(":")[2]
        return _name(piece[: last.start()]) or _comment(piece[last.end() :]), _plain(inner)
    bare = _BARE.search(piece)
    if bare is None:
        return None
    return _comment(piece) or _name(piece[: bare.start()]), _plain(bare.group())


def _name(text: str) -> str:
    text = text.strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    else:
        text = text.replace('"', "")
    return clean_header(decode_words(text)).strip("' ")


def _comment(text: str) -> str:
    start = text.find("(")
    stop = text.rfind(")")
    return clean_header(decode_words(text[start + 1 : stop])) if 0 <= start < stop else ""


def _plain(text: str) -> str:
    if '"' not in text:
        text = "".join(text.split())
    return clean_header(text).strip("'")
