"""Alembic's entry: runs the migrations on the connection that `db.migrate` hands over."""

from alembic import context

from db.tables import Base

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    include_name=attributes.get("include_name"),  # what a new revision is compared with
)
with context.begin_transaction():
    context.run_migrations()
