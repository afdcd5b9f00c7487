"""The whole product's fan-out: from deliveries in the outbox to mails in a sink, every outcome durable in SQLite.

One edition, 8 languages, three sizes, free interests; personal To, reply address per item, envelope sender and
unsubscribe link; SMTP over loopback into Postfix's `smtp-sink`. Each round alternates with the raw ceiling,
`smtp-source -d -s 10 -l 12288`, and with the rate at which all cores can make RSA-2048 signatures; figures are medians.
The sending side is as many programs as `tidings serve` starts, ten connections among them; memory is that of the
biggest. Prints "skipped" without Postfix's tools.

    python -m bench.fanout [--rounds 5] [--recipients 10000] [--no-signed] [--growth 1000 100000]
"""

import argparse
import cProfile
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench import crowd
from bench.fanout_wire import CONNECTIONS, raw, sink
from flows import deliver
from mailer import sign
from mailer.letter import Letter, Outcome, Record
from mailer.wire.courier import Courier, CourierSettings, Relay

PROCESSES = len(os.sched_getaffinity(0))
UNSIGNED_BAR, SIGNED_BAR, MEMORY_BAR, GROWTH_BAR = 0.35, 0.6, 150, 10


# -- the sending program -----------------------------------------------------------------------------------


def work(arguments: argparse.Namespace) -> None:
    """Deliver everything that is due in a database, as `tidings serve` would; print what was measured as JSON."""
    place = arguments.worker
    engine = crowd.open_engine(place if "://" in place else Path(place), signed=bool(arguments.key))
    settings = CourierSettings(connections=max(1, CONNECTIONS // arguments.processes))
    courier = Courier([Relay("127.0.0.1", arguments.port, tls="none")], settings)
    if arguments.wait:
        print("ready", flush=True)
        sys.stdin.readline()
    first = Stopwatch()
    moving = _Clock()
    if arguments.profile:
        _profile_threads(arguments.profile)
    begin, spent = time.perf_counter(), time.process_time()
    done = deliver.deliver(
        engine,
        first.around(courier),
        arguments.name,
        clock=moving,
        sign=_signing(arguments.key) if arguments.key else None,
    )
    seconds = time.perf_counter() - begin
    print(json.dumps({
        "sent": done.sent, "total": done.total, "seconds": seconds, "first": first.at - begin if done.sent else seconds,
        "memory": _peak(), "octets": first.octets, "cpu": time.process_time() - spent,
    }), flush=True)  # fmt: skip
    courier.close()
    engine.db.close()


def _profile_threads(path: str) -> None:
    """From now on every thread writes its profile to `path` and its name."""
    plain = threading.Thread.run

    def run(thread: threading.Thread) -> None:
        profiler = cProfile.Profile(time.thread_time)
        profiler.runcall(plain, thread)
        profiler.dump_stats(f"{path}.{thread.name}")

    threading.Thread.run = run  # type: ignore[method-assign]


class _Clock:
    """The clock of the crowd, running."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def __call__(self) -> datetime:
        return crowd.LATER + timedelta(seconds=time.monotonic() - self._begin)


class Stopwatch:
    """When the first mail left, and how many octets all have."""

    def __init__(self) -> None:
        self.at = 0.0
        self.octets = 0

    def around(self, courier: Courier) -> Any:
        """The courier's verb, watched."""

        def carry(letters: Iterator[Letter], record: Record) -> None:
            courier.carry(self._counted(letters), lambda outcomes: self._noted(outcomes, record))

        return carry

    def _counted(self, letters: Iterator[Letter]) -> Iterator[Letter]:
        with closing(letters):  # type: ignore[type-var]
            for letter in letters:
                self.octets += len(letter.data)
                yield letter

    def _noted(self, outcomes: Sequence[Outcome], record: Record) -> None:
        self.at = self.at or time.perf_counter()
        record(outcomes)


def _signing(key: str) -> deliver.Sign:
    signer = sign.Signer(crowd.DOMAIN, [sign.load_key("t1", Path(key).read_bytes())])
    return lambda mail, at: signer.sign(mail, at) + mail


def _peak() -> float:
    """The most memory this program ever held, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


# -- measuring ---------------------------------------------------------------------------------------------


def run_workers(
    model: Path, port: int, key: Path | None, *, processes: int = PROCESSES, profile: str = ""
) -> dict[str, float]:
    """Deliver a copy of the model database once, with so many programs side by side."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        database = Path(folder) / "bench.sqlite"
        shutil.copyfile(model, database)
        more = ["--key", str(key)] if key else []
        more += ["--profile", profile] if profile else []
        several = [open_.enter_context(_worker(database, port, n, processes, *more)) for n in range(processes)]
        for one in several:
            _line(one)
        begin = time.perf_counter()
        return _told(several, begin)


def _worker(database: Path, port: int, number: int, processes: int, *more: str) -> subprocess.Popen[str]:
    """A program that delivers once it is told to."""
    command = [sys.executable, "-m", "bench.fanout", "--worker", str(database), "--port", str(port), "--wait"]
    command += ["--name", f"bench{number}", "--processes", str(processes), *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline()


def _told(several: Sequence[subprocess.Popen[str]], begin: float) -> dict[str, float]:
    """Tell programs to deliver; gives what they did together."""
    for one in several:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    found = [json.loads(_line(one)) for one in several]
    sums = {name: sum(one[name] for one in found) for name in ("sent", "total", "cpu", "octets")}
    return {
        **sums,
        "seconds": time.perf_counter() - begin,
        "first": min(one["first"] for one in found),
        "memory": max(one["memory"] for one in found),
        "octets": sums["octets"] / max(1, sums["sent"]),
    }


def make_model(folder: Path, readers: int) -> Path:
    """A database in which an edition is ready to go to so many readers."""
    path = folder / f"model-{readers}.sqlite"
    with crowd.engine_at(path) as engine:
        made = crowd.build(engine, crowd.populate(engine, readers))
        assert made.deliveries == readers, made
        with engine.db.sql.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def _sign_for(pem: bytes, seconds: float, answers: Any) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    private: Any = sign.load_key("t1", pem).private
    count, begin = 0, time.perf_counter()
    while (spent := time.perf_counter() - begin) < seconds:
        private.sign(b"x" * 1500, padding.PKCS1v15(), hashes.SHA256())
        count += 1
    answers.put(count / spent)


def signatures(pem: bytes) -> float:
    """RSA-2048 signatures a second that all cores make together."""
    context = get_context("fork")
    answers = context.SimpleQueue()
    several = [context.Process(target=_sign_for, args=(pem, 1.5, answers)) for _ in range(os.cpu_count() or 1)]
    for one in several:
        one.start()
    rate = sum(answers.get() for _ in several)
    for one in several:
        one.join()
    return float(rate)


def fan_out(model: Path, readers: int, rounds: int, key: Path | None) -> None:
    """The two ratios, the memory and the time to the first mail."""
    ceiling, plain, signed, makes = [], [], [], []
    runs: list[dict[str, float]] = []
    with sink() as port:
        for _ in range(rounds):
            ceiling.append(raw(port, readers))
            runs.append(run_workers(model, port, None))
            plain.append(runs[-1]["sent"] / runs[-1]["seconds"])
            if key is not None:
                makes.append(signatures(key.read_bytes()))
                found = run_workers(model, port, key)
                signed.append(found["sent"] / found["seconds"])
    assert all(found["sent"] == readers for found in runs), runs
    top, rate = statistics.median(ceiling), statistics.median(plain)
    spent, first = (statistics.median(run[name] for run in runs) for name in ("cpu", "first"))
    print(
        f"fan-out, {readers} mails of {runs[0]['octets'] / 1024:.1f} KiB: raw {top:.0f}/s, Tidings {rate:.0f}/s ="
        f" {rate / top:.2f} (bar {UNSIGNED_BAR}); {PROCESSES} programs,"
        f" {1e6 * spent / readers:.0f} microseconds of processor time a mail; first mail after {first:.2f} s;"
        f" memory of one {max(r['memory'] for r in runs):.0f} MB (bar {MEMORY_BAR})",
        flush=True,
    )
    if key is not None:
        possible, rate = statistics.median(makes), statistics.median(signed)
        print(
            f"fan-out signed with RSA-2048: {os.cpu_count()} cores can sign {possible:.0f}/s,"
            f" Tidings sends {rate:.0f}/s = {rate / possible:.2f} (bar {SIGNED_BAR})",
            flush=True,
        )


def growth(folder: Path, sizes: Sequence[int]) -> None:
    """The memory of the worker for few and for many recipients."""
    found: list[float] = []
    with sink() as port:
        for readers in sizes:
            model = make_model(folder, readers)
            found.append(run_workers(model, port, None)["memory"])
            print(f"memory of the worker, {readers} recipients: {found[-1]:.0f} MB (bar {MEMORY_BAR})", flush=True)
            model.unlink()
    print(f"memory grows by {found[-1] - found[0]:.1f} MB (bar {GROWTH_BAR})", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--no-signed", action="store_true")
    parser.add_argument("--growth", type=int, nargs="+", default=[])
    parser.add_argument(
        "--profile",
        default="",
        help="write a profile of each thread of one unsigned run to this path and its name, and no more",
    )
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--key", default="", help=argparse.SUPPRESS)
    parser.add_argument("--wait", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--name", default="bench", help=argparse.SUPPRESS)
    parser.add_argument("--processes", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments)
        return
    if shutil.which("smtp-source") is None or shutil.which("smtp-sink") is None:
        print("fan-out: skipped (smtp-source and smtp-sink are not installed; they come with Postfix)")
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = arguments.model or make_model(folder, arguments.recipients)
        if arguments.profile:
            with sink() as port:
                print(run_workers(model, port, None, processes=1, profile=arguments.profile))
            return
        key = None
        if not arguments.no_signed:
            key = folder / "t1.pem"
            key.write_bytes(sign.pem(sign.new_key("t1", "rsa")))
        fan_out(model, arguments.recipients, arguments.rounds, key)
        if arguments.growth:
            growth(folder, arguments.growth)


if __name__ == "__main__":
    main()
