"""A big roster for benches: one process in 8 languages, free interests, three sizes, an edition that is ready to go.

Everything is drawn with a fixed seed, so every run works on the same mails (12 KiB on average, a thousand variants for
10,000 readers). All of an edition falls due at one moment, whatever the zones. Needs nothing but the product.
"""

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy import update

from app import wiring
from db import deployment, editions, tables
from db.bulk import insert_rows
from db.engine import Database
from db.journal import Act
from db.migrate import upgrade
from flows import process, publish, schedule, timeline
from flows.engine import Engine, Settings
from flows.keys import Keys

NOW = datetime(2019, 3, 11, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=23)  # by then it is everybody's hour
DOMAIN = "bench.example"
ACT = Act("operator", NOW)
LANGS = ("en", "es", "fr", "de", "ar", "pt", "ru", "zh")
SIZES = ("S", "M", "L")
ZONES = (
    "Europe/Berlin", "Europe/Lisbon", "Africa/Tunis", "Africa/Lagos", "America/Bogota", "America/New_York",
    "Asia/Kolkata", "Asia/Tokyo", "Asia/Jakarta", "Australia/Sydney", "America/Los_Angeles", "Africa/Nairobi",
)  # fmt: skip
TRACKS = ("money", "voice", "skills", "health", "tools", "ties")
WORDS = {
    "en": "Who should decide in the end?",
    "es": "¿Quién debería decidir?",
    "fr": "Qui devrait décider ?",
    "de": "Wer soll am Ende entscheiden?",
    "ar": "من ينبغي أن يقرر؟",
    "pt": "Quem deve decidir no fim?",
    "ru": "Кто должен решать?",
    "zh": "最终应由谁来决定？",
}
NAMES = ("Ana Alves", "Badr Ben Ali", "Chloé Petit", "Dmitri Ivanov", "Eva Köhler", "李明", "Grace Otieno", "Hugo Ruiz")


def open_engine(database: Path | str, *, signed: bool = False) -> Engine:
    """The engine on a database file of this module, or on the URL of a database."""
    return Engine(
        db=Database(database if isinstance(database, str) else f"sqlite:///{database}"),
        keys=Keys([b"a secret of the benches, 32 octets"]),
        renderer=wiring.renderer(),
        draw_tag=itertools.count(1000).__next__,
        draw_salt=lambda: "salt",
        settings=Settings(base_url=f"https://{DOMAIN}", signed=signed),
    )


@contextmanager
def engine_at(path: Path) -> Iterator[Engine]:
    """The same, closed at the end."""
    made = open_engine(path)
    yield made
    made.db.close()


def populate(engine: Engine, readers: int) -> int:
    """Schema, process, timeline, digest, roster; gives the id of a draft of its first edition."""
    upgrade(engine.db)
    with engine.db.write() as tx:
        deployment.ensure(tx)
    content = _timeline()
    row, _ = process.import_process(engine.db, content, address_base=DOMAIN, postal="Street 1\nTown", act=ACT)
    report = timeline.import_timeline(engine.db, "bench", content, act=ACT)
    assert report.ok, report.rejected
    digest = schedule.add_digest(
        engine, row.id, "core", "The bench digest", "weekly mon 09:00", anchor_on=date(2019, 3, 4), act=ACT
    )
    _roster(engine, row.id, digest, readers)
    with engine.db.write() as tx:
        # From the first reader's hour to the last one's a day goes by: nothing of that is too late.
        tx.execute(update(tables.Digest).values(late_limit_minutes=2 * 24 * 60))
        draft = editions.add_draft(tx, digest, "2019-03-11T09:00", NOW, "regular", NOW)
    assert draft is not None
    return draft


def build(engine: Engine, draft: int) -> publish.Published:
    """Choose, word and write the deliveries of the edition."""
    return publish.approve(engine, draft, act=ACT)


def _timeline() -> str:
    tracks = [
        {"slug": slug, "code": slug[:3].upper(), "name": slug.title(), "for_all": False, "contacts": []}
        for slug in TRACKS
    ]
    about = {
        "slug": "bench",
        "name": "The bench",
        "zone": "Europe/Berlin",
        "source_language": "en",
        "languages": list(LANGS),
        "contacts": [_contact("all")],
    }
    entries = [_entry(slug, n) for n, slug in enumerate(TRACKS)]
    return yaml.safe_dump(
        {"schema": 1, "process": about, "tracks": tracks, "entries": entries}, allow_unicode=True, sort_keys=False
    )


