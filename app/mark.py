"""The mark outside: generation and newest seal in a file beside the configuration, where no restored database reaches.

A database that is older than its mark was put back by other means than `tidings restore`. The file is written after
the database, so it may be behind, never ahead, of the truth. The limit: a machine that is put back as a whole takes its
file along.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from app.config import Config, ConfigError
from db.engine import Tx
from flows import restore

ADOPT = "If it was put back on purpose, say `tidings adopt`: what may have gone out already then waits for you."


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a database was known to be. `seal` 0: nothing was sealed yet."""

    generation: int
    seal: int
    hash: str


def read(config: Config) -> Mark | None:
    """The mark, or None where there is none yet. Raises `ConfigError` for a file that is no mark."""
    file = config.generation_file
    if file is None or not file.exists():
        return None
    try:
        return Mark(**json.loads(file.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{file} holds no generation mark: {error}; put back the one of your backup") from error


def put_back(config: Config, tx: Tx) -> str | None:
    """Why this is not the database that was known here, or None: nothing is sent from it until `tidings adopt`."""
    known = read(config)
    return restore.is_older(tx, known.generation, known.seal, known.hash) if known is not None else None


def write(config: Config, mark: Mark) -> None:
    """Keep the mark: on disk when this returns, and never half of it."""
    file = config.generation_file
    if file is None or read(config) == mark:
        return
    # A name of its own: several threads and programs may keep one file.
    with NamedTemporaryFile("w", dir=file.parent, prefix=file.name, encoding="utf-8", delete=False) as out:
        out.write(json.dumps(asdict(mark)) + "\n")
        out.flush()
        os.fsync(out.fileno())
    Path(out.name).replace(file)
