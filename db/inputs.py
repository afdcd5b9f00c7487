"""Inputs, their statements and attachments.

A statement is found by its number for ever (S1): what became of it is in its state. Every wording is a revision of its
own; the newest is the one that counts. Queries give values; nothing here commits.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from db import journal
from db.bulk import in_chunks, insert_new, insert_rows
from db.engine import Tx
from db.journal import Act
from db.states import InputState, StatementState
from db.tables import Attachment, Input, Statement, StatementLink, StatementText, Track

_INPUT: Any = Input.__table__  # type: ignore[attr-defined]
_STATEMENT: Any = Statement.__table__  # type: ignore[attr-defined]
_TEXT: Any = StatementText.__table__  # type: ignore[attr-defined]
_LINK: Any = StatementLink.__table__  # type: ignore[attr-defined]
_ATTACHMENT: Any = Attachment.__table__  # type: ignore[attr-defined]
_TRACK: Any = Track.__table__  # type: ignore[attr-defined]

PREFIX = "S"
_REF = re.compile(r"\s*(?:[A-Za-z]{1,8}\s*-?\s*)?0*(\d{1,9})([a-z]?)\s*")


@dataclass(frozen=True, slots=True)
class InputRow:
    """What one mail (or a note typed in) said."""

    id: int
    process_id: int
    raw_id: int | None
    liaison_id: int | None
    group_id: int | None
    mailing_id: int | None
    voice: str
    context: str
    writer: str
    language: str | None
    visibility: str
    state: str
    received_at: datetime
    subject: str
    body: str | None
    segments: Any
    corrects_id: int | None


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A citable piece with its newest wording."""

    id: int
    process_id: int
    number: int
    part: str
    input_id: int
    anchor_kind: str
    anchor_id: int | None
    suggested: Any
    confidence: float
    track_id: int | None
    track: str
    state: str
    merged_into: int | None
    revision: int
    body: str | None
    masked: str | None
    quote: str | None

    @property
    def ref(self) -> str:
        """The reference, such as S-1042."""
        return reference(self.number, self.part)


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """A file that came with an input; the file itself stays in the raw mail."""

    id: int
    input_id: int
    name: str
    type: str
    size: int
    hash: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Words:
    """One wording of a statement: as written, as it may be shown, and the quoted text it stands under."""

    body: str
    masked: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which inputs are wanted; None or empty: any. `visible` names the circles the asker belongs to."""

    states: Sequence[str] = ()
    visible: Sequence[str] = ("public", "core")
    track_id: int | None = None
    question_id: int | None = None
    group_id: int | None = None
    liaison_id: int | None = None
    language: str | None = None
    suggested: bool = False
    statement_ids: Sequence[int] | None = None
    after_id: int | None = None  # only those older than this one: the next page


def reference(number: int, part: str = "") -> str:
    """The reference of a statement."""
    return f"{PREFIX}-{number}{part}"


def read_reference(text: str) -> tuple[int, str] | None:
    """The number and part in a reference as people type it (`s-42`, `ADV-0042b`, `42`), or None."""
    match = _REF.fullmatch(text)
    return (int(match[1]), match[2]) if match else None


def add_input(tx: Tx, values: Mapping[str, Any]) -> int | None:
    """Insert an input; None when its raw message has one already (promise 1)."""
    made = insert_new(tx, _INPUT, [dict(values)], "id")
    return int(made[0].id) if made else None


def add_statements(
    tx: Tx, rows: Sequence[Mapping[str, Any]], words: Sequence[Words], reason: str, at: datetime
) -> list[int]:
    """Insert statements with their first wording; gives their ids in order."""
    ids = insert_rows(
        tx, _STATEMENT, [{"part": "", "state": StatementState.OPEN, "revision": 1, **row} for row in rows]
    )
    for statement_id, said in zip(ids, words, strict=True):
        _add_words(tx, statement_id, 1, said, reason, at)
    return ids


def _add_words(tx: Tx, statement_id: int, revision: int, said: Words, reason: str, at: datetime) -> None:
    tx.execute(
        insert(_TEXT).values(
            statement_id=statement_id,
            revision=revision,
            body=said.body,
            masked=said.masked,
            quote=said.quote or None,
            reason=reason,
            at=at,
        )
    )


def reword(tx: Tx, statement: StatementRow, said: Words, reason: str, at: datetime) -> int:
    """A new wording of a statement; gives its revision. Earlier ones stay."""
    revision = statement.revision + 1
    _add_words(tx, statement.id, revision, said, reason, at)
    tx.execute(update(_STATEMENT).where(_STATEMENT.c.id == statement.id).values(revision=revision))
    return revision


def change_statement(tx: Tx, statement_id: int, **values: Any) -> None:
    """Set columns of a statement other than its state."""
    tx.execute(update(_STATEMENT).where(_STATEMENT.c.id == statement_id).values(**values))


def change_input(tx: Tx, input_id: int, **values: Any) -> None:
    """Set columns of an input other than its state."""
    tx.execute(update(_INPUT).where(_INPUT.c.id == input_id).values(**values))


def link(tx: Tx, from_id: int, to_id: int, kind: str) -> None:
    """Tie two statements: supports, corrects, duplicate."""
    if from_id != to_id:
        insert_new(tx, _LINK, [{"from_id": from_id, "to_id": to_id, "kind": kind}])


def add_attachments(tx: Tx, input_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """List the files of an input."""
    insert_rows(tx, _ATTACHMENT, [{"input_id": input_id, **row} for row in rows])


def one(tx: Tx, input_id: int, *, lock: bool = False) -> InputRow | None:
    """One input; locked until the transaction ends where asked."""
    query = select(_INPUT).where(_INPUT.c.id == input_id)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else InputRow(**row._mapping)


def by_raw(tx: Tx, raw_id: int) -> InputRow | None:
    """The input that was made of a raw message."""
    row = tx.execute(select(_INPUT).where(_INPUT.c.raw_id == raw_id)).first()
    return None if row is None else InputRow(**row._mapping)


def _statements() -> Any:
    return (
        select(_STATEMENT, _TEXT.c.body, _TEXT.c.masked, _TEXT.c.quote, func.coalesce(_TRACK.c.slug, "").label("track"))
        .outerjoin(_TEXT, (_TEXT.c.statement_id == _STATEMENT.c.id) & (_TEXT.c.revision == _STATEMENT.c.revision))
        .outerjoin(_TRACK, _TRACK.c.id == _STATEMENT.c.track_id)
    )


def statements(tx: Tx, input_ids: Collection[int]) -> dict[int, list[StatementRow]]:
    """The statements of inputs, in order of their references."""
    found: dict[int, list[StatementRow]] = defaultdict(list)
    query = _statements().order_by(_STATEMENT.c.number, _STATEMENT.c.part)
    for row in in_chunks(tx, query, _STATEMENT.c.input_id, input_ids):
        found[row.input_id].append(StatementRow(**row._mapping))
    return found


def statement(tx: Tx, process_id: int, ref: str) -> StatementRow | None:
    """The statement of a reference, however it is typed: prefixes do not matter (S1)."""
    read = read_reference(ref)
    if read is None:
        return None
    query = _statements().where(_STATEMENT.c.process_id == process_id, _STATEMENT.c.number == read[0])
    row = tx.execute(query.where(_STATEMENT.c.part == read[1])).first()
    return None if row is None else StatementRow(**row._mapping)


def statement_by_id(tx: Tx, statement_id: int) -> StatementRow | None:
    """The statement of that id."""
    row = tx.execute(_statements().where(_STATEMENT.c.id == statement_id)).first()
    return None if row is None else StatementRow(**row._mapping)


def references_of(tx: Tx, liaison_id: int, limit: int = 200) -> list[str]:
    """The references of a writer's own statements, newest first."""
    rows = tx.execute(
        select(_STATEMENT.c.number, _STATEMENT.c.part)
        .join(_INPUT, _INPUT.c.id == _STATEMENT.c.input_id)
        .where(_INPUT.c.liaison_id == liaison_id)
        .order_by(_STATEMENT.c.number.desc())
        .limit(limit)
    )
    return [reference(row.number, row.part) for row in rows]


