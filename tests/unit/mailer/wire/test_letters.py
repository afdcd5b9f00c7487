"""From a letter to wire bytes, and back as a server reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.letter import Letter
from mailer.wire.content import longer_than, loops
from mailer.wire.letters import LINE_LIMIT, CourierSettings, pack, stuff

LINES = st.lists(st.sampled_from([b"", b".", b"..", b".x", b"x", b"x" * 998, b"\xc3\xa9"]), max_size=12)


@given(LINES)
def test_stuffing_is_undone_by_a_reader_and_holds_no_final_dot(lines: list[bytes]) -> None:
    data = b"".join(line + b"\r\n" for line in lines)
    wire = b"\r\n" + stuff(data)
    assert b"\r\n.\r\n" not in wire
    assert wire.replace(b"\r\n.", b"\r\n")[2:] == (data or b"\r\n")


@pytest.mark.parametrize(
    "bad", [b"a\nb", b"a\rb", b"\n.\r\n", b"a\r\r\n", b"x" * 999, b"ok\r\n" + b"x" * 999 + b"\r\n"]
)
def test_what_must_not_reach_a_socket(bad: bytes) -> None:
    with pytest.raises(ValueError, match="mail has"):
        stuff(bad)


@pytest.mark.parametrize("address", ["a b@c", "a@c>\r\nX", "a\n", "<a@b>", "a\x00@b", "a\u2028@b", "a" * 255, "a@b\n"])
def test_addresses_that_could_end_a_command(address: str) -> None:
    for letter in (Letter(1, address, "b@c", b"x\r\n"), Letter(1, "b@c", address, b"x\r\n")):
        with pytest.raises(ValueError, match="address"):
            pack(letter)


def test_what_a_parcel_knows() -> None:
    parcel = pack(Letter(1, "", "b@c.example", b".\r\nx"))
    assert (parcel.body, parcel.utf8, parcel.eight_bit) == (b"..\r\nx\r\n", False, False)
    assert pack(Letter(1, "", "\u00fc@c.example", b"x\r\n")).utf8
    assert pack(Letter(1, "", "b@c.example", b"x\r\n", needs_utf8=True)).utf8
    assert pack(Letter(1, "", "b@c.example", b"\xff\r\n")).eight_bit


@given(st.lists(st.integers(min_value=0, max_value=40), max_size=20), st.integers(min_value=5, max_value=30))
def test_the_hop_over_lines_finds_every_long_one(lengths: list[int], limit: int) -> None:
    data = b"".join(b"x" * length + b"\r\n" for length in lengths)
    assert longer_than(data, limit) == any(length > limit for length in lengths)


def test_the_limit_is_that_of_rfc_5322() -> None:
    assert LINE_LIMIT == 998
    assert not longer_than(b"x" * 998 + b"\r\n", LINE_LIMIT)
    assert longer_than(b"x" * 999 + b"\r\n", LINE_LIMIT)
    assert longer_than(b"x" * 5000, LINE_LIMIT)


def test_time_limits_are_at_least_those_of_rfc_5321() -> None:
    """Section 4.5.3.2: greeting, MAIL and RCPT five minutes, DATA two, a block of data three, the final dot ten."""
    ours = CourierSettings()
    assert ours.greeting_timeout >= 300
    assert ours.command_timeout >= 300  # also for the 354, which may take two
    assert ours.data_timeout >= 120
    assert ours.block_timeout >= 180
    assert ours.dot_timeout >= 600


def test_loops_are_counted_in_the_header_only() -> None:
    hop = b"RECEIVED: by x\r\n"
    assert not loops(hop * 100 + b"\r\n" + hop, 100, ())
    assert loops(hop * 101, 100, ())
    assert loops(b"A: b\r\nX-Loop: Here\r\n\r\n", 100, ("X-Loop: here",))
    assert not loops(b"A: b\r\nX-Loop: here too\r\n\r\nX-Loop: here\r\n", 100, ("X-Loop: here",))
