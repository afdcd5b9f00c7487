"""`tidings play`: start a playground, say what it did and where to look, stay up until it is told to stop."""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from app import logs
from app.playground import Playground, Wanted


@dataclass(frozen=True, slots=True)
class Started:
    """What a playground did on starting, and where to look."""

    process: str
    entries: int
    groups: int
    liaisons: int
    edition: int | None
    slot: str
    delivered: int
    waiting: int
    now: str
    viewer: str
    smtp: str
    config: str
    maildir: str


def run(wanted: Wanted, say: Callable[[Started], None]) -> None:
    """Play until SIGINT or SIGTERM. Raises `Refused` and OSError before anything was said."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    logs.configure("text", "warning")
    # While the clock jumps, the ticker's turns are left out on purpose; that is nothing to tell.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    playground = Playground(wanted)
    try:
        playground.start()
        say(started(playground))
        stopping.wait()
    finally:
        playground.stop()


def started(playground: Playground) -> Started:
    """What there is to say of a playground that runs."""
    status = playground.status()
    sums = dict(status.deliveries)
    edition = playground.doors.newest_edition()
    return Started(
        process=status.process,
        entries=status.entries,
        groups=status.groups,
        liaisons=status.liaisons,
        edition=edition.number if edition else None,
        slot=edition.slot_wall if edition else "",
        delivered=len(playground.mailbox),
        waiting=sum(sums.get(state, 0) for state in ("queued", "deferred", "held")),
        now=f"{playground.clock():%Y-%m-%d %H:%M} UTC",
        viewer=playground.url,
        smtp=status.smtp,
        config=str(playground.place.config),
        maildir=str(playground.place.folder / "Maildir"),
    )


def words(one: Started) -> list[str]:
    """The same for people, line by line."""
    host, _, port = one.smtp.partition(":")
    edition = f"digest no. {one.edition}, slot {one.slot}" if one.edition else "no digest yet"
    return [
        f"{one.process}: {one.entries} timeline entries, {one.groups} groups, {one.liaisons} liaisons",
        f"It is {one.now}. Built: {edition}; {one.delivered} mails delivered, {one.waiting} waiting.",
        "The timeline is real; the people and what they say are invented. No mail leaves this machine.",
        "",
        f"  Inbox viewer    {one.viewer}",
        f"  Inbound SMTP    {one.smtp}",
        f"  Caught mail     mutt -f {one.maildir}",
        f"  Write to it     swaks --server {host} --port {port} --to core@tidings.example --from ADDRESS --body TEXT",
        f"  Other commands  export TIDINGS_CONFIG={one.config}",
        "",
        "Ctrl-C stops it.",
    ]
