"""One outgoing SMTP connection: opens, greets, secures, authenticates; writes commands and gathers replies.

`Link.open` raises RelayFault when the relay cannot be used. Afterwards nothing is raised for what the server does:
`expect` returns fewer replies than asked for when the connection ended, and `over` says so.
"""

import asyncio
import base64
import os
import re
import ssl
from collections import deque
from functools import lru_cache
from typing import NamedTuple

from mailer.wire.letters import CourierSettings, Parcel, Relay, client_context

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|\Z)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINE_LIMIT = 4096
_LINES_LIMIT = 256
_REPLIES_LIMIT = 64
_BLOCK = 262_144
ELSEWHERE = "postmaster@example.org"  # a name kept for examples: nobody is there


class Reply(NamedTuple):
    """A reply, its lines joined; `enhanced` is '' where the server gives none that fits the code (RFC 2034)."""

    code: int
    enhanced: str
    text: str
    lines: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """2yz."""
        return 200 <= self.code < 300


class RelayFault(Exception):
    """The relay cannot be used now. `reply` is what to tell of it: always temporary, it is no fault of a letter."""

    def __init__(self, reply: Reply, relay: str) -> None:
        super().__init__(f"{reply.code or ''} {reply.enhanced} {reply.text}".strip())
        self.reply = reply
        self.relay = relay


