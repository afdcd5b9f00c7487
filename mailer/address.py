"""Mail addresses: strict parsing, the key that compares them, display names.

`parse` takes one bare address (RFC 5321 section 4.1.2, RFC 6531) and raises AddressError with a code
and words for a person. Groups, routes, comments, source routing and address literals are refused:
nobody needs them, and parsers disagree on them.
"""

import re
import unicodedata
from dataclasses import dataclass

import idna

from mailer.clean import clean, one_line

MAX_LOCAL = 64
MAX_ADDRESS = 254

_ATEXT = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~\x80-\U0010ffff-]+")
_DOT_ATOM = re.compile(rf"{_ATEXT.pattern}(?:\.{_ATEXT.pattern})*")
_LABEL = "(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN_DOMAIN = re.compile(rf"(?=.{{4,253}}$)(?:{_LABEL}\.)+(?!\d+$){_LABEL}")
_USUAL = re.compile(rf"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@({_PLAIN_DOMAIN.pattern})")
_QUOTED = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\[ -~])*)"')
_ANGLE = re.compile(r"(?P<name>[^<>]*)<(?P<addr>[^<>]*)>")
_GMAIL = ("gmail.com", "googlemail.com")


class AddressError(ValueError):
    """Not an address we would mail to. `code` is stable: `empty`, `syntax`, `route`, `domain`, `too-long`."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Address:
    """A valid address. `local` is unquoted and NFC, `domain` the A-label in lower case."""

    local: str
    domain: str

    @property
    def addr(self) -> str:
        """The address as it goes on the wire; the local part is quoted where it must be."""
        return f"{quote_local(self.local)}@{self.domain}"

    @property
    def key(self) -> str:
        """What makes two spellings one address: local part NFC with ASCII letters lowered."""
        return f"{quote_local(_lower_ascii(self.local))}@{self.domain}"

    @property
    def hint_key(self) -> str:
        """The key without plus tag, and without dots at Gmail: proposes "is this you?", never decides."""
        local = _lower_ascii(self.local).partition("+")[0] or _lower_ascii(self.local)
        if self.domain in _GMAIL:
            return f"{quote_local(local.replace('.', '') or local)}@gmail.com"
        return f"{quote_local(local)}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Only a local part beyond ASCII needs the extension: the domain travels as A-labels (RFC 6531)."""
        return not self.local.isascii()

    @property
    def shown(self) -> str:
        """For a person: the U-label domain; the A-label beside it where scripts are mixed (UTS 39)."""
        try:
            unicode_domain = idna.decode(self.domain)
        except idna.IDNAError:
            unicode_domain = self.domain
        text = clean(f"{quote_local(self.local)}@{unicode_domain}")
        mixed = any(mixed_scripts(label) for label in unicode_domain.split("."))
        return f"{text} ({self.domain})" if mixed else text


def parse(text: str) -> Address:
    """One bare address as typed; surrounding blanks are dropped."""
    usual = _USUAL.fullmatch(text)
    if usual is not None and len(usual[1]) <= MAX_LOCAL and len(text) <= MAX_ADDRESS:
        return Address(usual[1], usual[2].lower())  # most addresses, at a tenth of the cost
    text = unicodedata.normalize("NFC", text.strip(" \t"))
    if not text:
        raise AddressError("empty", "no address given")
    if clean(text) != text:
        raise AddressError("syntax", f"{clean(text)!r} holds invisible or control characters")
    local, rest = _split_local(text)
    if local == "":
        raise AddressError("syntax", f"{text!r} has nothing before the @")
    domain = _domain(rest, text)
    if len(quote_local(local).encode()) > MAX_LOCAL:
        raise AddressError("too-long", f"the part before the @ is longer than {MAX_LOCAL} octets")
    found = Address(local, domain)
    if len(found.addr.encode()) > MAX_ADDRESS:
        raise AddressError("too-long", f"the address is longer than {MAX_ADDRESS} octets")
    return found


def parse_mailbox(text: str) -> tuple[str, Address]:
    """`Name <address>` or a bare address, as in a roster: the cleaned name ('' if none) and the address."""
    match = _ANGLE.fullmatch(text.strip())
    if match is None:
        return "", parse(text)
    return display_name(match["name"].strip().strip('"')), parse(match["addr"])


def key(text: str) -> str:
    """The key of an address given as text; AddressError when it is none."""
    return parse(text).key


def hint_key(text: str) -> str:
    """The hint key of an address given as text; AddressError when it is none."""
    return parse(text).hint_key


def display_name(text: str, limit: int = 80) -> str:
    """A name safe to show and to put before an address: one line, no controls, no bidi overrides."""
    return one_line(unicodedata.normalize("NFC", text))[:limit].strip()


def quote_local(local: str) -> str:
    """The local part, as a quoted string only where the dot-atom form cannot hold it."""
    if _DOT_ATOM.fullmatch(local):
        return local
    return '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'


def mixed_scripts(label: str) -> bool:
    """Latin, Greek or Cyrillic letters side by side in one word: the usual homograph."""
    scripts = {unicodedata.name(c, "?").split(" ")[0] for c in label if c.isalpha()}
    return len(scripts & {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE"}) > 1


def _split_local(text: str) -> tuple[str, str]:
    quoted = _QUOTED.match(text)
    if quoted:
        if not text[quoted.end() :].startswith("@"):
            raise AddressError("syntax", f"{text!r} needs an @ right after the quoted part")
        return re.sub(r"\\(.)", r"\1", quoted[1]), text[quoted.end() + 1 :]
    local, at, rest = text.partition("@")
    if not at:
        raise AddressError("syntax", f"{text!r} has no @")
    if "%" in local or "!" in local or local.startswith("@") or ("," in local and ":" in rest):
        raise AddressError("route", f"{text!r} is a source route, which is not accepted")
    if not _DOT_ATOM.fullmatch(local):
        raise AddressError("syntax", f"{local!r} is not valid before the @")
    return local, rest


def _domain(text: str, whole: str) -> str:
    if "@" in text:
        raise AddressError("syntax", f"{whole!r} has more than one @")
    if text.startswith("["):
        raise AddressError("domain", f"{whole!r}: address literals are not accepted")
    name = text.removesuffix(".")
    if not re.fullmatch(r"[\w.·‌‍\u0300-\u036f。．｡-]+", name):
        raise AddressError("domain", f"{text!r} is not a domain")
    if _PLAIN_DOMAIN.fullmatch(name):
        return name.lower()  # most domains, at a tenth of the cost
    try:
        ascii_name = idna.encode(name, uts46=True, transitional=False).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressError("domain", f"{text!r} is not a domain: {clean(str(error))}") from None
    if len(ascii_name) > 253:
        raise AddressError("too-long", "the domain is longer than 253 octets")
    if ascii_name.rpartition(".")[2].isdigit():
        raise AddressError("domain", f"{text!r} is not a domain: its ending is a number")
    if "." not in ascii_name and ascii_name != "localhost":
        raise AddressError("domain", f"{text!r} has no dot: is its ending missing?")
    return ascii_name


def _lower_ascii(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)
