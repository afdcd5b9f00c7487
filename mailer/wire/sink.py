"""A mail server that catches everything: for the playground, the tests and the benchmarks.

It speaks real SMTP with PIPELINING. Local parts provoke outcomes: `tempfail` 451 (`tempfail-once` only the first time),
`permfail` 550, `slow` an answer after some seconds. A `fault` makes it misbehave as real servers do. It keeps what it
was sent in `mails`, as an independent witness. An exception of `on_mail` reads `451` and is logged.
"""
# ruff: noqa: ARG002 - every command takes an argument, some have no use for it

import asyncio
import base64
import binascii
import logging
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mailer.message import Envelope

log = logging.getLogger("tidings.wire")

_END = b"\r\n.\r\n"
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r\n[ \t]+)?([^\r\n]*)", re.IGNORECASE | re.MULTILINE)

STALL = "stall"
"""Fault: never answer."""
DROP = "drop"
"""Fault: hang up instead of answering; a mail whose data is complete has been taken."""
LOSE = "lose"
"""Fault: hang up and forget the mail."""

OnMail = Callable[[Envelope, bytes], None]
Fault = Callable[[str, int], str | None]
"""Called with the moment (`connect`, a verb, or `dot`) and the number of mails caught so far.

Returns None for good behaviour, STALL, DROP, LOSE, or a reply line such as `421 4.3.2 closing` (421 then hangs up)."""


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """What the sink offers. Times are seconds. `users` are the names and passwords that AUTH takes."""

    host: str = "127.0.0.1"
    port: int = 0
    hostname: str = "sink.invalid"
    pipelining: bool = True
    smtputf8: bool = True
    eight_bit: bool = True
    enhanced: bool = True
    dsn: bool = False
    size_limit: int = 0
    slow: float = 3.0
    delay: float = 0.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    implicit_tls: bool = False
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    remember: bool = True
    clear_behind_starttls: bytes = b""


@dataclass(frozen=True, slots=True)
class Caught:
    """One mail as the witness remembers it."""

    envelope: Envelope
    message_id: str
    size: int
    connection: int


