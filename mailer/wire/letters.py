"""The values and ports of the sending side, and the making of wire bytes from a letter. Pure.

`pack` raises ValueError for what must never reach a socket: bare CR or LF, lines above 998 octets
(RFC 5322 section 2.1.1), addresses that could end a command early.
"""

import os
import re
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from mailer.letter import Letter, Outcome
from mailer.wire.content import bare_line_end, longer_than

LINE_LIMIT = 998
_LEADING_DOT = re.compile(rb"\n\.")  # in a mail without any it is found out quicker than by `in`
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,254}\Z")


TlsMode = Literal["none", "opportunistic", "required", "implicit"]


@dataclass(frozen=True, slots=True)
class Relay:
    """A smart host. `weight` shares the connections among relays; weight 0 is used only when all others are down.

    `opportunistic` TLS takes what it gets (RFC 7435); `required` and `implicit` check the certificate against `ca_file`
    or the system's, unless `verify` is off. A password is never sent in clear unless `plain_auth` says that the way
    there is trusted. `requiretls` asks, where that is offered, that every server on the way uses TLS (RFC 8689).
    """

    host: str
    port: int = 25
    tls: TlsMode = "opportunistic"
    weight: int = 1
    user: str = ""
    password: str = ""
    plain_auth: bool = False
    verify: bool = True
    requiretls: bool = False
    ca_file: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def name(self) -> str:
        """`host:port`, as outcomes and reports name it."""
        return f"{self.host}:{self.port}"

    @property
    def checks(self) -> bool:
        """Whether the relay must prove its name."""
        return self.verify and self.tls in {"required", "implicit"}


@dataclass(frozen=True, slots=True)
class CourierSettings:
    """How a courier behaves. Times are seconds; the defaults of RFC 5321 section 4.5.3.2.

    `per_connection` is the number of mails after which a connection is replaced. `ahead` is how many letters are
    drawn from the iterator before a connection asks for them. `dsn_notify` (such as `FAILURE`) is sent where DSN is
    offered.
    """

    helo: str = "localhost"
    connections: int = 10
    per_connection: int = 1000
    ahead: int = 64
    pipelining: bool = True
    connect_timeout: float = 30.0
    greeting_timeout: float = 300.0
    command_timeout: float = 300.0
    data_timeout: float = 120.0
    block_timeout: float = 180.0
    dot_timeout: float = 600.0
    idle_timeout: float = 60.0
    relay_rest: float = 30.0
    dsn_notify: str = ""


@dataclass(frozen=True, slots=True)
class CarryReport:
    """Sums of one `carry`: outcomes by kind (an unknown one is temporary too), connections opened, seconds."""

    accepted: int
    temporary: int
    permanent: int
    unknown: int
    connections: int
    seconds: float


@dataclass(slots=True)
class Parcel:
    """A letter ready for the wire: `body` is dot-stuffed and ends in CR LF, without the final dot."""

    letter: Letter
    body: bytes
    eight_bit: bool
    utf8: bool
    fault: Outcome | None = None
    tries: int = 0
    started: float = 0.0


def pack(letter: Letter) -> Parcel:
    """The parcel of a letter. ValueError says why it can not be sent."""
    for address in (letter.mail_from, letter.rcpt_to):
        if address and not _ADDRESS.match(address):
            raise ValueError("an address has characters that SMTP forbids, or is too long")
    if not letter.rcpt_to:
        raise ValueError("there is no recipient")
    utf8 = letter.needs_utf8 or not (letter.mail_from.isascii() and letter.rcpt_to.isascii())
    return Parcel(letter, stuff(letter.data), not letter.data.isascii(), utf8)


def stuff(data: bytes) -> bytes:
    """`data` dot-stuffed (RFC 5321 section 4.5.2), ending in CR LF. ValueError for bare CR or LF and long lines."""
    if bare_line_end(data):
        raise ValueError("the mail has a bare CR or LF (RFC 5321 section 2.3.8)")
    if longer_than(data, LINE_LIMIT):
        raise ValueError(f"the mail has a line above {LINE_LIMIT} octets (RFC 5322 section 2.1.1)")
    if _LEADING_DOT.search(data):
        data = data.replace(b"\r\n.", b"\r\n..")
    if data.startswith(b"."):
        data = b"." + data
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def client_context(relay: Relay) -> ssl.SSLContext:
    """TLS towards a relay: 1.2 and newer; checked unless opportunistic. OSError or ssl.SSLError for bad files.

    Files that were written anew are read again.
    """
    named = (relay.ca_file, relay.certificate, relay.key)
    return _context(relay, tuple(os.stat(name).st_mtime_ns for name in named if name))


@lru_cache(maxsize=16)
def _context(relay: Relay, stamp: tuple[int, ...]) -> ssl.SSLContext:
    del stamp
    context = ssl.create_default_context(cafile=relay.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not relay.checks:
        # RFC 7435: the alternative is clear text, so an unknown certificate is no reason to fall back to it.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if relay.certificate:
        context.load_cert_chain(relay.certificate, relay.key or None)
    return context
