"""MIME around a rendered letter: framed once per variant, joined with a person's values per mail.

A part in quoted-printable is encoded once; a spliced value stands between soft line breaks, so the
rest never moves. A part in base64 is joined and encoded per mail. Same input, same bytes. Values
of people are cleaned and escaped here for the place they stand in, so none can make a line or markup.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import quote

from mailer import header, transfer
from mailer.clean import clean, one_line
from mailer.flow import flow, unspaced


@dataclass(frozen=True, slots=True)
class Field:
    """A place where something personal is spliced in.

    `name` and `arg` say what (`reply` of item `5`), `form` says where: text, html, url (inside a link), or
    block (a rendered `Fragment`, which may be empty).
    """

    name: str
    arg: str = ""
    form: str = "text"

    @property
    def key(self) -> str:
        """The name under which `Person` holds the value: `reply:5`."""
        return f"{self.name}:{self.arg}" if self.arg else self.name


Piece = str | Field


@dataclass(frozen=True, slots=True)
class Fragment:
    """Rendered words for both editions of a mail: the personal block of one reader."""

    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter in one language, with the places to splice. Lines of `text` are not wrapped yet."""

    lang: str
    subject: str
    text: tuple[Piece, ...]
    html: tuple[Piece, ...]

    @property
    def fields(self) -> frozenset[str]:
        """The keys a person must bring."""
        return frozenset(piece.key for piece in (*self.text, *self.html) if isinstance(piece, Field))


