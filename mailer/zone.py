"""What the DNS must say of our domains, judged on look-ups that are a parameter: DKIM, SPF, DMARC, MX, PTR.

Each judgement is a `Finding` in words for the person who edits the zone: what is there, and what to publish. Nothing
raises.
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailer import trust

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
    wrong = _wrong_with_key(_tags(found[0]), _tags(wanted))
    if wrong:
        return Finding("fault", subject, f"{name} {wrong}", publish)
    if "y" in _tags(found[0]).get("t", "").split(":"):
        do = "take t=y out of the record once signatures pass"
        return Finding("note", subject, f"{name} has our key, and says that it is only a trial (t=y)", do)
    return Finding("ok", subject, f"{name} has our key")


def _wrong_with_key(found: dict[str, str], wanted: dict[str, str]) -> str:
    """Why no receiver could verify our signatures by this record; '' when they can. Left out tags have defaults."""
    if "v" in found and (next(iter(found)) != "v" or found["v"] != "DKIM1"):
        return "is no DKIM record: one begins with v=DKIM1"
    if not found.get("p"):
        return "has no key (p= is empty): it was taken back"
    if found["p"] != wanted["p"]:
        return "has another key than ours"
    if found.get("k", "rsa") != wanted.get("k", "rsa"):
        return f"says k={found.get('k', 'rsa')}, our key is {wanted.get('k', 'rsa')}"
    if "sha256" not in found.get("h", "sha256").split(":"):
        return f"allows h={found['h']} alone, we sign with sha256"
    if not {"*", "email"} & set(found.get("s", "*").split(":")):
        return f"is for s={found['s']}, not for email"
    return ""


def unanswered(subject: str, error: OSError) -> Finding:
    """No answer is no judgement."""
    return Finding("fault", subject, f"the DNS does not answer: {error}", "try again later, or check dns.servers")


def _tags(record: str) -> dict[str, str]:
    """The tags of a record, blanks left out."""
    pieces = (piece.partition("=") for piece in "".join(record.split()).split(";"))
    return {name.lower(): value for name, equals, value in pieces if equals}


def dmarc(domain: str, ask: Ask) -> list[Finding]:
    """The policy of a domain (RFC 9989): there, one, readable, and where its reports go."""
    subject, name = "DMARC", f"_dmarc.{domain}"
    wanted = f'publish at {name} the TXT record "v=DMARC1; p=none; rua=mailto:postmaster@{domain}"'
    try:
        own = [record for record in ask(name, "TXT") if record.lstrip().lower().startswith("v=dmarc1")]
        if len(own) > 1:
            return [Finding("fault", subject, f"{name} has {len(own)} records: receivers heed none", "leave one")]
        record = trust.published(domain, lambda at: ask(at, "TXT"))
        other = next((one for one in ask(name, "TXT") if "p=" in one.lower()), "") if not own else ""
        if other:
            return [Finding("fault", subject, f'{name} is not understood: "{other}" must begin with v=DMARC1', wanted)]
        asked = _tags(own[0]).get("p", "").lower() if own else "none"
        if asked not in ("none", "quarantine", "reject"):
            says = (
                f"{name} asks for p={asked}, which is none of none, quarantine, reject"
                if asked
                else f"{name} has no p="
            )
            return [Finding("fault", subject, says, wanted)]
        if not record.place:
            return [Finding("fault", subject, f"{domain} publishes no policy", wanted)]
        return [*_policy(record), *_reports(domain, record.tags.get("rua", ""), ask)]
    except OSError as error:
        return [unanswered(subject, error)]


def _policy(record: trust.Published) -> list[Finding]:
    own = record.place == record.domain
    policy = record.tags.get("p", "none") if own else record.tags.get("sp", record.tags.get("p", "none"))
    where = f"_dmarc.{record.place}"
    found = [Finding("ok", "DMARC", f"{where} asks for {policy.lower()}")]
    if policy.lower() == "none":
        later = "once the reports show that all your mail passes, ask for quarantine, then for reject"
        found = [Finding("note", "DMARC", f"{where} asks for nothing to be done with forged mail (p=none)", later)]
    gone = sorted(record.tags.keys() & {"pct", "rf", "ri"})
    if gone:
        found.append(Finding("note", "DMARC", f"{where} has tags that RFC 9989 took away", f"remove {', '.join(gone)}"))
    return found


def _reports(domain: str, addresses: str, ask: Ask) -> list[Finding]:
    """Whether somebody gets the reports, and agreed to it (RFC 9990)."""
    if not addresses.strip():
        return [Finding("note", "DMARC", "nobody gets reports of who sends as you", "add rua=mailto:ADDRESS")]
    found = []
    for address in addresses.split(","):
        other = trust.domain_of(address.partition("!")[0].strip())
        if not other or f".{other}".endswith(f".{domain}") or f".{domain}".endswith(f".{other}"):
            continue
        place = f"{domain}._report._dmarc.{other}"
        if not any(one.lower().startswith("v=dmarc1") for one in ask(place, "TXT")):
            says = f"{other} has not agreed to get reports about {domain}"
            found.append(Finding("note", "DMARC", says, f'ask them to publish at {place} "v=DMARC1"'))
    return found


MAX_LOOK_UPS = 10


def spf(domain: str, senders: Sequence[str], judge: Callable[[str], str], ask: Ask) -> list[Finding]:
    """Who may send for a domain (RFC 7208). `senders` are the addresses that do; `judge` gives the result for one."""
    subject = "SPF"
    add = " ".join(f"ip{6 if ':' in one else 4}:{one}" for one in senders) or "a:NAME-OF-YOUR-SMART-HOST"
    wanted = f'publish at {domain} the TXT record "v=spf1 {add} -all"'
    try:
        records = _spf_records(domain, ask)
        if not records:
            return [Finding("fault", subject, f"{domain} does not say who may send for it", wanted)]
        if len(records) > 1:
            return [
                Finding("fault", subject, f"{domain} has {len(records)} SPF records: all are void", "make them one")
            ]
        found = [*_ending(domain, records[0]), *_cost(domain, ask)]
        for sender in senders:
            result = judge(sender)
            if result == "pass":
                found.append(Finding("ok", subject, f"{sender} may send for {domain}"))
            elif result == "permerror":
                says = f"receivers cannot use the SPF record of {domain} (permerror): {sender} may not send for it"
                do = f"mend what is misspelt in it, or void in what it includes, or {wanted}"
                found.append(Finding("fault", subject, says, do))
            else:
                do = f"add {'ip6' if ':' in sender else 'ip4'}:{sender} to the record of {domain}, before its `all`"
                found.append(Finding("fault", subject, f"{sender} may not send for {domain} ({result})", do))
    except OSError as error:
        return [unanswered(subject, error)]
    return found


def _spf_records(domain: str, ask: Ask) -> list[str]:
    return [one for one in ask(domain, "TXT") if one.lower().split(" ")[0] == "v=spf1"]


def _ending(domain: str, record: str) -> list[Finding]:
    terms = record.lower().split()[1:]
    last = next((one for one in terms if one.lstrip("+-~?") == "all"), "")
    if last in ("all", "+all"):
        return [Finding("fault", "SPF", f"{domain} lets the whole world send for it ({last})", "end it with -all")]
    if last in ("-all", "~all"):
        return [Finding("ok", "SPF", f'{domain}: "{record}"')]
    if any(one.startswith("redirect=") for one in terms):
        return [Finding("ok", "SPF", f'{domain}: "{record}"')]
    return [Finding("note", "SPF", f"{domain} says nothing of other servers", "end the record with -all (or ~all)")]


def _cost(domain: str, ask: Ask) -> list[Finding]:
    """How many look-ups a receiver needs; above ten the record is void (section 4.6.4)."""
    count, waiting, seen = 0, [domain], {domain}
    found: list[Finding] = []
    while waiting and count <= MAX_LOOK_UPS:
        for record in _spf_records(waiting.pop(), ask)[:1]:
            for term in record.lower().split()[1:]:
                bare = term.lstrip("+-~?")
                mechanism = bare.partition(":")[0].partition("/")[0]
                count += mechanism in ("a", "mx", "ptr", "include", "exists") or bare.startswith("redirect=")
                if mechanism == "ptr":
                    found.append(Finding("note", "SPF", "the record uses ptr", "name addresses instead (section 5.5)"))
                target = bare.partition(":" if bare.startswith("include:") else "=")[2]
                if bare.startswith(("include:", "redirect=")) and target not in seen:
                    seen.add(target)
                    waiting.append(target)
    if count > MAX_LOOK_UPS:
        do = "name addresses instead of include, a and mx"
        found.append(Finding("fault", "SPF", f"{domain} needs more than {MAX_LOOK_UPS} look-ups: it is void", do))
    return found


def mx(domain: str, hostname: str, ask: Ask) -> list[Finding]:
    """Where mail for a domain goes (RFC 5321 section 5, RFC 7505). `hostname` is what our listener calls itself."""
    subject = "MX"
    publish = f"publish at {domain} an MX record with the name of the server in front, such as: 10 {hostname}."
    try:
        hosts = ask(domain, "MX")
        if not hosts:
            return [Finding("fault", subject, f"{domain} names no server: replies go nowhere", publish)]
        if hosts in ((".",), ("",)):
            return [Finding("fault", subject, f"{domain} says that it takes no mail (null MX)", publish)]
        away = [host for host in hosts if not (ask(host, "A") or ask(host, "AAAA"))]
    except OSError as error:
        return [unanswered(subject, error)]
    found = [Finding("fault", subject, f"{host} has no address", f"publish A or AAAA of {host}") for host in away]
    return found or [Finding("ok", subject, f"mail for {domain} goes to {', '.join(hosts)}")]


def reverse(address: str, hello: str, ask: Ask) -> Finding:
    """Whether an address that sends has a name that leads back to it (RFC 1912 section 2.1; large receivers insist)."""
    subject = "PTR"
    pointer = ipaddress.ip_address(address).reverse_pointer
    kind = "AAAA" if ":" in address else "A"
    do = f"have whoever owns {address} publish at {pointer} the PTR record {hello}., and {kind} {address} at {hello}"
    try:
        names = ask(pointer, "PTR")
        if not names:
            return Finding("fault", subject, f"{address} has no name", do)
        for name in names[:10]:
            if any(ipaddress.ip_address(one) == ipaddress.ip_address(address) for one in ask(name, kind)):
                if name.lower().rstrip(".") == hello.lower():
                    return Finding("ok", subject, f"{address} is {name}, and {name} is {address}")
                return Finding("note", subject, f"{address} is {name}, we call ourselves {hello}", "let them agree")
    except OSError as error:
        return unanswered(subject, error)
    return Finding("fault", subject, f"{address} is called {names[0]}, which leads elsewhere", do)


def hello(name: str, ask: Ask) -> Finding:
    """Whether the name that we greet with exists (RFC 5321 section 4.1.1.1)."""
    do = f"publish an address of {name or 'it'}, or set send.hostname to a name that has one"
    if "." not in name or name.endswith((".local", ".localdomain", ".internal")):
        return Finding("fault", "EHLO", f"we greet as {name!r}, which is no name that others can look up", do)
    try:
        if ask(name, "A") or ask(name, "AAAA"):
            return Finding("ok", "EHLO", f"we greet as {name}, which has an address")
    except OSError as error:
        return unanswered("EHLO", error)
    return Finding("fault", "EHLO", f"we greet as {name}, which has no address", do)
