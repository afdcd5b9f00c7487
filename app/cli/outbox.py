"""`tidings outbox`: status, held, release, drop, presume, pause, resume, sample."""

from typing import Annotated

import typer

from app.cli import console
from app.cli.session import Session
from app.cli.status import rate, stuck
from db import holding, outbox, pauses
from digests.gate import WAITS
from flows import control, restore, sampling
from flows.engine import Refused
from flows.status import limits

RESTORED = (restore.WHY, restore.UNPROVED, restore.OVERDUE)

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
        away = pauses.domains(tx)
        limited = limits(tx, session.engine, now)
        waits = outbox.stuck(tx)
        standing = [row for row in holding.held(tx, session.process.id) if row.whole]
    if session.json:
        for mailing, key, kind, state, number in rows:
            console.emit({"mailing": mailing, "key": key, "kind": kind, "state": state, "mails": number})
        stand = [{"mailing": row.mailing_id, "mails": row.mails, "why": row.why} for row in standing]
        sums = {"paused": why, "paused_domains": away, "next_due": due, "rates": limited, "stuck": waits}
        console.emit(sums | {"standing": stand})
        return
    console.table(
        f"{session.process.name}: the outbox",
        ["mailing", "kind", "key", "state", "mails"],
        [(mailing, kind, key, state, number) for mailing, key, kind, state, number in rows],
    )
    for row in standing:
        console.say(f"Mailing {row.mailing_id} stands still, {console.counted(row.mails, 'mail')} with it: {row.why}")
    for domain, reason in away.items():
        console.say(f"Nothing is sent to {domain}: {reason}")
    for one in limited:
        console.say(rate(one))
    for reason, mails, since in waits:
        console.say(stuck(reason, mails, since))
    if why is not None:
        console.say(f"All sending is paused: {why}")
    elif due is not None:
        console.say(f"The next mail leaves at {due:%Y-%m-%d %H:%M} UTC")


@cli.command()
def retry(context: typer.Context) -> None:
    """Try at once what waits for another try, when the smart host is mended."""
    session: Session = context.obj
    mails = control.retry(session.engine, session.process.id, act=session.act())
    console.answer(
        session.json, {"mails": mails}, f"{console.counted(mails, 'mail is', 'mails are')} tried at the next tick"
    )


@cli.command()
def held(context: typer.Context) -> None:
    """List what waits for a person, and why: mailings as a whole, and single mails in them."""
    session: Session = context.obj
    with session.engine.db.read() as tx:
        rows = holding.held(tx, session.process.id)
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        "What waits for you",
        ["mailing", "key", "mails", "of it", "due (UTC)", "why"],
        [
            (r.mailing_id, r.natural_key, r.mails, "all" if r.whole else "these", f"{r.due_at:%Y-%m-%d %H:%M}", r.why)
            for r in rows
        ],
    )
    awaited = [row for row in rows if row.why.startswith(WAITS)]
    if awaited:
        console.say("`translate waiting` tells what is missing; `translate open N -l LANG` waits no longer")
    if len(awaited) < len(rows):
        console.say("`outbox release N` sends them, `drop N` never, `presume N` when they had gone out already")


Mailings = Annotated[list[int] | None, typer.Argument(help="Mailings, as `outbox held` numbers them.")]
Only = Annotated[str | None, typer.Option(help="Only single mails held for this reason, such as unproved.")]
Restored = Annotated[bool, typer.Option("--restored", help="Everything that a restore holds.")]


def _meant(
    session: Session, mailings: list[int] | None, only: str | None, restored: bool
) -> list[tuple[int, str | None]]:
    """The mailings that are meant, and for which reason mails in them are held (None: the whole mailing)."""
    if bool(mailings) == restored:
        raise Refused("name mailings, such as `5 6`, or say --restored for everything that a restore holds")
    if mailings:
        return [(mailing, only) for mailing in mailings]
    with session.engine.db.read() as tx:
        rows = holding.held(tx, session.process.id)
    return [(r.mailing_id, None if r.whole else r.why) for r in rows if r.why in RESTORED and only in (None, r.why)]


