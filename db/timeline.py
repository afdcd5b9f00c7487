"""The timeline as recorded: events in order of `seq`, and what follows from them (entries, questions, facts at a seq).

`append_events` is the one way in. It takes its numbers from the process's counter, so commit order is seq order (N1),
and raises `Overtaken` when somebody else recorded something of the same subject meanwhile: gather again.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from db.bulk import insert_new, insert_rows
from db.counters import take_seq
from db.engine import Tx
from db.events import all_facts_at, events_between, facts_at, facts_at_many, history, last_seqs
from db.journal import Act
from db.tables import Entry, EntryTrack, Question, Track
from db.tables import Event as EventTable
from digests.subject import Subject, SubjectKind
from digests.timeline import AnyFacts, Event, EventKind, Facts, OtherFacts, changes, event_kind, hops

__all__ = [
    "Draft",
    "EntryRow",
    "Overtaken",
    "QuestionRow",
    "add_entries",
    "add_questions",
    "all_facts_at",
    "append_events",
    "entries",
    "events_between",
    "facts_at",
    "facts_at_many",
    "history",
    "hopped",
    "last_seqs",
    "question_by_code",
    "questions",
    "rebuild_projection",
]

_EVENT: Any = EventTable.__table__  # type: ignore[attr-defined]
_ENTRY: Any = Entry.__table__  # type: ignore[attr-defined]
_ENTRY_TRACK: Any = EntryTrack.__table__  # type: ignore[attr-defined]
_QUESTION: Any = Question.__table__  # type: ignore[attr-defined]
_TRACK: Any = Track.__table__  # type: ignore[attr-defined]


class Overtaken(Exception):
    """Somebody recorded something of these subjects since they were read."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to be recorded: the facts before (None: it is new) and after, and the seq of what was before."""

    subject: Subject
    after: AnyFacts
    before: AnyFacts | None = None
    was_seq: int = 0
    kind: EventKind | None = None  # None: what the facts say, added, changed, cancelled or reopened
    clock_key: str | None = None
    about_liaison: int | None = None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as it stands: the projection of its events."""

    id: int
    slug: str
    facts: Facts
    changed_seq: int
    hopped: bool

    @property
    def subject(self) -> Subject:
        """The entry as a subject."""
        return Subject(SubjectKind.ENTRY, self.id)


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question as it stands; its wording in all languages is the text `text` of the owner ("question", id)."""

    id: int
    code: str
    track_id: int
    entry_id: int | None
    status: str
    facts: OtherFacts
    changed_seq: int

    @property
    def subject(self) -> Subject:
        """The question as a subject."""
        return Subject(SubjectKind.QUESTION, self.id)


def append_events(tx: Tx, process_id: int, drafts: Sequence[Draft], *, act: Act, cause: str) -> list[Event]:
    """Record events and bring the projections along; `cause` is person, import or clock. Make it the last step.

    Gives what was recorded. A clock event that another worker wrote first, or whose subject was changed meanwhile, is
    left out in silence: the next tick sees to it.
    """
    if not drafts:
        return []
    first = take_seq(tx, process_id, len(drafts))
    drafts = _not_overtaken(tx, process_id, drafts)
    events = [
        Event(
            seq=first + i,
            at=act.now,
            subject=draft.subject,
            kind=draft.kind or event_kind(draft.before, draft.after),
            after=draft.after,
            changes=changes(draft.before, draft.after),
            about_liaison=draft.about_liaison,
            clock_key=draft.clock_key,
        )
        for i, draft in enumerate(drafts)
    ]
    rows = [_row(process_id, event, cause, act.actor) for event in events]
    written = {row.seq for row in insert_new(tx, _EVENT, rows, "seq")}
    done = [(event, draft) for event, draft in zip(events, drafts, strict=True) if event.seq in written]
    _project(tx, process_id, done)
    return [event for event, _ in done]


def _not_overtaken(tx: Tx, process_id: int, drafts: Sequence[Draft]) -> list[Draft]:
    # The counter's row is locked by now: what is not seen here cannot come before us any more.
    latest = last_seqs(tx, process_id, [draft.subject for draft in drafts])
    stale = [draft for draft in drafts if latest.get(draft.subject, 0) != draft.was_seq]
    for draft in stale:
        if draft.clock_key is None:
            raise Overtaken(f"{draft.subject} was changed meanwhile")
    return [draft for draft in drafts if draft not in stale]


def _row(process_id: int, event: Event, cause: str, actor: str) -> dict[str, Any]:
    return {
        "process_id": process_id,
        "seq": event.seq,
        "at": event.at,
        "cause": cause,
        "actor": actor,
        "subject_kind": event.subject.kind.value,
        "subject_id": event.subject.id,
        "kind": event.kind.value,
        "changes": [{"field": c.field, "was": c.was, "now": c.now} for c in event.changes],
        "after": event.after.as_document(),
        "about_liaison_id": event.about_liaison,
        "clock_key": event.clock_key,
    }


