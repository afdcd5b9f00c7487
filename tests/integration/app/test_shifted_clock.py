"""The clock of a playground, kept in a file."""

from datetime import UTC, datetime
from pathlib import Path

from app.clock import ShiftedClock


def test_it_is_never_short_of_the_moment_that_was_set(tmp_path: Path) -> None:
    """A jump to the microsecond at which an edition is approved must not stop just before it."""
    clock = ShiftedClock(tmp_path / "clock")
    for n in range(200):
        moment = datetime(2019, 4, 1, 7, 0, 0, 140 + n * 7, tzinfo=UTC)
        clock.set(moment)
        assert ShiftedClock(tmp_path / "clock")() >= moment
