"""Variants of a mailing: their wordings and the news sets that they tell, written a chunk at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from db.bulk import in_chunks, insert_new
from db.engine import Tx
from db.tables import NewsItem, NewsSet, Variant, VariantBody

_V: Any = Variant.__table__  # type: ignore[attr-defined]
_N: Any = NewsItem.__table__  # type: ignore[attr-defined]
_SET: Any = NewsSet.__table__  # type: ignore[attr-defined]
_BODY: Any = VariantBody.__table__  # type: ignore[attr-defined]

Told = tuple[str, int, str, int | None]  # kind and id of a subject, its label, the seq at which it was known before


@dataclass(frozen=True, slots=True)
class NewVariant:
    """A wording to store under its key. `news_key` None: it tells no news (a letter, an announcement)."""

    key: str
    languages: Sequence[str]
    body: Any
    size: str = "M"
    still_open: Any = None  # none: nothing that closes
    news_key: str | None = None
    news: Sequence[Told] = ()


def ids(tx: Tx, mailing_id: int) -> dict[str, int]:
    """The variants of a mailing by key."""
    rows = tx.execute(select(_V.c.key, _V.c.id).where(_V.c.mailing_id == mailing_id))
    return {row.key: row.id for row in rows}


def languages(tx: Tx, mailing_id: int) -> dict[str, tuple[str, ...]]:
    """The order of languages of each wording of a mailing, by key."""
    rows = tx.execute(select(_V.c.key, _V.c.languages).where(_V.c.mailing_id == mailing_id))
    return {row.key: tuple(row.languages) for row in rows}


def said(tx: Tx, variant_ids: Collection[int]) -> dict[int, NewVariant]:
    """What these variants say, without their words."""
    rows = list(in_chunks(tx, select(_V, _SET.c.key.label("news_key")).outerjoin(_SET), _V.c.id, variant_ids))
    news: dict[int, list[Told]] = {}
    for row in in_chunks(tx, select(_N), _N.c.news_set_id, {r.news_set_id for r in rows if r.news_set_id is not None}):
        news.setdefault(row.news_set_id, []).append((row.subject_kind, row.subject_id, row.label, row.was_seq))
    return {
        row.id: NewVariant(
            row.key, row.languages, None, row.size, row.still_open, row.news_key, sorted(news.get(row.news_set_id, []))
        )
        for row in rows
    }


def add(tx: Tx, mailing_id: int, new: Sequence[NewVariant]) -> dict[str, int]:
    """Store variants with their news sets and wordings; gives the id of each key, the older one's where it is known.

    As many statements for a thousand as for one: four, and two where others stored some of them before.
    """
    sets = _add_news_sets(tx, mailing_id, {one.news_key: one.news for one in new if one.news_key is not None})
    rows = [
        {
            "mailing_id": mailing_id,
            "news_set_id": sets[one.news_key] if one.news_key is not None else None,
            "key": one.key,
            "languages": list(one.languages),
            "size": one.size,
            "still_open": one.still_open if one.still_open is not None else [],
        }
        for one in new
    ]
    made = _stored(tx, _V, mailing_id, rows)
    fresh = {row.key for row in made.new}
    bodies = [{"variant_id": made.ids[one.key], "body": one.body} for one in new if one.key in fresh]
    insert_new(tx, _BODY, bodies)
    return made.ids


def _add_news_sets(tx: Tx, mailing_id: int, wanted: Mapping[str, Sequence[Told]]) -> dict[str, int]:
    made = _stored(tx, _SET, mailing_id, [{"mailing_id": mailing_id, "key": key} for key in wanted])
    items = [
        {"news_set_id": row.id, "subject_kind": kind, "subject_id": subject_id, "label": label, "was_seq": was_seq}
        for row in made.new
        for kind, subject_id, label, was_seq in wanted[row.key]
    ]
    insert_new(tx, _N, items)
    return made.ids


@dataclass(frozen=True, slots=True)
class _Stored:
    ids: dict[str, int]  # by key, of all
    new: Collection[Any]  # the rows that were not there: key and id


def _stored(tx: Tx, table: Any, mailing_id: int, rows: Sequence[Mapping[str, Any]]) -> _Stored:
    """Insert what is not there under its key, and look up what is."""
    new = insert_new(tx, table, rows, "key", "id")
    found = {str(row.key): int(row.id) for row in new}
    missing = [row["key"] for row in rows if row["key"] not in found]
    query = select(table.c.key, table.c.id).where(table.c.mailing_id == mailing_id)
    found |= {str(row.key): int(row.id) for row in in_chunks(tx, query, table.c.key, missing)}
    return _Stored(found, new)
