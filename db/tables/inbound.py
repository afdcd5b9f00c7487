"""Inbound: raw messages, the inputs read from them, statements, and tasks for people."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, UniqueConstraint
from sqlmodel import Field

from db.tables.base import Base, count, document, key, moment, within_process


class RawMessage(Base, table=True):
    """A mail as it came in, before and after understanding. `verdict` is what was understood."""

    __tablename__ = "raw_message"
    __table_args__ = (Index("ix_raw_message_state", "state", "id"), Index("ix_raw_message_look", "state", "look_at"))
    id: int | None = key()
    process_id: int | None = Field(default=None, foreign_key="process.id")
    received_at: datetime = moment()
    state: str
    rule: str | None = None
    reason: str | None = None
    reader: str | None = None
    fingerprint: str | None = Field(default=None, index=True)
    verdict: Any = document(nullable=True)
    touched_by: str | None = None  # a person decided: better code does not overrule it
    tries: int = count()
    look_at: datetime | None = moment(nullable=True)  # a pending one: leased until then; a filed one: owes a receipt
    purge_at: datetime = moment()


class RawBody(Base, table=True):
    """The bytes and envelope; this table alone is purged."""

    __tablename__ = "raw_body"
    raw_id: int = Field(foreign_key="raw_message.id", primary_key=True)
    envelope: Any = document()
    data: bytes = Field(sa_column=Column("bytes", LargeBinary, nullable=False))


class Input(Base, table=True):
    """What one mail (or a note typed in by the core team) said."""

    __tablename__ = "input"
    __table_args__ = (
        UniqueConstraint("process_id", "id"),
        within_process("liaison_id", "liaison"),
        within_process("group_id", "roster_group"),
    )
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    raw_id: int | None = Field(default=None, foreign_key="raw_message.id", unique=True)
    liaison_id: int | None = None
    group_id: int | None = None
    mailing_id: int | None = Field(default=None, foreign_key="mailing.id")
    voice: str  # liaison, community, core
    context: str = ""
    writer: str = ""  # display name in a shared mailbox
    language: str | None = None
    visibility: str
    state: str
    received_at: datetime = moment()
    subject: str = ""
    body: str | None = None
    segments: Any = document(nullable=True)
    corrects_id: int | None = Field(default=None, foreign_key="input.id")


class Attachment(Base, table=True):
    """A file that came with an input; the text found in it is searchable, the file stays in the raw mail."""

    __tablename__ = "attachment"
    id: int | None = key()
    input_id: int = Field(foreign_key="input.id", index=True)
    name: str
    type: str
    size: int
    hash: str
    text: str | None = None


class Statement(Base, table=True):
    """One citable piece of an input. Its reference is prefix, number and part, such as S-1042; it never changes."""

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("process_id", "number", "part"),
        UniqueConstraint("process_id", "id"),
        within_process("input_id", "input"),
        within_process("track_id", "track"),
    )
    id: int | None = key()
    process_id: int
    number: int
    part: str = ""
    input_id: int = Field(index=True)
    anchor_kind: str  # edition, item, question, track, announcement, none
    anchor_id: int | None = None
    suggested: Any = document(nullable=True)  # anchors that were guessed, with confidence: for a person
    confidence: float = 0.0
    track_id: int | None = None
    state: str
    merged_into: int | None = Field(default=None, foreign_key="statement.id")
    revision: int


class StatementText(Base, table=True):
    """The words of a statement, one row a revision; `masked` is what may leave the private store."""

    __tablename__ = "statement_text"
    statement_id: int = Field(foreign_key="statement.id", primary_key=True)
    revision: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    body: str | None = None
    masked: str | None = None
    quote: str | None = None
    reason: str  # filed, fixed, masked, split
    at: datetime = moment()


class StatementLink(Base, table=True):
    """A tie between two statements: supports, corrects, duplicate."""

    __tablename__ = "statement_link"
    __table_args__ = (CheckConstraint("from_id <> to_id", name="not_itself"),)
    from_id: int = Field(foreign_key="statement.id", primary_key=True)
    to_id: int = Field(foreign_key="statement.id", primary_key=True)
    kind: str = Field(primary_key=True)


class Task(Base, table=True):
    """Something a person of the core team must do: a handover, a correction, a silent group, a safety report."""

    __tablename__ = "task"
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    kind: str
    at: datetime = moment()
    subject_kind: str
    subject_id: int
    note: str = ""
    state: str
    done_by: str | None = None
    done_at: datetime | None = moment(nullable=True)
    assigned_to: str | None = None  # who of the core team looks after it, by name
    reason: str | None = None  # what a person said when they closed it
