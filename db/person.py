"""Everything that is held about one person, to be shown or destroyed (E1, E4).

A person is a liaison with all their addresses, or a stranger known by an address alone. What must stay for ever
(deliveries, journal, references) holds ids and states only; what goes stands in tables and columns of its own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, insert, select, update

from db import search
from db.bulk import in_chunks
from db.engine import CHUNK, Tx
from db.states import LIVE, WAITING, DeliveryState, RawState
from db.tables import (
    Address,
    Attachment,
    Attempt,
    BounceScore,
    Consent,
    Delivery,
    DeliveryPersonal,
    DeliveryTold,
    Erasure,
    Event,
    Input,
    Interest,
    Item,
    Journal,
    JournalPrivate,
    LeftOut,
    Liaison,
    Mailing,
    Mandate,
    RawBody,
    RawMessage,
    RosterGroup,
    Statement,
    StatementText,
    Subscription,
    Suppression,
    Task,
    Variant,
    VariantBody,
)


def _table(model: Any) -> Any:
    return model.__table__


_ADDRESS, _LIAISON, _INPUT = _table(Address), _table(Liaison), _table(Input)
_STATEMENT, _WORDS, _RAW, _BODY = _table(Statement), _table(StatementText), _table(RawMessage), _table(RawBody)
_DELIVERY, _MAILING, _SUB = _table(Delivery), _table(Mailing), _table(Subscription)
_JOURNAL, _PRIVATE, _VARIANT, _WORDING = _table(Journal), _table(JournalPrivate), _table(Variant), _table(VariantBody)
_ITEM = _table(Item)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is meant: the liaison, if they are one, and everything that was found to be theirs."""

    process_id: int
    liaison_id: int | None
    keys: tuple[str, ...]  # of all their addresses, retired ones too
    hashes: tuple[str, ...]  # what suppressions and verdicts keep of these
    raw_ids: tuple[int, ...] = ()  # mails they wrote, and reports about mails to them
    input_ids: tuple[int, ...] = ()
    delivery_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a raw message without reading it."""

    raw_id: int
    sender: str  # keyed hash of the writer's address, '' where nobody read it yet
    mail_from: str
    rcpt_to: tuple[str, ...]


def liaison_of(tx: Tx, process_id: int, key: str) -> int | None:
    """The liaison whose address this is or was; the present holder before earlier ones."""
    row = tx.execute(
        select(_ADDRESS.c.liaison_id)
        .where(_ADDRESS.c.process_id == process_id, _ADDRESS.c.key == key)
        .order_by(_ADDRESS.c.retired_at.is_not(None), _ADDRESS.c.retired_at.desc())
    ).first()
    return None if row is None else int(row.liaison_id)


def keys_of(tx: Tx, liaison_id: int) -> tuple[str, ...]:
    """The keys of all addresses that a liaison has or had."""
    return tuple(tx.execute(select(_ADDRESS.c.key).where(_ADDRESS.c.liaison_id == liaison_id)).scalars())


def envelopes(tx: Tx, process_id: int) -> list[Envelope]:
    """Every raw message of the process, or of none, that may be somebody's."""
    rows = tx.execute(
        select(_RAW.c.id, _RAW.c.verdict, _BODY.c.envelope)
        .outerjoin(_BODY, _BODY.c.raw_id == _RAW.c.id)
        .where((_RAW.c.process_id == process_id) | _RAW.c.process_id.is_(None))
        .execution_options(yield_per=CHUNK)
    )
    return [
        Envelope(
            row.id,
            str((row.verdict or {}).get("sender", "")),
            str((row.envelope or {}).get("mail_from", "")),
            tuple((row.envelope or {}).get("rcpt_to", ())),
        )
        for row in rows
    ]


def strangers(tx: Tx, process_id: int) -> list[tuple[int, str]]:
    """Deliveries to people who are no liaisons: id and address."""
    query = (
        select(_DELIVERY.c.id, _DELIVERY.c.to_addr)
        .join(_MAILING, _MAILING.c.id == _DELIVERY.c.mailing_id)
        .where(_MAILING.c.process_id == process_id, _DELIVERY.c.to_addr.is_not(None))
    )
    return [(row.id, row.to_addr) for row in tx.execute(query)]


def deliveries_of(tx: Tx, liaison_id: int) -> list[int]:
    """The ids of all deliveries to a liaison."""
    return list(tx.execute(select(_DELIVERY.c.id).where(_DELIVERY.c.liaison_id == liaison_id)).scalars())


def inputs_of(tx: Tx, liaison_id: int | None, raw_ids: Collection[int]) -> list[int]:
    """The inputs that are a liaison's, or that were read out of these mails."""
    found = {row.id for row in in_chunks(tx, select(_INPUT.c.id), _INPUT.c.raw_id, raw_ids)}
    if liaison_id is not None:
        found |= set(tx.execute(select(_INPUT.c.id).where(_INPUT.c.liaison_id == liaison_id)).scalars())
    return sorted(found)


