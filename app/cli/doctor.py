"""`tidings doctor`: is everything set up right, here and in the DNS, and what to do where it is not."""

import ipaddress
from collections.abc import Iterable
from typing import Annotated

import typer

from app import config as configuration
from app import doctor
from app.cli import console
from app.cli.session import Session
from app.clock import system_clock
from app.config import ConfigError
from db import process
from db.engine import DatabaseUnavailable
from mailer.trust import domain_of
from mailer.zone import Finding

cli = typer.Typer(name="doctor", help="Is everything set up right?", invoke_without_command=True)

_MARKS = {"ok": "  ok   ", "note": "  note ", "fault": "  FAULT"}


@cli.callback()
def doctor_(context: typer.Context) -> None:
    """Check configuration, files, database, clock, disk, ports, keys and relays; exit code 1 where there is a fault."""
    if context.invoked_subcommand is not None:
        return
    session: Session = context.obj
    file = configuration.find(session.config_file)
    try:
        found: Iterable[Finding] = doctor.examine(file, session.config, system_clock())
    except ConfigError as error:
        found = [Finding("fault", "config", str(error), "mend the file; docs/operate/configure.md has every setting")]
    _report(session, found)


@cli.command()
def dns(
    context: typer.Context,
    domain: Annotated[list[str] | None, typer.Option(help="A domain of ours; else those of all processes.")] = None,
    sender: Annotated[
        list[str] | None, typer.Option(help="An address that our mail leaves the house from, such as the smart host's.")
    ] = None,
) -> None:
    """Check MX, SPF, DKIM, DMARC and PTR of our domains and say what to publish."""
    session: Session = context.obj
    for address in sender or ():
        try:
            ipaddress.ip_address(address)
        except ValueError:
            console.fail(f"{address!r} is not an IP address", console.USAGE)
    addresses = sender or doctor.senders(session.config)
    names = [domain_of(f"@{one}") for one in domain or ()] or _ours(session)
    if not names or not all("." in one for one in names):
        console.fail("which domain? name it with --domain: no process tells it yet")
    _report(session, [one for name in names for one in doctor.published(session.config, name, addresses)])


def _ours(session: Session) -> list[str]:
    try:
        with session.engine.db.read() as tx:
            return sorted({row.home.domain for row in process.everyone(tx)})
    except DatabaseUnavailable:
        return []


def _report(session: Session, found: Iterable[Finding]) -> None:
    faults = 0
    for one in found:
        faults += one.level == "fault"
        if session.json:
            console.emit(one)
            continue
        console.say(f"{_MARKS[one.level]} {one.subject}: {one.says}")
        if one.do:
            console.say(f"          {one.do}")
    console.say_unless(session.json, f"{faults} fault{'s' if faults > 1 else ''}" if faults else "no fault was found")
    if faults:
        raise SystemExit(console.REFUSED)
