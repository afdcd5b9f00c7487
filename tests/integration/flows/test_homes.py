"""Processes that share a domain: what is refused when one is made, and which of them a mail is for."""

import itertools

import pytest

from flows import process as processes
from flows import schedule
from flows.door import OK, UNKNOWN, Box, Place, open_door
from flows.engine import Refused
from flows.reports import NotImported
from tests.world import PROCESS, World


def make(world: World, slug: str, base: str) -> int:
    row, _ = processes.import_process(
        world.engine.db, PROCESS.replace("slug: reform", f"slug: {slug}"), address_base=base, act=world.act()
    )
    return row.id


def digest(world: World, process_id: int, slug: str) -> None:
    schedule.add_digest(
        world.engine, process_id, slug, "T", "weekly mon 09:00", anchor_on=world.now.date(), act=world.act()
    )


@pytest.fixture
def shared(world: World) -> dict[str, int]:
    found = {slug: make(world, slug, f"{slug}@lists.example") for slug in ("alpha", "beta")}
    for one in found.values():
        digest(world, one, "core")
    return found


def test_each_address_is_of_one_process(world: World, shared: dict[str, int]) -> None:
    door = open_door(world.engine)
    for slug, process_id in shared.items():
        house = door.house(process_id)
        assert house is not None
        for local, box in (
            (f"{slug}-core", Box.DIGEST),
            (f"{slug.upper()}-Core", Box.DIGEST),
            (slug, Box.DIGEST),
            (f"{slug}-core-request", Box.REQUEST),
            (f"{slug}-request", Box.REQUEST),
            (f"{slug}-core-owner", Box.OWNER),
            (f"{slug}-private", Box.PRIVATE),
            (f"{slug}-unsubscribe", Box.UNSUBSCRIBE),
            (f"{slug}-postmaster", Box.POSTMASTER),
        ):
            assert door.place(f"{local}@lists.example") == Place(box, house), local
        for address in (
            house.ring.reply_address(5, 6, 7),
            house.ring.bounce_address(5, 6),
            house.ring.leave_address(5, 6),
        ):
            place = door.place(address)
            assert place is not None
            assert (place.house, place.token and place.token.mailing) == (house, 5)
            other = "beta" if slug == "alpha" else "alpha"
            assert door.accept(address.replace(f"{slug}-", f"{other}-")) == UNKNOWN
            assert door.accept(address.replace(f"{slug}-", "")) == UNKNOWN
    for nobody in ("core", "private", "gamma-core", "alpha-", "alphacore", "alpha-nothing", "alpha-owner-request"):
        assert door.accept(f"{nobody}@lists.example") == UNKNOWN, nobody
    assert door.accept("postmaster@lists.example") == OK
    assert door.place("abuse@lists.example") == Place(Box.ABUSE, door.house(shared["alpha"]))


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("alpha@lists.example", "alpha@lists.example belongs to the process alpha"),
        ("ALPHA@Lists.example", "belongs to the process alpha"),
        ("alpha-two@lists.example", "alpha-two@lists.example belongs to the process alpha"),
        ("al+pha@lists.example", "a prefix has at most 20"),
        ("reply@lists.example", "reply@ has a meaning of its own"),
    ],
)
def test_taken_addresses_are_refused_when_a_process_is_made(
    world: World, shared: dict[str, int], base: str, says: str
) -> None:
    del shared
    with pytest.raises(NotImported) as caught:
        make(world, "gamma", base)
    assert says in str(caught.value)


def test_a_whole_domain_and_a_prefix_at_it(world: World, shared: dict[str, int]) -> None:
    whole = make(world, "gamma", "lists.example")
    digest(world, whole, "core")
    door = open_door(world.engine)
    for (one, box), slug in itertools.product((("core", Box.DIGEST), ("private", Box.PRIVATE)), ("gamma", "alpha")):
        house = door.house(whole if slug == "gamma" else shared["alpha"])
        assert door.place(f"{'' if slug == 'gamma' else 'alpha-'}{one}@lists.example") == Place(box, house)
    for name in ("alpha", "alpha-core", "beta-x"):
        with pytest.raises(Refused, match=r"belongs to the process (alpha|beta)"):
            digest(world, whole, name)
    with pytest.raises(NotImported, match=r"core@lists\.example belongs to the process gamma"):
        make(world, "delta", "core@lists.example")


@pytest.mark.parametrize("name", ["request", "core-owner", "private", "Core", "a b", "x" * 70, "bounce"])
def test_names_of_digests_that_would_be_two_things(world: World, shared: dict[str, int], name: str) -> None:
    with pytest.raises(Refused, match="cannot be the name of a digest"):
        digest(world, shared["alpha"], name)
