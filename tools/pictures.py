"""The pictures of the README: starts a playground, answers a digest in it, and takes screenshots with a Chromium.

    python tools/pictures.py [FOLDER]      writes docs/pictures/*.png, or into FOLDER

Says so and stops with code 0 where no Chromium is installed. Set CHROMIUM to name one. The people in the pictures are
invented, and each page that shows them says so.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ENGLISH, ARABIC = "bronwen.tully@wmuk.example", "tariq@arwiki.example"
QUESTION = "CB-1:"
REPLY = "Writing project reports in a second language. Best from a group that has done it, not from a course."
PATIENCE = 60  # seconds until something must have happened


def chromium() -> str | None:
    """A Chromium of this machine."""
    found = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
    return found if found and Path(found).exists() else None


@contextmanager
def playground() -> Iterator[dict[str, Any]]:
    """A playground of its own; gives what it says on starting."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", "from app.cli import main; main()", "--json", "play", "--folder"]
        with subprocess.Popen([*command, f"{folder}/play"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
            try:
                line = program.stdout.readline() if program.stdout else ""
                if not line:
                    raise SystemExit("the playground did not start")
                yield json.loads(line)
            finally:
                program.terminate()


def take(browser: Browser, url: str, folder: Path) -> None:
    """All pictures, one after the other; each builds on the one before."""
    wide = browser.new_context(viewport={"width": 1080, "height": 760})
    page = wide.new_page()
    page.goto(url)
    page.screenshot(path=folder / "playground-mails.png")
    for name, address in (("digest-en", ENGLISH), ("digest-ar", ARABIC)):
        phone(browser, url, newest(page, url, address), folder / f"{name}.png")
    page.goto(f"{url}mail/{newest(page, url, ENGLISH)}#answer")
    box = page.locator("textarea[name=text]")
    quoted = box.input_value()
    above, question, below = quoted.partition(f"> {QUESTION}")
    first, gap, rest = below.partition("\n>")
    box.fill(f"{above}{question}{first}\n\n{REPLY}\n{gap}{rest}".lstrip("\n"))
    box.evaluate("(box, share) => { box.scrollTop = box.scrollHeight * share - 150 }", len(above) / len(quoted))
    page.locator("#answer").screenshot(path=folder / "playground-answer.png")
    page.locator("form[action$='/answer'] button").first.click()
    until_filed(page, url)
    page.set_viewport_size({"width": 1080, "height": 620})
    page.screenshot(path=folder / "playground-inputs.png")
    wide.close()


def newest(page: Page, url: str, address: str) -> int:
    """The newest digest of somebody."""
    page.goto(f"{url}?to={address}&kind=edition")
    link = page.locator("a[href^='/mail/']").first.get_attribute("href") or ""
    return int("".join(filter(str.isdigit, link.partition("?")[0])))


def phone(browser: Browser, url: str, mail: int, path: Path) -> None:
    """A digest as a phone shows it: its beginning."""
    context = browser.new_context(viewport={"width": 400, "height": 860})
    page = context.new_page()
    page.goto(f"{url}mail/{mail}/body")
    page.screenshot(path=path)
    context.close()


def until_filed(page: Page, url: str) -> None:
    """Wait until the answer is among the inputs."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        page.goto(f"{url}inputs")
        if page.get_by_text(REPLY).count():
            return
        time.sleep(0.5)
    raise SystemExit("the answer was not filed")


def main() -> int:
    program = chromium()
    if program is None:
        print("skipped: no Chromium is installed (set CHROMIUM to name one)")
        return 0
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    with playground() as started, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        take(browser, started["viewer"], folder)
        browser.close()
    for path in sorted(folder.glob("*.png")):
        print(f"{path.name}: {path.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
