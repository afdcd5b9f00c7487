"""The worker's run: what two of its threads do to its notes at the same time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from db.notes import Notes
from db.states import DeliveryState
from flows import deliver
from tests.databases import Databases
from tests.integration.flows.test_control import FIRST, SLOT, states
from tests.world import World


@pytest.fixture
def world(databases: Databases) -> Iterator[World]:
    made = World(databases.fresh("sqlite"))  # notes lie beside a file only
    made.populate()
    made.until(SLOT - timedelta(hours=1))
    yield made
    made.close()


def test_outcomes_come_home_in_short_transactions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "SHORT", 1)
    written: list[int] = []
    settle = deliver._settle
    monkeypatch.setattr(deliver, "_settle", lambda *given: (written.append(len(given[-1])), settle(*given)))
    world.until(FIRST)
    assert states(world) == {DeliveryState.SENT: 4}
    assert written.count(1) == 4
    assert set(written) <= {0, 1}


def test_notes_that_another_thread_brings_home_between_two_looks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([datetime(2019, 1, 1, tzinfo=UTC), None] * 100)
    monkeypatch.setattr(Notes, "oldest", property(lambda notes: next(looks)))
    world.until(FIRST)
    assert states(world) == {DeliveryState.SENT: 4}
