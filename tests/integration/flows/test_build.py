"""The shape of building: statements by chunk alone, each wording rendered once, its MIME made once. No clock."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select

from db import tables
from db.engine import Database
from flows import publish
from mailer import compose
from mailer.render import Renderer
from tests.databases import KINDS, Databases
from tests.world import LIAISONS, World

SLOT = datetime(2019, 3, 11, 8, 0, tzinfo=UTC)
CHUNK = 12
SPOKEN = ("en", "ar", "en ar", "ar en", "fr en", "en fr", "fr", "ar fr")
TASTES = ("", "money")


def roster(readers: int, *, alike: bool) -> str:
    """So many readers after the head line; alike, or each with a wish of their own."""
    lines = [LIAISONS.split("\n")[0]]
    for n in range(readers):
        lang, size, taste = ("en", "M", "") if alike else (SPOKEN[n % 8], "SML"[n // 8 % 3], TASTES[n // 24 % 2])
        lines.append(f"Reader {n},r{n}@west.example,west,member,deputy,2019-01-10,{lang},UTC,9,every,{size},{taste},")
    return "\n".join(lines) + "\n"


@contextmanager
def counted(database: Database) -> Iterator[Counter[str]]:
    """Statements that go to the database, by their first words."""
    found: Counter[str] = Counter()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found[" ".join(statement.split()[:3])] += 1

    event.listen(database.sql, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.sql, "before_cursor_execute", note)


def build(world: World, readers: int, *, alike: bool = False) -> tuple[Counter[str], int]:
    """Freeze and enqueue a first edition for so many readers; its statements, and how many variants it has."""
    world.populate(liaisons=roster(readers, alike=alike))
    world.at(SLOT - timedelta(hours=1))
    world.tick()
    (draft,) = world.editions()
    world.at(SLOT)
    with counted(world.engine.db) as found:
        made = publish.approve(world.engine, draft.id, act=world.act())
    assert made.deliveries == readers
    with world.engine.db.read() as tx:
        variants = tx.execute(select(func.count()).select_from(tables.Variant)).scalar_one()
        bodies = tx.execute(select(func.count()).select_from(tables.VariantBody)).scalar_one()
    assert bodies == variants
    return found, variants


@pytest.fixture
def chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "CHUNK", CHUNK)
    monkeypatch.setattr(publish, "PART", 5)


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize("kind", KINDS)
def test_statements_grow_with_the_chunks_and_not_with_the_variants(databases: Databases, kind: str) -> None:
    totals, wordings = {}, {}
    for chunks, alike in ((1, False), (2, False), (3, False), (4, False), (4, True)):
        world = World(databases.fresh(kind))
        found, wordings[chunks, alike] = build(world, chunks * CHUNK, alike=alike)
        totals[chunks, alike] = found.total()
        world.close()
    assert wordings[4, True] == 1
    assert wordings[4, False] > wordings[2, False] > CHUNK
    # The first chunk also tells whether anybody gets the edition at all; each other one costs the same.
    each = totals[3, False] - totals[2, False]
    assert totals[4, False] - totals[3, False] == totals[2, False] - totals[1, False] == each
    # Chunks that bring no new wording save what writes wordings: never more than that.
    assert 0 <= totals[4, False] - totals[4, True] <= 3 * 3 * 7


@pytest.mark.usefixtures("chunk")
def test_each_wording_is_rendered_once_and_its_mime_made_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: Counter[str] = Counter()
    framed: Counter[str] = Counter()
    render, frame = Renderer.render, compose.frame

    def rendering(self: Renderer, kind: str, *rest) -> compose.Rendered:
        rendered[kind] += 1
        return render(self, kind, *rest)

    def framing(wording: compose.Rendered, tag: str, *rest) -> compose.Frame:
        framed[tag] += 1
        return frame(wording, tag, *rest)

    monkeypatch.setattr(Renderer, "render", rendering)
    monkeypatch.setattr(compose, "frame", framing)
    world = World(database)
    readers = 6 * CHUNK
    _, variants = build(world, readers)
    assert variants < readers
    # One of them once more, before anything is frozen: a template that fails must fail there.
    assert rendered == {"digest": variants + 1}
    world.at(SLOT + timedelta(hours=2))
    assert world.deliver().sent == readers
    assert len(framed) == variants
    assert set(framed.values()) == {1}
    assert rendered == {"digest": variants + 1}
    world.close()


@pytest.mark.usefixtures("chunk")
def test_what_a_stopped_build_has_stored_is_not_rendered_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(database)
    world.populate(liaisons=roster(4 * CHUNK, alike=False))
    world.at(SLOT - timedelta(hours=1))
    world.tick()
    (draft,) = world.editions()
    world.at(SLOT)
    original, batches = publish._enqueue_batch, Counter()

    def stopping(*arguments):
        batches["n"] += 1
        if batches["n"] == 3:
            raise RuntimeError("the power is gone")
        return original(*arguments)

    monkeypatch.setattr(publish, "_enqueue_batch", stopping)
    with pytest.raises(RuntimeError):
        publish.approve(world.engine, draft.id, act=world.act())
    with world.engine.db.read() as tx:
        before = {row.key for row in tx.execute(select(tables.Variant.key))}
    rendered: list[str] = []
    render = Renderer.render

    def rendering(self: Renderer, kind: str, *rest) -> compose.Rendered:
        rendered.append(kind)
        return render(self, kind, *rest)

    monkeypatch.setattr(Renderer, "render", rendering)
    (published,) = world.tick().published
    assert published.deliveries == 4 * CHUNK
    with world.engine.db.read() as tx:
        after = {row.key for row in tx.execute(select(tables.Variant.key))}
    assert len(before) > CHUNK
    assert rendered == ["digest"] * len(after - before)
    world.close()
