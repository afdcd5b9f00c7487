"""One inbound SMTP or LMTP conversation: aiosmtpd's SMTP class with its reading, limits and replies replaced.

Why a subclass: stock aiosmtpd 1.4.6 reads DATA line by line, stops the work on a mail when the client hangs up,
bounces with the text of an exception, keeps bare CR and LF and answers LMTP once for all recipients. Here data is
read in chunks, a commit outlives its client, and every reply carries an enhanced code (RFC 2034).
Nothing is raised: a fault of ours is logged and reads `451 4.3.0`.
"""
# ruff: noqa: N802, ARG002 - aiosmtpd names its commands smtp_VERB and hands each one an argument

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from typing import Any

from mailer.message import Envelope
from mailer.wire import content, forward
from mailer.wire import path as grammar
from mailer.wire.ports import Rcpt, Received
from mailer.wire.stream import Gone, Stream

log = logging.getLogger("tidings.wire")

_END = b"\r\n.\r\n"
_FLUSH = 16_384
_TRANSIENT = Rcpt(False, 451, "4.3.0 temporary failure, please try again")
_UNKNOWN = Rcpt(False, 550, "5.1.1 no such address here")
_FOREIGN = frozenset((b"GET", b"POST", b"PUT", b"HEAD", b"CONNECT", b"OPTIONS"))
_BEFORE_TLS = frozenset((b"EHLO", b"HELO", b"LHLO", b"STARTTLS", b"NOOP", b"QUIT", b"RSET"))
_OPTIONS = frozenset(("SIZE", "BODY", "SMTPUTF8", "REQUIRETLS"))
_BODIES = frozenset(("7BIT", "8BITMIME"))
_DIGITS = re.compile(r"[0-9]{1,20}\Z")


class Conversation(Stream):
    """The commands. Those of RFC 5321 have aiosmtpd's names and replace its own."""

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
                        # Whoever sends thousands of commands at once lets others have their turn.
                        await asyncio.sleep(0)
        except (Gone, ConnectionError):
            pass
        except Exception:
            self.shared.counters["failed"] += 1
            log.exception("a conversation failed")
            self._out += b"421 4.3.0 temporary failure, closing\r\n"
        finally:
            self._leave()

    async def _obey(self, line: bytes) -> None:
        """Carry out one command line."""
        self._heard = self.loop.time()
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
        except (Gone, ConnectionError):
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
        self._client = forward.NOBODY

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
        if self._secure:
            offers.append("REQUIRETLS")  # RFC 8689: nothing to do but to promise it, the mail goes nowhere from here
        if self._believed:
            offers.append(f"XFORWARD {' '.join(forward.NAMES)}")
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
        self._securing = True  # a client may hang up in the same turn in which the handshake ends
        try:
            secured = await self.loop.start_tls(
                self._wire, self, self.shared.tls, server_side=True, ssl_handshake_timeout=30
            )
        except OSError as error:
            self.shared.counters["tls_failed"] += 1
            self._lost = True
            raise Gone from error
        if secured is None:
            raise Gone
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
        self._mail_since = self.loop.time()
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
        if "REQUIRETLS" in options and (options["REQUIRETLS"] or not self._secure):
            return "refused_tls_required", b"530 5.7.10 REQUIRETLS takes no value, and TLS"
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
        client, to = self._client, tuple(self._rcpts)
        if client.peer:
            return Envelope(self._mail_from or "", to, client.peer, client.helo, self.peer)
        return Envelope(self._mail_from or "", to, self.peer, self._helo)

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
        self._data_since = self._heard = self.loop.time()
        self._data_octets = len(buffer)
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
        except Gone:
            shared.counters["hangup_in_data"] += refusal is None
            raise
        finally:
            shared.held -= held
            self._reading_data = False
            self._data_since = 0.0
            self._scanned = 0
        return refusal or content.judge(data, limits)

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

    @property
    def _believed(self) -> bool:
        return self.trusted and self.shared.settings.xforward

    async def smtp_XFORWARD(self, arg: str | None) -> None:
        """Of the client that a front server took the next mail from (`mailer.wire.forward`)."""
        if not self._believed:
            self._refuse("refused_command", b"550 5.7.0 not believed from here")
        elif not self._greeted or self._mail_from is not None:
            self._refuse("refused_sequence", b"503 5.5.1 not now")
        elif (client := forward.merge(self._client, arg or "")) is None:
            self._refuse("refused_syntax", b"501 5.5.4 say XFORWARD NAME=value ...")
        else:
            self._client = client
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
    b"XFORWARD": Conversation.smtp_XFORWARD,
}
