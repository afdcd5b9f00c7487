"""The verbs of the roster about one liaison: join, pause, leave, come back, and choose how to be served.

A liaison acts as `liaison:<id>`; what they set by themselves is not undone by a later import. Each verb gives True, or
False where nothing had to change. Raises `Refused` with words for the person, and `WrongMove` for a state that does
not allow it.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from db import addresses, journal, roster, subscriptions
from db import process as processes
from db.addresses import AddressRow
from db.engine import Database, Tx
from db.journal import Act
from db.roster import LiaisonRow
from db.states import LiaisonState
from digests.wall import zone, zone_names
from flows import fields
from flows.engine import Refused
from flows.fields import Fields
from flows.groups import import_groups
from flows.process import need_process
from flows.reland import reland
from flows.reports import ImportReport, UnknownName
from flows.roster_file import CADENCES, SIZES, LiaisonPart, MandatePart, no_stand_in
from flows.roster_import import bring, import_liaisons
from mailer.address import Address, AddressError, display_name, parse

__all__ = [
    "add_liaison",
    "come_back",
    "end_pauses",
    "import_groups",
    "import_liaisons",
    "leave",
    "pause",
    "set_ascii_address",
    "set_cadence",
    "set_hour",
    "set_interests",
    "set_languages",
    "set_quiet",
    "set_size",
    "set_zone",
    "use_address",
]

UNDO = timedelta(days=30)


def add_liaison(
    db: Database,
    process_slug: str,
    digest_slug: str,
    *,
    name: str,
    address: str,
    group: str,
    languages: Sequence[str],
    zone_name: str,
    act: Act,
    draw_tag: Callable[[], int],
    hour: int = 9,
    rank: str = "first",
    role_there: str = "",
    cadence: str = "every",
    size: str = "M",
    interests: Sequence[str] = (),
) -> ImportReport:
    """Add one liaison who stands for `group`, by the rules of the import; the report says what was wrong."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        _known("group", group, [one.slug for one in roster.groups(tx, process.id)])
        tracks = [one.slug for one in processes.tracks(tx, process.id)]
        box = _parsed(address)
        if addresses.by_address_key(tx, process.id, box.key, act.now) is not None:
            raise Refused(f"{box.addr} is on the roster already")
    for what, value, allowed in (("cadence", cadence, CADENCES), ("size", size, SIZES)):
        _known(what, value, allowed)
    part = LiaisonPart(
        line=0,  # of no file
        address=box,
        name=display_name(name),
        kind="person",
        languages=_languages(languages),
        zone=_zone(zone_name),
        hour=_hour(hour),
        cadence=cadence,
        size=size,
        interests=tuple(sorted(_known("track", one, tracks) for one in interests)),
        others=(),
        mandates=(MandatePart(0, group, _known("rank", rank, ("first", "deputy")), role_there, act.now.date()),),
    )
    return bring(db, process, digest_slug, [part], Fields(), draw_tag=draw_tag, act=act)


def pause(db: Database, liaison_id: int, until: date | None, *, act: Act) -> bool:
    """Send nothing until that day (by their calendar), or until they come back by themselves."""
    with db.write() as tx:
        found = _liaison(tx, liaison_id)
        if until is not None and until <= act.now.astimezone(zone(found.zone)).date():
            raise Refused(f"{until} is not in the future")
        if found.state == LiaisonState.PAUSED:
            if found.paused_until == until:
                return False
            roster.change_liaison(tx, liaison_id, paused_until=until)
            _note(tx, act, found, "pause changed")
            return True
        _move(tx, act, found, LiaisonState.PAUSED, "pause", paused_until=until)
    return True


def leave(db: Database, liaison_id: int, *, act: Act, why: str = "left") -> bool:
    """Send nothing any more. It can be undone for 30 days; `why` is a code for the journal."""
    with db.write() as tx:
        found = _liaison(tx, liaison_id)
        if found.state == LiaisonState.LEFT:
            return False
        _move(tx, act, found, LiaisonState.LEFT, why, left_at=act.now, paused_until=None)
    return True


def come_back(db: Database, liaison_id: int, *, act: Act) -> bool:
    """End a pause, or undo having left. What was missed comes with the next digest: no rule is needed (N12)."""
    with db.write() as tx:
        found = _liaison(tx, liaison_id)
        if found.state == LiaisonState.ACTIVE:
            return False
        if found.left_at is not None and act.now - found.left_at > UNDO:
            raise Refused(f"left on {found.left_at:%Y-%m-%d}, more than {UNDO.days} days ago: must be added anew")
        _move(tx, act, found, LiaisonState.ACTIVE, "came back", left_at=None, paused_until=None)
    return True


