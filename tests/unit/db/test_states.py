"""The machines: every state can be reached, every move leads to a known state, wrong moves are named."""

import pytest

from db import states

MACHINES = {
    "edition": (states.EditionState, "draft"),
    "announcement": (states.AnnouncementState, "draft"),
    "mailing": (states.MailingState, "building"),
    "delivery": (states.DeliveryState, "queued"),
    "raw": (states.RawState, "pending"),
    "input": (states.InputState, "new"),
    "statement": (states.StatementState, "open"),
    "liaison": (states.LiaisonState, "applied"),
    "task": (states.TaskState, "open"),
    "gate": (states.GateState, "closed"),
}


@pytest.mark.parametrize("machine", sorted(states.MOVES))
def test_every_state_is_reached_from_the_first(machine: str) -> None:
    enum, first = MACHINES[machine]
    reached, queue = {first}, [first]
    while queue:
        for nxt in states.MOVES[machine].get(queue.pop(), ()):
            if nxt not in reached:
                reached.add(nxt)
                queue.append(nxt)
    assert reached == {str(state) for state in enum}


def test_a_wrong_move_names_what_is_allowed() -> None:
    with pytest.raises(states.WrongMove, match=r"edition is approved: it cannot become skipped \(only draft, mailed"):
        states.check("edition", "approved", "skipped")
    with pytest.raises(states.WrongMove, match="this is final"):
        states.check("edition", "mailed", "draft")


def test_told_and_ended_badly_part_the_deliveries() -> None:
    assert set(states.TOLD) | set(states.ENDED_BADLY) == set(states.DeliveryState)
    assert not set(states.TOLD) & set(states.ENDED_BADLY)
