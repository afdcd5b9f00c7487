"""Who vouches for a sender: results of a trusted front server, or our own SPF, DKIM and DMARC.

`authentication_results` reads RFC 8601 headers of servers that we named as trusted; `dmarc` decides by given
SPF and DKIM results and a DNS look-up that comes in as a parameter (RFC 9989: tree walk of at most eight
queries). Nothing raises; an answer that DNS does not give is `temperror`, never `pass`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mailer.message import Message

MAX_HEADERS, MAX_LENGTH, MAX_QUERIES = 20, 4_000, 8
TxtLookup = Callable[[str], tuple[str, ...]]
_COMMENT = re.compile(r"\([^()]{0,400}\)")
_RESULT = re.compile(r"^\s*([a-z][a-z0-9\-]{1,40})(?:/\d+)?\s*=\s*([a-z]{2,20})\b(.*)$", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"\b([a-z]{2,10})\.([a-z0-9\-]{1,30})\s*=\s*\"?([^\s;\"]{1,300})\"?", re.IGNORECASE)
_TAG = re.compile(r"^\s*([a-z]{1,10})\s*=\s*(.*?)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result by RFC 8601 section 2.2, with its properties (`header.from`, `smtp.mailfrom` "
    "...)."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...] = ()
    server: str = ""

    def property(self, name: str) -> str:
        """A property's value, '' where it is not given."""
        return dict(self.properties).get(name, "")


@dataclass(frozen=True, slots=True)
class Dmarc:
    """The verdict: `result` is pass, fail, none, temperror or permerror; `policy` is what the domain "
    "asks for."""

    result: str
    policy: str = "none"
    domain: str = ""
    by: str = ""


def _without_comments(value: str) -> str:
    for _ in range(4):  # nested comments, a few levels; what is deeper is no result of an honest server
        shorter = _COMMENT.sub(" ", value)
        if shorter == value:
            break
        value = shorter
    return value


def parse_results(value: str) -> tuple[str, tuple[Result, ...]]:
    """Server and results of one Authentication-Results value; ('', ()) where it cannot be read."""
    pieces = _without_comments(value[:MAX_LENGTH]).split(";")
    words = pieces[0].split()
    if not words or len(words) > 2:
        return "", ()
    server = words[0].strip('"').lower()
    results = []
    for piece in pieces[1:30]:
        if match := _RESULT.match(piece):
            properties = tuple(
                (f"{m.group(1)}.{m.group(2)}".lower(), m.group(3)) for m in _PROPERTY.finditer(match.group(3))
            )
            results.append(Result(match.group(1).lower(), match.group(2).lower(), properties, server))
    return server, tuple(results)


def authentication_results(message: Message, trusted: Iterable[str]) -> tuple[Result, ...]:
    """Results that trusted servers wrote (RFC 8601 section 5). What others claim is not there.

    A sender can forge a header with a trusted name unless the front server removes it, as section 5 asks of it;
    so only the topmost header of each trusted server counts.
    """
    names = {name.lower() for name in trusted}
    seen: set[str] = set()
    found: list[Result] = []
    for value in message.all("authentication-results")[:MAX_HEADERS]:
        server, results = parse_results(value)
        if server in names and server not in seen:
            seen.add(server)
            found += results
    return tuple(found)


def claims_failure(message: Message) -> bool:
    """Whether the topmost result of any server says that nobody vouches: DMARC failed, or SPF and DKIM both did.

    A forger would claim the contrary, so a claim of failure may be believed from anybody: it only holds a mail.
    """
    values = message.all("authentication-results")[:1]
    results: dict[str, list[str]] = {}
    for result in parse_results(values[0])[1] if values else ():
        results.setdefault(result.method, []).append(result.result)
    if "pass" in results.get("dmarc", []):
        return False
    if "fail" in results.get("dmarc", []):
        return True
    spf = results.get("spf", []) or message.get("received-spf").lower().split()[:1]
    unsigned = "pass" not in results.get("dkim", []) and ("dkim" in results or not message.get("dkim-signature"))
    return bool(spf) and all(word in ("fail", "hardfail") for word in spf) and unsigned


