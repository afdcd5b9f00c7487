"""Notes: what became of tries, written ahead of the database on a machine whose database is a file.

A note is on the disk before a connection finishes its next mail; the database gets many of them in one transaction.
Whoever gives back leases reads the notes of every worker first (`left`), so that nothing is sent again because the
program died in between. Recording is fenced by claim, so reading a note twice does no harm. `put` raises
`DatabaseUnavailable`, opening and reading OSError.
"""

import json
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zlib import crc32

from db import beside
from db.attempts import Fate
from db.engine import DatabaseUnavailable
from db.states import DeliveryState


def folder_of(database: Path) -> Path:
    """Where the notes of a database lie."""
    return beside.folder(database, "-notes")


class Notes:
    """The notes of one worker: two files in turn, so that one is written while the other is brought home."""

    def __init__(self, folder: Path, worker: str) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        name = re.sub(r"[^\w.-]", "_", worker)
        self._paths = [folder / f"{name}.{turn}" for turn in "ab"]
        self._files = [beside.held(path, os.O_APPEND) for path in self._paths]
        beside.sync_folder(folder)
        self._worker = worker
        self._turn = 0
        self._waiting: list[Fate] = []
        self._mutex = threading.Lock()
        self._bringing = threading.Lock()

    def put(self, fates: Sequence[Fate]) -> None:
        """Write tries down; when this returns they are on the disk."""
        line = _line(self._worker, fates)
        with self._mutex:
            try:
                _write(self._files[self._turn], line)
            except OSError as error:
                raise DatabaseUnavailable(f"cannot write notes beside the database: {error}") from error
            self._waiting += fates

    @property
    def oldest(self) -> datetime | None:
        """When the first try ended that the database does not know of."""
        with self._mutex:
            return self._waiting[0].at if self._waiting else None

    @contextmanager
    def taken(self) -> Iterator[list[Fate]]:
        """What waits, to be recorded in the block; when the block ends without an exception its notes are erased."""
        # One at a time: the next one's new notes go into the file that this one erases.
        with self._bringing:
            with self._mutex:
                fates, self._waiting = self._waiting, []
                turn, self._turn = self._turn, 1 - self._turn
            yield fates
            os.ftruncate(self._files[turn], 0)

    def close(self) -> None:
        """Let go of the files. They go away when nothing waits in them."""
        for path, file in zip(self._paths, self._files, strict=True):
            if os.fstat(file).st_size == 0:
                path.unlink(missing_ok=True)
            os.close(file)


def left(folder: Path) -> Iterator[tuple[str, list[Fate]]]:
    """Worker and tries of every note there is; a file that nobody holds open is removed after its turn."""
    for path, file in beside.there(folder):
        orphan = beside.orphan(file.fileno())
        for line in file:
            note = _read(line)
            if note is not None:
                yield note
        if orphan:
            path.unlink(missing_ok=True)


def _line(worker: str, fates: Sequence[Fate]) -> bytes:
    """One line for tries that were recorded together, behind its checksum."""
    tries = [
        (f.delivery_id, f.n, f.state, f.outcome, f.code, f.enhanced, f.reply, f.sent_hash, f.reason,
         f.next_at and f.next_at.isoformat(), f.at and f.at.isoformat())
        for f in fates
    ]  # fmt: skip
    said = json.dumps([worker, tries], ensure_ascii=True, separators=(",", ":")).encode()
    return b"%08x %s\n" % (crc32(said), said)


def _read(line: bytes) -> tuple[str, list[Fate]] | None:
    """Worker and tries; None for a line that was not written to its end: nobody was told that it is safe."""
    check, _, said = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or check != b"%08x" % crc32(said):
        return None
    worker, tries = json.loads(said)
    return str(worker), [_fate(*values) for values in tries]


def _fate(delivery_id: int, n: int, state: str, *values: Any) -> Fate:
    *said, next_at, at = values
    outcome, code, enhanced, reply, sent_hash, reason = said
    return Fate(
        delivery_id, n, DeliveryState(state), outcome, code, enhanced, reply, sent_hash, reason,
        next_at and _moment(next_at), at and _moment(at),
    )  # fmt: skip


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
    os.fdatasync(file)
