"""The program that the crash tests kill: each order read from stdin is carried out by a process of its own.

Loading the program takes longer than an order, so it is loaded once and forked: an order's process opens its own
database and sockets, arms the failpoint that its environment names, and works or dies. An order is a JSON line
(`Order`); the answers are `{"pid": n}` when it has begun and `{"exit": code}` when it has ended.
"""

import json
import os
import signal
import smtplib
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from sqlalchemy import event

from app import wiring
from app.clock import draw_tag
from db.engine import Database
from db.journal import Act
from flows import deliver, failpoint, inbound, publish, schedule
from flows.engine import Engine, Settings
from flows.intake import Intake, rescue
from flows.keys import Keys
from mailer.message import Envelope
from mailer.read import read
from mailer.reading import Context
from mailer.wire.courier import Courier
from mailer.wire.letters import CourierSettings, Relay
from mailer.wire.listener import Listener
from mailer.wire.ports import ListenerSettings, Received

SECRET = b"a secret of the tests, 32 octets!"
CONNECTIONS = 3
BATCH = 8  # small, so that a fan-out has many batches
LEASE = timedelta(minutes=2)


@dataclass(frozen=True)
class Order:
    """What to do: `work` is `circle` (mail in, edition, mail out) or `fanout` (send what is due)."""

    work: str
    database: str
    port: int  # the sink's
    start: str
    end: str
    folder: str  # letters *.eml are sent; `accepted` and `clock` are noted there; `visits` when it ends well
    failpoint: str = ""
    lease: float = 120.0  # seconds
    ticking: bool = False  # the clock goes on by itself from `start`
    patience: float = 600.0  # seconds for the answer to a final dot
    host: str = "127.0.0.1"  # where the sink is, seen from the program
    pages: int = 0  # pages that the disk has left for a SQLite database; 0: enough


class Program:
    """The service on an order's database, with a clock to set."""

    def __init__(self, order: Order) -> None:
        self.order, self.folder = order, Path(order.folder)
        self.now, self._begun = datetime.fromisoformat(order.start), time.monotonic()
        self.end = datetime.fromisoformat(order.end)
        self.engine = Engine(
            Database(order.database),
            Keys([SECRET]),
            wiring.renderer(),
            draw_tag,
            lambda: "salt",
            Settings(base_url="https://process.example", lease=timedelta(seconds=order.lease)),
        )
        if order.pages:
            self._fill_disk()
        relay = Relay(order.host, order.port, tls="none")
        limits = CourierSettings(helo="mx.process.example", connections=CONNECTIONS, dot_timeout=order.patience)
        self.courier = Courier([relay], limits)

    def _fill_disk(self) -> None:
        """Leave the database few pages to grow by: SQLite says then what it says of a full disk."""

        def limit(connection: Any, record: object) -> None:
            (used,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {used + self.order.pages}")

        event.listen(self.engine.db.sql, "connect", limit)

    def clock(self) -> datetime:
        """The present moment of the order's stage."""
        return self.now + timedelta(seconds=(time.monotonic() - self._begun) * self.order.ticking)

    def circle(self) -> None:
        """Take mail in, then do everything that falls due until the end."""
        self._receive()
        self._turn()
        while (due := schedule.next_due(self.engine, self.now)) is not None and due.at <= self.end:
            self.now = due.at
            self._turn()

    def fanout(self) -> None:
        """Send what is due, and again what was deferred, until the end."""
        self._deliver()
        while (due := schedule.next_due(self.engine, self.now)) is not None and due.at <= self.end:
            self.now = due.at
            self._deliver()

    def _turn(self) -> None:
        self._note_clock()
        act = Act("clock", self.now)
        rescue(self.engine)
        inbound.understand(self.engine, act=act)
        schedule.tick(self.engine, act=act)
        self._deliver()

    def _deliver(self) -> None:
        self._note_clock()
        deliver.deliver(self.engine, self.courier.carry, f"worker {os.getpid()}", clock=self.clock)

    def _note_clock(self) -> None:
        (self.folder / "clock").write_text(self.now.isoformat())

    def _receive(self) -> None:
        """Be the world as well: send every letter that nobody said 250 to yet."""
        self._note_clock()
        intake = Intake(self.engine, f"listener {os.getpid()}", lambda: self.now)

        def store(batch: list[Received]) -> None:
            intake.keep([(one.envelope, one.data) for one in batch])

        listener = Listener(inbound.gatekeeper(self.engine), store, ListenerSettings(hostname="mx.process.example"))
        listener.start()
        for file in sorted(self.folder.glob("*.eml")):
            if file.with_suffix(".accepted").exists():
                continue
            message: Message = BytesParser().parsebytes(file.read_bytes())
            with smtplib.SMTP("127.0.0.1", listener.port, local_hostname="client.example") as client:
                client.sendmail(str(message["From"]), [str(message["To"])], file.read_bytes())
            file.with_suffix(".accepted").touch()
        listener.stop()
        intake.close()


def count_visits() -> Counter[str]:
    """Have every failpoint that is not armed count how often it is reached."""
    visits: Counter[str] = Counter()

    def counter(name: str) -> Callable[[], None]:
        return lambda: visits.update([name])

    for name in failpoint.ALL:
        failpoint.arm(name, counter(name))
    return visits


def carry_out(order: Order) -> int:
    """Do an order in this process; gives the exit code."""
    os.environ["TIDINGS_FAILPOINT"] = order.failpoint
    visits = count_visits()
    wiring.arm_failpoint()
    program = Program(order)
    program.circle() if order.work == "circle" else program.fanout()
    (Path(order.folder) / "visits").write_text(json.dumps(visits))
    return 0


def _child(order: Order) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        code = carry_out(order)
    except BaseException:
        traceback.print_exc()
        code = 1
    os._exit(code)  # never back into the loop of the parent


def _say(value: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _warm_up() -> None:
    """Load what is loaded on first use: every order's process inherits it."""
    wiring.renderer()
    mail = (
        b"From: a@b.example\r\nMessage-ID: <1@b.example>\r\n\r\nWe have a few words to say, and in a language too.\r\n"
    )
    read(mail, Envelope("a@b.example", ("c@d.example",), "", ""), Context())


def main() -> None:
    """Take orders until stdin ends."""
    publish.CHUNK = BATCH
    publish.PART = 3
    deliver.BATCH = BATCH
    _warm_up()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _child(Order(**json.loads(line)))
        _say({"pid": pid})
        status = os.waitpid(pid, 0)[1]
        _say({"exit": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
