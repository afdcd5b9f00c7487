"""When to try a letter again, as a function of its age alone: no counter that could be lost or repeated.

The delay grows with the age, so the tries spread out by themselves: 5 minutes at first, then an
eighth of the age, never more than 4 hours. Which failures are worth a try is one bit: permanent or not.
"""

from datetime import datetime, timedelta

FIRST = timedelta(minutes=5)
LONGEST = timedelta(hours=4)
ASCII_ONLY = "5.6.7"  # RFC 6531 section 3.5: the server does not carry addresses beyond ASCII


def delay(age: timedelta) -> timedelta:
    """How long to wait after a failed try of a letter of this age."""
    return min(max(FIRST, age / 8), LONGEST)


def next_try(first: datetime, now: datetime, give_up: timedelta) -> datetime | None:
    """The moment of the next try; None when the letter is given up.

    `first` is the moment of the first try. The last try falls at `first` + `give_up` or just
    before, never later (RFC 5321 section 4.5.4.1 asks for four to five days). Aware datetimes only.
    """
    age = max(now - first, timedelta(0))
    if age >= give_up:
        return None
    return min(now + delay(age), first + give_up)


def of_relay(reason: str) -> bool:
    """Whether a letter waits for another try because of the smart host, not its reader. `reason`: codes of a reply.

    Code 0: it was not reached, or not as it should be. What is refused for good and waits all the same is no fault of
    the letter, unless another address of the reader stands in.
    """
    return reason.startswith(("0 4.", "5")) and not reason.endswith(ASCII_ONLY)


def is_permanent(code: int) -> bool:
    """Is this SMTP code final? Anything but 5xx is worth another try; so is 0, a broken connection."""
    return 500 <= code <= 599
