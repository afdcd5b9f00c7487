"""Content-Type and its kin: type, parameters, RFC 2231 pieces, read as leniently as real mail needs.

Nothing here raises; what cannot be read is text/plain or left out (RFC 2045 section 5.2).
"""

import re
from urllib.parse import unquote_to_bytes

from mailer.charset import decode

_TYPE = re.compile(r"\s*([\w.+-]{1,80})\s*/\s*([\w.+*-]{1,100})")


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
