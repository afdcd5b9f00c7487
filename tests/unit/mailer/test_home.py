"""Homes: addresses behind a prefix, back and forth, and whose address it is where several processes share a domain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer import home
from mailer.home import Home
from mailer.token import Keyring, Purpose

SHARED = Home("lists.example.org", "strategy")
ALONE = Home("strategy.example.org")
NAMES = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True)


def test_a_prefix_stands_before_every_name_but_its_own() -> None:
    assert SHARED.at("core") == "strategy-core@lists.example.org"
    assert SHARED.at("private") == "strategy-private@lists.example.org"
    assert [SHARED.at(name) for name in ("strategy", "strategy-request")] == [
        "strategy@lists.example.org",
        "strategy-request@lists.example.org",
    ]
    assert ALONE.at("core") == "core@strategy.example.org"
    assert (SHARED.label, ALONE.label) == ("strategy.lists.example.org", "strategy.example.org")
    assert [home.read(one.base) for one in (SHARED, ALONE)] == [SHARED, ALONE]


@given(NAMES, st.sampled_from([SHARED, ALONE, Home("x.example", "core")]))
def test_a_local_part_leads_back_to_its_name(name: str, at: Home) -> None:
    if not home.misnamed(at, name):
        assert at.name(at.local(name)) == name
        assert at.holds(at.at(name).upper())


@pytest.mark.parametrize("local", ["core", "strategyx-core", "strategic", "strategy-", "reply+abc", "", "strategy+x"])
def test_other_addresses_of_a_shared_domain_are_not_ours(local: str) -> None:
    assert SHARED.name(local) is None
    assert not SHARED.holds(f"{local}@lists.example.org")
    assert not SHARED.holds("strategy-core@elsewhere.example")


def test_the_longest_address_fits() -> None:
    ring = Keyring({31: b"x" * 16}, "p", Home("lists.example.org", "a" * home.MAX_PREFIX).base)
    local = ring.bounce_address(1 << 39, 1 << 39).partition("@")[0]
    assert len(local) <= 64
    token = ring.read(ring.home.name(local) or "")
    assert token is not None
    assert token.purpose is Purpose.BOUNCE


@pytest.mark.parametrize(
    ("at", "says"),
    [
        (Home("no domain"), "not a domain name"),
        (Home(""), "not a domain name"),
        (Home("x.example", "a" * 21), "at most 20"),
        (Home("x.example", "a--b"), "at most 20"),
        (Home("x.example", "a+b"), "at most 20"),
        (Home("x.example", "-a"), "at most 20"),
        (Home("x.example", "reply"), "reply@ has a meaning of its own"),
        (Home("x.example", "postmaster"), "meaning of its own"),
    ],
)
def test_what_cannot_be_a_home(at: Home, says: str) -> None:
    assert says in home.fault(at)
    assert home.fault(SHARED) == home.fault(ALONE) == ""


@pytest.mark.parametrize("name", ["private", "reply", "owner", "request", "core-owner", "core-request", "x" * 60])
def test_names_that_would_be_two_things(name: str) -> None:
    assert home.misnamed(ALONE, name)
    assert home.misnamed(SHARED, name)


def test_two_processes_cannot_have_the_same_address() -> None:
    def clash(one: Home, names: set[str], other: Home, others: set[str]) -> str:
        found = home.clash(one, names, other, others)
        assert found == home.clash(other, others, one, names)
        return found

    names = {"core", "reform"}
    plain, garden = Home("x.example"), Home("x.example", "garden")
    assert clash(plain, names, Home("x.example"), {"a"}) == "every address at x.example"
    assert clash(garden, names, garden, names) == "garden@x.example"
    assert clash(garden, names, Home("x.example", "garden-two"), names) == "garden-two@x.example"
    assert clash(plain, {"garden-core"}, garden, names) == "garden-core@x.example"
    assert clash(plain, {"garden"}, garden, names) == "garden@x.example"
    assert clash(plain, names, Home("x.example", "core-owner"), names) == "core-owner@x.example"
    assert clash(plain, names, garden, names) == ""
    assert clash(garden, names, Home("x.example", "gardeners"), names) == ""
    assert clash(plain, names, Home("y.example"), names) == ""
