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
