"""`tidings serve` with a delivering program beside it: both send, both end together, and no orphan sends on."""

import os
import signal
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
def serving(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "from app.cli import main; main()", "--config", str(config)]
    with subprocess.Popen([*command, "serve", "--only", "deliver"], stdout=subprocess.DEVNULL) as service:
        try:
            yield service
        finally:
            service.kill()


def workers(db: Database) -> set[int]:
    with db.read() as tx:
        names = tx.execute(select(tables.Worker.name)).scalars().all()
    return {int(name.rpartition(":")[2]) for name in names}


def gone(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_two_programs_deliver_and_end_together(databases: Databases, tmp_path: Path) -> None:
    db, witness = fan_out(databases, "sqlite", READERS), Witness()
    config = configured(tmp_path, db, witness.sink.port)
    with serving(config) as service:
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
    with serving(config) as service:
        wait_for(lambda: len(workers(db)) == 2)
        (first,) = workers(db) - {service.pid}
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: len(workers(db) - {service.pid, first}) == 1)
        (second,) = workers(db) - {service.pid, first}
        service.kill()
        wait_for(lambda: gone(second))
    witness.close()
    databases.release(db)
