"""What the crash tests share: a witness that remembers every mail, the driver that is killed, the promises afterwards."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from db import readers, tables
from db.engine import Database
from db.states import LIVE
from flows.verify import Verification
from mailer.message import Envelope
from mailer.wire.sink import DROP, LOSE, Fault, Sink
from tests.crash_driver import Order

ROOT = Path(__file__).parent.parent
# Every so many final dots: closing down, the line dropped after and before taking the mail, trouble for a while.
ROUGH = ((17, "421 4.3.2 closing"), (23, DROP), (29, LOSE), (31, "451 4.3.0 try later"), (37, "452 4.2.2 full"))
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


class Witness:
    """A sink outside the program, and all it was ever given: recipient, Message-ID and bytes, by run."""

    def __init__(self, rough: bool = False, fault: Fault | None = None) -> None:
        self.run = 0
        self.mails: list[tuple[int, str, str, str]] = []
        self.unanswered: set[str] = set()  # taken without a word: nobody can know, so these may come again
        self.on_count: Callable[[int], None] = lambda _: None
        self._dots = 0
        self._mute = False
        self.sink = Sink(self._keep, fault=self._misbehave if rough else fault)
        self.sink.start()

    def _misbehave(self, moment: str, _: int) -> str | None:
        """What real servers do in the middle of things, a few times in a hundred mails."""
        if moment != "dot":
            return None
        self._dots += 1
        found = next((fault for every, fault in ROUGH if self._dots % every == 0), None)
        self._mute = found == DROP
        return found

    def _keep(self, envelope: Envelope, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        found = _MESSAGE_ID.search(data)
        name = found[1].decode() if found else ""
        self.unanswered |= {name} if self._mute else set()
        self.mails += [(self.run, rcpt, name, digest) for rcpt in envelope.rcpt_to]
        self.on_count(len(self.mails))

    def settle(self) -> None:
        """Wait until the sink has read everything that a dead program left in its sockets."""
        limit = time.monotonic() + 30
        while self.sink.visits and time.monotonic() < limit:
            time.sleep(0.002)
        assert not self.sink.visits

    @property
    def letters(self) -> set[tuple[str, str]]:
        """Who got which mail, however often."""
        return {(rcpt, name) for _, rcpt, name, _ in self.mails}

    def repeats(self) -> Counter[int]:
        """How many mails of each run came again in a later one: what its crash left unproved."""
        last: dict[str, int] = {}
        found: Counter[int] = Counter()
        for run, _, name, _ in self.mails:
            if name in last and name not in self.unanswered:
                found[last[name]] += 1
            last[name] = run
        return found

    def check_repeats(self, connections: int) -> None:
        """A mail sent twice has the same Message-ID and bytes, and there is at most one per connection and crash."""
        same: dict[tuple[str, str], set[str]] = {}
        for _, rcpt, name, digest in self.mails:
            same.setdefault((rcpt, name), set()).add(digest)
        assert [key for key, digests in same.items() if len(digests) > 1] == []
        assert all(count <= connections for count in self.repeats().values()), self.repeats()

    def figures(self, kills: int, lost: int) -> str:
        """What a row of kills came to, for a person."""
        again = self.repeats()
        without = kills - sum(1 for run in again if run < kills)
        return (
            f"{kills} kills, {len(self.letters)} mails: {lost} lost, {sum(again.values())} came twice, "
            f"at most {max(again.values(), default=0)} after one kill; {without} kills repeated nothing"
        )

    def close(self) -> None:
        """Stop."""
        self.sink.stop()


class Driver:
    """The program that is killed, one process an order."""

    def __init__(self, within: Sequence[str] = ()) -> None:
        self._program = subprocess.Popen(
            [*within, sys.executable, "-m", "tests.crash_driver"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.pid = 0

    def begin(self, order: Order) -> None:
        """Give an order; returns when its process runs."""
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps(asdict(order)) + "\n")
        self._program.stdin.flush()
        self.pid = int(self._answer("pid"))

    def end(self) -> int:
        """Wait for the process of the order to end; gives its exit code, minus the signal that killed it."""
        return self._answer("exit")

    def run(self, order: Order) -> int:
        """Give an order and wait."""
        self.begin(order)
        return self.end()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """A signal for the process of the order: it dies, stands still, or goes on."""
        os.kill(self.pid, number)

    def _answer(self, name: str) -> int:
        assert self._program.stdout is not None
        return int(json.loads(self._program.stdout.readline())[name])

    def close(self) -> None:
        """End it."""
        assert self._program.stdin is not None
        self._program.stdin.close()
        self._program.wait(30)


def check_records(db: Database, failed: int = 0) -> None:
    """The promises as the database tells them: everything once, and everything ended; so many mails were refused."""
    with db.read() as tx:
        for table, *key in (
            (tables.Edition, "digest_id", "slot_wall"),
            (tables.Mailing, "process_id", "natural_key"),
            (tables.Delivery, "mailing_id", "liaison_id", "to_addr"),
            (tables.LeftOut, "mailing_id", "liaison_id"),
        ):
            assert _twice(tx, table, key) == [], table
        accepted = select(tables.Attempt.delivery_id).where(tables.Attempt.outcome == "accepted")
        assert _twice(tx, tables.Attempt, ["delivery_id"], tables.Attempt.outcome == "accepted") == []
        assert _twice(tx, tables.Input, ["raw_id"]) == []
        unfinished = select(tables.Delivery.id).where(tables.Delivery.state.in_(LIVE))
        assert tx.execute(unfinished).all() == []
        assert tx.execute(select(tables.Attempt).where(tables.Attempt.outcome == "started")).all() == []
        sent = select(tables.Delivery.id).where(tables.Delivery.state == "sent")
        assert tx.execute(sent.where(tables.Delivery.id.not_in(accepted))).all() == []
        for mailing in tx.execute(select(tables.Mailing.__table__)):
            assert mailing.state == "mailed"
            if mailing.kind == "edition":
                assert readers.settled(tx, mailing.id) == (mailing.total, mailing.set_hash)
        assert tx.execute(select(tables.RawMessage.id).where(tables.RawMessage.state == "pending")).all() == []
    proved = Verification(db, datetime.now(UTC))
    assert [finding.what for finding in proved.findings() if finding.fault] == []
    assert proved.sums.accepted == proved.sums.deliveries - failed


def _twice(tx: Any, table: Any, key: list[str], *where: Any) -> list[Any]:
    columns = [getattr(table, name) for name in key]
    return list(tx.execute(select(*columns).where(*where).group_by(*columns).having(func.count() > 1)).all())
