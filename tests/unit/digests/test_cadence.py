"""Rules, slots and periods; wall times over daylight saving in every zone of the sample groups, 2018 to 2030."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.cadence import DAYS, Cadence, WrongCadence, cadence, next_slot, parse, period, slot_of, slots
from digests.landing import AT_ONCE, Hours, landing
from digests.wall import UnknownZone, instant, instant_on, read_wall, wall_text, zone

BERLIN = zone("Europe/Berlin")
YEARS = st.datetimes(read_wall("2018-01-01T00:00"), read_wall("2030-01-01T00:00"))
ANCHOR = date(2019, 1, 1)  # a Tuesday
NEW_YEAR = datetime(2019, 1, 1, tzinfo=UTC)

SAMPLE_ZONES = [
    "Africa/Abidjan",
    "Africa/Accra",
    "Africa/Algiers",
    "Africa/Casablanca",
    "Africa/Dar_es_Salaam",
    "Africa/Douala",
    "Africa/Johannesburg",
    "Africa/Kampala",
    "Africa/Kinshasa",
    "Africa/Lagos",
    "Africa/Tunis",
    "America/Argentina/Buenos_Aires",
    "America/Caracas",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/Montevideo",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Toronto",
    "Asia/Amman",
    "Asia/Bangkok",
    "Asia/Dhaka",
    "Asia/Jakarta",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Taipei",
    "Asia/Tbilisi",
    "Asia/Tehran",
    "Asia/Yerevan",
    "Australia/Melbourne",
    "Europe/Amsterdam",
    "Europe/Belgrade",
    "Europe/Berlin",
    "Europe/Brussels",
    "Europe/Budapest",
    "Europe/Helsinki",
    "Europe/Kyiv",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Malta",
    "Europe/Moscow",
    "Europe/Oslo",
    "Europe/Paris",
    "Europe/Prague",
    "Europe/Rome",
    "Europe/Skopje",
    "Europe/Stockholm",
    "Europe/Tallinn",
    "Europe/Vienna",
    "Europe/Warsaw",
    "Europe/Zurich",
]


def walls(text: str, days: int = 100, where: str = "Europe/Berlin") -> list[str]:
    return [s.wall for s in slots(parse(text), zone(where), ANCHOR, NEW_YEAR, NEW_YEAR + timedelta(days=days))]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("weekly mon 09:00", ["2019-01-07T09:00", "2019-01-14T09:00"]),
        ("weekly thu,mon 9:00", ["2019-01-03T09:00", "2019-01-07T09:00"]),
        ("every monday 09:00", ["2019-01-07T09:00", "2019-01-14T09:00"]),
        ("fortnightly tue 09:00", ["2019-01-01T09:00", "2019-01-15T09:00"]),
        ("every second tuesday 09:00", ["2019-01-01T09:00", "2019-01-15T09:00"]),
        ("monthly 1 09:00", ["2019-01-01T09:00", "2019-02-01T09:00"]),
        ("monthly 31 09:00", ["2019-01-31T09:00", "2019-02-28T09:00"]),
        ("monthly last-day 09:00", ["2019-01-31T09:00", "2019-02-28T09:00"]),
        ("monthly last-working-day 09:00", ["2019-01-31T09:00", "2019-02-28T09:00", "2019-03-29T09:00"]),
        ("monthly first-working-day 09:00", ["2019-01-01T09:00", "2019-02-01T09:00", "2019-03-01T09:00"]),
        ("monthly last fri 09:00", ["2019-01-25T09:00", "2019-02-22T09:00"]),
        ("monthly second tue 09:00", ["2019-01-08T09:00", "2019-02-12T09:00"]),
        ("cron 0 9 * * 1", ["2019-01-07T09:00", "2019-01-14T09:00"]),
        ("cron 30 2 1 * *", ["2019-01-01T02:30", "2019-02-01T02:30"]),
    ],
)
def test_slots_of_a_rule(text: str, first: list[str]) -> None:
    assert walls(text)[: len(first)] == first
    assert parse(parse(text).text) == parse(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "missing"),
        ("wekly mon 09:00", "weekly"),
        ("weekly", "lacks a day or a time"),
        ("weekly mno 09:00", "did you mean mon"),
        ("weekly mon 25:00", "not a time of day"),
        ("weekly mon 9", "not a time of day"),
        ("fortnightly mon tue 09:00", "one day"),
        ("every second tuesady 09:00", "did you mean tuesday"),
        ("monthly 32 09:00", "1 to 31"),
        ("monthly 0 09:00", "1 to 31"),
        ("monthly lst-working-day 09:00", "did you mean last-working-day"),
        ("monthly fifth mon 09:00", "first mon to last sun"),
        ("cron 0 9 * *", "five fields"),
        ("cron * 9 * * 1", "at most once a day"),
        ("cron 0 9 * * 9", "Bad day-of-week"),
        ("cron 0 9 30 2 *", "Bad day-of-month"),
    ],
)
def test_a_wrong_rule_is_told_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(WrongCadence, match=says):
        parse(text)


def test_a_readers_cadence() -> None:
    assert cadence(" Monthly ") is Cadence.MONTHLY
    with pytest.raises(WrongCadence, match="did you mean fortnightly"):
        cadence("fortnihtly")
    with pytest.raises(WrongCadence, match="every, weekly, fortnightly, monthly"):
        cadence("0 9 * * 1")


def test_an_unknown_zone_names_the_nearest() -> None:
    with pytest.raises(UnknownZone, match="Europe/Berlin"):
        zone("Europe/Berln")
    with pytest.raises(UnknownZone, match="Europe/Berlin"):
        zone("../../etc/passwd")


def test_slots_are_after_and_until() -> None:
    rule = parse("weekly mon 09:00")
    at = instant(read_wall("2019-01-07T09:00"), BERLIN)
    assert [s.instant for s in slots(rule, BERLIN, ANCHOR, at, at + timedelta(days=7))] == [at + timedelta(days=7)]
    assert next_slot(rule, BERLIN, ANCHOR, at - timedelta(seconds=1)) == slot_of("2019-01-07T09:00", BERLIN)
    assert list(slots(rule, BERLIN, ANCHOR, at, at)) == []


def test_a_leap_day_comes_within_the_horizon() -> None:
    rule = parse("cron 0 9 29 2 *")
    found = next_slot(rule, BERLIN, ANCHOR, datetime(2096, 3, 1, tzinfo=UTC))
    assert found is not None
    assert found.wall == "2104-02-29T09:00"


@given(YEARS, st.sampled_from(DAYS), st.integers(1, 5))
def test_slots_do_not_depend_on_where_one_begins(start: datetime, day: str, weeks: int) -> None:
    rule, after = parse(f"fortnightly {day} 02:30"), start.replace(tzinfo=UTC)
    whole = list(slots(rule, BERLIN, ANCHOR, after, after + timedelta(weeks=10)))
    middle = after + timedelta(weeks=weeks)
    parts = [
        *slots(rule, BERLIN, ANCHOR, after, middle),
        *slots(rule, BERLIN, ANCHOR, middle, middle + timedelta(days=70)),
    ]
    assert parts[: len(whole)] == whole
    assert len(whole) in (4, 5, 6)  # a change of clocks can push one over either edge


def test_periods_by_the_wall_date() -> None:
    assert period(Cadence.WEEKLY, "2019-12-30T09:00", ANCHOR) == "2020-W01"
    assert period(Cadence.MONTHLY, "2019-03-31T23:59", ANCHOR) == "2019-03"
    assert period(Cadence.EVERY, "2019-03-31T23:59", ANCHOR) == "2019-03-31T23:59"
    same = {period(Cadence.FORTNIGHTLY, f"2019-01-{day:02}T09:00", ANCHOR) for day in range(1, 14)}
    assert len(same) == 1
    assert period(Cadence.FORTNIGHTLY, "2019-01-14T09:00", ANCHOR) not in same
    assert period(Cadence.FORTNIGHTLY, "2018-12-30T09:00", ANCHOR) not in same


def test_walls_read_and_written() -> None:
    assert wall_text(read_wall("2019-03-18T09:00")) == "2019-03-18T09:00"
    with pytest.raises(ValueError, match="not a wall time"):
        read_wall("2019-03-18 09h")


def test_gap_and_overlap() -> None:
    """A missing time is shifted on by the gap, a doubled one is its first occurrence (T2)."""
    assert instant(read_wall("2019-03-31T02:30"), BERLIN) == datetime(2019, 3, 31, 1, 30, tzinfo=UTC)
    assert instant(read_wall("2019-10-27T02:30"), BERLIN) == datetime(2019, 10, 27, 0, 30, tzinfo=UTC)


def changes_of_clocks(name: str) -> list[date]:
    """The days of 2018 to 2030 on which a zone changes its clock."""
    where, first = zone(name), date(2018, 1, 1).toordinal()
    days = [date.fromordinal(first + n) for n in range(366 * 13)]
    offsets = [datetime.combine(day, time(12), where).utcoffset() for day in days]
    return [day for day, one, other in zip(days[1:], offsets, offsets[1:], strict=False) if one != other]


@pytest.mark.parametrize("name", SAMPLE_ZONES)
def test_every_wall_time_happens_once_in_every_sample_zone(name: str) -> None:
    """Around each change of clocks, at each half hour: days in order, 23 to 25 hours apart (property 6)."""
    where = zone(name)
    assert where.utcoffset(read_wall("2018-06-01T00:00")) is not None
    for changed in changes_of_clocks(name):
        for half in range(48):
            clock = time(half // 2, half % 2 * 30)
            found = [instant_on(changed + timedelta(days=n), clock, where) for n in range(-2, 3)]
            steps = {later - one for one, later in pairwise(found)}
            assert all(timedelta(hours=23) <= step <= timedelta(hours=25) for step in steps)


@pytest.mark.parametrize("name", SAMPLE_ZONES)
def test_landing_around_every_change_of_clocks(name: str) -> None:
    """Never before the freeze, at most 22 h after it (23 h over a change), in the order of freezes (T3)."""
    for changed in changes_of_clocks(name):
        for hour in (0, 1, 2, 3, 9, 23):
            hours = Hours(zone(name), hour)
            start = datetime.combine(changed, time(0), UTC) - timedelta(days=1)
            freezes = [start + timedelta(minutes=95 * n) for n in range(40)]
            landed = [landing(freeze, hours) for freeze in freezes]
            assert landed == sorted(landed)
            for freeze, at in zip(freezes, landed, strict=True):
                assert timedelta(0) <= at - freeze <= timedelta(hours=22)
                local = at.astimezone(hours.zone)
                assert at == freeze or at == instant_on(local.date(), time(hour), hours.zone)
                if at == freeze:
                    begun = [instant_on(local.date() - timedelta(days=n), time(hour), hours.zone) for n in (0, 1)]
                    assert any(timedelta(0) <= freeze - one < AT_ONCE for one in begun)


@pytest.mark.parametrize("name", SAMPLE_ZONES)
@pytest.mark.parametrize(
    ("text", "many"),
    [("every second tue 02:30", 340), ("monthly last-working-day 00:15", 156), ("cron 30 2 * * 0", 678)],
)
def test_rules_fire_once_in_each_of_their_periods_in_every_sample_zone(name: str, text: str, many: int) -> None:
    """2018 to 2030, at hours that lie in gaps and overlaps: none is missed, none comes twice, walls keep their order."""
    where = zone(name)
    first, last = datetime(2018, 1, 1, tzinfo=where), datetime(2031, 1, 1, tzinfo=where)
    found = list(slots(parse(text), where, date(2018, 1, 2), first - timedelta(seconds=1), last))
    assert len(found) == many
    assert len({slot.wall for slot in found}) == many
    assert [slot.wall for slot in found] == sorted(slot.wall for slot in found)
    assert all(one.instant < later.instant for one, later in pairwise(found))
    clock = read_wall(found[0].wall).time()
    for slot in found:
        local = slot.instant.astimezone(where)
        late = datetime.combine(local.date(), local.time()) - read_wall(slot.wall)
        assert timedelta(0) <= late <= timedelta(hours=1)  # shifted on by the gap, and by no more
        assert read_wall(slot.wall).time() == clock


@pytest.mark.parametrize("name", SAMPLE_ZONES)
def test_quiet_hours_and_working_days_over_every_change_of_clocks(name: str) -> None:
    hours = Hours(zone(name), 3, quiet=(22, 7), days=frozenset(range(5)))
    for changed in changes_of_clocks(name):
        for n in range(-3, 4):
            freeze = datetime.combine(changed, time(1, 17), UTC) + timedelta(days=n)
            at = landing(freeze, hours)
            assert freeze <= at <= freeze + timedelta(days=4)
            local = at.astimezone(hours.zone)
            assert local.weekday() < 5
            assert 7 <= local.hour < 22


def test_the_sample_zones_do_change_their_clocks() -> None:
    assert sum(len(changes_of_clocks(name)) for name in SAMPLE_ZONES) > 600


@pytest.mark.parametrize("name", ["Australia/Lord_Howe", "Pacific/Apia", "Antarctica/Troll", "Asia/Pyongyang"])
def test_odd_zones_keep_the_order_of_days(name: str) -> None:
    where = zone(name)
    found = [instant_on(date(2018, 1, 1) + timedelta(days=n), time(2, 30), where) for n in range(2000)]
    steps = [later - one for one, later in pairwise(found)]
    assert min(steps) >= timedelta(hours=21)
    assert max(steps) <= timedelta(hours=27)
