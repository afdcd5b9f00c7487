"""`tidings explain`: how inbound mails are understood, without a database and without storing anything."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.text import Text

from app.cli import console
from mailer import explain as flow
from mailer.parse import parse
from mailer.read import read_message
from mailer.reading import Reading, SegmentKind
from mailer.trust import Vouched
from mailer.wire.dns import Resolver
from mailer.wire.vouch import Voucher

_COLOURS = {
    SegmentKind.REPLY: "bold",
    SegmentKind.CLOSING: "cyan",
    SegmentKind.FORWARD: "green",
    SegmentKind.QUOTE: "dim",
    SegmentKind.INTRO: "dim",
}


cli = typer.Typer()


@cli.command()
def explain(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Mails as files, or folders of .eml files.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line and file.")] = False,
    context_file: Annotated[
        Path | None, typer.Option("--context", exists=True, help="Digest items, questions and roster, as YAML.")
    ] = None,
    sent: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Our mail that they answer, to know it again.")
    ] = None,
    dns: Annotated[bool, typer.Option("--dns", help="Also check DKIM and DMARC of the sender: asks the DNS.")] = False,
    dns_server: Annotated[
        list[str] | None, typer.Option(help="Ask this server, ADDRESS or ADDRESS:PORT, instead of the machine's.")
    ] = None,
    peer: Annotated[str, typer.Option(help="With --dns: the address the mail came from, to check SPF too.")] = "",
) -> None:
    """Say what was kept of each mail, what was taken out and by which rule, which item it answers, and how sure."""
    known = _context(context_file) | ({"sent_lines": flow.sent_lines(sent.read_bytes())} if sent else {})
    as_json = json or context.obj.json
    voucher = _voucher(dns_server or ()) if dns or dns_server or peer else None
    for file in _mails(files):
        raw = file.read_bytes()
        vouched = _vouched(voucher, raw, peer) if voucher else None
        if as_json:
            checked = {"vouched": vouched.as_json()} if vouched else {}
            console.emit(flow.explain(raw, str(file), known) | checked)
        else:
            message = parse(raw)
            reading = read_message(message, flow.envelope_of(message), flow.context_for(message, known), raw)
            _show(file, reading, str(vouched or ""))


def _voucher(servers: Sequence[str]) -> Voucher:
    try:
        return Voucher(Resolver(servers))
    except ValueError as error:
        console.fail(f"--dns-server: {error}", console.USAGE)


def _vouched(voucher: Voucher, raw: bytes, peer: str) -> Vouched:
    message = parse(raw)
    return voucher(raw, replace(flow.envelope_of(message), peer=peer), message.from_addr)


def _context(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        found = yaml.safe_load(console.text_of(file))
    except yaml.YAMLError as error:
        console.fail(f"{file} is not YAML: {error}")
    if not isinstance(found, dict):
        console.fail(f"{file} holds no mapping with digests, items, questions or roster")
    return found


def _mails(files: list[Path]) -> Iterator[Path]:
    for file in files:
        if file.is_dir():
            yield from sorted(file.rglob("*.eml"))
        elif file.is_file():
            yield file
        else:
            console.fail(f"there is no mail at {file}", console.USAGE)


def _show(file: Path, reading: Reading, vouched: str) -> None:
    console.out.rule(Text(f"{file}", style="bold"), align="left")
    facts = [
        ("kind", f"{reading.kind} ({reading.rule}): {reading.disposition}, {reading.visibility}"),
        ("subject", reading.subject),
        ("language", reading.language),
        ("vouched", vouched),
        ("attachments", ", ".join(reading.attachments)),
        ("command", f"{reading.command.name} {reading.command.argument}" if reading.command else ""),
        ("back on", str(reading.absent_until or "")),
        ("bounced", ", ".join(reading.bounce.recipients) if reading.bounce else ""),
        ("notes", "; ".join((*reading.notes, *reading.warnings))),
    ]
    for name, value in facts:
        if value:
            console.out.print(Text(f"{name:12} {value}"))
    for segment in reading.segments:
        console.out.print(Text(f"--- {segment.kind}{f' ({segment.by})' if segment.by else ''}", style="magenta"))
        console.out.print(Text(segment.text.rstrip("\n"), style=_COLOURS.get(segment.kind, "yellow")))
    for number, statement in enumerate(reading.statements, 1):
        anchors = ", ".join(f"{a.kind} {a.ref}" for a in statement.anchors) or "the whole"
        console.out.print(Text(f"=== statement {number} on {anchors}, confidence {statement.confidence:.2f}", "green"))
        console.out.print(Text(statement.text.rstrip("\n")))
