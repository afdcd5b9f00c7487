"""The spool: mails that came in, on the disk ahead of a database that is a file.

A `250` waits for one forced write here, and not for whoever writes to the database just now. What lies here goes into
the database a moment later (`Spool.taken`), or after a crash by whoever looks first (`left`). `put` raises
`DatabaseUnavailable`, opening and reading OSError.
"""

import json
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from db import beside
from db.engine import DatabaseUnavailable
from db.inbound import Arrived
from mailer.message import Envelope

_HEADER = re.compile(rb"([0-9a-f]{8}) (\d{1,12}) (\d{1,12})\n")
MAILS, OCTETS = 100, 16_000_000  # in one transaction that brings them home; at least one mail


def folder_of(database: Path) -> Path:
    """Where the spool of a database lies."""
    return beside.folder(database, "-spool")


class _File:
    """One file of a spool: records up to `end`, of which those before `home` are in the database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Written through: one call instead of a write and a wait for the disk, each of which could lose its turn.
        self.number = beside.held(path, os.O_DSYNC)
        self.home = self.end = 0

    def append(self, data: bytes) -> None:
        view, at = memoryview(data), self.end
        while at - self.end < len(data):
            at += os.pwrite(self.number, view[at - self.end :], at)
        self.end = at

    def rewind(self) -> None:
        os.ftruncate(self.number, 0)
        self.home = self.end = 0


class Spool:
    """The spool of one listener: two files in turn, so that one is written while the other is brought home."""

    def __init__(self, folder: Path, worker: str) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        name = re.sub(r"[^\w.-]", "_", worker)
        self._files = [_File(folder / f"{name}.{os.urandom(4).hex()}.{turn}") for turn in "ab"]
        beside.sync_folder(folder)
        self._turn = 0
        self.came = self.home = 0  # how many mails were put here, and how many of them are in the database
        self._mutex = threading.Lock()
        self._bringing = threading.Lock()

    def put(self, mails: Sequence[Arrived]) -> None:
        """Keep mails, all or none; when this returns they are on the disk."""
        records = b"".join(map(_record, mails))
        with self._mutex:
            file = self._files[self._turn]
            try:
                file.append(records)
            except OSError as error:
                # Nobody was told that these are safe: after a crash nobody shall find half of them.
                with suppress(OSError):
                    os.ftruncate(file.number, file.end)
                raise DatabaseUnavailable(f"cannot write the spool beside the database: {error.strerror}") from error
            self.came += len(mails)

    @contextmanager
    def taken(self) -> Iterator[list[Arrived]]:
        """Some of what waits, oldest first, to be stored in the block; it is erased when the block ends well."""
        with self._bringing:
            with self._mutex:
                older = self._files[1 - self._turn]
                if older.end == older.home:
                    self._turn, older = 1 - self._turn, self._files[self._turn]
            mails, upto = _some(older)
            yield mails
            self.home += len(mails)
            older.home = upto
            if older.home == older.end:
                older.rewind()

    def close(self) -> None:
        """Let go of the files. They go away when nothing waits in them."""
        for file in self._files:
            if file.end == file.home:
                file.path.unlink(missing_ok=True)
            os.close(file.number)


def left(folder: Path) -> Iterator[list[Arrived]]:
    """What programs left behind that are no more, in parts; a file is removed when all of it was dealt with."""
    for path, file in beside.there(folder):
        if not beside.orphan(file.fileno()):
            continue  # its listener lives, or somebody else is here before us
        while mails := _read(file):
            yield mails
        path.unlink(missing_ok=True)


def _some(file: _File) -> tuple[list[Arrived], int]:
    with open(os.dup(file.number), "rb") as copy:
        copy.seek(file.home)
        mails = _read(copy)
        if not mails and file.end > file.home:
            raise DatabaseUnavailable(f"the spool {file.path} is damaged: nothing more of it can be read")
        return mails, copy.tell()


def _record(mail: Arrived) -> bytes:
    """A mail behind its lengths and a checksum."""
    one = mail.envelope
    said = json.dumps([one.mail_from, one.rcpt_to, one.peer, one.helo, one.front, mail.at.isoformat()]).encode()
    return b"%08x %d %d\n%b%b" % (crc32(mail.data, crc32(said)), len(said), len(mail.data), said, mail.data)


def _read(file: BinaryIO) -> list[Arrived]:
    """The next mails. A record that was not written to its end closes the file: nobody was told that it is safe."""
    mails: list[Arrived] = []
    octets = 0
    while len(mails) < MAILS and octets < OCTETS:
        begin = file.tell()
        found = _HEADER.fullmatch(file.readline(40))
        head, body = (int(found[2]), int(found[3])) if found else (0, 0)
        said, data = file.read(head), file.read(body)
        if found is None or len(data) < body or crc32(data, crc32(said)) != int(found[1], 16):
            file.seek(begin)
            break
        mail_from, rcpt_to, peer, helo, front, at = json.loads(said)
        mails.append(Arrived(Envelope(mail_from, tuple(rcpt_to), peer, helo, front), data, datetime.fromisoformat(at)))
        octets += len(data)
    return mails
