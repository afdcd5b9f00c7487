"""Our reading of DATA against stock aiosmtpd's, on random bodies cut into random pieces."""

import asyncio
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from tests.integration.wire.dialogue import OK, Client, Store, listening

PIECES = [
    b".",
    b"..",
    b"\r\n",
    b"\r\n",
    b"\r\n.",
    b"\r\n..",
    b"x",
    b"Subject: y",
    b" ",
    b"\xc3\xa9",
    b"\r\n.\r",
    b"\x00",
]


class Kept:
    """A handler that keeps what stock aiosmtpd understood."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.bodies.append(envelope.content)
        return "250 ok"


@pytest.fixture
def stock() -> Iterator[tuple[Kept, int]]:
    kept = Kept()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(
            lambda: SMTP(kept, hostname="stock.example", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0
        )
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield kept, server.sockets[0].getsockname()[1]
    server.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def body(dice: random.Random) -> bytes:
    """A body with many dots at line starts, without bare CR or LF, which only we refuse, and without a final dot."""
    text = b"".join(dice.choice(PIECES) for _ in range(dice.randrange(40)))
    text = text.replace(b"\r\n", b"\n").replace(b"\r", b"").replace(b"\n", b"\r\n")
    lines = [b".." if line == b"." else line for line in text.split(b"\r\n")]
    text = b"\r\n".join(lines)
    return text if not text or text.endswith(b"\r\n") else text + b"\r\n"


def send(client: Client, data: bytes, cuts: list[int]) -> str:
    client.begin()
    start = 0
    for cut in [*cuts, len(data)]:
        client.raw(data[start:cut])
        start = cut
    return client.reply()


def test_the_same_bytes_as_stock_for_random_bodies(stock: tuple[Kept, int]) -> None:
    kept, port = stock
    dice = random.Random(5321)
    store = Store()
    with listening(store, lambda *_: OK) as listener, Client(listener.port) as ours, Client(port) as theirs:
        ours.hello()
        theirs.hello()
        for _ in range(1500):
            data = body(dice) + b".\r\n"
            cuts = sorted(dice.randrange(len(data)) for _ in range(dice.randrange(4)))
            assert send(ours, data, cuts).startswith("250"), data
            assert send(theirs, data, cuts).startswith("250"), data
    assert len(store.mails) == len(kept.bodies) == 1500
    for mail, wanted in zip(store.mails, kept.bodies, strict=True):
        # Our Received line is three lines long.
        assert mail.data.split(b"\r\n", 3)[3] == wanted
