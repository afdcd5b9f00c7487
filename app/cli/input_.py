"""`tidings input`: what communities said: list, show, accept, decline, and the rest of triage."""

from typing import Annotated

import typer

from app.cli import console
from app.cli.inbox import Private
from app.cli.session import Session
from flows import triage, views_input

cli = typer.Typer(name="input", help="What communities said.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(help="Input by number, or a reference such as S-12.")]


def _number(session: Session, which: str) -> int:
    if which.isascii() and which.isdigit():
        return int(which)
    return views_input.input_show(session.engine, session.process.id, which, may_see_private=True).line.id


@cli.command("list")
def list_(
    context: typer.Context,
    state: Annotated[list[str] | None, typer.Option(help="new, accepted, declined, merged, withdrawn")] = None,
    track: str = "",
    question: str = "",
    group: str = "",
    language: str = "",
    text: Annotated[str, typer.Option(help="Words that all occur.")] = "",
    suggested: Annotated[bool, typer.Option(help="Only what was tied by guess.")] = False,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    private: Private = False,
) -> None:
    """List inputs, newest first."""
    session: Session = context.obj
    rows = views_input.input_list(
        session.engine,
        session.process.id,
        states=state or (),
        track=track,
        question=question,
        group=group,
        language=language,
        text=text,
        suggested=suggested,
        limit=limit,
        may_see_private=private,
    )
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {console.counted(len(rows), 'input')}",
        ["input", "came (UTC)", "state", "who", "group", "ref", "on", "text"],
        [
            (r.id, f"{r.received_at:%Y-%m-%d %H:%M}", r.state, r.liaison or r.voice, r.group, s.ref,
             s.anchor + "".join(f" maybe {one}" for one in s.suggested), s.text)
            for r in rows
            for s in r.statements
        ],
    )  # fmt: skip


@cli.command()
def show(context: typer.Context, which: Which, private: Private = False) -> None:
    """Show one input in full: its statements, what was cut from the mail, its files, its history."""
    session: Session = context.obj
    key: int | str = int(which) if which.isdigit() else which
    card = views_input.input_show(session.engine, session.process.id, key, may_see_private=private)
    if session.json:
        console.emit(card)
        return
    line = card.line
    console.say(f"input {line.id}: {line.state}, {line.liaison or line.voice} ({line.group}), {line.subject}")
    for statement in line.statements:
        console.say(f"{statement.ref} on {statement.anchor} [{statement.state}]")
        console.say(statement.text)
    for kind, text, by in card.segments:
        console.say(f"--- {kind}{f' ({by})' if by else ''}")
        console.say(text.rstrip("\n"))
    for file in card.attachments:
        console.say(f"file: {file.name} ({file.type}, {file.size} octets)")
    for at, actor, what in card.history:
        console.say(f"{at:%Y-%m-%d %H:%M} {actor}: {what}")


@cli.command()
def accept(context: typer.Context, which: Annotated[list[str], typer.Argument(help="Inputs or references.")]) -> None:
    """Take inputs up: everybody hears of them in the next digest, and their authors what became of them."""
    session: Session = context.obj
    numbers = [_number(session, one) for one in which]
    done = triage.accept_all(session.engine, numbers, act=session.act())
    console.answer(session.json, {"accepted": numbers}, f"{done} accepted")


@cli.command()
def decline(context: typer.Context, which: Which) -> None:
    """Do not take an input up; its author is told in the next digest."""
    session: Session = context.obj
    number = _number(session, which)
    triage.decline(session.engine, number, act=session.act())
    console.answer(session.json, {"declined": number}, f"input {number} is declined")


@cli.command()
def merge(context: typer.Context, which: Which, into: Annotated[str, typer.Argument(help="Reference.")]) -> None:
    """Count an input as part of another statement."""
    session: Session = context.obj
    number = _number(session, which)
    root = triage.merge(session.engine, number, into, act=session.act())
    console.answer(session.json, {"merged": number, "into": root}, f"input {number} counts for {root}")


@cli.command()
def refile(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="Statement, such as S-12.")],
    to: Annotated[str, typer.Argument(help="Question by code, or track by slug.")],
) -> None:
    """Tie a statement to another question or track."""
    session: Session = context.obj
    triage.refile(session.engine, session.process.id, ref, to, act=session.act())
    console.answer(session.json, {"ref": ref, "to": to}, f"{ref} is on {to}")


@cli.command()
def withdraw(context: typer.Context, ref: Annotated[str, typer.Argument(help="Statement, such as S-12.")]) -> None:
    """Take a statement back, as its author wishes; the reference stays, without words."""
    session: Session = context.obj
    triage.withdraw_statement(session.engine, session.process.id, ref, act=session.act())
    console.answer(session.json, {"withdrawn": ref}, f"{ref} is withdrawn")


@cli.command()
def private(context: typer.Context, which: Which) -> None:
    """Show an input to the privacy circle alone from now on."""
    session: Session = context.obj
    number = _number(session, which)
    triage.set_private(session.engine, number, act=session.act())
    console.answer(session.json, {"private": number}, f"input {number} is private")
