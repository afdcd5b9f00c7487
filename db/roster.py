"""The roster: groups, liaisons, mandates, and proof of consent.

Tags are drawn by the caller; addresses stand in `db.addresses`, what somebody receives in `db.subscriptions`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update

from db.bulk import in_chunks, insert_rows
from db.engine import Tx
from db.tables import Consent, Journal, Liaison, Mandate, RosterGroup

_GROUP: Any = RosterGroup.__table__  # type: ignore[attr-defined]
_LIAISON: Any = Liaison.__table__  # type: ignore[attr-defined]
_MANDATE: Any = Mandate.__table__  # type: ignore[attr-defined]
_CONSENT: Any = Consent.__table__  # type: ignore[attr-defined]
_JOURNAL: Any = Journal.__table__  # type: ignore[attr-defined]

TAGS = 2**40


@dataclass(frozen=True, slots=True)
class GroupRow:
    """An affiliate or community. Without a place, `lat` and `lon` are both None."""

    id: int
    process_id: int
    slug: str
    tag: int
    name: str
    short: str
    kind: str
    languages: tuple[str, ...]
    country: str
    region: str
    city: str
    lat: float | None
    lon: float | None
    coord_basis: str
    zone: str | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LiaisonRow:
    """A person, or a mailbox shared by several. Forgotten ones have no name."""

    id: int
    process_id: int
    tag: int
    kind: str
    name: str
    state: str
    zone: str
    hour: int
    languages: tuple[str, ...]
    paused_until: date | None
    quiet: Any
    left_at: datetime | None
    forgotten_at: datetime | None


@dataclass(frozen=True, slots=True)
class MandateRow:
    """A liaison's standing for a group; open while `until_on` is None."""

    id: int
    liaison_id: int
    group_id: int
    rank: str
    role_there: str
    agreed_on: date | None
    from_on: date | None
    until_on: date | None


def fresh_tag(draw: Callable[[], int], taken: set[int]) -> int:
    """A tag that nobody has, from 1 to 2**40 - 1; it is added to `taken`. Drawn again on a clash."""
    for _ in range(1000):
        tag = draw()
        if 0 < tag < TAGS and tag not in taken:
            taken.add(tag)
            return tag
    raise ValueError("a thousand tags were drawn and none was free: the source of random numbers is broken")


def group_tags(tx: Tx, process_id: int) -> set[int]:
    """Tags taken by groups of the process."""
    return {int(tag) for (tag,) in tx.execute(select(_GROUP.c.tag).where(_GROUP.c.process_id == process_id))}


def liaison_tags(tx: Tx, process_id: int) -> set[int]:
    """Tags taken by liaisons of the process, forgotten ones included."""
    return {int(tag) for (tag,) in tx.execute(select(_LIAISON.c.tag).where(_LIAISON.c.process_id == process_id))}


def groups(tx: Tx, process_id: int) -> list[GroupRow]:
    """All groups by slug."""
    return _groups(tx, select(_GROUP).where(_GROUP.c.process_id == process_id).order_by(_GROUP.c.slug))


def group_by_slug(tx: Tx, process_id: int, slug: str) -> GroupRow | None:
    """The group of that name."""
    found = _groups(tx, select(_GROUP).where(_GROUP.c.process_id == process_id, _GROUP.c.slug == slug))
    return found[0] if found else None


def group_by_tag(tx: Tx, process_id: int, tag: int) -> GroupRow | None:
    """The group that a `relay` token names."""
    found = _groups(tx, select(_GROUP).where(_GROUP.c.process_id == process_id, _GROUP.c.tag == tag))
    return found[0] if found else None


def groups_of(tx: Tx, liaison_id: int) -> list[GroupRow]:
    """The groups that a liaison stands for now, those as first liaison before those as deputy."""
    return _groups(
        tx,
        select(_GROUP)
        .join(_MANDATE, _MANDATE.c.group_id == _GROUP.c.id)
        .where(_MANDATE.c.liaison_id == liaison_id, _MANDATE.c.until_on.is_(None))
        .order_by(_MANDATE.c.rank.desc(), _GROUP.c.slug),
    )


def _groups(tx: Tx, query: Any) -> list[GroupRow]:
    return [
        GroupRow(
            id=row.id,
            process_id=row.process_id,
            slug=row.slug,
            tag=row.tag,
            name=row.name,
            short=row.short,
            kind=row.kind,
            languages=tuple(row.languages),
            country=row.country,
            region=row.region,
            city=row.city,
            lat=row.lat,
            lon=row.lon,
            coord_basis=row.coord_basis,
            zone=row.zone,
            facts=row.facts,
        )
        for row in tx.execute(query)
    ]


