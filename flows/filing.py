"""Filing: an input with its statements, references, anchors and attachments, written in one transaction.

A statement is tied to one thing. What is sure is taken; what was guessed is kept apart as a suggestion with its
confidence, for a person, and the statement stands on the edition meanwhile.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db import counters, inputs, search
from db.engine import Tx
from db.inputs import StatementRow, Words
from db.journal import Act
from db.process import ProcessRow
from digests.subject import SubjectKind
from flows.asked import Asked
from flows.thread import Thread
from flows.understand import Filing
from mailer.mask import mask
from mailer.reading import Anchor, Reading, StatementRead

SURE = 0.85
"""From this confidence on an anchor is taken; below it is a suggestion."""
MAX_INDEXED = 50_000
MAX_FROM_FILE = 20_000
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement ready to be written: its words and what it is tied to."""

    words: Words
    anchor_kind: str
    anchor_id: int | None
    track_id: int | None
    confidence: float
    suggested: tuple[dict[str, Any], ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """Its place as columns."""
        return {
            "anchor_kind": self.anchor_kind,
            "anchor_id": self.anchor_id,
            "track_id": self.track_id,
            "confidence": self.confidence,
            "suggested": list(self.suggested) or None,
        }


def placed(thread: Thread, reading: Reading) -> tuple[Placed, ...]:
    """The statements of a reading with what each is tied to; one of an attachment where the mail has no words."""
    read = reading.statements or (StatementRead(reading.text or _from_files(thread)),)
    return tuple(_place(thread, one) for one in read if one.text.strip())


def _from_files(thread: Thread) -> str:
    """The words of the first attachment that has any, else the names of all, else the subject."""
    texts = (a.text[:MAX_FROM_FILE] for a in thread.message.attachments if a.text and a.text.strip())
    names = ", ".join(a.name for a in thread.message.attachments if a.name)
    return next(texts, names or thread.message.subject or "attachment")


def _place(thread: Thread, one: StatementRead) -> Placed:
    anchors = list(one.anchors)
    if not anchors and thread.token is not None and thread.token.item in thread.asked.items:
        anchors, sure = [Anchor("item", str(thread.token.item))], True
    else:
        sure = one.confidence >= SURE
    ties = [tie for tie in (_tie(thread.asked, anchor) for anchor in anchors) if tie is not None]
    main = min((tie for tie in ties if tie.rank < 3), key=lambda tie: tie.rank, default=None) if sure else None
    rest = [anchor for anchor in anchors if main is None or not _same(thread.asked, anchor, main)]
    kind, anchor_id, track_id = (main.kind, main.id, main.track_id) if main else _whole(thread)
    words = Words(one.text, mask(one.text, thread.context.own_addresses), one.quote)
    confidence = max(one.confidence, SURE) if main else one.confidence
    suggested = tuple({"kind": a.kind, "ref": a.ref, "confidence": round(one.confidence, 2)} for a in rest)
    return Placed(words, kind, anchor_id, track_id, confidence, suggested)


@dataclass(frozen=True, slots=True)
class _Tie:
    """What an anchor's words mean here; the lower the rank the more it says."""

    rank: int
    kind: str
    id: int
    track_id: int | None


def _tie(asked: Asked, anchor: Anchor) -> _Tie | None:
    if anchor.kind == "question" and anchor.ref.upper() in asked.questions:
        question, track = asked.questions[anchor.ref.upper()]
        return _Tie(0, "question", question, track)
    if anchor.kind == "item" and anchor.ref.isdigit() and int(anchor.ref) in asked.items:
        item = asked.items[int(anchor.ref)]
        track_id = asked.tracks.get(item.track)
        if item.kind == SubjectKind.QUESTION:
            return _Tie(0, "question", item.subject_id, track_id)
        if item.kind == SubjectKind.ANNOUNCEMENT:
            return _Tie(1, "announcement", item.subject_id, track_id)
        return _Tie(1, "item", item.id, track_id)
    if anchor.kind == "track" and anchor.ref in asked.tracks:
        track = asked.tracks[anchor.ref]
        return _Tie(2, "track", track, track)
    return None


def _same(asked: Asked, anchor: Anchor, main: _Tie) -> bool:
    """Whether an anchor says nothing beyond the one that was taken: the same thing, its item or its track."""
    tie = _tie(asked, anchor)
    if tie is None:
        return False
    return (tie.kind, tie.id) == (main.kind, main.id) or (tie.rank > main.rank and tie.track_id == main.track_id)


def _whole(thread: Thread) -> tuple[str, int | None, int | None]:
    """What an answer that names nothing stands on: the edition or announcement as a whole, or what it adds to."""
    if len({(one.anchor_kind, one.anchor_id) for one in thread.told}) == 1:
        return thread.told[0].anchor_kind, thread.told[0].anchor_id, thread.told[0].track_id
    if thread.mailing is not None and thread.mailing.edition_id is not None:
        return "edition", thread.mailing.edition_id, None
    if thread.mailing is not None and thread.mailing.announcement_id is not None:
        return "announcement", thread.mailing.announcement_id, None
    return "none", None, None


def file(
    tx: Tx,
    thread: Thread,
    reading: Reading,
    filing: Filing,
    statements: Sequence[Placed],
    *,
    act: Act,
) -> int | None:
    """Write the input of a mail; gives its id, None when there is one already (promise 1).

    Routed mail has no statements: it is not cited, not searched, and makes no events.
    """
    owner = _owner(thread)
    input_id = inputs.add_input(tx, _input(thread, reading, filing, owner))
    if input_id is None:
        return None
    inputs.add_attachments(tx, input_id, _files(thread))
    add_statements(tx, owner.id, input_id, filing.visibility, statements, "filed", act=act)
    return input_id


def _owner(thread: Thread) -> ProcessRow:
    if thread.owner is None:
        raise LookupError("a mail to no process of ours cannot be filed")
    return thread.owner


def _input(thread: Thread, reading: Reading, filing: Filing, owner: ProcessRow) -> Mapping[str, Any]:
    return {
        "process_id": owner.id,
        "raw_id": thread.raw.id,
        "liaison_id": filing.liaison_id,
        "group_id": filing.group_id,
        "mailing_id": thread.mailing.id if thread.mailing else None,
        "voice": filing.voice,
        "context": thread.mailing.natural_key if thread.mailing else "",
        "writer": filing.writer,
        "language": None if reading.language == "und" else reading.language,
        "visibility": filing.visibility,
        "state": "new",
        "received_at": thread.raw.received_at,
        "subject": reading.subject[:500],
        "body": reading.text,
        "segments": [{"kind": s.kind.value, "text": s.text, "by": s.by} for s in reading.segments],
        "corrects_id": thread.original.id if thread.original else None,
    }


def _files(thread: Thread) -> list[dict[str, Any]]:
    return [
        {
            "name": a.name,
            "type": a.type,
            "size": a.size,
            "hash": hashlib.sha256(a.content).hexdigest(),
            "text": a.text,
        }
        for a in thread.message.attachments
    ]


def add_statements(
    tx: Tx, process_id: int, input_id: int, visibility: str, statements: Sequence[Placed], reason: str, *, act: Act
) -> list[int]:
    """Write statements with the next references; public ones can be searched for."""
    if not statements:
        return []
    first = counters.take_refs(tx, process_id, len(statements))
    rows = [
        {"process_id": process_id, "number": first + n, "input_id": input_id, **one.columns}
        for n, one in enumerate(statements)
    ]
    ids = inputs.add_statements(tx, rows, [one.words for one in statements], reason, act.now)
    for n, (statement_id, one) in enumerate(zip(ids, statements, strict=True)):
        if visibility == PUBLIC:
            extra = _words_of_files(tx, input_id) if n == 0 else ""
            search.index(tx, statement_id, f"{one.words.masked} {extra}".strip())
    return ids


def reindex(tx: Tx, statement: StatementRow, visibility: str, masked: str | None) -> None:
    """Bring the index in line with what may be found."""
    if visibility != PUBLIC or not masked:
        search.index(tx, statement.id, None)
        return
    first = inputs.statements(tx, [statement.input_id])[statement.input_id][0]
    extra = _words_of_files(tx, statement.input_id) if first.id == statement.id else ""
    search.index(tx, statement.id, f"{masked} {extra}".strip())


def _words_of_files(tx: Tx, input_id: int) -> str:
    """What the files of an input say, as others may find it; it is found with the first of its statements."""
    files = " ".join(a.text or "" for a in inputs.attachments(tx, [input_id]).get(input_id, []))
    return mask(files[:MAX_INDEXED])
