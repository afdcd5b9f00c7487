"""A small stage for database tests: a process, a digest, readers, a mailing and its deliveries, as rows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from db import tables
from db.engine import Database, Tx

NOW = datetime(2019, 3, 20, 9, 0, tzinfo=UTC)


def put(tx: Tx, table: Any, **values: Any) -> int:
    """Insert a row; gives its id."""
    return int(tx.execute(insert(table.__table__).values(**values).returning(table.__table__.c.id)).scalar_one())


def process(tx: Tx, slug: str = "strategy") -> int:
    """A process with its deployment row."""
    if not tx.exec_driver_sql("SELECT count(*) FROM deployment").scalar():
        put(tx, tables.Deployment, generation=1)
    return put(
        tx,
        tables.Process,
        slug=slug,
        name=slug,
        zone="Europe/Berlin",
        source_lang="en",
        address_base=f"{slug}.example",
        postal="",
        about="",
    )


def digest(tx: Tx, process_id: int) -> int:
    """A digest."""
    return put(
        tx,
        tables.Digest,
        process_id=process_id,
        slug="core",
        title="Core",
        list_id=f"core.{process_id}.example",
        rule="weekly mon 09:00",
        zone="Europe/Berlin",
        anchor_on=date(2019, 1, 7),
        approval="automatic",
        grace_minutes=60,
        late_limit_minutes=720,
        audience={},
    )


def reader(tx: Tx, process_id: int, digest_id: int, n: int) -> tuple[int, int, int]:
    """An active liaison with a verified address and a subscription: their ids."""
    liaison = put(
        tx,
        tables.Liaison,
        process_id=process_id,
        tag=1000 + n + process_id * 100_000,
        kind="person",
        name=f"Reader {n}",
        state="active",
        zone="UTC",
        hour=9,
        languages=["en"],
    )
    address = put(
        tx,
        tables.Address,
        process_id=process_id,
        liaison_id=liaison,
        addr=f"r{n}@one.example",
        key=f"r{n}@one.example",
        hint_key=f"r{n}@one.example",
        verified_at=NOW,
        is_primary=True,
    )
    subscription = put(
        tx,
        tables.Subscription,
        digest_id=digest_id,
        liaison_id=liaison,
        tag=5000 + n + process_id * 100_000,
        state="active",
        cadence="every",
        size="M",
        cursor=3,
        turn=0,
    )
    return liaison, address, subscription


def mailing(tx: Tx, process_id: int, digest_id: int | None, key: str = "edition:core:1", **values: Any) -> int:
    """A mailing that is ready to go."""
    row = {
        "process_id": process_id,
        "natural_key": key,
        "tag": abs(hash((process_id, key))) % 2**39 + 1,
        "kind": "edition",
        "digest_id": digest_id,
        "seq": 1,
        "state": "ready",
        "generation": 1,
        "created_at": NOW,
        "due_at": NOW,
    }
    return put(tx, tables.Mailing, **(row | values))


def fan_out(database: Database, readers: int = 10) -> tuple[int, int, list[int]]:
    """A process with a ready mailing to so many readers: process, mailing, delivery ids."""
    with database.write() as tx:
        process_id = process(tx)
        digest_id = digest(tx, process_id)
        mailing_id = mailing(tx, process_id, digest_id)
        deliveries = []
        for n in range(readers):
            liaison, address, subscription = reader(tx, process_id, digest_id, n)
            deliveries.append(
                put(
                    tx,
                    tables.Delivery,
                    mailing_id=mailing_id,
                    liaison_id=liaison,
                    subscription_id=subscription,
                    address_id=address,
                    state="queued",
                    domain="one.example",
                    lang="en",
                    send_at=NOW,
                    not_after=NOW + timedelta(hours=36),
                    created_at=NOW,
                    tries=0,
                )
            )
    return process_id, mailing_id, deliveries
