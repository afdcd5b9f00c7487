"""Files from outside: text that knows its lines, and what is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.source import DEEPEST, Mapping, Scalar, Sequence, Unreadable, read_csv, read_yaml


def test_scalars_stay_text_and_know_their_lines() -> None:
    root = read_yaml("a: 007\non: no\n\nlist:\n  - 2019-03-18\n  - 'x'\n")
    assert root.items["a"] == Scalar("007", 1)
    assert root.items["on"] == Scalar("no", 2)
    assert root.items["list"] == Sequence((Scalar("2019-03-18", 5), Scalar("x", 6)), 5)
    assert root.line_of("list") == 4
    assert root.line_of("missing") == 1


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: &x 1\n", 1, "anchors"),
        ("a: 1\nb: *x\n", 2, "anchors"),
        ("a: 1\nb: 2\na: 3\n", 3, "given twice (before in line 1)"),
        ("- a\n", 1, "not a mapping"),
        ("", 1, "not a mapping"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: [1, 2\n", 2, "not YAML"),
        ("a: 'b\n", 2, "not YAML"),
        ("a:\n\t- b\n", 2, "not YAML"),
        ("a: 1\nb: \x00\n", 2, "not YAML"),
        ("a: 1\nb: \ud800\n", 2, "half a character"),
        ("? [a]\n: b\n", 1, "a name must be text"),
        ("a: " + "[" * (DEEPEST + 1), 1, "nested deeper"),
        ("a: " + "[" * 100_000, 1, "nested deeper"),
        ("#" + "x" * (8 * 1024 * 1024), 1, "larger than"),
    ],
)
def test_what_is_no_such_file(text: str, line: int, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_yaml(text)
    assert (caught.value.line, reason in caught.value.reason) == (line, True), caught.value


def test_csv_lines_are_counted_over_line_ends_in_cells() -> None:
    rows = read_csv('\ufeffa,b\r\n1,"2\r\n3"\r\n\r\n4,\r\n', ("a",), ("b",))
    assert [(row.line, row.get("b")) for row in rows] == [(2, Scalar("2\r\n3", 2)), (5, None)]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "lacks a"),
        ("a,c\n", 1, "has c, which nothing reads"),
        ("a,a\n", 1, "twice"),
        ("a,b\n1\n", 2, "1 cells where the header has 2"),
        ('a,b\n1,"2\n', 2, "not CSV"),
        ("a,b\n1," + "x" * 200_000, 2, "not CSV"),
    ],
)
def test_what_is_no_such_table(text: str, line: int, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_csv(text, ("a",), ("b",))
    assert (caught.value.line, reason in caught.value.reason) == (line, True), caught.value


@given(st.text(alphabet=st.sampled_from("ab:-[]{}'\"&*#|>?!%@` \n\t,0\\\x00\x85é\ud800"), max_size=60))
def test_nothing_but_unreadable_comes_out(text: str) -> None:
    for read in (read_yaml, lambda given: read_csv(given, ("a",))):
        with suppress(Unreadable):
            assert isinstance(read(text), Mapping | list)