class Link(asyncio.Protocol):
    """A connection to one relay. Use `Link.open`; all methods run in the courier's loop."""

    def __init__(self, relay: Relay, settings: CourierSettings) -> None:
        self.relay = relay
        self.settings = settings
        self.loop = asyncio.get_running_loop()
        self.offers: dict[str, str] = {}
        self.greeting = ""
        self.secure = ""
        self.carried = 0
        self.refusals: list[Reply] = []  # of mails that another relay took instead
        self.dirty = False
        self.deadline = 0.0
        self.timed_out = False
        self.over = False
        self.broken = ""
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._lines: list[str] = []
        self._replies: deque[Reply] = deque()
        self._wanted = 0
        self._blocked = False
        self._waiter: asyncio.Future[None] | None = None

    # -- the transport's side ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport. asyncio has set TCP_NODELAY already."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Cut what came into replies."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if not self.broken:
                self._take_line(line)
        if len(self._buffer) > _LINE_LIMIT:
            self._break("a reply is too long")
        if len(self._replies) > _REPLIES_LIMIT:
            self._break("more replies than commands")
        if self._wanted and (len(self._replies) >= self._wanted or self.over):
            self._wake()

    def _take_line(self, raw: bytes) -> None:
        if not self._lines and raw[3:4] == b" " and raw[:1] in b"235" and raw[1:3].isdigit():
            # Nearly every reply: one line, and the same line again and again.
            self._replies.append(_short_reply(raw))
            return
        line = raw.rstrip(b"\r").decode("utf-8", "replace")
        code, more = line[:3], line[3:4]
        if not (code.isascii() and code.isdigit() and more in {"", " ", "-"} and "2" <= code[0] <= "5"):
            self._break("a reply makes no sense")
            return
        self._lines.append(line[4:])
        if more == "-":
            if len(self._lines) > _LINES_LIMIT:
                self._break("a reply is too long")
            return
        reply = _reply(int(code), tuple(self._lines))
        self._lines.clear()
        self._replies.append(reply)
        if reply.code == 421:
            self.over = True

    def eof_received(self) -> bool:
        """The server hangs up."""
        self.over = True
        self._wake()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It has hung up."""
        self.over = True
        if error is not None and not self.broken:
            self.broken = _plain(str(error))
        self._wake()

    def pause_writing(self) -> None:
        """The server reads slower than we write."""
        self._blocked = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._blocked = False
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break(self, why: str) -> None:
        self.broken = self.broken or why
        self.abort()

    # -- talking -------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send, in one piece where the socket takes it."""
        if self._transport is not None and not self.over:
            self._transport.write(data)

    async def write_body(self, body: bytes) -> None:
        """Send the data of a mail; each block has its own time limit (RFC 5321 section 4.5.3.2.5)."""
        if len(body) <= _BLOCK:
            self.write(body)
            return
        view = memoryview(body)
        for start in range(0, len(body), _BLOCK):
            self.write(bytes(view[start : start + _BLOCK]))
            await self._drain()

    async def _drain(self) -> None:
        while self._blocked and not self.over:
            await self._wait(0, self.settings.block_timeout)

    async def expect(self, number: int, seconds: float) -> list[Reply]:
        """The next `number` replies, or fewer when the connection ended before."""
        while len(self._replies) < number and not self.over:
            await self._wait(number, seconds)
        replies = self._replies
        return [replies.popleft() for _ in range(min(number, len(replies)))]

    async def _wait(self, wanted: int, seconds: float) -> None:
        self._wanted = wanted
        self.deadline = self.loop.time() + seconds
        self._waiter = self.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._wanted = 0
            self.deadline = 0.0

    def check_time(self, now: float) -> None:
        """Called about twice a second: end the connection when the server has kept us waiting too long."""
        if self.deadline and now > self.deadline:
            self.timed_out = True
            self._break("the server did not answer in time")

    def abort(self) -> None:
        """Hang up without a word."""
        self.over = True
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    def close(self) -> None:
        """Say QUIT and hang up; what the server answers is of no interest any more."""
        if self._transport is not None and not self.over:
            self._transport.write(b"QUIT\r\n")
            self._transport.close()
        self.over = True
        self._wake()

    @property
    def fresh(self) -> bool:
        """Whether another mail may go over this connection."""
        return not self.over and self.carried < self.settings.per_connection

    def lost(self) -> Reply:
        """A reply that stands for the one that never came (RFC 3463 sections 3.5: 4.4.2)."""
        return Reply(0, "4.4.2", self.broken or "the server closed the connection")

    # -- opening -------------------------------------------------------------------------------------------

    @classmethod
    async def open(cls, relay: Relay, settings: CourierSettings, watched: "set[Link]") -> "Link":
        """A connection ready for MAIL. `watched` is where somebody calls `check_time`."""
        try:
            return await cls._open(relay, settings, watched, relay.tls)
        except _NoTls:
            # Opportunistic: clear text is better than no mail (RFC 7435).
            return await cls._open(relay, settings, watched, "none")

    @classmethod
    async def _open(cls, relay: Relay, settings: CourierSettings, watched: "set[Link]", tls: str) -> "Link":
        link = cls(relay, settings)
        context = link._context() if tls == "implicit" else None
        try:
            async with asyncio.timeout(settings.connect_timeout):
                await link.loop.create_connection(
                    lambda: link,
                    relay.host,
                    relay.port,
                    ssl=context,
                    server_hostname=relay.host if context is not None else None,
                )
        except TimeoutError as error:
            raise link._fault(Reply(0, "4.4.1", "no connection: timed out")) from error
        except ssl.SSLError as error:
            raise link._fault(_no_tls(error)) from error
        except OSError as error:
            raise link._fault(Reply(0, "4.4.1", f"no connection: {_why(error)}")) from error
        watched.add(link)
        try:
            await link._introduce(tls)
        except BaseException:
            watched.discard(link)
            link.abort()
            raise
        return link

    def _fault(self, reply: Reply) -> RelayFault:
        return RelayFault(reply, self.relay.name)

    def _context(self) -> ssl.SSLContext:
        try:
            return client_context(self.relay)
        except OSError as error:
            said = f"its certificate files cannot be used: {_plain(error.strerror or str(error))}"
            raise self._fault(Reply(0, "4.3.5", f"{said} ({error.filename})" if error.filename else said)) from error

    async def _introduce(self, tls: str) -> None:
        if tls == "implicit":
            self._note_tls()
        greeting = await self._answer(self.settings.greeting_timeout)
        if greeting.code != 220:
            raise self._fault(greeting)
        self.greeting = greeting.text
        await self._hello()
        if tls in {"opportunistic", "required"}:
            await self._start_tls(tls == "required")
        if self.relay.user:
            await self._authenticate()

    async def _answer(self, seconds: float) -> Reply:
        replies = await self.expect(1, seconds)
        if not replies:
            raise self._fault(self.lost())
        return replies[0]

    async def _ask(self, command: str) -> Reply:
        self.write(command.encode() + b"\r\n")
        return await self._answer(self.settings.command_timeout)

    async def _hello(self) -> None:
        self.offers = {}
        reply = await self._ask(f"EHLO {self.settings.helo}")
        if reply.ok:
            for line in reply.lines[1:]:
                keyword, _, value = line.strip().partition(" ")
                self.offers[keyword.upper()] = value
        elif self.over:
            raise self._fault(reply)
        else:
            reply = await self._ask(f"HELO {self.settings.helo}")
            if not reply.ok:
                raise self._fault(reply)

    async def _start_tls(self, required: bool) -> None:
        """RFC 3207. Replies that came in clear behind the 220 are an injection: hang up."""
        if "STARTTLS" not in self.offers:
            if required:
                raise self._fault(Reply(0, "4.7.0", "TLS is required and not offered"))
            return
        reply = await self._ask("STARTTLS")
        if reply.code != 220:
            if required:
                raise self._fault(reply)
            return
        if self._buffer or self._lines or self._replies:
            raise self._fault(Reply(0, "4.7.0", "clear text behind the reply to STARTTLS"))
        assert self._transport is not None
        context = self._context()
        try:
            secured = await self.loop.start_tls(
                self._transport,
                self,
                context,
                server_hostname=self.relay.host,
                ssl_handshake_timeout=self.settings.connect_timeout,
            )
        except OSError as error:
            if not required:
                raise _NoTls from error
            raise self._fault(_no_tls(error)) from error
        if secured is None or self._buffer or self._lines or self._replies:
            raise self._fault(Reply(0, "4.7.0", "the connection was lost while TLS began"))
        self._transport = secured
        self._note_tls()
        await self._hello()

    def _note_tls(self) -> None:
        assert self._transport is not None
        self.secure = str(self._transport.get_extra_info("ssl_object").version())

    async def _authenticate(self) -> None:
        """RFC 4954: PLAIN, else LOGIN."""
        if not (self.secure or self.relay.plain_auth):
            raise self._fault(Reply(0, "4.7.11", "a password is not sent without TLS"))
        offered = self.offers.get("AUTH", "").upper().split()
        user, password = self.relay.user, self.relay.password
        if "PLAIN" in offered:
            reply = await self._ask("AUTH PLAIN " + _base64(f"\0{user}\0{password}"))
        elif "LOGIN" in offered:
            reply = await self._ask("AUTH LOGIN")
            for secret in (user, password):
                if reply.code == 334:
                    reply = await self._ask(_base64(secret))
        else:
            raise self._fault(Reply(0, "4.7.0", "no way to authenticate is offered that we know"))
        if reply.code != 235:
            raise self._fault(reply)

    async def examine(self) -> None:
        """Begin a mail to elsewhere and take it back, to see whether we may mail here at all. RelayFault when not.

        Many servers say only at RCPT who may not. What they say of the recipient is no matter: nothing is sent there.
        """
        reply = await self._ask("MAIL FROM:<>")
        if not reply.ok:
            raise self._fault(reply)
        reply = await self._ask(f"RCPT TO:<{ELSEWHERE}>")
        if (
            reply.code == 530
            or reply.enhanced[1:].startswith(".7.")
            or (not reply.ok and "relay" in reply.text.lower())
        ):
            raise self._fault(reply)
        await self._ask("RSET")

    # -- envelopes -----------------------------------------------------------------------------------------

    def obstacle(self, parcel: Parcel) -> Reply | None:
        """Why this server can never take the parcel, found without asking it; None when it may."""
        if parcel.utf8 and "SMTPUTF8" not in self.offers:
            return Reply(0, "5.6.7", "the mail needs SMTPUTF8, which the server does not offer")
        if parcel.eight_bit and "8BITMIME" not in self.offers:
            return Reply(0, "5.6.3", "the mail has 8-bit data, which the server does not take")
        limit = self.offers.get("SIZE", "")
        if limit.isascii() and limit.isdigit() and 0 < int(limit[:20]) < len(parcel.body):
            return Reply(0, "5.3.4", f"the mail is bigger than the {limit} octets that the server takes")
        return None

    def envelope(self, parcel: Parcel) -> tuple[bytes, bytes, bytes]:
        """The commands MAIL, RCPT and DATA for a parcel."""
        letter, options, notify = parcel.letter, "", ""
        if "SIZE" in self.offers:
            options += f" SIZE={len(parcel.body)}"
        if parcel.eight_bit or (parcel.utf8 and "8BITMIME" in self.offers):
            options += " BODY=8BITMIME"
        if parcel.utf8:
            options += " SMTPUTF8"
        if self.relay.requiretls and self.secure and self.relay.checks and "REQUIRETLS" in self.offers:
            options += " REQUIRETLS"
        if self.settings.dsn_notify and "DSN" in self.offers:
            notify = f" NOTIFY={self.settings.dsn_notify}"
        return (
            f"MAIL FROM:<{letter.mail_from}>{options}\r\n".encode(),
            f"RCPT TO:<{letter.rcpt_to}>{notify}\r\n".encode(),
            b"DATA\r\n",
        )