def inputs(tx: Tx, process_id: int, wanted: Filter, limit: int = 50) -> list[InputRow]:
    """Inputs, newest first."""
    query = select(_INPUT).where(_INPUT.c.process_id == process_id, _INPUT.c.visibility.in_(wanted.visible))
    if wanted.states:
        query = query.where(_INPUT.c.state.in_(wanted.states))
    for column, value in (("group_id", wanted.group_id), ("liaison_id", wanted.liaison_id)):
        if value is not None:
            query = query.where(_INPUT.c[column] == value)
    if wanted.language is not None:
        query = query.where(_INPUT.c.language == wanted.language)
    if wanted.after_id is not None:
        query = query.where(_INPUT.c.id < wanted.after_id)
    narrowed = _narrowed(wanted)
    if narrowed is not None:
        query = query.where(narrowed)
    return [InputRow(**row._mapping) for row in tx.execute(query.order_by(_INPUT.c.id.desc()).limit(limit))]


def _narrowed(wanted: Filter) -> Any:
    """What the filter asks of at least one statement of an input; None for nothing."""
    conditions = []
    if wanted.track_id is not None:
        conditions.append(_STATEMENT.c.track_id == wanted.track_id)
    if wanted.question_id is not None:
        conditions.append((_STATEMENT.c.anchor_kind == "question") & (_STATEMENT.c.anchor_id == wanted.question_id))
    if wanted.suggested:
        conditions.append(_STATEMENT.c.suggested.is_not(None))
    if wanted.statement_ids is not None:
        conditions.append(_STATEMENT.c.id.in_(wanted.statement_ids))
    if not conditions:
        return None
    return select(_STATEMENT.c.id).where(_STATEMENT.c.input_id == _INPUT.c.id, *conditions).exists()


