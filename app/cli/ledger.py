"""`tidings ledger`: who got an edition and who did not; with --verify, whether all that is recorded holds together."""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, fields
from itertools import islice
from typing import Annotated

import typer

from app import mark
from app.cli import console
from app.cli.digest import Digest, series_of
from app.cli.session import Session
from db.editions import MailingRow
from db.engine import Tx
from db.ledger import LedgerRow
from flows import ledger
from flows.engine import Refused
from flows.verify import Finding, Verification

OF_A_KIND = 10  # findings that differ in numbers only, shown one by one
_NUMBERS = re.compile(r"\d[\d:, -]*(?<=\d)")

cli = typer.Typer()


@cli.command("ledger")
def ledger_(
    context: typer.Context,
    edition: Annotated[
        str, typer.Argument(help="Number or slot of an edition, or the short name of an announcement.")
    ] = "",
    mailing: Annotated[int | None, typer.Option(help="A mailing, as `outbox status` numbers it.")] = None,
    digest: Digest = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A table for other programs.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove all that is recorded, instead of showing it.")
    ] = False,
) -> None:
    """Show who got an edition: when, where, what the server answered; who did not and why. Or prove it: --verify."""
    session: Session = context.obj
    session.json = session.json or as_json
    if verify:
        _verify(session)
        return
    if bool(edition) == (mailing is not None):
        raise Refused("name one edition, such as `tidings ledger 3`, or one mailing with --mailing")
    with session.engine.db.snapshot() as tx:
        found = (
            ledger.by_id(tx, session.process.id, mailing)
            if mailing is not None
            else ledger.of_edition(tx, series_of(session, digest), edition)
        )
        _show(session, tx, found, as_csv)


def _show(session: Session, tx: Tx, mailing: MailingRow, as_csv: bool) -> None:
    rows = ledger.rows(tx, mailing)
    if session.json:
        for row in rows:
            console.emit(asdict(row) | {"mailing": mailing.id, "why": ledger.why(row)})
    elif as_csv:
        _as_csv(rows)
    else:
        _as_tables(mailing, rows)


def _as_csv(rows: Iterable[LedgerRow]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    names = [one.name for one in fields(LedgerRow)]
    out.writerow([*names, "why"])
    for row in rows:
        values = (getattr(row, name) for name in names)
        out.writerow([*(_cell(console.plain(value)) for value in values), _cell(ledger.why(row))])


def _cell(value: object) -> object:
    # A spreadsheet takes a cell that begins so for a formula; names and answers come from outside.
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _as_tables(mailing: MailingRow, rows: Iterable[LedgerRow]) -> None:
    """A table every so many rows, so that a long ledger begins at once and stays flat."""
    sums: Counter[str] = Counter()
    rows = iter(rows)
    title: str = f"Mailing {mailing.id}: {mailing.natural_key}, {mailing.state}"
    while part := list(islice(rows, 200)):
        sums.update(row.state for row in part)
        console.table(
            title, ["state", "when (UTC)", "lang", "size", "address", "name", "tries", "answer, or why not"],
            [
                (row.state, f"{row.at:%Y-%m-%d %H:%M:%S}" if row.at else "", row.lang, row.size, row.addr, row.name,
                 row.tries or "", _said(row))
                for row in part
            ],
        )  # fmt: skip
        title = ""
    console.say(", ".join(f"{number} {state}" for state, number in sums.most_common()) or "nobody")


def _said(row: LedgerRow) -> str:
    answer = " ".join(str(part) for part in (row.code or "", row.enhanced, row.answer) if part)
    # What was refused has the codes of the answer for its reason: once is enough.
    same = row.reason == f"{row.code} {row.enhanced}".strip()
    why = "" if row.state == "sent" or (same and answer) else ledger.why(row)
    return "; ".join(part for part in (why, answer) if part)


def _say(findings: Iterable[Finding]) -> None:
    """Each finding on a line, of a kind the first few: ten thousand lines of one hide the other."""
    kinds: Counter[str] = Counter()
    for finding in findings:
        kind = _NUMBERS.sub("N", finding.what)
        kinds[kind] += 1
        if kinds[kind] <= OF_A_KIND:
            console.say(f"{'FAULT' if finding.fault else 'unproved'}: {finding.what}")
    for kind, number in kinds.items():
        if number > OF_A_KIND:
            console.say(f"... and {number - OF_A_KIND} more: {kind}")
    if any(number > OF_A_KIND for number in kinds.values()):
        console.say("`tidings ledger --verify --json` lists every one")


def _verify(session: Session) -> None:
    known = mark.read(session.config)
    work = Verification(
        session.engine.db, session.act().now, (known.seal, known.hash) if known and known.seal else None
    )
    if session.json:
        for finding in work.findings():
            console.emit(finding)
    else:
        _say(work.findings())
    sums = work.sums
    if session.json:
        console.emit(sums)
    else:
        console.say(
            f"{sums.deliveries} deliveries: {sums.accepted} accepted, {sums.waiting} waiting; {sums.attempts} attempts,"
            f" {sums.unproved} unproved" + (f", {sums.before_chain} from before the chain" if sums.before_chain else "")
        )
        console.say(
            f"{sums.journal} journal rows under {sums.seals} seals, {sums.unsealed} not sealed yet;"
            f" the newest seal is {sums.newest or 'none'}"
        )
        console.say(
            "This finds every change to what is sealed, except one that writes the whole chain anew: keep the newest"
            " seal elsewhere and compare."
        )
    if sums.faults:
        console.fail(f"{console.counted(sums.faults, 'fault')} in what is recorded")
