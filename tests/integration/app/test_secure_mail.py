"""Secure mail as the configuration file sets it: both ways, over real sockets, with the service's own listener."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import config as configuration
from app import sockets
from app.config import Config
from db import inbound
from flows.engine import Engine
from mailer.letter import Letter, Outcome
from mailer.wire.listener import Listener
from mailer.wire.sink import Sink, SinkSettings
from tests.integration.wire.dialogue import PATIENCE, blind_context, certificate, server_tls, until
from tests.world import DOMAIN, World

ANSWER = f"From: ana@west.example\r\nTo: core@{DOMAIN}\r\nSubject: x\r\n\r\nMON-1: yes\r\n"


def load(folder: Path, text: str) -> Config:
    file = folder / "tidings.toml"
    file.touch(mode=0o600)
    file.write_text(f'secrets = ["{"x" * 20}"]\n{text}')
    return configuration.load(file)


@contextlib.contextmanager
def serving(config: Config, engine: Engine) -> Iterator[Listener]:
    listener = sockets.listener(config, engine)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop(2)


@pytest.fixture
def world(sqlite) -> Iterator[World]:
    made = World(sqlite)
    made.populate()
    yield made
    made.close()


def stored(world: World) -> int:
    with world.engine.db.read() as tx:
        return len(inbound.raws(tx))


def test_starttls_with_a_certificate_that_is_renewed_while_it_runs(tmp_path: Path, world: World) -> None:
    certificate(tmp_path, "old.example")
    config = load(
        tmp_path, '[listen]\nport = 0\nrequire_tls = true\ntls = { certificate = "cert.pem", key = "key.pem" }\n'
    )

    def shown(port: int) -> bytes:
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            client.starttls(context=blind_context())
            assert isinstance(client.sock, ssl.SSLSocket)
            return client.sock.getpeercert(binary_form=True) or b""

    with serving(config, world.engine) as listener:
        assert b"old.example" in shown(listener.port)
        with smtplib.SMTP("127.0.0.1", listener.port, timeout=PATIENCE) as client:
            with pytest.raises(smtplib.SMTPException, match="STARTTLS"):
                client.sendmail("ana@west.example", [f"core@{DOMAIN}"], ANSWER)
            client.starttls(context=blind_context())
            client.sendmail("ana@west.example", [f"core@{DOMAIN}"], ANSWER)
        assert stored(world) == 1
        certificate(tmp_path, "new.example")
        until(lambda: b"new.example" in shown(listener.port))


def test_implicit_tls(tmp_path: Path, world: World) -> None:
    certificate(tmp_path)
    config = load(
        tmp_path, '[listen]\nport = 0\nimplicit_tls = true\ntls = { certificate = "cert.pem", key = "key.pem" }\n'
    )
    with (
        serving(config, world.engine) as listener,
        smtplib.SMTP_SSL("127.0.0.1", listener.port, timeout=PATIENCE, context=blind_context()) as client,
    ):
        client.sendmail("ana@west.example", [f"core@{DOMAIN}"], ANSWER)
    assert stored(world) == 1


def test_lmtp_answers_for_each_recipient_and_limits_hold(tmp_path: Path, world: World) -> None:
    config = load(tmp_path, '[listen]\nport = 0\nprotocol = "lmtp"\nmax_recipients = 2\nmax_bytes = 2000\n')
    with serving(config, world.engine) as listener, smtplib.LMTP("127.0.0.1", listener.port) as client:
        to = [f"core@{DOMAIN}", f"nobody@{DOMAIN}", f"reform@{DOMAIN}", f"private@{DOMAIN}"]
        client.ehlo_or_helo_if_needed()
        client.mail("ana@west.example")
        assert [client.rcpt(one)[0] for one in to] == [250, 550, 250, 452]
        code, _ = client.data(ANSWER)
        assert (code, client.getreply()[0]) == (250, 250)
        client.mail("ana@west.example")
        client.rcpt(to[0])
        assert client.data(ANSWER + "x" * 3000)[0] == 552
    assert stored(world) == 1


def carried(config: Config) -> Outcome:
    found: list[Outcome] = []
    way_out = sockets.courier(config)
    try:
        one = Letter(1, "b@here.example", "ana@west.example", b"Subject: x\r\n\r\nx\r\n")
        sockets.carry(way_out)(iter([one]), found.extend)
    finally:
        way_out.close()
    return found[0]


@pytest.mark.parametrize(
    ("extra", "accepted"),
    [
        ('tls = "none"', False),
        ('tls = "required"\nca_file = "server/cert.pem"', False),
        ('tls = "required"\nca_file = "server/cert.pem"\nuser = "u"\npassword = "wrong"', False),
        ('tls = "required"\nuser = "u"\npassword = "p"', False),
        ('tls = "required"\nuser = "u"\npassword = "p"\nverify = false', True),
        ('tls = "required"\nuser = "u"\npassword = "p"\nca_file = "server/cert.pem"', True),
        ('tls = "implicit"\nuser = "u"\npassword = "p"\nca_file = "server/cert.pem"', True),
    ],
)
def test_a_relay_with_tls_and_a_login(tmp_path: Path, extra: str, accepted: bool) -> None:
    files = certificate(tmp_path / "server")
    settings = SinkSettings(tls=server_tls(files), users={"u": "p"}, implicit_tls="implicit" in extra)
    sink = Sink(None, settings)
    sink.start()
    try:
        outcome = carried(load(tmp_path, f'[[relay]]\nhost = "localhost"\nport = {sink.port}\n{extra}\n'))
    finally:
        sink.stop()
    assert (outcome.accepted, outcome.permanent) == (accepted, False)  # a wrong setting costs no mail


def test_a_relay_that_knows_us_by_our_certificate(tmp_path: Path) -> None:
    server, client = certificate(tmp_path / "server"), certificate(tmp_path / "client", "out.example")
    context = server_tls(server)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client.certificate)
    sink = Sink(None, SinkSettings(tls=context))
    sink.start()
    try:
        text = f'[[relay]]\nhost = "localhost"\nport = {sink.port}\ntls = "required"\nca_file = "server/cert.pem"\n'
        assert not carried(load(tmp_path, text)).accepted
        mine = 'client_certificate = "client/cert.pem"\nclient_key = "client/key.pem"\n'
        assert carried(load(tmp_path, text + mine)).accepted
    finally:
        sink.stop()
