"""Dates as people announce them: to the day, about a day, or some time in a month (model N3).

A value is text, exactly as recorded: `2019-03-15`, `2019-03`, or a moment `2020-01-30T18:00Z`. What it may mean is
computed. Raises ValueError with the remedy for anything else.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo

from digests.wall import day_end, instant_on, moment_text, read_moment

_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
APPROX_DAYS = 3
"""An approximate day may be so many days earlier or later."""


class Precision(StrEnum):
    """How exactly a date is known."""

    DAY = "day"  # the day itself, or a moment on it
    APPROX = "approx"  # about that day, or some time in that month
    MONTH = "month"  # some time in that month


def day_span(value: str, precision: Precision) -> tuple[date, date]:
    """The first and the last day that a date may mean; a moment is read in UTC."""
    try:
        if _MONTH.fullmatch(value):
            year, month = int(value[:4]), int(value[5:])
            return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
        day = date.fromisoformat(value) if _DAY.fullmatch(value) else read_moment(value).date()
    except (ValueError, calendar.IllegalMonthError):
        raise ValueError(f"{value!r} is not a date; write 2019-03-15, 2019-03 or 2020-01-30T18:00Z") from None
    if precision is Precision.MONTH:
        return day_span(value[:7], Precision.DAY)
    slack = timedelta(days=APPROX_DAYS if precision is Precision.APPROX else 0)
    return day - slack, day + slack


def is_moment(value: str) -> bool:
    """Whether a date value names a moment, not a day or month."""
    return "T" in value


@dataclass(frozen=True, slots=True)
class When:
    """The dates of an entry: start, end (the same when absent) and how exactly both are known."""

    start: str
    end: str | None = None
    precision: Precision = Precision.DAY

    def __post_init__(self) -> None:
        first, _ = day_span(self.start, self.precision)
        if self.end is not None and self.last_day() < first:
            raise ValueError(f"ends {self.end}, before it starts {self.start}")
        if _MONTH.fullmatch(self.start) and self.precision is Precision.DAY:
            raise ValueError(f"{self.start} is a month; its precision is month or approx, not day")

    def first_day(self) -> date:
        """The earliest day on which it may start."""
        return day_span(self.start, self.precision)[0]

    def started_day(self) -> date:
        """The day on which it has started, whatever the start may mean."""
        return day_span(self.start, self.precision)[1]

    def last_day(self) -> date:
        """The latest day on which it may end."""
        return day_span(self.end or self.start, self.precision)[1]

    def started_at(self, where: ZoneInfo) -> datetime:
        """The instant from which it has surely started, in the zone of the process."""
        if is_moment(self.start):
            return read_moment(self.start)
        return instant_on(self.started_day(), datetime.min.time(), where)

    def ended_at(self, where: ZoneInfo) -> datetime:
        """The instant from which it is surely over: the end of the last day it may mean (N3)."""
        end = self.end or self.start
        return read_moment(end) if is_moment(end) else day_end(self.last_day(), where)

    def as_document(self) -> dict[str, Any]:
        """Plain values for storage."""
        return {"start": self.start, "end": self.end, "precision": self.precision.value}

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> Self:
        """What `as_document` gave."""
        return cls(document["start"], document.get("end"), Precision(document["precision"]))


@dataclass(frozen=True, slots=True, order=True)
class Session:
    """One meeting of an entry; an entry may be held several times for the time zones."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a session's times carry a zone")
        if self.end < self.start:
            raise ValueError(f"a session ends {self.end}, before it starts {self.start}")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))

    def __str__(self) -> str:
        return f"{moment_text(self.start)}/{moment_text(self.end)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """A session from `2020-11-22T17:00Z/2020-11-22T21:00Z`. Raises ValueError."""
        start, slash, end = text.partition("/")
        if not slash:
            raise ValueError(f"{text!r} is not a session; write start/end, like 2020-11-22T17:00Z/2020-11-22T21:00Z")
        return cls(read_moment(start), read_moment(end))
