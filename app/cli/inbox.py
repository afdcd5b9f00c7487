"""`tidings inbox`: mail as it came in: list, show, file, ignore, answer, reactions, reprocess."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from app.cli import console
from app.cli.roster import liaison_at
from app.cli.session import Session
from flows import held, reply, views_inbox

cli = typer.Typer(name="inbox", help="Mail as it came in.", no_args_is_help=True)

Private = Annotated[bool, typer.Option("--private", help="Also what only the privacy circle may see.")]


@cli.command("list")
def list_(
    context: typer.Context,
    state: Annotated[list[str] | None, typer.Option(help="Such as held; give it several times for several.")] = None,
    text: Annotated[str, typer.Option(help="In sender, subject, rule or reason.")] = "",
    limit: Annotated[int, typer.Option(min=1)] = 50,
    private: Private = False,
) -> None:
    """List mails, newest first."""
    session: Session = context.obj
    rows = views_inbox.inbox_list(
        session.engine, session.process.id, states=state or (), text=text, limit=limit, may_see_private=private
    )
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {console.counted(len(rows), 'mail')}",
        ["mail", "came (UTC)", "state", "rule", "from", "subject", "why, or filed as"],
        [
            (r.raw_id, f"{r.received_at:%Y-%m-%d %H:%M}", r.state, r.rule, r.sender, r.subject,
             ", ".join(r.refs) or r.reason)
            for r in rows
        ],
    )  # fmt: skip


@cli.command()
def show(
    context: typer.Context,
    mail: Annotated[int, typer.Argument(help="Mail, as `inbox list` numbers it.")],
    source: Annotated[bool, typer.Option(help="Only the source, as it came in.")] = False,
    private: Private = False,
) -> None:
    """Show one mail: how it is understood, what was kept and what was cut, and its source."""
    session: Session = context.obj
    card = views_inbox.inbox_show(session.engine, mail, now=session.act().now, may_see_private=private)
    if source:
        typer.echo(card.source)
        return
    if session.json:
        console.emit(card)
        return
    console.say(f"mail {card.line.raw_id}: {card.line.state} ({card.line.rule}) {card.line.reason}".rstrip())
    for name, value in (
        ("from", card.line.sender),
        ("to", ", ".join(card.recipients)),
        ("subject", card.line.subject),
        ("vouched", card.vouched),
        ("answers", card.answers),
        ("liaison", card.liaison),
        ("groups", ", ".join(card.groups)),
        ("files", ", ".join(card.attachments)),
        ("notes", "; ".join(card.warnings)),
    ):
        if value:
            console.say(f"  {name:8} {value}")
    for kind, text, by in card.segments:
        console.say(f"--- {kind}{f' ({by})' if by else ''}")
        console.say(text.rstrip("\n"))
    for one in card.statements:
        console.say(f"=== {one.anchor or 'the whole'}, confidence {one.confidence:.2f}")
        console.say(one.text)


@cli.command()
def file(
    context: typer.Context,
    mail: int,
    liaison: Annotated[str, typer.Option(help="As this liaison's, by address.")] = "",
    group: Annotated[str, typer.Option(help="As a voice of this group's community.")] = "",
    question: Annotated[str, typer.Option(help="Tie it to this question, such as RR-2.")] = "",
) -> None:
    """File a held mail."""
    session: Session = context.obj
    made = held.file_held(
        session.engine,
        mail,
        act=session.act(),
        liaison_id=liaison_at(session, liaison) if liaison else None,
        group=group,
        question=question,
    )
    console.answer(session.json, {"mail": mail, "input": made}, f"mail {mail} is input {made}")


@cli.command()
def ignore(context: typer.Context, mail: int) -> None:
    """Drop a held mail; it stays readable until retention takes it."""
    session: Session = context.obj
    held.ignore_held(session.engine, mail, act=session.act())
    console.answer(session.json, {"mail": mail, "state": "ignored"}, f"mail {mail} is dropped")


@cli.command()
def answer(
    context: typer.Context,
    mail: int,
    text: Annotated[str, typer.Option(help="What to say; or - to read it from standard input.", prompt="What to say")],
) -> None:
    """Answer a mail: your words go to whoever wrote it, in the name of the core team. The mail stays where it is."""
    session: Session = context.obj
    words = typer.get_text_stream("stdin").read() if text == "-" else text
    told = reply.answer(session.engine, mail, words, act=session.act())
    console.answer(session.json, {"mail": mail, "to": told}, f"{told} gets your answer to mail {mail}")


@cli.command()
def reactions(context: typer.Context) -> None:
    """Sum up reactions and nods: how many readers sent which, to which item of which edition."""
    session: Session = context.obj
    rows = views_inbox.reactions(session.engine, session.process.id)
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {console.counted(sum(row.count for row in rows), 'reaction')}",
        ["to", "item", "what", "how many"],
        [(row.mailing, row.item or "", row.emoji, row.count) for row in rows],
    )


@cli.command()
def reprocess(
    context: typer.Context,
    mails: Annotated[list[int] | None, typer.Argument(help="Mails; or name a day with --since.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="All that came since.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Change it; without this, only show.")] = False,
) -> None:
    """Read old mail again with this program's knowledge; shows what would change before anything does."""
    session: Session = context.obj
    changes = held.reprocess(
        session.engine,
        act=session.act(),
        since=since.replace(tzinfo=UTC) if since is not None else None,
        ids=mails or (),
        process_id=session.process.id,
        dry_run=not apply,
    )
    if session.json:
        for change in changes:
            console.emit(change)
        return
    for change in changes:
        console.say(
            f"mail {change.raw_id}: {change.was} -> {change.becomes}"
            + (f" ({', '.join(change.fields)})" if change.fields else "")
            + (f", not changed: {change.why_not}" if change.why_not else "")
        )
        for one in change.differences:
            console.out.print(Text(f"  {one.what}", "bold"))
            for mark, words, colour in (("-", one.before, "red"), ("+", one.after, "green")):
                for line in words.splitlines():
                    console.out.print(Text(f"    {mark} {line}", colour))
    done = sum(change.applied for change in changes)
    left = len(changes) - done
    console.say(
        f"{console.counted(len(changes), 'mail')} would be read differently"
        if not apply
        else f"{console.counted(done, 'mail')} read anew"
        + (f", {left} left as they were, for a person to decide" if left else "")
    )
