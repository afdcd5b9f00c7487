"""Digests, editions, announcements, mailings and deliveries: what is sent, to whom, and its fate."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Integer, UniqueConstraint, text
from sqlmodel import Field

from db.tables.base import Base, count, document, flag, key, moment
from db.tables.roster import tag


def once(table: str, parent: str, child: str) -> tuple[Index, Index]:
    """One row per (parent, child), and one per parent where the child is empty."""
    return (
        Index(
            f"uq_{table}_once",
            parent,
            child,
            unique=True,
            sqlite_where=text(f"{child} IS NOT NULL"),
            postgresql_where=text(f"{child} IS NOT NULL"),
        ),
        Index(
            f"uq_{table}_only",
            parent,
            unique=True,
            sqlite_where=text(f"{child} IS NULL"),
            postgresql_where=text(f"{child} IS NULL"),
        ),
    )


class Digest(Base, table=True):
    """The standing series. `rule` is its cadence; `approval` manual or automatic after `grace_minutes`.

    `calendar`: its mails bring what is due as an .ics.
    """

    __tablename__ = "digest"
    __table_args__ = (UniqueConstraint("process_id", "slug"),)
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    slug: str
    title: str
    list_id: str = Field(unique=True)
    rule: str
    zone: str
    anchor_on: date
    approval: str
    grace_minutes: int
    undo_minutes: int = count()
    late_limit_minutes: int
    audience: Any = document()
    ticked_until: datetime | None = moment(nullable=True)
    calendar: bool = flag()


class Subscription(Base, table=True):
    """A liaison's place in a digest. `cursor` is a shortcut (N6), `turn` counts what voids it (N7)."""

    __tablename__ = "subscription"
    __table_args__ = (
        UniqueConstraint("digest_id", "liaison_id"),
        CheckConstraint("size IN ('S', 'M', 'L')", name="size"),
    )
    id: int | None = key()
    digest_id: int = Field(foreign_key="digest.id")
    liaison_id: int = Field(foreign_key="liaison.id", index=True)
    tag: int = tag(unique=True)
    state: str
    cadence: str
    size: str
    cursor: int | None = None
    turn: int = count()


class Interest(Base, table=True):
    """A track somebody follows, or all (`track_id` empty); news before `since_seq` counts as known if over."""

    __tablename__ = "interest"
    __table_args__ = (*once("interest", "subscription_id", "track_id"),)
    id: int | None = key()
    subscription_id: int = Field(foreign_key="subscription.id")
    track_id: int | None = Field(default=None, foreign_key="track.id")
    since_seq: int
    active: bool = True


