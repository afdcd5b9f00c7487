"""The door: which addresses are ours, and what mail to each of them is for.

Judging a recipient reads no database: names were read when the door was made, tokens prove themselves (K4). Make a new
door when processes or digests may have been added.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from db import editions, process
from db.process import ProcessRow
from flows.engine import Engine
from mailer import home
from mailer.token import Keyring, Token
from mailer.trust import domain_of

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Box(StrEnum):
    """What an address is for. The order is that of importance where a mail has several recipients."""

    BOUNCE = "bounce"  # delivery reports of one delivery
    PRIVATE = "private"  # seen by a named circle alone
    LEAVE = "leave"  # unsubscribing, signed
    REPLY = "reply"  # answers to a delivery or an item
    RELAY = "relay"  # answers of a community
    DIGEST = "digest"  # the From address of a digest or process
    INPUT = "input"  # what one wants to say, out of the blue
    REQUEST = "request"  # commands
    UNSUBSCRIBE = "unsubscribe"  # unsubscribing, by whoever writes
    OWNER = "owner"  # the people behind a digest
    ABUSE = "abuse"  # RFC 2142
    POSTMASTER = "postmaster"  # RFC 5321 section 4.5.1


_PLAIN = {name: Box(name) for name in home.FIXED}
_DUTIES = {"abuse": Box.ABUSE, "postmaster": Box.POSTMASTER}  # whoever shares a domain (RFC 2142, RFC 5321)
_SUFFIXES = {"-owner": Box.OWNER, "-request": Box.REQUEST}
_ORDER = {box: place for place, box in enumerate(Box)}


class Verdict(NamedTuple):
    """What SMTP answers to a recipient: the text begins with an enhanced code (RFC 3463)."""

    ok: bool
    code: int
    text: str


OK = Verdict(True, 250, "2.1.5 ok")
UNKNOWN = Verdict(False, 550, "5.1.1 no such address here")
NO_RELAY = Verdict(False, 550, "5.7.1 we do not relay")


@dataclass(frozen=True, slots=True)
class House:
    """One process with its keys and the names its mail comes from."""

    process: ProcessRow
    ring: Keyring
    names: frozenset[str]

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """Addresses that our own mail is from, or that people write to without a token."""
        names = [f"{name}{suffix}" for name in sorted(self.names) for suffix in ("", *_SUFFIXES)]
        return tuple(self.process.home.at(name) for name in [*names, *_PLAIN])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail came in: the box, whose it is, and the token that its address holds."""

    box: Box
    house: House | None
    token: Token | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """All addresses of a deployment. Immutable: hand a new one to the listener to change it."""

    houses: tuple[House, ...]
    by_domain: Mapping[str, tuple[House, ...]]  # those with a prefix first, the oldest before the others

    def house(self, process_id: int) -> House | None:
        """The house of a process."""
        return next((one for one in self.houses if one.process.id == process_id), None)

    def accept(self, address: str) -> Verdict:
        """Whether mail for this address is taken. No database, no exception."""
        if self.place(address) is not None:
            return OK
        domain = address.rpartition("@")[2]
        return UNKNOWN if "@" not in address or domain_of(f"@{domain}") in self.by_domain else NO_RELAY

    def place(self, address: str) -> Place | None:
        """What mail to this address is for; None where nobody here has it."""
        local, at, domain = address.strip(" <>").rpartition("@")
        if not at:
            return Place(Box.POSTMASTER, None) if domain.lower() == "postmaster" else None
        houses = self.by_domain.get(domain_of(f"@{domain}"), ())
        quoted = _QUOTED.fullmatch(local)
        whole = (re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else local).lower()
        for house in houses:
            name = house.process.home.name(whole)
            if name is not None:
                return _signed(house, name) if "+" in name else _plain(house, name)
        return Place(_DUTIES[whole], houses[0]) if houses and whole in _DUTIES else None

    def places(self, recipients: tuple[str, ...]) -> tuple[Place, ...]:
        """Where a mail came in, the most telling place first."""
        found = [place for place in map(self.place, recipients) if place is not None]
        return tuple(sorted(found, key=lambda place: _ORDER[place.box]))


def _signed(house: House, name: str) -> Place | None:
    token = house.ring.read(name)
    return Place(Box(token.purpose), house, token) if token is not None else None


def _plain(house: House, name: str) -> Place | None:
    if name in _PLAIN:
        return Place(_PLAIN[name], house)
    if name in house.names:
        return Place(Box.DIGEST, house)
    for suffix, box in _SUFFIXES.items():
        if name.endswith(suffix) and name.removesuffix(suffix) in house.names:
            return Place(box, house)
    return None


def open_door(engine: Engine) -> Door:
    """The door as processes and digests are now."""
    with engine.db.read() as tx:
        owners = process.everyone(tx)
        slugs: dict[int, set[str]] = {owner.id: {owner.slug.lower()} for owner in owners}
        for digest in editions.digests(tx):
            slugs[digest.process_id].add(digest.slug.lower())
    houses = tuple(
        House(owner, engine.keys.ring(owner.slug, owner.address_base), frozenset(slugs[owner.id])) for owner in owners
    )
    by_domain: dict[str, tuple[House, ...]] = {}
    for house in sorted(houses, key=lambda one: (not one.process.home.prefix, one.process.id)):
        domain = house.process.home.domain
        by_domain[domain] = (*by_domain.get(domain, ()), house)
    return Door(houses, by_domain)
