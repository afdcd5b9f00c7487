"""What goes over the wire and what comes of it, as values: the port between flows and sockets.

`Carry` is the one verb of that port: take letters as they are wanted, hand outcomes over in batches. The next
letter on a connection is finished only after `record` returned for the one before it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """One composed mail for one recipient. `data` has CRLF line ends and is not yet dot-stuffed.

    `ours` is asked just before the mail goes over the wire: False when its lease is so nearly over that another worker
    might send it meanwhile; then it is left alone.
    """

    id: int
    mail_from: str
    rcpt_to: str
    data: bytes
    needs_utf8: bool = False
    ours: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a letter in one attempt. Neither accepted nor permanent means: try again later.

    `code` is the server's (0 when it said nothing), `enhanced` its RFC 3463 code or ''. `unknown`: the connection was
    lost after the final dot and before the answer, so the server may have taken the mail. `seconds` is the time
    from the first command to the answer; `relay` names the server.
    """

    id: int
    accepted: bool
    permanent: bool = False
    code: int = 0
    enhanced: str = ""
    text: str = ""
    seconds: float = 0.0
    unknown: bool = False
    relay: str = ""


Record = Callable[[Sequence[Outcome]], None]
"""Makes outcomes durable before it returns. Called in a thread of its own, never twice at once."""

Carry = Callable[[Iterator[Letter], Record], None]
