"""Numbers about the whole deployment, for health checks and dashboards: how many, how old. Nothing about anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, cast, func, select

from db import deployment
from db.engine import Tx
from db.states import DeliveryState, MailingState, RawState, TaskState
from db.tables import Application, Attempt, Delivery, Deployment, Edition, Mailing, RawMessage, Task

_A: Any = Attempt.__table__  # type: ignore[attr-defined]
_APP: Any = Application.__table__  # type: ignore[attr-defined]
_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_DEP: Any = Deployment.__table__  # type: ignore[attr-defined]
_E: Any = Edition.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_R: Any = RawMessage.__table__  # type: ignore[attr-defined]
_T: Any = Task.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Measures:
    """What a deployment holds at one moment. Attempts are counted by outcome and class of code (2, 4, 5; 0: none)."""

    deliveries: Mapping[str, int]
    attempts: Mapping[tuple[str, int], int]
    inbound: Mapping[tuple[str, ...], int]
    editions: Mapping[str, int]
    mailings: Mapping[tuple[str, ...], int]
    tasks: Mapping[str, int]
    applications: int
    oldest_due: datetime | None
    oldest_pending: datetime | None
    limits: Mapping[tuple[str, ...], int]  # met by each worker since it started


def measures(tx: Tx, now: datetime) -> Measures:
    """Count everything. Reads whole tables: not for every request."""
    return Measures(
        deliveries=_single(tx, _D.c.state),
        attempts=_attempts(tx),
        inbound=_pairs(tx, _R.c.state, func.coalesce(_R.c.rule, "")),
        editions=_single(tx, _E.c.state),
        mailings=_pairs(tx, _M.c.kind, _M.c.state),
        tasks={
            str(kind): int(n)
            for kind, n in tx.execute(
                select(_T.c.kind, func.count()).where(_T.c.state == TaskState.OPEN).group_by(_T.c.kind)
            )
        },
        applications=int(
            tx.execute(select(func.count()).select_from(_APP).where(_APP.c.confirmed_at.is_not(None))).scalar_one()
        ),
        oldest_due=oldest_due(tx, now),
        oldest_pending=oldest_pending(tx),
        limits={(one.name, name): n for one in deployment.workers(tx) for name, n in one.limits.items()},
    )


def _single(tx: Tx, column: Any) -> dict[str, int]:
    return {str(value): int(n) for value, n in tx.execute(select(column, func.count()).group_by(column))}


def _pairs(tx: Tx, one: Any, other: Any) -> dict[tuple[str, ...], int]:
    rows = tx.execute(select(one, other, func.count()).group_by(one, other))
    return {(str(a), str(b)): int(n) for a, b, n in rows}


def _attempts(tx: Tx) -> dict[tuple[str, int], int]:
    kind = cast(func.coalesce(_A.c.code, 0), Integer) // 100
    found: dict[tuple[str, int], int] = {}
    for outcome, code, n in tx.execute(select(_A.c.outcome, kind, func.count()).group_by(_A.c.outcome, kind)):
        key = (str(outcome), int(code))
        found[key] = found.get(key, 0) + int(n)
    return found


def oldest_due(tx: Tx, now: datetime) -> datetime | None:
    """Since when the delivery waits that should have left first; None when none is late, or a person paused all."""
    if tx.execute(select(_DEP.c.paused_at)).scalar() is not None:
        return None
    moment: datetime | None = tx.execute(
        select(_D.c.send_at)
        .join(_M, _M.c.id == _D.c.mailing_id)
        .where(
            _D.c.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)),
            _D.c.send_at <= now,
            _M.c.state == MailingState.READY,
        )
        .order_by(_D.c.send_at)
        .limit(1)
    ).scalar()
    return moment


def oldest_pending(tx: Tx) -> datetime | None:
    """When the mail came in that was not understood for the longest time."""
    moment: datetime | None = tx.execute(
        select(_R.c.received_at).where(_R.c.state == RawState.PENDING).order_by(_R.c.id).limit(1)
    ).scalar()
    return moment
