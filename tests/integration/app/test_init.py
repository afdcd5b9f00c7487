"""`tidings init`: a domain, a file, a database; what goes wrong is said in a line and leaves nothing behind."""

import contextlib
import stat
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import cli


def init(folder: Path, *words: str) -> tuple[int, str]:
    with contextlib.chdir(folder):
        done = CliRunner().invoke(cli, ["init", *words] if "--config" not in words else [*words])
    return done.exit_code, done.stdout + done.stderr


def test_a_domain_is_written_as_mail_servers_know_it(tmp_path: Path) -> None:
    code, said = init(tmp_path, "--domain", "Bürger.Example ")
    assert code == 0, said
    made = tmp_path / "tidings.toml"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tidings.sqlite").stat().st_mode) == 0o600
    written = tomllib.loads(made.read_text("utf-8"))
    assert written["listen"]["hostname"] == "xn--brger-kva.example"
    code, said = init(tmp_path, "--domain", "process.example")
    assert (code, "is there already" in said) == (1, True)


@pytest.mark.parametrize("domain", ["", "no domain", "https://process.example", "a..b", 'x".example', "1.2.3.4"])
def test_what_is_no_domain_is_refused(tmp_path: Path, domain: str) -> None:
    code, said = init(tmp_path, "--domain", domain)
    assert (code, "is not the name of a domain" in said) == (1, True), said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("database", "why"),
    [
        ("mysql://user@localhost/tidings", "begins with sqlite:/// (then a file) or postgresql://"),
        ("no database", "begins with sqlite:///"),
        ("sqlite:///nowhere/tidings.sqlite", "there is no folder"),
        ("postgresql://nobody:hidden@127.0.0.1:1/tidings", "database"),
    ],
)
def test_a_database_that_cannot_be_opened_leaves_nothing_behind(tmp_path: Path, database: str, why: str) -> None:
    code, said = init(tmp_path, "--domain", "process.example", "--database", database)
    assert code != 0
    assert why in said
    assert len(said.strip().splitlines()) == 1, said
    assert "hidden" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "kept.sqlite").write_bytes(b"this is no database at all, and long enough to be seen as one")
    code, said = init(tmp_path, "--domain", "process.example", "--database", "sqlite:///kept.sqlite")
    assert (code != 0, len(said.strip().splitlines())) == (True, 1), said
    assert [file.name for file in tmp_path.iterdir()] == ["kept.sqlite"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, said = init(tmp_path, "--config", "nowhere/tidings.toml", "init", "--domain", "process.example")
    assert (code, "there is no folder nowhere" in said) == (1, True), said