def put_groups(tx: Tx, process_id: int, added: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert groups; gives their ids in order."""
    return insert_rows(tx, _GROUP, [{"process_id": process_id, **row} for row in added])


def change_group(tx: Tx, group_id: int, **values: Any) -> None:
    """Set columns of a group."""
    tx.execute(update(_GROUP).where(_GROUP.c.id == group_id).values(**values))


def liaison(tx: Tx, liaison_id: int) -> LiaisonRow | None:
    """The liaison of that id."""
    row = tx.execute(select(_LIAISON).where(_LIAISON.c.id == liaison_id)).first()
    return None if row is None else _liaison(row)


def liaison_by_tag(tx: Tx, process_id: int, tag: int) -> LiaisonRow | None:
    """The liaison that a token names."""
    row = tx.execute(select(_LIAISON).where(_LIAISON.c.process_id == process_id, _LIAISON.c.tag == tag)).first()
    return None if row is None else _liaison(row)


def liaisons(tx: Tx, process_id: int) -> list[LiaisonRow]:
    """All liaisons who are not forgotten, in the order in which they joined."""
    query = select(_LIAISON).where(_LIAISON.c.process_id == process_id, _LIAISON.c.forgotten_at.is_(None))
    return [_liaison(row) for row in tx.execute(query.order_by(_LIAISON.c.id))]


def _liaison(row: Any) -> LiaisonRow:
    return LiaisonRow(
        id=row.id,
        process_id=row.process_id,
        tag=row.tag,
        kind=row.kind,
        name=row.name or "",
        state=row.state,
        zone=row.zone,
        hour=row.hour,
        languages=tuple(row.languages),
        paused_until=row.paused_until,
        quiet=row.quiet,
        left_at=row.left_at,
        forgotten_at=row.forgotten_at,
    )


def add_liaisons(tx: Tx, process_id: int, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert liaisons; gives their ids in order. The caller writes the journal."""
    return insert_rows(tx, _LIAISON, [{"process_id": process_id, **row} for row in rows])


def change_liaison(tx: Tx, liaison_id: int, **values: Any) -> None:
    """Set columns of a liaison; its state is moved by `db.journal.move` instead."""
    tx.execute(update(_LIAISON).where(_LIAISON.c.id == liaison_id).values(**values))


def mandates(tx: Tx, process_id: int, liaison_ids: Collection[int] | None = None) -> list[MandateRow]:
    """The open mandates, of all liaisons where no ids are given."""
    query = select(_MANDATE).where(_MANDATE.c.process_id == process_id, _MANDATE.c.until_on.is_(None))
    return [
        MandateRow(
            id=row.id,
            liaison_id=row.liaison_id,
            group_id=row.group_id,
            rank=row.rank,
            role_there=row.role_there,
            agreed_on=row.agreed_on,
            from_on=row.from_on,
            until_on=row.until_on,
        )
        for row in in_chunks(tx, query.order_by(_MANDATE.c.id), _MANDATE.c.liaison_id, liaison_ids)
    ]


def add_mandates(tx: Tx, process_id: int, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert mandates; a group has one first liaison at a time (`IntegrityError`)."""
    return insert_rows(tx, _MANDATE, [{"process_id": process_id, **row} for row in rows])


def change_mandate(tx: Tx, mandate_id: int, **values: Any) -> None:
    """Set columns of a mandate; `until_on` closes it."""
    tx.execute(update(_MANDATE).where(_MANDATE.c.id == mandate_id).values(**values))


def add_consents(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep proof that people agreed: liaison_id, what, wording, at, evidence."""
    insert_rows(tx, _CONSENT, rows)


def chosen_by_self(tx: Tx, process_id: int) -> dict[int, set[str]]:
    """Per liaison what they have set by themselves, such as `hour`: an import does not undo it."""
    query = select(_JOURNAL.c.subject_id, _JOURNAL.c.why).where(
        _JOURNAL.c.process_id == process_id,
        _JOURNAL.c.subject_kind == "liaison",
        _JOURNAL.c.actor.like("liaison:%"),
        _JOURNAL.c.why.like("set %"),
    )
    found: dict[int, set[str]] = defaultdict(set)
    for row in tx.execute(query):
        found[row.subject_id].add(row.why.removeprefix("set "))
    return dict(found)
