"""Thunderbird on a screen that nobody sees: it opens the digest, answers it, and sends."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.strangers.clients import Person
from tests.strangers.stage import Stage, need

PATIENCE = 120.0  # seconds until its test gives up; not a measure of speed


def settings(person: Person, port: int) -> str:
    """A profile with one identity, one outgoing server, and nothing that asks first."""
    values: dict[str, str | int | bool] = {
        "mail.accountmanager.accounts": "account1,account2",
        "mail.accountmanager.defaultaccount": "account1",
        "mail.accountmanager.localfoldersserver": "server2",
        "mail.account.account1.identities": "id1",
        "mail.account.account1.server": "server1",
        "mail.account.account2.server": "server2",
        "mail.identity.id1.fullName": person.name,
        "mail.identity.id1.useremail": person.address,
        "mail.identity.id1.smtpServer": "smtp1",
        "mail.identity.id1.valid": True,
        "mail.identity.id1.compose_html": False,
        "mail.identity.id1.fcc": False,
        "mail.identity.id1.reply_on_top": 0,
        "mail.spellcheck.inline": False,
        "mail.compose.autosave": False,
        "mail.smtpservers": "smtp1",
        "mail.smtp.defaultserver": "smtp1",
        "mail.smtpserver.smtp1.hostname": "127.0.0.1",
        "mail.smtpserver.smtp1.port": port,
        "mail.smtpserver.smtp1.authMethod": 1,
        "mail.smtpserver.smtp1.try_ssl": 0,
        "mail.warn_on_send_accel_key": False,
        "mail.shell.checkDefaultClient": False,
        "mail.provider.suppress_dialog_on_startup": True,
        "mail.inappnotifications.enabled": False,
        "mailnews.start_page.enabled": False,
        "app.update.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
        "network.proxy.type": 0,
    }
    for number, name in ((1, "Nowhere"), (2, "Local Folders")):
        values |= {f"mail.server.server{number}.type": "none", f"mail.server.server{number}.hostname": name}
        values |= {f"mail.server.server{number}.userName": "nobody", f"mail.server.server{number}.name": name}
    return "".join(f'user_pref("{name}", {_js(value)});\n' for name, value in values.items())


def _js(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else f'"{value}"'


class Screen:
    """An X server without a screen, and hands for it."""

    def __init__(self, stage: Stage) -> None:
        self._xdotool = need("xdotool")
        ours, theirs = os.pipe()
        argv = [need("Xvfb", "xvfb"), "-displayfd", str(theirs), "-screen", "0", "1200x900x24", "-nolisten", "tcp"]
        self._server = subprocess.Popen(argv, pass_fds=(theirs,), stderr=subprocess.DEVNULL)
        os.close(theirs)
        with os.fdopen(ours) as number:
            self.environment = stage.environment() | {"DISPLAY": f":{number.readline().strip()}"}

    def close(self) -> None:
        """Switch it off."""
        self._server.terminate()
        self._server.wait(20)

    def do(self, *words: str) -> str:
        """One movement of the hands."""
        argv = [self._xdotool, *words]
        return subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False).stdout.strip()

    def window(self, wanted: Callable[[str], bool]) -> str:
        """Wait for a window by its title, and for its coming to rest."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for one in self.do("search", "--onlyvisible", "--name", ".").split():
                if wanted(self.do("getwindowname", one)):
                    time.sleep(3)
                    return one
            time.sleep(0.5)
        raise AssertionError("the window never opened")


def answer(stage: Stage, person: Person, words: str) -> None:
    """Open the digest, press Ctrl+R, type above the quote, press Ctrl+Enter; ends when the mail has arrived."""
    thunderbird, screen = need("thunderbird"), Screen(stage)
    profile, file = stage.folder / "profile", Path(stage.folder / "digest.eml")
    profile.mkdir()
    (profile / "user.js").write_text(settings(person, stage.port), "utf-8")
    file.write_bytes(stage.digest(person.box).data)
    argv = [thunderbird, "--profile", str(profile), "--no-remote", str(file)]
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(argv, env=screen.environment, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        screen.do("windowfocus", "--sync", screen.window(lambda title: title.startswith("The reform digest")))
        screen.do("key", "ctrl+r")
        screen.do("windowfocus", "--sync", screen.window(lambda title: title.startswith("Write: ")))
        screen.do("key", "ctrl+Home")
        time.sleep(1)
        screen.do("type", "--delay", "20", words)
        screen.do("key", "Return")
        time.sleep(1)
        screen.do("key", "ctrl+Return")
        end = time.monotonic() + PATIENCE
        while not stage.arrived():
            assert time.monotonic() < end, "nothing was sent"
            time.sleep(0.5)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        screen.close()
