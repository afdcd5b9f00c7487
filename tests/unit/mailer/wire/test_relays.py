"""Turns among relays, and the reading of replies."""

from collections import Counter

import pytest

from mailer.wire.connection import _reply, _short_reply
from mailer.wire.letters import Relay
from mailer.wire.relays import Relays

HEAVY, LIGHT, SPARE = Relay("heavy", weight=3), Relay("light", weight=1), Relay("spare", weight=0)


def test_weights_are_kept_and_spares_come_last() -> None:
    turns = Relays([SPARE, LIGHT, HEAVY], 30)
    tries = [turns.turns(0) for _ in range(40)]
    assert Counter(order[0].host for order in tries) == {"heavy": 30, "light": 10}
    assert all(order[-1] is SPARE and len(order) == 3 for order in tries)


def test_what_is_down_rests() -> None:
    turns = Relays([HEAVY, LIGHT], 30)
    turns.down(HEAVY, 100)
    assert turns.turns(100) == [LIGHT]
    turns.down(LIGHT, 101)
    assert turns.turns(129) == []
    assert turns.turns(130) == [HEAVY]
    turns.up(LIGHT)
    assert set(turns.turns(130)) == {HEAVY, LIGHT}
    with pytest.raises(ValueError, match="relay"):
        Relays([], 30)


def test_replies() -> None:
    assert _short_reply(b"250 2.1.5 Ok\r")[:3] == (250, "2.1.5", "Ok")
    assert _short_reply(b"250")[:3] == (250, "", "")
    assert _short_reply(b"550 2.1.5 odd")[:3] == (550, "", "2.1.5 odd")
    assert _short_reply(b"550 5.1.10")[:3] == (550, "5.1.10", "")
    assert _short_reply(b"550 5.1.1.1 x")[:3] == (550, "", "5.1.1.1 x")
    assert _reply(550, ("5.1.1 no", "5.1.1 such", "5.1.1 user"))[:3] == (550, "5.1.1", "no such user")
    assert _reply(250, ("a\x1b[0m", "b\u2028c"))[:3] == (250, "", "a [0m b c")
    assert len(_reply(250, ("x" * 5000,)).text) == 1000
