"""Tidings behind a real Postfix, set up as docs/operate/postfix.md says: the page's own lines of main.cf are used."""

import os
import pwd
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import sockets
from db import inbound
from db.inbound import RawRow
from flows import inbound as flow
from flows import process as processes
from mailer.wire.dns import Resolver
from mailer.wire.listener import Listener
from mailer.wire.vouch import Voucher
from tests.integration.app.test_secure_mail import load
from tests.integration.wire.dialogue import certificate
from tests.nameserver import RSA, nameserver, signed
from tests.strangers.mailhost import _SERVICES, free_ports, listens
from tests.strangers.stage import PATIENCE, Stage, need
from tests.world import DOMAIN, PROCESS

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "postfix.md"
ANSWER = (
    b"From: ana@west.example\r\nTo: x@y.example\r\nDate: Tue, 12 Mar 2019 10:00:00 +0000\r\n"
    b"Message-ID: <1@west.example>\r\nSubject: Money\r\n\r\nMON-1: half of it.\r\n"
)
_MORE = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/postfix.log
myhostname = front.process.example
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_host_lookup = native
"""


def main_cf(port: int, name: str = "main.cf") -> str:
    """The block of the page that is called so, for our domain and port."""
    pattern = rf"^```\n# {re.escape(name)}\n(.*?)^```$"
    (block,) = re.findall(pattern, PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return block.replace("strategy.example", DOMAIN).replace("127.0.0.1:2525", f"127.0.0.1:{port}")


class Front:
    """Postfix in a folder of its own, on a free port."""

    def __init__(self, listener: int, more: str = "", block: str = "main.cf") -> None:
        if os.geteuid() != 0:
            pytest.skip("Postfix starts as root only")
        program = need("postfix")
        self.folder = Path(tempfile.mkdtemp(prefix="tidings-px-"))
        self.folder.chmod(0o755)
        (self.port,) = free_ports(1)
        settings, data, queue = (self.folder / name for name in ("postfix", "data", "queue"))
        for folder in (settings, data, queue):
            folder.mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        (settings / "main.cf").write_text(main_cf(listener, block) + _MORE.format(folder=self.folder) + more)
        (settings / "master.cf").write_text(
            _SERVICES.format(port=self.port) + "verify unix - - n - 1 verify\nlocal unix - n n - - local\n"
        )
        with (self.folder / "out.log").open("wb") as out:
            argv = [program, "-c", str(settings), "start-fg"]
            self._server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = time.monotonic() + PATIENCE
        while not listens(self.port):
            if self._server.poll() is not None or time.monotonic() > end:
                said = self.log
                self.close()
                pytest.skip(f"Postfix does not start here: {said[-300:]}")
            time.sleep(0.05)

    @property
    def log(self) -> str:
        return "\n".join(file.read_text("utf-8", "replace") for file in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        master = self.folder / "queue/pid/master.pid"
        if master.exists():
            os.kill(int(master.read_text()), signal.SIGTERM)
        self._server.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def judge(stage: Stage) -> flow.Gatekeeper:
    return flow.gatekeeper(stage.world.engine)


@pytest.fixture
def listener(stage: Stage, judge: flow.Gatekeeper) -> Iterator[Listener]:
    certificate(stage.folder, "localhost")
    config = (
        '[listen]\nport = 0\nprotocol = "lmtp"\nxforward = true\ntls = { certificate = "cert.pem", key = "key.pem" }\n'
    )
    made = sockets.listener(load(stage.folder, config), stage.world.engine, judge)
    made.start()
    yield made
    made.stop(2)


@pytest.fixture(params=["", "lmtp_tls_security_level = encrypt\n"], ids=["clear", "tls"])
def front(request: pytest.FixtureRequest, listener: Listener) -> Iterator[Front]:
    made = Front(listener.port, request.param)
    yield made
    made.close()


@pytest.fixture
def shared(stage: Stage, listener: Listener, judge: flow.Gatekeeper) -> Iterator[Front]:
    """The page's Postfix for a shared domain, with a process behind the prefix that the page names."""
    content = PROCESS.replace("slug: reform", "slug: strategy")
    processes.import_process(
        stage.world.engine.db, content, address_base="strategy@lists.example", act=stage.world.act()
    )
    judge.refresh()
    made = Front(listener.port, block="main.cf, a shared domain")
    yield made
    made.close()


def test_the_same_postfix_is_the_smart_host(front: Front) -> None:
    """Mail of ours to elsewhere is taken from this machine, as the page promises for mail out."""
    with smtplib.SMTP("127.0.0.1", front.port, timeout=PATIENCE, local_hostname="client.example") as client:
        assert client.mail("bounce+x@" + DOMAIN)[0] == 250
        assert client.rcpt("somebody@elsewhere.example")[0] == 250
        client.rset()


def send(front: Front, data: bytes, *to: str) -> dict:
    with smtplib.SMTP("127.0.0.1", front.port, timeout=PATIENCE, local_hostname="client.example") as client:
        try:
            return client.sendmail("ana@west.example", list(to), data)
        except smtplib.SMTPRecipientsRefused as error:
            return error.recipients


