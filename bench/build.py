"""How building an edition grows: seconds and SQL statements for choosing, wording and writing all deliveries.

Linear in the recipients, and statements grow with the chunks alone: the table shows both per 1,000 recipients.

    python -m bench.build [--recipients 1000 10000] [--profile]
"""

import argparse
import cProfile
import pstats
import resource
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


def measure(readers: int, profile: bool) -> tuple[float, int, int]:
    """Build once on a fresh database: seconds, statements, variants."""
    with tempfile.TemporaryDirectory() as folder, crowd.engine_at(Path(folder) / "bench.sqlite") as engine:
        draft = crowd.populate(engine, readers)
        counted = count_statements(engine)
        profiler = cProfile.Profile()
        begin = time.perf_counter()
        made = profiler.runcall(crowd.build, engine, draft) if profile else crowd.build(engine, draft)
        seconds = time.perf_counter() - begin
        statements = counted[0]
        if profile:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(35)
        assert made.deliveries == readers, made
        with engine.db.read() as tx:
            variants = int(tx.exec_driver_sql("SELECT count(*) FROM variant").scalar_one())
    return seconds, statements, variants


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    for readers in arguments.recipients:
        seconds, statements, variants = measure(readers, arguments.profile)
        chunks = -(-readers // CHUNK)
        top = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"build {readers:>7} recipients, {variants:>5} variants: {seconds:6.2f} s ="
            f" {1000 * seconds / readers:5.2f} ms each, {statements} statements ="
            f" {(statements - 2 * variants) / chunks:5.1f} a chunk of {CHUNK} besides"
            f" {2 * variants} for variants, at most {top:.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
