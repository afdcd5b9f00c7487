"""Limits per address, on a clock of our own."""

import pytest

from mailer.wire.gate import Gate
from mailer.wire.ports import COUNTERS, ListenerSettings


def gate(**limits: object) -> Gate:
    return Gate(ListenerSettings(**limits))  # type: ignore[arg-type]


def test_places_per_address_and_in_total() -> None:
    door = gate(connections_per_address=2, connections_limit=3)
    assert [door.enter("192.0.2.1", False, 0) for _ in range(3)] == ["", "", "refused_connections_address"]
    assert door.enter("192.0.2.2", False, 0) == ""
    assert door.enter("192.0.2.3", False, 0) == "refused_connections_total"
    assert door.stressed
    door.leave("192.0.2.1", False)
    assert not door.stressed
    assert door.enter("192.0.2.1", False, 0) == ""


def test_every_refusal_is_a_counter() -> None:
    assert {"refused_connections_address", "refused_connections_total", "refused_connections_rate"} <= set(COUNTERS)


def test_an_ipv6_client_is_counted_with_its_network() -> None:
    door = gate(connections_per_address=1)
    assert door.enter("2001:db8::1", False, 0) == ""
    assert door.enter("2001:db8::2:3", False, 0) == "refused_connections_address"
    assert door.enter("2001:db8:0:1::1", False, 0) == ""
    assert door.enter("::ffff:192.0.2.1", False, 0) == ""
    assert door.enter("192.0.2.1", False, 0) == "refused_connections_address"
    assert door.enter("fe80::1%eth0", False, 0) == ""
    assert door.enter("local", False, 0) == ""


def test_rates_open_again_after_a_minute() -> None:
    door = gate(connections_per_minute=2, mails_per_minute=1)
    assert [door.enter("192.0.2.1", False, t) for t in (0, 1, 59, 60)] == ["", "", "refused_connections_rate", ""]
    assert [door.may_mail("192.0.2.1", t) for t in (0, 59.9, 60)] == [True, False, True]
    assert door.may_mail("192.0.2.2", 0)


def test_windows_that_are_over_are_forgotten() -> None:
    door = gate(mails_per_minute=1, connections_per_minute=1)
    for number in range(1000):
        door.may_mail(f"10.0.{number // 256}.{number % 256}", 0)
    door.sweep(59)
    assert len(door._mails) == 1000
    door.sweep(60)
    assert not door._mails


def test_trusted_networks() -> None:
    door = gate(trusted=("192.0.2.0/24", "2001:db8::/32"), connections_limit=1)
    assert door.trusted("192.0.2.7")
    assert door.trusted("2001:db8::7")
    assert not door.trusted("198.51.100.1")
    assert not door.trusted("local")
    assert [door.enter("192.0.2.7", True, 0) for _ in range(5)] == [""] * 5
    assert door.enter("198.51.100.1", False, 0) == ""
    with pytest.raises(ValueError, match="network"):
        gate(trusted=("nonsense",))
