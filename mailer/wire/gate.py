"""The gate: who may connect and how often, per address (RFC 5321 section 4.2.1, RFC 7504). No sockets, no clock.

IPv6 clients are counted by /64, since a single one owns that many addresses. Memory is bounded: what a minute
has passed over is forgotten by `sweep`.
"""

import ipaddress
from collections import Counter
from functools import lru_cache

from mailer.wire.ports import ListenerSettings

_MINUTE = 60.0


class Gate:
    """Counts of one listener. `now` is monotonic seconds."""

    def __init__(self, settings: ListenerSettings) -> None:
        self._settings = settings
        self._trusted = [ipaddress.ip_network(network) for network in settings.trusted]
        self._open: Counter[str] = Counter()
        self._total = 0
        self._connects: dict[str, tuple[float, int]] = {}
        self._mails: dict[str, tuple[float, int]] = {}

    @property
    def stressed(self) -> bool:
        """Whether three quarters of all places are taken: idle clients then get less time."""
        limit = self._settings.connections_limit
        return bool(limit) and self._total * 4 > limit * 3

    def trusted(self, peer: str) -> bool:
        """Whether the peer is one of our own front servers."""
        if not self._trusted:
            return False
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)

    def enter(self, peer: str, trusted: bool, now: float) -> str:
        """'' when the client may come in (then `leave` is due), otherwise the name of the limit's counter."""
        key, limits = _group(peer), self._settings
        if not trusted:
            if limits.connections_limit and self._total >= limits.connections_limit:
                return "refused_connections_total"
            if limits.connections_per_address and self._open[key] >= limits.connections_per_address:
                return "refused_connections_address"
            if limits.connections_per_minute and _over(self._connects, key, limits.connections_per_minute, now):
                return "refused_connections_rate"
            self._total += 1
        self._open[key] += 1
        return ""

    def leave(self, peer: str, trusted: bool) -> None:
        """A client that had come in is gone."""
        key = _group(peer)
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]
        if not trusted:
            self._total -= 1

    def may_mail(self, peer: str, now: float) -> bool:
        """Whether the rate of mails per address admits one more; counts it."""
        limit = self._settings.mails_per_minute
        return not limit or not _over(self._mails, _group(peer), limit, now)

    def sweep(self, now: float) -> None:
        """Forget windows that are over."""
        for table in (self._connects, self._mails):
            for key in [key for key, (since, _) in table.items() if now - since >= _MINUTE]:
                del table[key]


def _over(table: dict[str, tuple[float, int]], key: str, limit: int, now: float) -> bool:
    since, count = table.get(key, (now, 0))
    if now - since >= _MINUTE:
        since, count = now, 0
    if count >= limit:
        return True
    table[key] = (since, count + 1)
    return False


@lru_cache(maxsize=4096)
def _group(peer: str) -> str:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if address.version == 4:
        return peer
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
