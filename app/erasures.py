"""A list of erasures outside the database, so that a backup that is put back does not bring people back (E7).

One JSON line each, beside the generation file: process, tag, scope, reason, moment. Nothing in it is about the person.
"""

import json
from datetime import datetime
from pathlib import Path

from app.config import Config, ConfigError
from db.journal import Act
from flows import person
from flows.engine import Engine
from flows.person import Erased


def _file(config: Config) -> Path | None:
    known = config.generation_file
    return known.with_suffix(".erasures") if known is not None else None


def note(config: Config, slug: str, done: Erased, statements: str, reason: str, now: datetime) -> None:
    """Add an erasure to the list. That of a stranger is not listed: nothing names them."""
    file = _file(config)
    if file is None or not done.tag:
        return
    line = {"process": slug, "tag": done.tag, "statements": statements, "reason": reason, "at": now.isoformat()}
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


def replay(config: Config, engine: Engine, *, act: Act) -> int:
    """Carry out every erasure of the list that the database does not know; gives how many. Raises `ConfigError`."""
    file = _file(config)
    if file is None or not file.is_file():
        return 0
    again = 0
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        try:
            said = json.loads(line)
            slug, tag = str(said["process"]), int(said["tag"])
            reason, statements = str(said["reason"]), str(said["statements"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{file}: line {number} is no erasure: {error}") from error
        again += person.erase_again(engine, slug, tag, reason, statements=statements, act=act)
    return again
