"""`tidings backup`, `restore` and `adopt`: a copy of everything, and what is done when one was put back."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app import erasures, mark
from app.cli import console
from app.cli.session import Session
from app.config import Config
from db import deployment, seals
from db.engine import Database
from flows import restore as flow
from flows.engine import Refused
from flows.intake import rescue
from flows.restore import Held

cli = typer.Typer()


@cli.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to; compressed, for your eyes only (mode 0600).")],
) -> None:
    """Write everything in the database to a file, as it is at this moment; the service may go on meanwhile."""
    session: Session = context.obj
    if file.exists():
        raise Refused(f"{file} is there already: backups are not overwritten")
    rescue(session.engine)  # mails that a killed listener left beside the database
    beside = Path(f"{file}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            with gzip.open(raw, "wt", compresslevel=3, encoding="utf-8", newline="\n") as out:
                head = flow.write(session.engine.db, out.write, act=session.act())
            raw.flush()
            os.fsync(raw.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    size = file.stat().st_size
    console.answer(
        session.json,
        {"file": str(file), "octets": size, "generation": head.generation, "seal": head.seal, "hash": head.hash},
        f"{file}: {size} octets, generation {head.generation}, seal {head.seal} {head.hash}".rstrip(),
    )


@cli.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `tidings backup` wrote, on either kind of database.")],
    replace: Annotated[bool, typer.Option("--replace", help="Lose what the database holds now.")] = False,
) -> None:
    """Put a backup back, as a new generation: what may have gone out after it was made waits for you."""
    session: Session = context.obj
    database = Database(session.config.database)
    known = mark.read(session.config)

    def work() -> Held:
        with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
            return flow.restore(database, lines, known.generation if known else 0, replace=replace, act=session.act())

    try:
        _done(session, database, work)
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise Refused(f"{file} is no whole backup: {error}") from error
    finally:
        database.close()


@cli.command()
def adopt(context: typer.Context) -> None:
    """Take a database that was put back by other means: a new generation, and what may have gone out waits for you."""
    session: Session = context.obj
    known = mark.read(session.config)
    _done(
        session,
        session.engine.db,
        lambda: flow.adopt(session.engine.db, known.generation if known else 0, act=session.act()),
    )


def _done(session: Session, database: Database, work: Callable[[], Held]) -> None:
    held = work()
    _mark(session.config, database)
    again = erasures.replay(session.config, session.engine, act=session.act())
    if again and not session.json:
        console.say(f"{again} people who were forgotten after the backup was made are forgotten again")
    console.answer(
        session.json, held,
        f"generation {held.generation}: {held.unproved} mails that were being sent and {held.overdue} that were due"
        " wait for you; see `tidings outbox held`",
    )  # fmt: skip


def _mark(config: Config, database: Database) -> None:
    with database.read() as tx:
        newest, generation = seals.newest(tx), deployment.generation(tx)
    mark.write(config, mark.Mark(generation, newest.no if newest else 0, newest.hash if newest else ""))
