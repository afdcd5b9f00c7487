"""Processes with their tracks, contact persons, fallback languages and small settings.

Queries give values; nothing here commits. What is unknown comes back as None, never as an exception.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from db.engine import Tx
from db.tables import Contact, Fallback, Process, Setting, Track
from mailer import home

_PROCESS: Any = Process.__table__  # type: ignore[attr-defined]
_TRACK: Any = Track.__table__  # type: ignore[attr-defined]
_CONTACT: Any = Contact.__table__  # type: ignore[attr-defined]
_FALLBACK: Any = Fallback.__table__  # type: ignore[attr-defined]
_SETTING: Any = Setting.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """The whole undertaking. `languages` are those its service speaks, best known first."""

    id: int
    slug: str
    name: str
    zone: str
    source_lang: str
    address_base: str
    postal: str
    about: str
    last_seq: int
    last_ref: int
    baseline_seq: int
    restored_at: datetime | None
    languages: tuple[str, ...]

    @property
    def home(self) -> home.Home:
        """Where its mail lives."""
        return home.read(self.address_base)


@dataclass(frozen=True, slots=True)
class TrackRow:
    """A working group or thematic area; `code` prefixes its questions and references."""

    id: int
    slug: str
    code: str
    name: str
    for_all: bool


@dataclass(frozen=True, slots=True)
class ContactRow:
    """Somebody to ask. Without a track: about the whole process. Without languages: in any."""

    position: int
    track_id: int | None
    name: str
    address: str
    languages: tuple[str, ...]


def by_slug(tx: Tx, slug: str) -> ProcessRow | None:
    """The process of that name."""
    return _one(tx, select(_PROCESS).where(_PROCESS.c.slug == slug))


def by_id(tx: Tx, process_id: int) -> ProcessRow | None:
    """The process of that id."""
    return _one(tx, select(_PROCESS).where(_PROCESS.c.id == process_id))


def everyone(tx: Tx) -> list[ProcessRow]:
    """All processes of the deployment, by slug."""
    return [_value(tx, row) for row in tx.execute(select(_PROCESS).order_by(_PROCESS.c.slug)).all()]


def _one(tx: Tx, query: Any) -> ProcessRow | None:
    row = tx.execute(query).first()
    return None if row is None else _value(tx, row)


def _value(tx: Tx, row: Any) -> ProcessRow:
    return ProcessRow(
        id=row.id,
        slug=row.slug,
        name=row.name,
        zone=row.zone,
        source_lang=row.source_lang,
        address_base=row.address_base,
        postal=row.postal,
        about=row.about,
        last_seq=row.last_seq,
        last_ref=row.last_ref,
        baseline_seq=row.baseline_seq,
        restored_at=row.restored_at,
        languages=tuple(setting(tx, row.id, "languages") or (row.source_lang,)),
    )


def create(
    tx: Tx,
    *,
    slug: str,
    name: str,
    zone: str,
    source_lang: str,
    address_base: str,
    postal: str = "",
    about: str = "",
) -> int:
    """A new process without tracks; gives its id."""
    return int(
        tx.execute(
            insert(_PROCESS)
            .values(
                slug=slug,
                name=name,
                zone=zone,
                source_lang=source_lang,
                address_base=address_base.lower(),
                postal=postal,
                about=about,
                last_seq=0,
                last_ref=0,
                baseline_seq=0,
            )
            .returning(_PROCESS.c.id)
        ).scalar_one()
    )


def change(tx: Tx, process_id: int, **values: Any) -> None:
    """Set columns of a process."""
    tx.execute(update(_PROCESS).where(_PROCESS.c.id == process_id).values(**values))


def set_restored(tx: Tx, now: datetime) -> None:
    """Note in every process that the database was put back."""
    tx.execute(update(_PROCESS).values(restored_at=now))


def setting(tx: Tx, process_id: int, name: str) -> Any:
    """A small fact about a process, or None."""
    return tx.execute(
        select(_SETTING.c.value).where(_SETTING.c.process_id == process_id, _SETTING.c.name == name)
    ).scalar_one_or_none()


def put_setting(tx: Tx, process_id: int, name: str, value: Any) -> None:
    """Set a small fact; None removes it."""
    tx.execute(delete(_SETTING).where(_SETTING.c.process_id == process_id, _SETTING.c.name == name))
    if value is not None:
        tx.execute(insert(_SETTING).values(process_id=process_id, name=name, value=value))


def tracks(tx: Tx, process_id: int) -> list[TrackRow]:
    """The tracks in the order in which they were made."""
    rows = tx.execute(select(_TRACK).where(_TRACK.c.process_id == process_id).order_by(_TRACK.c.id))
    return [TrackRow(row.id, row.slug, row.code, row.name, row.for_all) for row in rows]


def put_track(tx: Tx, process_id: int, slug: str, *, code: str, name: str, for_all: bool) -> int:
    """Make or change a track; gives its id. Its slug names it for ever."""
    values = {"code": code, "name": name, "for_all": for_all}
    found = tx.execute(
        update(_TRACK)
        .where(_TRACK.c.process_id == process_id, _TRACK.c.slug == slug)
        .values(values)
        .returning(_TRACK.c.id)
    ).scalar_one_or_none()
    if found is None:
        found = tx.execute(
            insert(_TRACK).values(process_id=process_id, slug=slug, **values).returning(_TRACK.c.id)
        ).scalar_one()
    return int(found)


def contacts(tx: Tx, process_id: int) -> list[ContactRow]:
    """The contact persons in order."""
    rows = tx.execute(select(_CONTACT).where(_CONTACT.c.process_id == process_id).order_by(_CONTACT.c.position))
    return [ContactRow(row.position, row.track_id, row.name, row.address, tuple(row.lang.split())) for row in rows]


def put_contacts(tx: Tx, process_id: int, people: Sequence[ContactRow]) -> None:
    """Replace all contact persons; positions are given anew, in the order of `people`."""
    tx.execute(delete(_CONTACT).where(_CONTACT.c.process_id == process_id))
    rows = [
        {
            "process_id": process_id,
            "position": position,
            "track_id": person.track_id,
            "lang": " ".join(person.languages),
            "name": person.name,
            "address": person.address,
        }
        for position, person in enumerate(people, start=1)
    ]
    if rows:
        tx.execute(insert(_CONTACT), rows)


def fallbacks(tx: Tx, process_id: int) -> dict[str, tuple[str, ...]]:
    """Per language the languages tried after a reader's own ones, in order (L3)."""
    found: dict[str, tuple[str, ...]] = {}
    rows = tx.execute(
        select(_FALLBACK).where(_FALLBACK.c.process_id == process_id).order_by(_FALLBACK.c.lang, _FALLBACK.c.position)
    )
    for row in rows:
        found[row.lang] = (*found.get(row.lang, ()), row.to_lang)
    return found


def put_fallbacks(tx: Tx, process_id: int, chains: Mapping[str, Sequence[str]]) -> None:
    """Replace all fallback languages."""
    tx.execute(delete(_FALLBACK).where(_FALLBACK.c.process_id == process_id))
    rows = [
        {"process_id": process_id, "lang": lang, "position": position, "to_lang": to_lang}
        for lang, chain in chains.items()
        for position, to_lang in enumerate(chain, start=1)
    ]
    if rows:
        tx.execute(insert(_FALLBACK), rows)
