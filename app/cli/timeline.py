"""`tidings timeline`: import, questions, export, show."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.session import Session, report
from db import process
from flows import calendar, questions, timeline_export, timeline_show
from flows import process as processes
from flows import timeline as flow
from flows.fields import language_of
from mailer.home import Home

cli = typer.Typer(
    name="timeline", help="What happens when: the truth that digests are built from.", no_args_is_help=True
)

Day = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Import what was announced by then.")
]


@cli.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML, CSV or iCalendar (.ics).")],
    as_of: Day = None,
    domain: Annotated[
        str, typer.Option(help="Mail domain of a new process; else the one that the configuration listens for.")
    ] = "",
    prefix: Annotated[
        str,
        typer.Option(help="Only addresses there that begin with it: `strategy` for strategy-reply+...@ and the like."),
    ] = "",
    about: Annotated[str, typer.Option(help="`invented` marks every mail as a demonstration.")] = "",
    postal: Annotated[str, typer.Option(help="Postal address for the footer.")] = "",
    track: Annotated[str, typer.Option(help="The track of events of a calendar that name none.")] = "",
    cancel_missing: Annotated[bool, typer.Option(help="Call off entries that the file no longer has.")] = False,
) -> None:
    """Bring the timeline to what FILE says; nothing is imported if anything in it is wrong."""
    session: Session = context.obj
    content = console.text_of(file)
    kind = {".csv": "csv", ".ics": "ics"}.get(file.suffix.lower(), "yaml")
    slug = session.process_slug
    if kind == "yaml" and (domain or prefix or not _any_process(session)):
        made, described = processes.import_process(
            session.engine.db,
            content,
            address_base=Home(domain or session.config.listen.hostname, prefix).base,
            about=about,
            postal=postal,
            act=session.act(),
        )
        slug = made.slug
        report(session, described)
    day = as_of.date() if as_of is not None else None
    report(
        session,
        flow.import_timeline(
            session.engine.db,
            slug or session.process.slug,
            content,
            act=session.act(),
            format=kind,
            as_of=day,
            cancel_missing=cancel_missing,
            track=track or None,
        ),
    )


def _any_process(session: Session) -> bool:
    with session.engine.db.read() as tx:
        return bool(process.everyone(tx))


@cli.command("questions")
def questions_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML.")],
    as_of: Day = None,
) -> None:
    """Bring the questions to what FILE says."""
    session: Session = context.obj
    day = as_of.date() if as_of is not None else None
    content = console.text_of(file)
    report(
        session,
        questions.import_questions(session.engine.db, session.process.slug, content, act=session.act(), as_of=day),
    )


@cli.command()
def export(
    context: typer.Context,
    what: Annotated[str, typer.Option(help="timeline, questions, or calendar (iCalendar)")] = "timeline",
    track: Annotated[list[str] | None, typer.Option(help="Of a calendar: only what concerns these tracks.")] = None,
    lang: Annotated[list[str] | None, typer.Option(help="Of a calendar: worded for a reader of these.")] = None,
    entry: Annotated[list[str] | None, typer.Option(help="Of a calendar: only these entries.")] = None,
    deadlines: Annotated[bool, typer.Option(help="Of a calendar: only what one can still take part in.")] = False,
) -> None:
    """Write YAML that imports to the same timeline, or a calendar for people's own."""
    session: Session = context.obj
    db, slug = session.engine.db, session.process.slug
    write = {"timeline": timeline_export.export_timeline, "questions": timeline_export.export_questions}
    if what == "calendar":
        chosen = calendar.Selection(track or None, tuple(map(language_of, lang or ())), entry or None, deadlines)
        typer.echo(calendar.select(db, slug, chosen, now=session.act().now).decode("utf-8"), nl=False)
        return
    if what not in write:
        console.fail(f"cannot export {what!r}: timeline, questions or calendar", console.USAGE)
    typer.echo(write[what](db, slug), nl=False)


@cli.command()
def show(
    context: typer.Context,
    track: str | None = None,
    kind: str | None = None,
    status: str | None = None,
    upcoming: Annotated[bool, typer.Option(help="Only what is alive.")] = False,
    changed_since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    lang: Annotated[list[str] | None, typer.Option(help="Titles in this language, where there are.")] = None,
) -> None:
    """List the entries in order of their dates."""
    session: Session = context.obj
    since: date | None = changed_since.date() if changed_since is not None else None
    rows = timeline_show.show_timeline(
        session.engine.db,
        session.process.slug,
        now=session.act().now,
        track=track,
        kind=kind,
        status=status,
        upcoming=upcoming,
        changed_since=since,
        languages=tuple(map(language_of, lang or ())),
    )
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {console.counted(len(rows), 'entry', 'entries')}",
        ["when", "status", "kind", "track", "entry", "title"],
        [(_when(r), r.status, r.kind, r.tracks[0], r.slug, r.title) for r in rows],
    )
    if since is not None:
        for row in rows:
            for change in row.changes:
                console.say(f"{row.slug}: {change.field} was {change.was or '-'}, is {change.now or '-'}")


def _when(row: timeline_show.TimelineRow) -> str:
    mark = {"approx": "~", "month": "", "day": ""}[row.precision]
    return mark + (row.start if not row.end or row.end == row.start else f"{row.start} .. {row.end}")
