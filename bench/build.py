"""How building an edition grows: seconds, SQL statements and memory for choosing, wording and writing all deliveries.

Linear in the recipients, and statements grow with the chunks alone: each size is built by a program of its own, the
table shows its peak of memory beside what it was before the build began.

    python -m bench.build [--recipients 1000 10000 100000] [--profile]
"""

import argparse
import cProfile
import json
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import event

from bench import crowd
from db.engine import CHUNK
from flows.engine import Engine


def count_statements(engine: Engine) -> list[int]:
    """A counter of statements: [statements, executions of rows by executemany counted once]."""
    counted = [0]

    def note(*_: object) -> None:
        counted[0] += 1

    event.listen(engine.db.sql, "before_cursor_execute", note)
    return counted


def peak() -> float:
    """The most memory this program ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(readers: int, profile: bool) -> dict[str, float]:
    """Build once on a fresh database: seconds, statements, variants, MB before and at most."""
    with tempfile.TemporaryDirectory() as folder, crowd.engine_at(Path(folder) / "bench.sqlite") as engine:
        draft = crowd.populate(engine, readers)
        counted = count_statements(engine)
        profiler = cProfile.Profile()
        before, begin = peak(), time.perf_counter()
        made = profiler.runcall(crowd.build, engine, draft) if profile else crowd.build(engine, draft)
        seconds = time.perf_counter() - begin
        found = {"seconds": seconds, "statements": counted[0], "before": before, "peak": peak()}
        if profile:
            pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(35)
        assert made.deliveries == readers, made
        with engine.db.read() as tx:
            found["variants"] = int(tx.exec_driver_sql("SELECT count(*) FROM variant").scalar_one())
    return found


def alone(readers: int, profile: bool) -> dict[str, float]:
    """The same in a program of its own, so that memory is its own."""
    command = [sys.executable, "-m", "bench.build", "--one", str(readers), *(["--profile"] if profile else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--one", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.profile)))
        return
    for readers in arguments.recipients:
        found = alone(readers, arguments.profile)
        chunks = -(-readers // CHUNK)
        print(
            f"build {readers:>7} recipients, {found['variants']:>5} variants: {found['seconds']:6.2f} s ="
            f" {1000 * found['seconds'] / readers:5.2f} ms each, {found['statements']:>6} statements ="
            f" {found['statements'] / chunks:5.1f} a chunk of {CHUNK},"
            f" {found['before']:.0f} MB before, at most {found['peak']:.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
