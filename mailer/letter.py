"""What goes over the wire and what comes of it, as values: the port between flows and sockets.

`Carry` is the one verb of that port: take letters as they are wanted, hand outcomes over in batches. The next
letter on a connection is finished only after `record` returned for the one before it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """One composed mail for one recipient. `data` has CRLF line ends and is not yet dot-stuffed."""

    id: int
    mail_from: str
    rcpt_to: str
    data: bytes
    needs_utf8: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a server said about one letter (RFC 5321 section 4.2.1, RFC 3463).

    Neither accepted nor permanent means temporary. `unknown`: the connection broke after the final dot, so the
    letter may or may not have been taken. `seconds` is how long the conversation took.
    """

    id: int
    accepted: bool
    permanent: bool
    code: int
    enhanced: str
    text: str
    unknown: bool = False
    seconds: float = 0.0


Record = Callable[[Sequence[Outcome]], None]
Carry = Callable[[Iterator[Letter], Record], None]
