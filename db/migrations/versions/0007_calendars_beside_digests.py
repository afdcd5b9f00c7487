"""Calendars beside digests: whether the mails of a digest bring what is due as an .ics."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    # Not in a batch: with this default it makes the table anew on SQLite, and rows elsewhere refer to the old one.
    op.add_column("digest", sa.Column("calendar", sa.Boolean(), nullable=False, server_default=sa.false()))
