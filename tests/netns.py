"""A network of its own for a program, with one cable that can be pulled: network namespaces of Linux.

Inside it nothing of the machine is reached but what is forwarded. Pulling the cable is what being cut off is: nothing
arrives any more, and nobody is told.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Awaitable, Callable

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class NoNamespaces(Exception):
    """This machine does not let us make any."""


class Enclave:
    """The network. Close it at the end. Raises `NoNamespaces` where it cannot be made."""

    def __init__(self) -> None:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise NoNamespaces("needs root and the command `ip`")
        self.name = f"tidings{os.getpid() % 10_000}"
        net = f"10.213.{os.getpid() % 250}"
        self.address = f"{net}.1"  # of this machine, seen from inside
        self._outer, inner = f"tdo{os.getpid() % 10_000}", f"tdi{os.getpid() % 10_000}"
        try:
            self._ip("netns", "add", self.name)
            self._ip("link", "add", self._outer, "type", "veth", "peer", "name", inner, "netns", self.name)
            self._ip("addr", "add", f"{self.address}/30", "dev", self._outer)
            self._ip("link", "set", self._outer, "up")
            self._ip("-n", self.name, "addr", "add", f"{net}.2/30", "dev", inner)
            self._ip("-n", self.name, "link", "set", inner, "up")
            self._ip("-n", self.name, "link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            self._remove()
            raise NoNamespaces(error.stderr.decode().strip()) from error
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @staticmethod
    def _ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    @property
    def command(self) -> list[str]:
        """What to put before a command, so that it runs inside."""
        return ["ip", "netns", "exec", self.name]

    def pull(self) -> None:
        """Nothing gets through from now on."""
        self._ip("-n", self.name, "link", "set", f"tdi{os.getpid() % 10_000}", "down")

    def plug(self) -> None:
        """Everything gets through again."""
        self._ip("-n", self.name, "link", "set", f"tdi{os.getpid() % 10_000}", "up")

    def forward_tcp(self, port: int) -> int:
        """The port inside that leads to one of this machine."""
        return self._forward(lambda: asyncio.open_connection("127.0.0.1", port))

    def forward_unix(self, path: str) -> int:
        """The port inside that leads to a socket file of this machine."""
        return self._forward(lambda: asyncio.open_unix_connection(path))

    def _forward(self, connect: Callable[[], Awaitable[Streams]]) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await connect()
            await asyncio.gather(_copy(reader, back), _copy(there, writer))

        async def start() -> int:
            server = await asyncio.start_server(serve, self.address, 0)
            return int(server.sockets[0].getsockname()[1])

        return asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)

    def close(self) -> None:
        """Take it away."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._remove()

    def _remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self._outer], check=False, capture_output=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
