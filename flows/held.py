"""Mail that waits for a person: filing it, dropping it, and reading old mail again by better code.

A reading that somebody touched is changed by nobody but a person. Reading again shows first what would change; it
brings a filed mail up to date in place, under the same references, and lets a mail that was not filed be understood
anew. Commands and reports are not carried out twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest

from db import counters, inbound, inputs, roster, timeline
from db.engine import Tx
from db.inbound import RawRow
from db.inputs import InputRow, StatementRow, Words
from db.journal import Act
from db.states import InputState, RawState, WrongMove
from flows.door import open_door
from flows.engine import Engine, Refused, nearest
from flows.filing import Placed, file, reindex
from flows.look import READER, Looked, Purged, Vouch, look
from flows.thread import Shelf
from flows.understand import COPY, Filing
from mailer.reading import Visibility

CARRIED_OUT = (RawState.COMMAND, RawState.BOUNCE, RawState.COMPLAINT)
MAX_REPROCESSED = 10_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that reading again changes: the state, the reason, the language, or a statement's words or anchor."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """What reading a mail again would change. `applied`: it was done; else `why_not` says why it is for a person."""

    raw_id: int
    was: str
    becomes: str
    fields: tuple[str, ...]
    applied: bool = False
    why_not: str = ""
    differences: tuple[Difference, ...] = ()


def file_held(
    engine: Engine,
    raw_id: int,
    *,
    act: Act,
    liaison_id: int | None = None,
    group: str = "",
    question: str = "",
    voice: str = "",
    vouch: Vouch | None = None,
) -> int:
    """File a held mail as a liaison's, or as the voice of a group's community; gives the input's id.

    Without either it is credited to whoever its token names. `question` ties all its statements to one question.
    """
    raw = _held(engine, raw_id)
    shelf = Shelf(open_door(engine), engine.renderer)
    try:
        looked = look(engine, shelf, raw, now=act.now, vouch=vouch)
    except Purged as error:
        raise Refused(str(error)) from error
    with engine.db.read() as tx:
        filing = _filing(tx, looked, liaison_id, group, voice)
        statements = _tied(tx, looked, question)
    return _write(engine, raw, looked, filing, statements, act, community=voice == "community")


def _write(
    engine: Engine,
    raw: RawRow,
    looked: Looked,
    filing: Filing,
    statements: tuple[Placed, ...],
    act: Act,
    *,
    community: bool,
) -> int:
    """File, and owe a receipt to who is known to read it: a liaison at their address, or who confirmed theirs."""
    owner = looked.thread.owner
    if owner is None:
        raise Refused(f"raw message {raw.id} came to no process of ours: it cannot be filed")
    with engine.db.write() as tx:
        counters.last_seq(tx, owner.id)  # references are taken one transaction at a time
        input_id = file(tx, looked.thread, looked.reading, filing, statements, act=act)
        if input_id is None:
            raise Refused(f"raw message {raw.id} was filed already")
        confirmed = community or (filing.liaison_id is not None and looked.thread.writer is not None)
        inbound.settle(
            tx,
            act,
            raw.id,
            RawState.FILED,
            "filed by hand",
            process_id=owner.id,
            touched_by=act.actor,
            verdict=looked.verdict(engine),
            fingerprint=looked.fingerprint,
            look_at=act.now if confirmed and looked.answerable else None,
            purge_at=raw.received_at + timedelta(days=engine.settings.raw_days),
        )
    return input_id


def _held(engine: Engine, raw_id: int) -> RawRow:
    with engine.db.read() as tx:
        raw = inbound.raw(tx, raw_id)
    if raw is None:
        raise Refused(f"there is no raw message {raw_id}")
    if raw.state != RawState.HELD:
        raise WrongMove(f"raw message {raw_id} is {raw.state}: only held mail is filed or dropped")
    return raw


def _filing(tx: Tx, looked: Looked, liaison_id: int | None, group: str, voice: str) -> Filing:
    """As whose input it is filed."""
    thread, reading = looked.thread, looked.reading
    visibility = "private" if reading.visibility.value == "private" else "public"
    if reading.visibility.value == "safety":
        visibility = "safety"
    process_id = thread.owner.id if thread.owner else 0
    credited = _group(tx, process_id, group) if group else None
    if liaison_id is None and not group and not voice and thread.writer is not None:
        liaison_id = thread.writer.liaison.id
    if liaison_id is None:
        only = thread.named_groups[0].id if len(thread.named_groups) == 1 else None
        return Filing("community", visibility, None, credited or only)
    liaison = roster.liaison(tx, liaison_id)
    if liaison is None or liaison.process_id != process_id:
        raise Refused(f"there is no liaison {liaison_id}")
    groups = roster.groups_of(tx, liaison_id)
    return Filing("liaison", visibility, liaison_id, credited or (groups[0].id if len(groups) == 1 else None))


def _group(tx: Tx, process_id: int, slug: str) -> int:
    found = roster.group_by_slug(tx, process_id, slug)
    if found is None:
        slugs = [one.slug for one in roster.groups(tx, process_id)]
        raise Refused(f"there is no group {slug!r}: {nearest(slug, slugs)}")
    return found.id


def _tied(tx: Tx, looked: Looked, code: str) -> tuple[Placed, ...]:
    """The statements, all tied to one question where a person named it."""
    if not code:
        return looked.statements
    process_id = looked.thread.owner.id if looked.thread.owner else 0
    question = timeline.question_by_code(tx, process_id, code)
    if question is None:
        codes = [one.code for one in timeline.questions(tx, process_id)]
        raise Refused(f"there is no question {code!r}: {nearest(code.upper(), codes)}")
    return tuple(
        replace(
            one,
            anchor_kind="question",
            anchor_id=question.id,
            track_id=question.track_id,
            confidence=1.0,
            suggested=(),
        )
        for one in looked.statements
    )


def ignore_held(engine: Engine, raw_id: int, *, act: Act) -> None:
    """Drop a held mail: it stays readable until retention takes it."""
    _held(engine, raw_id)
    with engine.db.write() as tx:
        inbound.settle(tx, act, raw_id, RawState.IGNORED, "dropped by hand", touched_by=act.actor)


def reprocess(
    engine: Engine,
    *,
    act: Act,
    since: datetime | None = None,
    ids: Sequence[int] = (),
    process_id: int | None = None,
    dry_run: bool = True,
    vouch: Vouch | None = None,
) -> list[Change]:
    """Read old mail again; gives what differs, oldest first. Only without `dry_run` is anything changed."""
    if since is None and not ids:
        raise Refused("name mails, or a day since when they came")
    with engine.db.read() as tx:
        raws = inbound.raws(tx, process_id=process_id, ids=ids, since=since, limit=MAX_REPROCESSED)
    shelf = Shelf(open_door(engine), engine.renderer)
    changes = []
    for raw in reversed(raws):
        if raw.state == RawState.PENDING or raw.touched_by is not None:
            continue
        if change := _again(engine, shelf, raw, act, dry_run, vouch):
            changes.append(change)
    return changes


def _again(engine: Engine, shelf: Shelf, raw: RawRow, act: Act, dry_run: bool, vouch: Vouch | None) -> Change | None:
    try:
        looked = look(engine, shelf, raw, now=raw.received_at, vouch=vouch)
    except Purged:
        return None
    except Exception as error:  # one mail that cannot be read must not hide the others
        return Change(raw.id, raw.state, RawState.BROKEN, (), why_not=f"cannot be read: {type(error).__name__}")
    with engine.db.read() as tx:
        filed = inputs.by_raw(tx, raw.id)
        stored = inputs.statements(tx, [filed.id]).get(filed.id, []) if filed else []
    differing = _differing(raw, looked, filed, stored)
    if not differing:
        return None
    becomes = _becomes(raw, looked)
    why_not = _why_not(raw, looked, filed, stored)
    with engine.db.read() as tx:
        differences = tuple(_differences(tx, raw, looked, filed, stored))
    change = Change(raw.id, raw.state, becomes, differing, why_not=why_not, differences=differences)
    if dry_run or why_not:
        return change
    with engine.db.write() as tx:
        if filed is not None:
            _bring_up_to_date(tx, engine, raw, looked, filed, stored, act)
        else:
            inbound.settle(tx, act, raw.id, RawState.PENDING, "read again", tries=0, process_id=raw.process_id)
    return replace(change, applied=True)


def _becomes(raw: RawRow, looked: Looked) -> str:
    decision = looked.decision
    duplicate = raw.state == RawState.DUPLICATE and (decision.state == RawState.FILED or decision.reason == COPY)
    return RawState.DUPLICATE if duplicate else decision.state


def _differing(raw: RawRow, looked: Looked, filed: InputRow | None, stored: list[StatementRow]) -> tuple[str, ...]:
    fields = []
    if _becomes(raw, looked) != raw.state:
        fields.append("state")
    if raw.state == RawState.HELD and raw.reason != looked.decision.reason:
        fields.append("reason")
    if filed is not None:
        now = looked.statements if looked.decision.state == RawState.FILED else ()
        if [one.words.body for one in now] != [one.body for one in stored]:
            fields.append("text")
        if [(one.anchor_kind, one.anchor_id) for one in now] != [(one.anchor_kind, one.anchor_id) for one in stored]:
            fields.append("anchors")
        if looked.reading.language not in (filed.language or "und", "und"):
            fields.append("language")
    return tuple(fields)


def _differences(
    tx: Tx, raw: RawRow, looked: Looked, filed: InputRow | None, stored: list[StatementRow]
) -> Iterator[Difference]:
    """What changes, before and after. Words that only the privacy circle may see are left out."""
    yield from _unlike("state", raw.state, _becomes(raw, looked))
    if raw.state == RawState.HELD:
        yield from _unlike("reason", raw.reason or "", looked.decision.reason or "")
    if filed is None:
        return
    shown = filed.visibility in ("public", "core") and looked.reading.visibility is Visibility.NORMAL
    questions = {one.id: one.code for one in timeline.questions(tx, filed.process_id)}
    now = looked.statements if looked.decision.state == RawState.FILED else ()
    for old, new in zip_longest(stored, now):
        ref = old.ref if old else "a new statement"
        if shown:
            yield from _unlike(f"{ref} text", (old.body or "") if old else "", new.words.body if new else "")
        yield from _unlike(f"{ref} on", _on(questions, old), _on(questions, new))
    if looked.reading.language not in (filed.language or "und", "und"):
        yield Difference("language", filed.language or "", looked.reading.language)


def _unlike(what: str, before: str, after: str) -> Iterator[Difference]:
    if before != after:
        yield Difference(what, before, after)


def _on(questions: Mapping[int, str], one: StatementRow | Placed | None) -> str:
    """What a statement is tied to, in a word."""
    if one is None:
        return ""
    return questions.get(one.anchor_id or 0, "") if one.anchor_kind == "question" else one.anchor_kind


def _why_not(raw: RawRow, looked: Looked, filed: InputRow | None, stored: list[StatementRow]) -> str:
    if raw.state in CARRIED_OUT:
        return "it was carried out already"
    if filed is None:
        return ""
    if filed.state != InputState.NEW or looked.decision.state != RawState.FILED:
        return "it was filed and acknowledged: a person decides"
    if len(looked.statements) != len(stored):
        return "the number of statements differs: a person decides"
    return ""


def _bring_up_to_date(
    tx: Tx, engine: Engine, raw: RawRow, looked: Looked, filed: InputRow, stored: list[StatementRow], act: Act
) -> None:
    """New words and anchors under the same references."""
    for old, new in zip(stored, looked.statements, strict=True):
        if old.body != new.words.body:
            inputs.reword(tx, old, Words(new.words.body, new.words.masked, new.words.quote), "read again", act.now)
            reindex(tx, old, filed.visibility, new.words.masked)
        inputs.change_statement(tx, old.id, **new.columns)
    language = None if looked.reading.language == "und" else looked.reading.language
    segments = [{"kind": s.kind.value, "text": s.text, "by": s.by} for s in looked.reading.segments]
    inputs.change_input(tx, filed.id, body=looked.reading.text, segments=segments, language=language)
    inbound.change(tx, raw.id, reader=READER, verdict=looked.verdict(engine))
    inputs.note(tx, act, filed, "read again")
