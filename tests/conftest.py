"""Fixtures shared by all storeys of tests."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from db.engine import Database
from tests.databases import KINDS, Databases

# `make test` tries the same examples everywhere and forever, however slow the machine is; `make search` looks for new
# ones by chance.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


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
