"""`tidings serve` with programs beside it: they share the work, end together, and no orphan works on."""

import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from app.clock import system_clock
from db import tables
from db.engine import Database
from tests.acceptance.test_crash import FANOUT, fan_out, sent_to_all
from tests.crash import Witness, check_records
from tests.databases import Databases
from tests.strangers.mailhost import free_ports

READERS = 120
PATIENCE = 60.0


def wait_for(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < limit, "it did not come to that"
        time.sleep(0.05)


def configured(folder: Path, db: Database, port: int) -> Path:
    """A configuration for two delivering programs, on the day of the edition."""
    file = folder / "tidings.toml"
    (folder / "clock").write_text(str((FANOUT - system_clock()).total_seconds()))
    file.write_text(
        f'database = "sqlite:///{db.path}"\nsecrets = ["a secret of the tests, 32 octets!"]\ntick_seconds = 0.2\n'
        f'clock_file = "clock"\n[[relay]]\nport = {port}\ntls = "none"\n'
        '[send]\nprocesses = 2\nconnections = 4\nhostname = "mx.process.example"\n'
    )
    file.chmod(0o600)
    return file


@contextmanager
def serving(config: Path, *only: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "from app.cli import main; main()", "--config", str(config), "serve", *only]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as service:
        try:
            yield service
        finally:
            service.kill()


def roles(db: Database) -> dict[int, str]:
    with db.read() as tx:
        rows = tx.execute(select(tables.Worker.name, tables.Worker.role)).all()
    return {int(row.name.rpartition(":")[2]): row.role for row in rows}


def workers(db: Database) -> set[int]:
    return roles(db).keys() - set()


def gone(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_two_programs_deliver_and_end_together(databases: Databases, tmp_path: Path) -> None:
    db, witness = fan_out(databases, "sqlite", READERS), Witness()
    config = configured(tmp_path, db, witness.sink.port)
    with serving(config, "--only", "deliver") as service:
        wait_for(lambda: len(workers(db)) == 2)
        wait_for(lambda: len(witness.mails) >= READERS)
        helpers = workers(db) - {service.pid}
        service.send_signal(signal.SIGTERM)
        assert service.wait(PATIENCE) == 0
        assert workers(db) == set()
        assert all(gone(pid) for pid in helpers)
    witness.close()
    sent_to_all(witness, READERS)
    assert len(witness.mails) == READERS
    check_records(db)
    databases.release(db)


def test_what_helps_is_started_anew_and_ends_when_the_service_is_killed(databases: Databases, tmp_path: Path) -> None:
    db, witness = fan_out(databases, "sqlite", 1), Witness()
    config = configured(tmp_path, db, witness.sink.port)
    with serving(config, "--only", "deliver") as service:
        wait_for(lambda: len(workers(db)) == 2)
        (first,) = workers(db) - {service.pid}
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: len(workers(db) - {service.pid, first}) == 1)
        (second,) = workers(db) - {service.pid, first}
        service.kill()
        wait_for(lambda: gone(second))
    witness.close()
    databases.release(db)


def states(db: Database) -> list[str]:
    with db.read() as tx:
        return list(tx.execute(select(tables.RawMessage.state)).scalars().all())


def test_nothing_computes_at_the_door_and_what_was_accepted_there_is_kept_once(
    databases: Databases, tmp_path: Path
) -> None:
    db, witness = fan_out(databases, "sqlite", 2), Witness()
    config = configured(tmp_path, db, witness.sink.port)
    (port,) = free_ports(1)
    config.write_text(f"{config.read_text()}[listen]\nport = {port}\n[web]\nport = 0\n")

    def send(number: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="client.example") as client:
            client.sendmail("a@b.example", ["core@process.example"], f"Message-ID: <{number}@b.example>\r\n\r\nA word.")

    with serving(config) as service:
        wait_for(lambda: len(workers(db)) == 3)
        helpers = {pid: role for pid, role in roles(db).items() if pid != service.pid}
        assert roles(db)[service.pid] == "listen+web"
        assert sorted(helpers.values()) == ["deliver", "deliver+schedule"]
        send(1)
        wait_for(lambda: [state for state in states(db) if state != "pending"] != [])
        for pid in helpers:
            os.kill(pid, signal.SIGSTOP)
        send(2)  # answered though nobody else works
        service.kill()
        for pid in helpers:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: all(gone(pid) for pid in helpers))
    with serving(config):
        wait_for(lambda: len(states(db)) == 2 and "pending" not in states(db))
    witness.close()
    databases.release(db)
