"""What stands at the root of the command line, by name; each is loaded when it is asked for.

Loading all of them takes longer than most commands run.
"""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

_MODULES = {
    "rehearse": "rehearse",
    "status": "status",
    "ledger": "ledger",
    "backup": "keep",
    "restore": "keep",
    "adopt": "keep",
    "retain": "person",
    "init": "operate",
    "migrate": "operate",
    "serve": "operate",
    "play": "play",
    "explain": "explain",
    "timeline": "timeline",
    "translate": "translate",
    "roster": "roster",
    "digest": "digest",
    "announce": "announce",
    "outbox": "outbox",
    "inbox": "inbox",
    "input": "input_",
    "task": "task",
    "dkim": "dkim",
    "doctor": "doctor",
    "person": "person",
}
_MORE = {"roster": "waiting", "digest": "draft"}  # where more verbs of a noun are


class Verbs(MutableMapping[str, Any]):
    """Verbs and nouns by name, in the order of the help."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            if name not in _MODULES:
                raise KeyError(name)
            self._made |= _load(_MODULES[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)

    def __setitem__(self, name: str, made: Any) -> None:
        raise TypeError("a command of the root is named in the table above")

    def __delitem__(self, name: str) -> None:
        raise TypeError("a command of the root is named in the table above")


class Root(TyperGroup):
    """The root."""

    def __init__(self, **told: Any) -> None:
        super().__init__(**told)
        self.commands = Verbs()

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, none of them loaded."""
        del ctx
        return list(self.commands)


def _load(module: str) -> dict[str, Any]:
    """The commands that a module puts at the root."""
    root = typer.Typer(rich_markup_mode=None)
    root.add_typer(import_module(f"app.cli.{module}").cli)
    if module in _MORE:
        import_module(f"app.cli.{_MORE[module]}")
    return dict(get_group(root).commands)
