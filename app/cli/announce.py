"""`tidings announce`: add, edit, review, check, recipients, schedule, undo, withdraw, erratum, list."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app import links as tries
from app.cli import console, trials
from app.cli.session import Session
from db import announcements
from db.announcements import AnnouncementRow
from db.states import AnnouncementState
from digests import audience
from flows import announce as flow
from flows import erratum as errata
from flows import ledger, precheck
from flows import preview as previews
from flows import recipients as people
from flows import review as reviews
from flows.engine import Refused
from mailer.address import key

cli = typer.Typer(name="announce", help="One-off texts of the core team.", no_args_is_help=True)


Texts = Annotated[list[str], typer.Option("--text", help="LANG=FILE, Markdown that begins with `# Title`.")]


Tracks = Annotated[list[str] | None, typer.Option("--track", help="For liaisons who follow it.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="For liaisons of it.")]
Regions = Annotated[list[str] | None, typer.Option("--region", help="For liaisons of its groups.")]
Languages = Annotated[list[str] | None, typer.Option("--language", help="For readers of it.")]
Cadences = Annotated[list[str] | None, typer.Option("--cadence", help="For readers of this cadence.")]
Names = Annotated[list[str] | None, typer.Option("--name", help="For the liaison with this address.")]
LANDS = "instant; wall: that time on each clock; day: that day at each reader's hour; hour: their next hour."


@cli.command()
def add(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Short name.")],
    text: Texts,
    track: Tracks = None,
    group: Groups = None,
    region: Regions = None,
    language: Languages = None,
    cadence: Cadences = None,
    name: Names = None,
    fold: Annotated[bool, typer.Option(help="Put it into the next digest instead of a mail.")] = False,
    landing: Annotated[str, typer.Option(help=LANDS)] = "instant",
    urgent: Annotated[bool, typer.Option(help="Leaves before bulk mail.")] = False,
) -> None:
    """Write a draft, in one or more languages, for everyone or for whoever fits any of the options."""
    session: Session = context.obj
    said = _texts(text)
    rule = _rule(track, group, region, language, cadence, name)
    made = flow.add(
        session.engine, session.process.id, slug, said, act=session.act(), rule=rule, fold=fold, landing=landing,
        urgent=urgent,
    )  # fmt: skip
    console.answer(
        session.json, {"id": made, "slug": slug}, f"{slug} is a draft; `tidings announce schedule {slug}` sends it"
    )


def _rule(
    track: list[str] | None,
    group: list[str] | None,
    region: list[str] | None,
    language: list[str] | None,
    cadence: list[str] | None,
    name: list[str] | None,
) -> dict[str, list[str]]:
    """The audience that the options mean, without what was not given."""
    rule = {
        "tracks": track,
        "groups": group,
        "regions": region,
        "languages": language,
        "cadences": cadence,
        "names": [key(address) for address in name or ()],
    }
    return {kind: values for kind, values in rule.items() if values}


def _texts(pairs: list[str]) -> dict[str, flow.Text]:
    said = {}
    for pair in pairs:
        lang, equals, name = pair.partition("=")
        if not equals:
            raise Refused(f"--text takes LANG=FILE, such as en=office-hours.md, not {pair!r}")
        said[lang] = flow.read_text(console.text_of(Path(name)))
    return said


@cli.command()
def edit(
    context: typer.Context,
    slug: str,
    text: Annotated[list[str] | None, typer.Option("--text", help="LANG=FILE, as for `add`.")] = None,
    track: Tracks = None,
    group: Groups = None,
    region: Regions = None,
    language: Languages = None,
    cadence: Cadences = None,
    name: Names = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="For everyone, instead of whom it was for.")] = False,
    landing: Annotated[str, typer.Option(help=LANDS)] = "",
    fold: Annotated[bool | None, typer.Option(help="Into the next digest, or a mail of its own.")] = None,
) -> None:
    """Put in new words, a language more, another audience or landing, before it is mailed."""
    session: Session = context.obj
    rule: dict[str, object] = {**_rule(track, group, region, language, cadence, name)}
    if everyone:
        rule["all"] = True
    row = flow.edit(
        session.engine, session.process.id, slug, _texts(text or []), act=session.act(), rule=rule, landing=landing,
        fold=fold,
    )  # fmt: skip
    console.answer(session.json, row, f"{slug} is edited and is {_state(row)}")


@cli.command()
def review(
    context: typer.Context,
    slug: str,
    approve: Annotated[bool, typer.Option("--approve", help="Say yes, as a second person.")] = False,
    send_back: Annotated[bool, typer.Option("--send-back", help="Give it back to its writer.")] = False,
) -> None:
    """Put a draft before a second person; with --approve or --send-back, be that person."""
    session: Session = context.obj
    if approve and send_back:
        console.fail("--approve or --send-back, not both", console.USAGE)
    verb = reviews.approve if approve else reviews.send_back if send_back else reviews.ask
    row = verb(session.engine, session.process.id, slug, act=session.act())
    console.answer(session.json, row, f"{slug} is {_state(row)}")


def _goes(row: AnnouncementRow) -> str:
    """When it goes, as it lands: by one clock, or by that of each reader."""
    due = flow.due_at(row)
    wall = row.send_wall or ""
    utc = f" ({due:%Y-%m-%d %H:%M} UTC)" if due is not None and row.zone != "UTC" else ""
    if row.fold:
        return f"into the first digest frozen after {wall} {row.zone}{utc}"
    if row.landing == "wall":
        return f"goes when each reader's clock shows {wall}"
    if row.landing == "day":
        return f"goes on {wall[:10]} at each reader's own hour"
    return f"goes at {'each own hour after ' if row.landing == 'hour' else ''}{wall} {row.zone}{utc}"


def _state(row: AnnouncementRow) -> str:
    """Its state, and what it waits for."""
    if row.state == AnnouncementState.REVIEW:
        return f"in review: a second person says `tidings --as NAME announce review {row.slug} --approve`"
    if row.state == AnnouncementState.DRAFT:
        return f"a draft{', approved' if row.reviewed_by else ''}: `tidings announce schedule {row.slug}` sends it"
    return f"{row.state} for {row.send_wall} {row.zone}"


@cli.command()
def check(
    context: typer.Context,
    slug: str,
    links: Annotated[bool, typer.Option(help="Try the links in it.")] = True,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long a link may take.")] = tries.SECONDS,
) -> None:
    """Look it over before it goes; ends with code 1 if there is a fault to mend."""
    session: Session = context.obj
    found = precheck.check(
        session.engine,
        session.process.id,
        slug,
        now=session.act().now,
        dead=(lambda urls: tries.dead(urls, seconds)) if links else None,
    )
    if session.json:
        for one in found:
            console.emit(one)
    else:
        console.table(
            f"{slug}: {console.counted(len(found), 'finding')}",
            ["level", "what", "language", "found"],
            [(one.level, one.what, one.lang, one.found) for one in found],
        )
    if faults := sum(one.level == "fault" for one in found):
        console.fail(f"{slug}: {faults} to mend")


@cli.command("test")
def trial(
    context: typer.Context,
    slug: str,
    address: Annotated[str, typer.Argument(help="Your own.")],
    language: Annotated[str, typer.Option(help="Any language tag.")] = "en",
) -> None:
    """Send it to yourself as readers of a language would get it now; nobody else's mail or record is touched."""
    session: Session = context.obj
    trials.send(session, previews.trial_of(session.engine, session.process, slug, language, address, act=session.act()))