class Sink:
    """A catching server in a thread of its own."""

    def __init__(
        self,
        on_mail: OnMail | None = None,
        settings: SinkSettings | None = None,
        fault: Fault | None = None,
    ) -> None:
        self.settings = settings or SinkSettings()
        self.on_mail = on_mail
        self.fault = fault
        self.counts: Counter[str] = Counter()
        self.mails: list[Caught] = []
        self.refused_once: set[str] = set()
        self.visits: set[_Visit] = set()
        self._port = 0
        self.loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it is bound to; 0 before it was started."""
        return self._port

    @property
    def message_ids(self) -> list[str]:
        """The Message-ID of every mail caught, in order."""
        return [mail.message_id for mail in self.mails]

    def start(self) -> None:
        """Serve from a thread; returns when the port is bound. OSError when it cannot be."""
        server = self.loop.run_until_complete(
            self.loop.create_server(lambda: _Visit(self), self.settings.host, self.settings.port, backlog=512)
        )
        self._port = server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self.loop.run_forever, name="tidings-sink", daemon=True)
        self._thread.start()
        self._server = server

    def stop(self) -> None:
        """Hang up everywhere and end the thread."""
        if self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self._thread = None
        self.loop.close()

    async def _close(self) -> None:
        self._server.close()
        for visit in list(self.visits):
            visit.hang_up()
        await asyncio.sleep(0)


class _Visit(asyncio.Protocol):
    """One client."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._settings = sink.settings
        self._buffer = bytearray()
        self._scanned = 0
        self._out = bytearray()
        self._in_data = False
        self._blocked = False
        self._secure = False
        self._helo = ""
        self._mail_from: str | None = None
        self._rcpts: list[str] = []
        self._login: list[str] | None = None
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self._number = 0
        self._handshake: asyncio.Task[None] | None = None

    # -- the transport's side ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sink.visits.add(self)
        self._sink.counts["connections"] += 1
        self._number = self._sink.counts["connections"]
        self._peer = str(transport.get_extra_info("peername")[0])
        if self._settings.implicit_tls:
            self._blocked = True
            self._handshake = self._sink.loop.create_task(self._start_tls(greet=True))
        else:
            self._greet()

    def _greet(self) -> None:
        if not self._misbehave("connect"):
            self._say(f"220 {self._settings.hostname} ESMTP")
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Go on with the conversation."""
        self._buffer += data
        if not self._blocked:
            self._advance()

    def eof_received(self) -> bool:
        """The client hangs up."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It has."""
        self._blocked = True
        self._sink.visits.discard(self)

    def hang_up(self) -> None:
        """Close without a word."""
        self._blocked = True
        if self._transport is not None:
            self._transport.abort()

    def _advance(self) -> None:
        while not self._blocked and (self._take_data() if self._in_data else self._take_line()):
            pass
        self._flush()

    def _take_line(self) -> bool:
        end = self._buffer.find(b"\n")
        if end < 0:
            return False
        line = bytes(self._buffer[:end]).rstrip(b"\r").decode("utf-8", "replace")
        del self._buffer[: end + 1]
        if self._login is not None:
            self._take_secret(line)
            return True
        verb, _, arg = line.partition(" ")
        verb = verb.upper()
        self._sink.counts[verb] += 1
        if not self._misbehave(verb):
            command = _COMMANDS.get(verb)
            if command is None:
                self._say("500 5.5.1 unknown command")
            else:
                command(self, arg)
        return True

    def _take_data(self) -> bool:
        end = self._buffer.find(_END, self._scanned)
        if end < 0:
            self._scanned = max(0, len(self._buffer) - 4)
            return False
        data = bytes(self._buffer[: end + 2])
        del self._buffer[: end + 5]
        self._in_data = False
        self._scanned = 0
        if b"\r\n." in data:
            data = data.replace(b"\r\n.", b"\r\n")
        self._catch(data[2:])
        return True

    # -- answers -------------------------------------------------------------------------------------------

    def _say(self, words: str) -> None:
        if not self._settings.enhanced and words[3] in " -" and words[4:5] in {"2", "4", "5"}:
            words = words[:4] + words[4:].partition(" ")[2]
        self._out += words.encode() + b"\r\n"

    def _flush(self) -> None:
        if self._out and self._transport is not None:
            if self._settings.delay:
                self._sink.loop.call_later(self._settings.delay, self._transport.write, bytes(self._out))
            else:
                self._transport.write(bytes(self._out))
            self._out.clear()

    def _misbehave(self, moment: str) -> bool:
        """Act out a fault, if there is one for this moment."""
        fault = self._sink.fault and self._sink.fault(moment, self._sink.counts["mails"])
        if not fault:
            return False
        self._sink.counts["faults"] += 1
        if fault == STALL:
            self._blocked = True
        elif fault in {DROP, LOSE}:
            self._flush()
            self._blocked = True
            assert self._transport is not None
            self._transport.close()
        else:
            self._say(fault)
            self._forget()
            if fault.startswith("421"):
                self._end()
        return True

    def _end(self) -> None:
        self._flush()
        self._blocked = True
        assert self._transport is not None
        self._transport.close()

    def _later(self, words: str) -> None:
        """Answer after a while; nothing else is heard until then."""
        self._blocked = True

        def answer() -> None:
            self._blocked = self._transport is None or self._transport.is_closing()
            self._say(words)
            self._advance()

        self._sink.loop.call_later(self._settings.slow, answer)

    def _forget(self) -> None:
        self._mail_from = None
        self._rcpts = []

    # -- commands ------------------------------------------------------------------------------------------

    def helo(self, arg: str) -> None:
        """HELO."""
        self._helo = arg
        self._forget()
        self._say("250 " + self._settings.hostname)

    def ehlo(self, arg: str) -> None:
        """EHLO with what the settings offer."""
        self._helo = arg
        self._forget()
        offers = [
            ("PIPELINING", self._settings.pipelining),
            (f"SIZE {self._settings.size_limit}", self._settings.size_limit > 0),
            ("8BITMIME", self._settings.eight_bit),
            ("SMTPUTF8", self._settings.smtputf8),
            ("DSN", self._settings.dsn),
            ("ENHANCEDSTATUSCODES", self._settings.enhanced),
            ("STARTTLS", self._settings.tls is not None and not self._secure),
            ("AUTH PLAIN LOGIN", bool(self._settings.users)),
        ]
        words = [self._settings.hostname, *(word for word, offered in offers if offered)]
        for word in words[:-1]:
            self._out += f"250-{word}\r\n".encode()
        self._out += f"250 {words[-1]}\r\n".encode()

    def mail(self, arg: str) -> None:
        """MAIL."""
        if self._mail_from is not None:
            self._say("503 5.5.1 a mail is under way")
            return
        self._mail_from = _address(arg)
        if self._settings.users and "login" not in self._sink.counts:
            self._say("530 5.7.0 authenticate first")
            return
        self._say("250 2.1.0 ok")

    def rcpt(self, arg: str) -> None:
        """RCPT; the local part may ask for trouble."""
        if self._mail_from is None:
            self._say("503 5.5.1 say MAIL first")
            return
        address = _address(arg)
        local = address.lower()
        if local.startswith("tempfail-once"):
            if local not in self._sink.refused_once:
                self._sink.refused_once.add(local)
                self._say("451 4.7.1 not now, please try again")
                return
        elif local.startswith("tempfail"):
            self._say("451 4.7.1 not now, please try again")
            return
        elif local.startswith("permfail"):
            self._say("550 5.1.1 nobody has this address")
            return
        self._rcpts.append(address)
        if local.startswith("slow"):
            self._later("250 2.1.5 ok, after some thought")
        else:
            self._say("250 2.1.5 ok")

    def data(self, arg: str) -> None:
        """DATA."""
        if not self._rcpts:
            self._say("503 5.5.1 nobody to send it to")
            return
        self._say("354 go on")
        self._buffer[:0] = b"\r\n"
        self._scanned = 0
        self._in_data = True

    def _catch(self, data: bytes) -> None:
        sink, envelope = self._sink, Envelope(self._mail_from or "", tuple(self._rcpts), self._peer, self._helo)
        self._forget()
        fault = sink.fault("dot", sink.counts["mails"]) if sink.fault else None
        sink.counts["faults"] += fault is not None
        if fault and fault not in {DROP, STALL}:
            if fault != LOSE:
                self._say(fault)
            if fault == LOSE or fault.startswith("421"):
                self._end()
            return
        try:
            if sink.on_mail is not None:
                sink.on_mail(envelope, data)
        except Exception:
            log.exception("the sink could not keep a mail")
            self._say("451 4.3.0 could not keep it")
            return
        sink.counts["mails"] += 1
        if self._settings.remember:
            match = _MESSAGE_ID.search(data)
            name = match.group(1).decode("ascii", "replace").strip() if match else ""
            sink.mails.append(Caught(envelope, name, len(data), self._number))
        if fault:
            if fault == DROP:
                self._end()
            self._blocked = True
            return
        self._say("250 2.0.0 caught")

    def starttls(self, arg: str) -> None:
        """STARTTLS."""
        if self._settings.tls is None or self._secure:
            self._say("502 5.5.1 not done here")
            return
        self._out += b"220 2.0.0 go ahead\r\n" + self._settings.clear_behind_starttls
        self._flush()
        self._blocked = True
        self._handshake = self._sink.loop.create_task(self._start_tls(greet=False))

    async def _start_tls(self, *, greet: bool) -> None:
        assert self._transport is not None
        assert self._settings.tls is not None
        try:
            secured = await self._sink.loop.start_tls(self._transport, self, self._settings.tls, server_side=True)
        except OSError:
            self._sink.counts["tls_failed"] += 1
            self._sink.visits.discard(self)
            return
        if secured is None:
            return
        self._transport = secured
        self._secure = True
        self._sink.counts["tls"] += 1
        self._blocked = False
        if greet:
            self._greet()
        self._advance()

    def auth(self, arg: str) -> None:
        """AUTH PLAIN and LOGIN."""
        mechanism, _, initial = arg.partition(" ")
        if mechanism.upper() == "PLAIN":
            _, _, rest = _decoded(initial).partition("\0")
            user, _, password = rest.partition("\0")
            self._admit(user, password)
        elif mechanism.upper() == "LOGIN":
            self._login = []
            self._say("334 VXNlcm5hbWU6")
        else:
            self._say("504 5.5.4 unknown mechanism")

    def _take_secret(self, line: str) -> None:
        assert self._login is not None
        self._login.append(_decoded(line))
        if len(self._login) == 2:
            user, password = self._login
            self._login = None
            self._admit(user, password)
        else:
            self._say("334 UGFzc3dvcmQ6")

    def _admit(self, user: str, password: str) -> None:
        if self._settings.users.get(user) == password and user:
            self._sink.counts["login"] += 1
            self._say("235 2.7.0 welcome")
        else:
            self._say("535 5.7.8 wrong name or password")

    def rset(self, arg: str) -> None:
        """RSET."""
        self._forget()
        self._say("250 2.0.0 ok")

    def noop(self, arg: str) -> None:
        """NOOP."""
        self._say("250 2.0.0 ok")

    def quit(self, arg: str) -> None:
        """QUIT."""
        self._say("221 2.0.0 bye")
        self._end()


def _address(arg: str) -> str:
    return arg[arg.find("<") + 1 : arg.find(">")] if "<" in arg and ">" in arg else arg.partition(":")[2].strip()


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


_COMMANDS: dict[str, Callable[[_Visit, str], None]] = {
    "HELO": _Visit.helo,
    "EHLO": _Visit.ehlo,
    "MAIL": _Visit.mail,
    "RCPT": _Visit.rcpt,
    "DATA": _Visit.data,
    "RSET": _Visit.rset,
    "NOOP": _Visit.noop,
    "QUIT": _Visit.quit,
    "STARTTLS": _Visit.starttls,
    "AUTH": _Visit.auth,
}
