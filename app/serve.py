"""The running service: its roles, each a loop or a server, started and stopped together.

Any number of programs may run any roles on one PostgreSQL; on SQLite one service runs them all, with its helpers.
"""

import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from types import FrameType
from typing import TYPE_CHECKING

import structlog

from app import logs, mark, sockets, wiring
from app.config import Config, ConfigError
from app.crew import Crew
from app.scheduler import Job, Ticker
from db import deployment, seals
from db.journal import Act
from flows import deliver as delivering
from flows import inbound, retain, schedule
from flows.engine import Engine
from flows.intake import Intake, rescue
from mailer.wire.courier import Courier
from mailer.wire.listener import Listener
from mailer.wire.ports import WORK

if TYPE_CHECKING:
    from app.web import WebServer
    from desk.web.site import Site

log = structlog.get_logger()

# Seconds for which a thread that computes keeps the interpreter from the others: who waits for a `250` waits for some
# twenty such turns while an edition is built.
BRIEF = 0.0005


class Role(StrEnum):
    """What a program does."""

    LISTEN = "listen"  # take mail in
    DELIVER = "deliver"  # send what is due
    SCHEDULE = "schedule"  # make drafts, approve, understand what came in
    WEB = "web"  # pages and links


DOOR = frozenset((Role.LISTEN, Role.WEB))  # somebody waits for an answer at these


def posts(roles: Iterable[Role], delivering: int) -> tuple[frozenset[Role], list[list[Role]]]:
    """What the program itself does, and what each program beside it: so many of all deliver, if any does.

    Nothing that computes for long is done where somebody waits at the door.
    """
    wanted = frozenset(roles)
    back = wanted - DOOR
    more = [[Role.DELIVER]] * (delivering - 1) if Role.DELIVER in wanted else []
    if wanted & DOOR and back:
        return wanted & DOOR, [sorted(back), *more]
    return wanted, more


