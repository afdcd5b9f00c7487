"""Attempts: one SMTP conversation about a delivery, and what it came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update

from db import journal, marks
from db.engine import Tx
from db.journal import Act
from db.states import DeliveryState
from db.tables import Attempt

_A: Any = Attempt.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Fate:
    """What one try came to, ready to be written."""

    delivery_id: int
    n: int
    state: DeliveryState
    outcome: str  # accepted, temporary, permanent, unknown
    code: int
    enhanced: str
    reply: str
    sent_hash: str
    reason: str | None = None
    next_at: datetime | None = None
    at: datetime | None = None  # when the try ended, if that was before it is written


_CLOSE: Any = (
    update(_A)
    .where(_A.c.delivery_id == bindparam("b_id"), _A.c.n == bindparam("b_n"))
    .values(
        ended_at=bindparam("b_at", type_=_A.c.ended_at.type),
        outcome=bindparam("b_outcome"),
        code=bindparam("b_code"),
        enhanced=bindparam("b_enhanced"),
        reply=bindparam("b_reply"),
        sent_hash=bindparam("b_hash"),
        mark=bindparam("b_mark"),
        journal_id=bindparam("b_journal"),
    )
)


def close(tx: Tx, act: Act, fates: Sequence[Fate]) -> None:
    """Write what tries came to, and one journal row that vouches for all of them: it is sealed with the others."""
    if not fates:
        return
    found = marked(act, fates)
    journal_id = journal.note(tx, act, (journal.ATTEMPTS, len(found)), journal.RECORDED, proof=proof(found))
    tx.execute(
        _CLOSE,
        [
            {
                "b_id": fate.delivery_id,
                "b_n": fate.n,
                "b_at": fate.at or act.now,
                "b_outcome": fate.outcome,
                "b_code": fate.code,
                "b_enhanced": fate.enhanced,
                "b_reply": fate.reply,
                "b_hash": fate.sent_hash,
                "b_mark": mark,
                "b_journal": journal_id,
            }
            for fate, mark in found
        ],
    )


def marked(act: Act, fates: Sequence[Fate]) -> list[tuple[Fate, str]]:
    """Tries with the marks of their rows, in the order in which a journal row vouches for them."""
    ordered = sorted(fates, key=lambda fate: (fate.delivery_id, fate.n))
    return [(fate, _mark(fate, fate.at or act.now)) for fate in ordered]


def proof(found: Sequence[tuple[Fate, str]]) -> str:
    """The hash by which a journal row vouches for marked tries."""
    return marks.over(mark for _, mark in found)


def _mark(fate: Fate, now: datetime) -> str:
    return marks.mark(fate.delivery_id, fate.n, now, fate.outcome, fate.code, fate.enhanced, fate.reply, fate.sent_hash)
