"""What is due: slots become drafts, reviewed drafts approve themselves, what a crash left is taken up again.

Any number of schedulers may run this at once; unique keys and the table of moves make it harmless.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from db import announcements, editions, journal, outbox, process, seals
from db.editions import DigestRow, EditionRow
from db.engine import Lane
from db.gates import next_cut_off
from db.journal import Act
from db.states import AnnouncementState, EditionState, MailingState, WrongMove
from digests import cadence
from digests.wall import zone
from flows import choices, gates, homes, post, publish, roster, sampling, signup, status, timeline, translators
from flows.engine import Engine, Refused
from flows.fields import SLUG
from flows.publish import Published
from flows.recipients import starts
from mailer.render import TemplateFailed

log = logging.getLogger("tidings.schedule")

LOOK_BACK = timedelta(days=40)  # how far a digest that never ticked looks for its last slot


@dataclass(slots=True)
class Ticked:
    """What one tick did."""

    recorded: int = 0
    drafted: list[int] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    announced: list[int] = field(default_factory=list)
    resumed: int = 0
    sealed: int = 0
    faults: list[str] = field(default_factory=list)


def tick(engine: Engine, *, act: Act) -> Ticked:
    """Do everything that is due at `act.now`."""
    ticked = Ticked()
    with engine.db.read() as tx:
        owners = process.everyone(tx)
        series = editions.digests(tx)
        building = editions.building(tx)
    for owner in owners:
        ticked.recorded += len(timeline.record_clock_events(engine.db, owner.slug, act=act))
        ticked.resumed += len(roster.end_pauses(engine.db, owner.slug, act=act))
    for mailing in building:
        if mailing.edition_id is not None:  # an announcement's is taken up by its own tick
            ticked.published.append(publish.enqueue(engine, mailing, act=act))
    for one in series:
        with _first_wins():
            draft(engine, one, ticked, act=act)
        _approve_due(engine, one, ticked, act)
    with _first_wins():
        ticked.announced = post.tick(engine, act=act)
    gates.tick(engine, act=act)
    with _first_wins():
        translators.tick(engine, ticked.drafted, act=act)
    signup.expire(engine.db, act=act)
    sampling.tick(engine, act=act)
    status.forget_silent(engine, act=act)
    with _first_wins():
        _finish(engine, act)
    ticked.sealed = _seal(engine, act)
    return ticked


@contextmanager
def _first_wins() -> Iterator[None]:
    """A move that another scheduler made meanwhile is done: this one's transaction is undone, and no fault."""
    try:
        yield
    except WrongMove as taken:
        log.info("another scheduler was first: %s", taken)


def _seal(engine: Engine, act: Act) -> int:
    """Seal what the journal has gained; gives how many rows."""
    sealed = 0
    while True:
        with engine.db.write(Lane.BULK) as tx:
            made = seals.seal(tx, act.now)
        sealed += made.count if made is not None else 0
        if made is None or made.count < seals.AT_ONCE:
            return sealed


def draft(engine: Engine, series: DigestRow, ticked: Ticked, *, act: Act) -> None:
    """Open the draft of the newest slot whose review has begun; an older one that was not mailed is overtaken (N8)."""
    slot = due_slot(series, act.now)
    if slot is None:
        return
    with engine.db.write() as tx:
        editions.lock_digest(tx, series.id)
        known = {row.slot_wall for row in editions.editions(tx, series.id)}
        if slot.wall in known:
            return
        decided: dict[str, Any] = {}
        for older in editions.editions(tx, series.id, [EditionState.DRAFT]):
            decided = choices.carried(older)
            journal.move(tx, act, "edition", older.id, EditionState.WITHDRAWN, "overtaken", reason="overtaken")
        made = editions.add_draft(tx, series.id, slot.wall, slot.instant, "regular", act.now)
        if made is not None:
            journal.note(tx, act, ("edition", made), "drafted", process_id=series.process_id)
            editions.set_choices(tx, made, decided)
            ticked.drafted.append(made)
        editions.set_digest(tx, series.id, ticked_until=slot.instant)


def due_slot(series: DigestRow, now: datetime) -> cadence.Slot | None:
    """The newest slot whose review period has begun and that is not behind what was ticked already."""
    horizon = now + timedelta(minutes=series.grace_minutes)
    after = series.ticked_until or now - LOOK_BACK
    first = datetime.combine(series.anchor_on, datetime.min.time(), zone(series.zone))
    found = list(slots(series, max(after, first - timedelta(microseconds=1)), horizon))
    return found[-1] if found else None


def slots(series: DigestRow, after: datetime, until: datetime) -> Iterator[cadence.Slot]:
    """The slots of a digest in a stretch of time."""
    return cadence.slots(cadence.parse(series.rule), zone(series.zone), series.anchor_on, after, until)


def _approve_due(engine: Engine, series: DigestRow, ticked: Ticked, act: Act) -> None:
    if series.approval != "automatic":
        return
    with engine.db.read() as tx:
        drafts = editions.editions(tx, series.id, [EditionState.DRAFT])
    for row in drafts:
        if act.now >= approval_at(series, row):
            try:
                ticked.published.append(publish.approve(engine, row.id, act=act))
            except (TemplateFailed, Refused, WrongMove) as error:
                if _no_draft(engine, row.id):
                    log.info("another scheduler was first: %s", error)
                    continue
                ticked.faults.append(f"edition {row.id} stays a draft: {error}")


