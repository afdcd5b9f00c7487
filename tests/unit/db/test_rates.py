"""The room that a limit on mails a minute leaves, from what its log tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rates import ALL, MINUTE, STRETCH, Rooms, room


@pytest.mark.parametrize(
    ("log", "limit", "left"),
    [
        ([], 600, 100),  # ten seconds' share
        ([], 7, 2),  # rounded up
        ([], 1, 1),
        ([(95.0, 40)], 600, 60),
        ([(95.0, 100)], 600, 0),
        ([(90.0, 100)], 600, 100),  # ten seconds ago is over
        ([(41.0, 500), (85.0, 70)], 600, 30),  # the minute is nearly full
        ([(40.0, 600)], 600, 100),  # a minute ago is over
        ([(99.0, 700)], 600, 0),  # the limit was higher then
    ],
)
def test_room(log: list[tuple[float, int]], limit: int, left: int) -> None:
    assert room(log, limit, 100.0) == left


@given(
    st.integers(1, 1000),
    st.lists(st.tuples(st.floats(0, 30, allow_nan=False), st.integers(1, 300)), min_size=1, max_size=40),
)
def test_no_minute_holds_more_than_its_limit(limit: int, claims: list[tuple[float, int]]) -> None:
    """Whenever workers come and however much they want."""
    log: list[tuple[float, int]] = []
    at = 0.0
    for pause, wanted in claims:
        at += pause
        taken = min(wanted, room(log, limit, at))
        log.append((at, taken))
        for length, most in ((MINUTE, limit), (STRETCH, -(-limit // 6))):
            assert sum(n for then, n in log if then > at - length) <= most


def test_mails_find_room_in_their_order() -> None:
    rooms = Rooms({"a.example": 2, "b.example": 0, ALL: 4}, {}, 0.0)
    mails = [(1, "a.example"), (2, "b.example"), (3, "c.example"), (4, "a.example"), (5, "a.example"), (6, "c.example")]
    assert rooms.within([*mails, (7, "c.example")]) == [1, 3, 4, 6]
    assert (rooms.none, rooms.full) == (True, ["a.example", "b.example"])


def test_without_a_limit_on_all_only_domains_count() -> None:
    rooms = Rooms({"a.example": 1}, {}, 0.0)
    assert rooms.within([(1, "a.example"), (2, "a.example"), (3, "c.example")]) == [1, 3]
    assert not rooms.none
