"""Announcements: one-off texts of the core team, written, scheduled, withdrawn, and put into the outbox when due.

A folded one becomes a subject of the next digest instead of a mail. Its wall time and zone are kept and turned into an
instant only when it is due (T5). Raises `Refused` with what is wrong and what would be right.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from db import announcements, editions, events, journal, outbox, process, readers, roster, texts
from db import timeline as entries
from db.announcements import AnnouncementRow
from db.engine import CHUNK, Database
from db.journal import Act
from db.states import WAITING, AnnouncementState, DeliveryState, MailingState
from digests import audience
from digests.facts import OtherFacts
from digests.landing import Landing, announced
from digests.language import WrongTag, canonical
from digests.subject import Status, Subject, SubjectKind
from digests.wall import UnknownZone, instant, moment_text, read_wall, zone
from flows.engine import Engine, Refused
from flows.press import hours, profile

OWNER = "announcement"
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
LANDINGS = {"instant": Landing.INSTANT, "wall": Landing.LOCAL, "hour": Landing.NEXT}


@dataclass(frozen=True, slots=True)
class Text:
    """An announcement in one language: a title in plain words, a body in Markdown."""

    title: str
    body: str


def read_text(markdown: str) -> Text:
    """A text from Markdown whose first heading is the title. Raises `Refused`."""
    head, _, body = markdown.lstrip().partition("\n")
    if not head.startswith("# ") or not head[2:].strip():
        raise Refused("an announcement begins with its title, a line like `# Office hours on Thursday`")
    if not body.strip():
        raise Refused("an announcement has a text after its title")
    return Text(head[2:].strip(), body.strip() + "\n")


def add(
    engine: Engine,
    process_id: int,
    slug: str,
    said: Mapping[str, Text],
    *,
    act: Act,
    rule: Mapping[str, Any] | None = None,
    fold: bool = False,
    landing: str = "instant",
    urgent: bool = False,
) -> int:
    """Write a draft in one or more languages; gives its id."""
    if not _SLUG.fullmatch(slug):
        raise Refused(f"{slug!r} is no name for an announcement: use a-z, 0-9 and -")
    if landing not in LANDINGS:
        raise Refused(f"an announcement lands at an instant, a wall time or each reader's hour, not {landing!r}")
    if not said:
        raise Refused("an announcement needs a text in at least one language")
    try:
        by_lang = {canonical(lang): text for lang, text in said.items()}
    except WrongTag as error:
        raise Refused(str(error)) from error
    picked = _audience(engine.db, process_id, rule or {})
    with engine.db.write() as tx:
        owner = process.by_id(tx, process_id)
        if owner is None:
            raise Refused(f"no process {process_id}")
        if announcements.by_slug(tx, process_id, slug) is not None:
            raise Refused(f"there is an announcement {slug!r} already")
        made = announcements.add(
            tx,
            process_id=process_id,
            slug=slug,
            state=AnnouncementState.DRAFT,
            landing=landing,
            audience=picked.as_document(),
            fold=fold,
            urgent=urgent,
            written_by=act.actor,
            created_at=act.now,
            repeat="",
            undo_minutes=0,
        )
        source = owner.source_lang if owner.source_lang in by_lang else next(iter(by_lang))
        for lang in (source, *(lang for lang in by_lang if lang != source)):
            for field, body in (("title", by_lang[lang].title), ("body", by_lang[lang].body)):
                if lang == source:
                    texts.put_text(tx, process_id, (OWNER, made), field, body, lang=lang, act=act)
                else:
                    texts.put_translation(tx, process_id, (OWNER, made), field, lang, body, of_revision=1, act=act)
        journal.note(tx, act, (OWNER, made), "written", process_id=process_id)
    return made


def _audience(db: Database, process_id: int, rule: Mapping[str, Any]) -> audience.Audience:
    with db.read() as tx:
        known = {
            "tracks": [track.slug for track in process.tracks(tx, process_id)],
            "groups": [group.slug for group in roster.groups(tx, process_id)],
            "regions": sorted({group.region for group in roster.groups(tx, process_id)}),
        }
    try:
        return audience.parse(rule, known)
    except audience.WrongAudience as error:
        raise Refused(str(error)) from error


def schedule(
    engine: Engine, process_id: int, slug: str, *, act: Act, send_wall: str | None = None, zone_name: str | None = None
) -> AnnouncementRow:
    """Give a draft its moment, now without one; a folded one goes into the first digest frozen after it."""
    with engine.db.write() as tx:
        row = _need(announcements.by_slug(tx, process_id, slug), slug)
        owner = process.by_id(tx, process_id)
        try:
            where = zone(zone_name or row.zone or (owner.zone if owner else "UTC"))
            wall = send_wall or act.now.astimezone(where).strftime("%Y-%m-%dT%H:%M")
            due = instant(read_wall(wall), where)
        except (UnknownZone, ValueError) as error:
            raise Refused(str(error)) from error
        if send_wall is not None and due < act.now - timedelta(minutes=1):
            raise Refused(f"{send_wall} in {where.key} is past ({moment_text(due)}); give a later time or none for now")
        journal.move(
            tx, act, OWNER, row.id, AnnouncementState.SCHEDULED, "scheduled", process_id=process_id,
            send_wall=wall, zone=where.key,
        )  # fmt: skip
        return announcements.by_id(tx, row.id)


def withdraw(engine: Engine, process_id: int, slug: str, *, act: Act) -> int:
    """Take an announcement back; what has not left of a mailed one is cancelled. Gives how many mails."""
    with engine.db.write() as tx:
        row = _need(announcements.by_slug(tx, process_id, slug), slug)
        journal.move(tx, act, OWNER, row.id, AnnouncementState.WITHDRAWN, "withdrawn", process_id=process_id)
        stopped = 0
        for mailing in editions.mailings(tx, announcement_id=row.id):
            if mailing.state not in (MailingState.MAILED, MailingState.WITHDRAWN):
                journal.move(tx, act, "mailing", mailing.id, MailingState.WITHDRAWN, "withdrawn", process_id=process_id)
                waiting = outbox.ids_in(tx, mailing.id, WAITING)
                stopped += outbox.end(tx, act, waiting, DeliveryState.CANCELLED, "withdrawn", process_id)
        if row.fold and row.state == AnnouncementState.MAILED:
            tell(tx, row, Status.CANCELLED, act)
        return stopped


def _need(row: AnnouncementRow | None, slug: str) -> AnnouncementRow:
    if row is None:
        raise Refused(f"there is no announcement {slug!r}; `tidings announce list` shows them")
    return row


def due_at(row: AnnouncementRow) -> datetime | None:
    """The instant of its wall time; None before it is scheduled."""
    if row.send_wall is None or row.zone is None:
        return None
    return instant(read_wall(row.send_wall), zone(row.zone))


def tell(tx: Any, row: AnnouncementRow, status: Status, act: Act) -> None:
    """Record a folded announcement as a subject, so that the next digest tells it (N17)."""
    known = texts.load_texts(tx, row.process_id, [(OWNER, row.id)], ["title"])
    title = next((wording.source for wording in known.values()), row.slug)
    subject = Subject(SubjectKind.ANNOUNCEMENT, row.id)
    before = events.facts_at_many(tx, row.process_id, [subject]).get(subject)
    facts = OtherFacts(
        title=title, status=status, ref=row.slug, closes=moment_text(row.expires_at) if row.expires_at else ""
    )
    draft = entries.Draft(subject, facts, before)
    entries.append_events(tx, row.process_id, [draft], act=act, cause="person")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is in the audience, whether they get it, when, and why not."""

    liaison_id: int
    name: str
    addr: str
    languages: tuple[str, ...]
    reason: str
    send_at: datetime | None