def _no_draft(engine: Engine, edition_id: int) -> bool:
    with engine.db.read() as tx:
        row = editions.edition(tx, edition_id)
    return row is None or row.state != EditionState.DRAFT


def approval_at(series: DigestRow, row: EditionRow) -> datetime:
    """When a draft approves itself: at its slot, but never before its review period is over."""
    return max(row.slot_at, row.drafted_at + timedelta(minutes=series.grace_minutes))


def _finish(engine: Engine, act: Act) -> None:
    """Editions whose mailing has gone out wholly are mailed."""
    with engine.db.write() as tx:
        outbox.finish_mailings(tx, act)
        for mailing in editions.mailings(tx, [MailingState.MAILED]):
            if mailing.edition_id is None:
                continue
            row = editions.edition(tx, mailing.edition_id)
            if row is not None and row.state == EditionState.APPROVED:
                journal.move(
                    tx, act, "edition", row.id, EditionState.MAILED, "all final", process_id=mailing.process_id
                )


@dataclass(frozen=True, slots=True)
class Due:
    """A moment at which something will happen, and what."""

    at: datetime
    what: str


def next_due(engine: Engine, after: datetime, *, retries: bool = True) -> Due | None:
    """The next moment at which the service will do something by itself; without `retries`, something new."""
    with engine.db.read() as tx:
        series = editions.digests(tx)
        drafts = {one.id: editions.editions(tx, one.id, [EditionState.DRAFT]) for one in series}
        mail = outbox.next_due(tx, after, retries=retries)
        owners = process.everyone(tx)
        texts = announcements.announcements(tx, states=[AnnouncementState.SCHEDULED])
        cut_off = next_cut_off(tx, after)
    found = [Due(mail, "the next mail leaves")] if mail is not None else []
    found += [Due(cut_off, "a wait for a language is over")] if cut_off is not None else []
    for one in series:
        found += [
            Due(approval_at(one, row), f"edition {row.slot_wall} of {one.slug} is approved")
            for row in drafts[one.id]
            if one.approval == "automatic" and approval_at(one, row) > after
        ]
        grace = timedelta(minutes=one.grace_minutes)
        since = max(after + grace, one.ticked_until or after)
        following = next(slots(one, since, since + timedelta(days=400)), None)
        if following is not None:
            found.append(Due(following.instant - grace, f"edition {following.wall} of {one.slug} is drafted"))
    found += [Due(at, f"announcement {one.slug} is sent") for one in texts if (at := starts(one)) is not None]
    for owner in owners:
        at = timeline.next_clock_event(engine.db, owner.slug, after)
        if at is not None:
            found.append(Due(at, "something on the timeline falls due"))
    return min((due for due in found if due.at > after), key=lambda due: due.at, default=None)


def add_digest(
    engine: Engine,
    process_id: int,
    slug: str,
    title: str,
    rule: str,
    *,
    anchor_on: date,
    act: Act,
    zone_name: str = "",
    approval: str = "automatic",
    grace_minutes: int = 24 * 60,
    undo_minutes: int = 0,
    late_limit_minutes: int = 12 * 60,
    calendar: bool = False,
) -> int:
    """Create a digest. What was over by now counts as known to whoever joins. Raises `Refused`, `WrongCadence`."""
    parsed = cadence.parse(rule)
    if not SLUG.fullmatch(slug):
        raise Refused(f"{slug!r} cannot be the name of a digest: lower-case letters, digits and single hyphens only")
    if approval not in ("automatic", "manual"):
        raise Refused(f"approval is automatic or manual, not {approval!r}")
    with engine.db.read() as tx:
        named = process.by_id(tx, process_id)
    if named is None:
        raise Refused(f"no process {process_id}")
    timeline.record_clock_events(engine.db, named.slug, act=act)
    with engine.db.write() as tx:
        owner = process.by_id(tx, process_id) or named
        if any(one.slug == slug for one in editions.digests(tx, process_id)):
            raise Refused(f"there is a digest {slug!r} already")
        if wrong := homes.name_fault(tx, owner, slug):
            raise Refused(f"{slug!r} cannot be the name of a digest: {wrong}")
        zone(zone_name or owner.zone)
        made = editions.add_digest(
            tx,
            process_id=process_id,
            slug=slug,
            title=title,
            list_id=f"{slug}.{owner.home.label}",
            rule=parsed.text,
            zone=zone_name or owner.zone,
            anchor_on=anchor_on,
            approval=approval,
            grace_minutes=grace_minutes,
            undo_minutes=undo_minutes,
            late_limit_minutes=late_limit_minutes,
            audience={},
            ticked_until=act.now,
            calendar=calendar,
        )
        if owner.baseline_seq == 0:
            process.change(tx, process_id, baseline_seq=owner.last_seq)
        journal.note(tx, act, ("digest", made), "created", process_id=process_id)
    return made


def set_calendar(engine: Engine, series: DigestRow, wanted: bool, *, act: Act) -> None:
    """Whether the mails of a digest bring what is due as an .ics, from the next edition that is frozen."""
    with engine.db.write() as tx:
        editions.set_digest(tx, series.id, calendar=wanted)
        what = "calendar on" if wanted else "calendar off"
        journal.note(tx, act, ("digest", series.id), what, process_id=series.process_id)
