"""Who vouches for a sender: results of a trusted front server, or our own SPF, DKIM and DMARC.

`authentication_results` reads RFC 8601 headers of servers that we named as trusted; `dmarc` decides by given
SPF and DKIM results and a DNS look-up that comes in as a parameter (RFC 9989: tree walk of at most eight
queries). Nothing raises; an answer that DNS does not give is `temperror`, never `pass`.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import idna

from mailer.message import Message

MAX_HEADERS, MAX_LENGTH, MAX_QUERIES = 20, 4_000, 8
TxtLookup = Callable[[str], tuple[str, ...]]
# What a domain asks for, as OpenDMARC, Gmail and rspamd write it: in a comment beside the result.
_ASKED = re.compile(r"\(\s{0,4}(?:p|policy)\s{0,4}=\s{0,4}(none|quarantine|reject)\b[^()]{0,200}\)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]{0,400}\)")
_RESULT = re.compile(r"^\s*([a-z][a-z0-9\-]{1,40})(?:/\d+)?\s*=\s*([a-z]{2,20})\b(.*)$", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"\b([a-z]{2,10})\.([a-z0-9\-]{1,30})\s*=\s*\"?([^\s;\"]{1,300})\"?", re.IGNORECASE)
_POLICIES = ("none", "quarantine", "reject")
_VERSION = re.compile(r"[ \t]*v[ \t]*=[ \t]*DMARC1[ \t]*(;|\Z)")
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


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whether anybody vouches for a From address: the DMARC result and its grounds.

    `result` is pass, fail, none, temperror or permerror, '' where no check was made. `aligned`: SPF or DKIM of the
    sender's own domain passed, whether that domain publishes a policy or not. `policy` is what it asks for, '' where
    that is not known; `by` what proved it: spf, dkim, or the front server that said so.
    """

    result: str = ""
    aligned: bool = False
    policy: str = ""
    by: str = ""
    spf: str = ""
    dkim: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is stored and shown: results only, no domains."""
        return {
            "result": self.result,
            "aligned": self.aligned,
            "policy": self.policy,
            "by": self.by,
            "spf": self.spf,
            "dkim": list(self.dkim),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Vouched":
        """What `as_json` gave."""
        return cls(**{**stored, "dkim": tuple(stored.get("dkim", ()))})

    def __str__(self) -> str:
        """In words for a person: `DMARC pass by dkim (SPF softfail, DKIM pass)`."""
        if not self.result:
            return "not checked"
        grounds = [f"SPF {self.spf}"] if self.spf else []
        grounds += [f"DKIM {', '.join(self.dkim)}"] if self.dkim else []
        grounds += [f"the domain asks for: {self.policy}"] if self.result != "none" and self.policy else []
        by = f" by {self.by}" if self.by else ""
        return f"DMARC {self.result}{by}" + (f" ({'; '.join(grounds)})" if grounds else "")


def within(peer: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of the networks (`192.0.2.0/24`, `2001:db8::/32`)."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)


def _without_comments(value: str) -> str:
    for _ in range(4):  # nested comments, a few levels; what is deeper is no result of an honest server
        shorter = _COMMENT.sub(" ", value)
        if shorter == value:
            break
        value = shorter
    return value


def parse_results(value: str) -> tuple[str, tuple[Result, ...]]:
    """Server and results of one Authentication-Results value; ('', ()) where it cannot be read."""
    pieces = _without_comments(_ASKED.sub(r" policy.dmarc=\1 ", value[:MAX_LENGTH])).split(";")
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


_CLAIMS = ("authentication-results", "received-spf")


def without_claims(message: Message) -> Message:
    """The mail as if nobody had judged it before us (RFC 8601 section 5)."""
    return replace(message, headers=tuple(field for field in message.headers if field[0] not in _CLAIMS))


def front_says(message: Message, trusted: Iterable[str]) -> Vouched:
    """What a front server of ours found out; `Vouched()` where it wrote nothing about DMARC."""
    results = authentication_results(message, trusted)
    judged = next((one for one in results if one.method == "dmarc"), None)
    if judged is None:
        return Vouched()
    result = {"bestguesspass": "none"}.get(judged.result, judged.result)
    sender = domain_of(message.from_addr)
    proved = [
        one.method
        for one in results
        if one.result == "pass"
        and (
            (one.method == "dkim" and sender == domain_of(f"@{one.property('header.d')}"))
            or (one.method == "spf" and sender == domain_of(f"@{one.property('smtp.mailfrom').rpartition('@')[2]}"))
        )
    ]
    return Vouched(
        result=result if result in ("pass", "fail", "none", "temperror", "permerror") else "permerror",
        aligned=result == "pass" or bool(sender and proved),
        policy=judged.property("policy.dmarc").lower(),
        by=judged.server,
        spf=next((one.result for one in results if one.method == "spf"), ""),
        dkim=tuple(one.result for one in results if one.method == "dkim"),
    )


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
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return ""


@dataclass(frozen=True, slots=True)
class Published:
    """What the DNS says of a domain: the organisation it belongs to, and the record that applies (`place` '': none)."""

    domain: str
    organisation: str
    place: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def near(self, other: str, mode: str) -> bool:
        """Whether `other` may be aligned, as far as its name tells: look-ups about others are wasted."""
        relaxed = self.tags.get(mode, "r").lower() != "s"
        return other == self.domain or (relaxed and f".{other}".endswith(f".{self.organisation}"))


def published(domain: str, lookup: TxtLookup) -> Published:
    """The record for a domain by the tree walk of RFC 9989 section 4.10, in at most eight queries.

    Its own record counts first, then that of its organisation, then that of the public suffix above. Raises what
    `lookup` raises (OSError: no answer).
    """
    found: dict[str, dict[str, str]] = {}
    organisation, below = domain, domain
    for name in _walk(domain):
        records = [record for record in lookup(f"_dmarc.{name}") if _VERSION.match(record)]
        if len(records) == 1:
            found[name] = _tags(records[0])
            psd = found[name].get("psd", "u").lower()
            organisation = below if psd == "y" and name != domain else name
            if psd in ("y", "n"):
                break
        below = name
    for place in (domain, organisation, *found):
        if place in found and _applies(found[place]):
            return Published(domain, organisation, place, found[place])
    return Published(domain, organisation)


def _walk(domain: str) -> list[str]:
    """The names to ask: the domain, then what is above it, from seven labels on where there are more."""
    labels = domain.split(".")
    first = max(1, len(labels) - MAX_QUERIES + 1)
    return [domain, *(".".join(labels[n:]) for n in range(first, len(labels)))]


def _tags(record: str) -> dict[str, str]:
    return {m.group(1).lower(): m.group(2) for part in record[:2_000].split(";") if (m := _TAG.match(part))}


def _applies(tags: Mapping[str, str]) -> bool:
    """A policy that is none of the three makes no record, unless reports are asked for (RFC 9989 section 4.7)."""
    return tags.get("p", "none").lower() in _POLICIES or bool(tags.get("rua"))


def dmarc(from_address: str, spf: tuple[str, str], dkim: Iterable[tuple[str, str]], lookup: TxtLookup) -> Dmarc:
    """The DMARC verdict for a From address (RFC 9989 section 5).

    `spf` is (result, domain checked), `dkim` are (result, d= domain) pairs, `lookup` gives TXT records of a name and
    raises OSError where DNS does not answer.
    """
    domain = domain_of(from_address)
    if not domain:
        return Dmarc("permerror")
    try:
        record = published(domain, lookup)
        policy = _policy(record)
        if not record.place:
            return Dmarc("none", policy, domain)
        for result, signer in dkim:
            if result == "pass" and _aligned(signer, record, "adkim", lookup):
                return Dmarc("pass", policy, domain, "dkim")
        if spf[0] == "pass" and _aligned(spf[1], record, "aspf", lookup):
            return Dmarc("pass", policy, domain, "spf")
    except OSError:
        return Dmarc("temperror", domain=domain)
    return Dmarc("fail", policy, domain)


def judge(from_address: str, spf: tuple[str, str], dkim: Sequence[tuple[str, str]], lookup: TxtLookup) -> Vouched:
    """DMARC, and what may be said where it says nothing. An `spf` result of '' means that it could not be checked.

    Nobody fails for what we could not see: without SPF, or with a look-up or a signature that gave no answer, a failure
    is no more than `none` or an error.
    """
    found = dmarc(from_address, spf, dkim, lookup)
    results = [spf[0], *(result for result, _ in dkim)]
    result, by = found.result, found.by
    if result == "none" and found.domain:
        proved = [("dkim", signer) for state, signer in dkim if state == "pass"]
        proved += [("spf", spf[1])] if spf[0] == "pass" else []
        by = next((method for method, domain in proved if domain_of(f"@{domain}") == found.domain), "")
    elif result == "fail":
        result = "temperror" if "temperror" in results else "none" if not spf[0] else "fail"
    aligned = result == "pass" or bool(by)
    return Vouched(result, aligned, found.policy, by, spf[0], tuple(state for state, _ in dkim))


def _policy(record: Published) -> str:
    tags = record.tags
    wanted = tags.get("p", "none") if record.domain == record.place else tags.get("sp", tags.get("p", "none"))
    wanted = wanted.lower()
    if tags.get("t", "n").lower() == "y":
        return {"reject": "quarantine", "quarantine": "none"}.get(wanted, "none")
    return wanted if wanted in _POLICIES else "none"


def _aligned(other: str, record: Published, mode: str, lookup: TxtLookup) -> bool:
    """Strict: the same domain. Relaxed: the same organisational domain (RFC 9989 section 4.11)."""
    other = domain_of(f"@{other.rpartition('@')[2]}")
    if not other or not record.near(other, mode):
        return False
    return other == record.domain or published(other, lookup).organisation == record.organisation
