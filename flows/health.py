"""Whether the service does its work: database, workers, and whether mail is late. Nothing about anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import deployment, measures, outbox
from db.engine import DatabaseUnavailable
from db.measures import Measures
from flows.engine import Engine
from mailer.retry import of_relay

Measured = Measures  # for those who may not look into the database
LATE = timedelta(minutes=30)  # a mail that is due so long means that nothing is sent
UNREAD = timedelta(minutes=15)  # a mail that came in so long ago should have been understood
SILENT = timedelta(minutes=2)  # a worker that gave no sign of life so long is gone
ROLES = ("listen", "schedule", "deliver")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `reason` says what is wrong, '' that nothing is."""

    name: str
    reason: str = ""


def health(engine: Engine, *, now: datetime) -> list[Check]:
    """What the database tells about the service as a whole."""
    try:
        with engine.db.read() as tx:
            workers = deployment.workers(tx)
            due, pending = measures.oldest_due(tx, now), measures.oldest_pending(tx)
            refused = [(since, why) for why, _, since in outbox.stuck(tx) if of_relay(why)]
    except DatabaseUnavailable:
        return [Check("database", "the database cannot be read")]
    alive = {role for one in workers if now - one.seen_at < SILENT for role in one.role.split("+")}
    return [
        Check("database"),
        *(Check(role, "" if role in alive else f"no worker that does {role} gave a sign of life") for role in ROLES),
        Check("outbox", _late("a mail is due", due, now, LATE)),
        Check("relay", _late(f"the smart host takes no mail ({min(refused)[1]})", min(refused)[0], now, LATE))
        if refused
        else Check("relay"),
        Check("inbox", _late("a mail was not read", pending, now, UNREAD)),
    ]


def _late(what: str, since: datetime | None, now: datetime, limit: timedelta) -> str:
    if since is None or now - since < limit:
        return ""
    return f"{what} since {since:%Y-%m-%d %H:%M} UTC"


def measure(engine: Engine, *, now: datetime) -> Measures:
    """All numbers. Raises `DatabaseUnavailable`."""
    with engine.db.snapshot() as tx:
        return measures.measures(tx, now)


def ages(found: Measures, now: datetime) -> Mapping[str, float]:
    """How many seconds the oldest of each queue is late."""
    oldest = {"outbox": found.oldest_due, "inbox": found.oldest_pending}
    return {name: max(0.0, (now - since).total_seconds()) if since else 0.0 for name, since in oldest.items()}
