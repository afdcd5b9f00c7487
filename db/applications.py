"""Applications: who asked to take part, from the asking until the core team has decided."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from db.bulk import insert_new
from db.engine import Tx
from db.tables import Application

_A: Any = Application.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """Somebody who asked. `wording` is what they agreed to, `evidence` where they asked from."""

    id: int
    process_id: int
    tag: int
    addr: str
    key: str
    name: str
    group_id: int | None
    languages: tuple[str, ...]
    zone: str
    wording: str
    evidence: str
    asked_at: datetime
    confirmed_at: datetime | None


def _one(tx: Tx, query: Any) -> ApplicationRow | None:
    row = tx.execute(query).first()
    return None if row is None else _value(row)


def _value(row: Any) -> ApplicationRow:
    return ApplicationRow(**{**row._mapping, "languages": tuple(row.languages)})


def by_key(tx: Tx, process_id: int, key: str) -> ApplicationRow | None:
    """The application from an address, by its key."""
    return _one(tx, select(_A).where(_A.c.process_id == process_id, _A.c.key == key))


def by_tag(tx: Tx, tag: int) -> ApplicationRow | None:
    """The application that a token names."""
    return _one(tx, select(_A).where(_A.c.tag == tag))


def waiting(tx: Tx, process_id: int) -> list[ApplicationRow]:
    """Those whose address is confirmed, the longest waiting first."""
    query = select(_A).where(_A.c.process_id == process_id, _A.c.confirmed_at.is_not(None))
    return [_value(row) for row in tx.execute(query.order_by(_A.c.confirmed_at, _A.c.id))]


def put(tx: Tx, process_id: int, key: str, tag: int, **values: Any) -> int | None:
    """Record an application; one from the same address that is not confirmed takes the new values and keeps its tag.

    Gives its tag; None when it is confirmed already, or the tag is taken.
    """
    known = by_key(tx, process_id, key)
    if known is None:
        row = {"process_id": process_id, "key": key, "tag": tag, "confirmed_at": None, **values}
        return tag if insert_new(tx, _A, [row], "id") else None
    if known.confirmed_at is not None:
        return None
    tx.execute(update(_A).where(_A.c.id == known.id).values(**values))
    return known.tag


def confirm(tx: Tx, application_id: int, evidence: str, now: datetime) -> bool:
    """The address answered; False if it had before."""
    done = tx.execute(
        update(_A)
        .where(_A.c.id == application_id, _A.c.confirmed_at.is_(None))
        .values(confirmed_at=now, evidence=_A.c.evidence + evidence)
        .returning(_A.c.id)
    ).first()
    return done is not None


def remove(tx: Tx, application_id: int) -> None:
    """Destroy an application."""
    tx.execute(delete(_A).where(_A.c.id == application_id))


def expire(tx: Tx, before: datetime) -> int:
    """Destroy what was not confirmed since that moment; gives how many."""
    return len(
        tx.execute(delete(_A).where(_A.c.confirmed_at.is_(None), _A.c.asked_at < before).returning(_A.c.id)).all()
    )


def overdue(tx: Tx, before: datetime) -> bool:
    """Whether there is one to destroy."""
    query = select(_A.c.id).where(_A.c.confirmed_at.is_(None), _A.c.asked_at < before).limit(1)
    return tx.execute(query).first() is not None
