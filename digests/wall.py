"""Wall-clock time: zones from the packaged zone data, and the one instant of a wall time (model T1, T2, T8).

A wall time is text, `2019-03-18T09:00`; its instant is always computed. A doubled time means its first occurrence, a
missing one is shifted on by the gap, so that every wall time happens exactly once and days keep their order.
Raises `UnknownZone` with the nearest names.
"""

import difflib
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_WALL = "%Y-%m-%dT%H:%M"


class UnknownZone(ValueError):
    """A text that names no time zone."""

    def __init__(self, name: str) -> None:
        near = difflib.get_close_matches(name, zone_names(), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; zones are named like Europe/Berlin"
        super().__init__(f"unknown time zone {name!r}{hint}")


@cache
def zone_names() -> tuple[str, ...]:
    """All zone names of the packaged data, sorted."""
    return tuple(sorted(files("tzdata").joinpath("zones").read_text("ascii").split()))


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of that name, from the package and never from the host (T8). Raises `UnknownZone`."""
    if name not in zone_names():
        raise UnknownZone(name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as source:
        return ZoneInfo.from_file(source, key=name)


def instant(wall: datetime, where: ZoneInfo) -> datetime:
    """The UTC instant of a wall time (naive): the first of a doubled one, past the gap of a missing one (T2)."""
    return wall.replace(tzinfo=where, fold=0).astimezone(UTC)


def instant_on(day: date, clock: time, where: ZoneInfo) -> datetime:
    """The UTC instant at which `where` shows `clock` on `day` (T2)."""
    return instant(datetime.combine(day, clock), where)


def day_end(day: date, where: ZoneInfo) -> datetime:
    """The UTC instant at which `day` is over in `where`."""
    return instant_on(date.fromordinal(day.toordinal() + 1), time(0), where)


def wall_text(wall: datetime) -> str:
    """A naive wall time as the text that names a slot."""
    return wall.strftime(_WALL) if wall.year >= 1000 else wall.isoformat(timespec="minutes")


def read_wall(text: str) -> datetime:
    """The naive wall time of a text such as `2019-03-18T09:00`. Raises ValueError."""
    try:
        return datetime.strptime(text, _WALL)  # noqa: DTZ007 a wall time has no zone; that is what makes it one
    except ValueError:
        raise ValueError(f"{text!r} is not a wall time; write it like 2019-03-18T09:00") from None


def moment_text(moment: datetime) -> str:
    """An aware moment as stored text in UTC, `2020-01-30T18:00Z`."""
    return moment.astimezone(UTC).strftime(f"{_WALL}Z")


def read_moment(text: str) -> datetime:
    """An aware moment from ISO text with `Z` or an offset. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a moment; write it like 2020-01-30T18:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; write it like 2020-01-30T18:00Z")
    return moment.astimezone(UTC)
