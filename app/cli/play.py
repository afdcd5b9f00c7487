"""`tidings play`: the whole service as a playground, on the sample process."""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from app import play as playing
from app.cli import console
from app.cli.session import Session
from app.playground import Wanted

USUAL_DAY = date(2019, 3, 20)


cli = typer.Typer()


@cli.command()
def play(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where it lives; an earlier playground there is replaced.")] = Path(
        "play"
    ),
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Replay history up to this day (2019-03-20).")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the playground that is there.")] = False,
    smtp_port: Annotated[int, typer.Option(min=0, max=65535, help="Inbound SMTP (2525, or a free one).")] = 0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Viewer (8025, or a free one).")] = 0,
) -> None:
    """Try everything with sample data: a real process, invented people, caught mail, and a clock that can jump."""
    session: Session = context.obj

    def say(started: playing.Started) -> None:
        if session.json:
            console.emit(started)
        else:
            for line in playing.words(started):
                typer.echo(line)
        sys.stdout.flush()

    day = at.date() if at else USUAL_DAY
    if not session.json:
        typer.echo(f"Playing the history up to {day}, day by day; this takes some seconds ...", err=True)
    playing.run(Wanted(folder, day, keep, smtp_port, port), say)
