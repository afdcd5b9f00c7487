"""When a mail leaves for each reader: at their own hour, never too late, never showing as open what is shut (T3-T7).

Pure. All instants are aware UTC; `hour` is an hour of the reader's clock, 0 to 23.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from digests.wall import instant, instant_on

AT_ONCE = timedelta(hours=3)
"""An hour that began less than this ago still counts: approving ten minutes late costs nobody a day."""
LIFE = timedelta(hours=36)
"""How long after its moment a delivery is still worth sending."""
NOTICE = timedelta(hours=2)
"""What closes sooner than this after the mail leaves is not shown as open."""
LAST = timedelta(hours=22)
"""By then after the freeze the last mail has left, but for a change of clocks and readers who keep quiet days."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a reader wants mail: their hour, and if they say so quiet hours and the weekdays they work.

    `quiet` is (from, to) in hours of their clock and may pass midnight; `days` are weekdays, Monday 0.
    """

    zone: ZoneInfo
    hour: int
    quiet: tuple[int, int] | None = None
    days: frozenset[int] = frozenset(range(7))

    def __post_init__(self) -> None:
        if not 0 <= self.hour <= 23:
            raise ValueError(f"an hour is 0 to 23, not {self.hour}")
        if not self.days or not self.days <= frozenset(range(7)):
            raise ValueError("working days are weekdays from 0, Monday, to 6; at least one")
        if self.quiet and not all(0 <= h <= 23 for h in self.quiet):
            raise ValueError(f"quiet hours are 0 to 23, not {self.quiet[0]} to {self.quiet[1]}")

    def allows(self, moment: datetime) -> bool:
        """Whether a mail may arrive at that moment."""
        local = moment.astimezone(self.zone)
        return local.weekday() in self.days and not self._is_quiet(local.hour)

    def served_hour(self) -> int:
        """Their hour, or the end of the quiet hours in which it lies."""
        return self.quiet[1] if self.quiet and self._is_quiet(self.hour) else self.hour

    def _is_quiet(self, hour: int) -> bool:
        if self.quiet is None or self.quiet[0] == self.quiet[1]:
            return False
        start, end = self.quiet
        return start <= hour < end if start < end else hour >= start or hour < end


class Landing(StrEnum):
    """How an announcement meets its readers' clocks (T5)."""

    INSTANT = "instant"  # all at one moment
    LOCAL = "local"  # when each reader's clock shows the announced wall time
    HOURS = "hours"  # on the announced date, at each reader's own hour
    NEXT = "next"  # like a digest: at each reader's next own hour


def landing(frozen_at: datetime, hours: Hours) -> datetime:
    """When an edition frozen then leaves for a reader: the first time after it that their clock shows their hour, at
    once if that hour began less than 3 h ago (T3).
    """
    clock = time(hours.served_hour())
    day = frozen_at.astimezone(hours.zone).date()
    for n in range(-1, 9):
        at = instant_on(day + timedelta(days=n), clock, hours.zone)
        if at >= frozen_at and hours.allows(at):
            return at
        if at <= frozen_at < at + AT_ONCE and hours.allows(frozen_at):
            return frozen_at
    raise AssertionError("within nine days every weekday has come")  # pragma: no cover


def announced(how: Landing, wall: datetime, where: ZoneInfo, hours: Hours) -> datetime:
    """When an announcement of that wall time, in the zone `where`, leaves for a reader (T5)."""
    if how is Landing.LOCAL:
        return instant(wall, hours.zone)
    if how is Landing.HOURS:
        return instant_on(wall.date(), time(hours.served_hour()), hours.zone)
    at = instant(wall, where)
    return at if how is Landing.INSTANT else landing(at, hours)


def freeze_by(how: Landing, wall: datetime, where: ZoneInfo, readers: Iterable[Hours]) -> datetime:
    """The moment by which an announcement must be frozen: before the first reader's clock gets there."""
    return min((announced(how, wall, where, hours) for hours in readers), default=instant(wall, where))


def not_after(send_at: datetime, next_freeze: datetime | None, closing: Iterable[datetime] = ()) -> datetime:
    """Until when a delivery may leave: 36 h after its moment, the next freeze, or the closing of the first thing that
    it shows as open, whatever comes first (T6).
    """
    limits = [send_at + LIFE, *closing]
    return min(limits if next_freeze is None else [*limits, next_freeze])


def still_open(closing: datetime | None, send_at: datetime) -> bool:
    """Whether what closes then may be shown as open in a mail that leaves at `send_at` (T7)."""
    return closing is None or closing >= send_at + NOTICE


def overdue(due_at: datetime, now: datetime, limit: timedelta) -> bool:
    """Whether a mailing as a whole is so late that a person must decide (T6)."""
    return now - due_at > limit


def reading_day(freeze: datetime, hours: Hours) -> date:
    """The date on which a reader will have it, by their own calendar: a hint for whoever chooses a slot (T4)."""
    return landing(freeze, hours).astimezone(hours.zone).date()