def domain_of(address: str) -> str:
    """The domain of an address as lower-case A-label, '' where there is none."""
    domain = address.rpartition("@")[2].strip(" <>.").lower() if "@" in address else ""
    if domain.isascii():
        return domain if re.fullmatch(r"[a-z0-9._\-]{1,253}", domain) else ""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def record_of(domain: str, lookup: TxtLookup) -> tuple[str, dict[str, str]]:
    """The DMARC record for a domain and where it was found, by the tree walk of RFC 9989 section 4.10.

    Raises what `lookup` raises (OSError: no answer); ('', {}) where no record is published.
    """
    labels = domain.split(".")
    steps = [labels] + [labels[i:] for i in range(max(1, len(labels) - MAX_QUERIES + 1), len(labels))]
    for step in steps[:MAX_QUERIES]:
        name = ".".join(step)
        records = [r for r in lookup(f"_dmarc.{name}") if r.strip().lower().startswith("v=dmarc1")]
        if len(records) == 1:
            return name, _tags(records[0])
    return "", {}


def _tags(record: str) -> dict[str, str]:
    return {m.group(1).lower(): m.group(2) for part in record[:2_000].split(";") if (m := _TAG.match(part))}


def dmarc(from_address: str, spf: tuple[str, str], dkim: Iterable[tuple[str, str]], lookup: TxtLookup) -> Dmarc:
    """The DMARC verdict for a From address (RFC 9989 section 5).

    `spf` is (result, domain checked), `dkim` are (result, d= domain) pairs, `lookup` gives TXT records of a name and
    raises OSError where DNS does not answer.
    """
    domain = domain_of(from_address)
    if not domain:
        return Dmarc("permerror")
    try:
        place, tags = record_of(domain, lookup)
        organisation = _organisation(domain, lookup) if place else domain
        policy = _policy(domain, place, tags)
        for result, signer in dkim:
            if result == "pass" and _aligned(signer, domain, organisation, tags.get("adkim", "r"), lookup):
                return Dmarc("pass" if place else "none", policy, domain, "dkim")
        if spf[0] == "pass" and _aligned(spf[1], domain, organisation, tags.get("aspf", "r"), lookup):
            return Dmarc("pass" if place else "none", policy, domain, "spf")
    except OSError:
        return Dmarc("temperror", domain=domain)
    return Dmarc("fail" if place else "none", policy, domain)


def _policy(domain: str, place: str, tags: dict[str, str]) -> str:
    wanted = tags.get("p", "none") if domain == place else tags.get("sp", tags.get("p", "none"))
    wanted = wanted.lower()
    if tags.get("t", "n").lower() == "y":
        return {"reject": "quarantine", "quarantine": "none"}.get(wanted, "none")
    return wanted if wanted in ("none", "quarantine", "reject") else "none"


def _organisation(domain: str, lookup: TxtLookup) -> str:
    """The organisational domain: the highest one with a record in the walk (`psd=n` ends it)."""
    labels = domain.split(".")
    best = domain
    for start in range(max(0, len(labels) - MAX_QUERIES), len(labels)):
        name = ".".join(labels[start:])
        records = [r for r in lookup(f"_dmarc.{name}") if r.strip().lower().startswith("v=dmarc1")]
        if len(records) != 1:
            continue
        psd = _tags(records[0]).get("psd", "u").lower()
        if psd == "n":
            return name
        if psd == "y":
            return ".".join(labels[start - 1 :]) if start else name
        best = name
    return best


def _aligned(other: str, domain: str, organisation: str, mode: str, lookup: TxtLookup) -> bool:
    """Strict: the same domain. Relaxed: the same organisational domain (RFC 9989 section 4.11)."""
    other = domain_of(f"@{other.rpartition('@')[2]}")
    if not other:
        return False
    if other == domain:
        return True
    return mode.lower() != "s" and _organisation(other, lookup) == organisation
