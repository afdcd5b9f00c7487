"""The stage on which other people's programs play: a digest delivered, a mailbox on disk, a listener to answer to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.engine import Database
from tests.strangers.stage import FIRST, Stage
from tests.world import World


@pytest.fixture
def early(sqlite: Database, tmp_path: Path) -> Iterator[Stage]:
    """The stage before the first digest."""
    world = World(sqlite)
    world.populate()
    yield Stage(world, tmp_path)
    world.close()


@pytest.fixture
def stage(early: Stage) -> Stage:
    """The stage after the first digest."""
    early.world.until(FIRST)
    return early
