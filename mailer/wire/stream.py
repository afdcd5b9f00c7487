"""The transport's side of one inbound conversation: reading in chunks, writing in batches, limits on time, the gate.

`Stream` is aiosmtpd's SMTP class with its reader and writer taken out; `smtpd.Conversation` adds the commands.
Leaving a conversation is raising `Gone`, which never gets further than `Conversation`.
"""

import asyncio
import itertools
import ssl
from collections import Counter
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP

from mailer.wire.forward import NOBODY
from mailer.wire.gate import Gate
from mailer.wire.group import GroupCommitter
from mailer.wire.ports import Accept, ListenerSettings

_PAUSE_READING = 262_144


class Gone(Exception):
    """The client is gone, or was sent away: leave the conversation."""


@dataclass(slots=True)
class Shared:
    """What all conversations of one listener have in common. `held` counts octets of mail in memory."""

    settings: ListenerSettings
    accept: Accept
    committer: GroupCommitter
    gate: Gate
    counters: Counter[str]
    tls: ssl.SSLContext | None = None
    held: int = 0
    closing: bool = False
    open: set["Stream"] = field(default_factory=set)
    serial: "itertools.count[int]" = field(default_factory=itertools.count)
    epoch: str = ""
    stamp: tuple[int, str] = (-1, "")


