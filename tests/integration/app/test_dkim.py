"""`tidings dkim`: keys made, shown, published, changed, and what they sign verified by others."""

import contextlib
import json
import os
import shutil
import stat
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dkim
import pytest
from click.testing import Result
from typer.testing import CliRunner

from app import config as configuration
from app import wiring
from app.cli.main import cli
from tests.nameserver import Nameserver, nameserver

MAIL = (
    b"From: Digest <core@here.example>\r\nTo: ana@west.example\r\nDate: Mon, 02 Nov 2026 03:00:00 +0000\r\n"
    b"Subject: x\r\n\r\nHello\r\n"
)
AT = datetime(2026, 11, 1, tzinfo=UTC)


class Shell:
    """Runs `tidings` in a folder with a configuration, and a name server that it asks."""

    def __init__(self, folder: Path, dns: Nameserver) -> None:
        self.folder, self.dns = folder, dns
        self.file = folder / "tidings.toml"
        self.file.touch(mode=0o600)
        self.file.write_text(f'secrets = ["{"x" * 20}"]\n[dns]\nservers = ["{dns.place}"]\n')

    def run(self, *words: str, code: int = 0) -> Result:
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(cli, list(words))
        assert done.exit_code == code, f"{words}: {done.exit_code}\n{done.stdout}\n{done.stderr}\n{done.exception!r}"
        return done

    def json(self, *words: str) -> list[dict]:
        return [json.loads(line) for line in self.run("--json", *words).stdout.splitlines()]

    def publish(self, rows: list[dict]) -> None:
        for row in rows:
            self.dns.txt(row["name"], row["value"])

    def signed(self) -> bytes:
        return wiring.signing(configuration.load(self.file))(MAIL, AT)

    def verified(self, mail: bytes) -> list[bool]:
        def look(name: bytes, timeout: int = 5) -> bytes:
            texts = self.dns.zone.get((name.decode().rstrip("."), "TXT"), [""])
            return texts[0].replace('" "', "").strip('"').encode()

        found = []
        for n in range(mail.count(b"DKIM-Signature:")):
            try:
                found.append(dkim.DKIM(mail).verify(n, dnsfunc=look))
            except dkim.ValidationError:
                found.append(False)
        return found


@pytest.fixture
def shell(tmp_path: Path):
    with nameserver() as dns:
        yield Shell(tmp_path, dns)


def test_init_makes_two_keys_that_sign_and_verify(shell: Shell) -> None:
    rows = shell.json("dkim", "init", "--domain", "here.example")
    assert [row["algorithm"] for row in rows] == ["rsa-sha256", "ed25519-sha256"]
    shell.publish(rows)
    mail = shell.signed()
    assert shell.verified(mail) == [True, True]
    assert shell.verified(mail.replace(b"Hello", b"Adieu")) == [False, False]
    assert shell.verified(mail.replace(b"Subject: x", b"Subject: y")) == [False, False]
    assert wiring.engine(configuration.load(shell.file)).settings.signed
    for file in (shell.folder / "dkim").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE((shell.folder / "dkim").stat().st_mode) == 0o700


def test_what_is_printed_is_a_zone_file(shell: Shell) -> None:
    printed = shell.run("dkim", "init", "--domain", "Here.Example").stdout
    assert printed.count("IN TXT") == 2
    assert "._domainkey.here.example. IN TXT" in printed
    assert "Publish these records" in printed
    assert shell.run("dkim", "show").stdout.count("IN TXT") == 2


