"""The clock: the only module that reads the time and draws random numbers.

In the playground the clock runs ahead or behind by an offset kept in a file, so that every program that works on
the same playground agrees on what day it is.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


class ShiftedClock:
    """A clock that differs from the system's by an offset in seconds, kept in `file`; an absent file means 0."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read: tuple[int, float] = (-1, 0.0)

    def __call__(self) -> datetime:
        """The shifted present moment, in UTC."""
        return system_clock() + timedelta(seconds=self._offset())

    def set(self, moment: datetime) -> None:
        """Make it `moment` now, for every program that reads this file."""
        offset = (moment - system_clock()).total_seconds()
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{offset:.6f}\n")  # to the microsecond: never short of the moment
        beside.replace(self._file)

    def _offset(self) -> float:
        try:
            stamp = self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return 0.0
        if stamp != self._read[0]:
            self._read = (stamp, float(self._file.read_text()))
        return self._read[1]


def draw_tag() -> int:
    """A random 40-bit number that is not 0: a tag (model K3)."""
    return secrets.randbelow(2**40 - 1) + 1


def draw_secret() -> str:
    """A fresh secret of 256 bits, as text for a configuration file."""
    return secrets.token_urlsafe(32)


def draw_salt() -> str:
    """A fresh salt for a private journal row."""
    return secrets.token_hex(16)
