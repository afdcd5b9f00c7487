"""The pages over real sockets: what a delivered digest links to works, as `tidings serve --only web` serves it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app import config as configuration
from app.serve import Role, Service
from db import addresses, roster
from db.engine import Database
from db.tables import Consent
from desk.web.join import CONSENT as CONSENT_WORDS
from desk.web.pages import load
from flows import admission
from flows.engine import Refused
from tests.world import World

CONSENT: Any = Consent.__table__  # type: ignore[attr-defined]
CONSENTS = select(CONSENT)
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


def ask(pages: Pages, browser: str = "en", **fields: str) -> str:
    """Fill in the form for signing up."""
    form = re.search(r'name="form" value="([0-9a-f]+)"', pages.http.get("/join/reform").text)
    assert form
    wish = {"name": "Efua Mensah", "address": "efua@coast.example", "group": "coast", "language": "fr",
            "zone": "Africa/Accra", "agree": "1", "form": form[1], **fields}  # fmt: skip
    answer = pages.http.post("/join/reform", data=wish, headers={"Accept-Language": browser})
    assert answer.status_code == 200, answer.text
    pages.world.deliver()
    return answer.text


def test_from_signing_up_to_the_first_digest(pages: Pages) -> None:
    world = pages.world
    ask(pages, "fr")
    (letter,) = world.mailbox("efua")
    assert letter["Content-Language"] == "fr"
    url = re.search(r"https://process\.example/confirm/\S+", letter.text)
    assert url
    path = pages.path(url[0])
    asked = pages.http.get(path)
    assert "Oui, confirmer" in asked.text
    assert not admission.waiting(world.engine, world.process().id)  # looking confirms nothing
    form = re.search(r'name="form" value="([0-9a-f]+)"', asked.text)
    assert form
    for _ in range(2):
        assert "votre adresse est confirmée" in pages.http.post(path, data={"form": form[1]}).text
    (waits,) = admission.waiting(world.engine, world.process().id)
    assert (waits.address, waits.group) == ("efua@coast.example", "coast")
    assert admission.admit(world.engine, "reform", "core", "efua@coast.example", act=world.act()) == "coast"
    world.deliver()
    assert len(world.mailbox("efua")) == 2  # and a welcome
    with world.engine.db.read() as tx:
        who = next(one for one in roster.liaisons(tx, world.process().id) if one.name == "Efua Mensah")
        (proof,) = [
            row for row in tx.execute(CONSENTS.where(CONSENT.c.liaison_id == who.id)) if "asked" in row.evidence
        ]
        (mandate,) = roster.mandates(tx, world.process().id, [who.id])
    assert "Je veux recevoir ces lettres" in proof.wording
    assert re.fullmatch(r"asked 2019-03-11 23:00 UTC, on the page, from 127\.0\.0\.0/24; confirmed .* UTC, by link",
                        proof.evidence)  # fmt: skip
    assert mandate.rank == "deputy"  # the group has a first liaison
    assert not admission.waiting(world.engine, world.process().id)
    assert pages.http.get(path).status_code == 404  # the application is destroyed
    world.until(FIRST + timedelta(days=7))
    assert world.mailbox("efua")[-1]["List-Id"]
    assert pages.state("Efua") == "active"


def test_a_yes_by_mail_confirms(pages: Pages) -> None:
    world = pages.world
    message = EmailMessage()
    message["From"], message["To"] = "Efua Mensah <efua@coast.example>", "core-request@process.example"
    message["Subject"], message["Message-ID"] = "subscribe", "<one@coast.example>"
    message.set_content("\n")
    world.send(message, "core-request@process.example", "efua@coast.example")
    world.turn()
    (letter,) = world.mailbox("efua")
    world.reply(letter, "yes", sender="eve@elsewhere.example")
    world.turn()
    assert not admission.waiting(world.engine, world.process().id)
    world.reply(letter, "yes", sender="efua@coast.example")
    world.turn()
    (waits,) = admission.waiting(world.engine, world.process().id)
    assert (waits.name, waits.group) == ("Efua Mensah", "")
    with pytest.raises(Refused, match="--group"):
        admission.admit(world.engine, "reform", "core", waits.address, act=world.act())
    admission.refuse(world.engine, "reform", waits.address, act=world.act())
    assert not admission.waiting(world.engine, world.process().id)


def test_the_answer_says_nothing_about_the_address(pages: Pages) -> None:
    world = pages.world
    before = len(world.mails)
    said = {ask(pages, address=one) for one in ("new@coast.example", "ana@west.example", "ANA@west.example")}
    assert len(said) == 1
    assert len(world.mails) == before + 2  # Ana is told once that she gets it already
    with world.engine.db.write() as tx:
        addresses.suppress(
            tx, world.process().id, world.engine.keys.address_hash("s@coast.example"), "bounces", world.now
        )
    assert {ask(pages, address="s@coast.example")} == said
    assert len(world.mails) == before + 2


def test_an_application_that_nobody_confirms_is_destroyed(pages: Pages) -> None:
    world = pages.world
    ask(pages)
    ask(pages)  # on the same day: no second letter
    (letter,) = world.mailbox("efua")
    url = re.search(r"https://process\.example/confirm/\S+", letter.text)
    assert url
    world.later(days=8)
    world.tick()
    assert pages.http.get(pages.path(url[0])).status_code == 404
    with pytest.raises(Refused, match="not on the waiting list"):
        admission.admit(world.engine, "reform", "core", "efua@coast.example", act=world.act())


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", " ", "Please write a name"),
        ("name", "x" * 200, "Please write a name"),
        ("address", "efua", "not a mail address"),
        ("address", "a@b.example\r\nBcc: x@y.example", "not a mail address"),
        ("zone", "Mars", "not a time zone"),
        ("group", "nowhere", "what is marked"),
        ("language", "", "at least one language"),
        ("agree", "", "Please tick this"),
    ],
)
def test_a_form_that_cannot_be(sqlite: Database, tmp_path: Path, field: str, value: str, said: str) -> None:
    world = World(sqlite)
    world.populate()
    pages = Pages(world, tmp_path)
    try:
        with pytest.raises(AssertionError, match=said):
            ask(pages, **{field: value})
        assert not world.mails
        assert pages.http.get("/join/nothing").status_code == 404
        assert pages.http.get("/confirm/" + "0" * 35).status_code == 404
    finally:
        pages.close()
        world.close()


def test_the_proof_is_the_sentence_of_the_page() -> None:
    assert CONSENT_WORDS in (load("join.html") or "")


def test_what_is_no_page(pages: Pages) -> None:
    answer = pages.http.get("/etc/passwd")
    assert answer.status_code == 404
    assert "server" not in answer.headers
    assert "no-store" in answer.headers["cache-control"]
