"""What is destroyed on its day, by class of data (E6). `RETENTION` has a word on every table of the schema.

Each class is a query for what is due and a statement that destroys it, a chunk at a time, so that no writer waits long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from db.engine import CHUNK, Tx
from db.states import LIVE, LiaisonState, RawState
from db.tables import (
    Address,
    BounceScore,
    Delivery,
    DeliveryPersonal,
    JournalPrivate,
    Liaison,
    Mailing,
    RawBody,
    RawMessage,
    Suppression,
    Variant,
    VariantBody,
    Worker,
)
from db.tables import Journal as JournalTable


def _table(model: Any) -> Any:
    return model.__table__


_RAW, _BODY, _DELIVERY, _MAILING = _table(RawMessage), _table(RawBody), _table(Delivery), _table(Mailing)
_PERSONAL, _VARIANT, _WORDING = _table(DeliveryPersonal), _table(Variant), _table(VariantBody)
_PRIVATE, _JOURNAL, _ORDER = _table(JournalPrivate), _table(JournalTable), _table(Suppression)
_ADDRESS, _WORKER, _LIAISON = _table(Address), _table(Worker), _table(Liaison)

AFTER_MAIL = timedelta(days=30)  # row and fingerprint outlive the bytes, to know the same mail again
AFTER_LIFTED = timedelta(days=365)
AFTER_RETIRED = timedelta(days=90)
AFTER_SEEN = timedelta(days=30)
ALONE = ("receipt", "notice")  # mailings to one person

_FOREVER = "kept: ids, states, references and public facts"
_SETTING = "kept while the process exists"
_PERSON = "goes with the person (`person erase`, or after `left_days`)"
RETENTION = {
    "account": _SETTING, "address": f"90 days after it was retired; {_PERSON}", "announcement": _FOREVER,
    "application": "7 days unless the address was confirmed; then until the core team has decided",
    "attachment": _PERSON, "attempt": _FOREVER, "bounce_score": "goes with the address", "consent": _PERSON,
    "contact": _SETTING, "delivery": "kept as a number; the address of a writer who is no liaison after `mail_days`",
    "delivery_personal": "`letter_days`", "delivery_told": _FOREVER, "deployment": _SETTING, "digest": _SETTING,
    "edition": _FOREVER, "entry": _FOREVER, "entry_track": _FOREVER, "erasure": _FOREVER, "event": _FOREVER,
    "fallback": _SETTING, "input": _PERSON, "interest": _FOREVER, "item": _FOREVER, "journal": _FOREVER,
    "journal_private": "`private_days`", "language_gate": _FOREVER, "language_wait": _FOREVER, "left_out": _FOREVER,
    "liaison": "forgotten `left_days` after leaving; the number stays", "mailing": _FOREVER, "mandate": _FOREVER,
    "news_item": _FOREVER, "news_set": _FOREVER, "paused_domain": _SETTING, "process": _SETTING, "question": _FOREVER,
    "rate": "one minute",
    "raw_body": "`mail_days`; reports `report_days`", "raw_message": "what was understood: 30 days after the bytes",
    "roster_group": _SETTING, "sample": _FOREVER, "seal": _FOREVER, "setting": _SETTING, "statement": _FOREVER,
    "statement_link": _FOREVER, "statement_text": _PERSON, "subscription": _FOREVER,
    "suppression": "a keyed hash; a year after it was lifted", "task": _FOREVER, "text": _FOREVER,
    "text_version": _FOREVER, "track": _SETTING, "variant": _FOREVER,
    "variant_body": "`letter_days` of letters to one person, `wording_days` of the others",
    "worker": "7 days after its last sign of life",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Days:
    """How long each class is kept, in days."""

    letter: int
    wording: int
    private: int
    writer: int


@dataclass(frozen=True, slots=True)
class DataClass:
    """One class of data: its name, what is due, and how it goes."""

    name: str
    due: Any  # a selectable of one column of keys
    destroy: Callable[[Tx, Sequence[Any]], object]


def classes(now: datetime, days: Days) -> tuple[DataClass, ...]:
    """Every class with what is due of it at `now`."""

    def ago(number: int) -> datetime:
        return now - timedelta(days=number)

    settled = (
        ~select(_DELIVERY.c.id).where(_DELIVERY.c.mailing_id == _MAILING.c.id, _DELIVERY.c.state.in_(LIVE)).exists()
    )
    wordings = (
        select(_WORDING.c.variant_id)
        .join(_VARIANT, _VARIANT.c.id == _WORDING.c.variant_id)
        .join(_MAILING, _MAILING.c.id == _VARIANT.c.mailing_id)
        .where(settled)
    )
    bytes_due = (
        select(_BODY.c.raw_id)
        .join(_RAW, _RAW.c.id == _BODY.c.raw_id)
        .where(_RAW.c.purge_at <= now, _RAW.c.state != RawState.PENDING)
    )
    read_due = select(_RAW.c.id).where(_RAW.c.purge_at <= now - AFTER_MAIL, _RAW.c.verdict.is_not(None))
    letters = (
        select(_PERSONAL.c.delivery_id)
        .join(_DELIVERY, _DELIVERY.c.id == _PERSONAL.c.delivery_id)
        .where(_DELIVERY.c.send_at <= ago(days.letter), _DELIVERY.c.state.not_in(LIVE))
    )
    writers = select(_DELIVERY.c.id).where(
        _DELIVERY.c.to_addr.is_not(None), _DELIVERY.c.send_at <= ago(days.writer), _DELIVERY.c.state.not_in(LIVE)
    )
    alone, shared = _MAILING.c.kind.in_(ALONE), _MAILING.c.kind.not_in(ALONE)
    private = (
        select(_PRIVATE.c.journal_id)
        .join(_JOURNAL, _JOURNAL.c.id == _PRIVATE.c.journal_id)
        .where(_JOURNAL.c.at <= ago(days.private))
    )
    return (
        DataClass("mails", bytes_due, _delete(_BODY.c.raw_id)),
        DataClass("readings of mails", read_due, _set(_RAW.c.id, verdict=None, fingerprint=None, reason=None)),
        DataClass("personal parts of letters", letters, _delete(_PERSONAL.c.delivery_id)),
        DataClass("letters to one person", wordings.where(alone, _MAILING.c.due_at <= ago(days.letter)),
                  _delete(_WORDING.c.variant_id)),
        DataClass("wordings", wordings.where(shared, _MAILING.c.due_at <= ago(days.wording)),
                  _delete(_WORDING.c.variant_id)),
        DataClass("addresses of writers", writers, _set(_DELIVERY.c.id, to_addr=None, domain="")),
        DataClass("retired addresses", select(_ADDRESS.c.id).where(_ADDRESS.c.retired_at <= now - AFTER_RETIRED),
                  _addresses),
        DataClass("private journal", private, _delete(_PRIVATE.c.journal_id)),
        DataClass("lifted suppressions", select(_ORDER.c.id).where(_ORDER.c.lifted_at <= now - AFTER_LIFTED),
                  _delete(_ORDER.c.id)),
        DataClass("workers", select(_WORKER.c.name).where(_WORKER.c.seen_at <= now - AFTER_SEEN),
                  _delete(_WORKER.c.name)),
    )  # fmt: skip


def _delete(column: Any) -> Callable[[Tx, Sequence[Any]], object]:
    return lambda tx, keys: tx.execute(delete(column.table).where(column.in_(keys)))


def _set(column: Any, **values: Any) -> Callable[[Tx, Sequence[Any]], object]:
    return lambda tx, keys: tx.execute(update(column.table).where(column.in_(keys)).values(**values))


def _addresses(tx: Tx, keys: Sequence[Any]) -> None:
    tx.execute(update(_DELIVERY).where(_DELIVERY.c.address_id.in_(keys)).values(address_id=None))
    score = _table(BounceScore)
    tx.execute(delete(score).where(score.c.address_id.in_(keys)))
    tx.execute(delete(_ADDRESS).where(_ADDRESS.c.id.in_(keys)))


def due(tx: Tx, of: DataClass) -> int:
    """How many rows of a class are due."""
    return int(tx.execute(select(func.count()).select_from(of.due.subquery())).scalar_one())


def destroy(tx: Tx, of: DataClass) -> int:
    """Destroy at most a chunk of what is due; gives how many rows that was."""
    keys = list(tx.execute(of.due.limit(CHUNK)).scalars())
    if keys:
        of.destroy(tx, keys)
    return len(keys)


def gone_since(tx: Tx, moment: datetime) -> list[int]:
    """Liaisons who left before that moment and are not forgotten."""
    query = select(_LIAISON.c.id).where(_LIAISON.c.state == LiaisonState.LEFT, _LIAISON.c.left_at <= moment)
    return list(tx.execute(query.order_by(_LIAISON.c.id)).scalars())