def _project(tx: Tx, process_id: int, done: Sequence[tuple[Event, Draft]]) -> None:
    tracks = _track_ids(tx, process_id)
    for event, draft in done:
        if isinstance(event.after, Facts):
            hopped = {"hopped": True} if hops(draft.before, event.after) else {}
            _project_entry(tx, event.subject.id, event.after, event.seq, hopped)
            if draft.before is None or draft.before.tracks != event.after.tracks:
                _project_tracks(tx, process_id, event.subject.id, [tracks[slug] for slug in event.after.tracks])
        elif event.subject.kind is SubjectKind.QUESTION:
            tx.execute(
                update(_QUESTION)
                .where(_QUESTION.c.id == event.subject.id)
                .values(
                    status=event.after.status.value,
                    track_id=tracks[event.after.tracks[0]],
                    entry_id=event.after.entry,
                )
            )


def _project_entry(tx: Tx, entry_id: int, facts: Facts, seq: int, hopped: Mapping[str, bool]) -> None:
    tx.execute(
        update(_ENTRY)
        .where(_ENTRY.c.id == entry_id)
        .values(kind=facts.kind.value, status=facts.status.value, facts=facts.as_document(), changed_seq=seq, **hopped)
    )


def _project_tracks(tx: Tx, process_id: int, entry_id: int, track_ids: Sequence[int]) -> None:
    tx.execute(delete(_ENTRY_TRACK).where(_ENTRY_TRACK.c.entry_id == entry_id))
    tx.execute(
        insert(_ENTRY_TRACK),
        [
            {"process_id": process_id, "entry_id": entry_id, "track_id": track_id, "main": position == 0}
            for position, track_id in enumerate(track_ids)
        ],
    )


def _track_ids(tx: Tx, process_id: int) -> dict[str, int]:
    rows = tx.execute(select(_TRACK.c.slug, _TRACK.c.id).where(_TRACK.c.process_id == process_id))
    return {row.slug: row.id for row in rows}


def add_entries(tx: Tx, process_id: int, entries: Sequence[tuple[str, Facts]]) -> list[int]:
    """Make room for new entries, by slug, and give their ids; their first events must follow in the transaction."""
    return insert_rows(
        tx,
        _ENTRY,
        [
            {
                "process_id": process_id,
                "slug": slug,
                "kind": facts.kind.value,
                "status": facts.status.value,
                "facts": facts.as_document(),
                "changed_seq": 0,
                "hopped": False,
            }
            for slug, facts in entries
        ],
    )


def add_questions(tx: Tx, process_id: int, questions: Sequence[tuple[str, OtherFacts]]) -> list[int]:
    """Make room for new questions, by code, and give their ids; their first events must follow in the transaction."""
    tracks = _track_ids(tx, process_id)
    return insert_rows(
        tx,
        _QUESTION,
        [
            {
                "process_id": process_id,
                "code": code,
                "track_id": tracks[facts.tracks[0]],
                "entry_id": facts.entry,
                "status": facts.status.value,
            }
            for code, facts in questions
        ],
    )


def entries(tx: Tx, process_id: int) -> list[EntryRow]:
    """All entries as they stand, in the order in which they were added."""
    rows = tx.execute(select(_ENTRY).where(_ENTRY.c.process_id == process_id).order_by(_ENTRY.c.id))
    return [EntryRow(row.id, row.slug, Facts.of_document(row.facts), row.changed_seq, row.hopped) for row in rows]


def hopped(tx: Tx, process_id: int) -> frozenset[Subject]:
    """Entries that ever changed track: selective readers of them take the exact path (N13)."""
    rows = tx.execute(select(_ENTRY.c.id).where(_ENTRY.c.process_id == process_id, _ENTRY.c.hopped))
    return frozenset(Subject(SubjectKind.ENTRY, row.id) for row in rows)


def questions(tx: Tx, process_id: int) -> list[QuestionRow]:
    """All questions as they stand, by code."""
    rows = tx.execute(select(_QUESTION).where(_QUESTION.c.process_id == process_id)).all()
    subjects = [Subject(SubjectKind.QUESTION, row.id) for row in rows]
    facts = facts_at_many(tx, process_id, subjects)
    seqs = last_seqs(tx, process_id, subjects)
    found = []
    for row, subject in zip(rows, subjects, strict=True):
        known = facts[subject]
        if isinstance(known, OtherFacts):
            found.append(QuestionRow(row.id, row.code, row.track_id, row.entry_id, row.status, known, seqs[subject]))
    return sorted(found, key=lambda one: (one.code.partition("-")[0], int(one.code.partition("-")[2])))


def question_by_code(tx: Tx, process_id: int, code: str) -> QuestionRow | None:
    """The question of that code, however it is spelt (`rr-2`)."""
    return next((one for one in questions(tx, process_id) if one.code == code.upper()), None)


def rebuild_projection(tx: Tx, process_id: int) -> None:
    """Write entries and their tracks anew from the events alone."""
    tracks = _track_ids(tx, process_id)
    for entry in entries(tx, process_id):
        events = history(tx, process_id, [entry.subject]).get(entry.subject, [])
        facts = [event.after for event in events if isinstance(event.after, Facts)]
        moved = any(hops(before, after) for before, after in itertools.pairwise(facts))
        _project_entry(tx, entry.id, facts[-1], events[-1].seq, {"hopped": moved})
        _project_tracks(tx, process_id, entry.id, [tracks[slug] for slug in facts[-1].tracks])
