"""Where the mail of one process lives: a domain of its own, or the addresses of a domain that begin with its prefix.

Written as `strategy.example.org`, or as `strategy@lists.example.org` for the prefix `strategy`. With a prefix the
process answers at `strategy-reply+TOKEN@`, `strategy-core@`, `strategy-private@` and so on, and every other address of
the domain is somebody else's. A name that is the prefix itself is not said twice: `strategy@`, `strategy-request@`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from mailer.trust import domain_of

MAX_PREFIX = 20  # octets: the longest local part, prefix and "-bounce+" and a token, must stay within 64
FIXED = ("private", "input", "unsubscribe", "abuse", "postmaster")  # addresses that every process has
SIGNED = ("reply", "bounce", "leave", "relay")  # before a plus and a token
SUFFIXES = ("-owner", "-request")  # behind the name of a digest or a process
_PREFIX = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True, slots=True)
class Home:
    """A domain in lower case, and the prefix of the addresses there that are meant; '' for all of them."""

    domain: str
    prefix: str = ""

    @property
    def base(self) -> str:
        """The home as text; `read` reads it back."""
        return f"{self.prefix}@{self.domain}" if self.prefix else self.domain

    @property
    def label(self) -> str:
        """A name under the domain that no other home has: for List-Ids (RFC 2919) and the ids of calendars."""
        return f"{self.prefix}.{self.domain}" if self.prefix else self.domain

    def local(self, name: str) -> str:
        """The local part of one of our addresses, such as that of `core-owner`."""
        if not self.prefix or name == self.prefix or name in (self.prefix + suffix for suffix in SUFFIXES):
            return name
        return f"{self.prefix}-{name}"

    def at(self, name: str) -> str:
        """One of our addresses, such as that of `core-owner`."""
        return f"{self.local(name)}@{self.domain}"

    def name(self, local: str) -> str | None:
        """What `local` made the local part of (in lower case); None where it is not an address of this home."""
        if not self.prefix or local == self.prefix or local in (self.prefix + suffix for suffix in SUFFIXES):
            return local
        ours = local.startswith(f"{self.prefix}-") and len(local) > len(self.prefix) + 1
        return local[len(self.prefix) + 1 :] if ours else None

    def holds(self, address: str) -> bool:
        """Whether an address is one that could be ours."""
        local = address.lower().rpartition("@")[0]
        return domain_of(address) == self.domain and self.name(local) is not None


@lru_cache(maxsize=1_000)
def read(base: str) -> Home:
    """A home from its text; whoever takes it from a person asks `fault` first."""
    prefix, _, domain = base.rpartition("@")
    return Home(domain, prefix)


def fault(home: Home) -> str:
    """What is wrong with a home as such, in words for a person; '' for nothing."""
    if not _DOMAIN.fullmatch(home.domain):
        return "is not a domain name such as lists.example.org"
    if not home.prefix:
        return ""
    if not _PREFIX.fullmatch(home.prefix) or len(home.prefix) > MAX_PREFIX:
        return f"a prefix has at most {MAX_PREFIX} lower-case letters, digits and single hyphens, such as strategy"
    if home.prefix in (*FIXED, *SIGNED):
        return f"{home.prefix} cannot be a prefix: {home.prefix}@ has a meaning of its own"
    return ""


def misnamed(home: Home, name: str) -> str:
    """Why a process or digest at this home cannot have a name (a slug), in words for a person; '' if it can."""
    if name in (*FIXED, *SIGNED, *(suffix[1:] for suffix in SUFFIXES)) or name.endswith(SUFFIXES):
        return f"{home.local(name)}@ has a meaning of its own"
    if len(home.local(f"{name}-request")) > 64:
        return f"{home.local(name)}-request@ would be longer than an address may be (64 characters before the @)"
    return ""


def clash(one: Home, names: Collection[str], other: Home, others: Collection[str]) -> str:
    """An address that two processes would both have, by the names of their digests and their own; '' for none."""
    if one.domain != other.domain:
        return ""
    if bool(one.prefix) != bool(other.prefix):
        with_prefix, plain = (one, others) if one.prefix else (other, names)
        held = sorted(f"{name}{suffix}" for name in plain for suffix in ("", *SUFFIXES))
        return next((f"{local}@{one.domain}" for local in held if with_prefix.name(local) is not None), "")
    if one.prefix == other.prefix:
        return one.base if one.prefix else f"every address at {one.domain}"
    short, long = sorted((one.prefix, other.prefix), key=len)
    return f"{long}@{one.domain}" if long.startswith(f"{short}-") else ""
