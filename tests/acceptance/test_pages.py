"""The pages over real sockets: what a delivered digest links to works, as `tidings serve --only web` serves it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from app import config as configuration
from app.serve import Role, Service
from db import roster
from db.engine import Database
from tests.world import World

CONFIG = """\
secrets = ["0123456789abcdef"]
tick_seconds = 3600
[web]
port = 0
base_url = "https://process.example"
"""
FIRST = datetime(2019, 3, 11, 23, 0, tzinfo=UTC)


class Pages:
    """A world whose pages are served, and somebody who opens them."""

    def __init__(self, world: World, folder: Path) -> None:
        file = folder / "tidings.toml"
        file.write_text(CONFIG)
        config = configuration.load(file)
        self.world = world
        self.said: list[str] = []
        self.service = Service(config, world.engine, [Role.WEB], say=self.said.append)
        self.service.clock = lambda: world.now
        self.service.start()
        address = re.search(r"pages on (\S+),", self.said[0])
        assert address
        self.http = httpx2.Client(base_url=f"http://{address[1]}", timeout=60)

    def path(self, url: str) -> str:
        """A link of a mail, on the socket that is served here."""
        assert url.startswith("https://process.example/")
        return url.removeprefix("https://process.example")

    def state(self, name: str) -> str:
        with self.world.engine.db.read() as tx:
            found = roster.liaisons(tx, self.world.process().id)
        return next(one.state for one in found if one.name.startswith(name))

    def close(self) -> None:
        self.http.close()
        self.service.stop()


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Iterator[Pages]:
    world = World(database)
    world.populate()
    world.until(FIRST)
    made = Pages(world, tmp_path)
    yield made
    made.close()
    world.close()


def test_one_click_from_the_header_stops_the_next_digest(pages: Pages) -> None:
    world = pages.world
    url = re.search(r"<(https:[^>]+)>", world.mailbox("ana")[0]["List-Unsubscribe"])
    assert url
    for method in ("GET", "HEAD"):
        assert pages.http.request(method, pages.path(url[1])).status_code == 200
    assert pages.state("Ana") == "active"
    answer = pages.http.post(pages.path(url[1]), content="List-Unsubscribe=One-Click",
                             headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert answer.status_code == 200
    assert not answer.history
    assert pages.state("Ana") == "left"
    world.import_timeline(talks_end="2019-04-15")
    world.until(FIRST + timedelta(days=7))
    assert len(world.mailbox("badr")) == 2
    assert len(world.mailbox("ana")) == 1


def test_the_settings_link_of_a_digest_opens_its_readers_page(pages: Pages) -> None:
    text = pages.world.mailbox("badr")[0].text
    url = re.search(r"https://process\.example/me/\S+", text)
    assert url
    page = pages.http.get(pages.path(url[0]))
    assert page.status_code == 200
    assert "badr@south.example" in page.text
    assert 'dir="rtl"' in page.text
    style = pages.http.get("/pages.css")
    assert style.headers["content-type"].startswith("text/css")


def test_what_is_no_page(pages: Pages) -> None:
    answer = pages.http.get("/etc/passwd")
    assert answer.status_code == 404
    assert "server" not in answer.headers
    assert "no-store" in answer.headers["cache-control"]
