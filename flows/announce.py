"""Announcements: one-off texts of the core team, written, edited, scheduled, undone and withdrawn.

A folded one becomes a subject of the next digest instead of a mail. Its wall time and zone are kept and turned into an
instant only when it is due (T5). Raises `Refused` with what is wrong and what would be right.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from db import addresses, announcements, editions, events, journal, outbox, process, roster, texts
from db import timeline as entries
from db.announcements import AnnouncementRow
from db.editions import MailingRow
from db.engine import Database, Tx
from db.journal import Act
from db.states import WAITING, AnnouncementState, DeliveryState, MailingState
from digests import audience, cadence
from digests.facts import OtherFacts
from digests.landing import Landing
from digests.subject import Status, Subject, SubjectKind
from digests.wall import UnknownZone, day_end, instant, moment_text, read_wall, wall_text, zone
from flows.engine import Engine, Refused
from flows.fields import language_of

OWNER = "announcement"
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
LANDINGS = {"instant": Landing.INSTANT, "wall": Landing.LOCAL, "day": Landing.HOURS, "hour": Landing.NEXT}
LONGEST = 20_000
"""Characters of a text: mail programs cut what is much longer, and every translator gets it whole."""
EARLY = timedelta(hours=26)
"""Readers furthest east come to a wall time up to 14 hours before it is that time in UTC, the others 12 hours after."""


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
    if len(body) > LONGEST:
        raise Refused(f"an announcement has at most {LONGEST} characters, not {len(body)}: link to what is longer")
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
    corrects_id: int | None = None,
) -> int:
    """Write a draft in one or more languages; gives its id. `corrects_id`: it is an erratum to that announcement."""
    if not _SLUG.fullmatch(slug):
        raise Refused(f"{slug!r} is no name for an announcement: use a-z, 0-9 and -")
    if landing not in LANDINGS:
        raise Refused(f"an announcement lands as one of {', '.join(LANDINGS)}, not {landing!r}")
    by_lang = by_language(said)
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
            corrects_id=corrects_id,
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


def by_language(said: Mapping[str, Text]) -> dict[str, Text]:
    """Texts by canonical tag. Raises `Refused`."""
    if not said:
        raise Refused("an announcement needs a text in at least one language")
    return {language_of(lang): text for lang, text in said.items()}


def edit(
    engine: Engine,
    process_id: int,
    slug: str,
    said: Mapping[str, Text],
    *,
    act: Act,
    rule: Mapping[str, Any] | None = None,
    landing: str = "",
    fold: bool | None = None,
) -> AnnouncementRow:
    """Put in new words, a language more, another audience or landing, before it is mailed; what was approved must be
    approved anew. Whether it folds into a digest is settled before it is scheduled."""
    if not said and not rule and not landing and fold is None:
        raise Refused("say what is to be edited: words, the audience, or when it lands")
    if landing and landing not in LANDINGS:
        raise Refused(f"an announcement lands as one of {', '.join(LANDINGS)}, not {landing!r}")
    by_lang = by_language(said) if said else {}
    picked = _audience(engine.db, process_id, rule) if rule else None
    with engine.db.write() as tx:
        row = need(announcements.by_slug(tx, process_id, slug), slug)
        if row.state in (AnnouncementState.MAILED, AnnouncementState.WITHDRAWN):
            raise Refused(f"{slug} is {row.state}: its words stay; {mended_by(row)}")
        known = texts.load_texts(tx, process_id, [(OWNER, row.id)], ["title"])
        source = next(iter(known.values())).source_lang
        for lang in (*(one for one in by_lang if one == source), *(one for one in by_lang if one != source)):
            for field, body in (("title", by_lang[lang].title), ("body", by_lang[lang].body)):
                if lang == source:
                    texts.put_text(tx, process_id, (OWNER, row.id), field, body, lang=lang, act=act)
                else:
                    texts.put_translation(tx, process_id, (OWNER, row.id), field, lang, body, act=act)
        journal.note(tx, act, (OWNER, row.id), "edited", process_id=process_id)
        values: dict[str, Any] = {"audience": picked.as_document()} if picked is not None else {}
        values |= {"landing": landing} if landing else {}
        if fold is not None and row.state == AnnouncementState.SCHEDULED:
            raise Refused(f"{slug} is scheduled: `tidings announce undo {slug}` first, then say whether it folds")
        values |= {"fold": fold} if fold is not None else {}
        if values and row.corrects_id is not None:
            raise Refused(f"{slug} is an erratum: it goes to exactly those who got the first, at once")
        announcements.change(tx, row.id, reviewed_by=None, written_by=act.actor, **values)
        if row.state == AnnouncementState.SCHEDULED and (row.reviewed_by or engine.settings.second_person):
            journal.move(tx, act, OWNER, row.id, AnnouncementState.REVIEW, "edited", process_id=process_id)
        return announcements.by_id(tx, row.id)


def _audience(db: Database, process_id: int, rule: Mapping[str, Any]) -> audience.Audience:
    with db.read() as tx:
        known: dict[str, list[str]] = {
            "tracks": [track.slug for track in process.tracks(tx, process_id)],
            "groups": [group.slug for group in roster.groups(tx, process_id)],
            "regions": sorted({group.region for group in roster.groups(tx, process_id)}),
            "cadences": [one.value for one in cadence.Cadence],
            "names": [mine[0].key for mine in addresses.addresses(tx, process_id).values()],
        }
    try:
        tags = [language_of(tag) for tag in rule.get("languages", ())]
        return audience.parse({**rule, "languages": tags}, known)
    except audience.WrongAudience as error:
        raise Refused(str(error)) from error


@dataclass(frozen=True, slots=True)
class Moment:
    """When an announcement goes: a wall time in a zone (None: now, in the process's zone), and how it goes on.

    `repeat` is a rule such as `monthly 31 09:00` (a shorter month has it on its last day), until the end of `until`.
    The first mail leaves `undo_minutes` after the start at the earliest.
    """

    wall: str | None = None
    zone: str | None = None
    repeat: str = ""
    until: date | None = None
    undo_minutes: int = 0


def schedule(engine: Engine, process_id: int, slug: str, *, act: Act, moment: Moment | None = None) -> AnnouncementRow:
    """Give a draft its moment; a folded one goes into the first digest frozen after it.

    Where a second person must look at it first, it waits for them in review. Raises `Refused`, `WrongCadence`.
    """
    wanted = moment or Moment()
    with engine.db.write() as tx:
        row = need(announcements.by_slug(tx, process_id, slug), slug)
        owner = process.by_id(tx, process_id)
        if wanted.undo_minutes < 0:
            raise Refused("an undo window is a number of minutes, 0 or more")
        try:
            where = zone(wanted.zone or row.zone or (owner.zone if owner else "UTC"))
            wall, repeat = _first(row, wanted, where, act.now)
            due = instant(read_wall(wall), where)
        except (UnknownZone, ValueError) as error:
            raise Refused(str(error)) from error
        if wanted.wall is not None and due < act.now - timedelta(minutes=1):
            raise Refused(f"{wall} in {where.key} is past ({moment_text(due)}); give a later time or none for now")
        if editions.mailing_by_key(tx, process_id, mailing_key(row, wall)) is not None:
            raise Refused(f"{slug} went into the outbox for {wall} before: choose another minute")
        values: dict[str, Any] = {"send_wall": wall, "zone": where.key, "undo_minutes": wanted.undo_minutes}
        if repeat:
            values |= {"repeat": repeat, "expires_at": day_end(wanted.until, where) if wanted.until else None}
        becomes = AnnouncementState.SCHEDULED
        if row.reviewed_by is None and (engine.settings.second_person or row.state == AnnouncementState.REVIEW):
            if wanted.wall is None and not repeat:
                raise Refused(f"a second person must approve {slug} before it can go at once: give it a time with --at")
            becomes = AnnouncementState.REVIEW
        if row.state == becomes:
            announcements.change(tx, row.id, **values)
            journal.note(tx, act, (OWNER, row.id), "scheduled", process_id=process_id)
        else:
            journal.move(tx, act, OWNER, row.id, becomes, "scheduled", process_id=process_id, **values)
        return announcements.by_id(tx, row.id)


def _first(row: AnnouncementRow, wanted: Moment, where: ZoneInfo, now: datetime) -> tuple[str, str]:
    """The wall time of the first mail and the canonical rule of those that follow."""
    if not wanted.repeat:
        return wanted.wall or now.astimezone(where).strftime("%Y-%m-%dT%H:%M"), ""
    if row.fold or row.corrects_id is not None:
        raise Refused("what is folded into a digest, or corrects, goes once: leave --repeat out")
    rule = cadence.parse(wanted.repeat)
    after = now if wanted.wall is None else instant(read_wall(wanted.wall), where) - timedelta(minutes=1)
    slot = cadence.next_slot(rule, where, after.astimezone(where).date(), after)
    if slot is None or (wanted.until is not None and slot.instant >= day_end(wanted.until, where)):
        raise Refused(f"{rule.text!r} never comes" + (f" until {wanted.until}" if wanted.until else ""))
    return slot.wall, rule.text


def following(row: AnnouncementRow, now: datetime) -> str | None:
    """The wall time at which a repeated announcement goes next, after the one it stands at; None when it is over."""
    due = due_at(row)
    if not row.repeat or due is None or row.zone is None or row.send_wall is None:
        return None
    anchor = read_wall(row.send_wall).date()
    slot = cadence.next_slot(cadence.parse(row.repeat), zone(row.zone), anchor, max(due, now))
    if slot is None or (row.expires_at is not None and slot.instant >= row.expires_at):
        return None
    return slot.wall


def mailing_key(row: AnnouncementRow, wall: str | None) -> str:
    """The natural key of the mailing of one moment (K3)."""
    return f"announce:{row.slug}:{wall}"


def undo(engine: Engine, process_id: int, slug: str, *, act: Act) -> int:
    """Make it a draft again while nothing has left: before its moment, or in its undo window; gives how many mails that
    stopped."""
    with engine.db.write() as tx:
        row = need(announcements.by_slug(tx, process_id, slug), slug)
        if row.state in (AnnouncementState.DRAFT, AnnouncementState.WITHDRAWN):
            stands = "a draft" if row.state == AnnouncementState.DRAFT else row.state
            raise Refused(f"{slug} is {stands}: nothing to undo")
        if row.fold and row.state == AnnouncementState.MAILED:
            raise Refused(f"{slug} rides in the next digest already; `tidings announce withdraw {slug}` calls it off")
        open_ = [m for m in editions.mailings(tx, announcement_id=row.id) if m.state != MailingState.WITHDRAWN]
        last = [m for m in open_ if m.state != MailingState.MAILED or row.state == AnnouncementState.MAILED]
        gone = sum(announcements.left(tx, mailing.id) for mailing in last)
        if gone:
            raise Refused(f"{gone} mails of {slug} have left: withdraw stops the rest, erratum corrects them")
        stopped = _stop(tx, act, last, "undone", process_id)
        journal.move(
            tx, act, OWNER, row.id, AnnouncementState.DRAFT, "undone", process_id=process_id, send_wall=None, repeat=""
        )
        return stopped


def _stop(tx: Tx, act: Act, mailings: Sequence[MailingRow], why: str, process_id: int) -> int:
    """Withdraw mailings that are not through; gives how many of their mails that stopped."""
    stopped = 0
    for mailing in mailings:
        if mailing.state not in (MailingState.MAILED, MailingState.WITHDRAWN):
            journal.move(tx, act, "mailing", mailing.id, MailingState.WITHDRAWN, why, process_id=process_id)
            waiting = outbox.ids_in(tx, mailing.id, WAITING)
            stopped += outbox.end(tx, act, waiting, DeliveryState.CANCELLED, why, process_id)
    return stopped


def withdraw(engine: Engine, process_id: int, slug: str, *, act: Act) -> int:
    """Take an announcement back; what has not left of a mailed one is cancelled. Gives how many mails."""
    with engine.db.write() as tx:
        row = need(announcements.by_slug(tx, process_id, slug), slug)
        if row.state == AnnouncementState.WITHDRAWN:
            raise Refused(f"{slug} is withdrawn already")
        journal.move(tx, act, OWNER, row.id, AnnouncementState.WITHDRAWN, "withdrawn", process_id=process_id)
        stopped = _stop(tx, act, editions.mailings(tx, announcement_id=row.id), "withdrawn", process_id)
        if row.fold and row.state == AnnouncementState.MAILED:
            tell(tx, row, Status.CANCELLED, act)
        return stopped


def need(row: AnnouncementRow | None, slug: str) -> AnnouncementRow:
    """The announcement that was looked for. Raises `Refused`."""
    if row is None:
        raise Refused(f"there is no announcement {slug!r}; `tidings announce list` shows them")
    return row


def mended_by(row: AnnouncementRow) -> str:
    """How to correct what cannot be edited any more."""
    if row.fold:
        return f"`tidings announce withdraw {row.slug}` lets the next digest take it back, then write another"
    return f"`tidings announce erratum {row.slug}` corrects them"


def due_at(row: AnnouncementRow) -> datetime | None:
    """The instant of its wall time; None before it is scheduled."""
    if row.send_wall is None or row.zone is None:
        return None
    return instant(read_wall(row.send_wall), zone(row.zone))


def clock_note(row: AnnouncementRow) -> str:
    """What to know of its wall time where clocks are changed: one that they skip, or show twice; else nothing."""
    due = due_at(row)
    if due is None or row.send_wall is None or row.zone is None:
        return ""
    shown = wall_text(due.astimezone(zone(row.zone)).replace(tzinfo=None))
    if shown != row.send_wall:
        return f"clocks in {row.zone} are put forward then: {row.send_wall} is {shown} there"
    again = (due + timedelta(hours=1)).astimezone(zone(row.zone)).replace(tzinfo=None)
    return f"clocks in {row.zone} show {shown} twice: the first counts" if wall_text(again) == shown else ""


def tell(tx: Tx, row: AnnouncementRow, status: Status, act: Act) -> None:
    """Record a folded announcement as a subject, so that the next digest tells it (N17)."""
    known = texts.load_texts(tx, row.process_id, [(OWNER, row.id)], ["title"])
    title = next((wording.source for wording in known.values()), row.slug)
    subject = Subject(SubjectKind.ANNOUNCEMENT, row.id)
    before = events.facts_at_many(tx, row.process_id, [subject]).get(subject)
    facts = OtherFacts(
        title=title, status=status, ref=row.slug, closes=moment_text(row.expires_at) if row.expires_at else ""
    )
    draft = entries.Draft(subject, facts, before, events.last_seqs(tx, row.process_id, [subject]).get(subject, 0))
    entries.append_events(tx, row.process_id, [draft], act=act, cause="person")
