"""Workers: which limits each of them met."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("worker", schema=None) as batch_op:
        batch_op.add_column(sa.Column("limits", sa.JSON(none_as_null=True), nullable=True))
