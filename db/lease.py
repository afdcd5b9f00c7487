"""Claimed deliveries: what a worker holds under lease, with all that composing their mails needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, select

from db.engine import Tx
from db.states import DeliveryState
from db.tables import Address, Delivery, Liaison, Mailing, Subscription

_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_L: Any = Liaison.__table__  # type: ignore[attr-defined]
_ADDRESS: Any = Address.__table__  # type: ignore[attr-defined]
_SUB: Any = Subscription.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under lease, with all that composing its mail needs."""

    id: int
    n: int  # the number of this try, from 1
    was: str  # the state it was claimed from
    process_id: int
    mailing_id: int
    mailing_tag: int
    mailing_kind: str
    corrects_id: int | None
    variant_id: int | None
    liaison_id: int | None
    liaison_tag: int
    liaison_state: str
    paused_until: date | None
    name: str
    zone: str
    subscription_id: int | None
    subscription_tag: int
    subscription_state: str
    address_id: int | None
    addr: str
    address_key: str
    address_retired: bool
    ascii_alt: str | None
    lang: str
    send_at: datetime
    not_after: datetime
    dated_at: datetime
    created_at: datetime
    domain: str


_CLAIMED: Any = (
    select(
        _D.c.id,
        _D.c.tries,
        _M.c.process_id,
        _D.c.mailing_id,
        _M.c.tag,
        _M.c.kind,
        _M.c.corrects_id,
        _D.c.variant_id,
        _D.c.liaison_id,
        _L.c.tag,
        _L.c.state,
        _L.c.paused_until,
        _L.c.name,
        _L.c.zone,
        _D.c.subscription_id,
        _SUB.c.tag,
        _SUB.c.state,
        _D.c.address_id,
        _ADDRESS.c.addr,
        _D.c.to_addr,
        _ADDRESS.c.key,
        _ADDRESS.c.retired_at,
        _ADDRESS.c.ascii_alt,
        _D.c.lang,
        _D.c.send_at,
        _D.c.not_after,
        _D.c.dated_at,
        _D.c.created_at,
        _D.c.domain,
    )
    .join(_M, _M.c.id == _D.c.mailing_id)
    .outerjoin(_L, _L.c.id == _D.c.liaison_id)
    .outerjoin(_SUB, _SUB.c.id == _D.c.subscription_id)
    .outerjoin(_ADDRESS, _ADDRESS.c.id == _D.c.address_id)
    .where(_D.c.id.in_(bindparam("ids", expanding=True)))
)


def claimed(tx: Tx, ids: Sequence[int]) -> list[Claimed]:
    """The leased deliveries with their readers and addresses, in the order of `ids`."""
    if not ids:
        return []
    rows = tx.execute(_CLAIMED, {"ids": ids})
    found = {row[0]: _claimed(row) for row in rows}
    return [found[i] for i in ids if i in found]


def _claimed(row: Any) -> Claimed:
    # Taken apart by place: looking up each column by its name costs more than the query.
    (
        delivery_id, tries, process_id, mailing_id, mailing_tag, mailing_kind, corrects_id, variant_id,
        liaison_id, liaison_tag, liaison_state, paused_until, name, zone,
        subscription_id, subscription_tag, subscription_state,
        address_id, addr, to_addr, address_key, retired_at, ascii_alt,
        lang, send_at, not_after, dated_at, created_at, domain,
    ) = row  # fmt: skip
    return Claimed(
        id=delivery_id,
        n=tries,
        was=DeliveryState.DEFERRED if tries > 1 else DeliveryState.QUEUED,
        process_id=process_id,
        mailing_id=mailing_id,
        mailing_tag=mailing_tag,
        mailing_kind=mailing_kind,
        corrects_id=corrects_id,
        variant_id=variant_id,
        liaison_id=liaison_id,
        liaison_tag=liaison_tag or 0,
        liaison_state=liaison_state or "",
        paused_until=paused_until,
        name=name or "",
        zone=zone or "UTC",
        subscription_id=subscription_id,
        subscription_tag=subscription_tag or 0,
        subscription_state=subscription_state or "",
        address_id=address_id,
        addr=addr or to_addr or "",
        address_key=address_key or "",
        address_retired=retired_at is not None,
        ascii_alt=ascii_alt,
        lang=lang,
        send_at=send_at,
        not_after=not_after,
        dated_at=dated_at,
        created_at=created_at,
        domain=domain,
    )