def _contact(slug: str) -> dict[str, Any]:
    return {"role": f"Coordinator of {slug}", "address": f"{slug}@team.example", "languages": ["en"]}


def _entry(track: str, n: int) -> dict[str, Any]:
    meeting = n % 2 == 1
    found: dict[str, Any] = {
        "id": f"{track}-{n}",
        "kind": "event" if meeting else "consultation",
        "track": track,
        "start": f"2019-04-{10 + n:02}" if meeting else "2019-03-01",
        "precision": "day",
        "announced": {"on": "2019-02-20", "basis": "invented"},
        "title": {lang: f"{words[:20]} {track} {n}" for lang, words in WORDS.items()},
        "description": {lang: f"{track} {n}: {words}" for lang, words in WORDS.items()},
        "participate": False,
        "confidence": "high",
    }
    if meeting:
        day = found["start"]
        found |= {"starts_at": f"{day}T18:00Z", "ends_at": f"{day}T20:00Z"}
    else:
        found["end"] = "2019-05-31"
    return found


def _choices() -> list[tuple[str, ...]]:
    """What readers follow: everything, or one, two or three tracks. 42 ways."""
    few = [pick for size in (1, 2, 3) for pick in itertools.combinations(TRACKS, size)]
    return [(), *few]


def _roster(engine: Engine, process_id: int, digest: int, readers: int) -> None:
    draw = random.Random(5)
    choices = _choices()
    with engine.db.read() as tx:
        tracks = {row.slug: row.id for row in tx.execute(tables.Track.__table__.select())}
    with engine.db.write() as tx:
        groups = insert_rows(tx, tables.RosterGroup.__table__, [_group(process_id, n) for n in range(200)])
    for start in range(0, readers, 5000):
        numbers = range(start, min(readers, start + 5000))
        with engine.db.write() as tx:
            ids = insert_rows(tx, tables.Liaison.__table__, [_liaison(process_id, n, draw) for n in numbers])
            insert_rows(
                tx, tables.Address.__table__, [_address(process_id, i, n) for n, i in zip(numbers, ids, strict=True)]
            )
            subscribed = insert_rows(tx, tables.Subscription.__table__, [_subscription(digest, i, draw) for i in ids])
            interests = [
                {"subscription_id": s, "track_id": tracks.get(slug), "since_seq": 0, "active": True}
                for s in subscribed
                for slug in (draw.choice(choices) or ("",))
            ]
            insert_rows(tx, tables.Interest.__table__, interests)
            mandates = [_mandate(process_id, i, groups[n % 200]) for n, i in zip(numbers, ids, strict=True)]
            insert_rows(tx, tables.Mandate.__table__, mandates)


def _group(process_id: int, n: int) -> dict[str, Any]:
    return {
        "process_id": process_id, "slug": f"g{n}", "tag": 10_000 + n, "name": f"Group number {n}", "short": f"G{n}",
        "kind": "chapter", "languages": ["en"], "country": "PT", "region": "Europe", "city": "", "coord_basis": "none",
        "facts": {},
    }  # fmt: skip


def _liaison(process_id: int, n: int, draw: random.Random) -> dict[str, Any]:
    name, zone, lang = draw.choice(NAMES), draw.choice(ZONES), draw.choice(LANGS)
    return {
        "process_id": process_id, "tag": 1_000_000 + n, "kind": "person", "name": f"{name} {n}", "state": "active",
        "zone": zone, "hour": NOW.astimezone(ZoneInfo(zone)).hour, "languages": [lang], "waits": False,
    }  # fmt: skip


def _address(process_id: int, liaison: int, n: int) -> dict[str, Any]:
    addr = f"reader{n}@host{n % 50}.example"
    return {
        "process_id": process_id, "liaison_id": liaison, "addr": addr, "key": addr, "hint_key": addr,
        "verified_at": NOW, "is_primary": True,
    }  # fmt: skip


def _subscription(digest: int, liaison: int, draw: random.Random) -> dict[str, Any]:
    return {
        "digest_id": digest, "liaison_id": liaison, "tag": 50_000_000 + liaison, "state": "active", "cadence": "every",
        "size": draw.choice(SIZES), "cursor": None, "turn": 0,
    }  # fmt: skip


def _mandate(process_id: int, liaison: int, group: int) -> dict[str, Any]:
    return {
        "process_id": process_id, "liaison_id": liaison, "group_id": group, "rank": "deputy", "role_there": "member",
        "agreed_on": NOW.date(), "from_on": NOW.date(),
    }  # fmt: skip
