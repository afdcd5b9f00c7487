"""Addresses of liaisons, and standing orders not to mail an address.

An address is found by its key (A1), also for 90 days after it was retired, unless somebody else has claimed it
meanwhile (A4). A suppression holds only a keyed hash of the key (E4).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from db.bulk import in_chunks, insert_rows
from db.engine import Tx
from db.roster import LiaisonRow, liaison
from db.states import DeliveryState
from db.tables import Address, Delivery, Suppression

_ADDRESS: Any = Address.__table__  # type: ignore[attr-defined]
_DELIVERY: Any = Delivery.__table__  # type: ignore[attr-defined]
_SUPPRESSION: Any = Suppression.__table__  # type: ignore[attr-defined]

STILL_KNOWN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class AddressRow:
    """A mailbox of a liaison. `ascii_alt`: the key of another one that stands in where a server carries ASCII alone."""

    id: int
    liaison_id: int
    addr: str
    key: str
    hint_key: str
    ascii_alt: str | None
    verified_at: datetime | None
    is_primary: bool
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whom an address belongs to."""

    liaison: LiaisonRow
    address: AddressRow


def by_address_key(tx: Tx, process_id: int, key: str, now: datetime) -> Standing | None:
    """Whose address has this key: a present one, else the one retired last, if less than 90 days ago."""
    row = tx.execute(
        select(_ADDRESS)
        .where(_ADDRESS.c.process_id == process_id, _ADDRESS.c.key == key)
        .where(_ADDRESS.c.retired_at.is_(None) | (_ADDRESS.c.retired_at > now - STILL_KNOWN))
        .order_by(_ADDRESS.c.retired_at.is_not(None), _ADDRESS.c.retired_at.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    found = liaison(tx, row.liaison_id)
    return None if found is None else Standing(found, _address(row))


def by_hint_key(tx: Tx, process_id: int, hint_key: str) -> list[AddressRow]:
    """Present addresses that look the same but for tags and dots: to ask "is this you?", never to decide (A2)."""
    query = select(_ADDRESS).where(
        _ADDRESS.c.process_id == process_id, _ADDRESS.c.hint_key == hint_key, _ADDRESS.c.retired_at.is_(None)
    )
    return [_address(row) for row in tx.execute(query.order_by(_ADDRESS.c.id))]


def addresses(tx: Tx, process_id: int, liaison_ids: Collection[int] | None = None) -> dict[int, list[AddressRow]]:
    """Present addresses per liaison, the primary one first; of all liaisons where no ids are given."""
    query = select(_ADDRESS).where(_ADDRESS.c.process_id == process_id, _ADDRESS.c.retired_at.is_(None))
    found: dict[int, list[AddressRow]] = defaultdict(list)
    for row in in_chunks(
        tx, query.order_by(_ADDRESS.c.is_primary.desc(), _ADDRESS.c.id), _ADDRESS.c.liaison_id, liaison_ids
    ):
        found[row.liaison_id].append(_address(row))
    return dict(found)


def _address(row: Any) -> AddressRow:
    return AddressRow(
        id=row.id,
        liaison_id=row.liaison_id,
        addr=row.addr,
        key=row.key,
        hint_key=row.hint_key,
        ascii_alt=row.ascii_alt,
        verified_at=row.verified_at,
        is_primary=row.is_primary,
        retired_at=row.retired_at,
    )


def add_addresses(tx: Tx, process_id: int, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert addresses; gives their ids in order. A key that is taken raises `IntegrityError`."""
    return insert_rows(tx, _ADDRESS, [{"process_id": process_id, **row} for row in rows])


def retire_address(tx: Tx, address_id: int, now: datetime) -> None:
    """Send nothing there any more; its mail is still known as the liaison's for 90 days."""
    tx.execute(update(_ADDRESS).where(_ADDRESS.c.id == address_id).values(retired_at=now, is_primary=False))


def make_primary(tx: Tx, liaison_id: int, address_id: int) -> None:
    """Mail goes to this address of the liaison from now on."""
    mine = (_ADDRESS.c.liaison_id == liaison_id) & _ADDRESS.c.retired_at.is_(None)
    tx.execute(update(_ADDRESS).where(mine).values(is_primary=False))
    tx.execute(update(_ADDRESS).where(_ADDRESS.c.id == address_id).values(is_primary=True))


def set_ascii_alt(tx: Tx, address_id: int, key: str | None) -> None:
    """Let another address of the same liaison stand in for this one, named by its key; or none."""
    tx.execute(update(_ADDRESS).where(_ADDRESS.c.id == address_id).values(ascii_alt=key))


def turn_to_ascii(tx: Tx, ids: Sequence[int], now: datetime) -> None:
    """Send these at once to the address that stands in for theirs; one whose stand-in is gone waits as it was."""
    other = _ADDRESS.alias()
    stand_in = (
        (other.c.liaison_id == _ADDRESS.c.liaison_id)
        & (other.c.key == _ADDRESS.c.ascii_alt)
        & other.c.retired_at.is_(None)
    )
    query = (
        select(_DELIVERY.c.id, other.c.id.label("address_id"), other.c.key)
        .join(_ADDRESS, _ADDRESS.c.id == _DELIVERY.c.address_id)
        .join(other, stand_in)
        .where(_DELIVERY.c.id.in_(list(ids)), _DELIVERY.c.state == DeliveryState.DEFERRED)
    )
    for row in tx.execute(query).all():
        there = {"address_id": row.address_id, "domain": row.key.rpartition("@")[2], "send_at": now}
        tx.execute(update(_DELIVERY).where(_DELIVERY.c.id == row.id).values(**there))


def suppress(tx: Tx, process_id: int, key_hash: str, reason: str, now: datetime) -> bool:
    """Order that nothing be mailed to the address of that keyed hash; False if it was ordered already."""
    if standing_order(tx, process_id, key_hash) is not None:
        return False
    tx.execute(
        insert(_SUPPRESSION).values(process_id=process_id, key_hash=key_hash, reason=reason, since=now, lifted_at=None)
    )
    return True


def lift_suppression(tx: Tx, process_id: int, key_hash: str, now: datetime, why: str = "") -> bool:
    """Take the order back, for a reason in words; False if there was none."""
    found = tx.execute(
        update(_SUPPRESSION)
        .where(
            _SUPPRESSION.c.process_id == process_id,
            _SUPPRESSION.c.key_hash == key_hash,
            _SUPPRESSION.c.lifted_at.is_(None),
        )
        .values(lifted_at=now, lifted_why=why)
        .returning(_SUPPRESSION.c.id)
    ).first()
    return found is not None


def standing_order(tx: Tx, process_id: int, key_hash: str) -> str | None:
    """The reason for which an address is suppressed, or None."""
    reason: str | None = tx.execute(
        select(_SUPPRESSION.c.reason).where(
            _SUPPRESSION.c.process_id == process_id,
            _SUPPRESSION.c.key_hash == key_hash,
            _SUPPRESSION.c.lifted_at.is_(None),
        )
    ).scalar_one_or_none()
    return reason


def standing_orders(tx: Tx, process_id: int) -> dict[str, str]:
    """All suppressions in force: keyed hash and reason."""
    rows = tx.execute(
        select(_SUPPRESSION.c.key_hash, _SUPPRESSION.c.reason).where(
            _SUPPRESSION.c.process_id == process_id, _SUPPRESSION.c.lifted_at.is_(None)
        )
    )
    return {row.key_hash: row.reason for row in rows}
