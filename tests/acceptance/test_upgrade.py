"""A database of the first schema, with mail in its outbox, is brought to this program's and the mail goes out, once."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text

from db import migrate
from db.engine import Database, DatabaseUnavailable
from db.tables import Attempt, Delivery, LeftOut
from tests.databases import KINDS, Databases
from tests.world import World

FIRST_SCHEMA = "0001"
BEFORE = datetime(2019, 3, 11, 8, 30, tzinfo=UTC)  # frozen, and the hour of some has not come


# What later revisions added; migrations go forward only, so the test takes it away by hand.
ADDED = {
    "attempt": ("mark", "journal_id"),
    "journal": ("proof", "mark"),
    "bounce_score": ("probed_at",),
    "task": ("assigned_to", "reason"),
    "suppression": ("lifted_why",),
    "digest": ("calendar",),
    "worker": ("limits",),
}
ADDED_TABLES = ("application", "paused_domain", "rate", "sample", "language_wait")
# What later revisions took away, or made anew.
TAKEN = (
    "ALTER TABLE liaison ADD COLUMN waits BOOLEAN NOT NULL DEFAULT false",
    "DROP TABLE language_gate",
    "CREATE TABLE language_gate (mailing_id INTEGER NOT NULL REFERENCES mailing (id), lang VARCHAR NOT NULL, "
    "state VARCHAR NOT NULL, cut_off_at TIMESTAMP NOT NULL, PRIMARY KEY (mailing_id, lang))",
)


def at_first_schema(database: Database) -> None:
    """Make the database what the first program left behind."""
    with database.write() as tx:
        for table in ADDED_TABLES:
            tx.execute(text(f"DROP TABLE {table}"))
        for table, columns in ADDED.items():
            for column in columns:
                tx.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        for statement in TAKEN:
            tx.execute(text(statement))
        tx.execute(text(f"UPDATE alembic_version SET version_num = '{FIRST_SCHEMA}'"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_outbox_of_the_first_schema_delivers_after_the_upgrade(databases: Databases, kind: str) -> None:
    database = databases.fresh(kind)
    world = World(database)
    try:
        world.populate()
        world.until(BEFORE)
        assert len(world.mails) == 2  # whose hour it was; the others wait
        at_first_schema(database)
        assert migrate.current(database) == FIRST_SCHEMA
        with pytest.raises(DatabaseUnavailable, match="tidings migrate"):
            migrate.require_head(database)
        migrate.upgrade(database)
        migrate.require_head(database)
        assert migrate.differences(database) == []
        world.until(BEFORE.replace(hour=23))
        world.until(BEFORE.replace(day=12))
        with database.read() as tx:
            states = dict(tx.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all())
            tries = tx.execute(select(func.count()).select_from(Attempt)).scalar_one()
            left = tx.execute(select(func.count()).select_from(LeftOut)).scalar_one()
        assert states == {"sent": 4}
        assert (tries, left, len(world.mails)) == (4, 0, 4)
        assert len({mail["Message-ID"] for mail in world.mails}) == 4
    finally:
        world.close()
        databases.release(database)
