"""What the command line and the desk show of mail as it came in: a list, and one mail in full.

What is private or concerns somebody's safety is shown to the privacy circle alone (`may_see_private`); everybody else
sees that it is there and in which state, and nothing of what it says or who wrote it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db import editions, inbound, inputs, process, timeline
from db.engine import Tx
from db.inbound import RawRow
from db.inputs import InputRow
from db.states import RawState
from flows.door import open_door
from flows.engine import Engine, Refused
from flows.look import Purged, look
from flows.thread import Shelf
from flows.views_input import OPEN, known_states, suggestions
from mailer.parse import parse

MAX_FOUND = 1_000
MAX_REACTIONS = 10_000
MAX_SOURCE = 200_000


@dataclass(frozen=True, slots=True)
class InboxLine:
    """A mail in the inbox. Sender and subject are empty where they may not be seen, or were purged."""

    raw_id: int
    received_at: datetime
    state: str
    rule: str
    reason: str
    sender: str
    subject: str
    via: str
    visibility: str
    touched_by: str
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reactions:
    """How many readers sent one emoji (a nod in words counts as its rule) to a mailing, or to an item of it."""

    mailing: str
    item: int
    emoji: str
    count: int


@dataclass(frozen=True, slots=True)
class Said:
    """One statement as it was read: its words, what it is (or may be) tied to, how sure."""

    text: str
    anchor: str
    confidence: float
    quote: str
    suggested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InboxMail:
    """One mail in full: its segments (kind, text, the rule that decided), what would be filed, and its source."""

    line: InboxLine
    recipients: tuple[str, ...]
    answers: str
    liaison: str
    groups: tuple[str, ...]
    vouched: str
    text: str
    segments: tuple[tuple[str, str, str], ...]
    statements: tuple[Said, ...]
    attachments: tuple[str, ...]
    warnings: tuple[str, ...]
    source: str


def inbox_list(
    engine: Engine,
    process_id: int | None = None,
    *,
    states: Sequence[str] = (),
    text: str = "",
    limit: int = 100,
    may_see_private: bool = False,
) -> list[InboxLine]:
    """Mail as it came in, newest first; `text` must occur in sender, subject, rule or reason."""
    known_states(states, RawState)
    with engine.db.read() as tx:
        rows = inbound.raws(tx, process_id=process_id, states=states, limit=MAX_FOUND if text else limit)
        lines = _inbox_lines(tx, rows, may_see_private)
    wanted = text.casefold()
    found = [one for one in lines if wanted in f"{one.sender}\n{one.subject}\n{one.rule}\n{one.reason}".casefold()]
    return found[:limit]


def _inbox_lines(tx: Tx, rows: Sequence[RawRow], may_see_private: bool) -> list[InboxLine]:
    heads = inbound.heads(tx, [row.id for row in rows])
    lines = []
    for row in rows:
        filed = inputs.by_raw(tx, row.id) if row.state in (RawState.FILED, RawState.ROUTED) else None
        visibility = _visibility(row, filed)
        seen = may_see_private or visibility in ("", "normal")
        message = parse(heads[row.id]) if seen and row.id in heads else None
        statements = inputs.statements(tx, [filed.id]).get(filed.id, []) if filed else []
        lines.append(
            InboxLine(
                raw_id=row.id,
                received_at=row.received_at,
                state=row.state,
                rule=row.rule or "",
                reason=row.reason or "",
                sender=message.from_addr if message else "",
                subject=message.subject if message else "",
                via=(row.verdict or {}).get("via", ""),
                visibility=visibility,
                touched_by=row.touched_by or "",
                refs=tuple(one.ref for one in statements),
            )
        )
    return lines


def _visibility(row: RawRow, filed: InputRow | None) -> str:
    """Who may see a mail: what was filed of it may have been hidden since, by its author or by a person."""
    if filed is not None and filed.visibility not in OPEN:
        return filed.visibility
    return str((row.verdict or {}).get("visibility", ""))


def reactions(engine: Engine, process_id: int) -> list[Reactions]:
    """Reactions summed up, the most frequent of each mailing and item first. The last ten thousand are counted."""
    with engine.db.read() as tx:
        rows = inbound.raws(tx, process_id=process_id, states=[RawState.REACTION], limit=MAX_REACTIONS)
        verdicts = [row.verdict or {} for row in rows]
        ids = {int(one["mailing"]) for one in verdicts if one.get("mailing")}
        names = {one: editions.mailing(tx, one).natural_key for one in ids}
    counted = Counter(
        (names.get(one.get("mailing") or 0, ""), int(one.get("item") or 0), one.get("emoji") or row.rule or "")
        for row, one in zip(rows, verdicts, strict=True)
    )
    ordered = sorted(counted.items(), key=lambda pair: (pair[0][0], pair[0][1], -pair[1], pair[0][2]))
    return [Reactions(mailing, item, emoji, count) for (mailing, item, emoji), count in ordered]


def inbox_show(engine: Engine, raw_id: int, *, now: datetime, may_see_private: bool = False) -> InboxMail:
    """One mail in full, as it would be understood now. Raises `Refused` for what may not be seen or is gone."""
    with engine.db.read() as tx:
        row = inbound.raw(tx, raw_id)
        if row is None:
            raise Refused(f"there is no mail {raw_id}")
        (line,) = _inbox_lines(tx, [row], may_see_private)
    if not may_see_private and line.visibility not in ("", "normal"):
        raise Refused(f"mail {raw_id} is restricted: only the privacy circle may open it")
    try:
        looked = look(engine, Shelf(open_door(engine), engine.renderer), row, now=now)
    except Purged as error:
        raise Refused(str(error)) from error
    thread, reading = looked.thread, looked.reading
    if not may_see_private and reading.visibility.value != "normal":
        raise Refused(f"mail {raw_id} is restricted: only the privacy circle may open it")
    names = {(kind, anchor): name for kind, anchor, name in _anchors(engine, looked.thread.owner)}
    writer = thread.writer.liaison if thread.writer else thread.named
    return InboxMail(
        line=line,
        recipients=thread.envelope.rcpt_to,
        answers=thread.mailing.natural_key if thread.mailing else "",
        liaison=writer.name if writer else "",
        groups=tuple(one.name for one in (thread.writer_groups if thread.writer else thread.named_groups)),
        vouched=str(looked.vouched),
        text=reading.text,
        segments=tuple((s.kind.value, s.text, s.by) for s in reading.segments),
        statements=tuple(
            Said(
                one.words.body,
                names.get((one.anchor_kind, one.anchor_id or 0), one.anchor_kind),
                one.confidence,
                one.words.quote,
                suggestions(one.suggested),
            )
            for one in looked.statements
        ),
        attachments=reading.attachments,
        warnings=(*reading.warnings, *reading.notes),
        source=thread.data[:MAX_SOURCE].decode("utf-8", "replace"),
    )


def _anchors(engine: Engine, owner: Any) -> list[tuple[str, int, str]]:
    if owner is None:
        return []
    with engine.db.read() as tx:
        asked = [("question", one.id, one.code) for one in timeline.questions(tx, owner.id)]
        return [*asked, *(("track", one.id, one.slug) for one in process.tracks(tx, owner.id))]
