"""The composition root: configuration becomes an engine and a clock; in `sockets` what talks to the network."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import count

from app import clock as clocks
from app import keyring
from app.clock import Clock, ShiftedClock, system_clock
from app.config import Config, ConfigError
from db import rates
from db.engine import Database
from flows import failpoint
from flows.engine import Engine, Settings
from flows.keys import Keys
from mailer import sign, words
from mailer.render import Renderer

SHORTEST = 16  # characters of a secret
DIED = 137  # the exit code of a program that was killed


def clock(config: Config) -> Clock:
    """The clock: the system's, or in a playground the one that its file shifts."""
    return ShiftedClock(config.clock_file) if config.clock_file is not None else system_clock


def engine(config: Config) -> Engine:
    """The engine on the configured database. Raises `DatabaseUnavailable` or `ConfigError`."""
    secrets = [secret.get_secret_value().encode() for secret in config.secrets]
    if any(len(secret) < SHORTEST for secret in secrets):
        raise ConfigError(f"secrets: each needs at least {SHORTEST} characters; `tidings init` draws one of 43")
    return Engine(
        db=Database(config.database),
        keys=Keys(secrets),
        renderer=renderer(),
        draw_tag=clocks.draw_tag,
        draw_salt=clocks.draw_salt,
        settings=Settings(
            base_url=config.web.base_url.rstrip("/"),
            lease=_minutes(config.send.lease_minutes),
            give_up=_minutes(config.send.give_up_days * 24 * 60),
            limits=_limits(config),
            signed=not signing(config).empty,
            alerts=tuple(config.core.alerts),
            second_person=config.core.second_person,
            fronts=tuple(config.listen.trusted),
            auth_servers=tuple(config.listen.auth_servers),
            raw_days=config.retain.mail_days,
            report_days=config.retain.report_days,
            letter_days=config.retain.letter_days,
            wording_days=config.retain.wording_days,
            private_days=config.retain.private_days,
            left_days=config.retain.left_days,
        ),
    )


def _limits(config: Config) -> dict[str, int]:
    """Mails a minute, to each domain that has a limit and altogether."""
    return config.send.domains | ({rates.ALL: config.send.per_minute} if config.send.per_minute else {})


def _minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


@cache
def renderer() -> Renderer:
    """The renderer on the packaged templates and catalogues."""
    folder = files("templates")

    def load(name: str) -> str | None:
        source = _below(folder, "mail", *name.split("/"))
        return source.read_text("utf-8") if source.is_file() else None

    return Renderer(load, catalogues())


def _below(folder: Traversable, *names: str) -> Traversable:
    # A folder without Python of its own takes one step at a time only.
    for name in names:
        folder = folder.joinpath(name)
    return folder


@cache
def catalogues() -> Mapping[str, GNUTranslations]:
    """The compiled catalogues of the service's words, by language."""
    folder = files("templates").joinpath("locale")
    found = {}
    for lang in words.LANGUAGES:
        compiled = _below(folder, lang, "LC_MESSAGES", f"{words.DOMAIN}.mo")
        if compiled.is_file():
            found[lang] = words.catalogue(compiled.read_bytes())
    return found


class Signing:
    """Signs outgoing mail with the keys of the configuration and the active ones of `tidings dkim`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stamp: tuple[int, ...] = ()
        self._signers = sign.Signers({})
        self.refresh()

    def __call__(self, mail: bytes, at: datetime) -> bytes:
        """The mail with its signatures; as it is where no key fits its sender."""
        return self._signers.sign(mail, at)

    @property
    def empty(self) -> bool:
        """Whether there is no key: mail goes out unsigned."""
        return self._signers.empty

    def refresh(self) -> None:
        """Read the keys again if the list of them changed. Raises `ConfigError`, and keeps the old ones."""
        index = self._config.dkim_keys / keyring.INDEX
        stamp = (index.stat().st_mtime_ns, index.stat().st_ino) if index.is_file() else (0,)
        if stamp != self._stamp:
            self._signers = sign.Signers(self._keys())
            self._stamp = stamp

    def _keys(self) -> dict[str, list[sign.Key]]:
        found: dict[str, list[sign.Key]] = {}
        try:
            for one in self._config.dkim:
                found.setdefault(one.domain, []).append(keyring.by_hand(one.selector, one.key))
            ring = keyring.read(self._config.dkim_keys)
            for entry in ring.entries:
                if entry.state == "active":
                    found.setdefault(entry.domain, []).append(ring.key(entry))
        except keyring.KeyFault as error:
            raise ConfigError(f"dkim: {error}") from error
        return found


def signing(config: Config) -> Signing:
    """What signs outgoing mail."""
    return Signing(config)


def arm_failpoint() -> None:
    """Die at the failpoint that the environment names (`name`, or `name:3` at its third visit): for the crash test."""
    name, _, visit = os.environ.get("TIDINGS_FAILPOINT", "").partition(":")
    if not name:
        return
    visits = count(1)

    def bomb() -> None:
        if next(visits) == int(visit or 1):
            os._exit(DIED)

    failpoint.arm(name, bomb)
