"""Properties 1, 2, 5 and 7 of the model, over random histories (tests.unit.digests.mind)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digests.cadence import Cadence
from tests.unit.digests.mind import EDITS, FATES, OTHERS, history_of, replay

WHO = st.integers(0, 2)
NUMBER = st.integers(0, 500)
JOIN = st.tuples(
    st.just("join"), st.sampled_from(["*", "a", "ab", "bc"]), st.sampled_from(list(Cadence)), st.integers(0, 23)
)
EDIT = st.tuples(st.just("edit"), st.integers(1, 4), st.sampled_from(EDITS), NUMBER)
EDITION = st.tuples(
    st.just("edition"),
    st.booleans(),
    st.tuples(*[st.sampled_from(FATES)] * 3),
    st.sampled_from(["", "", "", "postpone", "silence"]),
    st.booleans(),
)
STEP: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    EDIT,
    EDIT,
    EDIT,
    EDITION,
    EDITION,
    EDITION,
    st.tuples(st.just("days"), st.integers(1, 12)),
    st.tuples(st.just("other"), st.sampled_from(OTHERS), st.integers(0, 3), NUMBER),
    st.tuples(st.just("interest"), WHO, st.sampled_from(["a", "b", "c", ""])),
    st.tuples(st.just("pause"), WHO),
    st.tuples(st.just("report"), WHO),
    st.tuples(st.just("late"), WHO),
    st.tuples(st.just("erratum"), WHO, st.booleans()),
    JOIN,
)
HISTORY = st.tuples(JOIN, st.lists(STEP, min_size=20, max_size=60)).map(lambda pair: [pair[0], *pair[1]])


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(HISTORY)
def test_no_gap_no_repeat_no_wrong_old_value(history: list[tuple[Any, ...]]) -> None:
    replay(history)


def test_nor_in_long_histories() -> None:
    worlds = [replay(history_of(seed, 100)) for seed in range(120)]
    assert sum(world.mails for world in worlds) > 1000
    assert sum(world.shortcuts for world in worlds) > 3000


@pytest.mark.parametrize("policy", ["interests keep the cursor", "a bad end keeps the cursor", "no turn"])
def test_the_judge_sees_a_broken_rule(policy: str) -> None:
    with pytest.raises(AssertionError, match=r"gap|told twice|wrong old value|period"):
        for seed in range(100):
            replay(history_of(seed, 80), policy)
