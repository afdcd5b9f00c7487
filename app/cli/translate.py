"""`tidings translate`: export, import, status."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.session import Session, report
from flows import translations

cli = typer.Typer(name="translate", help="Texts of the process out to translators and back.", no_args_is_help=True)

Language = Annotated[str, typer.Option("--language", "-l", help="Such as fr or pt-BR.")]


@cli.command()
def export(
    context: typer.Context,
    language: Language,
    form: Annotated[str, typer.Option("--as", help="po, xliff or yaml")] = "po",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
) -> None:
    """Write every text with its translation into one language; what is missing or outdated comes first."""
    session: Session = context.obj
    content = translations.export_texts(session.engine.db, session.process.slug, language, form, act=session.act())
    if output is None:
        typer.echo(content, nl=False)
    else:
        output.write_text(content, "utf-8")
        console.say(f"{output}: written")


@cli.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="PO, XLIFF 1.2 or YAML, as exported.")],
    language: Language = "",
) -> None:
    """Take translations back; nothing is taken if anything in FILE is wrong. What is marked outdated stays so."""
    session: Session = context.obj
    kinds = {".po": "po", ".pot": "po", ".xlf": "xliff", ".xliff": "xliff", ".yaml": "yaml", ".yml": "yaml"}
    form = kinds.get(file.suffix.lower())
    if form is None:
        console.fail(f"{file}: what is it? name it .po, .xlf, .xliff, .yaml or .yml", console.USAGE)
    try:
        content = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        console.fail(f"{file} is not UTF-8: {error.reason} at octet {error.start}")
    report(
        session,
        translations.import_texts(
            session.engine.db, session.process.slug, content, form, act=session.act(), lang=language
        ),
    )


@cli.command()
def status(
    context: typer.Context,
    language: Annotated[str, typer.Option("--language", "-l", help="Name what this language lacks.")] = "",
) -> None:
    """How far each language is: what is there, what is outdated because its source changed, what is missing."""
    session: Session = context.obj
    rows = translations.status(session.engine.db, session.process.slug)
    if language:
        rows = [row for row in rows if row.lang == language]
        if not rows:
            console.fail(f"nothing is in {language}, and nobody reads it first")
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {rows[0].texts if rows else 0} texts",
        ["language", "first language of", "ready", "outdated", "missing"],
        [(row.lang, row.readers, row.fresh, len(row.outdated), len(row.missing)) for row in rows],
    )
    for row in rows if language else ():
        for name in row.outdated:
            console.say(f"outdated: {name}")
        for name in row.missing:
            console.say(f"missing: {name}")
