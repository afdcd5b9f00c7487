"""The ledger's questions: who got a mailing; every delivery with what is recorded about it. Read a few at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from db import journal
from db.engine import Tx
from db.tables import Address, Attempt, Delivery, Journal, LeftOut, Liaison, Mailing, Variant

_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_A: Any = Attempt.__table__  # type: ignore[attr-defined]
_L: Any = Liaison.__table__  # type: ignore[attr-defined]
_V: Any = Variant.__table__  # type: ignore[attr-defined]
_J: Any = Journal.__table__  # type: ignore[attr-defined]
_LEFT: Any = LeftOut.__table__  # type: ignore[attr-defined]
_ADDRESS: Any = Address.__table__  # type: ignore[attr-defined]

_STREAM = {"yield_per": 1_000}
_TEXTS = ("name", "addr", "size", "reason", "enhanced", "answer")


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What became of one mailing for one person. `at`: when the last try ended. No delivery: left out, see `reason`."""

    delivery_id: int | None
    liaison_id: int | None
    name: str
    addr: str
    lang: str
    size: str
    state: str
    reason: str
    send_at: datetime | None
    tries: int
    at: datetime | None
    code: int | None
    enhanced: str
    answer: str


def rows(tx: Tx, mailing_id: int) -> Iterator[LedgerRow]:
    """Every delivery of a mailing with its last try, then everybody who was left out."""
    query = (
        select(
            _D.c.id.label("delivery_id"), _D.c.liaison_id, _L.c.name,
            func.coalesce(_ADDRESS.c.addr, _D.c.to_addr).label("addr"), _D.c.lang, _V.c.size, _D.c.state, _D.c.reason,
            _D.c.send_at, _D.c.tries, _A.c.ended_at.label("at"), _A.c.code, _A.c.enhanced, _A.c.reply.label("answer"),
        )
        .outerjoin(_L, _L.c.id == _D.c.liaison_id)
        .outerjoin(_ADDRESS, _ADDRESS.c.id == _D.c.address_id)
        .outerjoin(_V, _V.c.id == _D.c.variant_id)
        .outerjoin(_A, (_A.c.delivery_id == _D.c.id) & (_A.c.n == _D.c.tries))
        .where(_D.c.mailing_id == mailing_id)
        .order_by(_D.c.id)
    )  # fmt: skip
    for row in tx.execute(query, execution_options=_STREAM):
        values: dict[str, Any] = dict(row._mapping)
        yield LedgerRow(**(values | {name: "" for name in _TEXTS if values[name] is None}))
    primary = (_ADDRESS.c.liaison_id == _L.c.id) & _ADDRESS.c.is_primary & _ADDRESS.c.retired_at.is_(None)
    left = (
        select(_LEFT.c.liaison_id, _L.c.name, _ADDRESS.c.addr, _LEFT.c.reason)
        .outerjoin(_L, _L.c.id == _LEFT.c.liaison_id)
        .outerjoin(_ADDRESS, primary)
        .where(_LEFT.c.mailing_id == mailing_id)
        .order_by(_LEFT.c.liaison_id)
    )
    for row in tx.execute(left, execution_options=_STREAM):
        yield LedgerRow(
            None, row.liaison_id, row.name or "", row.addr or "", "", "", "left out", row.reason, None, 0, None, None,
            "", "",
        )  # fmt: skip


def deliveries(tx: Tx) -> Iterator[Any]:
    """Every delivery with the state of its mailing, by id."""
    query = select(
        _D.c.id, _D.c.mailing_id, _D.c.state, _D.c.reason, _D.c.tries, _D.c.not_after, _D.c.lease_until,
        _D.c.address_id, _D.c.lang, _D.c.variant_id, _M.c.state.label("mailing_state"),
    )  # fmt: skip
    query = query.outerjoin(_M, _M.c.id == _D.c.mailing_id).order_by(_D.c.id)
    yield from tx.execute(query, execution_options=_STREAM)


def attempts(tx: Tx) -> Iterator[Any]:
    """Every attempt, by delivery and number."""
    yield from tx.execute(select(_A).order_by(_A.c.delivery_id, _A.c.n), execution_options=_STREAM)


def moves_of_deliveries(tx: Tx) -> Iterator[Any]:
    """Every recorded move of a delivery, by delivery, oldest first: `subject_id`, `move_to`, `why`."""
    query = select(_J.c.subject_id, _J.c.move_to, _J.c.why).where(_J.c.subject_kind == "delivery")
    yield from tx.execute(query.order_by(_J.c.subject_id, _J.c.id), execution_options=_STREAM)


def vouched(tx: Tx) -> Iterator[Any]:
    """Every attempt that a journal row vouches for, by that row."""
    query = select(_A).where(_A.c.journal_id.is_not(None)).order_by(_A.c.journal_id, _A.c.delivery_id, _A.c.n)
    yield from tx.execute(query, execution_options=_STREAM)


def vouchers(tx: Tx) -> Iterator[Any]:
    """Every journal row that vouches for attempts: `id`, `at`, `actor`, their number and `proof`."""
    query = select(_J.c.id, _J.c.at, _J.c.actor, _J.c.subject_id, _J.c.proof).where(
        _J.c.subject_kind == journal.ATTEMPTS
    )
    yield from tx.execute(query.order_by(_J.c.id), execution_options=_STREAM)


def sealed(tx: Tx) -> Iterator[Any]:
    """Every sealed journal row, by seal."""
    query = select(_J).where(_J.c.seal_no.is_not(None)).order_by(_J.c.seal_no, _J.c.id)
    yield from tx.execute(query, execution_options=_STREAM)


def settled(tx: Tx) -> Iterator[Any]:
    """Every mailing with what was promised and what is there: `id`, `natural_key`, `total`, `set_hash`, `found`."""
    query = (
        select(
            _M.c.id, _M.c.natural_key, _M.c.total, _M.c.set_hash, _per_mailing(_D).label("given"),
            _per_mailing(_LEFT).label("left"),
        )
        .where(_M.c.total.is_not(None))
        .order_by(_M.c.id)
    )  # fmt: skip
    yield from tx.execute(query, execution_options=_STREAM)


def _per_mailing(table: Any) -> Any:
    return select(func.count()).where(table.c.mailing_id == _M.c.id).scalar_subquery()


def promised(tx: Tx) -> dict[int, str]:
    """The hash over the readers of each mailing, as the journal has it."""
    query = select(_J.c.subject_id, _J.c.proof).where(_J.c.subject_kind == "mailing", _J.c.proof.is_not(None))
    return {row.subject_id: row.proof for row in tx.execute(query.order_by(_J.c.id))}


def gone_mailings(tx: Tx) -> list[int]:
    """Mailings that the journal knows and the database no longer has."""
    query = select(_J.c.subject_id).where(_J.c.subject_kind == "mailing", _J.c.subject_id.not_in(select(_M.c.id)))
    return [int(i) for i in tx.execute(query.distinct().order_by(_J.c.subject_id)).scalars()]
