"""Posting an announcement: one variant per order of languages, one delivery per reader of the audience.

Like an edition it is written in batches that may be repeated, and nothing leaves before the last one is written.
"""

from datetime import timedelta
from typing import Any

from db import announcements, deployment, editions, holding, journal, process, readers, texts
from db.announcements import AnnouncementRow
from db.engine import CHUNK, Lane
from db.journal import Act
from db.process import ProcessRow
from db.states import AnnouncementState, DeliveryState, MailingState
from digests.landing import LIFE, overdue
from digests.language import Wording, choose
from digests.subject import Status
from flows import control, frozen, restore
from flows.announce import OWNER, Recipient, due_at, resolve, tell
from flows.engine import Engine
from flows.frozen import Frozen
from flows.issue import footer
from flows.notice import URGENT, tags
from mailer import words
from mailer.content import AnnouncementMail, Block

# Readers furthest east reach a wall time up to 14 hours before it is that time in UTC.
EARLY = timedelta(hours=26)


def tick(engine: Engine, *, act: Act) -> list[int]:
    """Put every announcement that is due into the outbox, or into the next digest; gives their ids."""
    with engine.db.read() as tx:
        scheduled = announcements.announcements(tx, states=[AnnouncementState.SCHEDULED])
    done = []
    for row in scheduled:
        due = due_at(row)
        if due is None or act.now < due - _early(row):
            continue
        if row.fold:
            with engine.db.write() as tx:
                journal.move(tx, act, OWNER, row.id, AnnouncementState.MAILED, "folded", process_id=row.process_id)
                tell(tx, row, Status.OPEN, act)
        else:
            post(engine, row, act=act)
        done.append(row.id)
    return done


def post(engine: Engine, row: AnnouncementRow, *, act: Act) -> int:
    """Put an announcement into the outbox; gives its mailing's id. Raises `TemplateFailed`."""
    with engine.db.read() as tx:
        owner = process.by_id(tx, row.process_id)
        if owner is None:
            raise LookupError(f"announcement {row.slug} has no process")
        series = editions.digests(tx, owner.id)
        said = {field: wording for (_, _, field), wording in texts.load_texts(tx, owner.id, [(OWNER, row.id)]).items()}
        fallbacks = process.fallbacks(tx, owner.id)
    mailing_id = _mailing(engine, owner, row, act)
    letters: dict[str, Frozen] = {}
    after = 0
    while series:
        with engine.db.read() as tx:
            rows = readers.subscribers(tx, series[0].id, after, CHUNK)
            chosen = resolve(engine, tx, row, rows, act.now)
        if not rows:
            break
        after = rows[-1].liaison_id
        by_id = {one.liaison_id: one for one in rows}
        keys = {one.liaison_id: _key(engine, said, one.languages, fallbacks) for one in chosen if not one.reason}
        for one in chosen:
            key = keys.get(one.liaison_id)
            if key is not None and key not in letters:
                letters[key] = _word(engine, owner, row, said, one.languages, fallbacks, key)
        with engine.db.write(Lane.BULK) as tx:
            _write(tx, mailing_id, chosen, by_id, keys, letters, act)
    with engine.db.write() as tx:
        total, digest = readers.settled(tx, mailing_id)
        values = {"total": total, "set_hash": digest, "ready_at": act.now}
        why = _hold(owner, row, act)
        becomes = MailingState.HELD if why else MailingState.READY
        journal.move(
            tx, act, "mailing", mailing_id, becomes, why or "enqueued", process_id=owner.id, proof=digest,
            paused_why=why, **values,
        )  # fmt: skip
        if announcements.by_id(tx, row.id).state == AnnouncementState.SCHEDULED:
            journal.move(tx, act, OWNER, row.id, AnnouncementState.MAILED, "enqueued", process_id=owner.id)
    return mailing_id


def _early(row: AnnouncementRow) -> timedelta:
    return EARLY if row.landing == "wall" else timedelta(0)


def _hold(owner: ProcessRow, row: AnnouncementRow, act: Act) -> str | None:
    """Why an announcement waits for a person instead of going out, or None."""
    due = due_at(row) or act.now
    if restore.may_have_gone(due - _early(row), owner.restored_at):
        return restore.WHY
    return control.OVERDUE if overdue(due, act.now, holding.LATE_LIMIT) else None


def _mailing(engine: Engine, owner: ProcessRow, row: AnnouncementRow, act: Act) -> int:
    key = f"announce:{row.slug}:{row.send_wall}"
    with engine.db.write() as tx:
        made = editions.add_mailing(
            tx,
            tags(engine, owner, key),
            process_id=owner.id,
            natural_key=key,
            kind="announcement",
            announcement_id=row.id,
            seq=owner.last_seq,
            state=MailingState.BUILDING,
            generation=deployment.generation(tx),
            lane=URGENT if row.urgent else 0,
            created_at=act.now,
            due_at=act.now,
        )
        editions.add_items(tx, made, {(OWNER, row.id): 1})
    return made


def _key(engine: Engine, said: dict[str, Wording], languages: tuple[str, ...], fallbacks: Any) -> str:
    """What a reader's letter depends on: the language of the service's words, and of each text."""
    langs = [words.pick(languages, engine.renderer.languages)]
    for field in ("title", "body"):
        found = choose(said[field], languages, fallbacks, strict=True)
        langs.append(found.lang if found is not None else "")
    return " ".join(langs)


def _word(
    engine: Engine,
    owner: ProcessRow,
    row: AnnouncementRow,
    said: dict[str, Wording],
    languages: tuple[str, ...],
    fallbacks: Any,
    key: str,
) -> Frozen:
    blocks = {}
    for field in ("title", "body"):
        found = choose(said[field], languages, fallbacks, strict=True)
        blocks[field] = Block(found.body, found.lang) if found is not None else Block("", owner.source_lang)
    mail = AnnouncementMail(
        process=owner.name,
        heading=blocks["title"],
        footer=footer(owner, f"{owner.slug}-owner", web=engine.settings.base_url.startswith("http")),
        body=(blocks["body"],),
        signed=owner.name,
    )
    rendered = engine.renderer.render("announcement", key.split(" ", maxsplit=1)[0], {"mail": mail})
    tag = engine.keys.ring(owner.slug, owner.address_base).mailing_tag(f"{row.slug} {key}")
    return Frozen(rendered, f"{tag:010x}")


def _write(
    tx: Any,
    mailing_id: int,
    chosen: list[Recipient],
    rows: dict[int, readers.Reader],
    keys: dict[int, str],
    letters: dict[str, Frozen],
    act: Act,
) -> None:
    known = readers.variant_ids(tx, mailing_id)
    made = []
    for one in chosen:
        if one.reason or one.send_at is None:
            continue
        key, row = keys[one.liaison_id], rows[one.liaison_id]
        if key not in known:
            known[key] = readers.add_variant(
                tx, mailing_id, key, news_key=None, news=(), languages=[key], size="M", still_open=[],
                body=frozen.dump(letters[key]),
            )  # fmt: skip
        send_at = max(one.send_at, act.now)
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
                "state": DeliveryState.QUEUED,
                "send_at": send_at,
                "not_after": send_at + LIFE,
                "tries": 0,
                "created_at": act.now,
            }
        )
    readers.add_deliveries(tx, made)
    readers.add_left_out(tx, mailing_id, [(one.liaison_id, one.reason) for one in chosen if one.reason])