@dataclass(frozen=True, slots=True)
class Person:
    """What is spliced for one reader. `shared` holds values equal for many, such as times in their zone."""

    fields: Mapping[str, str]
    blocks: Mapping[str, Fragment] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict)
    tokens: Sequence[bytes] = ()  # what stands for the marks of a frame that was cast


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file to attach: by default an .ics, which is no invitation to answer (RFC 6047 section 4)."""

    name: str
    text: str
    type: str = "text/calendar; charset=utf-8; method=PUBLISH"


class MissingField(KeyError):
    """A person lacks a value that the letter asks for: a fault of the caller, never of the data."""


_Places = tuple[int, ...]
_PLAIN_URL = re.compile(r"https:[\w@:/?#=&.~-]*|[\w@+.~-]*", re.ASCII)
# Addresses and links of ours: nothing in them is escaped, encoded or wrapped, wherever they stand.
_PLAIN = re.compile(r"[A-EG-Za-z0-9][A-Za-z0-9@+:/_~.-]{0,71}")
_NOT_LATIN = re.compile("[^\x00-\u024f]+")


@dataclass(frozen=True, slots=True)
class _Part:
    """One encoded stretch of the body: bytes with empty places, and per field the places that it takes.

    In quoted-printable the bytes are encoded already; in base64 they are encoded when they are joined.
    """

    pieces: tuple[bytes, ...]
    fields: tuple[tuple[Field, str, _Places], ...]
    base64: bool
    encode: Mapping[str, Callable[[str], str]]
    delsp: bool
    marks: tuple[tuple[int, int], ...] = ()  # places of tokens, and which


@dataclass(frozen=True, slots=True)
class Frame:
    """A variant ready for splicing: header lines of the body, parts and what stands between them.

    `fields` are the keys whose values a person must bring.
    """

    lang: str
    head: bytes
    parts: tuple[bytes | _Part, ...]
    fields: frozenset[str]

    @property
    def octets(self) -> int:
        """About how much memory it takes."""
        stretches = [s for part in self.parts for s in (part.pieces if isinstance(part, _Part) else (part,))]
        return 2000 + sum(100 + len(s) for s in stretches)


def frame(rendered: Rendered, tag: str, attached: Attachment | None = None) -> Frame:
    """Frame a variant. `tag` makes the boundaries: any token that is the same on each rebuild."""
    delsp = unspaced(rendered.lang)
    text = _part(_flowed(rendered.text, delsp), _TEXT_FORMS, delsp)
    page = _part(_lined(rendered.html), _HTML_FORMS, delsp)
    # "=_" cannot occur in quoted-printable or base64, so no content can hold the boundary.
    inner, outer = f"=_a{tag[:40]}", f"=_m{tag[:40]}"
    flowed = "format=flowed; delsp=yes" if delsp else "format=flowed"
    lang = rendered.lang.replace("_", "-")
    parts: list[bytes | _Part] = [
        _part_head(inner, f"text/plain; charset=utf-8; {flowed}", text.base64, lang),
        text,
        b"\r\n" + _part_head(inner, "text/html; charset=utf-8", page.base64, lang),
        page,
        f"\r\n--{inner}--\r\n".encode(),
    ]
    content = f'multipart/alternative; boundary="{inner}"'
    if attached is not None:
        opening = f'--{outer}\r\nContent-Type: multipart/alternative;\r\n boundary="{inner}"\r\n\r\n'
        parts = [opening.encode(), *parts, _attached_part(outer, attached)]
        content = f'multipart/mixed; boundary="{outer}"'
    head = b"MIME-Version: 1.0\r\n" + _folded("Content-Type", content) + header.tokens("Content-Language", lang)
    return Frame(rendered.lang, head, tuple(parts), rendered.fields)


_MARK = re.compile(rb"0{29}zz(\d{4})")


def mark(number: int) -> str:
    """What stands for a token of 35 characters until a person brings it: as long, and encoded as it is."""
    return f"{'0' * 29}zz{number:04}"


def cut(made: bytes) -> tuple[bytes | int, ...]:
    """Bytes with marks as the stretches between them and the numbers of the marks, in turns."""
    return tuple(int(piece) if n % 2 else piece for n, piece in enumerate(_MARK.split(made)))


def cast(framed: Frame, fixed: Mapping[str, str]) -> Frame:
    """The frame with these fields filled in; of what has marks in it only the tokens are left to each person.

    A field whose value is broken inside a mark by its encoding stays what it was.
    """
    parts = [_cast(part, fixed) if isinstance(part, _Part) else part for part in framed.parts]
    left = {key for part in parts if isinstance(part, _Part) for _, key, _ in part.fields}
    return Frame(framed.lang, framed.head, tuple(parts), frozenset(left))


def _cast(part: _Part, fixed: Mapping[str, str]) -> _Part:
    person = Person(fixed)
    filled: dict[int, tuple[bytes | int, ...]] = {}
    left: list[tuple[Field, str, _Places]] = []
    for place, key, taken in part.fields:
        made = cut(_personal(part, place, key, person)) if key in fixed and place.form != "block" else ()
        if made and len(made) == len(cut(fixed[key].encode())):
            filled |= dict.fromkeys(taken, made)
        else:
            left.append((place, key, taken))
    personal = {at for _, _, taken in left for at in taken}
    pieces: list[bytes] = [b""]
    marks: list[tuple[int, int]] = []
    moved: dict[int, int] = {}
    for at, piece in enumerate(part.pieces):
        if at in personal:
            moved[at] = len(pieces)
            pieces += [b"", b""]
        for stretch in filled.get(at, (piece,)):
            if isinstance(stretch, int):
                marks.append((len(pieces), stretch))
                pieces += [b"", b""]
            else:
                pieces[-1] += stretch
    places = tuple((place, key, tuple(moved[at] for at in taken)) for place, key, taken in left)
    return replace(part, pieces=tuple(pieces), fields=places, marks=tuple(marks))


def compose(framed: Frame, person: Person, head: bytes) -> bytes:
    """The whole mail: `head` holds its other header lines, each ending in CRLF. MissingField if one lacks."""
    body = [_join(part, person) if isinstance(part, _Part) else part for part in framed.parts]
    return b"".join([head, framed.head, b"\r\n", *body])


def plain_part(rendered: Rendered, person: Person) -> str:
    """The text edition as a reader sees it, for previews and for knowing our own lines in a quote."""
    return _joined_text(rendered.text, person, _TEXT_FORMS)


def html_part(rendered: Rendered, person: Person) -> str:
    """The HTML edition as a reader sees it."""
    return _joined_text(rendered.html, person, _HTML_FORMS)


def _joined_text(pieces: Sequence[Piece], person: Person, forms: Mapping[str, Callable[[str], str]]) -> str:
    return "".join(p if isinstance(p, str) else _value(p, person, forms) for p in pieces)


def _value(place: Field, person: Person, forms: Mapping[str, Callable[[str], str]]) -> str:
    key = place.key
    return _block(key, person, forms) if place.form == "block" else forms[place.form](_found(key, person))


def _block(key: str, person: Person, forms: Mapping[str, Callable[[str], str]]) -> str:
    block = person.blocks.get(key)
    if block is None:
        return ""
    return block.html if forms is _HTML_FORMS else block.text


def _found(key: str, person: Person) -> str:
    value = person.fields.get(key)
    if value is None:
        value = person.shared.get(key)
        if value is None:
            raise MissingField(key)
    return value


def _url(value: str) -> str:
    if _PLAIN_URL.fullmatch(value):
        return value if value.startswith("https:") else value.replace("+", "%2B")
    return quote(one_line(value), safe="@:/?#=&._~%-") if value.startswith("https:") else quote(value, safe="@")


def _text(value: str) -> str:
    return value if value.isprintable() else one_line(value)


def _html(value: str) -> str:
    return html.escape(_text(value))


def _html_url(value: str) -> str:
    return html.escape(_url(value))


_TEXT_FORMS: Mapping[str, Callable[[str], str]] = {"text": _text, "html": _text, "url": _url}
_HTML_FORMS: Mapping[str, Callable[[str], str]] = {"text": _html, "html": _html, "url": _html_url}


def _part(pieces: Sequence[Piece], forms: Mapping[str, Callable[[str], str]], delsp: bool) -> _Part:
    pieces = _merged(pieces)
    static = "".join(piece for piece in pieces if isinstance(piece, str))
    wide = 0 if static.isascii() else sum(map(len, _NOT_LATIN.findall(static)))
    base64 = wide * 3 > len(static) or (wide * 6 > len(static) and forms is _TEXT_FORMS)
    places: dict[Field, list[int]] = {}
    for at, piece in enumerate(pieces):
        if isinstance(piece, Field):
            places.setdefault(piece, []).append(at)
    return _Part(
        tuple((p.encode() if base64 else transfer.qp(p)) if isinstance(p, str) else b"" for p in pieces),
        tuple((place, place.key, tuple(taken)) for place, taken in places.items()),
        base64,
        forms,
        delsp,
    )


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbouring strings as one: only a field starts on a line of its own."""
    out: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and out and isinstance(out[-1], str):
            out[-1] += piece
        else:
            out.append(piece)
    return out


