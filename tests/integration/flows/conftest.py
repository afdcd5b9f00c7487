"""The stage with a first digest in the mailboxes, for tests of what comes back."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from db.engine import Database
from tests.world import World

FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)


@pytest.fixture
def world(sqlite: Database) -> Iterator[World]:
    """A stage after its first edition."""
    made = World(sqlite)
    made.populate()
    made.until(FIRST)
    yield made
    made.close()
