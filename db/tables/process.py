"""Deployment and process: workers, processes, tracks, contact persons."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from db.tables.base import Base, count, document, key, moment


class Deployment(Base, table=True):
    """One row: the generation that a restore raises, and the pause of everything."""

    __tablename__ = "deployment"
    id: int | None = key()
    generation: int = count(1)
    paused_at: datetime | None = moment(nullable=True)
    paused_why: str | None = None


class PausedDomain(Base, table=True):
    """A destination domain that nothing is sent to for now."""

    __tablename__ = "paused_domain"
    domain: str = Field(primary_key=True)
    at: datetime = moment()
    why: str


class Rate(Base, table=True):
    """A limit on mails a minute, to a domain or (empty) altogether, and what was claimed in the last minute."""

    __tablename__ = "rate"
    domain: str = Field(primary_key=True)
    log: Any = document()


class Worker(Base, table=True):
    """A running program, its last sign of life, and which limits it met how often since it started."""

    __tablename__ = "worker"
    name: str = Field(primary_key=True)
    role: str
    started_at: datetime = moment()
    seen_at: datetime = moment()
    limits: dict[str, int] | None = document(nullable=True)


class Process(Base, table=True):
    """The whole undertaking. `last_seq` and `last_ref` are counters moved in the writer's transaction (N1, S1)."""

    __tablename__ = "process"
    id: int | None = key()
    slug: str = Field(unique=True)
    name: str
    zone: str
    source_lang: str
    address_base: str = Field(unique=True)  # where its mail lives: a domain, or prefix@domain
    postal: str = ""  # postal address for the footer
    about: str = ""  # notice shown with every mail, such as "people here are invented"
    last_seq: int = count()
    last_ref: int = count()
    baseline_seq: int = count()
    restored_at: datetime | None = moment(nullable=True)


class Track(Base, table=True):
    """A working group or thematic area. A `for_all` track belongs to everybody's interests."""

    __tablename__ = "track"
    __table_args__ = (
        UniqueConstraint("process_id", "slug"),
        UniqueConstraint("process_id", "code"),
        UniqueConstraint("process_id", "id"),
    )
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    slug: str
    code: str
    name: str
    for_all: bool = False


class Contact(Base, table=True):
    """Who to ask, per track (none: the whole process); `lang` lists languages, best first (empty: any)."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("process_id", "position"),)
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    position: int
    track_id: int | None = Field(default=None, foreign_key="track.id")
    lang: str = ""
    name: str
    address: str


class Fallback(Base, table=True):
    """Languages tried after a reader's own ones, in order of position (L3)."""

    __tablename__ = "fallback"
    process_id: int = Field(foreign_key="process.id", primary_key=True)
    lang: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    to_lang: str


class Setting(Base, table=True):
    """A small fact about a process that has no table of its own, by name."""

    __tablename__ = "setting"
    process_id: int = Field(foreign_key="process.id", primary_key=True)
    name: str = Field(primary_key=True)
    value: Any = document()
