"""Audiences: rules that pick liaisons, resolved to people at the last moment, with the reason for each one left out.

A rule is a mapping of lists joined by "or": a liaison who fits any value of any list is in. `all: true` picks everyone.
Raises `WrongAudience`, naming the key or value and what would be right.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from digests.language import parents

KEYS = ("tracks", "groups", "regions", "languages", "cadences", "names")


class WrongAudience(ValueError):
    """A rule that cannot be read."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What an audience may ask of a liaison. `tracks` is None for somebody who follows all of them."""

    tracks: frozenset[str] | None = None
    groups: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    cadences: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()  # keys of addresses


@dataclass(frozen=True, slots=True)
class Audience:
    """A parsed rule."""

    everyone: bool = True
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def admits(self, profile: Profile) -> bool:
        """Whether this liaison is in."""
        return self.everyone or any(_fits(name, wanted, profile) for name, wanted in self.values)

    def as_document(self) -> dict[str, Any]:
        """Plain values for storage."""
        return {"all": True} if self.everyone else {name: list(wanted) for name, wanted in self.values}

    def __str__(self) -> str:
        if self.everyone:
            return "everyone"
        return " or ".join(f"{name} {', '.join(wanted)}" for name, wanted in self.values)


def parse(rule: Mapping[str, Any], known: Mapping[str, Sequence[str]] | None = None) -> Audience:
    """The audience that a rule means; values are checked against `known` (key -> valid values) where given."""
    unknown = sorted(set(rule) - {"all", *KEYS})
    if unknown:
        near = difflib.get_close_matches(unknown[0], KEYS, n=1)
        raise WrongAudience(f"unknown audience {unknown[0]!r}" + (f"; did you mean {near[0]}?" if near else ""))
    picked = tuple((name, tuple(str(value) for value in rule[name])) for name in KEYS if rule.get(name))
    if rule.get("all") and picked:
        raise WrongAudience(f"an audience is everyone or picked by {picked[0][0]}, not both")
    for name, wanted in picked:
        for value in wanted:
            _check(name, value, (known or {}).get(name))
    return Audience(everyone=not picked, values=picked)


def _check(name: str, value: str, valid: Sequence[str] | None) -> None:
    if valid is None or value in valid:
        return
    near = difflib.get_close_matches(value, valid, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"valid: {', '.join(sorted(valid)[:12])}"
    raise WrongAudience(f"unknown {name[:-1]} {value!r}; {hint}")


def _fits(name: str, wanted: Sequence[str], profile: Profile) -> bool:
    if name == "tracks":
        return profile.tracks is None or not profile.tracks.isdisjoint(wanted)
    has: frozenset[str] = getattr(profile, name)
    if name == "languages":
        # Somebody who reads pt-BR reads what is for readers of pt.
        has = has | {tag.split("-")[0] for tag in has} | {up for tag in has for up in parents(tag)}
    return not has.isdisjoint(wanted)
