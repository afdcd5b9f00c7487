"""The playground: the whole service in one folder, with caught mail and a clock that can jump.

Everything in it is the real thing: a database on disk, SMTP in both directions, the workers of `app.serve`. Only the
clock, the samples and the mail server that catches are the playground's own. Raises `Refused` for a folder that cannot
be used and OSError for a port that is taken.
"""

import fcntl
import shutil
import socket
import threading
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import IO

from app import config as configuration
from app import history, wiring
from app.clock import ShiftedClock, draw_secret
from app.config import Config
from app.history import DOMAIN, History
from app.playports import Doors, hand_over
from app.serve import Role, Service
from app.web import WebServer, bind
from db import deployment, migrate, process
from desk.play.mailbox import Mailbox
from desk.play.ports import Due, Jump, NotDone, Ports, Status
from desk.play.viewer import LOCAL, viewer
from desk.web.site import Beside, site
from flows import deliver as delivering
from flows import inbound, schedule
from flows.engine import Engine, Refused
from mailer.wire.sink import Sink, SinkSettings

MARKER = ".tidings-playground"
HOST = "127.0.0.1"
MORNING = time(9)  # UTC, of the day that is played
LEAD_IN = timedelta(days=15)  # the digest runs this long before, so that there is something to look back to
MOST_STEPS = 5_000
SLOW = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a playground is wanted. A port of 0 is the usual one, or another if that is taken."""

    folder: Path
    at: date
    keep: bool = False
    smtp_port: int = 0
    web_port: int = 0


class Place:
    """The folder of a playground, held by one program at a time."""

    def __init__(self, folder: Path, keep: bool) -> None:
        self.folder = folder
        marker = folder / MARKER
        if folder.exists() and not marker.is_file() and (not folder.is_dir() or any(folder.iterdir())):
            raise Refused(f"{folder} is there and is no playground: remove it, or name another with --folder")
        self.continued = keep and (folder / "tidings.sqlite").is_file()
        folder.mkdir(parents=True, exist_ok=True)
        self._held: IO[str] = marker.open("a+")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._held.close()
            raise Refused(f"a playground is running in {folder}: stop it, or name another with --folder") from error
        if not self.continued:
            self._clear()

    def _clear(self) -> None:
        """Remove what an earlier playground left; the marker stays, it is the lock."""
        for one in self.folder.iterdir():
            if one.name == MARKER:
                continue
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one)
            else:
                one.unlink()

    @property
    def config(self) -> Path:
        """The configuration of the playground, for every other command."""
        return self.folder / "tidings.toml"

    def write_config(self, smtp: int, sink: int, web: int) -> Config:
        """Write the configuration with these ports; the secret of a continued playground stays."""
        secret = draw_secret()
        if self.continued and self.config.is_file():
            secret = configuration.load(self.config).secrets[0].get_secret_value()
        self.config.touch(mode=0o600)
        self.config.write_text(
            _CONFIG.format(
                secret=secret, domain=DOMAIN, smtp=smtp, sink=sink, host=HOST, base_url=f"http://{HOST}:{web}"
            )
        )
        return configuration.load(self.config)

    @property
    def stopped(self) -> Path:
        """Where the moment is kept at which the playground was stopped: its clock stands still meanwhile."""
        return self.folder / "stopped"

    def leave(self) -> None:
        """Let others use it."""
        self._held.close()


_CONFIG = """# A playground of Tidings, made by `tidings play`. Invented people, caught mail, a clock that can jump.
database = "sqlite:///tidings.sqlite"
secrets = ["{secret}"]
clock_file = "clock"
tick_seconds = 1

[listen]
host = "{host}"
port = {smtp}
hostname = "mx.{domain}"
authenticate = false           # its people and their domains are invented

[[relay]]                      # the server that catches everything
host = "{host}"
port = {sink}
tls = "none"

[send]
connections = 4
hostname = "mx.{domain}"
give_up_days = 1