def end_pauses(db: Database, process_slug: str, *, act: Act) -> list[int]:
    """Serve those again whose pause ends today, by their own calendar; gives their ids."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        paused = [one for one in roster.liaisons(tx, process.id) if one.state == LiaisonState.PAUSED]
    due = [one for one in paused if one.paused_until and one.paused_until <= act.now.astimezone(zone(one.zone)).date()]
    if not due:
        return []
    with db.write() as tx:
        ended = []
        for one in due:
            now = _liaison(tx, one.id)
            if (now.state, now.paused_until) == (one.state, one.paused_until):
                _move(tx, act, now, LiaisonState.ACTIVE, "pause over", paused_until=None)
                ended.append(one.id)
    return ended


def set_hour(db: Database, liaison_id: int, hour: int, *, act: Act) -> bool:
    """Serve at this hour of their clock, 0 to 23; what waits leaves at the new hour."""
    return _set(db, liaison_id, "hour", _hour(hour), act)


def set_zone(db: Database, liaison_id: int, zone_name: str, *, act: Act) -> bool:
    """Their clock; what waits leaves by the new one."""
    return _set(db, liaison_id, "zone", _zone(zone_name), act)


def set_languages(db: Database, liaison_id: int, languages: Sequence[str], *, act: Act) -> bool:
    """The languages they read, best first."""
    return _set(db, liaison_id, "languages", _languages(languages), act)


def set_quiet(db: Database, liaison_id: int, hours: tuple[int, int] | None, days: Sequence[int], *, act: Act) -> bool:
    """Hours (from, to) in which nothing is sent, and weekdays (Monday 0) on which something may be; none: all."""
    if hours is not None:
        _hour(hours[0]), _hour(hours[1])
        if hours[0] == hours[1]:
            raise Refused(f"quiet hours from {hours[0]} to {hours[1]} are none at all: write them like 22-7, or none")
    if not all(0 <= day <= 6 for day in days):
        raise Refused("weekdays are numbered from 0, Monday, to 6")
    quiet: dict[str, Any] = {
        **({"hours": list(hours)} if hours else {}),
        **({"days": sorted(set(days))} if days else {}),
    }
    return _set(db, liaison_id, "quiet", quiet or None, act)


def _set(db: Database, liaison_id: int, name: str, value: Any, act: Act) -> bool:
    with db.write() as tx:
        found = _liaison(tx, liaison_id)
        if getattr(found, name) == value:
            return False
        roster.change_liaison(tx, liaison_id, **{name: list(value) if isinstance(value, tuple) else value})
        _note(tx, act, found, f"set {name}")
        if name in ("hour", "zone", "quiet"):
            reland(tx, liaison_id, act.now)
    return True


def set_cadence(db: Database, liaison_id: int, cadence: str, *, act: Act, digest_id: int | None = None) -> bool:
    """How often: every edition, weekly, fortnightly or monthly; of one digest or of all of theirs."""
    return _set_place(db, liaison_id, "cadence", _known("cadence", cadence, CADENCES), act, digest_id)


def set_size(db: Database, liaison_id: int, size: str, *, act: Act, digest_id: int | None = None) -> bool:
    """How long: S, M or L."""
    return _set_place(db, liaison_id, "size", _known("size", size.upper(), SIZES), act, digest_id)


def _set_place(db: Database, liaison_id: int, name: str, value: str, act: Act, digest_id: int | None) -> bool:
    with db.write() as tx:
        found = _liaison(tx, liaison_id)
        mine = [one for one in subscriptions.of_liaison(tx, liaison_id) if digest_id in (None, one.digest_id)]
        differing = [one for one in mine if getattr(one, name) != value]
        for one in differing:
            subscriptions.change(tx, one.id, **{name: value})
        if differing:
            _note(tx, act, found, f"set {name}")
    return bool(differing)


def set_interests(
    db: Database, liaison_id: int, tracks: Sequence[str], *, act: Act, digest_id: int | None = None
) -> bool:
    """Follow these tracks (by slug), none for all; what they know is worked out anew for the next digest (N6)."""
    with db.write() as tx:
        found = _liaison(tx, liaison_id)
        known = {track.slug: track.id for track in processes.tracks(tx, found.process_id)}
        wanted = {known[_known("track", slug, known)] for slug in tracks}
        changed = [
            subscriptions.set_interests(tx, one.id, wanted, subscriptions.since_seq(tx, one.digest_id))
            for one in subscriptions.of_liaison(tx, liaison_id)
            if digest_id in (None, one.digest_id)
        ]
        if any(changed):
            _note(tx, act, found, "set interests")
    return any(changed)


def use_address(db: Database, liaison_id: int, address: str, *, act: Act, retire_others: bool = False) -> bool:
    """Send to this address, which was confirmed, from now on. Their other addresses still identify them."""
    box = _parsed(address)
    with db.write() as tx:
        found = _liaison(tx, liaison_id)
        mine = addresses.addresses(tx, found.process_id, [liaison_id]).get(liaison_id, [])
        same = next((one for one in mine if one.key == box.key), None)
        if same is not None and same.is_primary and not (retire_others and len(mine) > 1):
            return False
        address_id = _own(tx, found, box, mine, act)
        addresses.make_primary(tx, liaison_id, address_id)
        for one in mine if retire_others else ():
            if one.id != address_id:
                addresses.retire_address(tx, one.id, act.now)
        _note(tx, act, found, "set address")
    return True


def set_ascii_address(db: Database, liaison_id: int, address: str, *, act: Act) -> bool:
    """An ASCII address that stands in where a server cannot carry their first one; '' for none.

    It is one of their addresses from then on: what they write from there is theirs.
    """
    with db.write() as tx:
        found = _liaison(tx, liaison_id)
        mine = addresses.addresses(tx, found.process_id, [liaison_id]).get(liaison_id, [])
        first = next((one for one in mine if one.is_primary), None)
        if first is None:
            raise Refused(f"liaison {liaison_id} has no address")
        box = _parsed(address) if address else None
        if box is not None and (reason := no_stand_in(_parsed(first.addr), box)):
            raise Refused(f"{box.addr} {reason}")
        if first.ascii_alt == (box.key if box else None):
            return False
        if box is not None:
            _own(tx, found, box, mine, act)
        addresses.set_ascii_alt(tx, first.id, box.key if box else None)
        _note(tx, act, found, "set ascii address")
    return True


def _own(tx: Tx, found: LiaisonRow, box: Address, mine: Sequence[AddressRow], act: Act) -> int:
    """The id of their address, which may be a new one. Raises `Refused` where it is somebody else's."""
    same = next((one for one in mine if one.key == box.key), None)
    if same is not None:
        return same.id
    holder = addresses.by_address_key(tx, found.process_id, box.key, act.now)
    if holder is not None and holder.liaison.id != found.id and holder.address.retired_at is None:
        raise Refused(f"{box.addr} belongs to another liaison")
    row = {"liaison_id": found.id, "addr": box.addr, "key": box.key, "hint_key": box.hint_key}
    return addresses.add_addresses(tx, found.process_id, [{**row, "verified_at": act.now, "is_primary": False}])[0]


