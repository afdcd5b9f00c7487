"""Paused domains, samples, probes, and why a suppression was lifted."""

import sqlalchemy as sa
from alembic import op

import db.tables.base

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "paused_domain",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("at", db.tables.base.Moment(timezone=True), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_paused_domain")),
    )
    op.create_table(
        "sample",
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Float(), nullable=False),
        sa.Column("wait_minutes", sa.Integer(), nullable=False),
        sa.Column("limit_percent", sa.Float(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_at", db.tables.base.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailing.id"], name=op.f("fk_sample_mailing_id")),
        sa.PrimaryKeyConstraint("mailing_id", name=op.f("pk_sample")),
    )
    with op.batch_alter_table("bounce_score", schema=None) as batch_op:
        batch_op.add_column(sa.Column("probed_at", db.tables.base.Moment(timezone=True), nullable=True))
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lifted_why", sa.String(), nullable=True))