def held(tx: Tx, who: Person) -> dict[str, list[dict[str, Any]]]:
    """Every row about a person, by table; the mails themselves come from `db.inbound.body`."""
    parts: list[tuple[Table, Any, Collection[Any]]] = [
        (_RAW, _RAW.c.id, who.raw_ids),
        (_INPUT, _INPUT.c.id, who.input_ids),
        (_STATEMENT, _STATEMENT.c.input_id, who.input_ids),
        (_table(Attachment), _table(Attachment).c.input_id, who.input_ids),
        (_DELIVERY, _DELIVERY.c.id, who.delivery_ids),
        (_table(Attempt), _table(Attempt).c.delivery_id, who.delivery_ids),
        (_table(DeliveryPersonal), _table(DeliveryPersonal).c.delivery_id, who.delivery_ids),
        (_table(DeliveryTold), _table(DeliveryTold).c.delivery_id, who.delivery_ids),
        (_table(Suppression), _table(Suppression).c.key_hash, who.hashes),
    ]
    if who.liaison_id is not None:
        mine = [who.liaison_id]
        for model in (Address, Mandate, Consent, Subscription, LeftOut, JournalPrivate, Erasure):
            parts.append((_table(model), _table(model).c.liaison_id, mine))
        parts += [(_LIAISON, _LIAISON.c.id, mine), (_table(Event), _table(Event).c.about_liaison_id, mine)]
    found = {table.name: _rows(tx, table, column, values) for table, column, values in parts}
    statements = [row["id"] for row in found["statement"]]
    found["statement_text"] = _rows(tx, _WORDS, _WORDS.c.statement_id, statements)
    found |= _of_liaison(tx, who, [row["id"] for row in found.get("subscription", [])])
    return {name: rows for name, rows in found.items() if rows}


