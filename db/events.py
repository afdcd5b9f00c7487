"""Reading the recorded events: in order, by subject, and the facts of anything at any `seq` (N2).

Nothing here writes; `db.timeline.append_events` does.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from db.bulk import in_chunks
from db.engine import Tx
from db.tables import Event as EventTable
from db.tables import Text, TextVersion
from digests.subject import Subject, SubjectKind
from digests.timeline import AnyFacts, Change, Event, EventKind, facts_of

_EVENT: Any = EventTable.__table__  # type: ignore[attr-defined]
_TEXT: Any = Text.__table__  # type: ignore[attr-defined]
_VERSION: Any = TextVersion.__table__  # type: ignore[attr-defined]


def events_between(tx: Tx, process_id: int, after_seq: int, upto_seq: int) -> list[Event]:
    """What was recorded after `after_seq`, up to and with `upto_seq`, in order."""
    query = select(_EVENT).where(_EVENT.c.process_id == process_id, _EVENT.c.seq > after_seq, _EVENT.c.seq <= upto_seq)
    return [_event(row) for row in tx.execute(query.order_by(_EVENT.c.seq))]


def history(
    tx: Tx, process_id: int, subjects: Iterable[Subject], upto_seq: int | None = None
) -> dict[Subject, list[Event]]:
    """All events of these subjects, oldest first."""
    found: dict[Subject, list[Event]] = defaultdict(list)
    for kind, ids in _by_kind(subjects).items():
        query = select(_EVENT).where(_EVENT.c.process_id == process_id, _EVENT.c.subject_kind == kind.value)
        if upto_seq is not None:
            query = query.where(_EVENT.c.seq <= upto_seq)
        for row in in_chunks(tx, query.order_by(_EVENT.c.seq), _EVENT.c.subject_id, ids):
            event = _event(row)
            found[event.subject].append(event)
    return dict(found)


def facts_at(tx: Tx, process_id: int, subject: Subject, seq: int) -> AnyFacts | None:
    """The facts of a subject as they were at `seq`; None before it was recorded."""
    row = tx.execute(
        select(_EVENT.c.after)
        .where(
            _EVENT.c.process_id == process_id,
            _EVENT.c.subject_kind == subject.kind.value,
            _EVENT.c.subject_id == subject.id,
            _EVENT.c.seq <= seq,
        )
        .order_by(_EVENT.c.seq.desc())
        .limit(1)
    ).first()
    return None if row is None else facts_of(subject.kind, row.after)


def facts_at_many(
    tx: Tx, process_id: int, subjects: Iterable[Subject], seq: int | None = None
) -> dict[Subject, AnyFacts]:
    """The facts of many subjects as they were at one `seq` (None: now); those unknown then are left out."""
    found: dict[Subject, AnyFacts] = {}
    for kind, ids in _by_kind(subjects).items():
        for row in in_chunks(tx, *_newest(process_id, kind, seq, _EVENT.c.after), ids):
            found[Subject(kind, row.subject_id)] = facts_of(kind, row.after)
    return found


def all_facts_at(tx: Tx, process_id: int, seq: int, kinds: Iterable[SubjectKind]) -> dict[Subject, AnyFacts]:
    """The facts of everything of these kinds as they were at `seq`."""
    found: dict[Subject, AnyFacts] = {}
    for kind in kinds:
        query, _ = _newest(process_id, kind, seq, _EVENT.c.after)
        found.update({Subject(kind, row.subject_id): facts_of(kind, row.after) for row in tx.execute(query)})
    return found


def last_seqs(tx: Tx, process_id: int, subjects: Iterable[Subject]) -> dict[Subject, int]:
    """The seq of the newest event of each subject."""
    found: dict[Subject, int] = {}
    for kind, ids in _by_kind(subjects).items():
        for row in in_chunks(tx, *_newest(process_id, kind, None), ids):
            found[Subject(kind, row.subject_id)] = row.seq
    return found


def _newest(process_id: int, kind: SubjectKind, seq: int | None, *columns: Any) -> tuple[Any, Any]:
    """A query for the newest event of each subject of a kind, and the column to narrow it by."""
    later = _EVENT.alias("later")
    newer = select(func.max(later.c.seq)).where(
        later.c.process_id == process_id,
        later.c.subject_kind == kind.value,
        later.c.subject_id == _EVENT.c.subject_id,
    )
    if seq is not None:
        newer = newer.where(later.c.seq <= seq)
    query = select(_EVENT.c.subject_id, _EVENT.c.seq, *columns).where(
        _EVENT.c.process_id == process_id,
        _EVENT.c.subject_kind == kind.value,
        _EVENT.c.seq == newer.scalar_subquery(),
    )
    return query, _EVENT.c.subject_id


def _by_kind(subjects: Iterable[Subject]) -> dict[SubjectKind, set[int]]:
    found: dict[SubjectKind, set[int]] = defaultdict(set)
    for subject in subjects:
        found[subject.kind].add(subject.id)
    return found


def _event(row: Any) -> Event:
    kind = SubjectKind(row.subject_kind)
    return Event(
        seq=row.seq,
        at=row.at,
        subject=Subject(kind, row.subject_id),
        kind=EventKind(row.kind),
        after=facts_of(kind, row.after),
        changes=tuple(Change(c["field"], c["was"], c["now"]) for c in row.changes),
        about_liaison=row.about_liaison_id,
        clock_key=row.clock_key,
    )


def changed_at(tx: Tx, process_id: int) -> datetime | None:
    """When the timeline of a process changed last: an event was recorded, or a text was written."""
    event = tx.execute(select(func.max(_EVENT.c.at)).where(_EVENT.c.process_id == process_id)).scalar()
    words = (
        select(func.max(_VERSION.c.at))
        .join(_TEXT, _TEXT.c.id == _VERSION.c.text_id)
        .where(_TEXT.c.process_id == process_id)
    )
    moments = [one for one in (event, tx.execute(words).scalar()) if one is not None]
    return max(moments, default=None)