class Edition(Base, table=True):
    """One numbered instance of a digest, named by the wall time of its slot (T1). `seq` freezes what it knows."""

    __tablename__ = "edition"
    __table_args__ = (
        UniqueConstraint("digest_id", "slot_wall"),
        UniqueConstraint("digest_id", "number"),
        Index(
            "uq_edition_draft",
            "digest_id",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
        CheckConstraint("state NOT IN ('approved', 'mailed') OR seq IS NOT NULL", name="frozen"),
    )
    id: int | None = key()
    digest_id: int = Field(foreign_key="digest.id")
    slot_wall: str
    slot_at: datetime = moment()
    kind: str
    number: int | None = None
    state: str
    reason: str = ""
    seq: int | None = None
    drafted_at: datetime = moment()
    frozen_at: datetime | None = moment(nullable=True)
    choices: Any = document()


class Item(Base, table=True):
    """One numbered, answerable thing in an edition; the same number for everyone, kept for ever (N15)."""

    __tablename__ = "item"
    __table_args__ = (
        UniqueConstraint("mailing_id", "number"),
        UniqueConstraint("mailing_id", "subject_kind", "subject_id"),
        CheckConstraint("number BETWEEN 1 AND 1023", name="number"),
    )
    id: int | None = key()
    mailing_id: int = Field(foreign_key="mailing.id")
    number: int
    subject_kind: str
    subject_id: int


class Announcement(Base, table=True):
    """One-off text of the core team; its words are in `text`. Wall time and zone are kept, not the instant (T5)."""

    __tablename__ = "announcement"
    __table_args__ = (UniqueConstraint("process_id", "slug"), UniqueConstraint("process_id", "id"))
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    slug: str
    state: str
    landing: str  # instant, wall (each reader's clock), hour (each reader's own hour)
    send_wall: str | None = None
    zone: str | None = None
    audience: Any = document()
    fold: bool = False
    urgent: bool = False
    repeat: str = ""
    expires_at: datetime | None = moment(nullable=True)
    written_by: str
    reviewed_by: str | None = None
    undo_minutes: int = count()
    created_at: datetime = moment()
    corrects_id: int | None = Field(default=None, foreign_key="announcement.id")


class Mailing(Base, table=True):
    """Approved content addressed to one audience: immutable. Its tag comes from its natural key (K3)."""

    __tablename__ = "mailing"
    __table_args__ = (UniqueConstraint("process_id", "natural_key"),)
    id: int | None = key()
    process_id: int = Field(foreign_key="process.id")
    natural_key: str
    tag: int = tag(unique=True)
    kind: str
    digest_id: int | None = Field(default=None, foreign_key="digest.id")
    edition_id: int | None = Field(default=None, foreign_key="edition.id", unique=True)
    announcement_id: int | None = Field(default=None, foreign_key="announcement.id")
    corrects_id: int | None = Field(default=None, foreign_key="mailing.id")
    seq: int
    state: str
    generation: int
    lane: int = count()  # lower leaves first: receipts and urgent words before bulk
    created_at: datetime = moment()
    ready_at: datetime | None = moment(nullable=True)  # claimable from this commit on
    due_at: datetime = moment()
    total: int | None = None
    set_hash: str | None = None
    paused_why: str | None = None


class Sample(Base, table=True):
    """A mailing that goes to some readers first; the rest is held until their bounces are counted."""

    __tablename__ = "sample"
    mailing_id: int = Field(foreign_key="mailing.id", primary_key=True)
    size: int  # readers in the sample; 0 while the mailing is being built
    percent: float
    wait_minutes: int  # between the last mail of the sample and the decision
    limit_percent: float  # more bounces than this, and a person decides
    state: str  # open, passed, stopped
    decided_at: datetime | None = moment(nullable=True)


class NewsSet(Base, table=True):
    """A set of news that several readers share."""

    __tablename__ = "news_set"
    __table_args__ = (UniqueConstraint("mailing_id", "key"),)
    id: int | None = key()
    mailing_id: int = Field(foreign_key="mailing.id")
    key: str


class NewsItem(Base, table=True):
    """One subject in a news set, its label, and the seq at which its readers knew it before."""

    __tablename__ = "news_item"
    news_set_id: int = Field(foreign_key="news_set.id", primary_key=True)
    subject_kind: str = Field(primary_key=True)
    subject_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    label: str
    was_seq: int | None = None


class Variant(Base, table=True):
    """The wording of a mailing for one news set, language order, size and what is still open (N19)."""

    __tablename__ = "variant"
    __table_args__ = (UniqueConstraint("mailing_id", "key"),)
    id: int | None = key()
    mailing_id: int = Field(foreign_key="mailing.id", index=True)
    news_set_id: int | None = Field(default=None, foreign_key="news_set.id")
    key: str
    languages: Any = document()
    size: str
    still_open: Any = document()


class VariantBody(Base, table=True):
    """The rendered wording with its splice points, frozen at approval; apart, so that retention can drop it."""

    __tablename__ = "variant_body"
    variant_id: int = Field(foreign_key="variant.id", primary_key=True)
    body: Any = document()


class Delivery(Base, table=True):
    """One mailing for one liaison and its fate: a row of the outbox until it is final."""

    __tablename__ = "delivery"
    __table_args__ = (
        *once("delivery", "mailing_id", "liaison_id"),
        Index("ix_delivery_claim", "state", "send_at"),
        Index("ix_delivery_due", "mailing_id", "state", "send_at", "variant_id"),
        Index("ix_delivery_subscription", "subscription_id", "state"),
        Index("ix_delivery_liaison", "liaison_id"),
    )
    id: int | None = key()
    mailing_id: int = Field(foreign_key="mailing.id")
    liaison_id: int | None = Field(default=None, foreign_key="liaison.id")
    subscription_id: int | None = Field(default=None, foreign_key="subscription.id")
    address_id: int | None = Field(default=None, foreign_key="address.id")
    to_addr: str | None = None  # writers who are no liaisons
    domain: str = ""
    variant_id: int | None = Field(default=None, foreign_key="variant.id")
    lang: str = ""
    state: str
    reason: str | None = None
    send_at: datetime = moment()
    not_after: datetime = moment()
    dated_at: datetime | None = moment(nullable=True)  # the Date header, set at the first claim
    lease_by: str | None = None
    lease_until: datetime | None = moment(nullable=True)
    tries: int = count()
    created_at: datetime = moment()


class DeliveryPersonal(Base, table=True):
    """What only this reader's mail says, rendered at the freeze; destroyed when the person is forgotten."""

    __tablename__ = "delivery_personal"
    delivery_id: int = Field(foreign_key="delivery.id", primary_key=True)
    body: Any = document()


class DeliveryTold(Base, table=True):
    """The personal items a delivery told: the reader's own statements."""

    __tablename__ = "delivery_told"
    delivery_id: int = Field(foreign_key="delivery.id", primary_key=True)
    subject_kind: str = Field(primary_key=True)
    subject_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))


class LeftOut(Base, table=True):
    """A liaison who gets no mail of this mailing, and why."""

    __tablename__ = "left_out"
    mailing_id: int = Field(foreign_key="mailing.id", primary_key=True)
    liaison_id: int = Field(foreign_key="liaison.id", primary_key=True)
    reason: str


class Attempt(Base, table=True):
    """One SMTP conversation about a delivery. At most one was ever accepted (E3)."""

    __tablename__ = "attempt"
    __table_args__ = (
        Index(
            "uq_attempt_accepted",
            "delivery_id",
            unique=True,
            sqlite_where=text("outcome = 'accepted'"),
            postgresql_where=text("outcome = 'accepted'"),
        ),
    )
    delivery_id: int = Field(foreign_key="delivery.id", primary_key=True)
    n: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    started_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)
    outcome: str  # started, accepted, temporary, permanent, unknown
    code: int | None = None
    enhanced: str | None = None
    reply: str | None = None
    sent_hash: str | None = None
    mark: str | None = None  # a hash over this row, from its end on
    journal_id: int | None = None  # the journal row that vouches for it


class LanguageWait(Base, table=True):
    """A standing order: editions of a digest, or an announcement, wait so many hours for a language (L5)."""

    __tablename__ = "language_wait"
    subject_kind: str = Field(primary_key=True)
    subject_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    lang: str = Field(primary_key=True)
    hours: int


class LanguageGate(Base, table=True):
    """A language that a mailing waits for; opens when the texts in `needs` are translated, or at the cut-off (L5)."""

    __tablename__ = "language_gate"
    __table_args__ = (UniqueConstraint("mailing_id", "lang"),)
    id: int | None = key()
    mailing_id: int = Field(foreign_key="mailing.id")
    lang: str
    state: str
    cut_off_at: datetime = moment()
    opened_at: datetime | None = moment(nullable=True)
    needs: Any = document()
