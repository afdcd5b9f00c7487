"""Reading of the arguments of SMTP commands: paths and parameters (RFC 5321 section 4.1.2). Pure, linear in time.

`path()` and `parameters()` return None for what is malformed; they never raise.
"""

import re

_ATOM = r'[^\s<>()",:;@\\\[\]\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+'
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|\\[\x20-\x7e])*"'
_LITERAL = r"\[[0-9A-Za-z:.\-]+\]"
_ADDRESS = rf"(?:{_ATOM}|{_QUOTED})(?:@(?:{_ATOM}|{_LITERAL}))?"
_BRACKETED = re.compile(rf"\s*<(?:@[^:<>\s]*:)?({_ADDRESS})?>(?: +(.*))?\Z")
_NAKED = re.compile(rf"\s*({_ADDRESS})(?: +([^<>]*))?\Z")
_PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[\x21-\x3c\x3e-\x7e]+)?\Z")
_HELO = re.compile(r"[A-Za-z0-9.:_\-\[\]]{1,255}\Z")

ADDRESS_LIMIT = 254
DOMAIN_LIMIT = 253


def path(text: str) -> tuple[str, str] | None:
    """The address and the rest of `<address> parameters`; `<>` gives ''. A source route is dropped, as RFC 5321 asks.

    Angle brackets may be missing, since many programs forget them. Local parts above 64 octets pass (VERP).
    """
    match = _BRACKETED.match(text)
    if match is None:
        match = _NAKED.match(text)
        if match is None:
            return None
    address = match.group(1) or ""
    if address and not _plausible(address):
        return None
    return address, match.group(2) or ""


def _plausible(address: str) -> bool:
    if len(address.encode()) > ADDRESS_LIMIT:
        return False
    local, at, domain = address.rpartition("@")
    if not at:
        return True
    if not local.startswith('"') and (local[0] == "." or local[-1] == "." or ".." in local):
        # Japanese carriers hand out such addresses; refusing them would lose liaisons.
        return bool(local.strip("."))
    if len(domain.encode()) > DOMAIN_LIMIT:
        return False
    return domain.startswith("[") or all(0 < len(label) <= 63 for label in domain.split("."))


def parameters(text: str) -> dict[str, str | None] | None:
    """The parameters of MAIL or RCPT, names in upper case; None when one is malformed or repeated."""
    found: dict[str, str | None] = {}
    for word in text.split():
        if not _PARAMETER.match(word):
            return None
        name, equals, value = word.partition("=")
        name = name.upper()
        if name in found:
            return None
        found[name] = value if equals else None
    return found


def helo_name(text: str) -> str:
    """The name a client gave itself, or 'unknown' where it could not stand in a header line."""
    name = text.strip()
    return name if _HELO.match(name) else "unknown"
