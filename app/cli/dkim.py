"""`tidings dkim`: the keys that sign outgoing mail: made, shown as DNS records, changed for new ones."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from app import keyring, sockets
from app.cli import console
from app.cli.session import Session, domain_name
from app.keyring import Entry, Keyring
from db import process
from db.engine import DatabaseUnavailable
from mailer import zone
from mailer.sign import dns_name, dns_record, dns_value

cli = typer.Typer(name="dkim", help="Keys that sign outgoing mail.", no_args_is_help=True)

STAY = timedelta(days=7)  # how much longer than our retries a retired record must stay, for queues of others

Domain = Annotated[str, typer.Option(help="The domain of our From addresses; needed where no process tells it.")]
Check = Annotated[bool, typer.Option("--check/--no-check", help="Ask the DNS whether the record is there.")]


@cli.command()
def init(context: typer.Context, domain: Domain = "") -> None:
    """Make an RSA and an Ed25519 key and print the DNS records to publish. They sign from the next start on."""
    session: Session = context.obj
    ring = keyring.read(session.config.dkim_keys)
    for name in _domains(session, ring, domain):
        if ring.of(name):
            console.fail(f"{name} has keys already: see `tidings dkim show`, or change them with `tidings dkim rotate`")
        ring = keyring.added(ring, name, "active", session.act().now.date())
        keyring.write(ring)
        _tell(session, ring, ring.of(name))
    console.say_unless(
        session.json, "Publish these records, then restart `tidings serve`. `tidings doctor dns` checks them."
    )


@cli.command()
def show(context: typer.Context, domain: Domain = "", check: Check = False) -> None:
    """Show each key with its DNS record, and with --check whether the DNS has it."""
    session: Session = context.obj
    ring = keyring.read(session.config.dkim_keys)
    shown = [one for one in ring.entries if not domain or one.domain == domain_name(domain)]
    if not shown and not session.json:
        console.say("there are no keys: `tidings dkim init` makes them")
    _tell(session, ring, shown, check=check)


@cli.command()
def rotate(context: typer.Context, domain: Domain = "", check: Check = True) -> None:
    """Change the keys, in two steps: first new ones are made and shown, then, once published, they sign.

    Records of retired keys must stay in the DNS until no mail signed with them is under way; the command says how long.
    """
    session: Session = context.obj
    ring = keyring.read(session.config.dkim_keys)
    for name in _domains(session, ring, domain):
        if not ring.of(name, "active"):
            console.fail(f"{name} has no keys: `tidings dkim init` makes them")
        ring = _take_over(session, ring, name, check) if ring.of(name, "next") else _prepare(session, ring, name)
        keyring.write(ring)


def _prepare(session: Session, ring: Keyring, domain: str) -> Keyring:
    """Make the next pair; forget those retired by the change before, whose mails are delivered long since."""
    gone = ring.of(domain, "retired")
    made = keyring.added(keyring.without(ring, gone), domain, "next", session.act().now.date())
    _tell(session, made, made.of(domain, "next"))
    for one in gone:
        console.say_unless(session.json, f"remove from the DNS: {one.selector}._domainkey.{domain}")
    console.say_unless(
        session.json, "Publish these records, then run `tidings dkim rotate` again: the new keys sign from then."
    )
    return made


def _take_over(session: Session, ring: Keyring, domain: str, check: bool) -> Keyring:
    """Let the next pair sign, if the DNS has it."""
    if check:
        ask = sockets.resolver(session.config).ask
        for one in ring.of(domain, "next"):
            finding = zone.key_record(domain, one.selector, dns_value(ring.key(one)), ask)
            if not finding.ok:
                console.fail(f"{finding.says}; publish the record first, or insist with --no-check")
    turned = keyring.turned(ring, domain)
    until = session.act().now + timedelta(days=session.config.send.give_up_days) + STAY
    names = ", ".join(one.selector for one in turned.of(domain, "active"))
    old = ", ".join(one.selector for one in ring.of(domain, "active"))
    console.answer(
        session.json,
        {"domain": domain, "active": names, "retired": old, "keep_until": until.date()},
        f"{domain}: {names} sign now; keep the records of {old} in the DNS until {until:%Y-%m-%d}",
    )
    return turned


def _tell(session: Session, ring: Keyring, entries: list[Entry], *, check: bool = False) -> None:
    ask = sockets.resolver(session.config).ask if check else None
    for one in entries:
        key = ring.key(one)
        found = zone.key_record(one.domain, one.selector, dns_value(key), ask).says if ask else ""
        row: dict[str, Any] = {
            "domain": one.domain,
            "selector": one.selector,
            "algorithm": key.algorithm,
            "state": one.state,
            "made": one.made,
            "name": dns_name(key, one.domain),
            "value": dns_value(key),
        }
        if session.json:
            console.emit(row | ({"dns": found} if found else {}))
            continue
        console.say(f"; {key.algorithm}, {one.state}, made {one.made}{f': {found}' if found else ''}")
        typer.echo(dns_record(key, one.domain))


def _domains(session: Session, ring: Keyring, named: str) -> list[str]:
    """The domains that a command is about: the one named, those of the processes, or those that have keys."""
    if named:
        return [domain_name(named)]
    try:
        with session.engine.db.read() as tx:
            found = sorted({row.home.domain for row in process.everyone(tx)})
    except DatabaseUnavailable:
        found = []
    found = found or ring.domains
    if not found:
        console.fail("which domain? name it with --domain: no process tells it yet")
    return found
