"""The command line: `tidings`. One module per noun; every verb has help, `--json`, and an exit code."""

import gc


def main() -> None:
    """Entry point of the `tidings` command."""
    # Nothing becomes garbage while modules are loaded; looking for it takes a tenth of the time.
    gc.disable()
    from app.cli.main import main as run

    gc.freeze()
    gc.enable()
    run()