def recipients(engine: Engine, process_id: int, slug: str, *, now: datetime) -> list[Recipient]:
    """Exactly who would get an announcement, and who of its audience would not and why."""
    with engine.db.read() as tx:
        row = _need(announcements.by_slug(tx, process_id, slug), slug)
        found: list[Recipient] = []
        for batch in _subscribers(tx, process_id):
            found += resolve(engine, tx, row, batch, now)
    return found


def _subscribers(tx: Any, process_id: int) -> list[list[readers.Reader]]:
    batches: list[list[readers.Reader]] = []
    series = editions.digests(tx, process_id)
    if not series:
        return batches
    after = 0
    while rows := readers.subscribers(tx, series[0].id, after, CHUNK):
        batches.append(rows)
        after = rows[-1].liaison_id
    return batches


def resolve(
    engine: Engine, tx: Any, row: AnnouncementRow, rows: Sequence[readers.Reader], now: datetime
) -> list[Recipient]:
    """The audience among these readers, each with the moment or the reason for none."""
    rule = audience.parse(row.audience or {})
    groups = readers.groups_of(tx, [one.liaison_id for one in rows])
    slugs = {track.id: track.slug for track in process.tracks(tx, row.process_id)}
    hashes = {one.liaison_id: engine.keys.address_hash(one.address_key) for one in rows if one.address_key}
    barred = outbox.suppressed(tx, row.process_id, list(hashes.values()))
    due = due_at(row) or now
    found = []
    for one in rows:
        if not rule.admits(profile(one, groups.get(one.liaison_id, ()), slugs)):
            continue
        reason = _reason(one, hashes.get(one.liaison_id, "") in barred, now)
        where = zone(row.zone) if row.zone else zone(one.zone)
        wall = read_wall(row.send_wall) if row.send_wall else due.astimezone(where).replace(tzinfo=None)
        at = announced(LANDINGS[row.landing], wall, where, hours(one)) if not reason else None
        found.append(Recipient(one.liaison_id, one.name, one.addr, one.languages, reason, at))
    return found


def _reason(one: readers.Reader, suppressed: bool, now: datetime) -> str:
    if one.state == "paused" and (one.paused_until is None or one.paused_until > now.date()):
        return "paused"
    if one.state not in ("active", "paused"):
        return "not-active"
    if one.subscription_state != "active":
        return "left"
    if one.address_id is None or not one.verified or suppressed:
        return "no-address"
    return ""
