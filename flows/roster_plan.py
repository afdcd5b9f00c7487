"""What an import of liaisons decides: the roster as it stands, and what becomes of each person of the file."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from db import addresses, editions, roster, subscriptions
from db import process as processes
from db.addresses import AddressRow
from db.engine import Tx
from db.process import ProcessRow
from db.roster import GroupRow, LiaisonRow, MandateRow
from db.states import LiaisonState
from db.subscriptions import SubscriptionRow
from flows.fields import Fields
from flows.reports import Changed, ImportReport, Rejected, UnknownName, at_line
from flows.roster_file import LiaisonPart, MandatePart

MEANWHILE = Rejected(0, "file", "", "the roster was changed while the file was read: import it again")


@dataclass(frozen=True, slots=True)
class KnownRoster:
    """The roster as it stands."""

    process: ProcessRow
    digest_id: int
    since: int
    groups: Mapping[str, GroupRow]
    tracks: Mapping[str, int]
    liaisons: Mapping[int, LiaisonRow]
    owners: Mapping[str, int]  # key of a present address -> liaison
    addresses: Mapping[int, list[AddressRow]]
    hints: Mapping[str, str]  # hint key -> address
    mandates: Mapping[int, list[MandateRow]]
    subscriptions: Mapping[int, SubscriptionRow]
    own: Mapping[int, set[str]]
    suppressed: Mapping[str, str]  # address key -> reason


@dataclass(frozen=True, slots=True)
class LiaisonChange:
    """What becomes of a liaison who is known."""

    liaison_id: int
    part: LiaisonPart
    columns: Mapping[str, Any] = field(default_factory=dict)
    subscription: Mapping[str, Any] = field(default_factory=dict)
    interests: tuple[int, ...] | None = None
    new_addresses: tuple[Any, ...] = ()
    ascii_of: int | None = None  # the address that gets another one to stand in for it
    closed: tuple[int, ...] = ()
    altered: tuple[tuple[int, MandatePart], ...] = ()
    opened: tuple[MandatePart, ...] = ()
    subscribes: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """What the report names."""
        names = [*self.columns, *self.subscription]
        more = (
            ("interests", self.interests is not None),
            ("other_addresses", bool(self.new_addresses)),
            ("ascii_address", self.ascii_of is not None),
            ("mandates", bool(self.closed or self.altered or self.opened)),
            ("subscription", self.subscribes),
        )
        return (*names, *(name for name, is_so in more if is_so))


def gather(
    tx: Tx,
    process: ProcessRow,
    digest_slug: str,
    parts: Iterable[LiaisonPart],
    address_hash: Callable[[str], str] | None,
) -> KnownRoster:
    """The roster as it stands, as far as bringing in `parts` needs it. Raises `UnknownName` for the digest."""
    digests = {digest.slug: digest.id for digest in editions.digests(tx, process.id)}
    if digest_slug not in digests:
        raise UnknownName("digest", digest_slug, digests)
    by_liaison = addresses.addresses(tx, process.id)
    rows = [row for found in by_liaison.values() for row in found]
    mandates: dict[int, list[MandateRow]] = {}
    for mandate in roster.mandates(tx, process.id):
        mandates.setdefault(mandate.liaison_id, []).append(mandate)
    orders = addresses.standing_orders(tx, process.id) if address_hash else {}
    hashes = {part.address.key: address_hash(part.address.key) for part in parts} if address_hash else {}
    return KnownRoster(
        process=process,
        digest_id=digests[digest_slug],
        since=subscriptions.since_seq(tx, digests[digest_slug]),
        groups={group.slug: group for group in roster.groups(tx, process.id)},
        tracks={track.slug: track.id for track in processes.tracks(tx, process.id)},
        liaisons={one.id: one for one in roster.liaisons(tx, process.id)},
        owners={row.key: row.liaison_id for row in rows},
        addresses=by_liaison,
        hints={row.hint_key: row.addr for row in rows},
        mandates=mandates,
        subscriptions=subscriptions.of_digest(tx, digests[digest_slug]),
        own=roster.chosen_by_self(tx, process.id),
        suppressed={key: orders[hashed] for key, hashed in hashes.items() if hashed in orders},
    )


def change_of(known: KnownRoster, part: LiaisonPart) -> LiaisonChange:
    """What becomes of a liaison who is known: what differs, but for what they have set by themselves."""
    liaison_id = known.owners[part.address.key]
    was = known.liaisons[liaison_id]
    own = known.own.get(liaison_id, set())
    columns: dict[str, Any] = {
        name: getattr(part, name)
        for name in ("name", "kind", "languages", "zone", "hour")
        if name not in own and getattr(part, name) != getattr(was, name)
    }
    if "languages" in columns:
        columns["languages"] = list(columns["languages"])
    subscription = known.subscriptions.get(liaison_id)
    place: dict[str, Any] = {}
    interests = None
    if subscription is not None:
        place = {
            name: getattr(part, name)
            for name in ("cadence", "size")
            if name not in own and getattr(part, name) != getattr(subscription, name)
        }
        wanted = tuple(sorted(known.tracks[slug] for slug in part.interests))
        if "interests" not in own and wanted != subscription.interests:
            interests = wanted
    change = LiaisonChange(liaison_id, part, columns, place, interests, subscribes=subscription is None)
    mine = {row.key: row for row in known.addresses[liaison_id]}
    added = tuple(other for other in part.others if other.key not in mine)
    stood = mine[part.address.key]
    turns = part.ascii_alt is not None and part.ascii_alt.key != stood.ascii_alt
    return _mandate_changes(known, replace(change, new_addresses=added, ascii_of=stood.id if turns else None))


def _mandate_changes(known: KnownRoster, change: LiaisonChange) -> LiaisonChange:
    slugs = {group.id: slug for slug, group in known.groups.items()}
    was = {slugs[mandate.group_id]: mandate for mandate in known.mandates.get(change.liaison_id, [])}
    wanted = {mandate.group: mandate for mandate in change.part.mandates}
    altered = tuple(
        (was[slug].id, mandate)
        for slug, mandate in wanted.items()
        if slug in was
        and (was[slug].rank, was[slug].role_there, was[slug].agreed_on)
        != (mandate.rank, mandate.role_there, mandate.agreed_on)
    )
    closed = tuple(mandate.id for slug, mandate in was.items() if slug not in wanted)
    return replace(
        change,
        closed=closed,
        altered=altered,
        opened=tuple(mandate for slug, mandate in wanted.items() if slug not in was),
    )


def check(known: KnownRoster, parts: list[LiaisonPart], changes: list[LiaisonChange], fields: Fields) -> None:
    """Reject addresses and first places that somebody else has."""
    for part in parts:
        owner = known.owners.get(part.address.key)
        for other in part.others:
            if known.owners.get(other.key, owner) != owner:
                fields.reject(part.line, "other_addresses", other.addr, "belongs to another liaison")
    gone = {i for change in changes for i in change.closed}
    gone |= {i for change in changes for i, mandate in change.altered if mandate.rank != "first"}
    firsts = {
        row.group_id: row.liaison_id
        for rows in known.mandates.values()
        for row in rows
        if row.rank == "first" and row.id not in gone
    }
    for part in parts:
        for mandate in part.mandates:
            holder = firsts.get(known.groups[mandate.group].id)
            if mandate.rank == "first" and holder not in (None, known.owners.get(part.address.key)):
                reason = f"{_address_of(known, holder)} is the first liaison of {mandate.group} already"
                fields.reject(mandate.line, "rank", mandate.rank, reason)


def _address_of(known: KnownRoster, liaison_id: int | None) -> str:
    found = known.addresses.get(liaison_id or 0)
    return found[0].addr if found else f"liaison {liaison_id}"


def report_of(
    known: KnownRoster, parts: list[LiaisonPart], new: list[LiaisonPart], changes: list[LiaisonChange]
) -> ImportReport:
    """What the import does, with warnings about suppressed, absent and doubled people."""
    warnings = []
    for part in parts:
        reason = known.suppressed.get(part.address.key)
        if reason:
            warnings.append(f"{at_line(part.line)}{part.address.addr} is suppressed ({reason}) and gets no mail")
    for part in new:
        near = known.hints.get(part.address.hint_key)
        if near:
            warnings.append(f"{at_line(part.line)}{part.address.addr} looks like {near}: is it the same person?")
    for change in changes:
        state = known.liaisons[change.liaison_id].state
        if state != LiaisonState.ACTIVE:
            warnings.append(f"{at_line(change.part.line)}{change.part.address.addr} is {state} and stays so")
    present = {known.owners.get(part.address.key) for part in parts}
    gone = [one.id for one in known.liaisons.values() if one.id not in present and one.state != LiaisonState.LEFT]
    return ImportReport(
        "liaisons",
        added=tuple(part.address.addr for part in new),
        changed=tuple(Changed(change.part.address.addr, change.fields) for change in changes if change.fields),
        unchanged=tuple(change.part.address.addr for change in changes if not change.fields),
        missing=tuple(_address_of(known, one) for one in gone),
        warnings=tuple(warnings),
    )
