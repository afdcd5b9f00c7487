"""Record: who moved what from which state to which, when and why; seals over it; erasures."""

from datetime import datetime

from sqlalchemy import Column, Index, Integer, text
from sqlmodel import Field

from db.tables.base import Base, key, moment


class Journal(Base, table=True):
    """One move of one thing. Holds ids, states and codes only, never names or words (E1)."""

    __tablename__ = "journal"
    __table_args__ = (
        Index("ix_journal_subject", "subject_kind", "subject_id"),
        Index(
            "ix_journal_unsealed",
            "id",
            sqlite_where=text("seal_no IS NULL"),
            postgresql_where=text("seal_no IS NULL"),
        ),
    )
    id: int | None = key()
    process_id: int | None = Field(default=None, foreign_key="process.id")
    at: datetime = moment()
    actor: str
    subject_kind: str
    subject_id: int
    move_from: str | None = None
    move_to: str | None = None
    why: str
    private_hash: str | None = None
    proof: str | None = None  # a hash over other rows that this one vouches for: attempts, a mailing's deliveries
    mark: str | None = None  # a hash over this row
    seal_no: int | None = None


class JournalPrivate(Base, table=True):
    """The personal side of a journal row, salted; erasing it leaves the row and its seal whole."""

    __tablename__ = "journal_private"
    journal_id: int = Field(foreign_key="journal.id", primary_key=True)
    liaison_id: int | None = Field(default=None, index=True)
    salt: str
    body: str


class Seal(Base, table=True):
    """A hash over the marks of journal rows and the seal before it (E2)."""

    __tablename__ = "seal"
    no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    at: datetime = moment()
    count: int
    prev_hash: str
    hash: str


class Erasure(Base, table=True):
    """A person's data that was asked to be destroyed, and when it was."""

    __tablename__ = "erasure"
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    liaison_id: int
    scope: str
    asked_at: datetime = moment()
    done_at: datetime | None = moment(nullable=True)
