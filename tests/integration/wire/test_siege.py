"""Everybody attacks at once, from many addresses, while honest clients send: memory stays bounded, their mail arrives."""

import asyncio
import contextlib
import gc
import resource
import smtplib
import threading
from collections.abc import Iterator
from random import Random

import pytest

from mailer.wire.listener import Listener
from tests.integration.wire.dialogue import PATIENCE, Store, listening, until

MEGABYTE = 1024 * 1024
GREETING = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ana@here.example>\r\nDATA\r\n"
SEEN = ("refused_bare_line_end", "refused_line_length", "hangup_in_data")
PLANS = (
    "silent",
    "drip",
    "garbage",
    "huge line",
    "endless data",
    "recipients",
    "deaf",
    "hang up",
    "smuggle",
    "chatter",
)


async def attack(plan: str, address: str, port: int, rng: Random) -> None:
    """One attacker, until the listener is rid of it."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0), limit=4096)
    except OSError:
        return
    with contextlib.suppress(OSError):
        if plan == "silent":
            await reader.read()
        elif plan == "deaf":
            while True:
                writer.write(b"NOOP\r\n" * 2000)
                await writer.drain()
        else:
            await speak(plan, reader, writer, rng)
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()


async def speak(plan: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rng: Random) -> None:
    """An attacker that reads what it is told and goes on all the same."""
    gone = asyncio.ensure_future(reader.read(-1))
    gone.add_done_callback(lambda done: done.cancelled() or done.exception())  # that it was cut off is no news
    start = {
        "drip": GREETING,
        "endless data": GREETING,
        "smuggle": GREETING,
        "recipients": b"EHLO x\r\nMAIL FROM:<>\r\n",
    }
    piece = {
        "drip": b"x", "garbage": rng.randbytes(3000), "huge line": b"y" * 60_000, "endless data": b"z" * 997 + b"\r\n",
        "recipients": b"RCPT TO:<ana@here.example>\r\n" * 200, "hang up": GREETING + b"half a mail",
        "smuggle": b"a\n.\nMAIL FROM:<x@y>\r\n.\r\n" + GREETING, "chatter": b"NOOP\r\n",
    }[plan]  # fmt: skip
    writer.write(start.get(plan, b""))
    while not gone.done():
        writer.write(piece)
        await writer.drain()
        if plan == "hang up":
            writer.transport.abort()
            return
        await asyncio.sleep(0.2 if plan in ("drip", "chatter") else 0.001)


@contextlib.contextmanager
def siege(port: int, attackers: int, seed: int) -> Iterator[threading.Event]:
    """That many attackers at work at any time in a thread of their own; the event is set once each plan was begun."""
    begun, over = threading.Event(), threading.Event()

    async def one(number: int) -> None:
        rng = Random(seed * 100_000 + number)
        while not over.is_set():
            await attack(rng.choice(PLANS), f"127.0.{1 + number % 200}.{1 + number // 200}", port, rng)
            await asyncio.sleep(0.05)

    async def all_of_them() -> None:
        tasks = [asyncio.ensure_future(one(number)) for number in range(attackers)]
        await asyncio.sleep(0.5)
        begun.set()
        while not over.is_set():
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(all_of_them()), daemon=True)
    thread.start()
    try:
        yield begun
    finally:
        over.set()
        thread.join(60)
        gc.collect()  # thousands of ended conversations, now and not in the middle of whatever comes next


def send(listener: Listener, text: str) -> None:
    """An honest client: it comes again when it is asked to."""

    def tried() -> bool:
        try:
            with smtplib.SMTP(
                "127.0.0.1", listener.port, "client.example", 60, source_address=("127.0.0.9", 0)
            ) as client:
                client.sendmail("june@there.example", ["ana@here.example"], f"Subject: {text}\r\n\r\nhello\r\n")
        except (smtplib.SMTPException, OSError):
            return False
        return True

    until(tried)


def stand(attackers: int, mails: int, seed: int) -> None:
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, min(most, 3 * attackers + 1000)), most))
    store = Store()
    limits = {"command_timeout": 3.0, "data_timeout": 6.0, "session_timeout": 6.0, "stress_timeout": 1.0, "size_limit": 2 * MEGABYTE,
              "memory_limit": 32 * MEGABYTE, "connections_limit": max(40, attackers // 2), "connections_per_address": 20}  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with listening(store, **limits) as listener:
        with siege(listener.port, attackers, seed) as begun:
            assert begun.wait(PATIENCE)
            until(lambda: any(listener.counters[name] for name in SEEN))
            for number in range(mails):
                send(listener, f"honest {number}")
            until(lambda: all(listener.counters[name] for name in SEEN))
        until(lambda: not listener._shared.open)
        assert listener._shared.held == 0
        assert listener.counters["failed"] == 0
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert sum(b"Subject: honest" in mail.data for mail in store.mails) >= mails
    assert not any(b"MAIL FROM:<x@y>" in mail.data for mail in store.mails)
    # The attackers are in this program too: their own buffers count here.
    assert grown < 96 + attackers * 0.15, f"{grown:.0f} MiB more"


def test_honest_clients_are_served_in_a_siege() -> None:
    stand(attackers=40, mails=3, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [2, 3])
def test_honest_clients_are_served_in_a_long_siege(seed: int) -> None:
    stand(attackers=1_500, mails=100, seed=seed)
