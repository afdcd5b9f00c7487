"""`tidings person consent`: the proof that is kept of somebody, from the command line."""

import contextlib
from pathlib import Path

from typer.testing import CliRunner

from app.cli.main import cli
from tests.world import ENTRIES, GROUPS, LIAISONS, PROCESS


def test_consent_is_shown(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        with contextlib.chdir(tmp_path):
            done = CliRunner().invoke(cli, list(words))
        return done.exit_code, done.stdout + done.stderr

    (tmp_path / "timeline.yaml").write_text(PROCESS + ENTRIES.format(talks_end="2019-03-31"))
    (tmp_path / "groups.csv").write_text(GROUPS)
    (tmp_path / "liaisons.csv").write_text(LIAISONS)
    for words in (
        ("init", "--domain", "process.example"),
        ("timeline", "import", "timeline.yaml"),
        ("roster", "import", "--groups", "groups.csv"),
        ("digest", "add", "core", "--title", "T", "--rule", "weekly mon 09:00"),
        ("roster", "import", "--liaisons", "liaisons.csv"),
    ):
        code, said = run(*words)
        assert code == 0, said
    code, said = run("person", "consent", "ana@west.example")
    assert (code, "named as liaison by west on 2019-01-10" in said, "line 2" in said) == (0, True, True)
    code, said = run("person", "consent", "nobody@x.example")
    assert (code, "nothing is held about nobody@x.example" in said) == (1, True)
