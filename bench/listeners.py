"""Several listeners on one port (`listen.reuse_port`), each a program of its own, storing into one PostgreSQL database.

`smtp-source` drives one, two and four of them over loopback with 8 KiB mails and 50 connections; each `250` follows a
commit. The figures grow with the cores that are free: the driver and the database need some too.
Prints "skipped" where smtp-source is missing.

    python -m bench.listeners [--rounds 3] [--mails 2000] [--listeners 1 2 4]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from db import inbound
from db.engine import Database, Lane
from db.inbound import Arrived
from mailer.message import Envelope
from mailer.wire.listener import Listener, ListenerSettings, Rcpt, Received
from tests.databases import Databases

OCTETS, CONNECTIONS = 8 * 1024, 50
OK = Rcpt(True, 250, "2.1.5 ok")


def serve(url: str, port: int) -> None:
    """One listener on the port; prints it, ends with its parent's pipe."""
    database = Database(url)

    def store(batch: Sequence[Received]) -> None:
        now = datetime.now(UTC)
        with database.write(Lane.INBOUND) as tx:
            inbound.store(tx, [Arrived(one.envelope, one.data, now) for one in batch], timedelta(days=1))

    settings = ListenerSettings(hostname="bench.invalid", connections_per_address=0, reuse_port=True, port=port)
    listener = Listener(_accept, store, settings)
    listener.start()
    print(listener.port, flush=True)
    sys.stdin.read()
    listener.stop()
    database.close()


def _accept(_address: str, _envelope: Envelope) -> Rcpt:
    return OK


@contextmanager
def server(url: str, port: int = 0) -> Iterator[int]:
    """A listener in a program of its own; gives its port."""
    command = [sys.executable, "-m", "bench.listeners", "--serve", url, "--port", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        yield int(running.stdout.readline())
        running.stdin.close()
        running.wait(20)


def measure(url: str, listeners: int, mails: int) -> float:
    """Mails a second with so many listeners."""
    with ExitStack() as stack:
        port = stack.enter_context(server(url))
        for _ in range(listeners - 1):
            stack.enter_context(server(url, port))
        source = ["smtp-source", "-d", "-s", str(CONNECTIONS), "-l", str(OCTETS), "-f", "a@bench.invalid"]
        source += ["-t", "b@bench.invalid"]
        where = f"inet:127.0.0.1:{port}"
        subprocess.run([*source, "-m", str(max(200, mails // 10)), where], check=True)
        begin = time.perf_counter()
        subprocess.run([*source, "-m", str(mails), where], check=True)
        return mails / (time.perf_counter() - begin)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mails", type=int, default=2_000)
    parser.add_argument("--listeners", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.port)
        return 0
    if shutil.which("smtp-source") is None:
        print("listeners: skipped (smtp-source is not installed; it comes with Postfix)")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        databases = Databases(Path(folder))
        try:
            url = databases.url("postgresql", "bench")
            rates: dict[int, list[float]] = {n: [] for n in arguments.listeners}
            for _ in range(arguments.rounds):
                for n, figures in rates.items():
                    figures.append(measure(url, n, arguments.mails))
        finally:
            databases.close()
    medians = {n: statistics.median(figures) for n, figures in rates.items()}
    first = next(iter(medians.values()))
    shown = ", ".join(f"{n}: {rate:.0f}/s = {rate / first:.2f}" for n, rate in medians.items())
    print(f"listeners on one port, PostgreSQL, {os.cpu_count()} cores: {shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
