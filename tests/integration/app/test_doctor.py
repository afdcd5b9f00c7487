"""`tidings doctor`: each fault is found, said in words, with what to do; exit code and JSON for machines."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import doctor
from app.cli.main import cli
from db import tables
from db.engine import Database
from mailer.wire.connection import RelayFault, Reply
from mailer.wire.courier import Examined
from mailer.wire.letters import Relay, TlsMode
from mailer.wire.sink import Sink, SinkSettings
from tests.databases import Databases
from tests.integration.wire.dialogue import certificate, listening
from tests.nameserver import Nameserver, nameserver

HERE = "here.example"


class Clinic:
    """A folder with a configuration in which everything is right, and a look at what the doctor says."""

    def __init__(self, folder: Path, database: str, dns: Nameserver, relay: int) -> None:
        self.folder, self.dns = folder, dns
        self.lines = {
            "top": f'database = "{database}"\nsecrets = ["{"x" * 20}"]\n',
            "listen": f'port = {free_port()}\nhostname = "mx.{HERE}"\n',
            "web": f"port = {free_port()}\n",
            "relay": f'host = "127.0.0.1"\nport = {relay}\ntls = "none"\n',
            "dns": f'servers = ["{dns.place}"]\n',
            "core": 'alerts = ["a@here.example"]\n',
            "send": f'hostname = "mx.{HERE}"\n',
        }
        Path(database.removeprefix("sqlite:///")).chmod(0o600)

    def write(self) -> Path:
        file = self.folder / "tidings.toml"
        file.touch(mode=0o600)
        top, *parts = self.lines.items()
        names = {"relay": "[[relay]]"}
        file.write_text(top[1] + "".join(f"{names.get(name, f'[{name}]')}\n{text}" for name, text in parts))
        return file

    def run(self, *words: str) -> tuple[int, list[dict]]:
        self.write()
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(cli, ["--json", "doctor", *words])
        return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]

    def faults(self, *words: str) -> list[str]:
        """The faults as `subject: says`; each says what to do, and the exit code agrees."""
        code, found = self.run(*words)
        bad = [one for one in found if one["level"] == "fault"]
        assert code == (1 if bad else 0)
        assert all(one["do"] for one in found if one["level"] != "ok")
        return [f"{one['subject']}: {one['says']}" for one in bad]


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def clinic(tmp_path: Path, databases: Databases, sqlite: Database) -> Iterator[Clinic]:
    sink = Sink(lambda mail: None, SinkSettings(hostname="relay.example"))
    sink.start()
    with nameserver() as dns:
        dns.txt("com", "an answer")
        yield Clinic(tmp_path, f"sqlite:///{sqlite.path}", dns, sink.port)
    sink.stop()


def test_nothing_is_wrong(clinic: Clinic) -> None:
    assert clinic.faults() == []
    _, found = clinic.run()
    subjects = {one["subject"] for one in found if one["level"] == "ok"}
    assert {"config", "database", "clock", "disk", "listen", "web", "relay", "DNS"} <= subjects


def test_a_fresh_start_has_files_for_us_alone(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        assert CliRunner().invoke(cli, ["init", "--domain", HERE]).exit_code == 0
        found = CliRunner().invoke(cli, ["--json", "doctor"]).stdout.splitlines()
    assert not [one for one in map(json.loads, found) if one["subject"] == "files"]


def test_a_short_secret(clinic: Clinic) -> None:
    clinic.lines["top"] = clinic.lines["top"].replace("x" * 20, "short")
    (fault,) = clinic.faults()
    assert "fewer than 16 characters" in fault


def test_in_words_for_a_person(clinic: Clinic) -> None:
    clinic.write().chmod(0o644)
    with contextlib.chdir(clinic.folder):
        done = CliRunner().invoke(cli, ["doctor"])
    assert done.exit_code == 1
    assert "chmod 600" in done.stdout
    assert "\n1 fault\n" in done.stdout


def test_a_configuration_that_cannot_be_read(clinic: Clinic) -> None:
    clinic.lines["top"] += "colour = 3\n"
    (fault,) = clinic.faults()
    assert "colour" in fault


def test_no_configuration(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        done = CliRunner().invoke(cli, ["doctor"])
    assert done.exit_code == 1
    assert "tidings init" in done.stdout


def test_files_that_others_can_read(clinic: Clinic) -> None:
    with contextlib.chdir(clinic.folder):
        clinic.write()
        assert CliRunner().invoke(cli, ["dkim", "init", "--domain", HERE]).exit_code == 0
    (key,) = (clinic.folder / "dkim").glob("*r.pem")
    key.chmod(0o640)
    (fault,) = clinic.faults()
    assert key.name in fault
    key.write_text("nonsense")
    assert any(one.startswith("DKIM") for one in clinic.faults())


def test_a_database_that_is_not_there_or_old(clinic: Clinic, tmp_path: Path) -> None:
    good = clinic.lines["top"]
    clinic.lines["top"] = f'database = "sqlite:///none.sqlite"\nsecrets = ["{"x" * 20}"]\n'
    assert "no database" in clinic.faults()[0]
    assert not (tmp_path / "none.sqlite").exists()
    (tmp_path / "none.sqlite").touch(mode=0o600)
    assert "schema none" in clinic.faults()[0]
    clinic.lines["top"] = f'database = "postgresql://u:p@127.0.0.1:{free_port()}/x"\nsecrets = ["{"x" * 20}"]\n'
    (fault,) = clinic.faults()
    assert fault.startswith("database")
    clinic.lines["top"] = good
    assert clinic.faults() == []


def test_a_database_that_was_put_back(clinic: Clinic) -> None:
    (clinic.folder / "tidings.generation").write_text('{"generation": 3, "seal": 0, "hash": ""}')
    (fault,) = clinic.faults()
    assert fault == "database: nothing is sent: the database is of generation 0, generation 3 was known"


def test_a_clock_that_went_back(clinic: Clinic, sqlite: Database) -> None:
    from datetime import UTC, datetime

    table = tables.Worker.__table__  # type: ignore[attr-defined]
    moment = datetime(2200, 1, 1, tzinfo=UTC)
    with sqlite.write() as tx:
        tx.execute(table.insert().values(name="w", role="web", started_at=moment, seen_at=moment))
    (fault,) = clinic.faults()
    assert fault.startswith("clock")
    clinic.lines["top"] += 'clock_file = "clock"\n'
    assert any("playground" in one for one in clinic.faults())


def test_ports(clinic: Clinic) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        clinic.lines["listen"] = f"port = {other.getsockname()[1]}\n"
        (fault,) = clinic.faults()
    assert fault.startswith("listen")
    with listening(lambda batch: None, hostname=f"mx.{HERE}") as ours:
        clinic.lines["listen"] = f'port = {ours.port}\nhostname = "mx.{HERE}"\n'
        assert clinic.faults() == []


def test_a_relay_that_is_away_or_wants_something_else(clinic: Clinic) -> None:
    good = clinic.lines["relay"]
    clinic.lines["relay"] = f'host = "127.0.0.1"\nport = {free_port()}\n'
    (fault,) = clinic.faults()
    assert "no connection" in fault
    clinic.lines["relay"] = good.replace('"none"', '"required"')
    (fault,) = clinic.faults()
    assert "TLS is required and not offered" in fault
    clinic.lines["relay"] = good + 'user = "u"\npassword = "p"\n'
    (fault,) = clinic.faults()
    assert "a password is not sent without TLS" in fault


def test_a_relay_that_wants_a_login(clinic: Clinic) -> None:
    sink = Sink(lambda mail: None, SinkSettings(hostname="relay.example", users={"u": "p"}))
    sink.start()
    clinic.lines["relay"] = f'host = "127.0.0.1"\nport = {sink.port}\ntls = "none"\n'
    code, found = clinic.run()
    sink.stop()
    (fault,) = (one for one in found if one["level"] == "fault")
    assert (code, fault["says"].partition(": ")[2][:3]) == (1, "530")
    assert "user and password" in fault["do"]
    assert sink.counts["mails"] == 0


def test_files_of_tls_towards_a_relay_that_are_not_there(clinic: Clinic) -> None:
    clinic.lines["relay"] = clinic.lines["relay"].replace('"none"', '"implicit"')
    clinic.lines["relay"] += 'client_certificate = "c.pem"\nclient_key = "c.key"\n'
    faults = clinic.faults()
    assert [one for one in faults if "is not there" in one and "c.pem" in one]
    assert [one for one in faults if "certificate files cannot be used" in one]


@pytest.mark.parametrize(
    ("port", "tls", "do"),
    [(465, "required", 'tls = "implicit"'), (587, "implicit", 'tls = "required"'), (2525, "implicit", "ask")],
)
def test_tls_that_does_not_fit_the_port(port: int, tls: TlsMode, do: str) -> None:
    silent = RelayFault(Reply(0, "4.4.2", "the server did not answer in time"), "relay.example")
    (found,) = doctor.relay_findings(Examined(Relay("relay.example", port, tls), fault=silent))
    assert do in found.do


def test_a_certificate(clinic: Clinic, tmp_path: Path) -> None:
    made = certificate(tmp_path / "tls", f"mx.{HERE}")
    for one in (made.certificate, made.key):
        one.chmod(0o600)
    clinic.lines["listen"] += f'tls = {{ certificate = "{made.certificate}", key = "{made.key}" }}\n'
    assert clinic.faults() == []
    made.key.write_text("nonsense")
    assert any(one.startswith("TLS") for one in clinic.faults())
    made.key.unlink()
    assert any("is not there" in one for one in clinic.faults())


def test_a_dns_that_does_not_answer(clinic: Clinic) -> None:
    clinic.dns.silent = {"com"}
    (fault,) = clinic.faults()
    assert fault.startswith("DNS: no server answers")
    clinic.lines["listen"] += "authenticate = false\n"
    assert clinic.faults() == []


def test_the_dns_of_a_domain(clinic: Clinic) -> None:
    words = ("dns", "--domain", HERE, "--sender", "192.0.2.7")
    subjects = [one.partition(":")[0] for one in clinic.faults(*words)]
    assert subjects == ["MX", "SPF", "DMARC", "EHLO", "PTR"]
    zone = clinic.dns
    zone.zone |= {
        (HERE, "MX"): [f"10 mx.{HERE}."],
        (f"mx.{HERE}", "A"): ["192.0.2.7"],
        ("7.2.0.192.in-addr.arpa", "PTR"): [f"mx.{HERE}."],
    }
    zone.txt(HERE, "v=spf1 ip4:192.0.2.0/24 -all")
    zone.txt(f"_dmarc.{HERE}", f"v=DMARC1; p=reject; rua=mailto:d@{HERE}")
    assert clinic.faults(*words) == []
    with contextlib.chdir(clinic.folder):
        made = CliRunner().invoke(cli, ["--json", "dkim", "init", "--domain", HERE])
    assert [one.partition(":")[0] for one in clinic.faults(*words)] == ["DKIM t" + one["selector"][1:] for one in map(json.loads, made.stdout.splitlines())]  # fmt: skip
    for one in map(json.loads, made.stdout.splitlines()):
        zone.txt(one["name"], one["value"])
    assert clinic.faults(*words) == []
    assert any("SPF" in one for one in clinic.faults("dns", "--domain", HERE, "--sender", "198.51.100.1"))


def test_bad_input_to_doctor_dns(clinic: Clinic) -> None:
    clinic.write()
    with contextlib.chdir(clinic.folder):
        wrong = CliRunner().invoke(cli, ["doctor", "dns", "--domain", HERE, "--sender", "mx.example"])
        nobody = CliRunner().invoke(cli, ["doctor", "dns"])
    assert (wrong.exit_code, "not an IP address" in wrong.stderr) == (2, True)
    assert (nobody.exit_code, "which domain?" in nobody.stderr) == (1, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may bind any port")
def test_a_port_for_root_alone(clinic: Clinic) -> None:
    clinic.lines["listen"] = "port = 25\n"
    assert any("root" in one for one in clinic.faults())