class Stream(SMTP):
    """One client's connection. All methods run in the listener's event loop."""

    def __init__(self, shared: Shared, loop: asyncio.AbstractEventLoop) -> None:
        # Past SMTP's own initialiser, which looks for handler hooks by reflection: 80 us for each connection.
        super(SMTP, self).__init__(asyncio.StreamReader(loop=loop), loop=loop)
        self.loop = loop
        self.hostname = shared.settings.hostname
        self.shared = shared
        self.peer = ""
        self.trusted = False
        self._entered = False
        self._buffer = bytearray()
        self._scanned = 0
        self._overlong = False
        self._reading_data = False
        self._reading_paused = False
        self._writing_paused = False
        self._eof = False
        self._lost = False
        self._waiter: asyncio.Future[None] | None = None
        self._out = bytearray()
        self._secure = self._securing = False
        self._errors = 0
        self._idle_commands = 0
        self._greeted = b""
        self._born = loop.time()
        self._heard = self._born
        self._data_since = 0.0
        self._data_octets = 0
        self._mail_since = self._born
        self._busy = False
        self._expired_at = 0.0
        self._mail_from: str | None = None
        self._rcpts: list[str] = []
        self._utf8 = False
        self._helo = ""
        self._client = NOBODY

    # -- the transport's side ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or turn the client away at the gate."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        peername = transport.get_extra_info("peername")
        self.peer = str(peername[0]) if isinstance(peername, tuple) else "local"
        gate, counters = self.shared.gate, self.shared.counters
        counters["connections"] += 1
        self.trusted = gate.trusted(self.peer)
        refusal = gate.enter(self.peer, self.trusted, self._born)
        if refusal:
            counters[refusal] += 1
            code = b"421 4.3.2" if refusal == "refused_connections_total" else b"421 4.7.0"
            words = b" too many connections in a minute" if refusal.endswith("_rate") else b" too many connections"
            transport.write(code + words + b", please try later\r\n")
            transport.close()
            return
        self._entered = True
        self.shared.open.add(self)
        self._handler_coroutine = self.loop.create_task(self._handle_client())

    def data_received(self, data: bytes) -> None:
        """Keep what came; stop reading while a flood waits behind a commit."""
        if not self._entered:
            return
        self._buffer += data
        if self._reading_data:
            self._data_octets += len(data)
            self._heard = self.loop.time()
        # Data is read on and on, and judged as it comes, unless the client leaves our replies unread.
        deaf = not self._reading_data or self._writing_paused
        if deaf and len(self._buffer) > _PAUSE_READING and not self._reading_paused:
            self._reading_paused = True
            self._wire.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """A client that half-closes still reads its replies; TLS cannot be half-closed."""
        self._eof = True
        self._wake()
        return not (self._secure or self._securing)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Note it. A mail whose data is complete is stored all the same: its client will not ask twice."""
        self._lost = True
        self._wake()

    def pause_writing(self) -> None:
        """The client does not read its replies: hear no more of it until it does."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """It reads again."""
        self._writing_paused = False
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def _wire(self) -> asyncio.Transport:
        assert isinstance(self.transport, asyncio.Transport)
        return self.transport

    # -- limits on time ------------------------------------------------------------------------------------

    def check_time(self, now: float, stressed: bool) -> None:
        """Called about every second: send away who takes too long (RFC 5321 section 4.5.3.2).

        Patience ends with the last whole command, not with the last octet: who drips a command gains nothing.
        """
        limits = self.shared.settings
        if self._expired_at:
            if now - self._expired_at > 5:
                self._wire.abort()
            return
        if self._busy:
            return
        patience = limits.command_timeout
        if stressed and not self.trusted:
            patience = min(patience, limits.stress_timeout)
        if self._data_since:
            since = now - self._data_since
            hurried = patience < limits.command_timeout and since > patience
            slow = hurried and self._data_octets < limits.stress_rate * since
            if since > limits.data_timeout or now - self._heard > patience or slow:
                self._expire("timeout_data", now)
        elif now - self._heard > patience:
            self._expire("timeout_command", now)
        elif self._mail_from is None and now - self._born > limits.session_timeout:
            self._expire("timeout_session", now)
        elif self._mail_from is not None and now - self._mail_since > limits.data_timeout:
            self._expire("timeout_session", now)  # recipients without end

    def _expire(self, counter: str, now: float) -> None:
        self.shared.counters[counter] += 1
        self.dismiss(b"421 4.4.2 %s timeout, closing\r\n" % self.hostname.encode(), now)

    def dismiss(self, words: bytes, now: float) -> None:
        """Say goodbye at once, in the middle of whatever the client does; it has five seconds to read that."""
        self._expired_at = now
        if not self._lost:
            self._wire.write(words)
            self._wire.close()

    @property
    def idle(self) -> bool:
        """Whether no mail of this client is under way."""
        return self._mail_from is None and not self._busy

    # -- reading and answering -----------------------------------------------------------------------------

    async def _more(self) -> None:
        """Send what is to be said, then wait for more from the client; raise Gone when nothing can come."""
        await self._flush()
        if self._lost or self._eof or self._expired_at:
            raise Gone
        if self._reading_paused:
            self._reading_paused = False
            self._wire.resume_reading()
        await self._pause()

    async def _pause(self) -> None:
        self._waiter = self.loop.create_future()
        await self._waiter

    async def _flush(self) -> None:
        if self._lost:
            raise Gone
        if self._out:
            self._wire.write(bytes(self._out))
            self._out.clear()
            while self._writing_paused and not self._lost:
                await self._pause()

    def _say(self, words: bytes) -> None:
        self._out += words
        self._out += b"\r\n"

    def _refuse(self, counter: str, words: bytes) -> None:
        self.shared.counters[counter] += 1
        self._errors += 1
        self._say(words)

    async def push(self, status: str | bytes) -> None:
        """Say a line; used by what is inherited."""
        self._say(status.encode() if isinstance(status, str) else status)

    def _next_line(self) -> bytes | None:
        """The next command line with its line end; b'' for one that was too long; None when more must come."""
        end = self._buffer.find(b"\n", self._scanned)
        limit = self.shared.settings.command_limit
        if end < 0:
            self._scanned = len(self._buffer)
            if self._scanned > limit:
                self._overlong = True
                self._buffer.clear()
                self._scanned = 0
            return None
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        self._scanned = 0
        if self._overlong or len(line) > limit:
            self._overlong = False
            return b""
        return line

    def _end(self, counter: str, words: bytes) -> None:
        if counter:
            self.shared.counters[counter] += 1
        self._say(words)
        raise Gone

    def _leave(self) -> None:
        if self._out and not self._lost:
            self._wire.write(bytes(self._out))
        self._wire.close()
        self.shared.open.discard(self)
        self.shared.gate.leave(self.peer, self.trusted)
