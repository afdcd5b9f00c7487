"""The other half of the composition root: configuration becomes what talks to the network.

Apart from `wiring`, since a command that only reads the database should not wait until all of this is loaded.
"""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app import wiring
from app.clock import Clock
from app.config import Config, ConfigError
from db.journal import Act
from flows import inbound
from flows.engine import Engine
from flows.look import Vouch
from mailer.letter import Carry, Letter, Record
from mailer.message import Envelope
from mailer.wire.courier import Courier
from mailer.wire.dns import Resolver
from mailer.wire.letters import CourierSettings, Relay
from mailer.wire.listener import Listener
from mailer.wire.ports import ListenerSettings, Rcpt, Received, TlsFiles
from mailer.wire.vouch import Voucher

Keep = Callable[[Sequence[tuple[Envelope, bytes]]], None]

if TYPE_CHECKING:
    from desk.web.site import Site


def relays(config: Config) -> list[Relay]:
    """The configured smart hosts."""
    return [
        Relay(
            host=relay.host,
            port=relay.port,
            tls=relay.tls,
            weight=relay.weight,
            user=relay.user,
            password=relay.password.get_secret_value(),
            verify=relay.verify,
            requiretls=relay.requiretls,
            ca_file=str(relay.ca_file or ""),
            certificate=str(relay.client_certificate or ""),
            key=str(relay.client_key or ""),
        )
        for relay in config.relay
    ]


def hello(config: Config) -> str:
    """The name by which we greet other servers."""
    return config.send.hostname or socket.getfqdn()


def courier(config: Config, share: int = 1, patience: float | None = None) -> Courier:
    """The way out, over the configured smart hosts; `share` programs share the connections.

    `patience`: seconds to wait for a relay to greet and answer, where a person waits; else as long as RFCs ask.
    """
    settings = CourierSettings(
        helo=hello(config),
        connections=max(1, config.send.connections // share),
        per_connection=config.send.max_per_connection,
    )
    if patience is not None:
        settings = replace(
            settings, connect_timeout=patience, greeting_timeout=patience, command_timeout=patience, dot_timeout=60.0
        )
    return Courier(relays(config), settings)


def carry(way_out: Courier) -> Carry:
    """The port that flows know the courier by."""

    def run(letters: Iterator[Letter], record: Record) -> None:
        way_out.carry(letters, record)

    return run


def listener(
    config: Config, made: Engine, judge: inbound.Gatekeeper | None = None, keep: Keep | None = None
) -> Listener:
    """The way in: the listener with its two ports plugged into flows; `judge` for one that is to be refreshed.

    `keep` has mails on the disk when it returns; without it each batch is a commit.
    """
    now = wiring.clock(config)

    def commit(batch: Sequence[tuple[Envelope, bytes]]) -> None:
        inbound.store(made, batch, act=Act("listener", now()))

    keep = keep or commit

    def store(batch: Sequence[Received]) -> None:
        keep([(one.envelope, one.data) for one in batch])

    judge = judge or inbound.gatekeeper(made)
    tls = config.listen.tls
    return Listener(
        lambda address, envelope: Rcpt(*judge(address, envelope)),
        store,
        ListenerSettings(
            host=config.listen.host,
            port=config.listen.port,
            hostname=config.listen.hostname or socket.getfqdn(),
            lmtp=config.listen.protocol == "lmtp",
            reuse_port=config.listen.reuse_port,
            implicit_tls=config.listen.implicit_tls,
            require_tls=config.listen.require_tls,
            tls=TlsFiles(tls.certificate, tls.key) if tls.certificate and tls.key else None,
            trusted=tuple(config.listen.trusted),
            xforward=config.listen.xforward,
            size_limit=config.listen.max_bytes,
            connections_limit=config.listen.max_connections,
            connections_per_address=config.listen.max_per_address,
            recipients_limit=config.listen.max_recipients,
            mails_per_minute=config.listen.mails_per_minute,
            now=now,
        ),
    )


def public_pages(
    config: Config,
    made: Engine,
    now: Clock,
    probes: Mapping[str, Callable[[], str]],
    limits: Callable[[], Mapping[str, int]],
) -> "Site":
    """What the public pages are made of. `probes` look at this program, `limits` tells which of its limits were hit."""
    from desk.web.site import Site  # not where no pages are: its libraries take 16 MB

    watchers = [str(one) for one in config.web.watchers]
    return Site(made, now, wiring.catalogues(), watchers=watchers, probes=probes, limits=limits)


def resolver(config: Config) -> Resolver:
    """What asks the DNS."""
    try:
        return Resolver(config.dns.servers)
    except ValueError as error:
        raise ConfigError(f"dns.servers: {error}; an entry is an address, or address:port") from error


def vouch(config: Config) -> Vouch | None:
    """What checks who vouches for a mail, or None where that is switched off."""
    return Voucher(resolver(config), tuple(config.listen.trusted)) if config.listen.authenticate else None
