"""Attempts and journal rows carry a hash of what they say, and of what they vouch for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mark", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("journal_id", sa.Integer(), nullable=True))
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proof", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("mark", sa.String(), nullable=True))
