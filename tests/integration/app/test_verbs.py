"""The root of the command line loads what was asked for, and knows all there is."""

import subprocess
import sys
from pathlib import Path

import pytest

import app.cli
from app.cli.verbs import Verbs

HEAVY = ("fastapi", "aiosmtpd", "spf", "alembic", "apscheduler")


def test_each_name_is_that_of_its_command() -> None:
    verbs = Verbs()
    assert {name: made.name for name, made in verbs.items()} == {name: name for name in verbs}


def test_no_module_of_commands_is_left_out() -> None:
    root = Path(app.cli.__file__).parent
    having = {path.stem for path in root.glob("*.py") if "\n@cli.command" in path.read_text("utf-8")}
    list(Verbs().values())
    assert having <= {name.rpartition(".")[2] for name in sys.modules if name.startswith("app.cli.")}


def test_what_is_not_there_is_not_there() -> None:
    verbs = Verbs()
    with pytest.raises(KeyError):
        verbs["stats"]
    with pytest.raises(TypeError):
        verbs["stats"] = verbs["status"]
    with pytest.raises(TypeError):
        del verbs["status"]


def test_a_command_that_reads_the_database_waits_for_no_server(tmp_path: Path) -> None:
    asked = f"""
import sys
from app.cli.main import cli
try:
    cli(["--config", "none.toml", "input", "list"])
except SystemExit as end:
    print(end.code, [name for name in {HEAVY!r} if name in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert said.stdout.strip() == "3 []", said.stderr
