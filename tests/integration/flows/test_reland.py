"""A liaison's new hour or zone moves what waits for them (T8)."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from db import addresses, editions
from db.engine import Database
from db.tables import Delivery
from flows import roster as verbs
from tests.seeds import act, make_digest, make_process, make_roster, moment

FROZEN = moment("2019-03-18", 8)


@pytest.fixture
def db(sqlite: Database) -> Database:
    make_process(sqlite)
    make_digest(sqlite)
    make_roster(sqlite)
    return sqlite


def ana(db: Database) -> int:
    with db.read() as tx:
        found = addresses.by_address_key(tx, 1, "ana@wmde.example", FROZEN)
    assert found is not None
    return found.liaison.id


def wait(db: Database, state: str = "queued", not_after: datetime | None = None) -> int:
    """A delivery of an edition frozen at 9 in Berlin, due there at 18."""
    send_at = moment("2019-03-18", 17)
    with db.write() as tx:
        edition_id = editions.add_draft(tx, 1, "2019-03-18T09:00", FROZEN, "regular", FROZEN)
        tx.exec_driver_sql("UPDATE edition SET frozen_at = '2019-03-18 08:00:00.000000'")
        mailing_id = editions.add_mailing(
            tx,
            [77],
            process_id=1,
            natural_key="edition:weekly:2019-03-18T09:00",
            kind="edition",
            digest_id=1,
            edition_id=edition_id,
            seq=1,
            state="ready",
            generation=1,
            lane=1,
            created_at=FROZEN,
            due_at=FROZEN,
        )
        row = {"mailing_id": mailing_id, "liaison_id": ana(db), "state": state, "send_at": send_at}
        limit = not_after or send_at + timedelta(hours=36)
        tx.execute(insert(Delivery).values(**row, not_after=limit, created_at=FROZEN, domain="", lang="", tries=0))
        return mailing_id


def due(db: Database) -> tuple[datetime, datetime]:
    with db.read() as tx:
        row = tx.execute(select(Delivery.send_at, Delivery.not_after)).one()
    return row.send_at, row.not_after


def test_a_new_hour_moves_it_and_its_limit(db: Database) -> None:
    wait(db)
    assert verbs.set_hour(db, ana(db), 20, act=act(hour=9))
    assert due(db) == (moment("2019-03-18", 19), moment("2019-03-18", 19) + timedelta(hours=36))


def test_an_hour_that_has_just_begun_means_at_once(db: Database) -> None:
    wait(db)
    verbs.set_hour(db, ana(db), 11, act=act(hour=11))
    assert due(db)[0] == moment("2019-03-18", 11)


def test_a_new_zone_moves_it(db: Database) -> None:
    wait(db)
    verbs.set_zone(db, ana(db), "America/New_York", act=act(hour=9))
    assert due(db)[0] == moment("2019-03-18", 13)


def test_a_limit_that_comes_from_elsewhere_stays(db: Database) -> None:
    limit = moment("2019-03-18", 21)
    wait(db, not_after=limit)
    verbs.set_hour(db, ana(db), 21, act=act(hour=9))
    assert due(db) == (moment("2019-03-18", 20), limit)
    verbs.set_hour(db, ana(db), 23, act=act(hour=9))
    assert due(db) == (moment("2019-03-18", 20), limit)


def test_what_waits_for_a_retry_is_left_alone(db: Database) -> None:
    wait(db, state="deferred")
    verbs.set_hour(db, ana(db), 20, act=act(hour=9))
    assert due(db)[0] == moment("2019-03-18", 17)
