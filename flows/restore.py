"""Backup and restore: a restored database begins a new generation, and nothing in it goes out twice by itself.

It does not know what was sent after it was made. So what may have gone out waits for a person: mails that were being
sent (unproved), mails that were due by now (overdue), and whatever is made of slots, announcements and mails of before.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import backup, deployment, journal, outbox, process, recovery, seals
from db.backup import BadBackup, Head
from db.engine import Database, Tx
from db.journal import Act
from db.states import DeliveryState
from flows.engine import Refused

UNPROVED, OVERDUE = "unproved", "overdue"
WHY = "restored: it may have gone out before"
ALIVE = timedelta(minutes=2)  # a worker that gave a sign of life since then may be at work


@dataclass(frozen=True, slots=True)
class Held:
    """A new generation, and how many mails wait for a person."""

    generation: int
    unproved: int
    overdue: int


def write(db: Database, out: Callable[[str], object], *, act: Act) -> Head:
    """Write the database as it is now to `out`, line by line, while everything goes on."""
    with db.snapshot() as tx:
        return backup.dump(tx, act.now, out)


def restore(db: Database, lines: Iterable[str], known: int, *, replace: bool, act: Act) -> Held:
    """Put a backup in the place of the database, in one transaction, and hold what may have gone out.

    `known` is the newest generation known outside. Raises `Refused`, and then nothing was changed.
    """
    with db.read() as tx:
        _refuse(tx, replace, act.now)
    try:
        with db.write() as tx:
            head = backup.load(tx, lines)
            return _hold(tx, max(known, head.generation), act)
    except BadBackup as error:
        raise Refused(f"this is no whole backup: {error}") from error


def _refuse(tx: Tx, replace: bool, now: datetime) -> None:
    if not recovery.has_tables(tx):
        return
    busy = [one.name for one in deployment.workers(tx) if one.seen_at > now - ALIVE]
    if busy:
        raise Refused(f"{', '.join(busy)} may be at work on this database: stop `tidings serve` first")
    if not recovery.is_empty(tx) and not replace:
        raise Refused("the database is not empty: back it up, then say --replace to lose what it holds")


def adopt(db: Database, known: int, *, act: Act) -> Held:
    """Begin a new generation on a database that was put back by other means; hold what may have gone out."""
    with db.write() as tx:
        return _hold(tx, known, act)


def _hold(tx: Tx, known: int, act: Act) -> Held:
    generation = deployment.raise_generation(tx, known)
    journal.note(tx, act, ("deployment", generation), "new generation")
    process.set_restored(tx, act.now)
    unproved = recovery.being_sent(tx)
    overdue = recovery.due(tx, act.now)
    recovery.doubt(tx, unproved)
    for ids, reason in ((unproved, UNPROVED), (overdue, OVERDUE)):
        outbox.end(tx, act, ids, DeliveryState.HELD, reason)
    return Held(generation, len(unproved), len(overdue))


def is_older(tx: Tx, generation: int, seal: int, value: str) -> str | None:
    """Why a database is not the one that was known outside by this generation and seal, or None."""
    now = deployment.generation(tx)
    if now != generation:
        return f"the database is of generation {now}, generation {generation} was known" if now < generation else None
    found = seals.find(tx, seal) if seal else None
    if not seal or (found is not None and found.hash == value):
        return None
    newest = seals.newest(tx)
    what = "another one" if found is not None else f"it ends at seal {newest.no if newest else 0}"
    return f"the database is not the one that sealed its journal up to seal {seal}: {what}"


def may_have_gone(before: datetime, restored_at: datetime | None) -> bool:
    """Whether what was caused or due at `before` may have gone out of the database that was lost."""
    return restored_at is not None and before <= restored_at
