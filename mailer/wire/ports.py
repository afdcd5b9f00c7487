"""The values and ports of the receiving side: what a listener is given and what it hands on.

Nothing here opens a socket. `Accept` and `Store` are implemented elsewhere and given in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mailer.message import Envelope


@dataclass(frozen=True, slots=True)
class Received:
    """One mail whose data has arrived in full: what SMTP said, and the bytes to keep.

    `data` has CR LF line ends, dots unstuffed, and our own `Received` line on top.
    """

    envelope: Envelope
    data: bytes


class Rcpt(NamedTuple):
    """The verdict on one recipient: `text` begins with an enhanced code (RFC 3463)."""

    ok: bool
    code: int
    text: str


Accept = Callable[[str, Envelope], Rcpt | None]
"""Judges a recipient from its address and the envelope so far. Pure, fast, no database.

None means that nobody here has this address: the client reads `550 5.1.1`. The address comes as written
(`postmaster` may lack a domain), without angle brackets and without a source route.
"""

Store = Callable[[Sequence[Received]], None]
"""Keeps a batch of mails. Called in one dedicated thread; when it returns, the batch is on disk.

An exception means that nothing of the batch is kept: every client of the batch reads `451 4.3.0`.
"""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificate chain and its key lie (PEM)."""

    certificate: Path
    key: Path


def utc_now() -> datetime:
    """The present moment, for the `Received` line of a listener that was given no clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """How a listener behaves. Times are seconds, sizes are octets, 0 means no limit where it says so.

    `trusted` names networks (`192.0.2.0/24`) of front servers: exempt from the limits on connections, rate and
    errors. `loop_marks` are header lines (`X-Loop: tidings`) that only our own mail has: RFC 5321 section 6.3. With
    three quarters of all places taken, all but the trusted have `stress_timeout` for a command, and their data comes at
    `stress_rate` octets a second at least.
    """

    host: str = "127.0.0.1"
    port: int = 0
    hostname: str = "localhost"
    lmtp: bool = False
    reuse_port: bool = False
    backlog: int = 512
    tls: TlsFiles | None = None
    implicit_tls: bool = False
    require_tls: bool = False
    trusted: tuple[str, ...] = ()
    xforward: bool = False
    loop_marks: tuple[str, ...] = ()
    size_limit: int = 26_214_400
    line_limit: int = 65_536
    command_limit: int = 1024
    recipients_limit: int = 100
    received_limit: int = 100
    connections_limit: int = 1000
    connections_per_address: int = 50
    connections_per_minute: int = 0
    mails_per_minute: int = 0
    errors_limit: int = 50
    idle_commands_limit: int = 200
    command_timeout: float = 300.0
    stress_timeout: float = 15.0
    stress_rate: float = 500.0
    data_timeout: float = 900.0
    session_timeout: float = 7200.0
    memory_limit: int = 268_435_456
    batch_limit: int = 500
    now: Callable[[], datetime] = field(default=utc_now, repr=False)


COUNTERS = (
    "connections",
    "mails",
    "octets",
    "batches",
    "refused_connections_total",
    "refused_connections_address",
    "refused_connections_rate",
    "refused_mails_rate",
    "refused_recipient",
    "refused_recipients_limit",
    "refused_size",
    "refused_memory",
    "refused_bare_line_end",
    "refused_line_length",
    "refused_loop",
    "refused_sequence",
    "refused_syntax",
    "refused_command",
    "refused_errors",
    "refused_idle_commands",
    "refused_tls_required",
    "refused_tls_injection",
    "tls_failed",
    "timeout_command",
    "timeout_data",
    "timeout_session",
    "hangup_in_data",
    "store_failed",
    "failed",
)
"""What a listener counts. A name here appears in `Listener.counters` from the start, at 0."""

WORK = ("connections", "mails", "octets", "batches")
"""Those of them that count what was done; all others count a limit that was met, or a fault."""

Counters = Mapping[str, int]
