"""A program that delivers beside the service; `app.crew` starts it: `python -m app.helper CONFIG SHARE`.

It ends when its standard input does, so that it never outlives the service.
"""

import sys
import threading
from pathlib import Path

from app import logs, wiring
from app.config import load
from app.serve import Role, Service


def main() -> None:
    """Deliver until standard input ends, or until SIGINT or SIGTERM."""
    config = load(Path(sys.argv[1]))
    logs.configure(config.log.format, config.log.level)
    service = Service(config, wiring.engine(config), [Role.DELIVER], share=int(sys.argv[2]))

    def follow() -> None:
        sys.stdin.buffer.read()
        service.finish()

    threading.Thread(target=follow, name="tidings-follow", daemon=True).start()
    service.run()


if __name__ == "__main__":
    main()
