"""`tidings status`: every worker with its role and last sign of life, and what waits."""

from dataclasses import asdict
from datetime import datetime, timedelta

import typer

from app import mark
from app.cli import console
from app.cli.session import Session
from flows.status import RateState, Status, WorkerState
from flows.status import status as flow
from mailer.retry import of_relay

MISSED = 3  # ticks without a sign of life, after which a worker is called silent


cli = typer.Typer()


@cli.command("status")
def status(context: typer.Context) -> None:
    """Show every worker, its role and last sign of life; what waits, what is paused, and how far all is sealed."""
    session: Session = context.obj
    now = session.act().now
    lives = timedelta(seconds=max(60.0, MISSED * session.config.tick_seconds))
    found = flow(session.engine, lives, now=now)
    with session.engine.db.read() as tx:
        older = mark.put_back(session.config, tx)
    if session.json:
        console.emit(asdict(found) | {"put_back": older})
        return
    console.table(
        f"{console.counted(len(found.workers), 'worker')}, generation {found.generation}",
        ["worker", "role", "since (UTC)", "last sign of life", "mails in hand"],
        [_row(one, now) for one in found.workers],
    )
    for line in _lines(found):
        console.say(line)
    if older is not None:
        console.say(f"NOTHING IS SENT: {older}. {mark.ADOPT}")


def _row(one: WorkerState, now: datetime) -> tuple[object, ...]:
    ago = f"{max(0, int((now - one.seen_at).total_seconds()))} s ago"  # clocks of machines differ a little
    seen = ago if one.alive else (f"SILENT, {ago}" if one.role else "never known")
    hand = f"{one.holds}, until {one.until:%H:%M} UTC" if one.until is not None and one.holds else ""
    return one.name, one.role, f"{one.started_at:%Y-%m-%d %H:%M}" if one.role else "", seen, hand


def _lines(found: Status) -> list[str]:
    next_due = f"; the next one at {found.next_due:%Y-%m-%d %H:%M} UTC" if found.next_due else ""
    lines = [
        f"mails: {found.queued} wait, {found.due} of them are due{next_due}",
        f"held for you: {found.held} (`tidings outbox held`)",
        f"tasks for people: {found.tasks} (`tidings task list`)",
        f"mail in, not yet understood: {found.pending}",
        f"journal: sealed up to seal {found.seal}, {found.unsealed} rows not yet",
    ]
    lines[1:1] = [stuck(*one) for one in found.stuck]
    lines += [f"limits met by {one.name}: {_limits(one)}" for one in found.workers if one.limits]
    lines += [f"nothing is sent to {domain}: {why}" for domain, why in found.paused_domains.items()]
    lines += [rate(one) for one in found.rates]
    return lines + ([f"ALL SENDING IS PAUSED: {found.paused}"] if found.paused is not None else [])


def _limits(one: WorkerState) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(one.limits.items()))


def stuck(why: str, mails: int, since: datetime) -> str:
    """Mails that wait for another try, and what to do where it is not their fault."""
    do = "; `tidings doctor` says more, and `outbox retry` tries at once when it is mended" if of_relay(why) else ""
    who = "the smart host refused or was not reached" if of_relay(why) else "refused for now"
    return f"{mails} wait for another try, the first since {since:%Y-%m-%d %H:%M} UTC: {who} ({why}){do}"


def rate(one: RateState) -> str:
    """A limit on mails a minute and how it is used, in words."""
    what = f"to {one.domain}" if one.domain else "altogether"
    return f"{what} at most {one.limit} a minute: {one.spent} in the last one, {one.due} due"
