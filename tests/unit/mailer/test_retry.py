"""mailer.retry: the next try is a function of the age alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.retry import FIRST, LONGEST, is_permanent, next_try, of_relay

START = datetime(2020, 1, 1, tzinfo=UTC)
GIVE_UP = timedelta(days=5)


def tries() -> list[timedelta]:
    at, ages = START, []
    while (then := next_try(START, at, GIVE_UP)) is not None:
        at = then
        ages.append(at - START)
    return ages


def test_a_letter_is_tried_often_at_first_and_seldom_later():
    ages = tries()
    gaps = [b - a for a, b in zip([timedelta(0), *ages], ages, strict=False)]
    assert gaps[0] == FIRST
    assert max(gaps) <= LONGEST
    assert gaps[:-1] == sorted(gaps[:-1])
    assert ages[-1] == GIVE_UP
    assert 40 < len(ages) < 80


@given(st.timedeltas(timedelta(0), timedelta(days=9)))
def test_never_before_now_and_never_after_the_end(age):
    then = next_try(START, START + age, GIVE_UP)
    if age >= GIVE_UP:
        assert then is None
    else:
        assert then is not None
        assert START + age < then <= START + GIVE_UP


def test_a_clock_that_went_back_does_no_harm():
    assert next_try(START, START - timedelta(hours=1), GIVE_UP) == START - timedelta(hours=1) + FIRST


@pytest.mark.parametrize(
    ("code", "permanent"), [(550, True), (599, True), (451, False), (0, False), (250, False), (600, False)]
)
def test_permanent(code, permanent):
    assert is_permanent(code) is permanent


@pytest.mark.parametrize(
    ("reason", "relays"),
    [
        ("0 4.4.1", True),
        ("0 4.7.5", True),
        ("535 5.7.8", True),
        ("554 5.7.1", True),
        ("550 5.6.7", False),
        ("452 4.2.2", False),
        ("0", False),
        ("no answer", False),
    ],
)
def test_whose_fault_it_is(reason, relays):
    assert of_relay(reason) is relays
