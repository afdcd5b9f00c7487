"""What there is to see of a roster: one row a liaison, filtered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from db import addresses, editions, roster, subscriptions
from db import process as processes
from db.addresses import AddressRow
from db.engine import Database, Tx
from db.roster import GroupRow, LiaisonRow, MandateRow
from db.states import LiaisonState
from db.subscriptions import SubscriptionRow
from digests.language import wanted
from flows import fields
from flows.engine import Refused
from flows.process import need_process
from flows.reports import UnknownName

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A liaison as shown. `groups`: slug and rank of each mandate; `suppressed`: why nothing can be mailed, or ''.

    `spared`: quiet hours, and the days with mail where they are not all.
    """

    id: int
    name: str
    kind: str
    state: str
    address: str
    other_addresses: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]
    regions: tuple[str, ...]
    languages: tuple[str, ...]
    zone: str
    hour: int
    cadence: str
    size: str
    interests: tuple[str, ...]
    paused_until: date | None
    suppressed: str
    spared: str = ""


def show_roster(
    db: Database,
    process_slug: str,
    *,
    digest_slug: str | None = None,
    group: str | None = None,
    language: str | None = None,
    region: str | None = None,
    state: str | None = None,
    address_hash: Callable[[str], str] | None = None,
) -> list[RosterRow]:
    """The liaisons by name; cadence, size and interests in `digest_slug`, or in the first digest there is.

    `language`: who reads it, anywhere in their order. `address_hash` (of an address key) finds suppressed addresses.
    Raises `UnknownName` for a filter that names nothing.
    """
    with db.read() as tx:
        process = need_process(tx, process_slug)
        stock = _Stock(
            groups={one.id: one for one in roster.groups(tx, process.id)},
            tracks={one.id: one.slug for one in processes.tracks(tx, process.id)},
            boxes=addresses.addresses(tx, process.id),
            mandates=_by_liaison(roster.mandates(tx, process.id)),
            places=_places(tx, process.id, digest_slug),
            orders=addresses.standing_orders(tx, process.id),
        )
        people = roster.liaisons(tx, process.id)
    tag = _check_filters(list(stock.groups.values()), group, region, state, language)
    rows = [_row(one, stock, address_hash) for one in people]
    shown = [row for row in rows if _fits(row, group, region, state, tag)]
    return sorted(shown, key=lambda row: (row.name.casefold(), row.address))


@dataclass(frozen=True, slots=True)
class _Stock:
    """What rows are made of."""

    groups: Mapping[int, GroupRow]
    tracks: Mapping[int, str]
    boxes: Mapping[int, list[AddressRow]]
    mandates: Mapping[int, list[MandateRow]]
    places: Mapping[int, SubscriptionRow]
    orders: Mapping[str, str]


def _row(one: LiaisonRow, stock: _Stock, address_hash: Callable[[str], str] | None) -> RosterRow:
    mine = stock.mandates.get(one.id, [])
    place = stock.places.get(one.id)
    boxes = stock.boxes.get(one.id, [])
    order = stock.orders.get(address_hash(boxes[0].key), "") if boxes and address_hash else ""
    return RosterRow(
        id=one.id,
        name=one.name,
        kind=one.kind,
        state=one.state,
        address=boxes[0].addr if boxes else "",
        other_addresses=tuple(other.addr for other in boxes[1:]),
        groups=tuple((stock.groups[mandate.group_id].slug, mandate.rank) for mandate in mine),
        regions=tuple(dict.fromkeys(stock.groups[mandate.group_id].region for mandate in mine)),
        languages=one.languages,
        zone=one.zone,
        hour=one.hour,
        cadence=place.cadence if place else "",
        size=place.size if place else "",
        interests=tuple(sorted(stock.tracks[track] for track in place.interests)) if place else (),
        paused_until=one.paused_until,
        suppressed=order,
        spared=_spared(one.quiet or {}),
    )


def _spared(quiet: Mapping[str, Any]) -> str:
    hours, days = quiet.get("hours"), quiet.get("days")
    found = [f"not {hours[0]}-{hours[1]}"] if hours else []
    return ", ".join([*found, *([",".join(_DAYS[day] for day in sorted(days))] if days else [])])


def _by_liaison(mandates: Sequence[MandateRow]) -> dict[int, list[MandateRow]]:
    found: dict[int, list[MandateRow]] = {}
    for mandate in mandates:
        found.setdefault(mandate.liaison_id, []).append(mandate)
    return found


def _places(tx: Tx, process_id: int, digest_slug: str | None) -> dict[int, SubscriptionRow]:
    digests = editions.digests(tx, process_id)
    chosen = [one for one in digests if digest_slug in (None, one.slug)]
    if digest_slug is not None and not chosen:
        raise UnknownName("digest", digest_slug, [one.slug for one in digests])
    return subscriptions.of_digest(tx, chosen[0].id) if chosen else {}


def _check_filters(
    groups: Sequence[GroupRow], group: str | None, region: str | None, state: str | None, language: str | None
) -> str | None:
    for what, value, allowed in (
        ("group", group, [one.slug for one in groups]),
        ("region", region, [one.region for one in groups]),
        ("state", state, [one.value for one in LiaisonState]),
    ):
        if value is not None and value not in allowed:
            raise UnknownName(what, value, allowed)
    try:
        return None if language is None else fields.language(language)
    except ValueError as error:
        raise Refused(f"{language!r}: {error}") from error


def _fits(row: RosterRow, group: str | None, region: str | None, state: str | None, tag: str | None) -> bool:
    return (
        (group is None or group in [slug for slug, _ in row.groups])
        and (region is None or region in row.regions)
        and (state is None or state == row.state)
        and (tag is None or tag in wanted(row.languages))
    )


def quiet_of(db: Database, liaison_id: int) -> tuple[tuple[int, int] | None, tuple[int, ...]]:
    """A liaison's quiet hours and the weekdays on which mail may come, as `flows.roster.set_quiet` takes them."""
    with db.read() as tx:
        found = roster.liaison(tx, liaison_id)
    given = (found.quiet if found is not None else None) or {}
    between = given.get("hours")
    return ((between[0], between[1]) if between else None, tuple(given.get("days") or ()))