[web]
base_url = "{base_url}"        # the pages of readers, beside the viewer
"""


class Playing(Service):
    """The service with the playground's history and clock. One thing happens at a time, so that it can be told."""

    def __init__(self, config: Config, engine: Engine, told: History, clock: ShiftedClock) -> None:
        super().__init__(config, engine, (Role.LISTEN, Role.SCHEDULE, Role.DELIVER))
        self._history = told
        self.shifted = clock
        self._busy = threading.RLock()
        self._known_at = clock()
        self._told: list[str] = []
        self._mails: Counter[str] = Counter()

    def tick(self) -> tuple[inbound.Understood, schedule.Ticked]:
        """What became known, then everything of the scheduler's role."""
        with self._busy:
            now = self.clock()
            self._told += [str(one) for one in self._history.catch_up(self._known_at, now)]
            self._known_at = now
            understood, ticked = super().tick()
            self._told += _words(understood, ticked)
        return understood, ticked

    def deliver(self) -> delivering.Delivered:
        """Send what is due."""
        with self._busy:
            done = super().deliver()
            self._mails.update(sent=done.sent, deferred=done.deferred, failed=done.failed, cancelled=done.cancelled)
        return done

    def next_due(self) -> Due | None:
        """The next moment at which something new happens by itself, and what. Retries are made on the way."""
        now = self.clock()
        found = schedule.next_due(self.engine, now, retries=False)
        known = history.following(now)
        if known is not None and (found is None or known < found.at):
            return Due(known, "the core team announces something")
        return Due(found.at, found.what) if found is not None else None

    def jump(self) -> Jump:
        """Go to the next due moment and do what is due."""
        with self._busy:
            due = self.next_due()
            if due is None:
                raise NotDone("nothing is due any more")
            return self.jump_to(due.at)

    def jump_to(self, moment: datetime) -> Jump:
        """Go to a moment, stopping at every one before it at which something is due."""
        with self._busy:
            was = self.clock()
            if moment <= was:
                raise NotDone(f"it is past {moment:%Y-%m-%d %H:%M} UTC already: the clock moves forward only")
            self._told.clear()
            self._mails.clear()
            for _ in range(MOST_STEPS):
                due = self.next_due()
                if due is None or due.at >= moment:
                    break
                self._step(due.at)
            self._step(moment)
            sums = [f"{n} {'mail' if n == 1 else 'mails'} {what}" for what, n in self._mails.items() if n]
            return Jump(was, self.clock(), (*self._told, *sums))

    def _step(self, moment: datetime) -> None:
        self.shifted.set(moment)
        self.turn()


def _words(understood: inbound.Understood, ticked: schedule.Ticked) -> list[str]:
    """What a tick did, in words."""
    said = [f"{n} {'reply was' if n == 1 else 'replies were'} {what}" for what, n in understood.became.items()]
    said += ["a draft of the digest was made" for _ in ticked.drafted]
    for one in ticked.published:
        if one.mailing_id is None:
            said.append("an edition was skipped: there was nothing to say")
        else:
            said.append(f"no. {one.number} of the digest was approved: {one.deliveries} mails")
    said += ["an announcement is on its way" for _ in ticked.announced]
    return [*said, *ticked.faults]


