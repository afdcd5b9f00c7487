"""The Postfix of deploy/compose.yaml: its own entry point and files, run by the Postfix of this machine."""

import os
import pwd
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from app import sockets
from db import inbound
from tests.integration.app.test_secure_mail import load
from tests.strangers.mailhost import free_ports, listens
from tests.strangers.stage import PATIENCE, Stage, need
from tests.world import DOMAIN

FILES = Path(__file__).parents[2] / "deploy" / "postfix"
HERE = """\
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_host_lookup = native
"""


def run(folder: Path, env: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """The entry point of the container, with another folder of configuration."""
    return subprocess.run(
        ["/bin/sh", str(FILES / "entrypoint.sh"), *words],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": str(folder / "postfix"), **env},
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.fixture
def folder() -> Iterator[Path]:
    need("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root only")
    made = Path(tempfile.mkdtemp(prefix="tidings-cx-"))
    made.chmod(0o755)
    for name in ("postfix", "queue", "data"):
        (made / name).mkdir()
    os.chown(made / "data", pwd.getpwnam("postfix").pw_uid, -1)
    text = (FILES / "main.cf").read_text().replace("/dev/stdout", f"{made}/postfix.log")
    (made / "postfix/main.cf").write_text(text + HERE.format(folder=made))
    shutil.copy(FILES / "master.cf", made / "postfix")
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_postfix_finds_nothing_wrong(folder: Path) -> None:
    env = {"TIDINGS_DOMAIN": "one.example two.example", "RELAYHOST": "[smart.example]:587"}
    done = run(folder, env, "postfix", "check")
    assert done.returncode == 0, done.stderr
    log = folder / "postfix.log"
    assert not log.exists() or "warning" not in log.read_text(), log.read_text()
    told = run(folder, env, "postconf", "-h", "transport_maps", "relay_domains", "myhostname", "relayhost").stdout
    assert told.split("\n")[:4] == [
        "inline:{ { one.example = lmtp:inet:listen:2525 }, { two.example = lmtp:inet:listen:2525 } }",
        "one.example two.example", "one.example", "[smart.example]:587",
    ]  # fmt: skip
    unused = run(folder, env, "postconf", "-n")
    assert "unused" not in unused.stderr


@pytest.mark.parametrize("env", [{}, {"TIDINGS_DOMAIN": "a.example, }"}, {"TIDINGS_DOMAIN": "-x"}])
def test_without_a_domain_it_does_not_start(folder: Path, env: Mapping[str, str]) -> None:
    done = run(folder, env, "postfix", "check")
    assert done.returncode != 0
    assert "TIDINGS_DOMAIN" in done.stderr


@dataclass(frozen=True)
class Running:
    outside: int
    inside: int
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "postfix.log").read_text("utf-8", "replace")


@pytest.fixture
def running(folder: Path, stage: Stage) -> Iterator[Running]:
    made = sockets.listener(load(stage.folder, '[listen]\nport = 0\nprotocol = "lmtp"\n'), stage.world.engine)
    made.start()
    outside, inside = free_ports(2)
    master = (FILES / "master.cf").read_text()
    master = master.replace("smtp      inet", f"127.0.0.1:{outside} inet").replace("10025     inet", f"{inside} inet")
    (folder / "postfix/master.cf").write_text(master)
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": str(folder / "postfix"), "TIDINGS_DOMAIN": DOMAIN,
        "LISTENER": f"127.0.0.1:{made.port}", "RELAYHOST": f"[127.0.0.1]:{stage.world.sink.port}",
    }  # fmt: skip
    argv = ["/bin/sh", str(FILES / "entrypoint.sh"), "postfix", "start-fg"]
    with (folder / "out.log").open("wb") as out:
        server = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    end = time.monotonic() + PATIENCE
    while not (listens(outside) and listens(inside)):
        if server.poll() is not None or time.monotonic() > end:
            pytest.skip(f"Postfix does not start here: {(folder / 'out.log').read_text()[-500:]}")
        time.sleep(0.05)
    yield Running(outside, inside, folder)
    os.kill(int((folder / "queue/pid/master.pid").read_text()), signal.SIGTERM)
    server.wait(20)
    made.stop(2)


def send(port: int, to: str) -> int:
    """One mail; the code of the answer to its recipient, 250 when it was taken."""
    mail = b"From: ana@west.example\r\nTo: x@y.example\r\nMessage-ID: <1@west.example>\r\nSubject: x\r\n\r\nMON-1: half.\r\n"
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE, local_hostname="client.example") as client:
        try:
            client.sendmail("ana@west.example", [to], mail)
        except smtplib.SMTPRecipientsRefused as error:
            return error.recipients[to][0]
    return 250


def test_replies_come_in_and_nobody_outside_sends_through_it(stage: Stage, running: Running) -> None:
    before = len(stage.world.mails)
    assert send(running.outside, "somebody@elsewhere.example") == 554
    assert send(running.outside, f"core@{DOMAIN}") == 250
    assert send(running.inside, "somebody@elsewhere.example") == 250
    end = time.monotonic() + PATIENCE
    while True:
        with stage.world.engine.db.read() as tx:
            stored = inbound.raws(tx)
        if stored and len(stage.world.mails) > before:
            break
        assert time.monotonic() < end, running.log
        time.sleep(0.05)
    assert [mail.envelope.rcpt_to for mail in stage.world.mails[before:]] == [("somebody@elsewhere.example",)]