@cli.command()
def schedule(
    context: typer.Context,
    slug: str,
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M"], help="Wall time; without it, now.")] = None,
    zone: Annotated[str | None, typer.Option(help="Zone of that time; the process's by default.")] = None,
    repeat: Annotated[
        str, typer.Option(help="Again and again, such as `monthly 31 09:00`: a shorter month has it on its last day.")
    ] = "",
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day of repeating.")] = None,
    undo_minutes: Annotated[int, typer.Option(min=0, help="Minutes from its start to the first mail.")] = 0,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also with faults that `announce check` finds.")] = False,
) -> None:
    """Give a draft its moment. With faults that `announce check` finds it is refused."""
    session: Session = context.obj
    found = precheck.check(session.engine, session.process.id, slug, now=session.act().now)
    faults = [f"{one.what}: {one.found}" for one in found if one.level == "fault"]
    if faults and not anyway:
        console.fail(f"{slug} is not scheduled (mend it, or say --anyway): {'; '.join(faults)}")
    moment = flow.Moment(
        at.strftime("%Y-%m-%dT%H:%M") if at is not None else None,
        zone,
        repeat,
        until.date() if until is not None else None,
        undo_minutes,
    )
    row = flow.schedule(session.engine, session.process.id, slug, act=session.act(), moment=moment)
    if session.json:
        console.emit(row)
    elif row.state == AnnouncementState.REVIEW:
        console.say(f"{slug} is {_state(row)}")
    else:
        console.say(f"{slug} {_goes(row)}{f', then {row.repeat}' if row.repeat else ''}")
        if row.undo_minutes and not row.fold:
            console.say(
                f"no mail leaves in the first {row.undo_minutes} minutes: until then `announce undo {slug}` stops it"
            )
        if (note := flow.clock_note(row)) and row.landing not in ("wall", "day"):
            console.say(f"note: {note}")
    if not session.json:
        for fault in faults:
            console.say(f"note: scheduled although {fault}")


