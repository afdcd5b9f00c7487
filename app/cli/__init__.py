"""The command line: `tidings`. One module per noun; every verb has help, `--json`, and an exit code."""

from app.cli.main import main

__all__ = ["main"]
