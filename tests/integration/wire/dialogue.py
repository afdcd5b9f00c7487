"""Helpers for tests that speak SMTP as it looks on the wire."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailer.message import Envelope
from mailer.wire.listener import Listener, ListenerSettings, Rcpt, Received, TlsFiles

OK = Rcpt(True, 250, "2.1.5 ok")
PATIENCE = 20.0


def accept(address: str, envelope: Envelope) -> Rcpt | None:
    """Knows everybody at here.example, and the postmaster without a domain."""
    if address.lower() == "postmaster" or address.endswith("@here.example"):
        return OK
    return None


class Store:
    """A store that remembers; `error` makes it fail, `gate` makes it wait."""

    def __init__(self) -> None:
        self.mails: list[Received] = []
        self.batches: list[int] = []
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def __call__(self, batch: Sequence[Received]) -> None:
        self.entered.set()
        assert self.gate.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        self.batches.append(len(batch))
        self.mails.extend(batch)


@contextmanager
def listening(store: Callable[[Sequence[Received]], None], judge: Any = accept, **settings: Any) -> Iterator[Listener]:
    """A started listener with a fixed clock."""
    moment = datetime(2019, 3, 18, 9, 0, tzinfo=UTC)
    base = replace(ListenerSettings(hostname="mx.here.example", now=lambda: moment), **settings)
    listener = Listener(judge, store, base)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop(2)


class Client:
    """A client that says exactly what it is told to."""

    def __init__(self, port: int, greet: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        if greet:
            assert self.reply().startswith("220 ")

    def raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> str:
        """One reply, its lines joined by a bar; '' when the server hung up."""
        lines = []
        while True:
            try:
                line = self.file.readline()
            except ConnectionError:
                line = b""
            if not line:
                return "|".join(lines)
            assert line.endswith(b"\r\n"), line
            lines.append(line[:-2].decode())
            if line[3:4] != b"-":
                return "|".join(lines)

    def ask(self, command: str) -> str:
        self.raw(command.encode() + b"\r\n")
        return self.reply()

    def play(self, dialogue: str) -> None:
        """A dialogue as it looks on the wire: `C:` lines are sent, `S:` lines are how the reply must begin."""
        for line in dialogue.strip().splitlines():
            who, _, words = line.strip().partition(" ")
            if who == "C:":
                self.raw(words.encode() + b"\r\n")
            else:
                reply = self.reply()
                assert reply.startswith(words), f"wanted {words!r}, got {reply!r}"

    def hello(self) -> str:
        return self.ask("EHLO client.example")

    def begin(self, rcpt: str = "ana@here.example", sender: str = "june@there.example") -> None:
        """Everything up to 354."""
        assert self.ask(f"MAIL FROM:<{sender}>").startswith("250 ")
        assert self.ask(f"RCPT TO:<{rcpt}>").startswith("250 ")
        assert self.ask("DATA").startswith("354 ")

    def send(self, data: bytes = b"Subject: x\r\n\r\nhello\r\n") -> str:
        """A whole mail; the reply to its final dot."""
        self.begin()
        self.raw(data + b".\r\n")
        return self.reply()

    def start_tls(self, context: ssl.SSLContext | None = None) -> None:
        self.socket = (context or blind_context()).wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def blind_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def certificate(folder: Path, name: str = "localhost") -> TlsFiles:
    """A self-made certificate."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = TlsFiles(folder / "cert.pem", folder / "key.pem")
    files.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def server_tls(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


def until(condition: Callable[[], Any]) -> None:
    """Wait until something is so; slow machines get their time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)
