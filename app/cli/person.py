"""`tidings person export` and `erase`, and `tidings retain`."""

import json
import os
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from app import erasures
from app.cli import console
from app.cli.session import Session
from flows import person
from flows import retain as retention

noun = typer.Typer(name="person", help="What is held about one person: show it, destroy it.", no_args_is_help=True)
cli = typer.Typer()
cli.add_typer(noun)


@noun.command()
def export(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="An address of theirs.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new ZIP file (mode 0600).")],
) -> None:
    """Write everything held about one person: `person.json`, and their mails as they came."""
    session: Session = context.obj
    held = person.export(session.engine, session.process.id, address)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as out:
        rows = json.dumps(console.plain(held.rows), ensure_ascii=False, indent=1, default=str)
        out.writestr("person.json", rows)
        for raw_id, body in held.mails.items():
            out.writestr(f"mails/{raw_id}.eml", body.data)
    count = sum(map(len, held.rows.values()))
    console.answer(
        session.json,
        {"file": str(output), "rows": {name: len(rows) for name, rows in held.rows.items()}, "mails": len(held.mails)},
        f"{output}: {console.counted(count, 'row')} and {console.counted(len(held.mails), 'mail')}",
    )


@noun.command()
def consent(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="An address of theirs.")],
) -> None:
    """Show what somebody agreed to, or who named them: the sentence, when, by which way, and what proves it."""
    session: Session = context.obj
    rows = person.export(session.engine, session.process.id, address).rows.get("consent", ())
    if not rows and not session.json:
        console.say(f"no proof of consent is kept for {address}")
    for row in rows:
        if session.json:
            console.emit({name: row[name] for name in ("what", "wording", "at", "evidence")})
            continue
        console.say(f"{row['what']}, {row['at']:%Y-%m-%d %H:%M} UTC: {row['wording']}")
        console.say(f"  {row['evidence']}")


@noun.command()
def erase(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="An address of theirs.")],
    reason: Annotated[str, typer.Option(help="A code for the journal, such as `asked`; no names.")],
    statements: Annotated[
        str, typer.Option(help="keep: public ones stay, masked, under the group; remove: only the references stay.")
    ] = person.KEEP,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. It cannot be undone.")] = False,
) -> None:
    """Forget one person: name, addresses, mails, letters, consent. What others said stays."""
    session: Session = context.obj
    if not yes and not typer.confirm(f"forget {address} in {session.process.slug} for ever?"):
        console.fail("nothing was changed")
    done = person.erase(session.engine, session.process.id, address, reason, statements=statements, act=session.act())
    erasures.note(session.config, session.process.slug, done, statements, reason, session.act().now)
    console.answer(
        session.json, done,
        f"forgotten: {done.mails} mails, {done.inputs} inputs; {done.statements_kept} statements stay under the group,"
        f" {done.statements_removed} are removed; {done.deliveries} deliveries stay as numbers",
    )  # fmt: skip
    if done.waiting and not session.json:
        console.say(f"{done.waiting} mailings that have not left wholly still quote removed statements: see `outbox`")
    if not done.scoured and not session.json:
        console.say("the log beside the file still holds some of it, while somebody reads: `tidings retain` later")


@cli.command()
def retain(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Destroy what was kept long enough, by class of data; the service does it once a day by itself."""
    session: Session = context.obj
    found = retention.retain(session.engine, act=session.act(), dry_run=dry_run)
    if session.json:
        for one in found:
            console.emit(one)
        return
    console.table(
        "due for destruction" if dry_run else "destroyed", ["class", "rows"], [(k.name, k.due) for k in found]
    )
