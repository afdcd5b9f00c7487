"""What a command needs before it can act: configuration, engine, process, and the actor `operator`.

Everything is opened on first use, so that `tidings --help` and `tidings explain` need no database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from app import config as configuration
from app import wiring
from app.cli import console
from app.config import Config, ConfigError
from app.keyring import KeyFault
from db import migrate, process
from db.engine import DatabaseUnavailable
from db.journal import Act
from db.process import ProcessRow
from db.states import WrongMove
from digests.cadence import WrongCadence
from digests.wall import UnknownZone
from flows.engine import Engine, Refused, nearest
from flows.reports import ImportReport, NotImported, UnknownName
from mailer import address
from mailer.address import AddressError
from mailer.render import TemplateFailed

OPERATOR = "operator"
REFUSALS = (Refused, WrongMove, UnknownName, NotImported, WrongCadence, UnknownZone, AddressError, TemplateFailed)


@dataclass
class Session:
    """The options that stand before the verb, and what they open."""

    config_file: Path | None = None
    process_slug: str = ""
    json: bool = False
    person: str = ""
    _opened: list[Engine] = field(default_factory=list)

    @cached_property
    def config(self) -> Config:
        """The configuration, checked."""
        return configuration.load(self.config_file)

    @cached_property
    def engine(self) -> Engine:
        """The engine on a database that has this program's schema."""
        file = self.config.database_file
        if file is not None and not file.exists():
            raise DatabaseUnavailable(f"there is no database at {file}: `tidings migrate` makes it")
        engine = wiring.engine(self.config)
        migrate.require_head(engine.db)
        self._opened.append(engine)
        return engine

    @cached_property
    def process(self) -> ProcessRow:
        """The process that is meant: named by --process, by the configuration, or the only one there is."""
        with self.engine.db.read() as tx:
            known = process.everyone(tx)
        wanted = self.process_slug or self.config.process
        if not wanted and len(known) == 1:
            return known[0]
        found = [row for row in known if row.slug == wanted]
        if found:
            return found[0]
        if not known:
            raise Refused("there is no process yet: `tidings timeline import FILE` makes the one its file names")
        slugs = [row.slug for row in known]
        raise Refused(
            f"there is no process {wanted!r}: {nearest(wanted, slugs)}"
            if wanted
            else f"which process? name one with --process: {', '.join(slugs)}"
        )

    def act(self) -> Act:
        """The operator, now; by name where one is given."""
        name = self.person or self.config.core.person
        return Act(f"{OPERATOR}:{name}" if name else OPERATOR, wiring.clock(self.config)())

    def close(self) -> None:
        """Give the database back."""
        for engine in self._opened:
            engine.db.close()


@contextmanager
def guarded(session: Session) -> Iterator[None]:
    """Turn the errors that a person can do something about into one line and an exit code."""
    try:
        yield
    except (ConfigError, KeyFault) as error:
        console.fail(str(error), console.CONFIG)
    except DatabaseUnavailable as error:
        console.fail(str(error), console.UNAVAILABLE)
    except REFUSALS as error:
        console.fail(str(error), console.REFUSED)
    except (ConnectionError, TimeoutError) as error:
        if console.unread():
            raise  # whoever read our output (`| head`) has enough: the command line ends without a word
        console.fail(f"network: {error}", console.UNAVAILABLE)
    except OSError as error:
        console.fail(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "), console.REFUSED)
    finally:
        session.close()


def domain_name(text: str) -> str:
    """A domain as typed, as A-labels in lower case; ends the program where it is none."""
    try:
        return address.parse(f"postmaster@{text.strip()}").domain
    except address.AddressError:
        console.fail(f"{text!r} is not the name of a domain")


def report(session: Session, made: ImportReport) -> None:
    """Say what an import did; one that did nothing because something was wrong ends the program with code 1."""
    if session.json:
        console.emit(made.as_json())
    else:
        console.say(
            f"{made.what}: {len(made.added)} added, {len(made.changed)} changed, {len(made.unchanged)} unchanged"
            + (f", {len(made.unknown_yet)} not announced yet" if made.unknown_yet else "")
            + (f", {len(made.missing)} known and not given" if made.missing else "")
        )
        for changed in made.changed:
            console.say(f"  {changed.name}: {', '.join(changed.fields)}")
        for warning in made.warnings:
            console.say(f"  note: {warning}")
    if not made.ok:
        for one in made.rejected:
            console.complain(str(one))
        console.fail(f"{made.what}: {console.counted(len(made.rejected), 'fault')}, nothing was imported")
