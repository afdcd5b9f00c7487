"""`tidings digest`: add, set, plan, preview, approve, withdraw."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli import console, trials
from app.cli.session import Session
from db import editions
from db.editions import DigestRow
from db.states import EditionState
from flows import preview as previews
from flows import publish, schedule
from flows.engine import Refused, nearest
from flows.sampling import Plan

cli = typer.Typer(name="digest", help="The standing series and its editions.", no_args_is_help=True)


class Form(StrEnum):
    """What a preview is shown as."""

    TEXT = "text"
    HTML = "html"
    EML = "eml"


Digest = Annotated[str, typer.Option("--digest", "-d", help="Which digest; not needed where there is one.")]


def series_of(session: Session, slug: str) -> DigestRow:
    """The digest that is meant. Raises `Refused`."""
    with session.engine.db.read() as tx:
        known = editions.digests(tx, session.process.id)
    if not known:
        raise Refused("there is no digest yet: make one with `tidings digest add`")
    if not slug and len(known) == 1:
        return known[0]
    found = [series for series in known if series.slug == slug]
    if not found:
        slugs = [series.slug for series in known]
        raise Refused(
            f"there is no digest {slug!r}: {nearest(slug, slugs)}"
            if slug
            else f"which digest? name one with --digest: {', '.join(slugs)}"
        )
    return found[0]


@cli.command()
def add(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Short name; also the local part of its From address.")],
    title: Annotated[str, typer.Option(help="As it stands in mails.")],
    rule: Annotated[str, typer.Option(help="Such as `weekly mon 09:00` or `monthly last-working-day 09:00`.")],
    zone: Annotated[str, typer.Option(help="Zone of the rule; the process's by default.")] = "",
    anchor: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; counts fortnights.")] = None,
    approval: Annotated[str, typer.Option(help="automatic or manual")] = "automatic",
    review_hours: Annotated[float, typer.Option(help="Hours between the draft and its approval by itself.")] = 24,
    undo_minutes: Annotated[int, typer.Option(help="Minutes between approval and the first mail.")] = 0,
    late_hours: Annotated[float, typer.Option(help="Later than this it waits for a person.")] = 12,
    calendar: Annotated[bool, typer.Option("--calendar", help="Mails bring what is due as an .ics.")] = False,
) -> None:
    """Make a digest."""
    session: Session = context.obj
    act = session.act()
    made = schedule.add_digest(
        session.engine,
        session.process.id,
        slug,
        title,
        rule,
        anchor_on=anchor.date() if anchor is not None else act.now.date(),
        act=act,
        zone_name=zone,
        approval=approval,
        grace_minutes=round(review_hours * 60),
        undo_minutes=undo_minutes,
        late_limit_minutes=round(late_hours * 60),
        calendar=calendar,
    )
    console.answer(
        session.json, {"id": made, "slug": slug}, f"{slug} is made; `tidings digest plan` shows when it falls due"
    )


@cli.command("set")
def set_(
    context: typer.Context,
    calendar: Annotated[bool, typer.Option("--calendar/--no-calendar", help="Mails bring what is due as an .ics.")],
    digest: Digest = "",
) -> None:
    """Change a digest; what is approved already stays as it is."""
    session: Session = context.obj
    series = series_of(session, digest)
    schedule.set_calendar(session.engine, series, calendar, act=session.act())
    said = "bring what is due as an .ics" if calendar else "bring no calendar"
    console.answer(session.json, {"digest": series.slug, "calendar": calendar}, f"mails of {series.slug} {said}")


@cli.command()
def plan(
    context: typer.Context,
    digest: Digest = "",
    days: Annotated[int, typer.Option(min=1, max=3660)] = 60,
) -> None:
    """Show past editions, open drafts, and the slots of the next days."""
    session: Session = context.obj
    series = series_of(session, digest)
    now = session.act().now
    with session.engine.db.read() as tx:
        known = editions.editions(tx, series.id)
    rows = [
        {
            "edition": row.id,
            "number": row.number,
            "slot": row.slot_wall,
            "at": row.slot_at,
            "state": row.state,
            "why": row.reason,
            "approves_at": schedule.approval_at(series, row) if row.state == EditionState.DRAFT else None,
        }
        for row in reversed(known)
    ]
    walls = {row.slot_wall for row in known}
    rows += [
        {"edition": None, "number": None, "slot": slot.wall, "at": slot.instant, "state": "to come", "why": "",
         "approves_at": None}
        for slot in schedule.slots(series, now, now + timedelta(days=days))
        if slot.wall not in walls
    ]  # fmt: skip
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{series.title}: {series.rule}, {series.zone}, approval {series.approval}",
        ["no.", "slot", "instant (UTC)", "state", "why"],
        [
            (r["number"], r["slot"], f"{r['at']:%Y-%m-%d %H:%M}", r["state"],
             r["why"] or (f"approves itself at {r['approves_at']:%Y-%m-%d %H:%M} UTC" if r["approves_at"] else ""))
            for r in rows
        ],
    )  # fmt: skip


@cli.command()
def preview(
    context: typer.Context,
    address: Annotated[str, typer.Option("--for", help="The liaison's address.")],
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="As if frozen then (UTC).")
    ] = None,
    number: Annotated[int | None, typer.Option(help="A past edition, as it was sent.")] = None,
    form: Annotated[Form, typer.Option("--as", help="What to show.")] = Form.TEXT,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
    digest: Digest = "",
) -> None:
    """Show what a liaison would get by what is recorded and set now, or what they got."""
    session: Session = context.obj
    series, act = series_of(session, digest), session.act()
    moment = at.replace(tzinfo=UTC) if at is not None else act.now
    if number is not None:
        made = previews.archived(session.engine, session.process, series, number, address, act=act)
    else:
        made = previews.preview(session.engine, session.process, series, address, at=moment, act=act)
    if made.reason:
        if session.json:
            console.emit({"for": address, "reason": made.reason})
            return
        console.fail(f"{address} gets no mail: {made.reason}")
    if session.json:
        console.emit({"for": address, "subject": made.subject, "send_at": made.send_at, "text": made.text})
        return
    shown = {Form.TEXT: made.text.encode(), Form.HTML: made.html.encode(), Form.EML: made.eml}[form]
    if output is not None:
        output.write_bytes(shown)
        console.say(f"{output}: {len(shown)} octets")
    else:
        typer.echo(shown.decode("utf-8", "replace"))


@cli.command("test")
def trial(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="Your own.")],
    language: Annotated[str, typer.Option(help="Any language tag.")] = "en",
    size: Annotated[str, typer.Option(help="S, M or L.")] = "M",
    digest: Digest = "",
) -> None:
    """Send yourself what somebody new would get now, in any language; nobody else's mail or record is touched."""
    session: Session = context.obj
    series, act = series_of(session, digest), session.act()
    if size not in ("S", "M", "L"):
        raise Refused(f"the size is S, M or L, not {size!r}")
    made = previews.trial(session.engine, session.process, series, language, size, address, act=act)
    if made.reason:
        raise Refused(f"there would be no mail: {made.reason}")
    trials.send(session, made)


