"""The migrated schema is the declared one, on both databases."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from db import migrate
from db.engine import Database, DatabaseUnavailable


def test_migrated_equals_declared(database: Database) -> None:
    assert migrate.differences(database) == []
    assert migrate.current(database) == migrate.head()


def test_a_difference_is_noticed(database: Database) -> None:
    with database.write() as tx:
        tx.exec_driver_sql("ALTER TABLE track DROP COLUMN name")
    assert any("name" in difference for difference in migrate.differences(database))


def test_an_empty_database_says_what_to_do(tmp_path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(DatabaseUnavailable, match="tidings migrate"):
        migrate.require_head(empty)
    empty.close()


def test_a_database_of_a_newer_program_is_left_alone(sqlite: Database) -> None:
    with sqlite.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnavailable, match="install that one again"):
        migrate.require_head(sqlite)
    with pytest.raises(DatabaseUnavailable, match="9999, made by a newer program"):
        migrate.upgrade(sqlite)


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(DatabaseUnavailable, match="mysql"):
        Database("mysql://somewhere/db")


def test_a_folder_that_is_not_there_is_unavailable(tmp_path) -> None:
    with pytest.raises(DatabaseUnavailable, match="nowhere"):
        Database(f"sqlite:///{tmp_path / 'nowhere' / 'x.sqlite'}")


def test_the_files_of_the_migrations_are_named_after_their_revisions() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    scripts = ScriptDirectory(str(folder))
    assert scripts.get_current_head() == migrate.head()
    assert all(migrate.known(one.revision) for one in scripts.walk_revisions())
    assert not migrate.known("0000")