def _join(part: _Part, person: Person) -> bytes:
    out = list(part.pieces)
    for place, key, taken in part.fields:
        made = _personal(part, place, key, person)
        for at in taken:
            out[at] = made
    tokens = person.tokens
    for at, number in part.marks:
        out[at] = tokens[number]
    return transfer.base64(b"".join(out)) if part.base64 else b"".join(out)


def _personal(part: _Part, place: Field, key: str, person: Person) -> bytes:
    plain = person.fields.get(key)
    if plain is None or place.form == "block" or not _PLAIN.fullmatch(plain):
        return _made(part, place, key, person)
    # Nearly every value: an address or a link of ours.
    if place.form == "url" and not plain.startswith("https:"):
        plain = plain.replace("+", "%2B")
    return plain.encode() if part.base64 else f"=\r\n{plain}=\r\n".encode()


def _made(part: _Part, place: Field, key: str, person: Person) -> bytes:
    if place.form == "block":
        value = _block(key, person, part.encode)
        if not value:
            return _coded("", part.base64)
        value = flow(value, part.delsp) if part.encode is _TEXT_FORMS else value
        return _coded(value.replace("\n", "\r\n"), part.base64)
    return _spliced(_found(key, person), place.form, part.encode is _TEXT_FORMS, part.base64, part.delsp)


@lru_cache(maxsize=4096)  # many readers share a time in their zone, or a group
def _spliced(value: str, form: str, text: bool, base64: bool, delsp: bool) -> bytes:
    """A value escaped for its form, wrapped where it is long, encoded for its part."""
    value = (_TEXT_FORMS if text else _HTML_FORMS)[form](value)
    if text and len(value) > (36 if delsp else 72):
        value = flow(value, delsp).replace("\n", "\r\n")
    return _coded(value, base64)


def _coded(value: str, base64: bool) -> bytes:
    if base64:
        return value.encode()
    # A value stands between soft breaks: "=" CRLF before and after it vanish on decoding.
    return b"=\r\n" + transfer.qp_value(value) + b"=\r\n" if value else b"=\r\n"


def _flowed(pieces: Sequence[Piece], delsp: bool) -> list[Piece]:
    """Wrap the text with each field as one word of a typical width, then cut it at the fields again."""
    places: list[Field] = []
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
        else:
            # Nothing in the mark says which field it is, so that equal lines of many variants are wrapped once.
            text += "\ufdd2" + "\ufdd3" * _WIDTHS.get(piece.name, 30) + "\ufdd4"
            places.append(piece)
    wrapped = flow(text, delsp).replace("\n", "\r\n")
    first, *rest = re.split("\ufdd2\ufdd3*\ufdd4", wrapped)
    out: list[Piece] = [first]
    for place, after in zip(places, rest, strict=True):
        out += [place, after]
    return out


# Columns that a value is likely to take; where it differs, a soft break stands early or late, no more.
_WIDTHS = {"reply": 62, "leave": 62, "prefs": 62, "leave_mail": 62, "local": 58, "own": 1, "zone": 34}


def _lined(pieces: Sequence[Piece]) -> list[Piece]:
    return [p.replace("\r\n", "\n").replace("\n", "\r\n") if isinstance(p, str) else p for p in pieces]


def _part_head(boundary: str, content_type: str, base64: bool, lang: str) -> bytes:
    coding = "base64" if base64 else "quoted-printable"
    lines = [
        f"--{boundary}\r\n".encode(),
        _folded("Content-Type", content_type),
        f"Content-Transfer-Encoding: {coding}\r\n".encode(),
        header.tokens("Content-Language", lang),
        b"\r\n",
    ]
    return b"".join(lines)


def _folded(name: str, value: str) -> bytes:
    return header.fold(name, value.split(" "))


def _attached_part(boundary: str, attached: Attachment) -> bytes:
    lines = [
        f"\r\n--{boundary}\r\n".encode(),
        _folded("Content-Type", clean(attached.type)),
        _folded("Content-Disposition", f"attachment; {header.filename(attached.name)}"),
        b"Content-Transfer-Encoding: base64\r\n\r\n",
        transfer.base64(attached.text.replace("\r\n", "\n").replace("\n", "\r\n").encode()),
        f"\r\n--{boundary}--\r\n".encode(),
    ]
    return b"".join(lines)
