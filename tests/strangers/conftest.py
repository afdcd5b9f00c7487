"""The stage on which other people's programs play: a digest delivered, a mailbox on disk, a listener to answer to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.engine import Database
from tests.strangers.stage import FIRST, Stage
from tests.world import World


@pytest.fixture
def stage(sqlite: Database, tmp_path: Path) -> Iterator[Stage]:
    """The stage after the first digest."""
    world = World(sqlite)
    world.populate()
    world.until(FIRST)
    yield Stage(world, tmp_path)
    world.close()
