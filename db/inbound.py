"""Raw messages: kept as they came, claimed by one reader at a time, and moved to what they turned out to be.

A claim is a lease until `look_at`, fenced by `tries`: what a reader concluded counts only if nobody claimed the mail
after it. A filed mail keeps `look_at` while its receipt is owed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update

from db import journal
from db.engine import Tx
from db.journal import Act
from db.states import RawState
from db.tables import RawBody, RawMessage
from mailer.message import Envelope

_RAW: Any = RawMessage.__table__  # type: ignore[attr-defined]
_BODY: Any = RawBody.__table__  # type: ignore[attr-defined]

ANSWERED = (
    RawState.FILED,
    RawState.COMMAND,
    RawState.ROUTED,
    RawState.REACTION,
    RawState.HELD,
    RawState.BOUNCE,
    RawState.COMPLAINT,
)
"""States in which a mail counts as had: the same mail again is a duplicate."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A mail before and after understanding; its bytes stand apart."""

    id: int
    process_id: int | None
    received_at: datetime
    state: str
    rule: str | None
    reason: str | None
    reader: str | None
    fingerprint: str | None
    verdict: Any
    touched_by: str | None
    tries: int
    look_at: datetime | None
    purge_at: datetime


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail that came in, and when."""

    envelope: Envelope
    data: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Bytes:
    """What was received. None of it is left after retention purged it."""

    envelope: Envelope
    data: bytes


def _row(row: Any) -> RawRow:
    return RawRow(**{name: getattr(row, name) for name in RawRow.__slots__})


def store(tx: Tx, mails: Sequence[Arrived], keep: timedelta) -> list[int]:
    """Keep mails as they came, for so long; gives their ids in order."""
    heads = [
        {"received_at": one.at, "state": RawState.PENDING.value, "tries": 0, "purge_at": one.at + keep} for one in mails
    ]
    made = tx.execute(insert(_RAW).returning(_RAW.c.id, sort_by_parameter_order=True), heads)
    ids = [int(i) for (i,) in made]
    tx.execute(
        insert(_BODY),
        [
            {"raw_id": raw_id, "envelope": _document(one.envelope), "bytes": one.data}
            for raw_id, one in zip(ids, mails, strict=True)
        ],
    )
    return ids


def strange(tx: Tx, mails: Sequence[Arrived]) -> list[Arrived]:
    """Those of these mails that are not kept yet: the others came in at the same moment with the same bytes."""
    query = select(_RAW.c.received_at, _BODY.c.bytes, _BODY.c.envelope).join(_BODY, _BODY.c.raw_id == _RAW.c.id)
    rows = tx.execute(query.where(_RAW.c.received_at.in_({one.at for one in mails})))
    known = [(row.received_at, row.bytes, row.envelope) for row in rows]
    return [one for one in mails if (one.at, one.data, _document(one.envelope)) not in known]


def _document(envelope: Envelope) -> dict[str, Any]:
    return {
        "mail_from": envelope.mail_from,
        "rcpt_to": list(envelope.rcpt_to),
        "peer": envelope.peer,
        "helo": envelope.helo,
    } | ({"front": envelope.front} if envelope.front else {})


def claim(tx: Tx, now: datetime, until: datetime, limit: int) -> list[RawRow]:
    """Lease up to `limit` pending mails, oldest first; each claim counts as a try."""
    due = (
        select(_RAW.c.id)
        .where(_RAW.c.state == RawState.PENDING, _RAW.c.look_at.is_(None) | (_RAW.c.look_at <= now))
        .order_by(_RAW.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = [int(row.id) for row in tx.execute(due)]
    if not ids:
        return []
    tx.execute(update(_RAW).where(_RAW.c.id.in_(ids)).values(look_at=until, tries=_RAW.c.tries + 1))
    return [_row(row) for row in tx.execute(select(_RAW).where(_RAW.c.id.in_(ids)).order_by(_RAW.c.id))]


def holds(tx: Tx, raw: RawRow) -> bool:
    """Whether the claim that gave `raw` still stands; the row is locked until the transaction ends."""
    row = tx.execute(select(_RAW.c.state, _RAW.c.tries).where(_RAW.c.id == raw.id).with_for_update()).one()
    return bool(row.state == RawState.PENDING and row.tries == raw.tries)


def release(tx: Tx, raw_id: int, reason: str, look_at: datetime | None = None) -> None:
    """Give a claim back: the next look, or the first one after `look_at`, tries again."""
    tx.execute(
        update(_RAW).where(_RAW.c.id == raw_id, _RAW.c.state == RawState.PENDING).values(look_at=look_at, reason=reason)
    )


def settle(tx: Tx, act: Act, raw_id: int, becomes: RawState, why: str, **values: Any) -> None:
    """Move a raw message, with what was understood beside it."""
    values = {"look_at": None} | values
    process_id = values.pop("process_id", None)
    if process_id is not None:
        change(tx, raw_id, process_id=process_id)
    journal.move(tx, act, "raw", raw_id, becomes, why, process_id=process_id, **values)


def change(tx: Tx, raw_id: int, **values: Any) -> None:
    """Set columns other than the state."""
    tx.execute(update(_RAW).where(_RAW.c.id == raw_id).values(**values))


def body(tx: Tx, raw_id: int) -> Bytes | None:
    """The bytes and the envelope; None once they were purged."""
    row = tx.execute(select(_BODY.c.envelope, _BODY.c.bytes).where(_BODY.c.raw_id == raw_id)).first()
    if row is None:
        return None
    said = row.envelope
    came = [said.get(key, "") for key in ("peer", "helo", "front")]
    envelope = Envelope(said["mail_from"], tuple(said["rcpt_to"]), *came)
    return Bytes(envelope, bytes(row.bytes))


def raw(tx: Tx, raw_id: int) -> RawRow | None:
    """One raw message."""
    row = tx.execute(select(_RAW).where(_RAW.c.id == raw_id)).first()
    return None if row is None else _row(row)


def twin(tx: Tx, fingerprint: str, raw_id: int) -> RawRow | None:
    """Another mail that says the same and was dealt with, the oldest."""
    row = tx.execute(
        select(_RAW)
        .where(_RAW.c.fingerprint == fingerprint, _RAW.c.id != raw_id, _RAW.c.state.in_(ANSWERED))
        .order_by(_RAW.c.id)
        .limit(1)
    ).first()
    return None if row is None else _row(row)


def by_fingerprint(tx: Tx, fingerprint: str) -> list[RawRow]:
    """The mails of a fingerprint, oldest first."""
    return [_row(row) for row in tx.execute(select(_RAW).where(_RAW.c.fingerprint == fingerprint).order_by(_RAW.c.id))]


def owing(tx: Tx, now: datetime, limit: int) -> list[RawRow]:
    """Filed mails whose receipt is due, oldest first."""
    query = select(_RAW).where(_RAW.c.state == RawState.FILED, _RAW.c.look_at <= now)
    return [_row(row) for row in tx.execute(query.order_by(_RAW.c.id).limit(limit))]


def raws(
    tx: Tx,
    *,
    process_id: int | None = None,
    states: Sequence[str] = (),
    ids: Sequence[int] = (),
    since: datetime | None = None,
    limit: int = 200,
) -> list[RawRow]:
    """Raw messages, newest first. Those that name no process belong to all."""
    query = select(_RAW).order_by(_RAW.c.id.desc()).limit(limit)
    if process_id is not None:
        query = query.where((_RAW.c.process_id == process_id) | _RAW.c.process_id.is_(None))
    if states:
        query = query.where(_RAW.c.state.in_(states))
    if ids:
        query = query.where(_RAW.c.id.in_(ids))
    if since is not None:
        query = query.where(_RAW.c.received_at >= since)
    return [_row(row) for row in tx.execute(query)]


def counts(tx: Tx, process_id: int | None = None) -> dict[str, int]:
    """How many raw messages are in which state."""
    query = select(_RAW.c.state, func.count()).group_by(_RAW.c.state)
    if process_id is not None:
        query = query.where((_RAW.c.process_id == process_id) | _RAW.c.process_id.is_(None))
    return {str(state): int(number) for state, number in tx.execute(query)}


def heads(tx: Tx, raw_ids: Sequence[int], octets: int = 65_536) -> dict[int, bytes]:
    """The first octets of mails, where their headers stand, without fetching the whole of them."""
    rows = tx.execute(
        select(_BODY.c.raw_id, func.substr(_BODY.c.bytes, 1, octets).label("head")).where(_BODY.c.raw_id.in_(raw_ids))
    )
    return {row.raw_id: bytes(row.head) for row in rows}
