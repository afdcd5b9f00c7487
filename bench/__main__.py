"""Every benchmark of speed in one run, its figures as ratios beside their bars: `make bench`.

What cannot be measured here is skipped, visibly. `--short` takes fewer recipients and rounds. The bars are meant for
the long form on a machine that does nothing else, so the load is printed too.

    python -m bench [--short] [--only fanout,far,intake,listeners,understand,build]
"""

import argparse
import os
import subprocess
import sys
import time

FORMS: dict[str, tuple[str, list[str], list[str]]] = {
    # name: module, arguments of the short form, arguments of the long form
    "fanout": (
        "bench.fanout",
        ["--rounds", "1", "--recipients", "3000", "--growth", "1000", "10000"],
        ["--rounds", "5", "--recipients", "10000", "--growth", "1000", "100000"],
    ),
    "far": ("bench.fanout_wire", ["--rounds", "1", "--mails", "2000", "--far", "300"], ["--rounds", "5"]),
    "inbound": ("bench.inbound", ["--recipients", "4000", "--rest", "6"], ["--recipients", "10000", "--rest", "15"]),
    "workers": ("bench.workers", ["--recipients", "1500", "--rounds", "1"], ["--recipients", "10000", "--rounds", "3"]),
    "intake": ("bench.intake", ["--rounds", "1", "--mails", "600"], ["--rounds", "5"]),
    "listeners": (
        "bench.listeners",
        ["--rounds", "1", "--mails", "600", "--listeners", "1", "2"],
        ["--rounds", "3", "--mails", "4000"],
    ),
    "understand": ("bench.understand", ["--rounds", "1"], []),
    "build": ("bench.build", ["--recipients", "1000", "10000"], ["--recipients", "1000", "10000", "100000"]),
}


def main() -> int:
    """Run them one after the other; gives how many could not run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="about two minutes instead of half an hour")
    parser.add_argument("--only", default=",".join(FORMS), help="some of " + ", ".join(FORMS))
    arguments = parser.parse_args()
    unknown = set(arguments.only.split(",")) - FORMS.keys()
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: choose from {', '.join(FORMS)}")
    failed = 0
    for name in arguments.only.split(","):
        module, short, long = FORMS[name]
        print(f"== {name}: load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        begin = time.monotonic()
        done = subprocess.run([sys.executable, "-m", module, *(short if arguments.short else long)], check=False)
        failed += done.returncode != 0
        print(f"== {name}: {time.monotonic() - begin:.0f} s{'' if done.returncode == 0 else ', FAILED'}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
