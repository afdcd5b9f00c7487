"""The pages behind a signed link: one click in both encodings, a GET that changes nothing, settings, pause, undo."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app import wiring
from db import roster, subscriptions
from db.engine import Database
from db.tables import Journal
from desk.web.guard import Allowance, network
from desk.web.site import Site, site
from flows import links
from tests.world import World

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def world(sqlite: Database) -> Iterator[World]:
    made = World(sqlite)
    made.populate()
    yield made
    made.close()


@pytest.fixture
def web(world: World) -> TestClient:
    return client(world)


def client(world: World, allowance: Allowance | None = None) -> TestClient:
    made = Site(world.engine, lambda: world.now, wiring.catalogues(), allowance or Allowance(1e6))
    return TestClient(site(made), base_url="https://process.example", follow_redirects=False)


def liaison(world: World, name: str) -> roster.LiaisonRow:
    with world.engine.db.read() as tx:
        return next(one for one in roster.liaisons(tx, world.process().id) if one.name.startswith(name))


def place(world: World, name: str) -> subscriptions.SubscriptionRow:
    who = liaison(world, name)
    with world.engine.db.read() as tx:
        return subscriptions.of_liaison(tx, who.id)[0]


def token(world: World, name: str) -> str:
    return links.leave_token(world.engine, world.process(), place(world, name))


def form(page: str) -> str:
    found = re.search(r'name="form" value="([0-9a-f]+)"', page)
    assert found, page
    return found[1]


def journal(world: World, name: str) -> list[tuple[str, str]]:
    table: Any = Journal.__table__  # type: ignore[attr-defined]
    who = liaison(world, name)
    with world.engine.db.read() as tx:
        rows = tx.execute(
            select(table.c.actor, table.c.why)
            .where(table.c.subject_kind == "liaison", table.c.subject_id == who.id)
            .order_by(table.c.id)
        ).all()
    return [(row.actor, row.why) for row in rows]


def settings(page: str, **changed: Any) -> dict[str, Any]:
    """The form of the settings as a browser would send it, with changes."""
    block = page[page.index('action="/me/') :]
    names = {"form": form(page)}
    for name in ("hour", "cadence", "size"):
        select_ = re.search(rf'<select id="{name}".*?</select>', block, re.DOTALL)
        assert select_
        chosen = re.search(r'value="([^"]*)" selected', select_[0])
        assert chosen, name
        names[name] = chosen[1]
    zone = re.search(r'id="zone"[^>]*value="([^"]*)"', block)
    assert zone
    names["zone"] = zone[1]
    languages = re.findall(r'<select id="language\d".*?</select>', block, re.DOTALL)
    chosen_languages = [m[1] for one in languages if (m := re.search(r'value="([^"]*)" selected', one))]
    tracks = re.findall(r'name="track" value="([^"]*)" checked', block)
    return {**names, "language": chosen_languages, "track": tracks, **changed}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(world: World, web: TestClient, method: str) -> None:
    before = journal(world, "Ana")
    for path in ("leave", "me"):
        answer = web.request(method, f"/{path}/{token(world, 'Ana')}")
        assert answer.status_code == 200
    assert liaison(world, "Ana").state == "active"
    assert journal(world, "Ana") == before


def test_one_click_urlencoded(world: World, web: TestClient) -> None:
    answer = web.post(f"/leave/{token(world, 'Ana')}", data=ONE_CLICK)
    assert answer.status_code == 200
    assert liaison(world, "Ana").state == "left"
    assert journal(world, "Ana")[-1] == (f"liaison:{liaison(world, 'Ana').id}", "one-click")


def test_one_click_multipart(world: World, web: TestClient) -> None:
    answer = web.post(f"/leave/{token(world, 'Ana')}", files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    assert liaison(world, "Ana").state == "left"


def test_one_click_twice_and_from_elsewhere(world: World, web: TestClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://webmail.example"}
    for _ in range(2):
        assert web.post(f"/leave/{token(world, 'Ana')}", data=ONE_CLICK, headers=headers).status_code == 200
    assert [why for _, why in journal(world, "Ana")].count("one-click") == 1


@pytest.mark.parametrize("body", [b"", b"List-Unsubscribe=Maybe", b"x=1"])
def test_another_body_is_no_click(world: World, web: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.post(f"/leave/{token(world, 'Ana')}", content=body, headers=headers).status_code == 400
    assert liaison(world, "Ana").state == "active"


def test_left_by_mistake(world: World, web: TestClient) -> None:
    link = token(world, "Ana")
    page = web.post(f"/leave/{link}", data={**ONE_CLICK, "page": "1"}).text
    assert journal(world, "Ana")[-1][1] == "left on page"
    assert "You have unsubscribed" in page
    assert "Wednesday 3 April 2019" in page
    assert "Undo" in web.get(f"/me/{link}").text
    back = web.post(f"/leave/{link}/undo", data={"form": form(page)})
    assert back.status_code == 200
    assert liaison(world, "Ana").state == "active"


def test_left_too_long_ago(world: World, web: TestClient) -> None:
    link = token(world, "Ana")
    page = web.post(f"/leave/{link}", data=ONE_CLICK).text
    world.later(days=31)
    assert "Only a person" in web.get(f"/leave/{link}").text
    web.post(f"/leave/{link}/undo", data={"form": form(page)})
    assert liaison(world, "Ana").state == "left"


def test_everything_can_be_set_and_taken_back(world: World, web: TestClient) -> None:
    link = token(world, "Chidi")
    page = web.get(f"/me/{link}").text
    wish = settings(page, hour="18", zone="Europe/Berlin", cadence="monthly", size="S", language=["fr", "", "en"],
                    track=["voice"])  # fmt: skip
    answer = web.post(f"/me/{link}/settings", data=wish)
    assert answer.status_code == 200
    who, sub = liaison(world, "Chidi"), place(world, "Chidi")
    assert (who.hour, who.zone, who.languages) == (18, "Europe/Berlin", ("fr", "en"))
    assert (sub.cadence, sub.size, len(sub.interests)) == ("monthly", "S", 1)
    assert 'lang="fr"' in answer.text
    actors = {actor for actor, why in journal(world, "Chidi") if why.startswith("set ")}
    assert actors == {f"liaison:{who.id}"}
    undo = answer.text[: answer.text.index("</form>")]
    old = dict(re.findall(r'name="(\w+)" value="([^"]*)"', undo))
    assert web.post(f"/me/{link}/settings", data=old).status_code == 200
    who, sub = liaison(world, "Chidi"), place(world, "Chidi")
    assert (who.hour, who.zone, who.languages) == (9, "Africa/Lagos", ("en",))
    assert (sub.cadence, sub.size) == ("every", "M")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("zone", "Mars/Base", "is not a time zone"),
        ("zone", "<b>", "&lt;b&gt;"),
        ("language", [""], "at least one language"),
        ("hour", "24", "nothing was changed"),
        ("cadence", "hourly", "nothing was changed"),
        ("size", "XXL", "nothing was changed"),
        ("track", ["nowhere"], "nothing was changed"),
    ],
)
def test_a_wish_that_cannot_be(world: World, web: TestClient, field: str, value: Any, said: str) -> None:
    link = token(world, "Ana")
    before = journal(world, "Ana")
    wish = settings(web.get(f"/me/{link}").text, **{"cadence": "monthly", field: value})
    answer = web.post(f"/me/{link}/settings", data=wish)
    assert answer.status_code == 422
    assert said in answer.text
    assert "<b>" not in answer.text
    assert journal(world, "Ana") == before


def test_a_form_without_its_fields(world: World, web: TestClient) -> None:
    link = token(world, "Ana")
    answer = web.post(f"/me/{link}/settings", data={"form": form(web.get(f"/me/{link}").text), "hour": "soon"})
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text


def test_a_pause_with_a_deputy_who_is_told(world: World, web: TestClient) -> None:
    link = token(world, "Ana")
    page = web.get(f"/me/{link}").text
    assert "Dora Dias" in page
    dora = liaison(world, "Dora")
    wish = {"form": form(page), "until": "2019-05-01", "tell": str(dora.id)}
    for _ in range(2):  # pressed twice: told once
        answer = web.post(f"/me/{link}/pause", data=wish)
        assert "Wednesday 1 May 2019" in answer.text
    ana = liaison(world, "Ana")
    assert (ana.state, ana.paused_until) == ("paused", date(2019, 5, 1))
    world.deliver()
    (told,) = world.mailbox("Dora")
    assert "Ana Alves is away" in told["Subject"]
    web.post(f"/me/{link}/resume", data={"form": form(answer.text)})
    assert liaison(world, "Ana").state == "active"


def test_somebody_of_another_group_cannot_be_told(world: World, web: TestClient) -> None:
    link = token(world, "Ana")
    wish = {"form": form(web.get(f"/me/{link}").text), "until": "2019-05-01", "tell": str(liaison(world, "Badr").id)}
    assert web.post(f"/me/{link}/pause", data=wish).status_code == 200
    world.deliver()
    assert not world.mails


@pytest.mark.parametrize("until", ["2019-03-04", "2018-01-01", "2031-01-01", "tomorrow"])
def test_a_pause_until_no_good_day(world: World, web: TestClient, until: str) -> None:
    link = token(world, "Ana")
    answer = web.post(f"/me/{link}/pause", data={"form": form(web.get(f"/me/{link}").text), "until": until})
    assert answer.status_code == 422
    assert "still to come" in answer.text
    assert liaison(world, "Ana").state == "active"


def test_a_form_of_another_page_or_site_is_refused(world: World, web: TestClient) -> None:
    link, other = token(world, "Ana"), token(world, "Badr")
    good = settings(web.get(f"/me/{link}").text, hour="5")
    foreign = {**good, "form": form(web.get(f"/me/{other}").text)}
    assert web.post(f"/me/{link}/settings", data=foreign).status_code == 403
    assert web.post(f"/me/{link}/settings", data={**good, "form": ""}).status_code == 403
    assert web.post(f"/me/{link}/settings", data=good, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert liaison(world, "Ana").hour == 9


@pytest.mark.parametrize("bad", ["x", "0" * 35, "é" * 35, "%00", "a" * 5000])
def test_a_link_that_opens_nothing(web: TestClient, bad: str) -> None:
    for method, path in (("GET", f"/leave/{bad}"), ("GET", f"/me/{bad}")):
        answer = web.request(method, path)
        assert answer.status_code == 404
        assert "This link does not work" in answer.text
    assert web.post(f"/leave/{bad}", data=ONE_CLICK).status_code == 404


def test_the_token_of_a_reply_opens_nothing(world: World, web: TestClient) -> None:
    ring = world.engine.keys.ring("reform", "process.example")
    reply = ring.reply_address(0, place(world, "Ana").tag).partition("+")[2].partition("@")[0]
    assert web.get(f"/me/{reply}").status_code == 404


def test_the_page_of_badr_is_arabic_and_right_to_left(world: World, web: TestClient) -> None:
    page = web.get(f"/me/{token(world, 'Badr')}").text
    assert '<html lang="ar" dir="rtl">' in page
    assert "احفظ" in page or "حفظ" in page


def test_the_fault_page_speaks_the_browsers_language(web: TestClient) -> None:
    page = web.get("/me/x", headers={"Accept-Language": "xx, he;q=0.8, de;q=0.9"}).text
    assert '<html lang="de"' in page
    assert "Dieser Link funktioniert nicht" in page
    assert '<html lang="en"' in web.get("/me/x", headers={"Accept-Language": "q=,;;;"}).text


def test_the_headers_keep_a_page_to_itself(world: World, web: TestClient) -> None:
    answer = web.get(f"/me/{token(world, 'Ana')}")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "<script" not in answer.text
    assert not re.search(r'(?:src|action)="(?:https?:)?//|<link[^>]*href="(?:https?:)?//', answer.text)
    assert " style=" not in answer.text


def test_every_field_has_a_label(world: World, web: TestClient) -> None:
    page = web.get(f"/me/{token(world, 'Ana')}").text
    labels = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    fields = set(re.findall(r'<(?:select|input)[^>]* id="([^"]+)"', page))
    assert fields
    assert fields <= labels


def test_too_much_is_refused(world: World) -> None:
    web = client(world, Allowance(60))
    link = token(world, "Ana")
    assert [web.get("/me/x").status_code for _ in range(4)] == [404, 404, 404, 429]
    assert web.get(f"/me/{link}").status_code == 429  # the same neighbourhood
    assert liaison(world, "Ana").state == "active"


def test_a_long_body_is_refused(world: World, web: TestClient) -> None:
    link = token(world, "Ana")
    assert web.post(f"/leave/{link}", content=b"x" * 100_000).status_code == 413

    def drops() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.post(f"/leave/{link}", content=drops(), headers=headers).status_code == 413
    assert liaison(world, "Ana").state == "active"


def test_an_allowance_comes_back_with_time() -> None:
    now = [0.0]
    allowance = Allowance(10, clock=lambda: now[0], most=2)
    assert [allowance.take("a", 5) for _ in range(3)] == [True, True, False]
    assert allowance.refused == 1
    now[0] = 61
    assert allowance.take("a")
    assert allowance.take("b")
    assert allowance.take("c")  # only the two newest are remembered
    assert len(allowance._spent) == 2


def test_neighbourhoods() -> None:
    assert network("192.0.2.77") == "192.0.2.0/24"
    assert network("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert network("testclient") == "unknown"
