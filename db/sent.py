"""What was sent, looked at from what comes back: the delivery that a token names, and how badly an address bounces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, true, update

from db.bulk import in_chunks, insert_new
from db.engine import Tx
from db.states import DeliveryState
from db.tables import Address, BounceScore, Delivery, Item, Liaison, Mailing

_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_L: Any = Liaison.__table__  # type: ignore[attr-defined]
_ADDRESS: Any = Address.__table__  # type: ignore[attr-defined]
_ITEM: Any = Item.__table__  # type: ignore[attr-defined]
_SCORE: Any = BounceScore.__table__  # type: ignore[attr-defined]

HALF_LIFE_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class SentRow:
    """A delivery as far as its return mail needs it. `address_key` is that of the address it went to (K6)."""

    id: int
    mailing_id: int
    process_id: int
    state: str
    variant_id: int | None
    liaison_id: int | None
    subscription_id: int | None
    address_id: int | None
    address_key: str
    to_addr: str


def delivery(tx: Tx, process_id: int, mailing_tag: int, liaison_tag: int) -> SentRow | None:
    """The delivery that a token names (K2): by mailing and liaison, or by the mailing alone."""
    named = _L.c.tag == liaison_tag if liaison_tag else _D.c.liaison_id.is_(None)
    row = tx.execute(_sent().where(_M.c.process_id == process_id, _M.c.tag == mailing_tag, named)).first()
    return _value(row) if row is not None else None


def by_id(tx: Tx, ids: Sequence[int]) -> list[SentRow]:
    """These deliveries."""
    return [_value(row) for row in in_chunks(tx, _sent(), _D.c.id, ids)] if ids else []


def _sent() -> Any:
    return (
        select(
            _D.c.id,
            _D.c.mailing_id,
            _M.c.process_id,
            _D.c.state,
            _D.c.variant_id,
            _D.c.liaison_id,
            _D.c.subscription_id,
            _D.c.address_id,
            _ADDRESS.c.key,
            _D.c.to_addr,
        )
        .join(_M, _M.c.id == _D.c.mailing_id)
        .outerjoin(_L, _L.c.id == _D.c.liaison_id)
        .outerjoin(_ADDRESS, _ADDRESS.c.id == _D.c.address_id)
    )


def _value(row: Any) -> SentRow:
    values: dict[str, Any] = dict(row._mapping)
    key = values.pop("key")
    return SentRow(**(values | {"address_key": key or "", "to_addr": values["to_addr"] or ""}))


def items(tx: Tx, mailing_id: int) -> list[tuple[int, int, str, int]]:
    """The items of a mailing: (id, number, subject kind, subject id), by number."""
    query = select(_ITEM.c.id, _ITEM.c.number, _ITEM.c.subject_kind, _ITEM.c.subject_id)
    rows = tx.execute(query.where(_ITEM.c.mailing_id == mailing_id).order_by(_ITEM.c.number))
    return [(row.id, row.number, row.subject_kind, row.subject_id) for row in rows]


def item(tx: Tx, item_id: int) -> tuple[int, int, str, int] | None:
    """One item: (mailing id, number, subject kind, subject id)."""
    row = tx.execute(select(_ITEM).where(_ITEM.c.id == item_id)).first()
    return None if row is None else (row.mailing_id, row.number, row.subject_kind, row.subject_id)


def last_receipt(tx: Tx, process_id: int, liaison_id: int | None, to_addr: str, before: int = 0) -> datetime | None:
    """When the newest receipt for a liaison was written, or for an address that is no liaison's; with `before`, the one
    that many receipts before it."""
    found: datetime | None = tx.execute(
        select(_D.c.created_at)
        .join(_M, _M.c.id == _D.c.mailing_id)
        .where(_M.c.process_id == process_id, _M.c.kind == "receipt", _D.c.liaison_id.is_not_distinct_from(liaison_id))
        .where(true() if liaison_id is not None else _D.c.to_addr == to_addr)
        .order_by(_D.c.id.desc())
        .limit(1)
        .offset(before)
    ).scalar()
    return found


def outcomes(tx: Tx, mailing_id: int) -> tuple[int, int]:
    """How many mails of a mailing went out and did not come back, and how many were refused, at once or later."""
    query = select(_D.c.state, func.count().label("number")).where(_D.c.mailing_id == mailing_id).group_by(_D.c.state)
    found = {row.state: int(row.number) for row in tx.execute(query)}
    return found.get(DeliveryState.SENT, 0), found.get(DeliveryState.FAILED, 0) + found.get(DeliveryState.BOUNCED, 0)


def set_probe(tx: Tx, address_id: int, at: datetime | None, score: float) -> None:
    """Note that a probe is on its way, or that none came back."""
    tx.execute(update(_SCORE).where(_SCORE.c.address_id == address_id).values(probed_at=at, score=score))


def probed_at(tx: Tx, address_id: int) -> datetime | None:
    """When the probe that is on its way to an address left."""
    found: datetime | None = tx.execute(select(_SCORE.c.probed_at).where(_SCORE.c.address_id == address_id)).scalar()
    return found


def forget_score(tx: Tx, address_id: int) -> None:
    """Begin anew with an address."""
    tx.execute(delete(_SCORE).where(_SCORE.c.address_id == address_id))


def add_score(tx: Tx, address_id: int, weight: float, now: datetime) -> float:
    """Count a bounce against an address; gives the score after it. It halves every 30 days."""
    insert_new(tx, _SCORE, [{"address_id": address_id, "score": 0.0, "at": now}])
    row = tx.execute(select(_SCORE).where(_SCORE.c.address_id == address_id).with_for_update()).one()
    days = max(0.0, (now - row.at).total_seconds() / 86_400)
    score: float = row.score * 0.5 ** (days / HALF_LIFE_DAYS) + weight
    tx.execute(update(_SCORE).where(_SCORE.c.address_id == address_id).values(score=score, at=now))
    return score
