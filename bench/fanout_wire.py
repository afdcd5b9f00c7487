"""How fast the courier alone sends: 12 KiB mails over 10 connections, each outcome committed to SQLite.

Loopback: in turns with the raw ceiling, `smtp-source -d -s 10 -l 12288`, into the same `smtp-sink`. Distance: through
a proxy that adds 20 ms of round trip, beside aiosmtplib over as many open connections ("skipped" where it is not
installed: `requirements-bench.lock`) and beside our own courier with one command at a time. Medians of rounds.
Prints "skipped" where smtp-source and smtp-sink (they come with Postfix) are missing.

    python bench/fanout_wire.py [--rounds 3] [--mails 5000] [--far 600]
"""

import argparse
import asyncio
import importlib.util
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mailer.letter import Letter
from mailer.wire.courier import Courier, CourierSettings, Outcome, Relay

OCTETS = 12_288
CONNECTIONS = 10
HALF_TRIP = 0.010
HEAD = b"From: a@bench.invalid\r\nSubject: bench\r\nMessage-ID: <%d@bench.invalid>\r\n\r\n"
LINE = b"x" * 70 + b"\r\n"


def letters(count: int) -> Iterator[Letter]:
    """Mails that differ in their Message-ID."""
    body = LINE * ((OCTETS - len(HEAD)) // len(LINE))
    for number in range(count):
        yield Letter(number, "a@bench.invalid", f"u{number}@bench.invalid", HEAD % number + body)


class Ledger:
    """Outcomes in SQLite, WAL, synchronous=FULL; one commit for each call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Commit."""
        if self._connection is None:
            self._connection = sqlite3.connect(self._path)
            self._connection.execute("pragma journal_mode=wal")
            self._connection.execute("pragma synchronous=full")
            self._connection.execute("create table outcome (id integer primary key, ok, code, text, seconds)")
        rows = [(found.id, found.accepted, found.code, found.text, found.seconds) for found in outcomes]
        with self._connection:
            self._connection.executemany("insert into outcome values (?, ?, ?, ?, ?)", rows)


def carry(port: int, count: int, *, pipelining: bool, durable: bool) -> float:
    """Mails a second that one courier carries."""
    with tempfile.TemporaryDirectory() as folder:
        record = Ledger(Path(folder) / "ledger.db") if durable else (lambda _: None)
        settings = CourierSettings(connections=CONNECTIONS, pipelining=pipelining)
        courier = Courier([Relay("127.0.0.1", port, tls="none")], settings)
        courier.carry(letters(CONNECTIONS), lambda _: None)
        report = courier.carry(letters(count), record)
        courier.close()
        assert report.accepted == count, report
        return count / report.seconds


def raw(port: int, count: int) -> float:
    """Mails a second of smtp-source."""
    source = ["smtp-source", "-d", "-s", str(CONNECTIONS), "-l", str(OCTETS), "-m", str(count)]
    begin = time.perf_counter()
    subprocess.run([*source, f"inet:127.0.0.1:{port}"], check=True)
    return count / (time.perf_counter() - begin)


@contextmanager
def sink() -> Iterator[int]:
    """Postfix's smtp-sink on a free port."""
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = ["smtp-sink", *user, f"inet:127.0.0.1:{port}", "1000"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_for(port)
        yield port
        process.terminate()


@contextmanager
def far_away(port: int) -> Iterator[int]:
    """A port that leads to `port` over a long way."""
    command = [sys.executable, __file__, "--proxy", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit("the sink did not start")


class Late(asyncio.Protocol):
    """Passes everything on to its peer, half a round trip later."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port
        self.peer: Late | None = None
        self.transport: asyncio.WriteTransport | None = None
        self.waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect onwards, if this is the near side."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        for data in self.waiting:
            transport.write(data)
        if self.port is not None:
            self.peer = Late()
            self.peer.peer = self
            loop = asyncio.get_running_loop()
            peer = self.peer
            self.task = loop.create_task(loop.create_connection(lambda: peer, "127.0.0.1", self.port))

    def data_received(self, data: bytes) -> None:
        """Pass it on, late."""
        asyncio.get_running_loop().call_later(HALF_TRIP, self.pass_on, data)

    def pass_on(self, data: bytes) -> None:
        """Now."""
        assert self.peer is not None
        if self.peer.transport is None:
            self.peer.waiting.append(data)
        else:
            self.peer.transport.write(data)

    def connection_lost(self, _error: Exception | None) -> None:
        """Close the other side, late."""
        peer = self.peer
        if peer is not None and peer.transport is not None:
            asyncio.get_running_loop().call_later(HALF_TRIP, peer.transport.close)


async def proxy(port: int) -> None:
    """Serve the long way until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Late(port), "127.0.0.1", 0, backlog=100)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def near(rounds: int, mails: int) -> None:
    """Loopback, beside the raw ceiling."""
    ceiling, plain, durable = [], [], []
    with sink() as port:
        for _ in range(rounds):
            ceiling.append(raw(port, mails))
            plain.append(carry(port, mails, pipelining=True, durable=False))
            durable.append(carry(port, mails, pipelining=True, durable=True))
    top, fast, kept = (statistics.median(figures) for figures in (ceiling, plain, durable))
    print(
        f"fan-out, loopback: raw {top:.0f}/s, courier {fast:.0f}/s = {fast / top:.2f},"
        f" each outcome durable {kept:.0f}/s = {kept / top:.2f} (bar for the whole product 0.35)"
    )


async def _aiosmtplib(port: int, count: int) -> float:
    import aiosmtplib

    clients = [aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) for _ in range(CONNECTIONS)]
    for client in clients:
        await client.connect()
        await client.ehlo()
    waiting = letters(count)

    async def ride(client: aiosmtplib.SMTP) -> None:
        for letter in waiting:
            await client.sendmail(letter.mail_from, [letter.rcpt_to], letter.data)

    begin = time.perf_counter()
    await asyncio.gather(*(ride(client) for client in clients))
    rate = count / (time.perf_counter() - begin)
    for client in clients:
        await client.quit()
    return rate


def peer(port: int, count: int) -> float:
    """Mails a second that aiosmtplib sends over open connections; nothing is recorded."""
    return asyncio.run(_aiosmtplib(port, count))


def far(rounds: int, mails: int) -> None:
    """20 ms away, beside aiosmtplib and beside one command at a time."""
    single, piped, other = [], [], []
    known = importlib.util.find_spec("aiosmtplib") is not None
    with sink() as port, far_away(port) as distant:
        for _ in range(rounds):
            if known:
                other.append(peer(distant, mails))
            single.append(carry(distant, mails, pipelining=False, durable=True))
            piped.append(carry(distant, mails, pipelining=True, durable=True))
    slow, fast = statistics.median(single), statistics.median(piped)
    print(f"fan-out, 20 ms away: courier {fast:.0f}/s, one command at a time {slow:.0f}/s = {fast / slow:.2f}")
    if not known:
        print("fan-out, 20 ms away, beside aiosmtplib: skipped (pip install -r requirements-bench.lock)")
        return
    theirs = statistics.median(other)
    print(f"fan-out, 20 ms away: courier {fast:.0f}/s, aiosmtplib {theirs:.0f}/s = {fast / theirs:.2f} (bar 3.5)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mails", type=int, default=5000)
    parser.add_argument("--far", type=int, default=600)
    parser.add_argument("--proxy", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.proxy:
        asyncio.run(proxy(arguments.proxy))
        return
    if shutil.which("smtp-source") is None or shutil.which("smtp-sink") is None:
        print("fan-out: skipped (smtp-source and smtp-sink are not installed; they come with Postfix)")
        return
    near(arguments.rounds, arguments.mails)
    far(arguments.rounds, arguments.far)


if __name__ == "__main__":
    main()
