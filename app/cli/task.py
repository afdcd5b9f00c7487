"""`tidings task`: what only a person can settle: list, show, assign, done, reopen."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from app.cli import console
from app.cli.inbox import Private
from app.cli.session import Session
from flows import tasks
from flows.tasks import TaskLine

cli = typer.Typer(name="task", help="What only a person can settle.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="Task, as `task list` numbers it.")]


@cli.command("list")
def list_(
    context: typer.Context,
    state: Annotated[list[str] | None, typer.Option(help="open or done; else open ones.")] = None,
    kind: Annotated[str, typer.Option(help="Such as handover, translation, date, safety, unreachable.")] = "",
    who: Annotated[str, typer.Option(help="Only those that this person looks after.")] = "",
    private: Private = False,
) -> None:
    """List tasks, what is due first on top."""
    session: Session = context.obj
    now = session.act().now
    rows = tasks.task_list(
        session.engine,
        session.process.id,
        now=now,
        states=state or (),
        kind=kind,
        assigned_to=who,
        may_see_private=private,
    )
    if session.json:
        for row in rows:
            console.emit(row)
        return
    late = sum(row.late for row in rows)
    console.table(
        f"{session.process.name}: {console.counted(len(rows), 'task')}{f', {late} of them late' if late else ''}",
        ["task", "kind", "about", "age", "due (UTC)", "who", "state"],
        [
            (r.number, r.kind, _about(r, private), _age(now - r.at), f"{r.due:%Y-%m-%d %H:%M}", r.assigned_to,
             "LATE" if r.late else r.state)
            for r in rows
        ],
    )  # fmt: skip


def _about(row: TaskLine, private: bool) -> str:
    if row.restricted and not private:
        return "(only the privacy circle may see it)"
    return f"{row.subject} ({row.note})" if row.note else row.subject


def _age(old: timedelta) -> str:
    hours = int(old.total_seconds() // 3600)
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


@cli.command()
def show(context: typer.Context, task: Number, private: Private = False) -> None:
    """Show one task: what it is about, how to look at that, who looks after it, and its history."""
    session: Session = context.obj
    card = tasks.task_show(session.engine, session.process.id, task, now=session.act().now, may_see_private=private)
    if session.json:
        console.emit(card)
        return
    line = card.line
    console.say(f"task {line.number}: {line.kind}, {line.state}{', LATE' if line.late else ''}")
    for name, value in (
        ("about", _about(line, private)),
        ("see it", card.see),
        ("since", _moment(line.at)),
        ("due", _moment(line.due)),
        ("who", line.assigned_to),
        ("done by", card.done_by),
        ("reason", card.reason),
    ):
        if value:
            console.say(f"  {name:8} {value}")
    for at, actor, what in card.history:
        console.say(f"{_moment(at)} {actor}: {what}")


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


@cli.command()
def assign(
    context: typer.Context,
    task: Number,
    who: Annotated[str, typer.Argument(help="A contact person, who is written to; or any name; '' for nobody.")],
) -> None:
    """Hand a task to somebody."""
    session: Session = context.obj
    told = tasks.assign(session.engine, session.process.id, task, who, act=session.act())
    words = f"{who} looks after task {task}" if who else f"nobody in particular looks after task {task}"
    console.answer(
        session.json, {"task": task, "who": who, "told": told}, f"{words}{f'; {told} gets a mail' if told else ''}"
    )


@cli.command()
def done(
    context: typer.Context,
    task: Number,
    reason: Annotated[str, typer.Option(help="What was done, in a few words.", prompt="What was done")],
) -> None:
    """Close a task, with the reason."""
    session: Session = context.obj
    tasks.done(session.engine, session.process.id, task, reason, act=session.act())
    console.answer(session.json, {"task": task, "state": "done"}, f"task {task} is done")


@cli.command()
def reopen(context: typer.Context, task: Number) -> None:
    """Open a task again that was closed."""
    session: Session = context.obj
    tasks.reopen(session.engine, session.process.id, task, act=session.act())
    console.answer(session.json, {"task": task, "state": "open"}, f"task {task} is open again")
