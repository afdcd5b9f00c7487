"""The spool beside a database file: durable, all or none, read again after a crash, gone when at home."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db import beside, spool
from db.engine import DatabaseUnavailable
from db.inbound import Arrived
from db.spool import Spool
from mailer.message import Envelope

NOW = datetime(2019, 3, 11, 8, 0, 0, 123456, tzinfo=UTC)
ODD = Envelope("jürgen@bücher.example", ("a@x.example", "b@x.example"), "2001:db8::1", "h\x00st \udcff")


def mail(n: int, data: bytes = b"Subject: x\r\n\r\n12 34\n\x00\xff") -> Arrived:
    return Arrived(ODD, data + b"%d" % n, NOW)


def abandon(made: Spool) -> None:
    """What a kill does: the files stay as they are and nobody holds them."""
    for file in made._files:
        os.close(file.number)


def test_what_was_put_comes_home_in_order_and_is_erased(tmp_path: Path) -> None:
    folder = tmp_path / "x-spool"
    made = Spool(folder, "host:1")
    made.put([mail(1), mail(2)])
    made.put([mail(3)])
    with made.taken() as first:
        made.put([mail(4)])
    with made.taken() as second:
        pass
    assert (first, second) == ([mail(1), mail(2), mail(3)], [mail(4)])
    assert made.came == made.home == 4
    assert [file.stat().st_size for file in folder.iterdir()] == [0, 0]
    with made.taken() as none:
        assert none == []
    made.close()
    assert list(folder.iterdir()) == []


def test_what_could_not_be_stored_waits_and_large_files_go_home_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MAILS", 2)
    made = Spool(tmp_path / "x-spool", "w")
    made.put([mail(n) for n in range(5)])
    with pytest.raises(RuntimeError), made.taken():
        raise RuntimeError("the database is gone")
    made.put([mail(5)])
    seen = []
    while made.home < made.came:
        with made.taken() as mails:
            seen.append([one.data[-1:] for one in mails])
    made.close()
    assert seen == [[b"0", b"1"], [b"2", b"3"], [b"4"], [b"5"]]


def test_a_spool_outlives_its_listener_and_is_left_alone_while_that_lives(tmp_path: Path) -> None:
    folder = tmp_path / "x-spool"
    made = Spool(folder, "host:1")
    made.put([mail(1)])
    assert list(spool.left(folder)) == []
    abandon(made)
    assert list(spool.left(folder)) == [[mail(1)]]
    assert list(folder.iterdir()) == []
    assert list(spool.left(tmp_path / "nowhere")) == []


def test_what_was_dealt_with_in_part_is_found_again_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MAILS", 1)
    folder = tmp_path / "x-spool"
    made = Spool(folder, "w")
    made.put([mail(1), mail(2)])
    abandon(made)
    parts = spool.left(folder)
    assert next(parts) == [mail(1)]
    parts.close()  # the database could not be written
    assert list(spool.left(folder)) == [[mail(1)], [mail(2)]]


@pytest.mark.parametrize("cut", [1, 20, 60, 100])
def test_a_torn_record_is_no_mail(tmp_path: Path, cut: int) -> None:
    folder = tmp_path / "x-spool"
    made = Spool(folder, "w")
    made.put([mail(1)])
    made.put([mail(2)])
    abandon(made)
    (file,) = [one for one in folder.iterdir() if one.stat().st_size]
    os.truncate(file, file.stat().st_size - cut)
    assert list(spool.left(folder)) == [[mail(1)]]


def test_a_full_disk_keeps_none_of_a_batch_and_the_next_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "x-spool"
    made = Spool(folder, "w")
    made.put([mail(1)])
    write = os.pwrite

    def full(file: int, data: bytes, at: int) -> int:
        if len(data) > 50:
            return write(file, data[:50], at)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(DatabaseUnavailable, match="No space left"):
        made.put([mail(2), mail(3)])
    monkeypatch.undo()
    made.put([mail(4)])
    abandon(made)
    assert list(spool.left(folder)) == [[mail(1), mail(4)]]


def test_a_damaged_file_is_told_and_never_taken_for_read(tmp_path: Path) -> None:
    made = Spool(tmp_path / "x-spool", "w")
    made.put([mail(1)])
    os.pwrite(made._files[0].number, b"?", 3)
    with pytest.raises(DatabaseUnavailable, match="damaged"), made.taken():
        pytest.fail("nothing can be read")
    assert made.home == 0
    made.close()
    assert len(list((tmp_path / "x-spool").iterdir())) == 1


def test_a_file_that_somebody_removes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    seen = []
    for path, file in beside.there(tmp_path):
        (tmp_path / "b").unlink(missing_ok=True)
        seen.append((path.name, file.read()))
    assert seen == [("a", b"a"), ("c", b"c")]
