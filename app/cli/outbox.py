"""`tidings outbox`: status, held, release, drop, pause, resume."""

from typing import Annotated

import typer

from app.cli import console
from app.cli.session import Session
from db import editions, outbox
from db.states import MailingState
from flows import control

cli = typer.Typer(name="outbox", help="Mails on their way.", no_args_is_help=True)


@cli.command()
def status(context: typer.Context) -> None:
    """How many mails of each mailing are in which state, and when the next one leaves."""
    session: Session = context.obj
    now = session.act().now
    with session.engine.db.read() as tx:
        rows = outbox.counts(tx, session.process.id)
        due = outbox.next_due(tx, now)
        why = outbox.paused(tx)
    if session.json:
        for mailing, key, kind, state, number in rows:
            console.emit({"mailing": mailing, "key": key, "kind": kind, "state": state, "mails": number})
        console.emit({"paused": why, "next_due": due})
        return
    console.table(
        f"{session.process.name}: the outbox",
        ["mailing", "kind", "key", "state", "mails"],
        [(mailing, kind, key, state, number) for mailing, key, kind, state, number in rows],
    )
    if why is not None:
        console.say(f"All sending is paused: {why}")
    elif due is not None:
        console.say(f"The next mail leaves at {due:%Y-%m-%d %H:%M} UTC")


@cli.command()
def held(context: typer.Context) -> None:
    """List mailings that wait for a person, and why."""
    session: Session = context.obj
    with session.engine.db.read() as tx:
        rows = editions.mailings(tx, [MailingState.HELD, MailingState.PAUSED], process_id=session.process.id)
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        "Held mailings",
        ["mailing", "key", "state", "due (UTC)", "why"],
        [(r.id, r.natural_key, r.state, f"{r.due_at:%Y-%m-%d %H:%M}", r.paused_why or "too late") for r in rows],
    )


@cli.command()
def release(context: typer.Context, mailing: int) -> None:
    """Let a held mailing go."""
    session: Session = context.obj
    waiting = control.release(session.engine, mailing, act=session.act())
    console.answer(session.json, {"mailing": mailing, "waiting": waiting}, f"{waiting} mails leave")


@cli.command()
def drop(context: typer.Context, mailing: int) -> None:
    """Withdraw a mailing: what has not left never will; its news comes with the next edition."""
    session: Session = context.obj
    stopped = control.drop(session.engine, mailing, act=session.act())
    console.emit({"mailing": mailing, "cancelled": stopped}) if session.json else console.say(
        f"{stopped} mails stopped"
    )


@cli.command()
def pause(
    context: typer.Context,
    mailing: Annotated[int | None, typer.Argument(help="One mailing; without it everything.")] = None,
    why: Annotated[str, typer.Option(help="Reason, shown in `outbox status`.")] = "paused by the operator",
) -> None:
    """Stop sending: one mailing half-way, or everything."""
    session: Session = context.obj
    control.pause(session.engine, mailing, why, act=session.act())
    console.answer(session.json, {"paused": mailing or "all"}, "paused")


@cli.command()
def resume(
    context: typer.Context,
    mailing: Annotated[int | None, typer.Argument(help="One mailing; without it everything.")] = None,
) -> None:
    """Go on sending."""
    session: Session = context.obj
    control.resume(session.engine, mailing, act=session.act())
    console.answer(session.json, {"resumed": mailing or "all"}, "resumed")
