"""Fixtures shared by all storeys of tests."""

from collections.abc import Iterator

import pytest

from db.engine import Database
from tests.databases import KINDS, Databases


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The maker of databases; starts a PostgreSQL server when one is first asked for."""
    made = Databases(tmp_path_factory.mktemp("databases"))
    yield made
    made.close()


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Database]:
    """An empty database, once on each engine."""
    made = databases.fresh(request.param)
    yield made
    databases.release(made)


@pytest.fixture
def sqlite(databases: Databases) -> Iterator[Database]:
    """An empty SQLite database, for what does not depend on the engine."""
    made = databases.fresh("sqlite")
    yield made
    databases.release(made)
