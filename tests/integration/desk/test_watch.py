"""/health, /metrics and the calendar feeds: states told, reasons given, nothing about anybody, unchanged costs nothing."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from icalendar import Calendar
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app import wiring
from db import deployment, roster
from db.engine import Database, DatabaseUnavailable
from desk.web.site import Site, site
from flows import feeds, status
from flows import roster as people
from mailer.token import Purpose
from mailer.wire.ports import COUNTERS, WORK
from tests.world import World

ROLES = "deliver+listen+schedule"


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    made.populate()
    with database.write() as tx:
        deployment.sign_of_life(tx, "host:1", ROLES, made.now)
    yield made
    made.close()


def client(world: World, host: str = "127.0.0.1", wrong: str = "") -> TestClient:
    made = Site(
        world.engine,
        lambda: world.now,
        wiring.catalogues(),
        watchers=["127.0.0.0/8"],
        probes={"listener": lambda: wrong},
        limits=lambda: {"refused_size": 3},
    )
    return TestClient(site(made), client=(host, 1234))


def alive(world: World) -> None:
    with world.engine.db.write() as tx:
        deployment.sign_of_life(tx, "host:1", ROLES, world.now)


def metrics(web: TestClient) -> dict[tuple[str, ...], float]:
    answer = web.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_all_is_well(world: World) -> None:
    answer = client(world).get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert set(answer.json()["checked"]) == {
        "database",
        "listen",
        "schedule",
        "deliver",
        "outbox",
        "relay",
        "inbox",
        "listener",
    }


def test_each_fault_has_its_reason(world: World) -> None:
    world.until(world.now + timedelta(days=7, minutes=-1))
    alive(world)
    world.later(hours=14)
    world.tick()  # an edition is approved, and nobody delivers
    alive(world)
    world.later(hours=1)
    said = client(world, wrong="the port does not answer").get("/health")
    assert said.status_code == 503
    failing = said.json()["failing"]
    assert failing["listener"] == "the port does not answer"
    assert "since 2019-03-11" in failing["outbox"]
    assert "deliver" in failing["deliver"]
    assert client(world).get("/health?check=database").status_code == 200
    assert client(world).get("/health?check=outbox,database").status_code == 503
    assert client(world).get("/health?check=nonsense").status_code == 404


def test_a_pause_by_a_person_is_no_fault(world: World) -> None:
    world.until(world.now + timedelta(days=7, minutes=-1))
    world.later(hours=14)
    world.tick()
    with world.engine.db.write() as tx:
        tx.exec_driver_sql("UPDATE deployment SET paused_at = '2019-03-11 00:00:00'")
    alive(world)
    assert client(world).get("/health").status_code == 200


def test_a_database_that_is_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise DatabaseUnavailable("disk full: secret path")

    monkeypatch.setattr(world.engine.db, "read", gone)
    answer = client(world).get("/health")
    assert answer.status_code == 503
    assert "cannot be read" in answer.text
    assert "secret" not in answer.text


def test_strangers_learn_the_bare_status_and_no_measures(world: World) -> None:
    web = client(world, host="192.0.2.7", wrong="the port does not answer")
    assert web.get("/health").json() == {"status": "failing"}
    assert web.get("/metrics").status_code == 404


def test_measures_count_and_name_nobody(world: World) -> None:
    world.until(world.now + timedelta(days=7, hours=14))
    mail = world.mailbox("ana")[0]
    world.reply(mail, "We agree.", item=1)
    world.turn()
    found = metrics(client(world))
    assert found[("tidings_deliveries", "sent")] >= 4
    assert found[("tidings_attempts_total", "2", "accepted")] == found[("tidings_deliveries", "sent")]
    assert sum(n for key, n in found.items() if key[0] == "tidings_inbound") == 1
    assert found[("tidings_editions", "mailed")] == 1
    assert found[("tidings_mailings", "edition", "mailed")] == 1
    assert found[("tidings_limits_total", "refused_size")] == 3
    assert found[("tidings_queue_age_seconds", "outbox")] == 0
    text = client(world).get("/metrics").text
    assert "@" not in text
    for name in ("Ana", "Alves", "west", "We agree"):
        assert name not in text


def test_the_age_of_the_outbox(world: World) -> None:
    world.until(world.now + timedelta(days=7, minutes=-1))
    world.later(hours=14)
    world.tick()
    assert metrics(client(world))[("tidings_queue_age_seconds", "outbox")] > 3600


def test_the_feed_of_a_process(world: World) -> None:
    web = client(world)
    first = web.get("/calendar/reform.ics")
    assert first.headers["content-type"].startswith("text/calendar")
    assert len(Calendar.from_ical(first.content).walk("VEVENT")) == 2
    again = web.get("/calendar/reform.ics", headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    dated = {"If-Modified-Since": first.headers["last-modified"]}
    assert web.get("/calendar/reform.ics", headers=dated).status_code == 304
    assert web.get("/calendar/reform.ics", headers={"If-Modified-Since": "nonsense"}).status_code == 200
    assert web.get("/calendar/reform.ics", headers={**dated, "If-None-Match": '"y"'}).status_code == 200
    world.later(days=1)
    world.import_timeline(talks_end="2019-04-15")
    changed = web.get("/calendar/reform.ics", headers={**dated, "If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["last-modified"] != first.headers["last-modified"]
    assert web.get("/calendar/nothing.ics").status_code == 404


def test_the_feed_of_a_liaison(world: World) -> None:
    web = client(world)
    with world.engine.db.read() as tx:
        who = {one.name.split()[0]: one for one in roster.liaisons(tx, world.process().id)}
    chidi = feeds.address(world.engine, world.process(), who["Chidi"]).removeprefix("https://process.example")
    badr = feeds.address(world.engine, world.process(), who["Badr"]).removeprefix("https://process.example")
    answer = web.get(chidi)
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")  # money alone
    assert str(event["SUMMARY"]) == "Talks about money"
    assert "private" in answer.headers["cache-control"]
    assert "نقاش حول المال" in web.get(badr).content.decode()
    token = re.search(r"me/(\w+)\.ics", chidi)
    assert token
    assert web.get(f"/me/{token[1]}").status_code == 404  # it opens nothing else
    ring = world.engine.keys.ring("reform", "process.example")
    assert web.get(f"/calendar/me/{ring.token(Purpose.LEAVE, 0, who['Chidi'].tag)}.ics").status_code == 404
    people.leave(world.engine.db, who["Chidi"].id, act=world.act())
    assert web.get(chidi).status_code == 404


def test_limits_of_every_worker_are_seen(world: World) -> None:
    with world.engine.db.write() as tx:
        deployment.sign_of_life(tx, "host:1", ROLES, world.now, {"refused_size": 2, "timeout_data": 0})
        deployment.sign_of_life(tx, "host:2", "listen", world.now, {"refused_errors": 7})
    found = metrics(client(world))
    assert found["tidings_worker_limits_total", "refused_size", "host:1"] == 2
    assert found["tidings_worker_limits_total", "timeout_data", "host:1"] == 0
    assert found["tidings_worker_limits_total", "refused_errors", "host:2"] == 7
    state = status.status(world.engine, timedelta(minutes=1), now=world.now)
    assert [dict(one.limits) for one in state.workers] == [{"refused_size": 2}, {"refused_errors": 7}]


def test_each_limit_of_the_listener_is_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs/operate/monitor.md").read_text("utf-8")
    missing = [name for name in COUNTERS if name not in WORK and f"`{name}`" not in page]
    assert missing == []
