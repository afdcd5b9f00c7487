"""Questions to the DNS: who may send for a domain, which keys it has. The only place that opens DNS sockets.

`Resolver.ask` gives the values of a name as text, () where it has none or cannot exist. Raises `Unanswered`, an
OSError, where no server answered in time. Answers are kept as long as they allow; threads may share a resolver.
"""

from collections.abc import Callable, Sequence

import dns.exception
import dns.name
import dns.rdata
import dns.resolver
import idna
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

Ask = Callable[[str, str], tuple[str, ...]]
"""Asks for a name and a type (TXT, A, AAAA, MX, PTR); what `Resolver.ask` is with its time limit left out."""

PATIENCE = 4.0  # seconds for one answer
TRY = 1.5  # seconds until a question is put again, to the next server
CACHED = 512


class Unanswered(OSError):
    """No server gave an answer: out of time, out of reach, or broken."""


class Resolver:
    """Asks the servers given (`address` or `address:port`, IPv6 in brackets), or those the machine is set up with."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        try:
            self._inner = dns.resolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration:  # then every question ends as unanswered
            self._inner = dns.resolver.Resolver(configure=False)
        if servers:
            places = [_place(server) for server in servers]
            self._inner.nameservers = [address for address, _ in places]
            self._inner.nameserver_ports = {address: port for address, port in places if port}
        self._inner.timeout = TRY
        self._inner.cache = dns.resolver.LRUCache(CACHED)

    def ask(self, name: str, kind: str, seconds: float = PATIENCE) -> tuple[str, ...]:
        """The values of `name`, waiting at most `seconds`; CNAMEs are followed. MX: host names, the preferred first.

        A TXT record is one text whatever its pieces (RFC 7208 section 3.3); octets that are no UTF-8 are kept as
        surrogates.
        """
        asked = _name(name)
        if asked is None:
            return ()
        if seconds <= 0:
            raise Unanswered(f"no time left to ask for {name}")
        try:
            answer = self._inner.resolve(asked, kind, lifetime=min(seconds, PATIENCE), search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError) as error:
            raise Unanswered(f"{name} {kind}: {error}") from error
        return _values(list(answer))


def _place(server: str) -> tuple[str, int]:
    """Address and port of `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`; 0: the usual port."""
    if server.startswith("["):
        address, _, port = server[1:].partition("]")
    elif server.count(":") == 1:
        address, _, port = server.partition(":")
    else:
        address, port = server, ""
    number = int(port.lstrip(":") or 0)
    if not 0 <= number <= 65_535:
        raise ValueError(f"{server}: there is no port {number}")
    return address, number


def _name(text: str) -> dns.name.Name | None:
    """The name, labels beyond ASCII as A-labels; None where no such name can exist."""
    try:
        labels = [
            label.encode("ascii") if label.isascii() else idna.encode(label, uts46=True)
            for label in text.removesuffix(".").split(".")
        ]
        return dns.name.Name([*labels, b""]) if all(labels) else None
    except (dns.exception.DNSException, idna.IDNAError, UnicodeError):
        return None


def _values(records: Sequence[dns.rdata.Rdata]) -> tuple[str, ...]:
    return tuple(_value(record) for record in sorted(records, key=_preference))


def _preference(record: dns.rdata.Rdata) -> int:
    return int(record.preference) if isinstance(record, MX) else 0


def _value(record: dns.rdata.Rdata) -> str:
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "surrogateescape")
    if isinstance(record, MX):
        return str(record.exchange.to_text(omit_final_dot=True))
    if isinstance(record, PTR):
        return str(record.target.to_text(omit_final_dot=True))
    return str(record.to_text())
