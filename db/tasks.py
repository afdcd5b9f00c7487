"""Tasks: what a person of the core team must do. A note is a code or a reference, never a text of somebody (E1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select, update

from db import journal
from db.bulk import insert_rows
from db.engine import Tx
from db.journal import Act
from db.states import TaskState
from db.tables import Task

_TASK: Any = Task.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class TaskRow:
    """Something a person must do."""

    id: int
    process_id: int
    kind: str
    at: datetime
    subject_kind: str
    subject_id: int
    note: str
    state: str
    done_by: str | None
    done_at: datetime | None
    assigned_to: str | None
    reason: str | None


def add(tx: Tx, act: Act, process_id: int, kind: str, subject: tuple[str, int], note: str = "") -> int | None:
    """Ask a person to do something; None if the same is open already. `note` is a code or a reference, not a text."""
    same = select(_TASK.c.id).where(
        _TASK.c.process_id == process_id,
        _TASK.c.kind == kind,
        _TASK.c.subject_kind == subject[0],
        _TASK.c.subject_id == subject[1],
        _TASK.c.state == TaskState.OPEN,
    )
    if tx.execute(same).first() is not None:
        return None
    row = {
        "process_id": process_id,
        "kind": kind,
        "at": act.now,
        "subject_kind": subject[0],
        "subject_id": subject[1],
        "note": note,
        "state": TaskState.OPEN,
    }
    return insert_rows(tx, _TASK, [row])[0]


def tasks(tx: Tx, process_id: int, states: Sequence[str] = (TaskState.OPEN,)) -> list[TaskRow]:
    """Tasks, newest first."""
    query = select(_TASK).where(_TASK.c.process_id == process_id, _TASK.c.state.in_(states))
    return [TaskRow(**row._mapping) for row in tx.execute(query.order_by(_TASK.c.id.desc()))]


def one(tx: Tx, process_id: int, task_id: int) -> TaskRow | None:
    """The task of that number, in this process."""
    row = tx.execute(select(_TASK).where(_TASK.c.id == task_id, _TASK.c.process_id == process_id)).first()
    return None if row is None else TaskRow(**row._mapping)


def finish(tx: Tx, act: Act, task_id: int, process_id: int, reason: str = "") -> None:
    """A person dealt with it. `reason` is in their words; the journal holds the move alone (E1)."""
    move = partial(journal.move, tx, act, "task", task_id, TaskState.DONE, "done", process_id=process_id)
    move(done_by=act.actor, done_at=act.now, reason=reason or None)


def reopen(tx: Tx, act: Act, task_id: int, process_id: int) -> None:
    """It is not done after all."""
    move = partial(journal.move, tx, act, "task", task_id, TaskState.OPEN, "opened again", process_id=process_id)
    move(done_by=None, done_at=None, reason=None)


def assign(tx: Tx, act: Act, task_id: int, process_id: int, who: str) -> None:
    """Say who looks after it; '' for nobody in particular."""
    tx.execute(update(_TASK).where(_TASK.c.id == task_id).values(assigned_to=who or None))
    journal.note(tx, act, ("task", task_id), "assigned" if who else "assigned to nobody", process_id=process_id)
