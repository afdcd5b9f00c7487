"""When a mail leaves, until when it may, and what it may show as open (T3 to T7)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.landing import (
    Hours,
    Landing,
    announced,
    freeze_by,
    landing,
    not_after,
    overdue,
    reading_day,
    still_open,
)
from digests.wall import read_wall, zone

BERLIN, AUCKLAND, HONOLULU = zone("Europe/Berlin"), zone("Pacific/Auckland"), zone("Pacific/Honolulu")
YEARS = st.datetimes(read_wall("2018-01-01T00:00"), read_wall("2030-01-01T00:00"))
MONDAY = datetime(2019, 3, 18, 8, 0, tzinfo=UTC)  # 09:00 in Berlin


def test_at_the_readers_hour_or_at_once_if_it_has_just_begun() -> None:
    assert landing(MONDAY, Hours(BERLIN, 9)) == MONDAY
    assert landing(MONDAY + timedelta(minutes=10), Hours(BERLIN, 9)) == MONDAY + timedelta(minutes=10)
    assert landing(MONDAY + timedelta(hours=3), Hours(BERLIN, 9)) == MONDAY + timedelta(days=1)
    assert landing(MONDAY, Hours(BERLIN, 17)) == MONDAY + timedelta(hours=8)
    assert landing(MONDAY, Hours(AUCKLAND, 9)) == datetime(2019, 3, 18, 20, 0, tzinfo=UTC)
    late = datetime(2019, 3, 18, 23, 30, tzinfo=UTC)  # 00:30 in Berlin: 23 h began 90 minutes ago
    assert landing(late, Hours(BERLIN, 23)) == late


@pytest.mark.parametrize("hour", range(24))
def test_quiet_hours_and_working_days(hour: int) -> None:
    hours = Hours(BERLIN, hour, quiet=(20, 8), days=frozenset({0, 1, 2, 3, 4}))
    for n in range(0, 24 * 7, 2):
        freeze = MONDAY + timedelta(hours=n)
        at = landing(freeze, hours)
        local = at.astimezone(BERLIN)
        assert at >= freeze
        assert local.weekday() < 5
        assert 8 <= local.hour < 20


def test_wrong_hours_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 23"):
        Hours(BERLIN, 24)
    with pytest.raises(ValueError, match="at least one"):
        Hours(BERLIN, 9, days=frozenset())
    with pytest.raises(ValueError, match="quiet hours"):
        Hours(BERLIN, 9, quiet=(22, 24))


@given(YEARS, st.integers(0, 23), st.integers(0, 600))
def test_landing_keeps_the_order_of_freezes(freeze: datetime, hour: int, minutes: int) -> None:
    at, hours = freeze.replace(tzinfo=UTC), Hours(zone("America/Santiago"), hour)
    assert at <= landing(at, hours) <= landing(at + timedelta(minutes=minutes), hours)
    assert landing(landing(at, hours), hours) == landing(at, hours)


def test_announcements_land_as_they_say() -> None:
    wall, reader = read_wall("2019-03-18T09:00"), Hours(AUCKLAND, 7)
    assert announced(Landing.INSTANT, wall, BERLIN, reader) == MONDAY
    assert announced(Landing.LOCAL, wall, BERLIN, reader) == datetime(2019, 3, 17, 20, 0, tzinfo=UTC)
    assert announced(Landing.HOURS, wall, BERLIN, reader) == datetime(2019, 3, 17, 18, 0, tzinfo=UTC)
    assert announced(Landing.NEXT, wall, BERLIN, reader) == datetime(2019, 3, 18, 18, 0, tzinfo=UTC)
    readers = [reader, Hours(HONOLULU, 7)]
    assert freeze_by(Landing.HOURS, wall, BERLIN, readers) == datetime(2019, 3, 17, 18, 0, tzinfo=UTC)
    assert freeze_by(Landing.HOURS, wall, BERLIN, []) == MONDAY


def test_until_when_a_delivery_may_leave() -> None:
    assert not_after(MONDAY, None) == MONDAY + timedelta(hours=36)
    assert not_after(MONDAY, MONDAY + timedelta(hours=30)) == MONDAY + timedelta(hours=30)
    assert not_after(MONDAY, None, [MONDAY + timedelta(hours=5)]) == MONDAY + timedelta(hours=5)


def test_what_may_be_shown_as_open() -> None:
    assert still_open(None, MONDAY)
    assert still_open(MONDAY + timedelta(hours=2), MONDAY)
    assert not still_open(MONDAY + timedelta(minutes=119), MONDAY)


def test_a_late_mailing_waits_for_a_person() -> None:
    assert overdue(MONDAY, MONDAY + timedelta(hours=7), timedelta(hours=6))
    assert not overdue(MONDAY, MONDAY + timedelta(hours=6), timedelta(hours=6))


def test_sunday_evening_in_berlin_reaches_everybody_on_monday() -> None:
    freeze = datetime(2019, 3, 17, 20, 0, tzinfo=UTC)
    for name in ("Pacific/Auckland", "America/Los_Angeles", "Asia/Tokyo", "Europe/Berlin"):
        assert reading_day(freeze, Hours(zone(name), 9)) == date(2019, 3, 18)
