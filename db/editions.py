"""Digests, their editions, and mailings with their items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from db.bulk import insert_new
from db.engine import Tx
from db.states import EditionState, MailingState
from db.tables import Digest, Edition, Item, Mailing

_DIGEST: Any = Digest.__table__  # type: ignore[attr-defined]
_EDITION: Any = Edition.__table__  # type: ignore[attr-defined]
_MAILING: Any = Mailing.__table__  # type: ignore[attr-defined]
_ITEM: Any = Item.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class DigestRow:
    """A standing series."""

    id: int
    process_id: int
    slug: str
    title: str
    list_id: str
    rule: str
    zone: str
    anchor_on: date
    approval: str
    grace_minutes: int
    undo_minutes: int
    late_limit_minutes: int
    audience: Any
    ticked_until: datetime | None
    calendar: bool = False


@dataclass(frozen=True, slots=True)
class EditionRow:
    """One instance of a digest."""

    id: int
    digest_id: int
    slot_wall: str
    slot_at: datetime
    kind: str
    number: int | None
    state: str
    reason: str
    seq: int | None
    drafted_at: datetime
    frozen_at: datetime | None
    choices: Any


@dataclass(frozen=True, slots=True)
class MailingRow:
    """Approved content on its way."""

    id: int
    process_id: int
    natural_key: str
    tag: int
    kind: str
    digest_id: int | None
    edition_id: int | None
    announcement_id: int | None
    corrects_id: int | None
    seq: int
    state: str
    generation: int
    lane: int
    created_at: datetime
    ready_at: datetime | None
    due_at: datetime
    total: int | None
    set_hash: str | None
    paused_why: str | None


def _digest(row: Any) -> DigestRow:
    return DigestRow(**row._mapping)


def _edition(row: Any) -> EditionRow:
    return EditionRow(**row._mapping)


def _mailing(row: Any) -> MailingRow:
    return MailingRow(**row._mapping)


def add_digest(tx: Tx, **values: Any) -> int:
    """Create a digest; gives its id."""
    return int(tx.execute(insert(_DIGEST).values(**values).returning(_DIGEST.c.id)).scalar_one())


def digests(tx: Tx, process_id: int | None = None) -> list[DigestRow]:
    """All digests, of one process or of all."""
    query = select(_DIGEST).order_by(_DIGEST.c.id)
    if process_id is not None:
        query = query.where(_DIGEST.c.process_id == process_id)
    return [_digest(row) for row in tx.execute(query)]


def digest(tx: Tx, digest_id: int) -> DigestRow:
    """One digest."""
    return _digest(tx.execute(select(_DIGEST).where(_DIGEST.c.id == digest_id)).one())


def lock_digest(tx: Tx, digest_id: int) -> None:
    """Keep other programs from drafting this digest until the transaction ends."""
    tx.execute(select(_DIGEST.c.id).where(_DIGEST.c.id == digest_id).with_for_update())


def set_digest(tx: Tx, digest_id: int, **values: Any) -> None:
    """Change settings of a digest."""
    tx.execute(update(_DIGEST).where(_DIGEST.c.id == digest_id).values(**values))


def add_draft(tx: Tx, digest_id: int, slot_wall: str, slot_at: datetime, kind: str, now: datetime) -> int | None:
    """Draft the edition of a slot; None when the slot has one already (promise 1) or another draft is open."""
    row = {
        "digest_id": digest_id,
        "slot_wall": slot_wall,
        "slot_at": slot_at,
        "kind": kind,
        "state": EditionState.DRAFT,
        "reason": "",
        "drafted_at": now,
        "choices": {},
    }
    made = insert_new(tx, _EDITION, [row], "id")
    return int(made[0].id) if made else None


def set_choices(tx: Tx, edition_id: int, choices: Mapping[str, Any]) -> bool:
    """Write what the editor of a draft decided; False when it is no draft any more."""
    wanted = update(_EDITION).where(_EDITION.c.id == edition_id, _EDITION.c.state == EditionState.DRAFT)
    return bool(tx.execute(wanted.values(choices=dict(choices))).rowcount)


def edition(tx: Tx, edition_id: int) -> EditionRow | None:
    """One edition."""
    row = tx.execute(select(_EDITION).where(_EDITION.c.id == edition_id)).first()
    return _edition(row) if row is not None else None


def editions(tx: Tx, digest_id: int, states: Sequence[str] = ()) -> list[EditionRow]:
    """Editions of a digest, newest slot first."""
    query = select(_EDITION).where(_EDITION.c.digest_id == digest_id).order_by(_EDITION.c.slot_at.desc())
    if states:
        query = query.where(_EDITION.c.state.in_(states))
    return [_edition(row) for row in tx.execute(query)]


def next_number(tx: Tx, digest_id: int) -> int:
    """The number of the edition that is frozen next."""
    last = tx.execute(select(func.max(_EDITION.c.number)).where(_EDITION.c.digest_id == digest_id)).scalar()
    return int(last or 0) + 1


def add_mailing(tx: Tx, tags: Sequence[int], **values: Any) -> int:
    """Create a mailing under the first free one of `tags`; the one that exists when its natural key is known.

    Tags are made from the natural key with a counter for a clash (K3), so a rebuilt mailing has the same tag.
    """
    known = tx.execute(
        select(_MAILING.c.id).where(
            _MAILING.c.process_id == values["process_id"], _MAILING.c.natural_key == values["natural_key"]
        )
    ).scalar()
    if known is not None:
        return int(known)
    taken = {row.tag for row in tx.execute(select(_MAILING.c.tag).where(_MAILING.c.tag.in_(tags)))}
    tag = next(tag for tag in tags if tag not in taken)
    return int(tx.execute(insert(_MAILING).values(tag=tag, **values).returning(_MAILING.c.id)).scalar_one())


def mailing(tx: Tx, mailing_id: int) -> MailingRow:
    """One mailing."""
    return _mailing(tx.execute(select(_MAILING).where(_MAILING.c.id == mailing_id)).one())


def mailing_by_tag(tx: Tx, tag: int) -> MailingRow | None:
    """The mailing that a token names."""
    row = tx.execute(select(_MAILING).where(_MAILING.c.tag == tag)).first()
    return _mailing(row) if row is not None else None


def mailing_by_key(tx: Tx, process_id: int, natural_key: str) -> MailingRow | None:
    """The mailing of a natural key."""
    row = tx.execute(
        select(_MAILING).where(_MAILING.c.process_id == process_id, _MAILING.c.natural_key == natural_key)
    ).first()
    return _mailing(row) if row is not None else None


def mailings(tx: Tx, states: Sequence[str] = (), **where: Any) -> list[MailingRow]:
    """Mailings by state and by column values, oldest first."""
    query = select(_MAILING).order_by(_MAILING.c.id)
    if states:
        query = query.where(_MAILING.c.state.in_(states))
    for column, value in where.items():
        query = query.where(_MAILING.c[column] == value)
    return [_mailing(row) for row in tx.execute(query)]


def building(tx: Tx) -> list[MailingRow]:
    """Mailings whose deliveries are not all written yet: a crash left them, or they have just begun."""
    return mailings(tx, [MailingState.BUILDING])


def lock_building(tx: Tx, mailing_id: int) -> bool:
    """Keep other programs off a mailing until the transaction ends; False when it is not being built any more."""
    state = tx.execute(select(_MAILING.c.state).where(_MAILING.c.id == mailing_id).with_for_update()).scalar_one()
    return bool(state == MailingState.BUILDING)


def set_mailing(tx: Tx, mailing_id: int, **values: Any) -> None:
    """Set columns of a mailing other than its state."""
    tx.execute(update(_MAILING).where(_MAILING.c.id == mailing_id).values(**values))


def items(tx: Tx, mailing_id: int) -> dict[tuple[str, int], int]:
    """The numbers of a mailing's subjects."""
    rows = tx.execute(
        select(_ITEM.c.subject_kind, _ITEM.c.subject_id, _ITEM.c.number).where(_ITEM.c.mailing_id == mailing_id)
    )
    return {(row.subject_kind, row.subject_id): row.number for row in rows}


def add_items(tx: Tx, mailing_id: int, numbers: Mapping[tuple[str, int], int]) -> None:
    """Number subjects of a mailing; numbers given before stay."""
    insert_new(
        tx,
        _ITEM,
        [
            {"mailing_id": mailing_id, "number": number, "subject_kind": kind, "subject_id": subject_id}
            for (kind, subject_id), number in numbers.items()
        ],
    )
