"""Rates: how many mails may leave in a minute, altogether and to one domain, counted in the database for all workers.

What was claimed in the last minute is kept with each limit, as [seconds since 1970, mails]. No minute holds more than
its limit, wherever it begins, and no ten seconds more than their share of it: a minute's mails do not leave at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from db.bulk import insert_new
from db.engine import Tx
from db.tables import Rate

_R: Any = Rate.__table__  # type: ignore[attr-defined]

ALL = ""  # the name of the limit on everything
MINUTE, STRETCH = 60.0, 10.0  # seconds
Log = Sequence[Sequence[float]]


@dataclass(slots=True)
class Rooms:
    """How many mails may still be claimed just now, by domain (`ALL`: altogether); it shrinks as they are."""

    left: dict[str, int]
    logs: Mapping[str, Log]
    at: float

    def within(self, rows: Iterable[tuple[int, str]]) -> list[int]:
        """Of these mails (id, domain), in their order, the ids of those that find room."""
        found = []
        for mail, domain in rows:
            if self.left.get(domain, 1) > 0 and not self.none:
                found.append(mail)
                for name in {domain, ALL} & self.left.keys():
                    self.left[name] -= 1
        return found

    @property
    def none(self) -> bool:
        """Whether nothing at all may leave just now."""
        return self.left.get(ALL, 1) <= 0

    @property
    def full(self) -> list[str]:
        """Domains without room."""
        return [domain for domain, left in self.left.items() if domain != ALL and left <= 0]


def room(log: Log, limit: int, at: float) -> int:
    """How many more mails a limit a minute lets go at a moment, after what its log tells."""
    minute = sum(mails for then, mails in log if then > at - MINUTE)
    stretch = sum(mails for then, mails in log if then > at - STRETCH)
    share = -(-limit * STRETCH // MINUTE)
    return max(0, int(min(limit - minute, share - stretch)))


def open_rooms(tx: Tx, limits: Mapping[str, int], now: datetime) -> Rooms:
    """The room under each limit, locked against other workers until the transaction ends."""
    insert_new(tx, _R, [{"domain": domain, "log": []} for domain in sorted(limits)])
    query = select(_R.c.domain, _R.c.log).where(_R.c.domain.in_(limits)).order_by(_R.c.domain).with_for_update()
    at = now.timestamp()
    logs = {row.domain: [one for one in row.log if one[0] > at - MINUTE] for row in tx.execute(query)}
    return Rooms({domain: room(logs[domain], limits[domain], at) for domain in limits}, logs, at)


def close_rooms(tx: Tx, before: Mapping[str, int], rooms: Rooms) -> None:
    """Write down what was claimed since `before`."""
    taken = {domain: before[domain] - left for domain, left in rooms.left.items() if left < before[domain]}
    if taken:
        rows = [{"name": domain, "now": [*rooms.logs[domain], [rooms.at, n]]} for domain, n in sorted(taken.items())]
        tx.execute(update(_R).where(_R.c.domain == bindparam("name")).values(log=bindparam("now")), rows)


def spent(tx: Tx, limits: Mapping[str, int], now: datetime) -> dict[str, int]:
    """How many mails were claimed under each limit in the last minute."""
    at = now.timestamp()
    found = dict.fromkeys(limits, 0)
    for row in tx.execute(select(_R.c.domain, _R.c.log).where(_R.c.domain.in_(limits))):
        found[row.domain] = int(sum(mails for then, mails in row.log if then > at - MINUTE))
    return found
