"""Importing liaisons from CSV: all of a file, or nothing of it, with a report either way.

Importing a file twice changes nothing. What a liaison has set by themselves is not undone by a file, a liaison who left
stays away, and whoever is not in the file stays as they are (reported as missing).
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import IntegrityError

from db import addresses, journal, roster, subscriptions
from db import process as processes
from db.engine import Database, Tx
from db.journal import Act
from db.process import ProcessRow
from db.states import LiaisonState
from flows.fields import Fields
from flows.process import need_process
from flows.reland import reland
from flows.reports import ImportReport
from flows.roster_file import LiaisonPart, MandatePart, read_liaisons
from flows.roster_plan import MEANWHILE, KnownRoster, LiaisonChange, change_of, check, gather, report_of
from mailer.address import Address


def import_liaisons(
    db: Database,
    process_slug: str,
    digest_slug: str,
    content: str,
    *,
    draw_tag: Callable[[], int],
    act: Act,
    address_hash: Callable[[str], str] | None = None,
) -> ImportReport:
    """Bring the liaisons to what a CSV file says; new ones are active subscribers of the digest.

    `address_hash` gives the keyed hash of an address key: with it, suppressed addresses are warned of.
    """
    with db.read() as tx:
        process = need_process(tx, process_slug)
        group_slugs = [group.slug for group in roster.groups(tx, process.id)]
        track_slugs = [track.slug for track in processes.tracks(tx, process.id)]
    fields = Fields()
    parts = read_liaisons(content, fields, groups=group_slugs, tracks=track_slugs)
    return bring(db, process, digest_slug, parts, fields, draw_tag=draw_tag, act=act, address_hash=address_hash)


def bring(
    db: Database,
    process: ProcessRow,
    digest_slug: str,
    parts: list[LiaisonPart],
    fields: Fields,
    *,
    draw_tag: Callable[[], int],
    act: Act,
    address_hash: Callable[[str], str] | None = None,
) -> ImportReport:
    """Bring the roster to what `parts` say, unless `fields` holds a fault or they contradict the roster."""
    with db.read() as tx:
        known = gather(tx, process, digest_slug, parts, address_hash)
    new = [part for part in parts if part.address.key not in known.owners]
    changes = [change_of(known, part) for part in parts if part.address.key in known.owners]
    check(known, parts, changes, fields)
    if fields.rejected:
        return ImportReport("liaisons", rejected=tuple(sorted(fields.rejected, key=lambda one: one.line)))
    report = report_of(known, parts, new, changes)
    if not report.added and not report.changed:
        return report
    try:
        with db.write() as tx:
            _apply_changes(tx, known, [change for change in changes if change.fields], draw_tag, act)
            _apply_new(tx, known, new, draw_tag, act)
    except IntegrityError:
        return ImportReport("liaisons", rejected=(MEANWHILE,))
    return report


def _apply_changes(
    tx: Tx, known: KnownRoster, changes: list[LiaisonChange], draw_tag: Callable[[], int], act: Act
) -> None:
    # A group has one first liaison at a time: whoever gives the place up goes before whoever takes it.
    for mandate_id in (i for change in changes for i in change.closed):
        roster.change_mandate(tx, mandate_id, until_on=act.now.date())
    altered = [pair for change in changes for pair in change.altered]
    for mandate_id, part in sorted(altered, key=lambda pair: pair[1].rank):
        roster.change_mandate(tx, mandate_id, rank=part.rank, role_there=part.role_there, agreed_on=part.agreed_on)
    _open_mandates(tx, known, [(change.liaison_id, one) for change in changes for one in change.opened], act)
    for change in changes:
        if change.columns:
            roster.change_liaison(tx, change.liaison_id, **change.columns)
        if {"zone", "hour"} & set(change.columns):
            reland(tx, change.liaison_id, act.now)
        subscription = known.subscriptions.get(change.liaison_id)
        if subscription is not None and change.subscription:
            subscriptions.change(tx, subscription.id, **change.subscription)
        if subscription is not None and change.interests is not None:
            subscriptions.set_interests(tx, subscription.id, change.interests, known.since)
        _add_addresses(tx, known, [(change.liaison_id, other, None) for other in change.new_addresses], act)
        if change.ascii_of is not None and change.part.ascii_alt is not None:
            addresses.set_ascii_alt(tx, change.ascii_of, change.part.ascii_alt.key)
        journal.note(tx, act, ("liaison", change.liaison_id), "imported", process_id=known.process.id)
    _subscribe(tx, known, [(c.liaison_id, c.part) for c in changes if c.subscribes], draw_tag)


def _apply_new(tx: Tx, known: KnownRoster, parts: list[LiaisonPart], draw_tag: Callable[[], int], act: Act) -> None:
    taken = roster.liaison_tags(tx, known.process.id)
    rows = [
        {
            "tag": roster.fresh_tag(draw_tag, taken),
            "kind": part.kind,
            "name": part.name,
            "state": LiaisonState.ACTIVE,
            "zone": part.zone,
            "hour": part.hour,
            "languages": list(part.languages),
        }
        for part in parts
    ]
    ids = roster.add_liaisons(tx, known.process.id, rows)
    pairs = list(zip(ids, parts, strict=True))
    mailboxes = [
        (i, one, part if one is part.address else None) for i, part in pairs for one in (part.address, *part.others)
    ]
    _add_addresses(tx, known, mailboxes, act)
    _open_mandates(tx, known, [(i, mandate) for i, part in pairs for mandate in part.mandates], act)
    _subscribe(tx, known, pairs, draw_tag)
    roster.add_consents(tx, [_consent(i, part, act) for i, part in pairs])
    for i in ids:
        moved = (None, str(LiaisonState.ACTIVE))
        journal.note(tx, act, ("liaison", i), "imported", process_id=known.process.id, moved=moved)


def _consent(liaison_id: int, part: LiaisonPart, act: Act) -> dict[str, Any]:
    agreed = ", ".join(f"{one.group} on {one.agreed_on}" for one in part.mandates if one.agreed_on)
    return {
        "liaison_id": liaison_id,
        "what": "digest",
        "wording": f"named as liaison by {agreed}" if agreed else "named as liaison in a roster of the core team",
        "at": act.now,
        "evidence": f"roster import, line {part.line}" if part.line else f"by hand, by {act.actor}",
    }


def _add_addresses(tx: Tx, known: KnownRoster, rows: list[tuple[int, Address, LiaisonPart | None]], act: Act) -> None:
    """Addresses of liaisons; with the part of a file whose first address it is."""
    addresses.add_addresses(
        tx,
        known.process.id,
        [
            {
                "liaison_id": liaison_id,
                "addr": one.addr,
                "key": one.key,
                "hint_key": one.hint_key,
                "verified_at": act.now,
                "is_primary": first is not None,
                "ascii_alt": first.ascii_alt.key if first is not None and first.ascii_alt is not None else None,
            }
            for liaison_id, one, first in rows
        ],
    )


def _open_mandates(tx: Tx, known: KnownRoster, rows: list[tuple[int, MandatePart]], act: Act) -> None:
    roster.add_mandates(
        tx,
        known.process.id,
        [
            {
                "liaison_id": liaison_id,
                "group_id": known.groups[part.group].id,
                "rank": part.rank,
                "role_there": part.role_there,
                "agreed_on": part.agreed_on,
                "from_on": act.now.date(),
            }
            for liaison_id, part in rows
        ],
    )


def _subscribe(tx: Tx, known: KnownRoster, pairs: list[tuple[int, LiaisonPart]], draw_tag: Callable[[], int]) -> None:
    if not pairs:
        return
    taken = subscriptions.tags(tx)
    rows = [
        {
            "liaison_id": liaison_id,
            "tag": roster.fresh_tag(draw_tag, taken),
            "cadence": part.cadence,
            "size": part.size,
            "interests": [known.tracks[slug] for slug in part.interests],
        }
        for liaison_id, part in pairs
    ]
    subscriptions.add(tx, known.digest_id, rows, known.since)