@cli.command()
def release(context: typer.Context, mailings: Mailings = None, only: Only = None, restored: Restored = False) -> None:
    """Let what is held go, late as it is."""
    session: Session = context.obj
    for mailing, reason in _meant(session, mailings, only, restored):
        waiting = control.release(session.engine, mailing, act=session.act(), only=reason)
        console.answer(
            session.json,
            {"mailing": mailing, "waiting": waiting},
            f"mailing {mailing}: {console.counted(waiting, 'mail leaves', 'mails leave')}",
        )


@cli.command()
def drop(context: typer.Context, mailings: Mailings = None, only: Only = None, restored: Restored = False) -> None:
    """Withdraw mailings: what has not left never will, its news comes with the next edition. --only: the held ones."""
    session: Session = context.obj
    for mailing, reason in _meant(session, mailings, only, restored):
        stopped = control.drop(session.engine, mailing, act=session.act(), only=reason)
        console.answer(
            session.json,
            {"mailing": mailing, "cancelled": stopped},
            f"mailing {mailing}: {console.counted(stopped, 'mail')} stopped",
        )


@cli.command()
def presume(context: typer.Context, mailings: Mailings = None, only: Only = None, restored: Restored = False) -> None:
    """What is held had gone out: it is not sent again, and counts as told."""
    session: Session = context.obj
    for mailing, reason in _meant(session, mailings, only, restored):
        told = control.presume(session.engine, mailing, act=session.act(), only=reason)
        console.answer(
            session.json,
            {"mailing": mailing, "presumed": told},
            f"mailing {mailing}: {console.counted(told, 'mail counts', 'mails count')} as sent",
        )


Domain = Annotated[str, typer.Option(help="One destination domain, such as example.org.")]


@cli.command()
def pause(
    context: typer.Context,
    mailing: Annotated[int | None, typer.Argument(help="One mailing; without it everything.")] = None,
    domain: Domain = "",
    why: Annotated[str, typer.Option(help="Reason, shown in `outbox status`.")] = "paused by the operator",
) -> None:
    """Stop sending: one mailing half-way, to one domain, or everything."""
    session: Session = context.obj
    if domain:
        _not_both(mailing)
        domain = control.pause_domain(session.engine, domain, why, act=session.act())
    else:
        control.pause(session.engine, mailing, why, act=session.act())
    console.answer(session.json, {"paused": domain or mailing or "all"}, "paused")


@cli.command()
def resume(
    context: typer.Context,
    mailing: Annotated[int | None, typer.Argument(help="One mailing; without it everything.")] = None,
    domain: Domain = "",
) -> None:
    """Go on sending."""
    session: Session = context.obj
    if domain:
        _not_both(mailing)
        domain = control.resume_domain(session.engine, domain, act=session.act())
    else:
        control.resume(session.engine, mailing, act=session.act())
    console.answer(session.json, {"resumed": domain or mailing or "all"}, "resumed")


def _not_both(mailing: int | None) -> None:
    if mailing is not None:
        raise Refused("name a mailing or a domain, not both")


@cli.command()
def sample(
    context: typer.Context,
    mailing: Annotated[int, typer.Argument(help="A mailing of which nothing has left.")],
    percent: Annotated[float, typer.Option(min=0.1, max=99, help="How many get it first.")] = 5,
    wait_minutes: Annotated[
        int, typer.Option(min=1, help="After the last of them, how long bounces are awaited.")
    ] = 60,
    limit: Annotated[float, typer.Option(min=0, max=100, help="More per cent of bounces: the rest waits for you.")] = 5,
) -> None:
    """Send to a sample first; the rest is held until their bounces are counted, and then goes by itself, or asks."""
    session: Session = context.obj
    plan = sampling.Plan(percent, wait_minutes, limit)
    first, rest = sampling.begin(session.engine, mailing, plan, act=session.act())
    console.answer(
        session.json,
        {"mailing": mailing, "sample": first, "held": rest},
        f"{console.counted(first, 'mail goes', 'mails go')} first, {rest} wait for them",
    )
