"""Timeline: append-only events, entries as their projection, questions, and texts that can be translated."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlmodel import Field

from db.tables.base import Base, count, document, key, moment, within_process


class Event(Base, table=True):
    """A recorded fact. `after` holds all facts of the subject after it (N2); `clock_key` makes clock events unique."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_subject", "process_id", "subject_kind", "subject_id", "seq"),
        Index(
            "uq_event_clock",
            "process_id",
            "subject_kind",
            "subject_id",
            "kind",
            "clock_key",
            unique=True,
            sqlite_where=text("clock_key IS NOT NULL"),
            postgresql_where=text("clock_key IS NOT NULL"),
        ),
    )
    process_id: int = Field(foreign_key="process.id", primary_key=True)
    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    at: datetime = moment()
    cause: str  # person, import, clock
    actor: str
    subject_kind: str
    subject_id: int
    kind: str
    changes: Any = document()
    after: Any = document()
    about_liaison_id: int | None = Field(default=None, index=True)
    clock_key: str | None = None


class Entry(Base, table=True):
    """One thing on the timeline: a projection of its events. `hopped`: it changed track at least once (N13)."""

    __tablename__ = "entry"
    __table_args__ = (UniqueConstraint("process_id", "slug"), UniqueConstraint("process_id", "id"))
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    slug: str
    kind: str
    status: str
    facts: Any = document()
    changed_seq: int
    hopped: bool = False


class EntryTrack(Base, table=True):
    """The tracks of an entry; one of them is the main one."""

    __tablename__ = "entry_track"
    __table_args__ = (
        within_process("entry_id", "entry"),
        within_process("track_id", "track"),
        Index(
            "uq_entry_track_main",
            "entry_id",
            unique=True,
            sqlite_where=text("main"),
            postgresql_where=text("main"),
        ),
    )
    process_id: int
    entry_id: int = Field(primary_key=True)
    track_id: int = Field(primary_key=True)
    main: bool = False


class Question(Base, table=True):
    """Something the process asks the communities; `code` such as RR-2 (one to three digits, never zero-padded)."""

    __tablename__ = "question"
    __table_args__ = (
        UniqueConstraint("process_id", "code"),
        UniqueConstraint("process_id", "id"),
        within_process("track_id", "track"),
        within_process("entry_id", "entry"),
    )
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    code: str
    track_id: int
    entry_id: int | None = None
    status: str


class Text(Base, table=True):
    """Anything that can be translated. Translations of revisions before `fresh_from` are outdated (L2)."""

    __tablename__ = "text"
    __table_args__ = (UniqueConstraint("process_id", "owner_kind", "owner_id", "field"),)
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    owner_kind: str
    owner_id: int
    field: str
    source_lang: str
    fresh_from: int = count(1)


class TextVersion(Base, table=True):
    """One revision of a text in one language; only inserted, never updated. `of_revision` names its source (L1)."""

    __tablename__ = "text_version"
    text_id: int = Field(sa_column=Column(Integer, ForeignKey("text.id"), primary_key=True))
    lang: str = Field(primary_key=True)
    revision: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    of_revision: int
    body: str
    state: str  # draft, ready
    by: str
    at: datetime = moment()
