"""How fast mail is accepted: our listener beside stock aiosmtpd with a handler that throws mail away, in one run.

`smtp-source` (it comes with Postfix) drives both over loopback, in turns; the figures are medians of the rounds and
their ratios. "durable" means that the reply follows a commit of SQLite in WAL mode with synchronous=FULL.
Prints "skipped" where smtp-source is missing.

    python bench/intake.py [--rounds 3] [--mails 2000]
"""

import argparse
import asyncio
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from aiosmtpd.handlers import Sink as ThrowAway
from aiosmtpd.smtp import SMTP

from mailer.message import Envelope
from mailer.wire.listener import Listener, ListenerSettings, Rcpt, Received

BARS = (
    # octets, connections, mails in relation to --mails, durable needed, nothing stored needed
    (8 * 1024, 20, 1.0, 1.2, None),
    (8 * 1024, 50, 1.0, 1.2, None),
    (100 * 1024, 20, 0.4, 1.5, 5.0),
)
OK = Rcpt(True, 250, "2.1.5 ok")


def serve(kind: str, folder: str) -> None:
    """Run one server in this process; prints its port, ends with its parent's pipe."""
    if kind == "stock":
        asyncio.run(_serve_stock())
        return
    store = Database(Path(folder)).store if kind == "durable" else _forget
    settings = ListenerSettings(hostname="bench.invalid", connections_per_address=0)
    listener = Listener(_accept, store, settings)
    listener.start()
    print(listener.port, flush=True)
    sys.stdin.read()
    listener.stop()


async def _serve_stock() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(ThrowAway(), hostname="bench.invalid", enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1",
        0,
        backlog=512,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def _accept(_address: str, _envelope: Envelope) -> Rcpt:
    return OK


def _forget(_batch: Sequence[Received]) -> None:
    pass


class Database:
    """A store as plain as can be that is still durable."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "intake.db"
        self._connection: sqlite3.Connection | None = None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path)
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        connection.execute("create table raw (id integer primary key, sender text, recipients text, data blob)")
        return connection

    def store(self, batch: Sequence[Received]) -> None:
        """One commit for the batch."""
        if self._connection is None:
            self._connection = self._open()
        with self._connection:
            self._connection.executemany(
                "insert into raw (sender, recipients, data) values (?, ?, ?)",
                [(mail.envelope.mail_from, " ".join(mail.envelope.rcpt_to), mail.data) for mail in batch],
            )


def measure(kind: str, octets: int, connections: int, mails: int) -> float:
    """Mails a second that smtp-source gets rid of at one server."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--serve", kind, "--folder", folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            port = int(server.stdout.readline())
            source = ["smtp-source", "-d", "-s", str(connections), "-l", str(octets), "-f", "a@bench.invalid"]
            source += ["-t", "b@bench.invalid", "-m"]
            where = f"inet:127.0.0.1:{port}"
            subprocess.run([*source, str(max(100, mails // 10)), where], check=True)
            begin = time.perf_counter()
            subprocess.run([*source, str(mails), where], check=True)
            seconds = time.perf_counter() - begin
            server.stdin.close()
            server.wait(20)
    return mails / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.folder)
        return
    if shutil.which("smtp-source") is None:
        print("intake: skipped (smtp-source is not installed; it comes with Postfix)")
        return
    for octets, connections, share, durable_bar, null_bar in BARS:
        rates: dict[str, list[float]] = {"stock": [], "null": [], "durable": []}
        for _ in range(arguments.rounds):
            for kind, figures in rates.items():
                figures.append(measure(kind, octets, connections, int(arguments.mails * share)))
        stock, null, durable = (statistics.median(rates[kind]) for kind in ("stock", "null", "durable"))
        print(
            f"intake {octets // 1024:>3} KiB, {connections} connections: stock {stock:.0f}/s,"
            f" ours without storing {null:.0f}/s = {null / stock:.2f}"
            + (f" (bar {null_bar})" if null_bar else "")
            + f", ours durable {durable:.0f}/s = {durable / stock:.2f} (bar {durable_bar})"
        )


if __name__ == "__main__":
    main()