@cli.command()
def undo(context: typer.Context, slug: str) -> None:
    """Make it a draft again: before its moment, or in its undo window, while no mail has left."""
    session: Session = context.obj
    stopped = flow.undo(session.engine, session.process.id, slug, act=session.act())
    console.answer(
        session.json,
        {"slug": slug, "cancelled": stopped},
        f"{slug} is a draft again; {console.counted(stopped, 'mail was', 'mails were')} stopped",
    )


@cli.command()
def erratum(context: typer.Context, slug: str, text: Texts) -> None:
    """Write a correction to exactly those who got it, each in the language they got it in; then schedule that."""
    session: Session = context.obj
    made = errata.erratum(session.engine, session.process.id, slug, _texts(text), act=session.act())
    console.answer(
        session.json,
        {"slug": made, "corrects": slug},
        f"{made} is a draft; `tidings announce schedule {made}` sends it under {slug}",
    )


@cli.command()
def withdraw(context: typer.Context, slug: str) -> None:
    """Take an announcement back; what has not left is stopped."""
    session: Session = context.obj
    stopped = flow.withdraw(session.engine, session.process.id, slug, act=session.act())
    console.answer(
        session.json,
        {"slug": slug, "cancelled": stopped},
        f"{slug} is withdrawn; {console.counted(stopped, 'mail was', 'mails were')} stopped",
    )


@cli.command("list")
def list_(context: typer.Context) -> None:
    """List the announcements."""
    session: Session = context.obj
    with session.engine.db.read() as tx:
        rows = announcements.announcements(tx, session.process.id)
        progress = announcements.progress(tx, session.process.id)
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {console.counted(len(rows), 'announcement')}",
        ["name", "state", "mails sent", "when", "lands", "audience", "written by", "approved by"],
        [
            (
                r.slug,
                "in the news" if r.fold and r.state == AnnouncementState.MAILED else r.state,
                "{} of {}".format(*progress[r.id]) if r.id in progress else "",
                (f"{r.send_wall} {r.zone}" if r.send_wall else "-") + (f", {r.repeat}" if r.repeat else ""),
                "in the next digest" if r.fold else r.landing,
                "who got the first" if r.corrects_id is not None else str(audience.parse(r.audience or {})),
                r.written_by,
                r.reviewed_by or "",
            )
            for r in rows
        ],
    )


@cli.command()
def recipients(context: typer.Context, slug: str) -> None:
    """Name exactly who will get it, and who of its audience will not and why."""
    session: Session = context.obj
    rows = people.recipients(session.engine, session.process.id, slug, now=session.act().now)
    if session.json:
        for row in rows:
            console.emit(row)
        return
    getting = sum(not row.reason for row in rows)
    console.table(
        f"{slug}: {getting} get it, {len(rows) - getting} do not",
        ["name", "address", "reads", "gets it in", "when (UTC)", "why not"],
        [(r.name, r.addr, " ".join(r.languages), r.text, _leaves(r), ledger.WHY.get(r.reason, r.reason)) for r in rows],
    )


def _leaves(one: people.Recipient) -> str:
    if one.reason:
        return ""
    return f"{one.send_at:%Y-%m-%d %H:%M}" if one.send_at is not None else "in their next digest"