def test_rotation_waits_for_the_dns_and_keeps_old_mail_verifiable(shell: Shell) -> None:
    shell.publish(shell.json("dkim", "init", "--domain", "here.example"))
    before = shell.signed()
    signing = wiring.signing(configuration.load(shell.file))
    upcoming = shell.json("dkim", "rotate")
    assert {row["state"] for row in upcoming} == {"next"}
    assert shell.verified(shell.signed()) == [True, True]
    assert "is not in the DNS" in shell.run("dkim", "rotate", code=1).stderr
    shell.publish(upcoming)
    (turned,) = shell.json("dkim", "rotate")
    assert turned["active"] == ", ".join(row["selector"] for row in upcoming)
    assert date.fromisoformat(turned["keep_until"]) > date.fromisoformat(upcoming[0]["made"]) + timedelta(days=10)
    signing.refresh()
    after = signing(MAIL, AT)
    assert upcoming[0]["selector"].encode() in after
    assert shell.verified(after) == [True, True]
    assert shell.verified(before) == [True, True]
    assert [row["state"] for row in shell.json("dkim", "show")] == ["retired"] * 2 + ["active"] * 2
    third = shell.run("dkim", "rotate").stdout
    assert third.count("remove from the DNS") == 2
    assert [row["state"] for row in shell.json("dkim", "show")] == ["active"] * 2 + ["next"] * 2


def test_show_asks_the_dns(shell: Shell) -> None:
    rows = shell.json("dkim", "init", "--domain", "here.example")
    shell.publish(rows[:1])
    shell.dns.txt(rows[1]["name"], "v=DKIM1; k=ed25519; p=AAAA")
    first, second = (row["dns"] for row in shell.json("dkim", "show", "--check"))
    assert first.endswith("has our key")
    assert second.endswith("another key than ours")


def test_bad_input(shell: Shell) -> None:
    assert "which domain?" in shell.run("dkim", "init", code=1).stderr
    assert "not the name of a domain" in shell.run("dkim", "init", "--domain", "no domain", code=1).stderr
    assert "has no keys" in shell.run("dkim", "rotate", "--domain", "here.example", code=1).stderr
    shell.run("dkim", "init", "--domain", "here.example")
    assert "has keys already" in shell.run("dkim", "init", "--domain", "here.example", code=1).stderr
    index = shell.folder / "dkim" / "keys.toml"
    index.write_text("[[key]]\ndomain = 3\n")
    assert "cannot be read" in shell.run("dkim", "show", code=3).stderr


def test_a_list_that_breaks_while_it_runs_leaves_the_old_keys(shell: Shell) -> None:
    shell.publish(shell.json("dkim", "init", "--domain", "here.example"))
    signing = wiring.signing(configuration.load(shell.file))
    (shell.folder / "dkim" / "keys.toml").write_text("nonsense")
    with pytest.raises(configuration.ConfigError, match="cannot be read"):
        signing.refresh()
    assert shell.verified(signing(MAIL, AT)) == [True, True]


def test_a_key_that_is_lost_is_named(shell: Shell) -> None:
    shell.run("dkim", "init", "--domain", "here.example")
    lost = next((shell.folder / "dkim").glob("*r.pem"))
    lost.unlink()
    assert lost.name in shell.run("dkim", "show", code=3).stderr


def test_opendkim_agrees(shell: Shell) -> None:
    """It reads the zone from a file and judges a mail in a file; of two signatures it reports the first, our RSA one."""
    tool = shutil.which("opendkim", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if tool is None:
        pytest.skip("OpenDKIM is not installed")
    rows = shell.json("dkim", "init", "--domain", "here.example")
    zone, settings, mail = (shell.folder / name for name in ("zone", "opendkim.conf", "mail.eml"))
    zone.write_text("".join(f"{row['name']} {row['value']}\n" for row in rows))
    settings.write_text(f"Mode v\nTestDNSData file:{zone}\nSyslog no\nAuthservID mx.west.example\n")
    for change, word in ((b"Hello", "succeeded"), (b"Adieu", "failed")):
        mail.write_bytes(shell.signed().replace(b"Hello", change))
        argv = [tool, "-x", str(settings), "-t", str(mail), "-v"]
        said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
        assert f"{word}" in said.stdout + said.stderr, said
        assert f"s={rows[0]['selector']}" in said.stdout + said.stderr
