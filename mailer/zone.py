"""What the DNS must say of our domains, judged on look-ups that are a parameter: DKIM, SPF, DMARC, MX, PTR.

Each judgement is a `Finding` in words for the person who edits the zone: what is there, and what to publish. Nothing
raises.
"""

from collections.abc import Callable
from dataclasses import dataclass

Ask = Callable[[str, str], tuple[str, ...]]
"""Gives the values of a name and type; raises OSError where the DNS does not answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `level`: ok, note (works, could be better) or fault; `do` says what to do about it."""

    level: str
    subject: str
    says: str
    do: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing must be done."""
        return self.level != "fault"


def key_record(domain: str, selector: str, wanted: str, ask: Ask) -> Finding:
    """Whether the DNS has the public key of a selector (RFC 6376 section 3.6.2)."""
    name = f"{selector}._domainkey.{domain}"
    subject = f"DKIM {selector}"
    publish = f'publish at {name} the TXT record "{wanted}"'
    try:
        found = ask(name, "TXT")
    except OSError as error:
        return unanswered(subject, error)
    if not found:
        return Finding("fault", subject, f"{name} is not in the DNS", publish)
    if len(found) > 1:
        return Finding("fault", subject, f"{name} has {len(found)} TXT records, receivers take any of them", publish)
    if _tags(found[0]).get("p") != _tags(wanted)["p"]:
        return Finding("fault", subject, f"{name} has another key than ours", publish)
    return Finding("ok", subject, f"{name} has our key")


def unanswered(subject: str, error: OSError) -> Finding:
    """No answer is no judgement."""
    return Finding("fault", subject, f"the DNS does not answer: {error}", "try again later, or check dns.servers")


def _tags(record: str) -> dict[str, str]:
    """The tags of a record, blanks left out."""
    pieces = (piece.partition("=") for piece in "".join(record.split()).split(";"))
    return {name.lower(): value for name, equals, value in pieces if equals}
