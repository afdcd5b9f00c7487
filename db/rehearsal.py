"""What a rehearsal looks at afterwards: the mails that came into being, and who was left out of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from db.engine import CHUNK, Tx
from db.states import LIVE
from db.tables import Address, Delivery, Digest, LeftOut, Liaison, Mailing, Mandate, RosterGroup

_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_L: Any = Liaison.__table__  # type: ignore[attr-defined]
_ADDRESS: Any = Address.__table__  # type: ignore[attr-defined]
_G: Any = Digest.__table__  # type: ignore[attr-defined]
_LEFT: Any = LeftOut.__table__  # type: ignore[attr-defined]
_MANDATE: Any = Mandate.__table__  # type: ignore[attr-defined]
_GROUP: Any = RosterGroup.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the database stood before: the newest delivery and mailing, and what was on its way."""

    delivery: int
    mailing: int
    waiting: frozenset[int]


@dataclass(frozen=True, slots=True)
class Made:
    """One delivery as it stands afterwards. To somebody who is no liaison (a translator): liaison 0, no name, UTC."""

    liaison_id: int
    name: str
    addr: str
    zone: str
    kind: str
    key: str
    digest: str
    variant_id: int
    state: str
    reason: str
    mailing_state: str
    mailing_why: str
    send_at: datetime
    languages: list[str]


def mark(tx: Tx) -> Mark:
    """Where the database stands now."""
    newest = [int(tx.execute(select(func.max(table.c.id))).scalar() or 0) for table in (_D, _M)]
    waiting = tx.execute(select(_D.c.id).where(_D.c.state.in_(LIVE))).scalars()
    return Mark(newest[0], newest[1], frozenset(waiting))


def made(tx: Tx, process_id: int, since: Mark) -> list[Made]:
    """What was on its way at the mark, and every delivery since, in order of time."""
    query = (
        select(
            func.coalesce(_D.c.liaison_id, 0), _L.c.name, func.coalesce(_ADDRESS.c.addr, _D.c.to_addr),
            func.coalesce(_L.c.zone, "UTC"), _M.c.kind, _M.c.natural_key, _G.c.slug,
            _D.c.variant_id, _D.c.state, _D.c.reason, _M.c.state, _M.c.paused_why, _D.c.send_at, _L.c.languages,
        )
        .join(_M, _M.c.id == _D.c.mailing_id)
        .outerjoin(_L, _L.c.id == _D.c.liaison_id)
        .outerjoin(_G, _G.c.id == _M.c.digest_id)
        .outerjoin(_ADDRESS, _ADDRESS.c.id == _D.c.address_id)
        .where(_M.c.process_id == process_id)
    )  # fmt: skip
    waiting = sorted(since.waiting)
    parts = [waiting[n : n + CHUNK] for n in range(0, len(waiting), CHUNK)]
    rows = list(tx.execute(query.where(_D.c.id > since.delivery)))
    for part in parts:
        rows += tx.execute(query.where(_D.c.id.in_(part)))
    return sorted((_made(row) for row in rows), key=lambda one: (one.send_at, one.addr, one.key))


def _made(row: Any) -> Made:
    values: list[Any] = ["" if value is None else value for value in row]
    return Made(*values)


def left_out(tx: Tx, process_id: int, since: Mark) -> list[tuple[str, str, str]]:
    """Who was left out of which mailing since the mark, and why: (address, key of the mailing, reason)."""
    rows = tx.execute(
        select(_ADDRESS.c.addr, _L.c.name, _M.c.natural_key, _LEFT.c.reason)
        .join(_M, _M.c.id == _LEFT.c.mailing_id)
        .join(_L, _L.c.id == _LEFT.c.liaison_id)
        .outerjoin(_ADDRESS, (_ADDRESS.c.liaison_id == _L.c.id) & _ADDRESS.c.is_primary)
        .where(_M.c.process_id == process_id, _M.c.id > since.mailing)
        .order_by(_M.c.id, _L.c.id)
    )
    return [(row.addr or row.name or "", row.natural_key, row.reason) for row in rows]


def countries(tx: Tx, liaison_ids: Collection[int]) -> dict[int, str]:
    """The country of the first group that each of these liaisons stands for, where it has one."""
    ids = sorted(liaison_ids)
    found: dict[int, str] = {}
    for n in range(0, len(ids), CHUNK):
        rows = tx.execute(
            select(_MANDATE.c.liaison_id, _GROUP.c.country)
            .join(_GROUP, _GROUP.c.id == _MANDATE.c.group_id)
            .where(_MANDATE.c.liaison_id.in_(ids[n : n + CHUNK]), _MANDATE.c.until_on.is_(None))
            .order_by(_MANDATE.c.id)
        )
        for row in rows:
            if row.country:
                found.setdefault(row.liaison_id, row.country)
    return found
