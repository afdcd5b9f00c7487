"""Which relay gets the next connection: by weight, past those that are down. No sockets, no clock, no dice."""

from collections.abc import Sequence

from mailer.wire.letters import Relay


class Relays:
    """Smooth weighted turns among the relays that are up; those of weight 0 when no other is. Times are monotonic."""

    def __init__(self, relays: Sequence[Relay], rest: float) -> None:
        if not relays:
            raise ValueError("a courier needs a relay")
        self._relays = tuple(relays)
        self._rest = rest
        self._credit = [0] * len(self._relays)
        self._down_until = [0.0] * len(self._relays)

    def turns(self, now: float) -> list[Relay]:
        """The relays to try for one connection, best first; empty while all are down."""
        up = [i for i, until in enumerate(self._down_until) if until <= now]
        first = [i for i in up if self._relays[i].weight > 0]
        total = sum(self._relays[i].weight for i in first)
        for i in first:
            self._credit[i] += self._relays[i].weight
        first.sort(key=lambda i: -self._credit[i])
        if first:
            self._credit[first[0]] -= total
        spare = [i for i in up if self._relays[i].weight <= 0]
        return [self._relays[i] for i in first + spare]

    def down(self, relay: Relay, now: float) -> None:
        """It failed: leave it alone for a while."""
        self._down_until[self._relays.index(relay)] = now + self._rest

    def up(self, relay: Relay) -> None:
        """It works."""
        self._down_until[self._relays.index(relay)] = 0.0