class Playground:
    """A running playground. Make it, `start`, then `stop`."""

    def __init__(self, wanted: Wanted) -> None:
        begin = history.days()[0]
        if wanted.at < begin:
            raise Refused(f"nothing was known on {wanted.at}: the samples begin on {begin}")
        self.place = Place(wanted.folder, wanted.keep)
        self.clock = ShiftedClock(self.place.folder / "clock")
        self._web_socket = listening(wanted.web_port, 8025)
        self._smtp_socket = listening(wanted.smtp_port, 2525)  # held, so that no other playground picks this port
        self.mailbox = Mailbox(self.place.folder / "Maildir", self.clock)
        self.sink = Sink(self.mailbox.add, SinkSettings(hostname="sink.invalid", slow=SLOW, remember=False))
        self.sink.start()
        self.config = self.place.write_config(
            self._smtp_socket.getsockname()[1], self.sink.port, self._web_socket.getsockname()[1]
        )
        self.engine = wiring.engine(self.config)
        self.history = History(self.engine)
        self._at = wanted.at
        self._running = False
        self._web: WebServer | None = None

    def start(self) -> None:
        """Load the samples and play up to the day; then let everything run."""
        migrate.upgrade(self.engine.db)
        with self.engine.db.write() as tx:
            deployment.ensure(tx)
        if self.place.continued:
            self._resume()
            self.service = Playing(self.config, self.engine, self.history, self.clock)
        else:
            self._begin()
        with self.engine.db.read() as tx:
            owner = process.by_slug(tx, self.history.slug)
        if owner is None:
            raise Refused(f"{self.place.folder} holds no playground that could go on: leave out --keep")
        self.doors = Doors(self.engine, owner, self.clock)
        self._running = True
        self._smtp_socket.close()
        self.service.start()
        self._serve()

    def _resume(self) -> None:
        """Let the clock go on from where it was stopped."""
        if self.place.stopped.is_file():
            self.clock.set(datetime.fromisoformat(self.place.stopped.read_text().strip()))

    def _begin(self) -> None:
        now = datetime.combine(self._at, MORNING, UTC)
        begun = max(now - LEAD_IN, history.moment(history.days()[0]))
        self.clock.set(begun)
        self.history.begin(begun)
        with self.engine.db.read() as tx:
            owner = process.by_slug(tx, self.history.slug)
        assert owner is not None
        self.history.subscribe(owner.id, begun)
        self.history.announce(owner.id, begun)
        self.service = Playing(self.config, self.engine, self.history, self.clock)
        if now > begun:
            self.service.jump_to(now)

    def _serve(self) -> None:
        """Show the viewer, and the pages of readers beside it."""
        pages = site(self.service.public_pages())
        self._web = WebServer(Beside(pages, viewer(self.ports(), draw_secret().encode(), LOCAL)), self._web_socket)
        self._web.start()

    def ports(self) -> Ports:
        """The doors of the viewer."""
        doors, service = self.doors, self.service
        return Ports(
            mailbox=self.mailbox,
            now=self.clock,
            jump=service.jump,
            jump_to=service.jump_to,
            send=lambda mail_from, rcpt_to, data: hand_over(HOST, self.smtp_port, mail_from, rcpt_to, data),
            inputs=doors.inputs,
            accept=doors.accept,
            decline=doors.decline,
            held=doors.held,
            file_held=doors.file_held,
            ignore_held=doors.ignore_held,
            timeline=doors.timeline,
            status=self.status,
        )

    def status(self) -> Status:
        """The playground at a glance."""
        return replace(self.doors.status(), smtp=f"{HOST}:{self.smtp_port}", due=self.service.next_due())

    @property
    def smtp_port(self) -> int:
        """Where replies are taken."""
        return self.service.listener.port if self.service.listener is not None else self.config.listen.port

    @property
    def url(self) -> str:
        """Where the viewer is."""
        return f"http://{HOST}:{self._web_socket.getsockname()[1]}/"

    def stop(self) -> None:
        """Stop everything in order, and remember the moment."""
        if self._web is not None:
            self._web.stop()
        if self._running:
            self.service.stop()
            self.place.stopped.write_text(self.clock().isoformat() + "\n")
        self.sink.stop()
        self._web_socket.close()
        self._smtp_socket.close()
        self.engine.db.close()
        self.place.leave()


def listening(wanted: int, usual: int) -> socket.socket:
    """A listening socket on the wanted port; without a wish on the usual one, or on any if that is taken."""
    try:
        return bind(HOST, wanted or usual)
    except OSError as error:
        if wanted:
            raise Refused(f"port {wanted} is taken: {error.strerror}") from error
        return bind(HOST, 0)
