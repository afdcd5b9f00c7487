"""The listener: takes mail by SMTP or LMTP and says 250 only when the store has committed it.

Promises: a 250 means that `store` returned; a fault gives 451 and loses nothing; memory, time and connections are
bounded by `ListenerSettings`, each limit with an enhanced code and a counter. `start` raises OSError when the
port is taken and OSError or ssl.SSLError when the certificate cannot be read; afterwards nothing is raised.
"""

import asyncio
import logging
import os
import ssl
import threading
from collections import Counter
from types import MappingProxyType

from mailer.wire.gate import Gate
from mailer.wire.group import GroupCommitter
from mailer.wire.ports import (
    COUNTERS,
    Accept,
    Counters,
    ListenerSettings,
    Rcpt,
    Received,
    Store,
    TlsFiles,
    utc_now,
)
from mailer.wire.smtpd import Conversation
from mailer.wire.stream import Shared

__all__ = [
    "Accept",
    "Listener",
    "ListenerSettings",
    "Rcpt",
    "Received",
    "Store",
    "TlsFiles",
    "utc_now",
]

log = logging.getLogger("tidings.wire")

_TICK = 1.0


class Listener:
    """One listening port. Start it in a thread of its own (`start`) or in a running loop (`start_async`)."""

    def __init__(self, accept: Accept, store: Store, settings: ListenerSettings | None = None) -> None:
        self.settings = settings or ListenerSettings()
        self._count: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))
        self._committer = GroupCommitter(store, self.settings.batch_limit, self._count)
        self._shared = Shared(self.settings, accept, self._committer, Gate(self.settings), self._count)
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._port = 0
        self._stamp: tuple[int, ...] = ()

    @property
    def port(self) -> int:
        """The port it is bound to; 0 before it was started."""
        return self._port

    @property
    def counters(self) -> Counters:
        """What was taken and what was refused, by the names in `ports.COUNTERS`. A live view."""
        return MappingProxyType(self._count)

    def reload_tls(self) -> None:
        """Read the certificate again; conversations from now on use it. Raises and keeps the old one if it is bad."""
        if self.settings.tls is not None:
            self._stamp = stamp(self.settings.tls)
            self._shared.tls = server_context(self.settings.tls)

    def _watch_tls(self) -> None:
        """Take a new certificate when its files changed.

        They are written one after the other: a pair that does not fit yet, or a bad one, leaves the old in use, and is
        tried again when either file changes.
        """
        if self.settings.tls is None or stamp(self.settings.tls) == self._stamp:
            return
        try:
            self.reload_tls()
            log.info("the certificate was read again")
        except (OSError, ValueError) as error:
            files = f"{self.settings.tls.certificate} and {self.settings.tls.key}"
            log.error("the new certificate (%s) cannot be used, the old one stays: %s", files, error)

    def start(self) -> None:
        """Serve from a thread of its own; returns when the port is bound."""
        loop = asyncio.new_event_loop()
        ready: list[BaseException | None] = []
        bound = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(loop)
            try:
                loop.run_until_complete(self.start_async())
            except BaseException as error:  # handed over to the thread that called start
                ready.append(error)
                loop.close()
                bound.set()
                return
            bound.set()
            loop.run_forever()
            loop.close()

        self._thread = threading.Thread(target=run, name="tidings-listener", daemon=True)
        self._thread.start()
        bound.wait()
        if ready and ready[0] is not None:
            raise ready[0]

    async def start_async(self) -> None:
        """Serve from the running loop; returns when the port is bound."""
        loop = asyncio.get_running_loop()
        self.reload_tls()
        if (self.settings.implicit_tls or self.settings.require_tls) and self._shared.tls is None:
            raise ValueError("implicit_tls and require_tls need a certificate (tls)")
        self._loop = loop
        self._shared.epoch = f"{int(self.settings.now().timestamp() * 1000):x}.{os.getpid():x}"
        self._server = await loop.create_server(
            lambda: Conversation(self._shared, loop),
            self.settings.host,
            self.settings.port,
            backlog=self.settings.backlog,
            reuse_port=self.settings.reuse_port or None,
        )
        self._port = self._server.sockets[0].getsockname()[1]
        self._committer.start(loop)
        self._ticker = loop.call_later(_TICK, self._tick)

    def stop(self, grace: float = 10.0) -> None:
        """Take no more, let mails that are being stored finish (at most `grace` seconds), then close."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None or not thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self.stop_async(grace), loop).result(grace + 10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(grace)
        self._loop = None

    async def stop_async(self, grace: float = 10.0) -> None:
        """As `stop`, inside the loop."""
        loop = asyncio.get_running_loop()
        if self._server is not None:
            self._server.close()
        if self._ticker is not None:
            self._ticker.cancel()
        self._shared.closing = True
        end = loop.time() + grace
        while self._shared.open and loop.time() < end:
            for conversation in list(self._shared.open):
                if conversation.idle:
                    conversation.dismiss(b"421 4.3.2 closing\r\n", loop.time())
            await asyncio.sleep(0.01)
        for conversation in list(self._shared.open):
            conversation.dismiss(b"421 4.3.2 closing\r\n", loop.time())
        self._committer.stop()
        await loop.run_in_executor(None, self._committer.join, grace)

    def _tick(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        stressed = self._shared.gate.stressed
        for conversation in list(self._shared.open):
            conversation.check_time(now, stressed)
        self._shared.gate.sweep(now)
        self._watch_tls()
        self._ticker = self._loop.call_later(_TICK, self._tick)


def stamp(files: TlsFiles) -> tuple[int, ...]:
    """What differs once a certificate or its key was written anew; () while one of them is missing."""
    try:
        found = [path.stat() for path in (files.certificate, files.key)]
    except OSError:
        return ()
    return tuple(n for one in found for n in (one.st_mtime_ns, one.st_ino, one.st_size))


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 and newer (RFC 8314 section 4.1, RFC 8996)."""
    for file in (files.certificate, files.key):
        file.open("rb").close()  # its OSError names the file, that of the library does not
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.certificate, files.key)
    return context
