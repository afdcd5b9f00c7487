"""One inbound SMTP or LMTP conversation: aiosmtpd's SMTP class with its reading, limits and replies replaced.

Why a subclass: stock aiosmtpd 1.4.6 reads DATA line by line, stops the work on a mail when the client hangs up,
bounces with the text of an exception, keeps bare CR and LF and answers LMTP once for all recipients. Here data is
read in chunks, a commit outlives its client, and every reply carries an enhanced code (RFC 2034).
Nothing is raised: a fault of ours is logged and reads `451 4.3.0`.
"""
# ruff: noqa: N802, ARG002 - aiosmtpd names its commands smtp_VERB and hands each one an argument

import asyncio
import itertools
import logging
import re
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

from aiosmtpd.smtp import SMTP

from mailer.message import Envelope
from mailer.wire import path as grammar
from mailer.wire.gate import Gate
from mailer.wire.group import GroupCommitter
from mailer.wire.ports import Accept, ListenerSettings, Rcpt, Received

log = logging.getLogger("tidings.wire")

_END = b"\r\n.\r\n"
_PAUSE_READING = 262_144
_FLUSH = 16_384
_TRANSIENT = Rcpt(False, 451, "4.3.0 temporary failure, please try again")
_UNKNOWN = Rcpt(False, 550, "5.1.1 no such address here")
_FOREIGN = frozenset((b"GET", b"POST", b"PUT", b"HEAD", b"CONNECT", b"OPTIONS"))
_BEFORE_TLS = frozenset((b"EHLO", b"HELO", b"LHLO", b"STARTTLS", b"NOOP", b"QUIT", b"RSET"))
_OPTIONS = frozenset(("SIZE", "BODY", "SMTPUTF8"))
_BODIES = frozenset(("7BIT", "8BITMIME"))
_DIGITS = re.compile(r"[0-9]{1,20}\Z")


class _Gone(Exception):
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
    open: set["Conversation"] = field(default_factory=set)
    serial: "itertools.count[int]" = field(default_factory=itertools.count)
    epoch: str = ""
    stamp: tuple[int, str] = (-1, "")