class Service:
    """One program with its roles, and the crew that helps it deliver; `share` programs share its connections."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        roles: Iterable[Role],
        say: Callable[[str], None] = lambda _: None,
        *,
        crew: Crew | None = None,
        share: int = 1,
    ) -> None:
        self.config, self.engine, self.roles, self.say = config, engine, frozenset(roles), say
        self.clock = wiring.clock(config)
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.listener: Listener | None = None
        self._intake: Intake | None = None
        self._courier: Courier | None = None
        self._crew, self._share = crew, share
        self._web: WebServer | None = None
        self._pages: Site | None = None
        self._ticker: Ticker | None = None
        self._sign = wiring.signing(config)
        self._vouch = sockets.vouch(config)
        self._stopping = threading.Event()
        self._turn = threading.Lock()
        self._ticked = time.monotonic()  # when a turn of the scheduler last ended well

    def start(self) -> None:
        """Start every role; returns when its ports are bound."""
        jobs: dict[str, Job] = {"alive": self._alive}
        if Role.LISTEN in self.roles:
            sys.setswitchinterval(BRIEF)
            judge = inbound.gatekeeper(self.engine)
            self._intake = Intake(self.engine, self.worker, self.clock)
            self.listener = sockets.listener(self.config, self.engine, judge, self._intake.keep)
            self._bind(self.listener)
            self.say(f"listening for replies on {self.config.listen.host}:{self.listener.port}")
            jobs["door"] = judge.refresh
        if Role.WEB in self.roles:
            self._serve_pages()
        if Role.SCHEDULE in self.roles:
            jobs["schedule"] = self.tick
        if Role.DELIVER in self.roles:
            self._courier = sockets.courier(self.config, self._share)
            jobs["deliver"] = self.deliver
        older = self._look_back()
        if older is not None:
            self.say(f"NOTHING IS SENT: {older}. {mark.ADOPT}")
        if self._crew is not None:
            jobs["crew"] = self._crew.mend
        self._ticker = Ticker(jobs, self.config.tick_seconds, self._fault)
        self._ticker.start()
        self._ticker.poke()

    def _bind(self, listener: Listener) -> None:
        """Start the listener; what is in the way is named: the certificate, or the place."""
        listen = self.config.listen
        try:
            listener.start()
        except ssl.SSLError as error:
            says = f"{listen.tls.certificate} and {listen.tls.key} cannot be used: {error.reason or error}"
            raise ConfigError(f"listen.tls: {says}") from error
        except OSError as error:
            if error.filename or not error.errno:
                raise
            raise OSError(error.errno, os.strerror(error.errno), f"listen {listen.host}:{listen.port}") from error

    def _serve_pages(self) -> None:
        """Bind the port of the pages, and serve them."""
        from app.web import WebServer, bind  # not in programs without pages: its libraries take 16 MB
        from desk.web.site import site

        web = self.config.web
        bound = bind(web.host, web.port)
        self._pages = self.public_pages()
        self.say(f"pages on {web.host}:{bound.getsockname()[1]}, in mails as {web.base_url or 'nothing'}")
        self._web = WebServer(site(self._pages), bound, web.trusted)
        self._web.start()

    def public_pages(self) -> "Site":
        """The public pages of this program."""
        probes: dict[str, Callable[[], str]] = {}
        if Role.LISTEN in self.roles:
            probes["listener"] = self._listener_fault
        if Role.SCHEDULE in self.roles:
            probes["scheduler"] = self._scheduler_fault
        return sockets.public_pages(self.config, self.engine, self._now, probes, self._limits)

    def _now(self) -> datetime:
        return self.clock()

    def _listener_fault(self) -> str:
        """Why no mail can come in here; '' when the port answers."""
        if self.listener is None:
            return "the listener is not started"
        try:
            socket.create_connection((self.config.listen.host, self.listener.port), timeout=2).close()
        except OSError as error:
            return f"the listener's port does not answer: {error.strerror or error}"
        return ""

    def _scheduler_fault(self) -> str:
        """Why nothing happens by itself here; '' when a turn ended well not long ago."""
        silent = time.monotonic() - self._ticked
        return f"no turn of the scheduler ended well for {silent:.0f} seconds" if silent > self._patience else ""

    @property
    def _patience(self) -> float:
        return max(600.0, 10 * self.config.tick_seconds)

    def _limits(self) -> dict[str, int]:
        """Limits of the listener that were hit since it started."""
        counted = self.listener.counters if self.listener is not None else {}
        return {name: n for name, n in counted.items() if name not in WORK}

    def _met(self) -> dict[str, int]:
        """All limits of this program: of the listener and of the pages."""
        return self._pages.limits_hit() if self._pages is not None else self._limits()

    def run(self) -> None:
        """Start, wait for SIGINT or SIGTERM, stop."""

        def stop(number: int, frame: FrameType | None) -> None:
            del number, frame
            self._stopping.set()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        self.start()
        self._stopping.wait()
        self.stop()

    def finish(self) -> None:
        """From any thread: have `run` stop everything and return."""
        self._stopping.set()

    def stop(self) -> None:
        """Let what is under way end, then stop every role."""
        if self._crew is not None:
            self._crew.dismiss()
        if self._web is not None:
            self._web.stop()
        if self.listener is not None:
            self.listener.stop()
        if self._intake is not None:
            self._intake.close()
        if self._courier is not None:
            self._courier.halt()
        if self._ticker is not None:
            self._ticker.stop()
        if self._courier is not None:
            self._courier.close()
        if self._crew is not None:
            self._crew.wait()
        with self.engine.db.write() as tx:
            deployment.gone(tx, self.worker)

    def tick(self) -> tuple[inbound.Understood, schedule.Ticked]:
        """Everything of the scheduler's role that is due now."""
        act = Act("clock", self.clock())
        with self._turn:
            if self._intake is not None:
                self._intake.bring_home()
            if rescued := rescue(self.engine):
                log.info("found in the spool", mails=rescued)
            understood = inbound.understand(self.engine, act=act, vouch=self._vouch)
            ticked = schedule.tick(self.engine, act=act)
            for kept in retain.daily(self.engine, act=act):
                if kept.due:
                    log.info("destroyed", what=kept.name, rows=kept.due)
        self._ticked = time.monotonic()
        for fault in ticked.faults:
            log.warning("fault", what=fault)
        return understood, ticked

    def _look_back(self) -> str | None:
        """Why this is not the database that was known here, or None; then the newest seal is kept outside of it."""
        known = mark.read(self.config)
        with self.engine.db.read() as tx:
            older = mark.put_back(self.config, tx)
            newest, generation = seals.newest(tx), deployment.generation(tx)
        if older is not None:
            return older
        now = mark.Mark(generation, newest.no if newest else 0, newest.hash if newest else "")
        if now != known:
            mark.write(self.config, now)
            if newest is not None:
                log.info("sealed", no=now.seal, hash=now.hash)
        return None

    def deliver(self) -> delivering.Delivered:
        """Send everything that is due now; nothing from a database that was put back without saying so."""
        older = self._look_back()
        if older is not None:
            log.error("nothing is sent", why=older, do=mark.ADOPT)
            return delivering.Delivered()
        if self._courier is None:
            self._courier = sockets.courier(self.config, self._share)
        self._renew_keys()
        done = delivering.deliver(
            self.engine, sockets.carry(self._courier), self.worker, clock=self.clock, sign=self._sign
        )
        if done.total:
            log.info("delivered", sent=done.sent, deferred=done.deferred, failed=done.failed, cancelled=done.cancelled)
        if done.refused:
            log.error("the smart host takes no mail", why=done.refused, do="see `tidings doctor`")
        return done

    def _renew_keys(self) -> None:
        """Sign with new keys from now on; keys that cannot be read leave the old ones in use."""
        try:
            self._sign.refresh()
        except ConfigError as error:
            log.error("keys cannot be read, the old ones still sign", what=str(error))

    def turn(self) -> datetime:
        """One turn of everything, in order: understand, schedule, deliver. Gives the moment it ended."""
        self.tick()
        self.deliver()
        return self.clock()

    def _alive(self) -> object:
        with self.engine.db.write() as tx:
            deployment.sign_of_life(tx, self.worker, "+".join(sorted(self._at_work())), self.clock(), self._met())
        self._look_back()
        return None

    def _at_work(self) -> frozenset[Role]:
        """Its roles; without the scheduler while that does nothing, so that the others see it."""
        return self.roles - {Role.SCHEDULE} if self._scheduler_fault() else self.roles

    def _fault(self, job: str, error: Exception) -> None:
        words = logs.says(error)
        kind = type(error).__name__
        log.error("job failed", job=job, error=kind, what=words, exc_info=None if words else error)