def counts(tx: Tx, process_id: int) -> dict[tuple[str, str], int]:
    """How many inputs per (visibility, state): private ones are counted, never quoted (S5)."""
    query = select(_INPUT.c.visibility, _INPUT.c.state, func.count()).where(_INPUT.c.process_id == process_id)
    return {(row[0], row[1]): int(row[2]) for row in tx.execute(query.group_by(_INPUT.c.visibility, _INPUT.c.state))}


def attachments(tx: Tx, input_ids: Collection[int]) -> dict[int, list[AttachmentRow]]:
    """The files of inputs."""
    found: dict[int, list[AttachmentRow]] = defaultdict(list)
    for row in in_chunks(tx, select(_ATTACHMENT).order_by(_ATTACHMENT.c.id), _ATTACHMENT.c.input_id, input_ids):
        found[row.input_id].append(AttachmentRow(**row._mapping))
    return found


def move_input(tx: Tx, act: Act, row: InputRow, becomes: InputState, why: str) -> None:
    """Move an input."""
    journal.move(tx, act, "input", row.id, becomes, why, process_id=row.process_id)


def move_statements(
    tx: Tx, act: Act, rows: Iterable[StatementRow], becomes: StatementState, why: str, **values: Any
) -> None:
    """Move statements, setting `values` beside."""
    for row in rows:
        journal.move(tx, act, "statement", row.id, becomes, why, process_id=row.process_id, **values)


def repoint(tx: Tx, from_id: int, to_id: int) -> None:
    """What was merged into one statement is merged into another from now on."""
    tx.execute(update(_STATEMENT).where(_STATEMENT.c.merged_into == from_id).values(merged_into=to_id))


def note(tx: Tx, act: Act, row: InputRow, why: str) -> None:
    """Write down that somebody changed an input without moving it."""
    journal.note(tx, act, ("input", row.id), why, process_id=row.process_id)
