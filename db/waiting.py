"""Deliveries of one liaison that still wait for their moment, and moving that moment (T8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from db.engine import Tx
from db.states import DeliveryState
from db.tables import Announcement, Delivery, Digest, Edition, Mailing

_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_E: Any = Edition.__table__  # type: ignore[attr-defined]
_G: Any = Digest.__table__  # type: ignore[attr-defined]
_A: Any = Announcement.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A queued delivery: of an edition, or of an announcement with the wall time of this mailing of it.

    `free_at`: the end of the undo window, from which an edition may leave; `floor` is that of an announcement.
    """

    delivery_id: int
    send_at: datetime
    not_after: datetime
    free_at: datetime | None
    floor: datetime | None
    landing: str
    send_wall: str
    zone: str


def waiting_for(tx: Tx, liaison_id: int) -> list[WaitingRow]:
    """The queued deliveries of editions and announcements; what was deferred waits for a retry, not for an hour."""
    rows = tx.execute(
        select(
            _D.c.id,
            _D.c.send_at,
            _D.c.not_after,
            _E.c.frozen_at,
            _G.c.undo_minutes,
            _M.c.natural_key,
            _M.c.created_at,
            _A.c.landing,
            _A.c.undo_minutes.label("undo"),
            _A.c.zone,
        )
        .join(_M, _M.c.id == _D.c.mailing_id)
        .outerjoin(_E, _E.c.id == _M.c.edition_id)
        .outerjoin(_G, _G.c.id == _E.c.digest_id)
        .outerjoin(_A, _A.c.id == _M.c.announcement_id)
        .where(_D.c.liaison_id == liaison_id, _D.c.state == DeliveryState.QUEUED)
        .order_by(_D.c.id)
    )
    return [
        WaitingRow(
            delivery_id=row.id,
            send_at=row.send_at,
            not_after=row.not_after,
            free_at=row.frozen_at and row.frozen_at + timedelta(minutes=row.undo_minutes),
            floor=row.created_at + timedelta(minutes=row.undo) if row.undo is not None else None,
            landing=row.landing or "",
            # A repeated announcement stands at its next moment already; the key of the mailing names its own.
            send_wall=row.natural_key.split(":", 2)[2] if row.landing else "",
            zone=row.zone or "",
        )
        for row in rows
    ]


def set_moment(tx: Tx, delivery_id: int, send_at: datetime, not_after: datetime) -> None:
    """Have a delivery leave at another moment, unless it was claimed meanwhile."""
    tx.execute(
        update(_D)
        .where(_D.c.id == delivery_id, _D.c.state == DeliveryState.QUEUED)
        .values(send_at=send_at, not_after=not_after)
    )