def _of_liaison(tx: Tx, who: Person, subscriptions: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    found = {"interest": _rows(tx, _table(Interest), _table(Interest).c.subscription_id, subscriptions)}
    mailings = {row.mailing_id for row in in_chunks(tx, select(_DELIVERY), _DELIVERY.c.id, who.delivery_ids)}
    found["mailing"] = _rows(tx, _MAILING, _MAILING.c.id, mailings)
    found["task"] = [dict(row._mapping) for row in tx.execute(select(_table(Task)).where(_tasks(who)))]
    if who.liaison_id is not None:
        group = _table(RosterGroup)
        rows = tx.execute(
            select(group.c.id, group.c.slug, group.c.name)
            .join(_table(Mandate), _table(Mandate).c.group_id == group.c.id)
            .where(_table(Mandate).c.liaison_id == who.liaison_id)
        )
        found["roster_group"] = [dict(row._mapping) for row in rows]
        about = (_JOURNAL.c.subject_kind == "liaison") & (_JOURNAL.c.subject_id == who.liaison_id)
        by = _JOURNAL.c.actor == f"liaison:{who.liaison_id}"
        found["journal"] = [dict(row._mapping) for row in tx.execute(select(_JOURNAL).where(about | by))]
    return found


def _tasks(who: Person) -> Any:
    task = _table(Task)
    return (
        ((task.c.subject_kind == "liaison") & (task.c.subject_id == (who.liaison_id or 0)))
        | ((task.c.subject_kind == "raw") & task.c.subject_id.in_(who.raw_ids[-CHUNK:]))
        | ((task.c.subject_kind == "input") & task.c.subject_id.in_(who.input_ids[-CHUNK:]))
    )


def _rows(tx: Tx, table: Table, column: Any, values: Collection[Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in in_chunks(tx, select(table), column, values)]


def waiting(tx: Tx, who: Person) -> list[tuple[str, int, str]]:
    """What is still to be done about them, and what it becomes instead: mails to them, mails of theirs."""
    letters = select(_DELIVERY.c.id).where(_DELIVERY.c.state.in_(WAITING))
    mails = select(_RAW.c.id).where(_RAW.c.state.in_((RawState.PENDING, RawState.HELD)))
    return [
        *(
            ("delivery", row.id, DeliveryState.CANCELLED)
            for row in in_chunks(tx, letters, _DELIVERY.c.id, who.delivery_ids)
        ),
        *(("raw", row.id, RawState.IGNORED) for row in in_chunks(tx, mails, _RAW.c.id, who.raw_ids)),
    ]


def forget_mails(tx: Tx, who: Person) -> None:
    """Destroy the bytes of their mails and what was read out of them, apart from statements."""
    for start in range(0, len(who.raw_ids), CHUNK):
        ids = who.raw_ids[start : start + CHUNK]
        tx.execute(delete(_BODY).where(_BODY.c.raw_id.in_(ids)))
        tx.execute(
            update(_RAW).where(_RAW.c.id.in_(ids)).values(verdict=None, fingerprint=None, reason=None, look_at=None)
        )
    for start in range(0, len(who.input_ids), CHUNK):
        ids = who.input_ids[start : start + CHUNK]
        tx.execute(delete(_table(Attachment)).where(_table(Attachment).c.input_id.in_(ids)))
        tx.execute(update(_INPUT).where(_INPUT.c.id.in_(ids)).values(body=None, segments=None, subject="", writer=""))
    tx.execute(update(_table(Task)).where(_tasks(who)).values(note="", reason=None))


def forget_words(tx: Tx, statement_id: int, words: Mapping[int, str | None]) -> None:
    """Leave of each revision of a statement only these words, None for nothing; no quotation."""
    for revision, said in words.items():
        tx.execute(
            update(_WORDS)
            .where(_WORDS.c.statement_id == statement_id, _WORDS.c.revision == revision)
            .values(body=said, masked=said, quote=None)
        )
    search.index(tx, statement_id, words[max(words)] if words else None)


def wordings_of(tx: Tx, statement_ids: Collection[int]) -> dict[int, dict[int, str | None]]:
    """What others may read of statements, by revision."""
    found: dict[int, dict[int, str | None]] = {}
    for row in in_chunks(tx, select(_WORDS), _WORDS.c.statement_id, statement_ids):
        found.setdefault(row.statement_id, {})[row.revision] = row.masked
    return found


def forget_letters(tx: Tx, who: Person) -> None:
    """Destroy what only their mails said; the deliveries stay as numbers."""
    for start in range(0, len(who.delivery_ids), CHUNK):
        ids = who.delivery_ids[start : start + CHUNK]
        alone = (
            select(_VARIANT.c.id)
            .join(_MAILING, _MAILING.c.id == _VARIANT.c.mailing_id)
            .join(_DELIVERY, _DELIVERY.c.variant_id == _VARIANT.c.id)
            .where(_DELIVERY.c.id.in_(ids), _MAILING.c.kind.in_(("receipt", "notice")))
        )
        tx.execute(delete(_WORDING).where(_WORDING.c.variant_id.in_(alone)))
        tx.execute(delete(_table(DeliveryPersonal)).where(_table(DeliveryPersonal).c.delivery_id.in_(ids)))
        tx.execute(update(_DELIVERY).where(_DELIVERY.c.id.in_(ids)).values(address_id=None, to_addr=None, domain=""))


def forget_quotations(tx: Tx, statement_ids: Collection[int]) -> int:
    """Destroy the frozen wordings that quote these statements and are not needed any more; gives how many still are."""
    quoting = {
        row.mailing_id
        for row in in_chunks(
            tx, select(_ITEM.c.mailing_id).where(_ITEM.c.subject_kind == "heard"), _ITEM.c.subject_id, statement_ids
        )
    }
    waiting = 0
    for mailing_id in sorted(quoting):
        live = select(_DELIVERY.c.id).where(_DELIVERY.c.mailing_id == mailing_id, _DELIVERY.c.state.in_(LIVE)).limit(1)
        if tx.execute(live).first() is not None:
            waiting += 1
            continue
        mine = select(_VARIANT.c.id).where(_VARIANT.c.mailing_id == mailing_id)
        tx.execute(delete(_WORDING).where(_WORDING.c.variant_id.in_(mine)))
    return waiting


def forget_liaison(tx: Tx, liaison_id: int, lang: str, now: datetime) -> None:
    """Destroy who a liaison was; row, tag and mandates stay as "a former liaison of"."""
    mine = select(_ADDRESS.c.id).where(_ADDRESS.c.liaison_id == liaison_id)
    tx.execute(delete(_table(BounceScore)).where(_table(BounceScore).c.address_id.in_(mine)))
    tx.execute(update(_DELIVERY).where(_DELIVERY.c.address_id.in_(mine)).values(address_id=None, domain=""))
    tx.execute(delete(_ADDRESS).where(_ADDRESS.c.liaison_id == liaison_id))
    for model in (Consent, JournalPrivate):
        tx.execute(delete(_table(model)).where(_table(model).c.liaison_id == liaison_id))
    mandate = _table(Mandate)
    open_ = (mandate.c.liaison_id == liaison_id) & mandate.c.until_on.is_(None)
    tx.execute(update(mandate).where(open_).values(until_on=now.date()))
    tx.execute(update(mandate).where(mandate.c.liaison_id == liaison_id).values(role_there="", agreed_on=None))
    tx.execute(
        update(_LIAISON)
        .where(_LIAISON.c.id == liaison_id)
        .values(
            name=None, zone="UTC", hour=9, languages=[lang], quiet=None, paused_until=None,
            forgotten_at=now,
        )
    )  # fmt: skip
    tx.execute(update(_SUB).where(_SUB.c.liaison_id == liaison_id).values(state="left", cursor=None))


def record(tx: Tx, process_id: int, liaison_id: int, scope: str, now: datetime) -> None:
    """Write down that a liaison was forgotten: ids and a scope only."""
    tx.execute(
        insert(_table(Erasure)).values(
            process_id=process_id, liaison_id=liaison_id, scope=scope, asked_at=now, done_at=now
        )
    )
