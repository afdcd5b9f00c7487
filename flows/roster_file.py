"""Reading groups.csv and liaisons.csv into values, with every fault by line. Pure: knows no database.

A liaison has one line for each mandate; the lines of one address agree in everything but the mandate.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from digests.cadence import Cadence
from flows import source
from flows.fields import Fields, regions
from flows.reports import unknown
from flows.source import Unreadable, read_csv
from mailer.address import Address, AddressError, display_name, parse

GROUP_COLUMNS = ("slug", "name", "short", "kind", "languages", "region")
GROUP_MORE = ("country", "city", "lat", "lon", "timezone", "coordinates", "evidence", "confidence")
LIAISON_COLUMNS = ("name", "address", "group", "languages", "timezone", "hour")
LIAISON_MORE = ("role_there", "rank", "agreed_on", "cadence", "size", "interests", "other_addresses", "ascii_address")

GROUP_KINDS = ("chapter", "thematic", "usergroup", "collaboration", "community")
BASES = ("office", "city", "nominal", "none")
RANKS = ("first", "deputy")
CADENCES = tuple(one.value for one in Cadence)
SIZES = ("S", "M", "L")
SHARED = "shared mailbox"
_PERSONAL = ("name", "kind", "languages", "zone", "hour", "cadence", "size", "interests", "others", "ascii_alt")


@dataclass(frozen=True, slots=True)
class GroupPart:
    """A group as the file has it; `values` are columns of its table."""

    line: int
    slug: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MandatePart:
    """A standing as the file has it."""

    line: int
    group: str
    rank: str
    role_there: str
    agreed_on: date | None


@dataclass(frozen=True, slots=True)
class LiaisonPart:
    """A liaison as the file has them, with all mandates. `interests` are slugs of tracks; none means all."""

    line: int
    address: Address
    name: str
    kind: str
    languages: tuple[str, ...]
    zone: str
    hour: int
    cadence: str
    size: str
    interests: tuple[str, ...]
    others: tuple[Address, ...]
    mandates: tuple[MandatePart, ...]
    ascii_alt: Address | None = None  # one of `others`


def read_groups(content: str, fields: Fields) -> list[GroupPart]:
    """The groups of a file; faults go to `fields`."""
    found: list[GroupPart] = []
    seen: dict[str, int] = {}
    for row in _rows(content, GROUP_COLUMNS, GROUP_MORE, fields):
        slug = fields.slug(row, "slug")
        if slug is None:
            continue
        if slug in seen:
            fields.reject(row.line, "slug", slug, f"stands in line {seen[slug]} already")
            continue
        seen[slug] = row.line
        found.append(GroupPart(row.line, slug, _group_values(row, fields)))
    return found


def _rows(content: str, required: tuple[str, ...], more: tuple[str, ...], fields: Fields) -> list[source.Mapping]:
    try:
        return read_csv(content, required, more)
    except Unreadable as error:
        fields.reject(error.line, "file", "", error.reason)
        return []


def _group_values(row: source.Mapping, fields: Fields) -> dict[str, Any]:
    lat, lon = fields.decimal(row, "lat", -90, 90), fields.decimal(row, "lon", -180, 180)
    if (row.get("lat") is None) != (row.get("lon") is None):
        fields.reject(row.line, "lat", "", "lat and lon stand together, or not at all")
    if lat == 0 and lon == 0:
        fields.reject(row.line, "lat", "0", "0, 0 lies in the sea: leave both empty for a group without a place")
    default = "none" if lat is None else "nominal"
    basis = fields.choice(row, "coordinates", BASES, "basis of coordinates", required=False) or default
    if (basis == "none") != (row.get("lat") is None):
        fields.reject(row.line, "coordinates", basis, "is `none` exactly where there are no coordinates")
    name = fields.text(row, "name", required=True, longest=200) or ""
    more = {key: fields.text(row, key) for key in ("evidence", "confidence")}
    return {
        "name": name,
        "short": fields.text(row, "short", longest=60) or name,
        "kind": fields.choice(row, "kind", GROUP_KINDS, "kind of group") or "",
        "languages": list(fields.tags(row, "languages", required=True)),
        "country": fields.choice(row, "country", regions(), "country", required=False) or "",
        "region": fields.text(row, "region", required=True, longest=100) or "",
        "city": fields.text(row, "city", longest=100) or "",
        "lat": lat,
        "lon": lon,
        "coord_basis": basis,
        "zone": fields.zone(row, "timezone", required=False),
        "facts": {key: value for key, value in more.items() if value},
    }


def read_liaisons(
    content: str, fields: Fields, *, groups: Collection[str], tracks: Collection[str]
) -> list[LiaisonPart]:
    """The liaisons of a file, who stand for known groups and follow known tracks; faults go to `fields`."""
    reader = _LiaisonReader(fields, groups, tracks)
    for row in _rows(content, LIAISON_COLUMNS, LIAISON_MORE, fields):
        reader.take(row)
    return reader.done()


def no_stand_in(address: Address, ascii_alt: Address) -> str:
    """Why one address cannot stand in for another where a server carries ASCII alone; '' when it can."""
    if not address.needs_smtputf8:
        return f"stands beside an address beyond ASCII, and {address.addr} is none"
    return "must be ASCII itself" if ascii_alt.needs_smtputf8 else ""


class _LiaisonReader:
    """Gathers the lines of each liaison, and checks what must be unique over the file."""

    def __init__(self, fields: Fields, groups: Collection[str], tracks: Collection[str]) -> None:
        self._fields = fields
        self._groups = groups
        self._tracks = tracks
        self._parts: dict[str, LiaisonPart] = {}
        self._mandates: dict[str, list[MandatePart]] = {}
        self._firsts: dict[str, int] = {}

    def take(self, row: source.Mapping) -> None:
        """One line."""
        address = self._address(row)
        mandate = self._mandate(row)
        if address is None or mandate is None:
            return
        part = self._part(row, address)
        before = self._parts.setdefault(address.key, part)
        differing = [name for name in _PERSONAL if getattr(before, name) != getattr(part, name)]
        if differing:
            reason = f"differs from line {before.line} in {', '.join(differing)}: lines of one liaison must agree"
            self._fields.reject(row.line, "address", address.addr, reason)
        given = self._mandates.setdefault(address.key, [])
        if any(one.group == mandate.group for one in given):
            self._fields.reject(row.line, "group", mandate.group, "this liaison stands for it already")
        given.append(mandate)

    def _address(self, row: source.Mapping) -> Address | None:
        text = self._fields.text(row, "address", required=True, longest=320)
        return None if text is None else self._parsed(text, row.line, "address")

    def _parsed(self, text: str, line: int, name: str) -> Address | None:
        try:
            return parse(text)
        except AddressError as error:
            self._fields.reject(line, name, text, str(error))
            return None

    def _mandate(self, row: source.Mapping) -> MandatePart | None:
        fields = self._fields
        group = fields.text(row, "group", required=True)
        if group is not None and group not in self._groups:
            fields.reject(row.line, "group", group, unknown("group", group, self._groups))
            group = None
        rank = fields.choice(row, "rank", RANKS, "rank", required=False) or "first"
        role = fields.text(row, "role_there", longest=100) or ""
        agreed_on = fields.day(row, "agreed_on")
        if group is None:
            return None
        if rank == "first" and group in self._firsts:
            fields.reject(row.line, "rank", rank, f"{group} has a first liaison already (line {self._firsts[group]})")
        elif rank == "first":
            self._firsts[group] = row.line
        return MandatePart(row.line, group, rank, role, agreed_on)

    def _part(self, row: source.Mapping, address: Address) -> LiaisonPart:
        fields = self._fields
        others = [self._parsed(text, line, "other_addresses") for text, line in fields.words(row, "other_addresses")]
        ascii_alt = self._ascii_alt(row, address)
        if ascii_alt is not None and all(one is None or one.key != ascii_alt.key for one in others):
            others.append(ascii_alt)
        role = row.get("role_there")
        shared = isinstance(role, source.Scalar) and role.text == SHARED
        hour = fields.number(row, "hour", 0, 23, required=True)
        return LiaisonPart(
            line=row.line,
            address=address,
            name=display_name(fields.text(row, "name", required=True, longest=200) or ""),
            kind="shared" if shared else "person",
            languages=fields.tags(row, "languages", required=True),
            zone=fields.zone(row, "timezone") or "",
            hour=hour if hour is not None else 9,
            cadence=fields.choice(row, "cadence", CADENCES, "cadence", required=False) or "every",
            size=fields.choice(row, "size", SIZES, "size", required=False) or "M",
            interests=tuple(sorted(fields.choices(row, "interests", self._tracks, "track"))),
            others=tuple(other for other in others if other is not None),
            mandates=(),
            ascii_alt=ascii_alt,
        )

    def _ascii_alt(self, row: source.Mapping, address: Address) -> Address | None:
        text = self._fields.text(row, "ascii_address", longest=320)
        found = None if text is None else self._parsed(text, row.line, "ascii_address")
        if found is not None and (reason := no_stand_in(address, found)):
            self._fields.reject(row.line, "ascii_address", found.addr, reason)
            return None
        return found

    def done(self) -> list[LiaisonPart]:
        """The liaisons, in the order of their first lines, each address with one of them."""
        owners: dict[str, str] = {key: key for key in self._parts}
        found = []
        for key, part in self._parts.items():
            for other in part.others:
                if owners.setdefault(other.key, key) != key or other.key == key:
                    self._fields.reject(
                        part.line, "other_addresses", other.addr, "belongs to a liaison of this file already"
                    )
            found.append(replace(part, mandates=tuple(self._mandates[key])))
        return found