def kept(stage: Stage, front: Front, wanted: int) -> list[RawRow]:
    end = time.monotonic() + PATIENCE
    while True:
        with stage.world.engine.db.read() as tx:
            rows = inbound.raws(tx)
        if len(rows) >= wanted:
            return rows
        assert time.monotonic() < end, front.log
        time.sleep(0.05)


def test_an_answer_comes_through_and_is_vouched_for(stage: Stage, front: Front) -> None:
    token = stage.world.mailbox("ana")[0]["Reply-To"].partition("<")[2].rstrip(">")
    with nameserver() as dns:
        dns.txt("_dmarc.west.example", "v=DMARC1; p=reject")
        dns.key(RSA, "west.example")
        refused = send(front, signed(ANSWER, "west.example"), token, f"nobody@{DOMAIN}")
        assert {address: code for address, (code, _) in refused.items()} == {f"nobody@{DOMAIN}": 550}, front.log
        (row,) = kept(stage, front, 1)
        vouch = Voucher(Resolver([dns.place]), ("127.0.0.0/8",))
        flow.understand(stage.world.engine, act=stage.world.act("clock"), vouch=vouch)
    with stage.world.engine.db.read() as tx:
        (row,), body = inbound.raws(tx), inbound.body(tx, row.id)
    assert body is not None
    assert body.envelope.rcpt_to == (token,)
    assert (
        b"with LMTPS" if "encrypt" in (front.folder / "postfix/main.cf").read_text() else b"with LMTP id"
    ) in body.data
    assert row.state == "filed"
    assert row.verdict["vouched"] == {"result": "pass", "aligned": True, "policy": "reject", "by": "dkim", "spf": "", "dkim": ["pass"]}  # fmt: skip


CLIENTS = "smtpd_authorized_xclient_hosts = 127.0.0.0/8\n"  # so that a test can come from anywhere


@pytest.mark.parametrize(("sender", "result"), [("192.0.2.7", "pass"), ("198.51.100.9", "fail")])
def test_spf_is_checked_for_the_client_that_postfix_names(
    stage: Stage, listener: Listener, sender: str, result: str
) -> None:
    front = Front(listener.port, CLIENTS)
    token = stage.world.mailbox("ana")[0]["Reply-To"].partition("<")[2].rstrip(">")
    with nameserver() as dns:
        dns.txt("_dmarc.west.example", "v=DMARC1; p=reject")
        dns.txt("west.example", "v=spf1 ip4:192.0.2.7 -all")
        with smtplib.SMTP("127.0.0.1", front.port, timeout=PATIENCE, local_hostname="client.example") as client:
            client.ehlo()
            assert client.docmd("XCLIENT", f"ADDR={sender} NAME=mx.west.example")[0] == 220
            client.ehlo("mx.west.example")
            client.sendmail("ana@west.example", [token], ANSWER)
        (row,) = kept(stage, front, 1)
        vouch = Voucher(Resolver([dns.place]), ("127.0.0.0/8",))
        flow.understand(stage.world.engine, act=stage.world.act("clock"), vouch=vouch)
    front.close()
    with stage.world.engine.db.read() as tx:
        (row,), body = inbound.raws(tx), inbound.body(tx, row.id)
    assert body is not None
    assert (body.envelope.peer, body.envelope.front) == (sender, "127.0.0.1")
    assert body.envelope.helo == "mx.west.example"
    assert (row.verdict["vouched"]["result"], row.verdict["vouched"]["spf"]) == (result, result)


def test_nobody_relays_through_it_and_several_recipients_each_get_an_answer(stage: Stage, front: Front) -> None:
    refused = send(front, ANSWER, f"core@{DOMAIN}", f"reform@{DOMAIN}", f"none@{DOMAIN}")
    assert set(refused) == {f"none@{DOMAIN}"}
    rows = kept(stage, front, 1)
    end = time.monotonic() + PATIENCE
    while front.log.count("status=sent (250") < 2:
        assert time.monotonic() < end, front.log
        time.sleep(0.05)
    with stage.world.engine.db.read() as tx:
        told = [address for row in rows for address in inbound.body(tx, row.id).envelope.rcpt_to]
    assert sorted(told) == sorted([f"core@{DOMAIN}", f"reform@{DOMAIN}"])


def test_a_shared_domain_gives_us_the_addresses_of_our_prefix_alone(stage: Stage, shared: Front) -> None:
    ours = ("Strategy-Private@lists.example",)
    refused = send(shared, ANSWER, *ours, "strategy-none@lists.example", "none@lists.example")
    assert {address: code for address, (code, _) in refused.items()} == {
        "strategy-none@lists.example": 550, "none@lists.example": 550
    }, shared.log  # fmt: skip
    rows = kept(stage, shared, 1)
    with stage.world.engine.db.read() as tx:
        told = [address for row in rows for address in inbound.body(tx, row.id).envelope.rcpt_to]
    assert sorted(told) == sorted(ours)
