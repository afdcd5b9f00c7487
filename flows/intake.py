"""The way of a mail from the listener to the database.

On a server each batch is one commit (`inbound.store`). Where the database is a file, one writer works at a time; so
mails go into a spool beside it, which is where `250` is said, and a thread brings them home. What a listener left
behind that was killed is brought home by `rescue`: each mail once.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from db import inbound, spool
from db.engine import DatabaseUnavailable, Lane
from db.inbound import Arrived
from db.journal import Act
from db.spool import Spool
from flows.engine import Engine
from flows.failpoint import Failpoint
from flows.inbound import STORED, store
from mailer.message import Envelope

log = logging.getLogger("tidings.inbound")

HOME = Failpoint("intake.home")

GATHER = 0.1  # seconds in which mails gather that go home together
RETRY = 5.0  # seconds until a database is asked again that could not be written


class Intake:
    """Keeps what one listener takes. `keep` belongs to the listener's thread, the rest to anybody."""

    def __init__(self, engine: Engine, worker: str, clock: Callable[[], datetime]) -> None:
        """Raises OSError where the folder of the spool cannot be made or written."""
        self._engine, self._clock = engine, clock
        self._spool = Spool(spool.folder_of(engine.db.path), worker) if engine.db.path is not None else None
        self._came, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidings-home", daemon=True)
        if self._spool is not None:
            self._thread.start()

    def keep(self, batch: Sequence[tuple[Envelope, bytes]]) -> None:
        """Keep mails, all or none: when this returns they are on the disk. Raises `DatabaseUnavailable`."""
        now = self._clock()
        if self._spool is None:
            store(self._engine, batch, act=Act("listener", now))
            return
        self._spool.put([Arrived(envelope, data, now) for envelope, data in batch])
        STORED.reach()
        self._came.set()

    def bring_home(self) -> None:
        """Have everything in the database that was kept until now. Raises `DatabaseUnavailable`."""
        if self._spool is None:
            return
        came = self._spool.came  # what comes meanwhile is for the next time, or there might be no end
        while self._spool.home < came:
            with self._spool.taken() as mails:
                if mails:  # somebody else may have been here first
                    with self._engine.db.write(Lane.INBOUND) as tx:
                        inbound.store(tx, mails, _keep(self._engine))
                    HOME.reach()

    def close(self) -> None:
        """Bring home what waits, and end. What cannot be brought home now stays for `rescue`."""
        if self._spool is None:
            return
        self._ended.set()
        self._came.set()
        self._thread.join()
        try:
            self.bring_home()
        except DatabaseUnavailable as error:
            log.error("mails stay in the spool: %s", error)
        self._spool.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._came.wait()
            self._came.clear()
            self._ended.wait(GATHER)
            try:
                self.bring_home()
            except DatabaseUnavailable as error:
                log.warning("mails wait in the spool: %s", error)
                self._ended.wait(RETRY)
                self._came.set()


def rescue(engine: Engine) -> int:
    """Bring home what listeners left that were killed; gives how many mails. Raises `DatabaseUnavailable`, OSError."""
    found = 0
    if engine.db.path is not None:
        for mails in spool.left(spool.folder_of(engine.db.path)):
            with engine.db.write(Lane.INBOUND) as tx:
                new = inbound.strange(tx, mails)
                if new:
                    inbound.store(tx, new, _keep(engine))
            found += len(new)
    return found


def _keep(engine: Engine) -> timedelta:
    return timedelta(days=engine.settings.raw_days)
