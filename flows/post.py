"""Posting an announcement: one variant per order of languages, one delivery per reader of the audience.

Like an edition it is written in batches that may be repeated, and nothing leaves before the last one is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db import announcements, deployment, editions, gates, holding, journal, outbox, process, readers, texts, variants
from db.announcements import AnnouncementRow
from db.engine import Lane, Tx
from db.journal import Act
from db.process import ProcessRow
from db.states import AnnouncementState, DeliveryState, MailingState
from digests.gate import cut_off, pin, ready, reason, waits_for
from digests.landing import LIFE, overdue
from digests.language import Wording, choose
from digests.subject import Status
from flows import control, frozen, restore
from flows.announce import OWNER, due_at, following, mailing_key, tell
from flows.engine import Engine
from flows.frozen import Frozen
from flows.issue import footer
from flows.notice import URGENT, tags
from flows.recipients import Recipient, arrived, corrected, resolve, starts, subscribers
from mailer import words
from mailer.content import AnnouncementMail, Block


def tick(engine: Engine, *, act: Act) -> list[int]:
    """Put every announcement that is due into the outbox, or into the next digest; gives their ids."""
    with engine.db.read() as tx:
        scheduled = announcements.announcements(tx, states=[AnnouncementState.SCHEDULED])
    done = []
    for row in scheduled:
        start = starts(row)
        if start is None or act.now < start:
            continue
        if row.fold:
            with engine.db.write() as tx:
                journal.move(tx, act, OWNER, row.id, AnnouncementState.MAILED, "folded", process_id=row.process_id)
                tell(tx, row, Status.OPEN, act)
        else:
            post(engine, row, act=act)
        done.append(row.id)
    return done


@dataclass(frozen=True, slots=True)
class Words:
    """What the wordings of one announcement are made from."""

    owner: ProcessRow
    row: AnnouncementRow
    said: Mapping[str, Wording]  # by field
    fallbacks: Mapping[str, Sequence[str]]
    corrects: int | None  # the mailing that an erratum stands under
    subjects: Mapping[str, str]  # of that mailing, by the key of the wording


def gather(engine: Engine, row: AnnouncementRow) -> Words:
    """Everything that the wordings of an announcement are made from, as it is now."""
    with engine.db.read() as tx:
        owner = process.by_id(tx, row.process_id)
        if owner is None:
            raise LookupError(f"announcement {row.slug} has no process")
        said = {field: wording for (_, _, field), wording in texts.load_texts(tx, owner.id, [(OWNER, row.id)]).items()}
        corrects = corrected(tx, row.corrects_id) if row.corrects_id is not None else None
        keys = {i: key for key, i in variants.ids(tx, corrects).items()} if corrects is not None else {}
        subjects = {keys[i]: said for i, said in outbox.subjects(tx, keys).items()}
        return Words(owner, row, said, process.fallbacks(tx, owner.id), corrects, subjects)


def post(engine: Engine, row: AnnouncementRow, *, act: Act) -> int:
    """Put an announcement into the outbox; gives its mailing's id. Raises `TemplateFailed`."""
    source = gather(engine, row)
    mailing_id = _mailing(engine, source, act)
    letters: dict[str, Frozen] = {}
    with engine.db.read() as tx:
        got = arrived(tx, row)
    for rows in subscribers(engine, row.process_id):
        with engine.db.read() as tx:
            chosen = resolve(engine, tx, row, rows, act.now, got)
        by_id = {one.liaison_id: one for one in rows}
        keys = {
            one.liaison_id: one.got or wording_key(engine, source, one.languages) for one in chosen if not one.reason
        }
        for key in set(keys.values()) - letters.keys():
            letters[key] = word(engine, source, key)
        with engine.db.write(Lane.BULK) as tx:
            _write(tx, mailing_id, chosen, by_id, keys, letters, act)
    with engine.db.write() as tx:
        _release(tx, source.owner, row, mailing_id, act)
    return mailing_id


def _release(tx: Tx, owner: ProcessRow, row: AnnouncementRow, mailing_id: int, act: Act) -> None:
    """Let the mailing go, and put a repeated announcement to its next moment, in one transaction."""
    total, digest = readers.settled(tx, mailing_id)
    values = {"total": total, "set_hash": digest, "ready_at": act.now}
    why = _hold(owner, row, act)
    becomes = MailingState.HELD if why else MailingState.READY
    journal.move(
        tx, act, "mailing", mailing_id, becomes, why or "enqueued", process_id=owner.id, proof=digest,
        paused_why=why, **values,
    )  # fmt: skip
    if announcements.by_id(tx, row.id).state != AnnouncementState.SCHEDULED:
        return
    again = following(row, act.now)
    if again is None:
        journal.move(tx, act, OWNER, row.id, AnnouncementState.MAILED, "enqueued", process_id=owner.id)
    else:
        announcements.change(tx, row.id, send_wall=again)
        journal.note(tx, act, (OWNER, row.id), "repeated", process_id=owner.id)


