"""The state of the whole: workers and their signs of life, what waits, what is paused, how far the record is sealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import deployment, holding, inbound, outbox, pauses, process, rates, seals, tasks
from db.engine import Tx
from db.journal import Act
from db.states import RawState
from flows.engine import Engine

FORGOTTEN = timedelta(days=7)  # a worker that gave no sign of life for so long is taken off the list


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A running program. `alive`: it gave a sign of life lately. `holds` mails under lease until `until`."""

    name: str
    role: str
    started_at: datetime
    seen_at: datetime
    alive: bool
    holds: int
    until: datetime | None
    limits: Mapping[str, int]  # those that were met since it started, how often


@dataclass(frozen=True, slots=True)
class RateState:
    """A limit on mails a minute, and how it is used. `domain` empty: all mails."""

    domain: str
    limit: int
    spent: int  # in the last minute
    due: int  # mails under it that wait


@dataclass(frozen=True, slots=True)
class Status:
    """Everything an operator asks first."""

    generation: int
    workers: tuple[WorkerState, ...]
    paused: str | None
    paused_domains: dict[str, str]
    rates: tuple[RateState, ...]
    queued: int
    due: int
    stuck: tuple[tuple[str, int, datetime], ...]  # why mails wait for another try, how many, since when
    held: int
    pending: int
    tasks: int
    next_due: datetime | None
    seal: int
    unsealed: int


def status(engine: Engine, lives: timedelta, *, now: datetime) -> Status:
    """How things are. A worker counts as alive when it gave a sign of life within `lives`."""
    with engine.db.read() as tx:
        leases = outbox.leases(tx)
        known = []
        for one in deployment.workers(tx):
            mails, until = leases.pop(one.name, (0, None))
            met = {name: n for name, n in one.limits.items() if n}
            alive = one.seen_at >= now - lives
            known.append(WorkerState(one.name, one.role, one.started_at, one.seen_at, alive, mails, until, met))
        # Killed before it could say anything, or taken off the list: its mails come back when the lease is over.
        for name, (mails, over) in leases.items():
            known.append(WorkerState(name, "", over, over, False, mails, over, {}))
        newest = seals.newest(tx)
        waiting, due = outbox.waiting(tx, now)
        return Status(
            generation=deployment.generation(tx),
            workers=tuple(known),
            paused=outbox.paused(tx),
            paused_domains=pauses.domains(tx),
            rates=limits(tx, engine, now),
            queued=waiting,
            stuck=tuple(outbox.stuck(tx)),
            due=due,
            held=sum(row.mails for one in process.everyone(tx) for row in holding.held(tx, one.id)),
            tasks=sum(len(tasks.tasks(tx, one.id)) for one in process.everyone(tx)),
            pending=inbound.counts(tx).get(RawState.PENDING, 0),
            next_due=outbox.next_due(tx, now),
            seal=newest.no if newest is not None else 0,
            unsealed=seals.unsealed(tx),
        )


def limits(tx: Tx, engine: Engine, now: datetime) -> tuple[RateState, ...]:
    """Every limit and how it is used, the one on all mails first."""
    wanted = engine.settings.limits
    if not wanted:
        return ()
    spent = rates.spent(tx, wanted, now)
    due = outbox.due_by_domain(tx, [domain for domain in wanted if domain != rates.ALL], now)
    due[rates.ALL] = outbox.waiting(tx, now)[1]
    return tuple(RateState(domain, limit, spent[domain], due[domain]) for domain, limit in sorted(wanted.items()))


def forget_silent(engine: Engine, *, act: Act) -> list[str]:
    """Take workers off the list that gave no sign of life for a week; gives their names."""
    with engine.db.write() as tx:
        return deployment.forget(tx, act.now - FORGOTTEN)
