"""`tidings rehearse`: every mail of the days to come."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.roster import liaison_at
from app.cli.session import Session
from db import addresses
from db.engine import Database
from flows import rehearse as flow
from flows import whatif
from flows.rehearse import Change, Difference, Planned, Rehearsal

cli = typer.Typer()


@cli.command()
def rehearse(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=flow.LONGEST)] = 90,
    diff: Annotated[
        str,
        typer.Option(
            help="Show what a change would make different: a file to import, or a setting such as "
            "`core.rule=weekly tue 09:00` or `ana@west.example.hour=7`."
        ),
    ] = "",
    address: Annotated[str, typer.Option("--for", help="Only the mails of this address.")] = "",
) -> None:
    """List every mail that every person will get by the settings as they are, and what is held and why."""
    session: Session = context.obj
    if address:
        address = _known(session, address)
    was = _play(session, days, None)
    if not diff:
        _show(session, _only(was, address), days)
        return
    file, act = Path(diff), session.act()
    change = (
        whatif.file(session.process, diff, console.text_of(file), act)
        if file.is_file()
        else whatif.setting(session.process, diff, act)
    )
    now = _play(session, days, change)
    _show_difference(session, flow.difference(_only(was, address), _only(now, address)), diff)


def _play(session: Session, days: int, change: Change | None) -> Rehearsal:
    act = session.act()
    with tempfile.TemporaryDirectory(prefix="tidings-rehearsal-") as folder:
        copied = Database(f"sqlite:///{Path(folder) / 'copy.sqlite'}", lasting=False)
        try:
            flow.copy(session.engine.db, copied, now=act.now)
            stage = replace(session.engine, db=copied)
            return flow.rehearse(stage, session.process.id, days=days, act=act, change=change)
        finally:
            copied.close()


def _known(session: Session, address: str) -> str:
    """The address to which the mails of a liaison go, by any of theirs. Raises `Refused`."""
    liaison = liaison_at(session, address)
    with session.engine.db.read() as tx:
        mine = addresses.addresses(tx, session.process.id, [liaison])[liaison]
    return mine[0].addr


def _only(made: Rehearsal, address: str) -> Rehearsal:
    if not address:
        return made
    return replace(
        made,
        mails=tuple(one for one in made.mails if one.addr == address),
        left_out=tuple(one for one in made.left_out if one[0] == address),
    )


def _show(session: Session, made: Rehearsal, days: int) -> None:
    if session.json:
        for one in made.mails:
            console.emit({"mail": one})
        for addr, key, reason in made.left_out:
            console.emit({"left_out": {"addr": addr, "key": key, "reason": reason}})
        for text in (*made.waits, *made.faults):
            console.emit({"note": text})
        return
    _table(f"{console.counted(sum(map(flow.goes, made.mails)), 'mail')} in {days} days", made.mails)
    for (key, reason), count in sorted(Counter((key, reason) for _, key, reason in made.left_out).items()):
        console.say(f"left out of {key}: {count} {reason}")
    for text in made.waits:
        console.say(f"note: {text}")
    for text in made.faults:
        console.say(f"fault: {text}")
    crowded = {(one.addr, one.local.date()) for one in made.mails if one.beside}
    console.say(f"days with more than one mail for a person: {len(crowded)}")
    console.say(f"mails on a weekend of their reader: {sum(one.weekend and flow.goes(one) for one in made.mails)}")


def _table(title: str, mails: Sequence[Planned]) -> None:
    console.table(
        title,
        ["when (UTC)", "reader's clock", "who", "what", "subject", "note"],
        [
            (f"{one.at:%Y-%m-%d %H:%M}", f"{one.local:%a %H:%M}", one.addr, one.key, one.subject, _note(one))
            for one in mails
        ],
    )


def _note(one: Planned) -> str:
    parts = [one.why, "weekend" if one.weekend else "", f"{one.beside + 1} on that day" if one.beside else ""]
    return "; ".join(part for part in parts if part)


def _show_difference(session: Session, found: Sequence[Difference], diff: str) -> None:
    if session.json:
        for one in found:
            console.emit(one)
        return
    counts = Counter(one.what for one in found)
    console.table(
        f"{diff}: {', '.join(f'{n} {what}' for what, n in sorted(counts.items())) or 'no mail differs'}",
        ["what", "was (UTC)", "would be (UTC)", "who", "mail", "subject"],
        [
            (
                one.what,
                f"{one.was.at:%Y-%m-%d %H:%M}" if one.was else "",
                f"{one.now.at:%Y-%m-%d %H:%M}" if one.now else "",
                *((known.addr, known.key, known.subject) if (known := one.now or one.was) else ("", "", "")),
            )
            for one in found
        ],
    )
