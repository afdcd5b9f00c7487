"""`python -m tests.fuzz`: judge mutated mails for a while, or many of them; what fails is kept and named.

With atheris installed its coverage leads the way (`--atheris`); else our own mutations do, the same ones for the same
`--start`. Ends with 1 when something was found; the inputs lie in .fuzz/ then, and `--again FILE` judges one of them.
"""

import argparse
import sys
import time
import traceback
from hashlib import sha256
from pathlib import Path
from random import Random

from tests.fuzz.mutate import mutated, seeds

KEPT = Path(".fuzz")
SLOW = 1.0  # seconds of processor time for one mail


def main() -> int:
    """Run as asked."""
    ask = argparse.ArgumentParser(prog="python -m tests.fuzz")
    ask.add_argument("--seconds", type=float, default=300)
    ask.add_argument("--inputs", type=int, default=0, help="as many as these, however long it takes")
    ask.add_argument("--start", type=int, default=int(time.time()), help="the seed of chance")
    ask.add_argument("--atheris", action="store_true", help="led by coverage; ends at the first finding")
    ask.add_argument("--again", type=Path, help="judge this file alone")
    wish = ask.parse_args()
    if wish.again:
        from tests.fuzz.judge import judge

        judge(wish.again.read_bytes())
        return 0
    if wish.atheris:
        return led_by_coverage(wish.seconds, wish.inputs)
    return by_chance(Random(wish.start), wish.seconds, wish.inputs, wish.start)


def by_chance(rng: Random, seconds: float, inputs: int, start: int) -> int:
    """Our own mutations, on and on; findings of one kind are kept once."""
    given, found, done = seeds(), set[str](), 0
    slowest, end, report = (0.0, ""), time.monotonic() + seconds, time.monotonic() + 30
    print(f"from {len(given)} mails, --start {start}", flush=True)
    while done < inputs if inputs else time.monotonic() < end:
        mail = mutated(rng, given)
        fault, took = tried(mail)
        done += 1
        if took > SLOW:
            fault = fault or f"slow: {took:.1f} s"
        slowest = max(slowest, (took, f"{len(mail)} octets"))
        if fault and fault.partition("\n")[0] not in found:
            found.add(fault.partition("\n")[0])
            print(f"{kept(mail)}: {fault}", flush=True)
        if time.monotonic() > report:
            report = time.monotonic() + 30
            print(f"{done} inputs, {len(found)} findings, slowest {slowest[0]:.2f} s ({slowest[1]})", flush=True)
    print(f"{done} inputs, {len(found)} findings, slowest {slowest[0]:.2f} s ({slowest[1]})")
    return 1 if found else 0


def tried(mail: bytes) -> tuple[str, float]:
    """What went wrong with a mail ('' for nothing), and the processor time it took."""
    from tests.fuzz.judge import judge

    started, fault = time.process_time(), ""
    try:
        judge(mail)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}\n{error}"[:400]
    return fault, time.process_time() - started


def kept(mail: bytes) -> Path:
    """Where a finding lies."""
    KEPT.mkdir(exist_ok=True)
    file = KEPT / f"{sha256(mail).hexdigest()[:12]}.eml"
    file.write_bytes(mail)
    return file


def led_by_coverage(seconds: float, inputs: int) -> int:
    """libFuzzer over the same judge; it writes what it finds to .fuzz/ and ends the program."""
    try:
        import atheris
    except ImportError:
        print("atheris is not installed (pip install atheris); without --atheris our own mutations run")
        return 2
    KEPT.mkdir(exist_ok=True)
    corpus = KEPT / "corpus"
    corpus.mkdir(exist_ok=True)
    for mail in seeds():
        (corpus / sha256(mail).hexdigest()[:12]).write_bytes(mail)
    with atheris.instrument_imports(include=["mailer"]):
        from tests.fuzz.judge import judge
    limits = [f"-runs={inputs}"] if inputs else [f"-max_total_time={int(seconds)}"]
    options = ["-max_len=60000", "-timeout=10", "-rss_limit_mb=1024", f"-artifact_prefix={KEPT}/"]
    atheris.Setup([sys.argv[0], *limits, *options, str(corpus)], judge)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
