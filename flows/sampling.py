"""A sample first: a few readers get a mailing, the rest is held until their bounces are counted.

The sample is drawn by hash among those whose moment comes first, so that it is the same on every machine and nobody
waits a day for it. Few bounces: the rest goes by itself. More than the limit: it stays held, and a task asks a person.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from math import ceil

from db import editions, holding, outbox, samples, tasks
from db.editions import MailingRow
from db.engine import Tx
from db.journal import Act
from db.states import DeliveryState, MailingState
from flows.control import LIFE
from flows.engine import Engine, Refused

SLOT = timedelta(hours=1)  # moments this close count as the same


@dataclass(frozen=True, slots=True)
class Plan:
    """How many go first, in per cent; how long bounces are awaited; how many per cent of them are too many."""

    percent: float = 5
    wait_minutes: int = 60
    limit_percent: float = 5


def begin(engine: Engine, mailing_id: int, plan: Plan, *, act: Act) -> tuple[int, int]:
    """Hold back all of a mailing but a sample; gives how many go first and how many wait. Raises `Refused`."""
    with engine.db.write() as tx:
        mailing = next(iter(editions.mailings(tx, [MailingState.READY], id=mailing_id)), None)
        if mailing is None:
            raise Refused(f"no mailing {mailing_id} is ready to go; `tidings outbox status` lists them")
        if samples.of(tx, mailing_id) is not None:
            raise Refused(f"mailing {mailing_id} went to a sample already")
        return hold_back(tx, mailing, plan, act)


def hold_back(tx: Tx, mailing: MailingRow, plan: Plan, act: Act) -> tuple[int, int]:
    """The same in a transaction of the caller's, who knows that nothing of the mailing has left."""
    rows = samples.untouched(tx, mailing.id)
    if len(rows) < 2:
        raise Refused(f"mailing {mailing.id} has {len(rows)} mails that have not left: too few for a sample")
    first = min(send_at for _, send_at, _ in rows)
    drawn = sorted(rows, key=lambda row: ((row[1] - first) // SLOT, _draw(mailing.tag, row[2])))
    size = max(1, ceil(len(rows) * plan.percent / 100))
    rest = sorted(row[0] for row in drawn[size:])
    plan_for(tx, mailing.id, plan, size)
    held = outbox.end(tx, act, rest, DeliveryState.HELD, samples.REASON, mailing.process_id)
    return size, held


def plan_for(tx: Tx, mailing_id: int, plan: Plan, size: int = 0) -> None:
    """Note that a mailing goes to a sample first; `size` 0 while it is still being built."""
    samples.put(tx, mailing_id, size, plan.percent, plan.wait_minutes, plan.limit_percent)


def draw_planned(tx: Tx, mailing: MailingRow, act: Act) -> None:
    """Hold back what was planned so when the mailing was frozen; one that is too small for a sample goes as a whole."""
    row = samples.of(tx, mailing.id)
    if row is None or row.size:
        return
    if len(samples.untouched(tx, mailing.id)) < 2:
        samples.decide(tx, mailing.id, samples.PASSED, act.now)
        return
    hold_back(tx, mailing, Plan(row.percent, row.wait_minutes, row.limit_percent), act)


def _draw(tag: int, liaison: int) -> str:
    return sha256(f"{tag} {liaison}".encode()).hexdigest()


def tick(engine: Engine, *, act: Act) -> list[int]:
    """Decide over every sample whose time is over; gives the mailings that were decided."""
    with engine.db.read() as tx:
        due = [row for row in samples.undecided(tx) if _is_due(row, samples.came(tx, row.mailing_id), act)]
    for row in due:
        with engine.db.write() as tx:
            _decide(tx, row, act)
    return [row.mailing_id for row in due]


def _is_due(row: samples.SampleRow, came: samples.Came, act: Act) -> bool:
    over = came.last is not None and came.last + timedelta(minutes=row.wait_minutes) <= act.now
    return came.waiting == 0 and (over or came.last is None)


def _decide(tx: Tx, row: samples.SampleRow, act: Act) -> None:
    came = samples.came(tx, row.mailing_id)
    mailing = editions.mailing(tx, row.mailing_id)
    passed = came.sent > 0 and came.bad * 100 <= row.limit_percent * (came.sent + came.bad)
    if not samples.decide(tx, row.mailing_id, samples.PASSED if passed else samples.STOPPED, act.now):
        return
    if passed:
        rest = holding.ids(tx, row.mailing_id, samples.REASON)
        holding.let_go(tx, act, rest, "sample passed", act.now + LIFE, mailing.process_id)
    else:
        note = f"{came.bad}/{came.sent + came.bad}"
        tasks.add(tx, act, mailing.process_id, "sample", ("mailing", row.mailing_id), note)
