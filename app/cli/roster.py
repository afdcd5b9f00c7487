"""`tidings roster`: import, show, and changes to one liaison."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.session import Session, report
from app.clock import draw_tag
from db import addresses, editions
from digests.cadence import DAYS
from flows import groups, roster_import, roster_show, suppression
from flows import roster as flow
from flows.engine import Refused, nearest
from mailer.address import key

cli = typer.Typer(name="roster", help="Groups, liaisons and their mandates.", no_args_is_help=True)


@cli.command("import")
def import_(
    context: typer.Context,
    groups_file: Annotated[Path | None, typer.Option("--groups", exists=True, help="CSV of groups.")] = None,
    liaisons_file: Annotated[Path | None, typer.Option("--liaisons", exists=True, help="CSV of liaisons.")] = None,
    digest: Annotated[str, typer.Option(help="The digest that new liaisons get.")] = "",
) -> None:
    """Bring groups and liaisons to what the files say; nothing of a file is imported if anything in it is wrong."""
    session: Session = context.obj
    engine, slug = session.engine, session.process.slug
    if groups_file is None and liaisons_file is None:
        console.fail("name a file with --groups or --liaisons", console.USAGE)
    if groups_file is not None:
        content = console.text_of(groups_file)
        report(session, groups.import_groups(engine.db, slug, content, draw_tag=draw_tag, act=session.act()))
    if liaisons_file is not None:
        report(
            session,
            roster_import.import_liaisons(
                engine.db,
                slug,
                digest or only_digest(session),
                console.text_of(liaisons_file),
                draw_tag=draw_tag,
                act=session.act(),
                address_hash=engine.keys.address_hash,
            ),
        )


def only_digest(session: Session) -> str:
    """The digest that new liaisons get where only one is there. Raises `Refused`."""
    with session.engine.db.read() as tx:
        slugs = [series.slug for series in editions.digests(tx, session.process.id)]
    if len(slugs) == 1:
        return slugs[0]
    raise Refused(
        f"which digest do they get? name it with --digest: {', '.join(slugs)}"
        if slugs
        else "there is no digest yet: make one with `tidings digest add`"
    )


@cli.command()
def show(
    context: typer.Context,
    group: str | None = None,
    language: str | None = None,
    region: str | None = None,
    state: str | None = None,
    digest: str | None = None,
) -> None:
    """List the liaisons by name."""
    session: Session = context.obj
    rows = roster_show.show_roster(
        session.engine.db,
        session.process.slug,
        digest_slug=digest,
        group=group,
        language=language,
        region=region,
        state=state,
        address_hash=session.engine.keys.address_hash,
    )
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {console.counted(len(rows), 'liaison')}",
        ["name", "address", "state", "groups", "languages", "hour", "cadence", "size", "interests"],
        [
            (
                r.name,
                r.address + (f" ({r.suppressed})" if r.suppressed else ""),
                r.state + (f" until {r.paused_until}" if r.paused_until else ""),
                ", ".join(f"{slug}{' (deputy)' if rank == 'deputy' else ''}" for slug, rank in r.groups),
                " ".join(r.languages),
                f"{r.hour:02}:00 {r.zone}" + (f" ({r.spared})" if r.spared else ""),
                r.cadence,
                r.size,
                " ".join(r.interests) or "all",
            )
            for r in rows
        ],
    )


@cli.command("set")
def set_(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="The liaison's address.")],
    hour: Annotated[int | None, typer.Option(min=0, max=23)] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone, such as Africa/Lagos.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="In order; give it several times.")] = None,
    cadence: Annotated[str | None, typer.Option(help="every, weekly, fortnightly or monthly")] = None,
    size: Annotated[str | None, typer.Option(help="S, M or L")] = None,
    interest: Annotated[
        list[str] | None, typer.Option(help="A track to follow; give it several times, `all` for all of them.")
    ] = None,
    quiet: Annotated[str | None, typer.Option(help="Hours without mail, such as 22-7, or `none`.")] = None,
    days: Annotated[str | None, typer.Option(help="Weekdays with mail, such as mon,tue,wed, or `all`.")] = None,
    ascii_address: Annotated[
        str | None, typer.Option(help="Stands in where a server cannot carry one beyond ASCII; `none` for no such one.")
    ] = None,
    pause_until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    leave: Annotated[bool, typer.Option(help="No more mail; can be undone for 30 days.")] = False,
    back: Annotated[bool, typer.Option(help="End a pause, or undo leaving.")] = False,
) -> None:
    """Change what one liaison gets and when."""
    session: Session = context.obj
    db, act = session.engine.db, session.act()
    liaison = liaison_at(session, address)
    still = _still(roster_show.quiet_of(db, liaison), quiet, days)
    changes = {
        "hour": hour is not None and flow.set_hour(db, liaison, hour, act=act),
        "zone": zone is not None and flow.set_zone(db, liaison, zone, act=act),
        "languages": bool(language) and flow.set_languages(db, liaison, language or (), act=act),
        "cadence": cadence is not None and flow.set_cadence(db, liaison, cadence, act=act),
        "size": size is not None and flow.set_size(db, liaison, size, act=act),
        "interests": bool(interest) and flow.set_interests(db, liaison, _tracks(interest or []), act=act),
        "quiet": (quiet is not None or days is not None) and flow.set_quiet(db, liaison, *still, act=act),
        "ascii_address": ascii_address is not None
        and flow.set_ascii_address(db, liaison, "" if ascii_address == "none" else ascii_address, act=act),
        "paused": pause_until is not None and flow.pause(db, liaison, pause_until.date(), act=act),
        "left": leave and flow.leave(db, liaison, act=act),
        "back": back and flow.come_back(db, liaison, act=act),
    }
    done = [name for name, changed in changes.items() if changed]
    console.answer(
        session.json,
        {"address": address, "changed": done},
        f"{address}: {', '.join(done) if done else 'nothing to change'}",
    )


def _tracks(given: list[str]) -> list[str]:
    return [] if given == ["all"] else given


def _still(
    now: tuple[tuple[int, int] | None, tuple[int, ...]], quiet: str | None, days: str | None
) -> tuple[tuple[int, int] | None, tuple[int, ...]]:
    """Quiet hours and working days as wished; what is not named stays. Raises `Refused`."""
    hours, open_ = now
    if quiet is not None:
        found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", quiet)
        if found is None and quiet != "none":
            raise Refused(f"{quiet!r} are no quiet hours: write them like 22-7, or none")
        hours = (int(found[1]), int(found[2])) if found else None
    if days is not None:
        named = [] if days == "all" else days.lower().replace(",", " ").split()
        if wrong := [day for day in named if day not in DAYS]:
            raise Refused(f"{wrong[0]!r} is no weekday: {nearest(wrong[0], DAYS)}")
        open_ = tuple(DAYS.index(day) for day in named)
    return hours, open_


def liaison_at(session: Session, address: str) -> int:
    """The liaison who reads at this address. Raises `Refused`."""
    with session.engine.db.read() as tx:
        standing = addresses.by_address_key(tx, session.process.id, key(address), session.act().now)
    if standing is None:
        raise Refused(f"no liaison of {session.process.slug} has the address {address}")
    return standing.liaison.id


@cli.command()
def suppressed(context: typer.Context) -> None:
    """List addresses that are not mailed, why and since when."""
    session: Session = context.obj
    rows = suppression.listed(session.engine, session.process.id)
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {console.counted(len(rows), 'suppressed address', 'suppressed addresses')}",
        ["address", "liaison", "why", "since (UTC)"],
        [(r.addr or "(forgotten)", r.liaison, r.reason, f"{r.since:%Y-%m-%d %H:%M}") for r in rows],
    )


@cli.command()
def lift(
    context: typer.Context,
    address: str,
    why: Annotated[str, typer.Option(help="Why it may be mailed again; kept with the suppression.")],
) -> None:
    """Take a suppression back: the address is mailed again, and its bounces so far are forgotten."""
    session: Session = context.obj
    suppression.lift(session.engine, session.process.id, address, why, act=session.act())
    console.answer(session.json, {"address": address, "lifted": True}, f"{address} is mailed again")
