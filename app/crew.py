"""The programs beside the service: what computes is kept away from the door, and delivering uses every core.

Each is a worker of its own, with its own claims, notes and connections. It ends in good order when the pipe to its
standard input closes: when the service stops it, and as well when the service was killed.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from app.config import Config

log = structlog.get_logger()

MOST = 4  # unless more are asked for: beyond that the relay is the narrow place


def size(config: Config) -> int:
    """How many programs deliver together: as configured, else one for each core; never more than connections."""
    return min(config.send.processes or min(len(os.sched_getaffinity(0)), MOST), config.send.connections)


class Crew:
    """Programs that work beside this one until told to stop. Safe to use from one thread at a time."""

    def __init__(self, config_file: Path, posts: Sequence[Sequence[str]], share: int) -> None:
        """One program for each of `posts`, which are roles; `share` programs share the connections to relays."""
        # -P: a folder named `app` where the service was started is not ours.
        command = [sys.executable, "-P", "-m", "app.helper", str(config_file), str(share)]
        self._commands = [[*command, *roles] for roles in posts]
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._ended = False

    def mend(self) -> None:
        """Start those that do not run: all of them at first, later what died."""
        for post, command in enumerate(self._commands):
            one = self._running.get(post)
            if one is not None and one.poll() is not None:
                log.error("a helping program ended", pid=one.pid, code=one.returncode)
                one = None
            if one is None and not self._ended:
                # This program itself, with a file that it already reads.
                self._running[post] = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603

    def dismiss(self) -> None:
        """Let them end what is under way and start no other. Returns at once."""
        self._ended = True
        for one in list(self._running.values()):
            if one.stdin is not None:
                one.stdin.close()

    def wait(self) -> None:
        """Wait until all have ended, also one that began while they were dismissed."""
        self.dismiss()
        for one in self._running.values():
            one.wait()
        self._running.clear()
