"""A program that works beside the service; `app.crew` starts it: `python -m app.helper CONFIG SHARE ROLE...`.

It ends when its standard input does, so that it never outlives the service.
"""

import os
import sys
import threading
from pathlib import Path

from app import logs, wiring
from app.config import load
from app.serve import Role, Service

NICE = 5  # whoever waits at the door comes first, also where cores are few


def main() -> None:
    """Do these roles until standard input ends, or until SIGINT or SIGTERM."""
    os.nice(NICE)
    config = load(Path(sys.argv[1]))
    logs.configure(config.log.format, config.log.level)
    roles = [Role(name) for name in sys.argv[3:]]
    service = Service(config, wiring.engine(config), roles, share=int(sys.argv[2]))
    wiring.arm_failpoint()

    def follow() -> None:
        sys.stdin.buffer.read()
        service.finish()

    threading.Thread(target=follow, name="tidings-follow", daemon=True).start()
    service.run()


if __name__ == "__main__":
    main()
