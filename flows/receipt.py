"""Receipts: what was filed from somebody's mail, under which references, and how to fix, hide or withdraw it.

Written right after filing, in a step of its own that may be repeated: a filed mail owes its receipt until it is in the
outbox. At most one an hour per person beyond the first, and eight in 24 hours: what is filed meanwhile is told in the
next one together, so that a machine that does not say what it is cannot keep us talking.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import counters, events, inbound, inputs, process, sent, texts
from db.engine import DatabaseUnavailable, Tx
from db.inbound import RawRow
from db.inputs import AttachmentRow, InputRow, StatementRow
from db.journal import Act
from db.process import ProcessRow
from db.states import StatementState
from db.texts import Field
from digests import language
from digests.language import Wording
from digests.subject import Subject, SubjectKind
from digests.wall import zone
from flows import notice as letters
from flows.answers import Correspondent, correspondent, mail_footer, spoken
from flows.engine import Engine
from flows.failpoint import Failpoint
from flows.notice import Single
from mailer.content import Block, Filed, ReceiptMail
from mailer.mask import mask
from mailer.message import Message
from mailer.parse import parse

log = logging.getLogger("tidings.inbound")

RECEIPTED = Failpoint("inbound.receipted")
APART = timedelta(hours=1)
MOST = 8  # receipts to one person within DAY
DAY = timedelta(hours=24)
BATCH = 200
MAX_SHOWN = 4_000
_HEAD = 262_144


@dataclass(frozen=True, slots=True)
class _Due:
    """One receipt to be written: the mails it answers, oldest first, and what was filed from them."""

    owner: ProcessRow
    raws: tuple[RawRow, ...]
    inputs: tuple[InputRow, ...]
    statements: tuple[StatementRow, ...]
    attachments: tuple[AttachmentRow, ...]
    to: Correspondent | None  # None: somebody of the community, at the address they wrote from
    sender: str  # whom it goes to where that is no liaison
    heads: tuple[Message, ...]  # the mails' headers
    about: dict[int, tuple[int, str, Wording | None, str]]  # statement -> item number, code, wording, plain title
    last: datetime | None
    eighth: datetime | None  # when the last but seven was written


def send_receipts(engine: Engine, *, act: Act) -> int:
    """Write every receipt that is due; gives how many."""
    with engine.db.read() as tx:
        by_person: dict[tuple[int | None, str], list[RawRow]] = defaultdict(list)
        for raw in inbound.owing(tx, act.now, BATCH):
            row = inputs.by_raw(tx, raw.id)
            if row is not None:
                writer = f"{row.process_id} {(raw.verdict or {}).get('sender') or raw.id}"
                by_person[row.liaison_id, "" if row.liaison_id else writer].append(raw)
        due = [_gather(tx, raws) for raws in by_person.values()]
    made = 0
    for one in due:
        try:
            made += _send(engine, one, act)
        except DatabaseUnavailable:
            raise
        except Exception:  # one receipt that cannot be worded must not keep the others from leaving
            log.exception("the receipt of raw message %s cannot be written", one.raws[0].id)
            _postpone(engine, one, act.now + APART)
    return made


def _postpone(engine: Engine, due: _Due, until: datetime) -> None:
    with engine.db.write() as tx:
        for raw in due.raws:
            inbound.change(tx, raw.id, look_at=until)


def _send(engine: Engine, due: _Due, act: Act) -> int:
    waits = [at + span for at, span in ((due.last, APART), (due.eighth, DAY)) if at is not None]
    if waits and max(waits) > act.now:
        _postpone(engine, due, max(waits))
        return 0
    single = _word(engine, due)
    with engine.db.write() as tx:
        counters.last_seq(tx, due.owner.id)  # one receipt at a time in a process
        if _overtaken(tx, due):
            return 0
        made = (
            letters.enqueue(tx, engine, due.owner, single, act=act, caused_at=due.raws[0].received_at)
            if single is not None
            else None
        )
        for raw in due.raws:
            inbound.change(tx, raw.id, look_at=None)
    RECEIPTED.reach()
    return int(made is not None)


def _overtaken(tx: Tx, due: _Due) -> bool:
    """Whether another worker wrote to this person meanwhile: what is still owed comes with the next look."""
    now = [inbound.raw(tx, raw.id) for raw in due.raws]
    if any(raw is None or raw.look_at is None for raw in now):
        return True
    counted = due.to.liaison.id if due.to is not None else None
    return sent.last_receipt(tx, due.owner.id, counted, due.sender) != due.last


def again(engine: Engine, input_id: int, key: str, thread: tuple[str, ...]) -> tuple[ProcessRow, Single] | None:
    """The receipt of an input as it stands now, in answer to a wish to change it; `key` names this occasion."""
    with engine.db.read() as tx:
        row = inputs.one(tx, input_id)
        raw = inbound.raw(tx, row.raw_id) if row is not None and row.raw_id is not None else None
        due = _gather(tx, [raw]) if raw is not None else None
    single = _word(engine, due, key, thread) if due is not None else None
    return (due.owner, single) if due is not None and single is not None else None


def _gather(tx: Tx, raws: Sequence[RawRow]) -> _Due:
    rows = [row for row in (inputs.by_raw(tx, raw.id) for raw in raws) if row is not None]
    owner = process.by_id(tx, rows[0].process_id)
    if owner is None:
        raise LookupError(f"input {rows[0].id} has no process")
    found = inputs.statements(tx, [row.id for row in rows])
    statements = [s for row in rows for s in found.get(row.id, []) if s.state != StatementState.WITHDRAWN]
    files = inputs.attachments(tx, [row.id for row in rows])
    liaison_id, address = rows[0].liaison_id, (raws[0].verdict or {}).get("address")
    to = correspondent(tx, owner, liaison_id, address) if liaison_id is not None else None
    bodies = [inbound.body(tx, raw.id) for raw in raws]
    places = {(one.anchor_kind, one.anchor_id): one for one in statements}
    heads = tuple(parse(_head(body.data)) for body in bodies if body is not None)
    sender = heads[0].from_addr if heads and to is None else ""
    counted = to.liaison.id if to is not None else None
    known = {place: _about(tx, owner, one) for place, one in places.items()}
    about = {one.id: known[one.anchor_kind, one.anchor_id] for one in statements}
    return _Due(
        owner=owner,
        raws=tuple(raws),
        inputs=tuple(rows),
        statements=tuple(statements),
        attachments=tuple(f for row in rows for f in files.get(row.id, [])),
        to=to,
        sender=sender,
        heads=heads,
        about=about,
        last=sent.last_receipt(tx, owner.id, counted, sender),
        eighth=sent.last_receipt(tx, owner.id, counted, sender, MOST - 1),
    )


def _head(data: bytes) -> bytes:
    head, _, _ = data[:_HEAD].partition(b"\r\n\r\n")
    return head + b"\r\n\r\n"


def _about(tx: Tx, owner: ProcessRow, one: StatementRow) -> tuple[int, str, Wording | None, str]:
    """What a statement was filed on: item number, code, wording in all languages, plain title."""
    if one.anchor_id is None:
        return 0, "", None, ""
    number, kind, subject_id, field = 0, one.anchor_kind, one.anchor_id, "title"
    if kind == "item":
        item = sent.item(tx, one.anchor_id)
        if item is None:
            return 0, "", None, ""
        _, number, kind, subject_id = item
    if kind == "track":
        names = {track.id: track.name for track in process.tracks(tx, owner.id)}
        return 0, "", None, names.get(subject_id, "")
    if kind not in ("question", "entry", "announcement"):
        return number, "", None, ""
    facts = events.facts_at_many(tx, owner.id, [Subject(SubjectKind(kind), subject_id)])
    told = next(iter(facts.values()), None)
    code = getattr(told, "ref", "") if kind == "question" else ""
    field = "text" if kind == "question" else "title"
    key: Field = (kind, subject_id, field)
    wording = texts.load_texts(tx, owner.id, [(kind, subject_id)], (field,)).get(key)
    return number, code, wording, told.title if told else ""


def _word(engine: Engine, due: _Due, key: str = "", thread: tuple[str, ...] = ()) -> Single | None:
    """The receipt in words; None where nothing is left to tell, or nobody to tell it to."""
    if not due.statements or (due.to is None and not due.sender) or (due.to is not None and due.to.address_id is None):
        return None
    languages = due.to.liaison.languages if due.to else (due.inputs[0].language or "", due.owner.source_lang)
    fallbacks: dict[str, Sequence[str]] = {}
    mail = ReceiptMail(
        process=due.owner.name,
        footer=mail_footer(engine, due.owner, due.to.digest if due.to else None, reader=due.to is not None),
        filed=tuple(_filed(due, one, languages, fallbacks) for one in due.statements),
        received=due.raws[0].received_at.astimezone(zone(due.to.liaison.zone if due.to else due.owner.zone)).date(),
        private=any(row.visibility == "private" for row in due.inputs),
        groups=_asked_groups(due),
        group=_group(due),
        unread=tuple(one.name for one in due.attachments if one.text is None and one.name),
        changed=bool(key),
    )
    ids = tuple(head.message_id for head in due.heads if head.message_id)
    return Single(
        natural_key=":".join(("receipt", due.raws[0].fingerprint or str(due.raws[0].id), *([key] if key else []))),
        kind="receipt",
        rendered=engine.renderer.render("receipt", spoken(engine, languages), {"mail": mail}),
        liaison_id=due.to.liaison.id if due.to else None,
        address_id=due.to.address_id if due.to else None,
        subscription_id=due.to.place.id if due.to and due.to.place else None,
        to_addr=None if due.to else due.sender,
        thread=thread or ids,
        answers=True,
    )


def _filed(due: _Due, one: StatementRow, languages: Sequence[str], fallbacks: dict[str, Sequence[str]]) -> Filed:
    number, code, wording, title = due.about[one.id]
    chosen = language.choose(wording, languages, fallbacks) if wording is not None else None
    about = None
    if chosen is not None:
        about = Block(chosen.body, chosen.lang)
    elif title:
        about = Block(title, due.owner.source_lang)
    home = next(row for row in due.inputs if row.id == one.input_id)
    text = (mask(one.body or "") if one.masked is None else one.masked).strip()  # a receipt leaves the house
    shown = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN].rstrip()} […]"
    return Filed(ref=one.ref, text=Block(shown, home.language or "und"), number=number, about=about, code=code)


def _asked_groups(due: _Due) -> tuple[str, ...]:
    """Who speaks for several communities is asked for which."""
    if due.to is None or any(row.group_id is not None for row in due.inputs) or len(due.to.groups) < 2:
        return ()
    return tuple(group.name for group in due.to.groups)


def _group(due: _Due) -> str:
    if due.to is None:
        return ""
    return next((group.name for group in due.to.groups if group.id == due.inputs[0].group_id), "")
