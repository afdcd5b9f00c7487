"""Properties 1, 2, 4, 5 and 7 of the model, over random histories (tests.unit.digests.mind)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digests.cadence import Cadence
from digests.landing import Hours
from digests.news import Deliver, decide
from digests.subject import SubjectKind
from digests.wall import zone
from tests.unit.digests.mind import World, replay

WHO = st.integers(0, 2)
NUMBER = st.integers(0, 500)
EDITS = ("date", "date", "place", "track", "title", "part", "cancel")
OTHERS = (SubjectKind.ANNOUNCEMENT, SubjectKind.STATEMENT, SubjectKind.HEARD, SubjectKind.QUESTION)
FATES = ("read", "read", "read", "lost", "fail", "wait", "hold")

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
HISTORY = st.tuples(JOIN, st.lists(STEP, max_size=45)).map(lambda pair: [pair[0], *pair[1]])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORY)
def test_no_gap_no_repeat_no_wrong_old_value(history: list[tuple[Any, ...]]) -> None:
    replay(history)
