"""Announcements as stored: one-off texts of the core team, whose words are in `text`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from db.engine import Tx
from db.states import LIVE, TOLD, WAITING, DeliveryState, MailingState
from db.tables import Announcement, Delivery, Mailing, Variant

_A: Any = Announcement.__table__  # type: ignore[attr-defined]
_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_V: Any = Variant.__table__  # type: ignore[attr-defined]

_ARRIVED = tuple(state for state in TOLD if state not in LIVE)


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """One announcement."""

    id: int
    process_id: int
    slug: str
    state: str
    landing: str
    send_wall: str | None
    zone: str | None
    audience: Any
    fold: bool
    urgent: bool
    repeat: str
    expires_at: datetime | None
    written_by: str
    reviewed_by: str | None
    undo_minutes: int
    created_at: datetime
    corrects_id: int | None


def add(tx: Tx, **values: Any) -> int:
    """Create an announcement; gives its id."""
    return int(tx.execute(insert(_A).values(**values).returning(_A.c.id)).scalar_one())


def change(tx: Tx, announcement_id: int, **values: Any) -> None:
    """Set columns other than the state."""
    tx.execute(update(_A).where(_A.c.id == announcement_id).values(**values))


def by_slug(tx: Tx, process_id: int, slug: str) -> AnnouncementRow | None:
    """The announcement of that name."""
    row = tx.execute(select(_A).where(_A.c.process_id == process_id, _A.c.slug == slug)).first()
    return AnnouncementRow(**row._mapping) if row is not None else None


def by_id(tx: Tx, announcement_id: int) -> AnnouncementRow:
    """The announcement of that id."""
    return AnnouncementRow(**tx.execute(select(_A).where(_A.c.id == announcement_id)).one()._mapping)


def announcements(tx: Tx, process_id: int | None = None, states: Sequence[str] = ()) -> list[AnnouncementRow]:
    """Announcements in the order in which they were written."""
    query = select(_A).order_by(_A.c.id)
    if process_id is not None:
        query = query.where(_A.c.process_id == process_id)
    if states:
        query = query.where(_A.c.state.in_(states))
    return [AnnouncementRow(**row._mapping) for row in tx.execute(query)]


def audiences(tx: Tx, process_id: int, ids: Sequence[int]) -> dict[int, Any]:
    """The audience rules of these announcements."""
    if not ids:
        return {}
    rows = tx.execute(select(_A.c.id, _A.c.audience).where(_A.c.process_id == process_id, _A.c.id.in_(ids)))
    return {row.id: row.audience or {} for row in rows}


def arrived(tx: Tx, mailing_id: int) -> dict[int, str]:
    """Who got a mailing, by liaison, with the key of the wording that they got."""
    query = select(_D.c.liaison_id, _V.c.key).join(_V, _V.c.id == _D.c.variant_id)
    rows = tx.execute(query.where(_D.c.mailing_id == mailing_id, _D.c.state.in_(_ARRIVED)))
    return {row.liaison_id: row.key for row in rows if row.liaison_id is not None}


def left(tx: Tx, mailing_id: int) -> int:
    """How many mails of a mailing were handed to the relay, or are being so."""
    stayed = (*WAITING, DeliveryState.CANCELLED)
    query = select(func.count()).select_from(_D).where(_D.c.mailing_id == mailing_id, _D.c.state.not_in(stayed))
    return int(tx.execute(query).scalar_one())


def progress(tx: Tx, process_id: int) -> dict[int, tuple[int, int]]:
    """Of each announcement that has mails: how many have left, and how many there are.

    What was undone before any of it left does not count: that announcement is a draft again.
    """
    gone = func.count().filter(_D.c.state.not_in((*WAITING, DeliveryState.CANCELLED))).label("gone")
    query = select(_M.c.announcement_id, _M.c.state, gone, func.count().label("all")).select_from(
        _D.join(_M, _M.c.id == _D.c.mailing_id)
    )
    of_process = _M.c.announcement_id.is_not(None) & (_M.c.process_id == process_id)
    found: dict[int, tuple[int, int]] = {}
    for row in tx.execute(query.where(of_process).group_by(_M.c.announcement_id, _M.c.id, _M.c.state)):
        if row.gone or row.state != MailingState.WITHDRAWN:
            left, every = found.get(int(row.announcement_id), (0, 0))
            found[int(row.announcement_id)] = (left + int(row.gone), every + int(row.all))
    return found


def on_way(tx: Tx, announcement_id: int) -> int:
    """How many mails of an announcement have not met their fate."""
    query = select(func.count()).select_from(_D.join(_M, _M.c.id == _D.c.mailing_id))
    return int(tx.execute(query.where(_M.c.announcement_id == announcement_id, _D.c.state.in_(LIVE))).scalar_one())
