"""Notes beside a database file: durable, read again after a crash, never twice in the database, gone when at home."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from db import notes, outbox, tables
from db.attempts import Fate
from db.engine import Database
from db.journal import Act
from db.notes import Notes
from db.states import DeliveryState
from tests.integration.db.stage import NOW, fan_out

ACT = Act("clock", NOW)


def fate(delivery: int, **more) -> Fate:
    return Fate(delivery, 1, DeliveryState.SENT, "accepted", 250, "2.0.0", "ok ✓", "hash", at=NOW, **more)


def test_a_note_outlives_its_writer(tmp_path: Path) -> None:
    folder = tmp_path / "x-notes"
    deferred = Fate(
        9, 2, DeliveryState.DEFERRED, "temporary", 451, "", "later", "h", "451", NOW + timedelta(hours=1), NOW
    )
    one = Notes(folder, "host:1")
    one.put([fate(7), deferred])
    one.put([fate(8)])
    assert list(notes.left(folder)) == [("host:1", [fate(7), deferred]), ("host:1", [fate(8)])]  # while it lives
    one.close()
    assert [worker for worker, _ in notes.left(folder)] == ["host:1", "host:1"]  # when it is dead
    assert list(folder.iterdir()) == []  # and read


def test_what_came_home_is_erased_and_what_came_meanwhile_is_not(tmp_path: Path) -> None:
    made = Notes(tmp_path / "x-notes", "w")
    made.put([fate(1)])
    assert made.oldest == NOW
    with made.taken() as home:
        made.put([fate(2)])
    assert home == [fate(1)]
    assert list(notes.left(tmp_path / "x-notes")) == [("w", [fate(2)])]
    with pytest.raises(RuntimeError), made.taken():
        raise RuntimeError("the database is gone")
    assert made.oldest is None
    assert list(notes.left(tmp_path / "x-notes")) == [("w", [fate(2)])]  # for whoever comes next
    made.close()


def test_notes_are_brought_home_by_one_thread_at_a_time(tmp_path: Path) -> None:
    made, seen = Notes(tmp_path / "x-notes", "w"), []

    def bring() -> None:
        with made.taken() as home:
            seen.append([one.delivery_id for one in home])

    made.put([fate(1)])
    other = threading.Thread(target=bring)
    with made.taken():
        other.start()
        made.put([fate(2)])
        assert seen == []
    other.join()
    made.put([fate(3)])
    bring()
    made.close()
    assert seen == [[2], [3]]
    assert list((tmp_path / "x-notes").iterdir()) == []


def test_a_torn_line_is_no_note(tmp_path: Path) -> None:
    made = Notes(tmp_path / "x-notes", "w")
    made.put([fate(1)])
    made.put([fate(2)])
    made.close()
    (file,) = (tmp_path / "x-notes").iterdir()
    whole = file.read_bytes()
    for cut in (len(whole) - 1, len(whole) - 30):
        file.write_bytes(whole[:cut])
        assert list(notes.left(tmp_path / "x-notes")) == [("w", [fate(1)])]
    assert list(notes.left(tmp_path / "nowhere")) == []


def test_a_note_read_twice_is_recorded_once_and_behind_its_fence(database: Database, tmp_path: Path) -> None:
    _, _, ids = fan_out(database, 2)
    with database.write() as tx:
        outbox.claim(tx, NOW, "w", NOW + timedelta(minutes=30), limit=2)
    made = Notes(tmp_path / "x-notes", "w")
    made.put([fate(ids[0])])
    written = []
    for _ in range(2):
        for worker, fates in notes.left(tmp_path / "x-notes"):
            with database.write() as tx:
                written.append(outbox.record(tx, ACT, worker, fates))
    with made.taken() as fates, database.write() as tx:
        written.append(outbox.record(tx, ACT, "w", fates))
    made.close()
    assert written == [[ids[0]], [], []]
    with database.read() as tx:
        states = tx.execute(select(tables.Delivery.state).order_by(tables.Delivery.id)).scalars().all()
        ended = tx.execute(select(tables.Attempt.ended_at).where(tables.Attempt.outcome == "accepted")).scalars().all()
    assert states == ["sent", "sending"]
    assert ended == [NOW]