def _liaison(tx: Tx, liaison_id: int) -> LiaisonRow:
    found = roster.liaison(tx, liaison_id)
    if found is None or found.forgotten_at is not None:
        raise Refused(f"there is no liaison {liaison_id}")
    return found


def _move(tx: Tx, act: Act, found: LiaisonRow, becomes: LiaisonState, why: str, **values: Any) -> None:
    journal.move(tx, act, "liaison", found.id, becomes, why, process_id=found.process_id, **values)


def _note(tx: Tx, act: Act, found: LiaisonRow, why: str) -> None:
    journal.note(tx, act, ("liaison", found.id), why, process_id=found.process_id)


def _known(what: str, value: str, allowed: Any) -> str:
    if value not in allowed:
        raise UnknownName(what, value, allowed)
    return value


def _hour(hour: int) -> int:
    if not 0 <= hour <= 23:
        raise Refused(f"an hour is a whole number from 0 to 23, not {hour}")
    return hour


def _zone(name: str) -> str:
    return _known("zone", name, zone_names())


def _languages(given: Sequence[str]) -> tuple[str, ...]:
    try:
        found = tuple(dict.fromkeys(fields.language(tag) for tag in given))
    except ValueError as error:
        raise Refused(str(error)) from error
    if not found:
        raise Refused("name at least one language")
    return found


def _parsed(address: str) -> Address:
    try:
        return parse(address)
    except AddressError as error:
        raise Refused(str(error)) from error
