"""The files of deploy/: compose settings that the program takes, commands that it has, a unit that systemd accepts."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from app import config as configuration
from app.cli.main import cli

DEPLOY = Path(__file__).parents[3] / "deploy"
ENV = {"POSTGRES_PASSWORD": "pw", "TIDINGS_SECRET": "s" * 40, "TIDINGS_DOMAIN": "strategy.example"}


def filled(text: str, env: dict[str, str]) -> str:
    """Compose's interpolation: `${NAME}`, `${NAME:?}`, `${NAME:-default}`, defaults within defaults."""
    pattern = re.compile(r"\$\{(\w+)(?::(-|\?)((?:[^{}]|\$\{[^{}]*\})*))?\}")

    def value(match: re.Match[str]) -> str:
        found = env.get(match[1], "")
        if not found and match[2] == "?":
            raise KeyError(match[1])
        return found or filled(match[3] or "", env)

    return pattern.sub(value, text)


def compose(env: dict[str, str]) -> dict[str, Any]:
    return yaml.safe_load(filled((DEPLOY / "compose.yaml").read_text(), env))


def settings(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> configuration.Config:
    """What the program makes of the environment of a service."""
    env = dict(compose(ENV)["services"][name]["environment"])
    file = folder / "tidings.toml"
    file.write_text(compose(ENV)["configs"]["tidings"]["content"])
    for key, value in env.items():
        assert isinstance(value, str), key
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("TIDINGS_CONFIG", str(file))
    return configuration.load()


@pytest.mark.parametrize("name", ["migrate", "listen", "deliver", "schedule", "web"])
def test_the_settings_of_each_service_are_taken(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = settings(name, monkeypatch, tmp_path)
    assert config.database == "postgresql://tidings:pw@database/tidings"
    assert (config.listen.host, config.listen.protocol, config.web.host) == ("0.0.0.0", "lmtp", "0.0.0.0")
    assert [(one.host, one.port, one.tls) for one in config.relay] == [("postfix", 10025, "none")]
    assert config.web.base_url == "https://strategy.example"
    # What the programs keep beside the database lies in a volume that all of them share.
    made = compose(ENV)["services"][name]
    assert "state:/var/lib/tidings" in made["volumes"]
    for kept in (config.generation_file, config.dkim_keys):
        assert str(kept).startswith("/var/lib/tidings/")


def test_what_must_be_set_is_asked_for() -> None:
    for name in ENV:
        with pytest.raises(KeyError, match=name):
            compose({key: value for key, value in ENV.items() if key != name})


def test_services_fit_together() -> None:
    made = compose(ENV)
    services = made["services"]
    for name, one in services.items():
        assert set(one.get("depends_on", {})) <= set(services), name
        for volume in one.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in made["volumes"] or source.startswith("."), volume
        if "build" in one:
            folder = DEPLOY / one["build"]["context"]
            assert (folder / one["build"]["dockerfile"]).is_file()
    assert {name for name, one in services.items() if "ports" in one} == {"postfix", "web"}
    assert services["web"]["ports"] == ["127.0.0.1:8025:8025"]  # a proxy with https stands before it
    for name in ("migrate", "listen", "deliver", "schedule", "web"):
        done = CliRunner().invoke(cli, [*services[name]["command"], "--help"])
        assert done.exit_code == 0, done.output


def test_containerfile_names_what_there_is() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert "requirements.lock" in text
    assert (DEPLOY.parent / "requirements.lock").is_file()
    (command,) = re.findall(r"^CMD (.*)$", text, re.MULTILINE)
    assert CliRunner().invoke(cli, [*json.loads(command), "--help"]).exit_code == 0


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    unit = tmp_path / "tidings.service"
    unit.write_text((DEPLOY / "tidings.service").read_text().replace("/opt/tidings/bin/tidings", "/bin/true"))
    done = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False)
    if "Failed to" in done.stderr and "manager" in done.stderr:
        pytest.skip(f"systemd-analyze cannot run here: {done.stderr[:200]}")
    assert (done.returncode, done.stderr) == (0, "")
