"""Applications of people who want to take part."""

import sqlalchemy as sa
from alembic import op

from db.tables.base import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "application",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("addr", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("wording", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("confirmed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["roster_group.id"], name=op.f("fk_application_group_id")),
        sa.ForeignKeyConstraint(["process_id"], ["process.id"], name=op.f("fk_application_process_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("process_id", "key", name=op.f("uq_application_process_id_key")),
        sa.UniqueConstraint("tag", name=op.f("uq_application_tag")),
    )
