"""docs/commands.md from the command line itself: every command with its words, arguments and options.

    python tools/commands.py            write docs/commands.md
    python tools/commands.py --check    change nothing; exit 1 if it is stale

`text()` gives the page; a test compares it with the file.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
HEAD = """\
# Every command

Written by `make docs` from the program itself; do not edit. What `tidings COMMAND --help` says is the same.

Exit codes: 0 done; 1 refused (bad input, a move that is not allowed); 2 wrong usage; 3 configuration; 4 database or
network not available. Errors go to standard error, in one line.
"""


def commands(root: Any, name: str = "tidings") -> Iterator[tuple[str, Any]]:
    """Every command below `root` by its full name, groups after the root and before what is in them."""
    yield name, root
    for part in sorted(getattr(root, "commands", {})):
        yield from commands(root.commands[part], f"{name} {part}")


def text() -> str:
    """The page as it should be."""
    from app.cli.main import cli

    sections = [HEAD]
    for name, command in commands(get_command(cli)):
        lines = [f"## {name}", "", " ".join((command.help or "").split()), ""]
        if not hasattr(command, "commands"):
            lines += [f"    {usage(name, command)}", ""]
        rows = [row(param) for param in command.params if param.name != "help" and not getattr(param, "hidden", False)]
        if rows:
            lines += ["| | | |", "| --- | --- | --- |", *rows, ""]
        sections.append("\n".join(lines))
    return "\n".join(sections).rstrip("\n") + "\n"


def usage(name: str, command: Any) -> str:
    """One line that says how to call it."""
    words = [name]
    for param in command.params:
        if param.param_type_name != "argument":
            continue
        word = metavar(param) + ("..." if param.nargs == -1 else "")
        words.append(word if param.required else f"[{word}]")
    required = [f"{param.opts[0]} {metavar(param)}" for param in command.params if is_option(param) and param.required]
    rest = ["[OPTIONS]"] if any(is_option(param) and not param.required for param in command.params) else []
    return " ".join([*words, *required, *rest])


def is_option(param: Any) -> bool:
    return bool(param.param_type_name == "option")


def metavar(param: Any) -> str:
    """What stands for the value."""
    return str(param.metavar or param.name).upper().lstrip("-").replace("-", "_")


def row(param: Any) -> str:
    """One parameter as a row of a table."""
    if is_option(param):
        named = " ".join(f"`{one}`" for one in [*param.opts, *param.secondary_opts])
    else:
        named = f"`{metavar(param)}`"
    notes = []
    if param.required:
        notes.append("required")
    elif param.default is not None and param.default not in (False, "", (), []) and not callable(param.default):
        notes.append(f"default `{getattr(param.default, 'value', param.default)}`")
    if param.multiple or param.nargs == -1:
        notes.append("several allowed")
    choices = getattr(param.type_descriptor, "choices", None)
    if choices:
        notes.append("one of " + ", ".join(f"`{getattr(one, 'value', one)}`" for one in choices))
    said = " ".join((getattr(param, "help", None) or "").split()).replace("|", "\\|")
    return f"| {named} | {said} | {'; '.join(notes)} |"


def main() -> int:
    made = text()
    if "--check" in sys.argv[1:]:
        fresh = PAGE.exists() and PAGE.read_text("utf-8") == made
        if not fresh:
            print("stale: docs/commands.md (run make docs)")
        return int(not fresh)
    PAGE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
