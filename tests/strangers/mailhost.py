"""A mail host of other people's making: Postfix in front, OpenDKIM beside it, Dovecot behind, on free ports, as root.

All of it lives in one folder and ends with `close`. Nothing of the machine's own set-up is read or changed.
"""

import mailbox
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.strangers.stage import PATIENCE, need

DOMAINS = ("west.example", "south.example", "coast.example")
PASSWORD = "sesame"
_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
_POSTFIX = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/postfix.log
myhostname = mx.community.example
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = {domains}
virtual_transport = lmtp:unix:{folder}/run/lmtp
transport_maps = inline:{{ {{ process.example = smtp:[127.0.0.1]:{listener} }} }}
relay_domains = process.example
smtp_host_lookup = native
smtpd_milters = {milter}
milter_default_action = tempfail
"""
_DOVECOT = """\
base_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%u allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
"""


class MailHost:
    """The three servers. `keys` are the TXT records that its DNS knows; answers go to a listener at `listener`."""

    def __init__(self, keys: Mapping[str, str], listener: int) -> None:
        if os.geteuid() != 0:
            pytest.skip("Postfix and Dovecot start as root only")
        self._started: list[subprocess.Popen[bytes]] = []
        postfix, dovecot, opendkim = need("postfix"), need("dovecot", "dovecot-imapd dovecot-lmtpd"), need("opendkim")
        need("lmtp", "dovecot-lmtpd", among="/usr/lib/dovecot:/usr/libexec/dovecot")
        # A short path that every user may enter: sockets lie there, and the servers drop their rights.
        self.folder = Path(tempfile.mkdtemp(prefix="tidings-mx-"))
        self.folder.chmod(0o755)
        self.smtp, self.imap, self._milter = free_ports(3)
        try:
            self._opendkim(opendkim, keys)
            self._dovecot(dovecot)
            self._postfix(postfix, listener)
        except AssertionError as error:  # a machine on which these servers do not start says nothing about us
            self.close()
            pytest.skip(f"the servers do not start here: {error}")

    def inbox(self, address: str) -> list[bytes]:
        """The mails in a mailbox, as Dovecot keeps them."""
        path = self.folder / "mail" / address
        return [one.as_bytes() for one in mailbox.Maildir(path)] if path.exists() else []

    def wait_for(self, what: Callable[[], object]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE
        while not what():
            for server in self._started:
                assert server.poll() is None, f"a server ended:\n{self.log}"
            assert time.monotonic() < end, f"it never came to that:\n{self.log}"
            time.sleep(0.05)

    @property
    def log(self) -> str:
        """What the servers wrote."""
        return "\n".join(file.read_text("utf-8", "replace") for file in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        """End all servers and remove the folder."""
        master = self.folder / "queue/pid/master.pid"
        if master.exists():  # it leads a session of its own, so that its starter's end is not its own
            os.kill(int(master.read_text()), signal.SIGTERM)
        for server in reversed(self._started):
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
        for server in self._started:
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name: str, *argv: str) -> None:
        with (self.folder / f"{name}.out.log").open("wb") as out:
            server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self._started.append(server)

    def _opendkim(self, program: str, keys: Mapping[str, str]) -> None:
        zone, settings = self.folder / "zone", self.folder / "opendkim.conf"
        zone.write_text("".join(f"{name} {value}\n" for name, value in keys.items()))
        settings.write_text(
            f"Mode v\nSocket inet:{self._milter}@127.0.0.1\nTestDNSData file:{zone}\nSyslog no\nUMask 022\n"
            "AuthservID mx.community.example\nAlwaysAddARHeader yes\nMaximumSignaturesToVerify 5\n"
            "On-Default accept\n"
        )
        self._start("opendkim", program, "-f", "-l", "-x", str(settings))
        self.wait_for(lambda: listens(self._milter))

    def _dovecot(self, program: str) -> None:
        owner = pwd.getpwnam("mail")
        mail, settings = self.folder / "mail", self.folder / "dovecot.conf"
        mail.mkdir()
        os.chown(mail, owner.pw_uid, owner.pw_gid)
        settings.write_text(_DOVECOT.format(folder=self.folder, imap=self.imap, password=PASSWORD))
        self._start("dovecot", program, "-F", "-c", str(settings))
        self.wait_for(lambda: listens(self.imap) and (self.folder / "run/lmtp").exists())

    def _postfix(self, program: str, listener: int) -> None:
        settings, data, queue = self.folder / "postfix", self.folder / "data", self.folder / "queue"
        for folder in (settings, data, queue):
            folder.mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        milter = f"inet:127.0.0.1:{self._milter}"
        (settings / "main.cf").write_text(
            _POSTFIX.format(folder=self.folder, domains=", ".join(DOMAINS), milter=milter, listener=listener)
        )
        (settings / "master.cf").write_text(_SERVICES.format(port=self.smtp))
        self._start("postfix", program, "-c", str(settings), "start-fg")
        self.wait_for(lambda: listens(self.smtp))


def listens(port: int) -> bool:
    """Whether somebody takes connections at a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at the moment."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
