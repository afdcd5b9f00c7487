"""`tidings announce`: add, schedule, withdraw, list, recipients."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.session import Session
from db import announcements
from digests import audience
from flows import announce as flow
from flows.engine import Refused

cli = typer.Typer(name="announce", help="One-off texts of the core team.", no_args_is_help=True)


@cli.command()
def add(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Short name.")],
    text: Annotated[list[str], typer.Option("--text", help="LANG=FILE, Markdown that begins with `# Title`.")],
    track: Annotated[list[str] | None, typer.Option(help="For liaisons who follow it.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="For liaisons of it.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="For liaisons of its groups.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="For readers of it.")] = None,
    cadence: Annotated[list[str] | None, typer.Option(help="For readers of this cadence.")] = None,
    fold: Annotated[bool, typer.Option(help="Put it into the next digest instead of a mail.")] = False,
    landing: Annotated[
        str, typer.Option(help="instant; wall: that time on each clock; hour: each reader's own.")
    ] = "instant",
    urgent: Annotated[bool, typer.Option(help="Leaves before bulk mail.")] = False,
) -> None:
    """Write a draft, in one or more languages, for everyone or for whoever fits any of the options."""
    session: Session = context.obj
    said = {}
    for pair in text:
        lang, equals, name = pair.partition("=")
        if not equals:
            raise Refused(f"--text takes LANG=FILE, such as en=office-hours.md, not {pair!r}")
        said[lang] = flow.read_text(Path(name).read_text("utf-8"))
    rule = {
        "tracks": track or [],
        "groups": group or [],
        "regions": region or [],
        "languages": language or [],
        "cadences": cadence or [],
    }
    made = flow.add(
        session.engine, session.process.id, slug, said, act=session.act(), rule=rule, fold=fold, landing=landing,
        urgent=urgent,
    )  # fmt: skip
    console.answer(
        session.json, {"id": made, "slug": slug}, f"{slug} is a draft; `tidings announce schedule {slug}` sends it"
    )


@cli.command()
def schedule(
    context: typer.Context,
    slug: str,
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M"], help="Wall time; without it, now.")] = None,
    zone: Annotated[str | None, typer.Option(help="Zone of that time; the process's by default.")] = None,
) -> None:
    """Give a draft its moment."""
    session: Session = context.obj
    wall = at.strftime("%Y-%m-%dT%H:%M") if at is not None else None
    row = flow.schedule(session.engine, session.process.id, slug, act=session.act(), send_wall=wall, zone_name=zone)
    if session.json:
        console.emit(row)
    else:
        where = "into the first digest frozen after" if row.fold else "goes at"
        console.say(f"{slug} {where} {row.send_wall} {row.zone}")


@cli.command()
def withdraw(context: typer.Context, slug: str) -> None:
    """Take an announcement back; what has not left is stopped."""
    session: Session = context.obj
    stopped = flow.withdraw(session.engine, session.process.id, slug, act=session.act())
    console.answer(
        session.json, {"slug": slug, "cancelled": stopped}, f"{slug} is withdrawn; {stopped} mails were stopped"
    )


@cli.command("list")
def list_(context: typer.Context) -> None:
    """List the announcements."""
    session: Session = context.obj
    with session.engine.db.read() as tx:
        rows = announcements.announcements(tx, session.process.id)
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {len(rows)} announcements",
        ["name", "state", "when", "lands", "audience"],
        [
            (
                r.slug,
                r.state,
                f"{r.send_wall or '-'} {r.zone or ''}".strip(),
                "in the next digest" if r.fold else r.landing,
                str(audience.parse(r.audience or {})),
            )
            for r in rows
        ],
    )


@cli.command()
def recipients(context: typer.Context, slug: str) -> None:
    """Name exactly who will get it, and who of its audience will not and why."""
    session: Session = context.obj
    rows = flow.recipients(session.engine, session.process.id, slug, now=session.act().now)
    if session.json:
        for row in rows:
            console.emit(row)
        return
    getting = sum(not row.reason for row in rows)
    console.table(
        f"{slug}: {getting} get it, {len(rows) - getting} do not",
        ["name", "address", "languages", "when (UTC)", "why not"],
        [
            (r.name, r.addr, " ".join(r.languages), f"{r.send_at:%Y-%m-%d %H:%M}" if r.send_at else "", r.reason)
            for r in rows
        ],
    )
