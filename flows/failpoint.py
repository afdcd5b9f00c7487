"""Named places where a test stops the program dead, to prove that nothing is lost.

A flow declares its points as module constants and reaches them at the moment that matters. Nothing
happens there unless `arm` was called; the crash test takes the list of points from `ALL`.
"""

from collections.abc import Callable

ALL: dict[str, "Failpoint"] = {}
_armed: dict[str, Callable[[], None]] = {}


class Failpoint:
    """One named place. Names are `flow.moment`, unique in the program."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        if name in ALL:
            raise ValueError(f"failpoint {name} is declared twice")
        self.name = name
        ALL[name] = self

    def reach(self) -> None:
        """Do what a test armed here; nothing otherwise."""
        bomb = _armed.get(self.name)
        if bomb is not None:
            bomb()


def arm(name: str, bomb: Callable[[], None]) -> None:
    """Have `bomb` called whenever the point is reached. Unknown names are refused."""
    if name not in ALL:
        raise KeyError(f"there is no failpoint {name}")
    _armed[name] = bomb


def disarm() -> None:
    """Forget every bomb."""
    _armed.clear()
