"""The wheel, built, installed outside the checkout and driven: templates, samples and migrations are in it."""

import email
import email.policy
import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "db", "desk", "digests", "flows", "mailer", "samples", "templates")
SLOW = 240  # seconds; a guard against hanging, not a measure


def run(
    command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=SLOW, check=False, cwd=cwd, env=env)


class Installed:
    """A virtual environment with the wheel alone in it, the libraries of this one beside it, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self.wheel = self._build(folder / "wheel")
        self.site = self._install(folder / "venv")
        self.tidings = folder / "venv" / "bin" / "tidings"
        # Nothing of the checkout may help: no PYTHONPATH, no settings, another folder.
        keep = ("PATH", "HOME", "LANG", "TMPDIR")
        self.environment = {name: os.environ[name] for name in keep if name in os.environ}

    def _build(self, folder: Path) -> Path:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        made = run([*pip, "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)])
        assert made.returncode == 0, made.stdout + made.stderr
        (wheel,) = folder.glob("*.whl")
        return wheel

    def _install(self, venv: Path) -> Path:
        made = run([sys.executable, "-m", "venv", "--without-pip", str(venv)])
        assert made.returncode == 0, made.stderr
        asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(run([str(venv / "bin" / "python"), "-c", asked]).stdout.strip())
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(venv / "bin" / "python")]
        made = run([*pip, "install", "--no-deps", "--no-index", str(self.wheel)])
        assert made.returncode == 0, made.stdout + made.stderr
        # The libraries, as a copy of links: without the file that leads back to the checkout.
        for path in Path(sysconfig.get_path("purelib")).iterdir():
            mine = path.name.startswith(("tidings", "_editable_impl_tidings", "__editable__")) or path.suffix == ".pth"
            if not mine and not (site / path.name).exists():
                (site / path.name).symlink_to(path)
        return site

    def set_clock(self, moment: datetime) -> None:
        """Let the command believe that it is `moment`: the sample is history, and what is over is no news."""
        file = self.folder / "clock"
        file.write_text(f"{(moment - datetime.now(UTC)).total_seconds():.3f}\n")
        self.environment["TIDINGS_CLOCK_FILE"] = str(file)

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run the command; gives what it said."""
        done = run([str(self.tidings), *words], cwd=self.folder, env=self.environment)
        assert done.returncode == code, f"tidings {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_all_data_and_nothing_else(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
    for package in PACKAGES:
        mine = {
            str(path.relative_to(ROOT))
            for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
        }
        assert mine - set(names) == set(), package


def test_it_does_not_know_the_checkout(installed: Installed) -> None:
    asked = "import app, db, mailer, templates, samples; print(app.__file__, list(samples.__path__))"
    done = run(
        [str(installed.tidings.with_name("python")), "-c", asked], cwd=installed.folder, env=installed.environment
    )
    assert done.returncode == 0, done.stderr
    assert str(installed.site) in done.stdout
    assert str(ROOT) not in done.stdout


def test_from_nothing_to_a_digest(installed: Installed) -> None:
    samples = installed.site / "samples"
    assert "timeline" in installed("--help")
    installed("init", "--domain", "strategy.example")
    assert (installed.folder / "tidings.toml").stat().st_mode & 0o077 == 0
    day = "2019-03-18"
    installed.set_clock(datetime.fromisoformat(f"{day}T06:00+00:00"))
    installed("timeline", "import", str(samples / "timeline.yaml"), "--as-of", day, "--domain", "strategy.example",
              "--about", "invented")  # fmt: skip
    installed("timeline", "questions", str(samples / "questions.yaml"), "--as-of", day)
    installed("roster", "import", "--groups", str(samples / "groups.csv"))
    installed("digest", "add", "core", "--title", "Strategy digest", "--rule", "weekly mon 09:00")
    said = installed("roster", "import", "--liaisons", str(samples / "liaisons.csv"))
    assert re.search(r"liaisons: [1-9]\d* added", said), said
    rows = [json.loads(line) for line in installed("--json", "roster", "show").splitlines()]
    address = next(row["address"] for row in rows if row["languages"][0] == "en")
    assert "digest.eml" in installed("digest", "preview", "--for", address, "--as", "eml", "-o", "digest.eml")
    mail = email.message_from_bytes((installed.folder / "digest.eml").read_bytes(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert "Strategy digest" in str(mail["Subject"])
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "What you can do now" in text.get_content()
    assert "What you can do now" in html.get_content()


def test_mail_is_explained_without_a_database(installed: Installed, tmp_path: Path) -> None:
    mail = tmp_path / "one.eml"
    mail.write_bytes(
        b"From: ana@west.example\r\nTo: core@strategy.example\r\nSubject: Re: Digest\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nWe agree with the second proposal.\r\n\r\n"
        b"On Mon, 18 Mar 2019 at 09:00, Core <core@strategy.example> wrote:\r\n> What do you think?\r\n"
    )
    said = installed("explain", "--json", str(mail))
    assert '"text": "We agree with the second proposal."' in said


def test_without_a_configuration_it_says_what_to_do(installed: Installed) -> None:
    assert "tidings init" in installed("--config", "nowhere.toml", "timeline", "show", code=3)
