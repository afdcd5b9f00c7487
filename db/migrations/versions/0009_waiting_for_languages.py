"""Waiting for languages: standing orders, and gates that know which texts they wait for."""

import sqlalchemy as sa
from alembic import op

from db.tables.base import Moment

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "language_wait",
        sa.Column("subject_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("lang", sa.String(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "subject_kind", "lang", name=op.f("pk_language_wait")),
    )
    op.drop_column("liaison", "waits")  # nobody could ever set it: the core team says what is waited for
    op.drop_table("language_gate")  # nothing ever wrote to it
    op.create_table(
        "language_gate",
        sa.Column("cut_off_at", Moment(timezone=True), nullable=False),
        sa.Column("opened_at", Moment(timezone=True), nullable=True),
        sa.Column("needs", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("lang", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailing.id"], name=op.f("fk_language_gate_mailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_language_gate")),
        sa.UniqueConstraint("mailing_id", "lang", name=op.f("uq_language_gate_mailing_id_lang")),
    )
