"""Moves and their record: every change of state goes through here, with its journal row in the same transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, insert, select, update

from db import marks, states
from db.engine import Tx
from db.tables import (
    Announcement,
    Delivery,
    Edition,
    Input,
    Journal,
    JournalPrivate,
    LanguageGate,
    Liaison,
    Mailing,
    RawMessage,
    Statement,
    Task,
)

ATTEMPTS = "attempts"  # the subject of a row that vouches for tries; its id is their number
RECORDED = "recorded"  # why: they have ended

_TABLES: dict[str, Any] = {
    "edition": Edition,
    "announcement": Announcement,
    "mailing": Mailing,
    "delivery": Delivery,
    "raw": RawMessage,
    "input": Input,
    "statement": Statement,
    "liaison": Liaison,
    "task": Task,
    "gate": LanguageGate,
}
_JOURNAL: Any = Journal.__table__  # type: ignore[attr-defined]
_INSERT: Any = insert(_JOURNAL).returning(_JOURNAL.c.id)
_COLUMNS = (
    "process_id", "at", "actor", "subject_kind", "subject_id", "move_from", "move_to", "why", "private_hash", "proof",
    "mark",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, and when. `actor` is `operator`, `clock`, `liaison:<id>` or an account."""

    actor: str
    now: datetime


def table_of(machine: str) -> Table:
    """The table whose `state` column a machine moves."""
    table: Table = _TABLES[machine].__table__
    return table


def note(
    tx: Tx,
    act: Act,
    subject: tuple[str, int],
    why: str,
    *,
    process_id: int | None = None,
    moved: tuple[str | None, str | None] = (None, None),
    private_hash: str | None = None,
    proof: str | None = None,
) -> int:
    """Write a journal row; gives its id. `why` is a code, never free text (E1).

    `proof` is a hash over other rows that this one vouches for.
    """
    row = _row(act, subject, why, process_id, moved, private_hash=private_hash, proof=proof)
    return int(tx.execute(_INSERT, row).scalar_one())


def vouching(act: Act, number: int, proof: str) -> dict[str, Any]:
    """The row that vouches for so many tries, for who writes it in a statement of their own."""
    return _row(act, (ATTEMPTS, number), RECORDED, None, (None, None), proof=proof)


def _row(
    act: Act,
    subject: tuple[str, int],
    why: str,
    process_id: int | None,
    moved: tuple[str | None, str | None],
    private_hash: str | None = None,
    proof: str | None = None,
) -> dict[str, Any]:
    """A journal row with its mark."""
    values = (process_id, act.now, act.actor, *subject, *moved, why, private_hash, proof)
    return dict(zip(_COLUMNS, (*values, marks.mark(*values)), strict=True))


def note_private(
    tx: Tx,
    act: Act,
    subject: tuple[str, int],
    why: str,
    *,
    process_id: int,
    liaison_id: int,
    body: Any,
    salt: str,
) -> None:
    """Write a journal row whose personal side stands apart, salted, so that it can be forgotten (E1)."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    journal_id = note(tx, act, subject, why, process_id=process_id, private_hash=marks.digest(salt + text))
    tx.execute(insert(JournalPrivate).values(journal_id=journal_id, liaison_id=liaison_id, salt=salt, body=text))


def move(
    tx: Tx,
    act: Act,
    machine: str,
    subject_id: int,
    becomes: str,
    why: str,
    *,
    process_id: int | None = None,
    proof: str | None = None,
    **values: Any,
) -> str:
    """Move one thing to the state `becomes`, set `values` beside it, and write it down; gives the state it had.

    Raises `states.WrongMove`, also when the thing does not exist or was moved meanwhile.
    """
    table = table_of(machine)
    was = tx.execute(select(table.c.state).where(table.c.id == subject_id).with_for_update()).scalar_one_or_none()
    if was is None:
        raise states.WrongMove(f"there is no {machine} {subject_id}")
    states.check(machine, was, becomes)
    tx.execute(update(table).where(table.c.id == subject_id).values(state=becomes, **values))
    note(tx, act, (machine, subject_id), why, process_id=process_id, moved=(was, becomes), proof=proof)
    return str(was)


def record(tx: Tx, act: Act, machine: str, moves: Sequence[tuple[int, str, str, str]], process_id: int | None) -> None:
    """Write journal rows for moves already made in bulk: (id, was, becomes, why). Each is checked."""
    rows = []
    for subject_id, was, becomes, why in moves:
        states.check(machine, was, becomes)
        rows.append(_row(act, (machine, subject_id), why, process_id, (was, becomes)))
    if rows:
        tx.execute(insert(_JOURNAL), rows)
