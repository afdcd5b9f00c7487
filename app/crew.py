"""The programs that deliver beside the service, so that composing and signing use every core.

Each is a worker of its own, with its own claims, notes and connections. It ends in good order when the pipe to its
standard input closes: when the service stops it, and as well when the service was killed.
"""

import os
import subprocess
import sys
from pathlib import Path

import structlog

from app.config import Config

log = structlog.get_logger()

MOST = 4  # unless more are asked for: beyond that the relay is the narrow place


def size(config: Config) -> int:
    """How many programs deliver together: as configured, else one for each core; never more than connections."""
    return min(config.send.processes or min(len(os.sched_getaffinity(0)), MOST), config.send.connections)


class Crew:
    """Programs that deliver until told to stop. Safe to use from one thread at a time."""

    def __init__(self, config_file: Path, helpers: int, share: int) -> None:
        # -P: a folder named `app` where the service was started is not ours.
        self._command = [sys.executable, "-P", "-m", "app.helper", str(config_file), str(share)]
        self._running: list[subprocess.Popen[bytes]] = []
        self._helpers = helpers
        self._ended = False

    def mend(self) -> None:
        """Start those that do not run: all of them at first, later what died."""
        for one in [one for one in self._running if one.poll() is not None]:
            log.error("a delivering program ended", pid=one.pid, code=one.returncode)
            self._running.remove(one)
        while not self._ended and len(self._running) < self._helpers:
            # This program itself, with a file that it already reads.
            self._running.append(subprocess.Popen(self._command, stdin=subprocess.PIPE))  # noqa: S603

    def dismiss(self) -> None:
        """Let them end what is under way and start no other. Returns at once."""
        self._ended = True
        for one in list(self._running):
            if one.stdin is not None:
                one.stdin.close()

    def wait(self) -> None:
        """Wait until all have ended, also one that began while they were dismissed."""
        self.dismiss()
        for one in self._running:
            one.wait()
        self._running.clear()