class Conversation(SMTP):
    """One client. All methods run in the listener's event loop."""

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
        self._secure = False
        self._errors = 0
        self._idle_commands = 0
        self._greeted = b""
        self._born = loop.time()
        self._heard = self._born
        self._data_since = 0.0
        self._busy = False
        self._expired_at = 0.0
        self._mail_from: str | None = None
        self._rcpts: list[str] = []
        self._utf8 = False
        self._helo = ""

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
            transport.write(code + b" too many connections, please try later\r\n")
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
        return not self._secure

    def connection_lost(self, error: Exception | None) -> None:
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
        """Called about every second: send away who takes too long (RFC 5321 section 4.5.3.2)."""
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
        if self._data_since and now - self._data_since > limits.data_timeout:
            self._expire("timeout_data", now)
        elif now - self._heard > patience:
            self._expire("timeout_data" if self._data_since else "timeout_command", now)
        elif now - self._born > limits.session_timeout and self._mail_from is None:
            self._expire("timeout_session", now)

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
        """Send what is to be said, then wait for more from the client; raise _Gone when nothing can come."""
        await self._flush()
        if self._lost or self._eof or self._expired_at:
            raise _Gone
        if self._reading_paused:
            self._reading_paused = False
            self._wire.resume_reading()
        await self._pause()

    async def _pause(self) -> None:
        self._heard = self.loop.time()
        self._waiter = self.loop.create_future()
        await self._waiter

    async def _flush(self) -> None:
        if self._lost:
            raise _Gone
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

    # -- the conversation ----------------------------------------------------------------------------------

    async def _handle_client(self) -> None:
        try:
            if self.shared.settings.implicit_tls:
                await self._start_tls()
            kind = b"LMTP" if self.shared.settings.lmtp else b"ESMTP"
            self._say(b"220 %s %s" % (self.hostname.encode(), kind))
            while True:
                line = self._next_line()
                if line is None:
                    await self._more()
                else:
                    await self._obey(line)
                    if len(self._out) > _FLUSH:
                        await self._flush()
        except (_Gone, ConnectionError):
            pass
        except Exception:
            self.shared.counters["failed"] += 1
            log.exception("a conversation failed")
            self._out += b"421 4.3.0 temporary failure, closing\r\n"
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._out and not self._lost:
            self._wire.write(bytes(self._out))
        self._wire.close()
        self.shared.open.discard(self)
        self.shared.gate.leave(self.peer, self.trusted)

    async def _obey(self, line: bytes) -> None:
        """Carry out one command line."""
        if not line:
            self._refuse("refused_line_length", b"500 5.5.2 line too long")
        elif line[-2:] != b"\r\n" or b"\r" in line[:-2]:
            self._refuse("refused_bare_line_end", b"500 5.5.2 a line ends in CR LF")
        else:
            verb, _, arg = line[:-2].partition(b" ")
            await self._dispatch(verb.upper(), arg)
        if self.trusted:
            return
        if self._errors >= self.shared.settings.errors_limit:
            self._end("refused_errors", b"421 4.7.0 too many errors, closing")
        if self._idle_commands >= self.shared.settings.idle_commands_limit:
            self._end("refused_idle_commands", b"421 4.7.0 too many commands without a mail, closing")

    def _end(self, counter: str, words: bytes) -> None:
        if counter:
            self.shared.counters[counter] += 1
        self._say(words)
        raise _Gone

    async def _dispatch(self, verb: bytes, raw: bytes) -> None:
        command = _COMMANDS.get(verb)
        if command is None:
            if verb in _FOREIGN:
                self._end("refused_command", b"421 4.7.0 this is a mail server, closing")
            self._refuse("refused_command", b"500 5.5.1 unknown command")
            return
        if self.shared.settings.require_tls and not self._secure and verb not in _BEFORE_TLS:
            self._refuse("refused_tls_required", b"530 5.7.0 say STARTTLS first")
            return
        try:
            arg = raw.decode("utf-8").strip(" \t")
        except UnicodeDecodeError:
            self._refuse("refused_syntax", b"501 5.5.2 an argument is neither ASCII nor UTF-8")
            return
        try:
            await command(self, arg)
        except (_Gone, ConnectionError):
            raise
        except Exception:
            self.shared.counters["failed"] += 1
            log.exception("command %s failed", verb.decode("ascii", "replace"))
            self._say(b"451 4.3.0 temporary failure, please try again")
            self._forget()

    def _forget(self) -> None:
        self._mail_from = None
        self._rcpts = []
        self._utf8 = False

    # -- greetings -----------------------------------------------------------------------------------------

    async def smtp_HELO(self, hostname: str) -> None:
        """RFC 5321 section 4.1.1.1."""
        if self._greet(b"HELO", hostname):
            self._say(b"250 " + self.hostname.encode())

    async def smtp_EHLO(self, hostname: str) -> None:
        """RFC 5321 section 4.1.1.1, and LHLO of RFC 2033."""
        self._hello(b"EHLO", hostname)

    async def smtp_LHLO(self, hostname: str) -> None:
        """RFC 2033 section 4.1."""
        self._hello(b"LHLO", hostname)

    def _greet(self, verb: bytes, hostname: str) -> bool:
        if (verb == b"LHLO") != self.shared.settings.lmtp:
            wanted = b"LHLO" if self.shared.settings.lmtp else b"EHLO"
            self._refuse("refused_command", b"500 5.5.1 say " + wanted)
            return False
        if not hostname:
            self._refuse("refused_syntax", b"501 5.5.4 " + verb + b" wants a name")
            return False
        self._forget()
        self._idle_commands += 1
        self._greeted = verb
        self._helo = grammar.helo_name(hostname)
        return True

    def _hello(self, verb: bytes, hostname: str) -> None:
        if not self._greet(verb, hostname):
            return
        offers = [self.hostname, "PIPELINING", f"SIZE {self.shared.settings.size_limit}"]
        if self.shared.tls is not None and not self._secure:
            offers.append("STARTTLS")
        offers += ["ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"]
        for offer in offers[:-1]:
            self._say(b"250-" + offer.encode())
        self._say(b"250 " + offers[-1].encode())

    async def smtp_STARTTLS(self, arg: str) -> None:
        """RFC 3207. What was sent in clear behind the command is an injection: the client is sent away."""
        if arg:
            self._refuse("refused_syntax", b"501 5.5.4 STARTTLS takes no argument")
        elif self._secure or self.shared.tls is None:
            self._refuse(
                "refused_sequence", b"503 5.5.1 TLS is not to be had" if not self._secure else b"503 5.5.1 TLS is on"
            )
        elif self._buffer:
            self._end("refused_tls_injection", b"554 5.5.1 commands behind STARTTLS, closing")
        else:
            self._say(b"220 2.0.0 go ahead")
            await self._flush()
            # What slipped in before the handshake is not protected by it (RFC 3207 section 4.2).
            self._buffer.clear()
            await self._start_tls()
            self._forget()
            self._greeted = b""
            self._helo = ""

    async def _start_tls(self) -> None:
        assert self.shared.tls is not None
        try:
            secured = await self.loop.start_tls(
                self._wire, self, self.shared.tls, server_side=True, ssl_handshake_timeout=30
            )
        except OSError as error:
            self.shared.counters["tls_failed"] += 1
            self._lost = True
            raise _Gone from error
        if secured is None:
            raise _Gone
        self.transport = secured
        self._secure = True

    # -- the envelope --------------------------------------------------------------------------------------

    async def smtp_MAIL(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.2, with SIZE (1870), BODY (6152) and SMTPUTF8 (6531)."""
        if not self._greeted:
            self._refuse("refused_sequence", b"503 5.5.1 say EHLO first")
            return
        if self._mail_from is not None:
            self._refuse("refused_sequence", b"503 5.5.1 a mail is under way")
            return
        found = _after("FROM:", arg)
        if found is None:
            self._refuse("refused_syntax", b"501 5.5.4 say MAIL FROM:<address>")
            return
        address, options = found
        problem = self._judge_options(options) or self._judge_address(address)
        if problem:
            self._utf8 = False
            self._refuse(*problem)
            return
        if not self.trusted and not self.shared.gate.may_mail(self.peer, self.loop.time()):
            self._utf8 = False
            self._refuse("refused_mails_rate", b"450 4.7.1 too many mails, please slow down")
            return
        self._mail_from = address
        self._say(b"250 2.1.0 ok")

    def _judge_options(self, text: str) -> tuple[str, bytes] | None:
        options = grammar.parameters(text)
        if options is None:
            return "refused_syntax", b"501 5.5.4 malformed parameter"
        self._utf8 = "SMTPUTF8" in options
        size = options.get("SIZE", "0") or "?"
        if not _DIGITS.match(size):
            return "refused_syntax", b"501 5.5.4 malformed SIZE"
        if (options.get("BODY", "7BIT") or "?").upper() not in _BODIES or options.get("SMTPUTF8"):
            return "refused_syntax", b"501 5.5.4 BODY is 7BIT or 8BITMIME, SMTPUTF8 takes no value"
        if not options.keys() <= _OPTIONS:
            return "refused_syntax", b"555 5.5.4 unknown parameter"
        too_big = int(size) > self.shared.settings.size_limit
        return ("refused_size", b"552 5.3.4 the mail is too big") if too_big else None

    def _judge_address(self, address: str) -> tuple[str, bytes] | None:
        if not address.isascii() and not self._utf8:
            return "refused_syntax", b"553 5.6.7 a non-ASCII address needs SMTPUTF8"
        return None

    async def smtp_RCPT(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.3. Who is known here is the accept port's business."""
        if self._mail_from is None:
            self._refuse("refused_sequence", b"503 5.5.1 say MAIL first")
            return
        found = _after("TO:", arg)
        if found is None or not found[0]:
            self._refuse("refused_syntax", b"501 5.1.3 say RCPT TO:<address>")
            return
        address, options = found
        if options:
            self._refuse("refused_syntax", b"555 5.5.4 unknown parameter")
            return
        problem = self._judge_address(address)
        if problem:
            self._refuse(*problem)
            return
        if len(self._rcpts) >= self.shared.settings.recipients_limit:
            self.shared.counters["refused_recipients_limit"] += 1
            self._say(b"452 4.5.3 too many recipients, send the rest in another mail")
            return
        verdict = self._judge_recipient(address)
        if verdict.ok:
            self._rcpts.append(address)
            self._say(b"250 2.1.5 ok")
        else:
            text = " ".join(verdict.text.split())
            self._refuse("refused_recipient", f"{verdict.code} {text}".encode())

    def _judge_recipient(self, address: str) -> Rcpt:
        try:
            return self.shared.accept(address, self._envelope()) or _UNKNOWN
        except Exception:
            self.shared.counters["failed"] += 1
            log.exception("the accept port failed")
            return _TRANSIENT

    def _envelope(self) -> Envelope:
        return Envelope(self._mail_from or "", tuple(self._rcpts), self.peer, self._helo)

    # -- the data ------------------------------------------------------------------------------------------

    async def smtp_DATA(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.4. The `250` follows the commit; LMTP answers for each recipient (RFC 2033)."""
        if arg:
            self._refuse("refused_syntax", b"501 5.5.4 DATA takes no argument")
            return
        if self._mail_from is None:
            self._refuse("refused_sequence", b"503 5.5.1 say MAIL first")
            return
        if not self._rcpts:
            self._refuse("refused_sequence", b"503 5.5.1 no valid recipients")
            return
        if self.shared.held > self.shared.settings.memory_limit:
            self._refuse("refused_memory", b"452 4.3.1 too much mail at once, please try again")
            self._forget()
            return
        self._say(b"354 end with a dot on a line of its own")
        body = await self._read_data()
        if isinstance(body, bytes):
            words = await self._keep(body)
        else:
            counter, words = body
            self.shared.counters[counter] += 1
            self._errors += 1
        for _ in self._rcpts if self.shared.settings.lmtp else (None,):
            self._say(words)
        self._forget()
        self._idle_commands = 0
        if self.shared.closing:
            self._end("", b"421 4.3.2 closing")

    async def _read_data(self) -> bytes | tuple[str, bytes]:
        """The data with dots unstuffed, or the counter and words of a refusal. Reads to the final dot in any case."""
        # The CR LF of the DATA command opens the data, so that a dot right at its start is found as any other.
        buffer = self._buffer
        buffer[:0] = b"\r\n"
        shared, limits = self.shared, self.shared.settings
        refusal: tuple[str, bytes] | None = None
        scanned = held = dropped = 0
        self._reading_data = True
        self._data_since = self.loop.time()
        try:
            while (end := buffer.find(_END, scanned)) < 0:
                if refusal is None and len(buffer) > limits.size_limit + 7:
                    refusal = "refused_size", b"552 5.3.4 the mail is too big"
                elif refusal is None and shared.held > limits.memory_limit:
                    refusal = "refused_memory", b"452 4.3.1 too much mail at once, please try again"
                if refusal is not None:
                    dropped += len(buffer) - 4
                    del buffer[:-4]
                    if dropped > 4 * limits.size_limit:
                        self._end(*refusal)
                shared.held += len(buffer) - held
                held = len(buffer)
                scanned = max(0, held - 4)
                await self._more()
            data = bytes(buffer[: end + 2])
            del buffer[: end + 5]
        except _Gone:
            shared.counters["hangup_in_data"] += refusal is None
            raise
        finally:
            shared.held -= held
            self._reading_data = False
            self._data_since = 0.0
            self._scanned = 0
        return refusal or self._judge_data(data)

    def _judge_data(self, data: bytes) -> bytes | tuple[str, bytes]:
        limits = self.shared.settings
        if len(data) - 2 > limits.size_limit:
            return "refused_size", b"552 5.3.4 the mail is too big"
        ends = data.count(b"\r\n")
        if data.count(b"\n") != ends or data.count(b"\r") != ends:
            return "refused_bare_line_end", b"554 5.5.2 bare CR or LF in the data (RFC 5321 section 2.3.8)"
        if longer_than(data, limits.line_limit):
            return "refused_line_length", b"554 5.6.0 a line of the data is too long"
        if b"\r\n." in data:
            data = data.replace(b"\r\n.", b"\r\n")
        data = data[2:]
        if loops(data, limits.received_limit, limits.loop_marks):
            return "refused_loop", b"554 5.4.6 this mail goes round in a loop"
        return data

    async def _keep(self, body: bytes) -> bytes:
        """Hand the mail to the store and wait for the commit. The words of the reply."""
        shared = self.shared
        name = f"{shared.epoch}.{next(shared.serial):x}"
        received = Received(self._envelope(), self._trace(name) + body)
        size = len(received.data)
        shared.held += size
        self._busy = True
        try:
            await self._flush_quietly()
            kept = await shared.committer.submit(received)
        finally:
            self._busy = False
            self._heard = self.loop.time()
            shared.held -= size
        if not kept:
            return b"451 4.3.0 the mail could not be stored, please try again"
        shared.counters["mails"] += 1
        shared.counters["octets"] += size
        return b"250 2.0.0 stored as " + name.encode()

    async def _flush_quietly(self) -> None:
        """Send earlier replies; a client that is gone by now does not stop its mail from being stored."""
        if self._out and not self._lost:
            self._wire.write(bytes(self._out))
        self._out.clear()

    def _trace(self, name: str) -> bytes:
        """Our `Received` line (RFC 5321 section 4.4); `for` only where it tells nothing of other recipients."""
        shared = self.shared
        moment = shared.settings.now()
        second = int(moment.timestamp())
        if shared.stamp[0] != second:
            shared.stamp = (second, format_datetime(moment))
        protocol = "LMTP" if shared.settings.lmtp else "ESMTP" if self._greeted == b"EHLO" else "SMTP"
        if self._utf8:
            protocol = "UTF8" + protocol.removeprefix("E")
        if self._secure:
            protocol += "S"
        peer = f"[IPv6:{self.peer}]" if ":" in self.peer else f"[{self.peer}]"
        line = f"Received: from {self._helo} ({peer})\r\n\tby {self.hostname} with {protocol} id {name}"
        if len(self._rcpts) == 1:
            line += f"\r\n\tfor <{self._rcpts[0]}>"
        return f"{line}; {shared.stamp[1]}\r\n".encode()

    # -- the rest ------------------------------------------------------------------------------------------

    async def smtp_RSET(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.5."""
        self._idle_commands += 1
        self._forget()
        self._say(b"250 2.0.0 ok")

    async def smtp_NOOP(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.9."""
        self._idle_commands += 1
        self._say(b"250 2.0.0 ok")

    async def smtp_VRFY(self, arg: str | None) -> None:
        """RFC 5321 section 3.5.3: says nothing about who is known."""
        self._idle_commands += 1
        self._say(b"252 2.5.0 send a mail and see")

    async def smtp_EXPN(self, arg: str | None) -> None:
        """Subscribers are nobody's business (RFC 5321 section 7.3)."""
        self._refuse("refused_command", b"502 5.5.1 not done here")

    async def smtp_HELP(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.8."""
        self._idle_commands += 1
        self._say(b"214 2.0.0 this is a mail server (RFC 5321)")

    async def smtp_AUTH(self, arg: str | None) -> None:
        """Not offered: nobody sends through us."""
        self._refuse("refused_command", b"502 5.5.1 not done here")

    async def smtp_QUIT(self, arg: str | None) -> None:
        """RFC 5321 section 4.1.1.10."""
        self._end("", b"221 2.0.0 bye")


def _after(keyword: str, arg: str | None) -> tuple[str, str] | None:
    """The address and parameters after `FROM:` or `TO:`."""
    if not arg or arg[: len(keyword)].upper() != keyword:
        return None
    return grammar.path(arg[len(keyword) :])


def longer_than(data: bytes, limit: int) -> bool:
    """Whether a line (its CR LF apart) exceeds the limit. Looks at few octets: it hops from line to line."""
    position, size = 0, len(data)
    while size - position > limit:
        end = data.rfind(b"\n", position, position + limit + 2)
        if end < 0:
            return True
        position = end + 1
    return False


def loops(data: bytes, limit: int, marks: tuple[str, ...]) -> bool:
    """Whether the header has more than `limit` Received lines or a line that only our own mail has."""
    end = data.find(b"\r\n\r\n")
    head = data if end < 0 else data[:end]
    if len(head) > limit * len(b"received:\r\n"):
        lines = b"\n" + head.lower()
        if lines.count(b"\nreceived:") > limit:
            return True
    return any(b"\n" + mark.lower().encode() + b"\r" in b"\n" + head.lower() + b"\r" for mark in marks)


_Command = Callable[[Conversation, str], Awaitable[Any]]
_COMMANDS: dict[bytes, _Command] = {
    b"HELO": Conversation.smtp_HELO,
    b"EHLO": Conversation.smtp_EHLO,
    b"LHLO": Conversation.smtp_LHLO,
    b"STARTTLS": Conversation.smtp_STARTTLS,
    b"MAIL": Conversation.smtp_MAIL,
    b"RCPT": Conversation.smtp_RCPT,
    b"DATA": Conversation.smtp_DATA,
    b"RSET": Conversation.smtp_RSET,
    b"NOOP": Conversation.smtp_NOOP,
    b"VRFY": Conversation.smtp_VRFY,
    b"EXPN": Conversation.smtp_EXPN,
    b"HELP": Conversation.smtp_HELP,
    b"AUTH": Conversation.smtp_AUTH,
    b"QUIT": Conversation.smtp_QUIT,
}
