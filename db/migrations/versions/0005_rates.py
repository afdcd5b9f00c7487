"""Limits on mails a minute, shared by all workers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "rate",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("log", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_rate")),
    )
