"""What the command line and the desk show of inputs: lists with filters, and one input in full. See `views_inbox`.

What is private or concerns somebody's safety is shown to the privacy circle alone (`may_see_private`); everybody else
sees that it is there and in which state, and nothing of what it says or who wrote it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from db import events, inputs, process, roster, search, sent, timeline
from db import moves as history
from db.engine import Tx
from db.inputs import AttachmentRow, Filter, InputRow, StatementRow
from db.process import TrackRow
from db.states import InputState
from digests.subject import Subject, SubjectKind
from flows.engine import Engine, Refused, nearest

OPEN = ("public", "core")
CIRCLE = ("private", "safety")
MAX_FOUND = 1_000


@dataclass(frozen=True, slots=True)
class StatementView:
    """A statement with the words for where it stands."""

    ref: str
    state: str
    text: str
    masked: str
    anchor: str
    track: str
    confidence: float
    suggested: tuple[str, ...]
    merged_into: str


@dataclass(frozen=True, slots=True)
class InputLine:
    """An input in a list. A private one shows its state alone."""

    id: int
    received_at: datetime
    state: str
    voice: str
    liaison: str
    group: str
    language: str
    visibility: str
    subject: str
    statements: tuple[StatementView, ...]
    attachments: int


@dataclass(frozen=True, slots=True)
class InputCard:
    """An input in full: also what was cut from the mail, its files, and who did what with it."""

    line: InputLine
    body: str
    context: str
    segments: tuple[tuple[str, str, str], ...]
    attachments: tuple[AttachmentRow, ...]
    raw_id: int | None
    history: tuple[tuple[datetime, str, str], ...]  # when, who, what


def known_states(states: Sequence[str], known: type[StrEnum]) -> None:
    """Refuse states that do not exist, naming the nearest."""
    for state in states:
        if state not in list(known):
            raise Refused(f"there is no state {state!r}: {nearest(state, [one.value for one in known])}")


def suggestions(suggested: Any) -> tuple[str, ...]:
    """What was guessed, in words."""
    return tuple(f"{one['kind']} {one['ref']} ({one['confidence']:.0%})" for one in suggested or ())


def input_list(
    engine: Engine,
    process_id: int,
    *,
    states: Sequence[str] = (),
    track: str = "",
    question: str = "",
    group: str = "",
    language: str = "",
    text: str = "",
    suggested: bool = False,
    before_id: int | None = None,
    limit: int = 50,
    may_see_private: bool = False,
) -> list[InputLine]:
    """Inputs, newest first. Unknown names are refused with the nearest; `text` searches public statements."""
    known_states(states, InputState)
    with engine.db.read() as tx:
        wanted = Filter(
            states=states,
            visible=(*OPEN, *CIRCLE) if may_see_private else OPEN,
            track_id=_track(tx, process_id, track),
            question_id=_question(tx, process_id, question),
            group_id=_group(tx, process_id, group),
            language=language or None,
            suggested=suggested,
            statement_ids=search.find(tx, text, MAX_FOUND) if text else None,
            after_id=before_id,
        )
        return _lines(tx, process_id, inputs.inputs(tx, process_id, wanted, limit))


def _track(tx: Tx, process_id: int, slug: str) -> int | None:
    return _named({one.slug: one.id for one in process.tracks(tx, process_id)}, "track", slug) if slug else None


def _question(tx: Tx, process_id: int, code: str) -> int | None:
    if not code:
        return None
    return _named({one.code: one.id for one in timeline.questions(tx, process_id)}, "question", code.upper())


def _group(tx: Tx, process_id: int, slug: str) -> int | None:
    return _named({one.slug: one.id for one in roster.groups(tx, process_id)}, "group", slug) if slug else None


def _named(known: Mapping[str, int], what: str, name: str) -> int:
    if name not in known:
        raise Refused(f"there is no {what} {name!r}: {nearest(name, known)}")
    return known[name]


def _lines(tx: Tx, process_id: int, rows: Sequence[InputRow]) -> list[InputLine]:
    statements = inputs.statements(tx, [row.id for row in rows])
    files = inputs.attachments(tx, [row.id for row in rows])
    groups = {one.id: one.short or one.name for one in roster.groups(tx, process_id)}
    names = _Names(tx, process_id, [one for found in statements.values() for one in found])
    people = {row.liaison_id: roster.liaison(tx, row.liaison_id) for row in rows if row.liaison_id is not None}
    lines = []
    for row in rows:
        liaison = people.get(row.liaison_id) if row.liaison_id is not None else None
        lines.append(
            InputLine(
                id=row.id,
                received_at=row.received_at,
                state=row.state,
                voice=row.voice,
                liaison=row.writer or (liaison.name if liaison else ""),
                group=groups.get(row.group_id or 0, ""),
                language=row.language or "",
                visibility=row.visibility,
                subject=row.subject,
                statements=tuple(names.view(one) for one in statements.get(row.id, [])),
                attachments=len(files.get(row.id, [])),
            )
        )
    return lines


class _Names:
    """Words for what statements are tied to."""

    def __init__(self, tx: Tx, process_id: int, statements: Sequence[StatementRow]) -> None:
        self._questions = {one.id: one.code for one in timeline.questions(tx, process_id)}
        self._tracks: dict[int, TrackRow] = {one.id: one for one in process.tracks(tx, process_id)}
        wanted = {one.anchor_id for one in statements if one.anchor_kind == "item" and one.anchor_id is not None}
        self._items = {item_id: found for item_id in wanted if (found := sent.item(tx, item_id)) is not None}
        subjects = [Subject(SubjectKind(kind), i) for _, _, kind, i in self._items.values()]
        self._titles = {s: facts.title for s, facts in events.facts_at_many(tx, process_id, subjects).items()}
        roots = {one.merged_into for one in statements if one.merged_into is not None}
        self._roots = {root: one.ref for root in roots if (one := inputs.statement_by_id(tx, root)) is not None}

    def view(self, one: StatementRow) -> StatementView:
        """A statement in words."""
        return StatementView(
            ref=one.ref,
            state=one.state,
            text=one.body or "",
            masked=one.masked or "",
            anchor=self._anchor(one),
            track=one.track,
            confidence=one.confidence,
            suggested=suggestions(one.suggested),
            merged_into=self._roots.get(one.merged_into or 0, ""),
        )

    def _anchor(self, one: StatementRow) -> str:
        if one.anchor_kind == "question":
            return self._questions.get(one.anchor_id or 0, "question")
        if one.anchor_kind == "track":
            track = self._tracks.get(one.anchor_id or 0)
            return track.slug if track else "track"
        if one.anchor_kind == "item" and one.anchor_id in self._items:
            _, number, kind, subject_id = self._items[one.anchor_id]
            title = self._titles.get(Subject(SubjectKind(kind), subject_id), "")
            return f"item {number}: {title}" if title else f"item {number}"
        return one.anchor_kind


def input_show(engine: Engine, process_id: int, which: int | str, *, may_see_private: bool = False) -> InputCard:
    """One input in full, by its id or by the reference of one of its statements. Raises `Refused`."""
    with engine.db.read() as tx:
        row = _which(tx, process_id, which)
        if row.visibility not in OPEN and not may_see_private:
            raise Refused(f"input {row.id} is restricted: only the privacy circle may open it")
        (line,) = _lines(tx, process_id, [row])
        files = inputs.attachments(tx, [row.id]).get(row.id, [])
        moves = history.moves(tx, ("input", row.id))
    return InputCard(
        line=line,
        body=row.body or "",
        context=row.context,
        segments=tuple((s["kind"], s["text"], s.get("by", "")) for s in row.segments or ()),
        attachments=tuple(files),
        raw_id=row.raw_id,
        history=tuple((at, actor, what) for at, actor, what in moves),
    )


def _which(tx: Tx, process_id: int, which: int | str) -> InputRow:
    statement = inputs.statement(tx, process_id, which) if isinstance(which, str) else None
    row = inputs.one(tx, which if isinstance(which, int) else statement.input_id if statement else 0)
    if row is None or row.process_id != process_id:
        raise Refused(f"there is no input {which}" if isinstance(which, int) else f"there is no statement {which!r}")
    return row
