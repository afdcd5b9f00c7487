"""When a liaison's hour or zone changes, what waits for them leaves at the new hour (T8)."""

from datetime import datetime
from typing import Any

from db import roster, waiting
from db.engine import Tx
from db.roster import LiaisonRow
from db.waiting import WaitingRow
from digests.landing import LIFE, Hours, Landing, announced, landing
from digests.wall import read_wall, zone

# How announcements land, by their own words and by those of a file.
_LANDINGS = {"wall": Landing.LOCAL, "day": Landing.HOURS, "hour": Landing.NEXT, **{one.value: one for one in Landing}}


def hours_of(zone_name: str, hour: int, quiet: Any = None) -> Hours:
    """When a reader wants mail. `quiet` as stored: {"hours": [22, 7], "days": [0, 1, 2, 3, 4]}, both optional."""
    given = quiet or {}
    between = given.get("hours")
    return Hours(
        zone(zone_name),
        hour,
        (between[0], between[1]) if between else None,
        frozenset(given.get("days") or range(7)),
    )


def reland(tx: Tx, liaison_id: int, now: datetime) -> int:
    """Compute the moments of what waits for this liaison anew; gives how many were moved.

    A moment that would lie beyond the delivery's limit stays as it is: late would be never.
    """
    found = roster.liaison(tx, liaison_id)
    if found is None:
        return 0
    moved = 0
    for row in waiting.waiting_for(tx, liaison_id):
        send_at = _moment(row, found, now)
        # The limit moves along only where it came from the moment itself, not from the next freeze or a closing (T6).
        not_after = send_at + LIFE if row.not_after == row.send_at + LIFE else row.not_after
        if send_at != row.send_at and send_at < not_after:
            waiting.set_moment(tx, row.delivery_id, send_at, not_after)
            moved += 1
    return moved


def _moment(row: WaitingRow, reader: LiaisonRow, now: datetime) -> datetime:
    hours = hours_of(reader.zone, reader.hour, reader.quiet)
    if row.free_at is not None:
        return landing(max(row.free_at, now), hours)
    if row.landing in _LANDINGS and row.send_wall and row.zone:
        at = announced(_LANDINGS[row.landing], read_wall(row.send_wall), zone(row.zone), hours)
        return max(at, now, row.floor or now)
    return row.send_at
