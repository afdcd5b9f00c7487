"""Destroying what was kept long enough, by class of data; run by the scheduler once a day and by hand.

Everything may be run twice, on any number of machines: what is gone is not due any more.
"""

from dataclasses import dataclass
from datetime import timedelta

from db import process, retention
from db.engine import Lane
from db.journal import Act
from db.retention import Days
from flows import person
from flows.engine import Engine

DONE = "retained on"  # the setting of a process that says on which day this was run last


@dataclass(frozen=True, slots=True)
class Kept:
    """One class of data, and how many rows of it were due."""

    name: str
    due: int


def _days(engine: Engine) -> Days:
    chosen = engine.settings
    return Days(chosen.letter_days, chosen.wording_days, chosen.private_days, chosen.raw_days)


def retain(engine: Engine, *, act: Act, dry_run: bool = False) -> list[Kept]:
    """Destroy everything that is due, in chunks; with `dry_run` count it."""
    found = [Kept("liaisons who left", _forget(engine, act, dry_run))]
    for one in retention.classes(act.now, _days(engine)):
        if dry_run:
            with engine.db.read() as tx:
                found.append(Kept(one.name, retention.due(tx, one)))
            continue
        count = 0
        while True:
            with engine.db.write(Lane.BULK) as tx:
                gone = retention.destroy(tx, one)
            count += gone
            if not gone:
                break
        found.append(Kept(one.name, count))
    if not dry_run:
        engine.db.scour()
    return found


def _forget(engine: Engine, act: Act, dry_run: bool) -> int:
    """Who left long ago is forgotten: their public statements stay under the group."""
    with engine.db.read() as tx:
        due = retention.gone_since(tx, act.now - timedelta(days=engine.settings.left_days))
    for liaison_id in () if dry_run else due:
        person.erase_liaison(engine, liaison_id, "left", statements=person.KEEP, act=act)
    return len(due)


def daily(engine: Engine, *, act: Act) -> list[Kept]:
    """The same, if it was not run today (UTC) for every process."""
    today = act.now.date().isoformat()
    with engine.db.read() as tx:
        late = [one.id for one in process.everyone(tx) if process.setting(tx, one.id, DONE) != today]
    if not late:
        return []
    found = retain(engine, act=act)
    with engine.db.write() as tx:
        for process_id in late:
            process.put_setting(tx, process_id, DONE, today)
    return found
