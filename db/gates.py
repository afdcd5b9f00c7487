"""Waiting for languages: standing orders of digests and announcements, and the gates of mailings (L5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from db import journal
from db.bulk import insert_new
from db.engine import Tx
from db.journal import Act
from db.states import DeliveryState, GateState
from db.tables import Delivery, LanguageGate, LanguageWait, Liaison
from db.texts import Field
from digests.gate import Pin

_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_L: Any = Liaison.__table__  # type: ignore[attr-defined]
_WAIT: Any = LanguageWait.__table__  # type: ignore[attr-defined]
_GATE: Any = LanguageGate.__table__  # type: ignore[attr-defined]

DIGEST, ANNOUNCEMENT = "digest", "announcement"
Needs = Mapping[Field, Pin]


@dataclass(frozen=True, slots=True)
class GateRow:
    """A language that a mailing waits for, and the texts it waits for, as they were when it was frozen."""

    id: int
    mailing_id: int
    lang: str
    state: str
    cut_off_at: datetime
    opened_at: datetime | None
    needs: Needs


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A delivery behind a gate, with what its moment depends on."""

    id: int
    liaison_id: int
    variant_id: int
    send_at: datetime
    zone: str
    hour: int
    quiet: Any
    languages: tuple[str, ...]


def waits(tx: Tx, kind: str, subject_id: int) -> dict[str, int]:
    """How many hours a digest or an announcement waits for which languages."""
    mine = (_WAIT.c.subject_kind == kind) & (_WAIT.c.subject_id == subject_id)
    rows = tx.execute(select(_WAIT.c.lang, _WAIT.c.hours).where(mine).order_by(_WAIT.c.lang))
    return {row.lang: row.hours for row in rows}


def set_wait(tx: Tx, kind: str, subject_id: int, lang: str, hours: int) -> bool:
    """Wait so many hours, 0: not at all; says whether that is anything new."""
    mine = (_WAIT.c.subject_kind == kind) & (_WAIT.c.subject_id == subject_id) & (_WAIT.c.lang == lang)
    was = tx.execute(select(_WAIT.c.hours).where(mine).with_for_update()).scalar()
    if was == (hours or None):
        return False
    tx.execute(delete(_WAIT).where(mine))
    if hours:
        tx.execute(insert(_WAIT).values(subject_kind=kind, subject_id=subject_id, lang=lang, hours=hours))
    return True


def add(tx: Tx, mailing_id: int, lang: str, cut_off_at: datetime, needs: Needs) -> None:
    """Close a gate; one that the mailing has already stays as it is."""
    row = {
        "mailing_id": mailing_id,
        "lang": lang,
        "state": GateState.CLOSED,
        "cut_off_at": cut_off_at,
        "needs": _plain(needs),
    }
    insert_new(tx, _GATE, [row])


def need(tx: Tx, mailing_id: int, lang: str, needs: Needs) -> None:
    """Have a gate wait for these texts too; how it knows a text already stays."""
    mine = (_GATE.c.mailing_id == mailing_id) & (_GATE.c.lang == lang)
    known = tx.execute(select(_GATE.c.needs).where(mine).with_for_update()).scalar_one()
    merged = dict(needs) | _pins(known)
    tx.execute(update(_GATE).where(mine).values(needs=_plain(merged)))


def _plain(needs: Needs) -> list[list[Any]]:
    return [[*field, pin.source_lang, pin.fresh_from, pin.upto] for field, pin in sorted(needs.items())]


def _pins(values: Sequence[Sequence[Any]]) -> dict[Field, Pin]:
    return {(kind, i, name): Pin(lang, fresh, upto) for kind, i, name, lang, fresh, upto in values}


def gates(tx: Tx, states: Sequence[str] = (), mailing_id: int | None = None) -> list[GateRow]:
    """Gates by state and mailing, oldest first."""
    query = select(_GATE).order_by(_GATE.c.id)
    if states:
        query = query.where(_GATE.c.state.in_(states))
    if mailing_id is not None:
        query = query.where(_GATE.c.mailing_id == mailing_id)
    return [
        GateRow(row.id, row.mailing_id, row.lang, row.state, row.cut_off_at, row.opened_at, _pins(row.needs))
        for row in tx.execute(query)
    ]


def closed(tx: Tx, mailing_id: int) -> frozenset[str]:
    """The languages that a mailing waits for now."""
    return frozenset(one.lang for one in gates(tx, [GateState.CLOSED], mailing_id))


def next_cut_off(tx: Tx, after: datetime) -> datetime | None:
    """When the next wait ends."""
    query = select(func.min(_GATE.c.cut_off_at)).where(_GATE.c.state == GateState.CLOSED, _GATE.c.cut_off_at > after)
    found: datetime | None = tx.execute(query).scalar()
    return found


def held(tx: Tx, mailing_id: int, reason: str, after: int = 0, limit: int | None = None) -> list[HeldRow]:
    """The deliveries of a mailing that are held for this reason, by id, those after `after`."""
    query = (
        select(
            _D.c.id, _D.c.liaison_id, _D.c.variant_id, _D.c.send_at, _L.c.zone, _L.c.hour, _L.c.quiet, _L.c.languages
        )
        .join(_L, _L.c.id == _D.c.liaison_id)
        .where(_D.c.mailing_id == mailing_id, _D.c.state == DeliveryState.HELD, _D.c.reason == reason, _D.c.id > after)
        .order_by(_D.c.id)
        .limit(limit)
    )
    return [
        HeldRow(r.id, r.liaison_id, r.variant_id, r.send_at, r.zone, r.hour, r.quiet, tuple(r.languages))
        for r in tx.execute(query)
    ]


def let_go(tx: Tx, act: Act, rows: Sequence[tuple[int, int, datetime, datetime]], why: str, process_id: int) -> int:
    """Queue held deliveries as (id, variant, moment, limit); those that somebody ended meanwhile stay ended."""
    moved = []
    for delivery_id, variant_id, send_at, not_after in rows:
        still = update(_D).where(_D.c.id == delivery_id, _D.c.state == DeliveryState.HELD)
        values = {"variant_id": variant_id, "send_at": send_at, "not_after": not_after}
        done = tx.execute(still.values(state=DeliveryState.QUEUED, reason=None, **values).returning(_D.c.id))
        moved += [int(row.id) for row in done]
    journal.record(tx, act, "delivery", [(i, DeliveryState.HELD, DeliveryState.QUEUED, why) for i in moved], process_id)
    return len(moved)


def rename(tx: Tx, ids: Sequence[int], reason: str) -> None:
    """Hold deliveries for another reason."""
    tx.execute(update(_D).where(_D.c.id.in_(ids), _D.c.state == DeliveryState.HELD).values(reason=reason))
