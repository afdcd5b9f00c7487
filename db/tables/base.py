"""What every table shares: the metadata, column types that mean one thing, enum checks.

A moment is stored in UTC and comes back aware on every database (SQLite alone would forget the zone).
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, DateTime, ForeignKeyConstraint, Integer, MetaData, false
from sqlalchemy.engine import Dialect
from sqlalchemy.types import JSON, TypeDecorator
from sqlmodel import Field, SQLModel

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel):
    """The declared schema hangs on this metadata; migrations are compared with it by a test."""

    model_config = {"defer_build": True}  # what checks values is made when it is first asked for: here never
    metadata = MetaData(naming_convention=NAMES)


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored in UTC. A naive one is refused: it would mean something else elsewhere."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware moment in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def key() -> Any:
    """An integer primary key given by the database."""
    return Field(default=None, primary_key=True)


def moment(nullable: bool = False, index: bool = False) -> Any:
    """A moment column."""
    return Field(default=None, sa_column=Column(Moment(), nullable=nullable, index=index))


def document(nullable: bool = False) -> Any:
    """A JSON column for values that are read whole and never searched inside."""
    return Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=nullable))


def count(default: int = 0) -> Any:
    """A counter that starts at `default` on the database's side too."""
    return Field(default=default, sa_column=Column(Integer, nullable=False, server_default=str(default)))


def flag() -> Any:
    """A yes or no that is no at first, on the database's side too."""
    return Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))


def within_process(column: str, table: str, use_alter: bool = False) -> ForeignKeyConstraint:
    """A reference that cannot cross processes: (process_id, column) -> table(process_id, id)."""
    return ForeignKeyConstraint(["process_id", column], [f"{table}.process_id", f"{table}.id"], use_alter=use_alter)
