"""DKIM signatures of received mail (RFC 6376, RFC 8463), checked by dkimpy within bounds. Never raises.

dkimpy is given what cannot slow it down: a head within limits, the body in canonical form (its own patterns take ten
seconds for a line of 64,000 blanks, and hold the interpreter lock), keys of a length that costs nothing. Stricter than
the RFC: a signature that leaves the end of the body open (l=) or is made with SHA-1 (RFC 8301) vouches for nothing.
"""

import logging
from dataclasses import dataclass

import dkim
from dkim.util import InvalidTagValueList, parse_tag_value

from mailer.sign import relaxed_body
from mailer.trust import domain_of
from mailer.wire.dns import Ask

MAX_SIGNATURES = 8
MAX_HEAD, MAX_LINES, MAX_FIELD, MAX_NAMES = 131_072, 2_000, 8_192, 200
MAX_KEY = 2_000  # characters of a record: RSA of 8192 bits takes 1,420
_QUIET = logging.getLogger("tidings.dkimpy")
_QUIET.setLevel(logging.CRITICAL)  # it reports every bad signature of a stranger as an error

log = logging.getLogger("tidings.dkim")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: `result` is pass, fail, permerror or temperror (RFC 8601 section 2.7.1), `domain` its d=."""

    result: str
    domain: str
    why: str = ""


def check(data: bytes, ask: Ask) -> tuple[Signature, ...]:
    """What became of each signature of a mail with CRLF line ends (one without any CR is read as if it had them).

    () where it has none, or its head is none that can be read.
    """
    if b"\r" not in data[:MAX_HEAD]:
        data = data.replace(b"\n", b"\r\n")
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD)
    head, body = (data[: end + 2], data[end + 4 :]) if end >= 0 else (data[:MAX_HEAD], b"")
    if (end < 0 and len(data) > MAX_HEAD) or head.count(b"\n") > MAX_LINES:
        return (Signature("permerror", "", "its head is too long"),)
    try:
        mail = dkim.DKIM(head, logger=_QUIET)
    except (dkim.DKIMException, IndexError):  # a head that begins in the middle of a field
        return ()
    fields = [value for name, value in mail.headers if name.lower() == b"dkim-signature"]
    bodies: dict[bool, bytes] = {}
    return tuple(_one(mail, n, value, body, bodies, ask) for n, value in enumerate(fields[:MAX_SIGNATURES]))


def _one(mail: "dkim.DKIM", n: int, field: bytes, body: bytes, bodies: dict[bool, bytes], ask: Ask) -> Signature:
    domain = ""
    try:
        if len(field) > MAX_FIELD:
            return Signature("permerror", "", "it is too long")
        tags = parse_tag_value(field)
        domain = domain_of("@" + tags.get(b"d", b"").decode("utf-8"))
        if flaw := _flaw(tags, domain):
            return Signature("permerror", domain, flaw)
        relaxed = tags.get(b"c", b"").lower().endswith(b"/relaxed")
        if relaxed not in bodies:
            bodies[relaxed] = relaxed_body(body) if relaxed else body
        mail.body = bodies[relaxed]
        proved = mail.verify(n, dnsfunc=lambda name, **_: _key(name, ask))
    except OSError as error:
        return Signature("temperror", domain, str(error))
    except dkim.ValidationError as error:
        return Signature("fail", domain, str(error)[:200])
    except (dkim.DKIMException, InvalidTagValueList, UnicodeError) as error:
        return Signature("permerror", domain, str(error)[:200])
    except Exception as error:  # what a stranger's signature or key makes of dkimpy is never our failure
        log.info("a signature of %s cannot be judged: %r", domain, error)
        return Signature("permerror", domain, type(error).__name__)
    return Signature("pass", domain) if proved else Signature("fail", domain, "signature or key is wrong")


def _flaw(tags: dict[bytes, bytes], domain: str) -> str:
    if not domain:
        return "no domain"
    if b"l" in tags:
        return "it leaves the end of the body open"
    if tags.get(b"a", b"") not in (b"rsa-sha256", b"ed25519-sha256"):
        return "an algorithm that proves nothing"
    names = [name.strip().lower() for name in tags.get(b"h", b"").split(b":")]
    if b"from" not in names:
        return "the sender is not covered"
    return "it names too many fields" if len(names) > MAX_NAMES else ""


def _key(name: bytes, ask: Ask) -> bytes:
    """The key record of a name, b'' where there is none that may be used. OSError where the DNS does not answer."""
    for record in ask(name.decode("utf-8"), "TXT"):
        if "p=" in record and len(record) <= MAX_KEY:
            return record.encode("utf-8", "surrogateescape")
    return b""
