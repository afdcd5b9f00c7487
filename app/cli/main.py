"""The root of the command line: options that stand before every verb, and the verbs by noun."""

import re
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from app.cli.session import Session, guarded
from app.cli.verbs import Root
from app.config import PERSON

cli = typer.Typer(
    name="tidings",
    cls=Root,
    help="Status digests that liaisons answer by replying; every reply is filed, acknowledged and traced.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cli.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file (else TIDINGS_CONFIG, ./tidings.toml).")
    ] = None,
    process: Annotated[str, typer.Option("--process", "-p", help="Which process, by slug.")] = "",
    person: Annotated[
        str, typer.Option("--as", help="Who acts, by name: for the record, and for review by a second person.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Options of every command."""
    if not re.fullmatch(PERSON, person):
        raise typer.BadParameter("a name of letters, digits and . _ @ + -", param_hint="--as")
    session = Session(config_file=config, process_slug=process, json=json, person=person)
    context.obj = session
    context.with_resource(guarded(session))


def main() -> None:
    """Entry point of the `tidings` command. Logs go to standard error: the output belongs to what was asked for."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    cli()
