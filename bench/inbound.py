"""How long a sender waits for the `250` of a reply: at rest, beside a build, beside a fan-out.

Two programs share one SQLite file, as those of `tidings serve` do: one listens, the other builds and delivers an
edition when told to. A client in a third one sends replies all the while; the `250` comes when a mail is on the disk.
The bar is for the 99th percentile, in relation to rest, in one run. Prints "skipped" where smtp-sink (it comes with
Postfix) is missing.

    python -m bench.inbound [--recipients 10000] [--rest 10]
"""

import argparse
import json
import os
import random
import shutil
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.helper import NICE
from app.serve import BRIEF
from bench import crowd
from bench.fanout_wire import CONNECTIONS, sink
from flows import deliver, inbound
from flows.engine import Engine
from flows.intake import Intake
from mailer.wire.courier import Courier
from mailer.wire.letters import CourierSettings, Relay
from mailer.wire.listener import Listener
from mailer.wire.ports import ListenerSettings, Rcpt

BAR = 3.0
PACE = 0.01  # seconds between a 250 and the next mail
BODY = "yes, we think so\r\n" * 200


# -- the service -------------------------------------------------------------------------------------------


def serve(database: Path) -> None:
    """Listen until stdin ends."""
    sys.setswitchinterval(BRIEF)
    engine = crowd.open_engine(database)
    intake = Intake(engine, "bench", lambda: crowd.NOW)
    listener = open_listener(engine, intake)
    print(listener.port, flush=True)
    sys.stdin.read()
    listener.stop()
    intake.close()
    engine.db.close()


def work(database: Path, draft: int, sink_port: int) -> None:
    """Do what each line of stdin says, and print how long it took and how much it was."""
    os.nice(NICE)
    engine = crowd.open_engine(database)
    courier = Courier([Relay("127.0.0.1", sink_port, tls="none")], CourierSettings(connections=CONNECTIONS))
    begun = time.monotonic()

    def clock() -> datetime:
        return crowd.LATER + timedelta(seconds=time.monotonic() - begun)

    works: dict[str, Callable[[], int]] = {
        "build": lambda: crowd.build(engine, draft).deliveries,
        "deliver": lambda: deliver.deliver(engine, courier.carry, "bench", clock=clock).sent,
    }
    print("ready", flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        done = works[line.strip()]()
        print(json.dumps({"mails": done, "seconds": time.perf_counter() - begin}), flush=True)
    courier.close()
    engine.db.close()


def open_listener(engine: Engine, intake: Intake) -> Listener:
    """The listener of the product, on a free port."""
    judge = inbound.gatekeeper(engine)
    made = Listener(
        lambda address, envelope: Rcpt(*judge(address, envelope)),
        lambda batch: intake.keep([(one.envelope, one.data) for one in batch]),
        ListenerSettings(hostname="mx.bench.example", trusted=("127.0.0.0/8",)),
    )
    made.start()
    return made


# -- measuring ---------------------------------------------------------------------------------------------


class Client:
    """Sends replies, one after the other, and remembers how long each final dot waited for its 250."""

    def __init__(self, port: int, addresses: Sequence[str]) -> None:
        self._port, self._addresses, self._draw, self._count = port, addresses, random.Random(1), 0

    def during(self, work: Callable[[], Any]) -> tuple[list[float], Any]:
        """Seconds of each reply while `work` goes on, and what it gives."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            sending = thread.submit(self._send, over)
            try:
                done = work()
            finally:
                over.set()
            return sending.result(), done

    def _send(self, over: threading.Event) -> list[float]:
        spent: list[float] = []
        with smtplib.SMTP("127.0.0.1", self._port, local_hostname="client.example") as client:
            client.ehlo()
            while not over.wait(PACE):
                client.mail("reader@host1.example")
                client.rcpt(self._draw.choice(self._addresses))
                code, _ = client.docmd("DATA")
                assert code == 354, code
                self._count += 1
                head = f"From: reader@host1.example\r\nMessage-ID: <{self._count}@x.example>\r\n\r\n"
                begin = time.perf_counter()
                client.send(f"{head}{BODY}.\r\n".encode())
                code, _ = client.getreply()
                spent.append(time.perf_counter() - begin)
                assert code == 250, code
        return spent


def p99(spent: Sequence[float]) -> float:
    """The 99th percentile, in milliseconds."""
    return 1000 * sorted(spent)[int(len(spent) * 0.99)]


def measure(recipients: int, seconds: float) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, sink() as sink_port:
        database = Path(folder) / "bench.sqlite"
        with crowd.engine_at(database) as engine:
            draft = crowd.populate(engine, recipients)
            ring = engine.keys.ring("bench", crowd.DOMAIN)
            # Replies to a mailing whose row is gone are taken as well: the signature counts.
            addresses = [ring.reply_address(77, 1_000_000 + n) for n in range(min(200, recipients))]
        place = str(database)
        with (
            program("--serve", place) as (port, _),
            program("--work", place, "--draft", str(draft), "--sink", str(sink_port)) as (_, order),
        ):
            client = Client(int(port), addresses)
            client.during(lambda: time.sleep(1))
            rest, _ = client.during(lambda: time.sleep(seconds))
            print(f"inbound 250 at rest: p99 {p99(rest):.1f} ms ({len(rest)} mails)", flush=True)
            for work in ("build", "deliver"):
                busy, told = client.during(lambda work=work: order(work))  # type: ignore[misc]
                done = json.loads(told)
                assert done["mails"] == recipients, done
                print(
                    f"inbound 250 during a {work} of {recipients} mails, {done['mails'] / done['seconds']:.0f}/s:"
                    f" p99 {p99(busy):.1f} ms ({len(busy)} mails) = {p99(busy) / p99(rest):.1f} times (bar {BAR})",
                    flush=True,
                )


@contextmanager
def program(*arguments: str) -> Iterator[tuple[str, Callable[[str], str]]]:
    """One of the two programs: what it says first, and what gives it orders and their answers."""
    command = [sys.executable, "-m", "bench.inbound", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        stdin, stdout = service.stdin, service.stdout

        def order(work: str) -> str:
            stdin.write(f"{work}\n")
            stdin.flush()
            return stdout.readline()

        yield stdout.readline().strip(), order
        stdin.close()


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--rest", type=float, default=10, help="seconds at rest")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--draft", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--sink", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(arguments.serve)
    elif arguments.work is not None:
        work(arguments.work, arguments.draft, arguments.sink)
    elif shutil.which("smtp-sink") is None:
        print("inbound: skipped (smtp-sink is not installed; it comes with Postfix)")
    else:
        measure(arguments.recipients, arguments.rest)


if __name__ == "__main__":
    main()
