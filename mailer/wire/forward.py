"""XFORWARD: what a front server of ours says of the client that it took a mail from (Postfix's XFORWARD_README).

Pure. Attributes are `NAME=value` in xtext (RFC 3461 section 4); one that the front server does not know has a word in
brackets. Of those that there are, the address and the name in its greeting are of use here.
"""

import ipaddress
import re
from dataclasses import dataclass

from mailer.wire.path import helo_name

NAMES = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")

_ATTRIBUTE = re.compile(r"([A-Za-z]{1,20})=((?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2}){1,255})\Z")
_HEX = re.compile(r"\+([0-9A-F]{2})")
_UNKNOWN = frozenset(("[UNAVAILABLE]", "[TEMPUNAVAIL]"))


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A client of the front server: its address, '' where that is not known or none, and its greeting."""

    peer: str = ""
    helo: str = ""


NOBODY = Forwarded()


def merge(known: Forwarded, arg: str) -> Forwarded | None:
    """What is known of the client after one more command; None where that is malformed."""
    words = arg.split()
    if not words:
        return None
    said: dict[str, str] = {}
    for word in words:
        found = _ATTRIBUTE.match(word)
        if found is None or found[1].upper() not in NAMES:
            return None
        value = _HEX.sub(lambda two: chr(int(two[1], 16)), found[2])
        said[found[1].upper()] = "" if value.upper() in _UNKNOWN else value
    peer, helo = known.peer, known.helo
    if "ADDR" in said:
        peer = _address(said["ADDR"])
    if "HELO" in said:
        helo = helo_name(said["HELO"]) if said["HELO"] else ""
    return Forwarded(peer, helo)


def _address(text: str) -> str:
    """An address in its usual form; '' for what is none, such as that of a mail written on the front server."""
    if text[:5].upper() == "IPV6:":
        text = text[5:]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