def _hold(owner: ProcessRow, row: AnnouncementRow, act: Act) -> str | None:
    """Why an announcement waits for a person instead of going out, or None."""
    if restore.may_have_gone(starts(row) or act.now, owner.restored_at):
        return restore.WHY
    return control.OVERDUE if overdue(due_at(row) or act.now, act.now, holding.LATE_LIMIT) else None


def _mailing(engine: Engine, source: Words, act: Act) -> int:
    owner, row = source.owner, source.row
    key = mailing_key(row, row.send_wall)
    with engine.db.write() as tx:
        made = editions.add_mailing(
            tx,
            tags(engine, owner, key),
            process_id=owner.id,
            natural_key=key,
            kind="erratum" if row.corrects_id is not None else "announcement",
            announcement_id=row.id,
            corrects_id=source.corrects,
            seq=owner.last_seq,
            state=MailingState.BUILDING,
            generation=deployment.generation(tx),
            lane=URGENT if row.urgent else 0,
            created_at=act.now,
            due_at=act.now,
        )
        editions.add_items(tx, made, {(OWNER, row.id): 1})
        if row.corrects_id is None:
            _close_gates(tx, source, made, act)
    return made


def _close_gates(tx: Tx, source: Words, mailing_id: int, act: Act) -> None:
    """What it waits for: languages of the standing orders in which title or text is not there."""
    row = source.row
    needs = {(OWNER, row.id, field): pin(wording) for field, wording in source.said.items()}
    for lang, hours in gates.waits(tx, gates.ANNOUNCEMENT, row.id).items():
        end = cut_off(max(due_at(row) or act.now, act.now), hours, None)
        if end is not None and not all(ready(wording, lang) for wording in source.said.values()):
            gates.add(tx, mailing_id, lang, end, needs)


def wording_key(engine: Engine, source: Words, languages: tuple[str, ...]) -> str:
    """What a reader's letter depends on: the language of the service's words, and of each text."""
    langs = [words.pick(languages, engine.renderer.languages)]
    for field in ("title", "body"):
        found = choose(source.said[field], languages, source.fallbacks, strict=True)
        langs.append(found.lang if found is not None else "")
    return " ".join(langs)


def word(engine: Engine, source: Words, key: str) -> Frozen:
    """The letter of one key. An erratum is in the language that its reader got the first in, whatever they read now."""
    owner, row = source.owner, source.row
    spoken, *langs = key.split(" ")
    blocks = []
    for field, lang in zip(("title", "body"), langs, strict=True):
        # A title that was chosen in another language than the body has no correction of its own in it.
        found = choose(source.said[field], (lang if lang in source.said[field].versions else langs[1],), strict=True)
        blocks.append(Block(found.body, found.lang) if found is not None else Block("", owner.source_lang))
    mail = AnnouncementMail(
        process=owner.name,
        heading=blocks[0],
        footer=footer(owner, f"{owner.slug}-owner", web=engine.settings.base_url.startswith("http")),
        body=(blocks[1],),
        corrects=source.subjects.get(key, ""),
        signed=owner.name,
    )
    kind = "erratum" if row.corrects_id is not None else "announcement"
    tag = engine.keys.ring(owner.slug, owner.address_base).mailing_tag(f"{row.slug} {key}")
    return Frozen(engine.renderer.render(kind, spoken, {"mail": mail}), f"{tag:010x}")


def _write(
    tx: Tx,
    mailing_id: int,
    chosen: list[Recipient],
    rows: dict[int, readers.Reader],
    keys: dict[int, str],
    letters: dict[str, Frozen],
    act: Act,
) -> None:
    known, closed = variants.ids(tx, mailing_id), gates.closed(tx, mailing_id)
    new = sorted({keys[one.liaison_id] for one in chosen if not one.reason and one.send_at} - known.keys())
    known |= variants.add(tx, mailing_id, [variants.NewVariant(key, [key], frozen.dump(letters[key])) for key in new])
    made = []
    for one in chosen:
        if one.reason or one.send_at is None:
            continue
        key, row = keys[one.liaison_id], rows[one.liaison_id]
        send_at, lacks = max(one.send_at, act.now), waits_for(one.languages, closed)
        made.append(
            {
                "mailing_id": mailing_id,
                "liaison_id": one.liaison_id,
                "subscription_id": row.subscription_id,
                "address_id": row.address_id,
                "to_addr": None,
                "domain": row.address_key.rpartition("@")[2],
                "variant_id": known[key],
                "lang": letters[key].rendered.lang,
                "state": DeliveryState.HELD if lacks else DeliveryState.QUEUED,
                "reason": reason(lacks) if lacks else None,
                "send_at": send_at,
                "not_after": send_at + LIFE,
                "tries": 0,
                "created_at": act.now,
            }
        )
    readers.add_deliveries(tx, made)
    readers.add_left_out(tx, mailing_id, [(one.liaison_id, one.reason) for one in chosen if one.reason])
