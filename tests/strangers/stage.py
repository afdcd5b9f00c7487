"""Helpers for tests with real mail programs: mailboxes on disk, a terminal to type into, what was filed of an answer.

A program that is not installed skips its tests, and the reason says what to install.
"""

import json
import mailbox
import os
import pty
import re
import select as selecting
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from db import tables
from tests.world import Mail, World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)
PATIENCE = 30.0  # seconds that a program may take before its test gives up; not a measure of speed
EDITOR = Path(__file__).parent / "editor.py"
_CODES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>78M])")
_FAMILY = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "xterm", "PAGER": "cat", "LINES": "50", "COLUMNS": "120"}


def need(program: str, package: str = "", among: str = "") -> str:
    """The path of a program, in `among` or where programs are; skips the test where it is missing."""
    found = shutil.which(program, path=among or os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: apt-get install {package or program}, or make strangers")
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person types: above all quoted lines, and below each quoted line that holds a marker."""

    top: str = ""
    below: Mapping[str, str] | None = None
    bottom: str = ""


class Stage:
    """A world with a digest in the mailboxes, and a folder for the programs' files."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.home = folder / "home"
        (self.home / "Mail").mkdir(parents=True)

    @property
    def port(self) -> int:
        """Where the listener takes answers."""
        return self.world.listener.port

    def digest(self, who: str) -> Mail:
        """The digest of a liaison."""
        return self.world.mailbox(who)[0]

    def mbox(self, who: str) -> Path:
        """An mbox with the digest of a liaison, as a local delivery agent leaves it."""
        path = self.folder / "inbox"
        box = mailbox.mbox(path)
        box.add(self._delivered(who))
        box.close()
        return path

    def maildir(self, who: str) -> Path:
        """A Maildir with the digest of a liaison, as new mail."""
        path = self.folder / "Maildir"
        mailbox.Maildir(path).add(self._delivered(who))
        return path

    def _delivered(self, who: str) -> bytes:
        mail = self.digest(who)
        return f"Return-Path: <{mail.envelope.mail_from}>\n".encode() + mail.data.replace(b"\r\n", b"\n")

    def environment(self, answer: Answer | None = None) -> dict[str, str]:
        """Variables for a program: a home of its own, a UTF-8 locale, and an editor that types `answer`."""
        keys = {"top": "", "below": {}, "bottom": ""}
        if answer is not None:
            keys = {"top": answer.top, "below": dict(answer.below or {}), "bottom": answer.bottom}
        script = self.folder / "answer.json"
        script.write_text(json.dumps(keys), "utf-8")
        editor = self.folder / "editor"
        editor.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{EDITOR}" "{script}" "$1"\n')
        editor.chmod(0o755)
        mine = {"HOME": str(self.home), "EDITOR": str(editor), "VISUAL": str(editor), "TMPDIR": str(self.folder)}
        return {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"} | _FAMILY | mine

    @property
    def editor(self) -> str:
        """The editor that `environment` wrote."""
        return str(self.folder / "editor")

    def run(self, argv: Sequence[str], *, given: str = "", answer: Answer | None = None, code: int = 0) -> str:
        """Run a program that needs no terminal; its output, when it ends with `code`."""
        done = subprocess.run(
            argv, input=given.encode(), capture_output=True, timeout=PATIENCE, env=self.environment(answer),
            cwd=self.folder, check=False,
        )  # fmt: skip
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert done.returncode == code, said
        return said

    def sit_at(self, argv: Sequence[str], *, answer: Answer | None = None, keys: Sequence[tuple[str, str]] = ()) -> str:
        """Run a program on a terminal; press each key when the screen shows what it waits for. The screen's bytes."""
        return Terminal(argv, self.environment(answer), self.folder).play(keys)

    def filed(self) -> list[tuple[str, str]]:
        """What became of the answers: `MON-1`, `item 2` or the kind of anchor, and the words, in order."""
        self.world.turn()
        with self.world.engine.db.read() as tx:
            rows = tx.execute(
                select(tables.Statement.anchor_kind, tables.Statement.anchor_id, tables.StatementText.body)
                .join(tables.StatementText, tables.StatementText.statement_id == tables.Statement.id)
                .order_by(tables.Statement.id)
            ).all()
            codes = {row.id: row.code for row in tx.execute(select(tables.Question.id, tables.Question.code))}
            items = {row.id: f"item {row.number}" for row in tx.execute(select(tables.Item.id, tables.Item.number))}
        names = {"question": codes, "item": items}
        return [(names[r.anchor_kind][r.anchor_id] if r.anchor_kind in names else r.anchor_kind, r.body) for r in rows]

    def raws(self) -> list[tuple[str, str | None]]:
        """State and reason of each raw message."""
        with self.world.engine.db.read() as tx:
            rows = tx.execute(select(tables.RawMessage.state, tables.RawMessage.reason).order_by(tables.RawMessage.id))
            return [(row.state, row.reason) for row in rows]

    def arrived(self) -> list[bytes]:
        """The bytes of the answers as the listener kept them."""
        with self.world.engine.db.read() as tx:
            return [bytes(data) for data in tx.execute(select(tables.RawBody.data)).scalars()]


class Terminal:
    """A program on a pseudo-terminal of 50 lines by 120 columns."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.master, ours = pty.openpty()
        subprocess.run(["stty", "rows", "50", "cols", "120"], stdin=ours, check=True)
        self.program = subprocess.Popen(
            argv, stdin=ours, stdout=ours, stderr=ours, env=dict(env), cwd=folder, start_new_session=True
        )
        os.close(ours)
        self.seen = bytearray()

    def play(self, keys: Sequence[tuple[str, str]]) -> str:
        """Press the keys, then wait for the end of the program."""
        try:
            at = 0
            for wanted, key in keys:
                at = self._until(wanted, at)
                os.write(self.master, key.encode())
            self._end()
        finally:
            if self.program.poll() is None:
                os.killpg(self.program.pid, signal.SIGKILL)
            self.program.wait()
            os.close(self.master)
        return self.screen

    @property
    def screen(self) -> str:
        """Everything that was shown so far, without the codes that move the cursor and colour the text."""
        return _CODES.sub("", self.seen.decode("utf-8", "replace"))

    def _until(self, wanted: str, at: int) -> int:
        """Read until `wanted` is shown after position `at` of the screen; gives the position after it.

        Then the screen comes to rest: programs throw away what was typed before they ask.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.screen.find(wanted, at)
            if found >= 0:
                while self._read():
                    pass
                return found + len(wanted)
            if not self._read() and self.program.poll() is not None:
                break
        raise AssertionError(f"never shown: {wanted!r}; the screen was\n{self.screen[-4000:]}")

    def _end(self) -> None:
        """Read on until the program has ended."""
        end = time.monotonic() + PATIENCE
        while self._read() or self.program.poll() is None:
            assert time.monotonic() < end, f"it did not end; the screen was\n{self.screen[-4000:]}"

    def _read(self) -> bool:
        """Take what was written to the terminal, after a short wait; False when there was nothing."""
        ready, _, _ = selecting.select([self.master], [], [], 0.15)
        try:
            piece = os.read(self.master, 65536) if ready else b""
        except OSError:  # Linux gives EIO once the program's end is closed
            time.sleep(0.05)
            return False
        self.seen += piece
        return bool(piece)