@cli.command()
def approve(
    context: typer.Context,
    edition: Annotated[str, typer.Argument(help="The slot of the draft; not needed, for there is one at most.")] = "",
    sample: Annotated[
        float | None, typer.Option(min=0.1, max=99, help="Per cent of the readers who get it first; the rest waits.")
    ] = None,
    digest: Digest = "",
) -> None:
    """Freeze a draft and put it into the outbox."""
    session: Session = context.obj
    plan = Plan(sample) if sample is not None else None
    done = publish.approve(session.engine, edition_of(session, digest, edition), act=session.act(), sample=plan)
    if session.json:
        console.emit(done)
    elif done.mailing_id is None:
        console.say("nothing to say to anybody: the edition is skipped")
    else:
        console.say(
            f"edition no. {done.number}: {console.counted(done.deliveries, 'mail')},"
            f" {done.left_out} left out (see `tidings ledger`)"
        )


def edition_of(session: Session, digest: str, name: str = "") -> int:
    """The edition of this number, as its mails say, or slot; '': the draft that is open. Raises `Refused`."""
    series = series_of(session, digest)
    with session.engine.db.read() as tx:
        known = editions.editions(tx, series.id)
    if name:
        found = next((row.id for row in known if name in (str(row.number), row.slot_wall)), None)
        if found is None:
            raise Refused(f"{series.slug} has no edition {name!r}; `tidings digest plan` shows numbers and slots")
        return found
    drafts = [row.id for row in known if row.state == EditionState.DRAFT]
    if not drafts:
        raise Refused(f"no draft of {series.slug} is open; `tidings digest plan` shows when the next one is")
    return drafts[0]


@cli.command()
def withdraw(
    context: typer.Context,
    edition: Annotated[str, typer.Argument(help="Number of the edition, as its mails say, or its slot.")],
    why: Annotated[str, typer.Option(help="Reason, for the record.")] = "withdrawn",
    digest: Digest = "",
) -> None:
    """Take an edition back; of an approved one, what has not left is cancelled."""
    session: Session = context.obj
    stopped = publish.withdraw(session.engine, edition_of(session, digest, edition), why, act=session.act())
    console.answer(
        session.json,
        {"edition": edition, "cancelled": stopped},
        f"edition {edition} is withdrawn; {console.counted(stopped, 'mail was', 'mails were')} stopped",
    )
