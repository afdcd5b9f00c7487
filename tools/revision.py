"""Write a new migration from the difference between the declared tables and the migrated ones.

usage: python tools/revision.py MESSAGE
Read what it wrote: constraints on expressions, full-text indexes and data moves are written by hand.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from db.engine import Database
from db.migrate import _config, declared, upgrade


def main(message: str) -> Path:
    """Write the revision; gives its file."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'new.sqlite'}")
        config = _config()
        number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
        if number > 1:
            upgrade(database)
        with database.write() as tx:
            config.attributes.update(connection=tx, include_name=declared)
            made = command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04}")
        plain_strings(Path(made.path))
        database.close()
    return Path(made.path)


def plain_strings(path: Path) -> None:
    """SQLModel's own string type means nothing to a migration that outlives it."""
    path.write_text(path.read_text().replace("sqlmodel.sql.sqltypes.AutoString()", "sa.String()"))


if __name__ == "__main__":
    main(sys.argv[1])