def _no_tls(error: OSError) -> Reply:
    """What to tell of TLS that did not come about: for the certificate's sake (4.7.5), or any other."""
    wrong = isinstance(error, ssl.SSLCertVerificationError)
    words = (
        getattr(error, "verify_message", "") or (getattr(error, "reason", "") or str(error)).replace("_", " ").lower()
    )
    return Reply(0, "4.7.5" if wrong else "4.7.0", f"TLS failed: {_plain(words)}")


def _why(error: OSError) -> str:
    """What the system says, without numbers and places."""
    # asyncio puts its own words into `strerror`; those of the resolver have negative numbers.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else _plain(error.strerror or str(error))


class _NoTls(Exception):
    """Opportunistic TLS failed."""


@lru_cache(maxsize=256)
def _short_reply(raw: bytes) -> Reply:
    return _reply(int(raw[:3]), (raw[4:].rstrip(b"\r").decode("utf-8", "replace"),))


def _reply(code: int, lines: tuple[str, ...]) -> Reply:
    match = _ENHANCED.match(lines[0])
    enhanced = match.group(1) if match and match.group(1)[0] == str(code)[0] else ""
    if len(lines) == 1:
        text = lines[0][match.end() :] if match and enhanced else lines[0]
    else:
        text = " ".join(line.removeprefix(enhanced).strip() if enhanced else line for line in lines)
    return Reply(code, enhanced, _plain(text), lines)


def _plain(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())[:1000]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
