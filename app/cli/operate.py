"""Verbs of the operator: init, migrate, serve."""

import contextlib
import os
from pathlib import Path
from typing import Annotated

import typer

from app import config as configuration
from app import crew, logs, wiring
from app import serve as server
from app.cli import console
from app.cli.session import Session, domain_name
from app.clock import draw_secret
from db import deployment, migrate
from db.engine import Database

cli = typer.Typer()


@cli.command()
def init(
    context: typer.Context,
    domain: Annotated[str, typer.Option(help="Domain at which mail to this service arrives.")],
    database: Annotated[str, typer.Option(help="sqlite:///FILE or postgresql://...")] = "sqlite:///tidings.sqlite",
) -> None:
    """Write a commented configuration with a fresh secret (mode 0600), and make the database."""
    session: Session = context.obj
    domain = domain_name(domain)
    file = configuration.find(session.config_file)
    if file.exists():
        console.fail(f"{file} is there already; remove it, or name another with --config")
    text = configuration.template(draw_secret(), domain=domain, database=database)
    with contextlib.ExitStack() as undo:
        _make(undo, file, text)
        session.config_file = file
        if session.config.database_file is not None:
            _make(undo, session.config.database_file)
        _upgrade(session)
        undo.pop_all()  # all went well: nothing is taken back
    console.answer(session.json, {"config": str(file)}, f"{file} is written and the database is made; next: edit it")


def _make(undo: contextlib.ExitStack, file: Path, text: str = "") -> None:
    """Make a file readable by us alone, to be removed if the rest fails; an empty one may be there already.

    What SQLite puts beside a database file gets the same mode.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if text:
            raise
        return
    except FileNotFoundError:
        console.fail(f"there is no folder {file.parent}")
    undo.callback(file.unlink, missing_ok=True)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)


@cli.command("migrate")
def migrate_(context: typer.Context) -> None:
    """Bring the database to this program's schema."""
    session: Session = context.obj
    was, becomes = _upgrade(session)
    console.answer(session.json, {"was": was, "is": becomes}, f"schema {was or 'none'} -> {becomes}")


def _upgrade(session: Session) -> tuple[str, str]:
    database = Database(session.config.database)
    was = migrate.current(database)
    migrate.upgrade(database)
    with database.write() as tx:
        deployment.ensure(tx)
    database.close()
    return was, migrate.head()


@cli.command()
def serve(
    context: typer.Context,
    only: Annotated[
        list[server.Role] | None, typer.Option(help="Run this part alone; give it several times for several.")
    ] = None,
) -> None:
    """Run the service until it is told to stop: listen, deliver, schedule and the web pages."""
    session: Session = context.obj
    logs.configure(session.config.log.format, session.config.log.level)
    together = crew.size(session.config)
    mine, posts = server.posts(only or server.Role, together)
    helpers = crew.Crew(configuration.find(session.config_file), posts, together)
    service = server.Service(session.config, session.engine, mine, say=console.say, crew=helpers, share=together)
    wiring.arm_failpoint()
    service.run()
