"""Roster: groups, liaisons, mandates, addresses, suppressions, consent."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from db.tables.base import Base, document, key, moment, within_process


def tag(unique: bool = False) -> Any:
    """A 40-bit number that stands for a row in names that leave the house (K1)."""
    return Field(sa_column=Column(BigInteger, nullable=False, unique=unique))


class RosterGroup(Base, table=True):
    """An affiliate or community. It may have no place; `lat` and `lon` come together or not at all."""

    __tablename__ = "roster_group"
    __table_args__ = (
        UniqueConstraint("process_id", "slug"),
        UniqueConstraint("process_id", "tag"),
        UniqueConstraint("process_id", "id"),
        CheckConstraint("(lat IS NULL) = (lon IS NULL)", name="place"),
    )
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    slug: str
    tag: int = tag()
    name: str
    short: str
    kind: str
    languages: Any = document()
    country: str = ""
    region: str = ""
    city: str = ""
    lat: float | None = None
    lon: float | None = None
    coord_basis: str = "none"
    zone: str | None = None
    facts: Any = document()


class Liaison(Base, table=True):
    """A person (or a shared mailbox). Personal fields are emptied when the person is forgotten; row and tag stay."""

    __tablename__ = "liaison"
    __table_args__ = (
        UniqueConstraint("process_id", "tag"),
        UniqueConstraint("process_id", "id"),
        CheckConstraint("kind IN ('person', 'shared')", name="kind"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
    )
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    tag: int = tag()
    kind: str
    name: str | None = None
    state: str
    zone: str
    hour: int
    languages: Any = document()
    paused_until: date | None = None
    quiet: Any = document(nullable=True)  # quiet hours and working days, where set
    left_at: datetime | None = moment(nullable=True)
    forgotten_at: datetime | None = moment(nullable=True)


class Mandate(Base, table=True):
    """A liaison's standing for a group; open while `until_on` is empty."""

    __tablename__ = "mandate"
    __table_args__ = (
        within_process("liaison_id", "liaison"),
        within_process("group_id", "roster_group"),
        CheckConstraint("rank IN ('first', 'deputy')", name="rank"),
        Index(
            "uq_mandate_once",
            "liaison_id",
            "group_id",
            unique=True,
            sqlite_where=text("until_on IS NULL"),
            postgresql_where=text("until_on IS NULL"),
        ),
        Index(
            "uq_mandate_first",
            "group_id",
            unique=True,
            sqlite_where=text("until_on IS NULL AND rank = 'first'"),
            postgresql_where=text("until_on IS NULL AND rank = 'first'"),
        ),
    )
    id: int | None = key()
    process_id: int
    liaison_id: int
    group_id: int
    rank: str
    role_there: str = ""
    agreed_on: date | None = None
    from_on: date | None = None
    until_on: date | None = None


class Address(Base, table=True):
    """A mailbox of a liaison. `addr` as given, `key` for comparison, `hint_key` only to propose (A1, A2).

    `ascii_alt`: the key of another address of theirs, used where a server cannot carry this one.
    """

    __tablename__ = "address"
    __table_args__ = (
        UniqueConstraint("process_id", "id"),
        within_process("liaison_id", "liaison"),
        Index(
            "uq_address_once",
            "process_id",
            "key",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
        Index(
            "uq_address_primary",
            "liaison_id",
            unique=True,
            sqlite_where=text("is_primary AND retired_at IS NULL"),
            postgresql_where=text("is_primary AND retired_at IS NULL"),
        ),
        Index("ix_address_hint", "process_id", "hint_key"),
    )
    id: int | None = key()
    process_id: int
    liaison_id: int
    addr: str
    key: str
    hint_key: str
    ascii_alt: str | None = None
    verified_at: datetime | None = moment(nullable=True)
    is_primary: bool = False
    retired_at: datetime | None = moment(nullable=True)


class Suppression(Base, table=True):
    """A standing order not to mail an address; the address itself only as a keyed hash (E4)."""

    __tablename__ = "suppression"
    __table_args__ = (
        Index(
            "uq_suppression_once",
            "process_id",
            "key_hash",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    key_hash: str
    reason: str
    since: datetime = moment()
    lifted_at: datetime | None = moment(nullable=True)
    lifted_why: str | None = None


class BounceScore(Base, table=True):
    """How badly an address bounces: a score that decays, counted at `at`."""

    __tablename__ = "bounce_score"
    address_id: int = Field(foreign_key="address.id", primary_key=True)
    score: float = 0.0
    at: datetime = moment()
    probed_at: datetime | None = moment(nullable=True)  # a probe is on its way since


class Application(Base, table=True):
    """Somebody who asked to take part, until the core team has decided: destroyed then, the proof goes to `consent`."""

    __tablename__ = "application"
    __table_args__ = (UniqueConstraint("process_id", "key"),)
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    tag: int = tag(unique=True)
    addr: str
    key: str
    name: str
    group_id: int | None = Field(default=None, foreign_key="roster_group.id")
    languages: Any = document()
    zone: str
    wording: str  # what they agreed to, in the words they read
    evidence: str  # where from: the page or a mail, and the neighbourhood of the network address
    asked_at: datetime = moment()
    confirmed_at: datetime | None = moment(nullable=True)


class Consent(Base, table=True):
    """Proof that a person agreed: to what, in which words, when, with which evidence (LG01)."""

    __tablename__ = "consent"
    id: int | None = key()
    liaison_id: int = Field(foreign_key="liaison.id", index=True)
    what: str
    wording: str
    at: datetime = moment()
    evidence: str = ""
