"""`tidings roster waiting|admit|refuse`: who asked to take part, and what the core team decides."""

from typing import Annotated

import typer

from app.cli import console
from app.cli.roster import cli, only_digest
from app.cli.session import Session
from flows import admission

Address = Annotated[str, typer.Argument(help="The address that was confirmed.")]


@cli.command()
def waiting(context: typer.Context) -> None:
    """List who asked to take part and proved their address, the longest waiting first."""
    session: Session = context.obj
    rows = admission.waiting(session.engine, session.process.id)
    if session.json:
        for row in rows:
            console.emit(row)
        return
    console.table(
        f"{session.process.name}: {len(rows)} waiting",
        ["name", "address", "group", "languages", "zone", "confirmed"],
        [
            (r.name, r.address, r.group or "-", " ".join(r.languages), r.zone, f"{r.confirmed_at:%Y-%m-%d %H:%M}")
            for r in rows
        ],
    )


@cli.command()
def admit(
    context: typer.Context,
    address: Address,
    group: Annotated[str, typer.Option(help="For which group they stand; needed where they named none.")] = "",
    rank: Annotated[str, typer.Option(help="first or deputy; else first where the group has none yet.")] = "",
    role: Annotated[str, typer.Option(help="Their role in the group.")] = "",
    digest: Annotated[str, typer.Option(help="The digest they get.")] = "",
) -> None:
    """Put somebody of the waiting list on the roster, and welcome them."""
    session: Session = context.obj
    chosen = admission.admit(
        session.engine,
        session.process.slug,
        digest or only_digest(session),
        address,
        act=session.act(),
        group=group,
        rank=rank,
        role_there=role,
    )
    console.answer(session.json, {"address": address, "group": chosen}, f"{address} is a liaison of {chosen}")


@cli.command()
def refuse(context: typer.Context, address: Address) -> None:
    """Take somebody off the waiting list; what they gave is destroyed, nothing is sent."""
    session: Session = context.obj
    admission.refuse(session.engine, session.process.slug, address, act=session.act())
    console.answer(session.json, {"address": address}, f"{address} is off the list")
