"""Who gets an announcement: its audience resolved to people, each with a moment or the reason for none.

An erratum has no audience of its own: it goes to exactly those who got what it corrects.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from db import announcements, editions, outbox, process, readers, texts
from db.announcements import AnnouncementRow
from db.engine import CHUNK, Tx
from db.states import AnnouncementState, MailingState
from digests import audience
from digests.landing import announced
from digests.language import Wording, choose
from digests.wall import read_wall, zone
from flows.announce import EARLY, LANDINGS, OWNER, due_at, need
from flows.engine import Engine, Refused
from flows.press import hours, profile


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is in the audience, whether they get it, when, and why not.

    `send_at` is None for who does not get it, and for what rides in their next digest. `text` is the language in which
    they get it. `got` is the key of the wording that they got of what an erratum corrects; empty for any other one.
    """

    liaison_id: int
    name: str
    addr: str
    languages: tuple[str, ...]
    reason: str
    send_at: datetime | None
    text: str = ""
    got: str = ""


def recipients(engine: Engine, process_id: int, slug: str, *, now: datetime) -> list[Recipient]:
    """Exactly who would get an announcement, and who of its audience would not and why. Refused when it has gone."""
    with engine.db.read() as tx:
        row = need(announcements.by_slug(tx, process_id, slug), slug)
        if row.state in (AnnouncementState.MAILED, AnnouncementState.WITHDRAWN):
            raise Refused(f"{slug} is {row.state}: `tidings ledger {slug}` shows who got it")
        got = arrived(tx, row)
        said = texts.load_texts(tx, process_id, [(OWNER, row.id)])
        fallbacks = process.fallbacks(tx, process_id)
    body = next((wording for (_, _, field), wording in said.items() if field == "body"), Wording("", 0))
    found: list[Recipient] = []
    for batch in subscribers(engine, process_id):
        with engine.db.read() as tx:
            found += resolve(engine, tx, row, batch, now, got)
    return [_told(row, one, body, fallbacks) for one in found]


def _told(row: AnnouncementRow, one: Recipient, body: Wording, fallbacks: Mapping[str, Sequence[str]]) -> Recipient:
    """With the language of its text; what rides in a digest has no moment of its own."""
    if one.reason:
        return one
    chosen = choose(body, one.languages, fallbacks, strict=True)
    lang = body_language(one.got) or (chosen.lang if chosen is not None else "")
    return replace(one, text=lang, send_at=None if row.fold else one.send_at)


def subscribers(engine: Engine, process_id: int) -> Iterator[list[readers.Reader]]:
    """Everybody who reads a digest of the process, in batches; a reader of several digests comes once."""
    seen: set[int] = set()
    with engine.db.read() as tx:
        series = editions.digests(tx, process_id)
    for one in series:
        after = 0
        while True:
            with engine.db.read() as tx:
                rows = readers.subscribers(tx, one.id, after, CHUNK)
            if not rows:
                break
            after = rows[-1].liaison_id
            new = [row for row in rows if row.liaison_id not in seen]
            seen.update(row.liaison_id for row in new)
            yield new


def corrected(tx: Tx, announcement_id: int) -> int | None:
    """The newest mailing of an announcement that anybody got: the one that an erratum stands under."""
    found = [
        one for one in editions.mailings(tx, announcement_id=announcement_id) if one.state != MailingState.BUILDING
    ]
    return next((one.id for one in reversed(found) if announcements.arrived(tx, one.id)), None)


def arrived(tx: Tx, row: AnnouncementRow) -> Mapping[int, str] | None:
    """Who got what an erratum corrects, with the key of its wording; None for any other announcement."""
    if row.corrects_id is None:
        return None
    mailing_id = corrected(tx, row.corrects_id)
    return announcements.arrived(tx, mailing_id) if mailing_id is not None else {}


def body_language(key: str) -> str:
    """The language of the text in a wording, from its key: that of our words, of the title, of the body."""
    return key.rpartition(" ")[2]


def resolve(
    engine: Engine,
    tx: Tx,
    row: AnnouncementRow,
    rows: Sequence[readers.Reader],
    now: datetime,
    got: Mapping[int, str] | None = None,
) -> list[Recipient]:
    """The audience among these readers, each with the moment or the reason for none."""
    rule = audience.parse(row.audience or {})
    groups = readers.groups_of(tx, [one.liaison_id for one in rows])
    slugs = {track.id: track.slug for track in process.tracks(tx, row.process_id)}
    hashes = {one.liaison_id: engine.keys.address_hash(one.address_key) for one in rows if one.address_key}
    barred = outbox.suppressed(tx, row.process_id, list(hashes.values()))
    found = []
    for one in rows:
        admitted = rule.admits(profile(one, groups.get(one.liaison_id, ()), slugs))
        if not (admitted if got is None else one.liaison_id in got):
            continue
        at = leaves(row, one, now)
        reason = _reason(one, hashes.get(one.liaison_id, "") in barred, at)
        key = (got or {}).get(one.liaison_id, "")
        send_at = None if reason else at
        found.append(Recipient(one.liaison_id, one.name, one.addr, one.languages, reason, send_at, got=key))
    return found


def leaves(row: AnnouncementRow, one: readers.Reader, now: datetime) -> datetime:
    """When a reader's mail leaves, by what is set; the undo window counts from the start."""
    due = due_at(row) or now
    where = zone(row.zone) if row.zone else zone(one.zone)
    wall = read_wall(row.send_wall) if row.send_wall else due.astimezone(where).replace(tzinfo=None)
    at = announced(LANDINGS[row.landing], wall, where, hours(one))
    return max(at, max(now, starts(row) or now) + timedelta(minutes=row.undo_minutes))


def starts(row: AnnouncementRow) -> datetime | None:
    """When it is put into the outbox: before the first reader's clock gets there."""
    due = due_at(row)
    return due - EARLY if due is not None and row.landing in ("wall", "day") else due


def _reason(one: readers.Reader, suppressed: bool, at: datetime) -> str:
    """Why not: a pause that is over on the day on which it leaves, by the reader's calendar, is none."""
    day = at.astimezone(zone(one.zone)).date()
    if one.state == "paused" and (one.paused_until is None or one.paused_until > day):
        return "paused"
    if one.state not in ("active", "paused"):
        return "not-active"
    if one.subscription_state != "active":
        return "left"
    if one.address_id is None or not one.verified or suppressed:
        return "no-address"
    return ""
