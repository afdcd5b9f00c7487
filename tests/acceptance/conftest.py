"""The stage for acceptance tests, once on each database."""

from collections.abc import Iterator

import pytest

from db.engine import Database
from tests.world import World


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """An empty stage."""
    made = World(database)
    yield made
    made.close()
