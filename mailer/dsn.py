"""Delivery status notifications: the machine-readable fields of RFC 3464, read leniently.

`read_fields(text)` gives one `Fate` per recipient block. It never raises; what is not understood is
left empty. Works on a clean message/delivery-status part as well as on fields found in running text,
because many servers send the report broken or as plain text. RFC 6533 (utf-8 addresses) included.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_TEXT = 200_000
MAX_FATES = 1_000

ADDRESS = re.compile(
    r"[^\s<>()\[\]\\,;:\"'@|"
    r"\u3001\u3002\u3008-\u3011\uff08\uff09\uff0c\uff1a\uff1b\uff1c\uff1e=*`]{1,64}@(?:[\w\-\u00b7-\u1fff\u3040-\ufeff]{1,63}\.){1,10}[\w\-\u00b7-\u1fff\u3040-\ufeff]{2,63}"
)
_QUOTED_ADDRESS = re.compile(r'"[^"\n]{1,64}"@(?:[\w\-]{1,63}\.){1,10}[\w\-]{2,63}')
_FIELD = re.compile(
    r"[ \t>]{0,4}(final-recipient|original-recipient|x-actual-recipient|x-supplementary-info|action|status|"
    r"diagnostic-code|last-attempt-date|remote-mta|reporting-mta|x-postfix-sender|arrival-date|"
    r"received-from-mta|"
    r"will-retry-until|final-log-id|x-display-name|dsn-gateway|original-envelope-id|localized-diagnostic)"
    r"[ \t]?:[ \t]*(.*)",
    re.IGNORECASE,
)
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]?\d)")
_CODE = re.compile(r"(?<![\w.:/\-])([245]\d\d)(?=:? |$|-(?:\D|\d\.\d|$))")
_HEX_UTF8 = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")


@dataclass(frozen=True, slots=True)
class Fate:
    """What happened to one recipient. `action` is lower case and '' where the report has none."""

    recipient: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    original: str = ""

    @property
    def failed(self) -> bool:
        """Whether the mail did not arrive (yet): delivered, relayed and expanded ones did."""
        if self.action in ("delivered", "relayed", "expanded"):
            return False
        return self.action in ("failed", "delayed", "failure") or not self.status.startswith("2")

    @property
    def permanent(self) -> bool | None:
        """True for a 5.x.x failure, False for 4.x.x or a delay, None when nothing says it."""
        if self.action == "delayed":
            return False
        code = best_status(self.status, self.diagnostic)
        if code[:1] in ("4", "5"):
            return code[0] == "5"
        return True if self.action.startswith("fail") else None


def address_in(text: str) -> str:
    """The first e-mail address in a text, or ''. `rfc822;`, `utf-8;` and `<>` around it are dropped."""
    text = text[:1_000]
    decoded = _HEX_UTF8.sub(_code_point, text)
    quoted = _QUOTED_ADDRESS.search(decoded)
    plain = ADDRESS.search(decoded)
    found = plain if plain and not (quoted and quoted.start() <= plain.start()) else quoted
    return found.group().strip(".").removeprefix("mailto:") if found else ""


def _code_point(match: re.Match[str]) -> str:
    number = int(match.group(1), 16)
    return chr(number) if 0xA0 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else ""


def status_in(text: str) -> str:
    """The first enhanced status code (RFC 3463) in a text, or ''."""
    found = _STATUS.search(text)
    return ".".join(found.groups()) if found else ""


def code_in(text: str) -> str:
    """The first SMTP reply code of failure in a text, or ''."""
    return next((m.group(1) for m in _CODE.finditer(text) if m.group(1)[0] in "45"), "")


def best_status(status: str, diagnostic: str) -> str:
    """The most telling code: one that the far server gave beats a bare `5.0.0` of the reporter."""
    own = status_in(status)
    if own and not own.endswith(".0.0"):
        return own
    theirs = status_in(diagnostic)
    if theirs[:1] in ("4", "5"):
        return theirs
    return own or code_in(diagnostic)


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Known fields in order, continuation lines folded in; ('', '') for a blank line."""
    name, value = "", ""
    for line in text[:MAX_TEXT].split("\n"):
        found = _FIELD.match(line)
        if found:
            if name:
                yield name, value.strip()
            name, value = found.group(1).lower(), found.group(2)
        elif name and line[:1] in " \t" and line.strip():
            if len(value) < 2_000:
                value += " " + line.strip()
        else:
            if name:
                yield name, value.strip()
            name = ""
            if not line.strip():
                yield "", ""
    if name:
        yield name, value.strip()


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """Groups of fields of one recipient: a blank line, or a recipient seen twice, ends a group."""
    block: dict[str, str] = {}
    for name, value in _fields(text):
        repeated = name in ("final-recipient", "original-recipient") and name in block
        if (not name or repeated) and block:
            yield block
            block = {}
        if name:
            block.setdefault(name, value)
    if block:
        yield block


def read_fields(text: str) -> tuple[Fate, ...]:
    """All recipients that a report speaks of (RFC 3464 section 2.3), at most `MAX_FATES`."""
    fates: list[Fate] = []
    for block in _blocks(text):
        final = address_in(block.get("final-recipient", ""))
        original = address_in(block.get("original-recipient", ""))
        actual = address_in(block.get("x-actual-recipient", ""))
        recipient = final or original or actual or _bare(block.get("final-recipient", ""))
        named = "final-recipient" in block or "original-recipient" in block
        if not (recipient or named) or not ({"action", "status", "diagnostic-code"} & block.keys()):
            continue
        words = block.get("action", "").lower().split()
        action = re.sub(r"[^a-z].*", "", words[0]) if words else ""
        fates.append(Fate(recipient, action, status_in(block.get("status", "")), _diagnostic(block), original))
        if len(fates) >= MAX_FATES:
            break
    return tuple(fates)


def _bare(value: str) -> str:
    """A recipient without a domain, as local delivery reports it."""
    name = value.rpartition(";")[2].strip(" <>")
    return name if re.fullmatch(r"[^\s;<>]{1,128}", name) else ""


def _diagnostic(block: dict[str, str]) -> str:
    text = block.get("diagnostic-code", "") or block.get("x-supplementary-info", "") or block.get("status", "")
    kind, mark, rest = text.partition(";")
    return (rest if mark and " " not in kind.strip() else text).strip()[:1_000]
