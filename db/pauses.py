"""Destination domains that nothing is sent to for now."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from db.engine import Tx
from db.tables import PausedDomain

_P: Any = PausedDomain.__table__  # type: ignore[attr-defined]


def domains(tx: Tx) -> dict[str, str]:
    """The paused domains and why."""
    return {row.domain: row.why for row in tx.execute(select(_P).order_by(_P.c.domain))}


def pause(tx: Tx, domain: str, why: str, now: datetime) -> None:
    """Send nothing there any more; pausing again gives a new reason."""
    tx.execute(delete(_P).where(_P.c.domain == domain))
    tx.execute(insert(_P).values(domain=domain, at=now, why=why))


def resume(tx: Tx, domain: str) -> bool:
    """Go on; False if it was not paused."""
    return tx.execute(delete(_P).where(_P.c.domain == domain).returning(_P.c.domain)).first() is not None
