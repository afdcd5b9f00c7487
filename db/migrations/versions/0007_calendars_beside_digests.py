"""Calendars beside digests: whether the mails of a digest bring what is due as an .ics."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("digest", schema=None) as batch_op:
        batch_op.add_column(sa.Column("calendar", sa.Boolean(), nullable=False, server_default=sa.false()))
