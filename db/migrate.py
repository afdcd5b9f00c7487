"""Bringing a database to the schema of this code, and telling how far it is.

Every command asks how far it is, few bring it further: alembic is loaded for those alone.
"""

from pathlib import Path

from sqlalchemy import column, inspect, select, table

from db.engine import Database, DatabaseUnavailable, Tx
from db.tables import Base

_MIGRATIONS = Path(__file__).parent / "migrations"


def _revisions() -> list[str]:
    """The revisions of this code, by the names of their files."""
    return sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def head() -> str:
    """The newest revision this code knows."""
    return _revisions()[-1]


def current(database: Database) -> str:
    """The revision the database is at; '' for an empty one."""
    with database.read() as tx:
        return revision(tx)


def upgrade(database: Database) -> None:
    """Apply all missing migrations, in one transaction a step. Raises `DatabaseUnavailable` for a newer database."""
    with database.write() as tx:
        if fault := too_new(revision(tx)):
            raise DatabaseUnavailable(fault)
        upgrade_to(tx, "head")


def revision(tx: Tx) -> str:
    """The revision that a transaction sees."""
    if not inspect(tx).has_table("alembic_version"):
        return ""
    return tx.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar() or ""


def known(wanted: str) -> bool:
    """Whether this code knows a revision."""
    return wanted in _revisions()


def too_new(is_at: str) -> str:
    """Why a database cannot be used that a newer program has made; '' where it can."""
    if not is_at or known(is_at):
        return ""
    return f"the database is at schema {is_at}, made by a newer program than this one, which knows {head()}"


def upgrade_to(tx: Tx, wanted: str) -> None:
    """Apply the migrations up to `wanted` in a transaction that is open already."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = tx
    command.upgrade(config, wanted)


def require_head(database: Database) -> None:
    """Raise `DatabaseUnavailable` with what to do when the schema is not this code's."""
    is_at, wanted = current(database), head()
    if fault := too_new(is_at):
        raise DatabaseUnavailable(f"{fault}: install that one again, or restore the backup made before it")
    if is_at != wanted:
        what = "has no tables" if not is_at else f"is at schema {is_at}, this program needs {wanted}"
        raise DatabaseUnavailable(f"the database {what}: run `tidings migrate`")


def differences(database: Database) -> list[str]:
    """What the migrated schema has and the declared one has not, or the reverse; empty when equal."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with database.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "include_name": declared})
        return [str(d) for d in compare_metadata(context, Base.metadata)]


def declared(name: str | None, kind: str, parents: object) -> bool:
    """Whether a table is one of `db.tables`, for comparisons."""
    # The full-text index is made by hand-written DDL and is no part of the declared metadata.
    del parents
    return not (kind == "table" and (name or "").startswith("statement_search"))
