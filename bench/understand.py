"""How fast mail is understood: parsing, segmenting and the rules, beside mail-parser, which parses alone.

Both read the same mails in turns, in one thread; the figure is the median of the rounds of their ratio. Mails are those
of `tests/mail`, or of a folder (every file in it, up to `--mails`).

    python -m bench.understand [FOLDER] [--rounds 5] [--mails 2000]
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import mailparser

from mailer import explain
from mailer.parse import parse
from mailer.read import read_message

BAR = 0.5
OWN = Path(__file__).parents[1] / "tests" / "mail"


def ours(raw: bytes) -> None:
    """Everything that happens to a mail before it is stored."""
    message = parse(raw)
    read_message(message, explain.envelope_of(message), explain.context_for(message, {}), raw)


def theirs(raw: bytes) -> None:
    """Parsing alone; it raises on some mails, which then cost it little."""
    with suppress(Exception):
        parsed = mailparser.parse_from_bytes(raw)
        _ = parsed.body, parsed.subject, parsed.attachments


def spent(read: Callable[[bytes], None], mails: Sequence[bytes]) -> float:
    """Processor seconds for all of them."""
    begin = time.process_time()
    for raw in mails:
        read(raw)
    return time.process_time() - begin


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path, default=OWN)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=2_000)
    arguments = parser.parse_args()
    files = sorted(file for file in arguments.folder.rglob("*") if file.suffix in (".eml", "") and file.is_file())
    mails = [file.read_bytes() for file in files[:: max(1, len(files) // arguments.mails)]]
    if not mails:
        print(f"understand: skipped, there are no mails in {arguments.folder}")
        return 0
    spent(ours, mails)  # tables of languages are read, and their patterns made, on first use
    pairs = [(spent(ours, mails), spent(theirs, mails)) for _ in range(arguments.rounds)]
    mine, other = (len(mails) / statistics.median(one[n] for one in pairs) for n in (0, 1))
    ratio = statistics.median(b / a for a, b in pairs)
    print(
        f"understand, {len(mails)} mails: ours {mine:.0f}/s and core,"
        f" mail-parser {other:.0f}/s = {ratio:.2f} (bar {BAR})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
