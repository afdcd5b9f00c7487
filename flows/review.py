"""Review of an announcement by a second person: asked for, given with or without approval.

Who wrote it last may not approve it. An approved one goes at the moment it was given, or waits for one.
"""

from db import announcements, journal
from db.announcements import AnnouncementRow
from db.engine import Tx
from db.journal import Act
from db.states import AnnouncementState
from flows.announce import OWNER, due_at, need
from flows.engine import Engine, Refused


def ask(engine: Engine, process_id: int, slug: str, *, act: Act) -> AnnouncementRow:
    """Put a draft before a second person; it cannot be sent until they have approved it."""
    with engine.db.write() as tx:
        row = need(announcements.by_slug(tx, process_id, slug), slug)
        journal.move(
            tx, act, OWNER, row.id, AnnouncementState.REVIEW, "review asked", process_id=process_id, reviewed_by=None
        )
        return announcements.by_id(tx, row.id)


def approve(engine: Engine, process_id: int, slug: str, *, act: Act) -> AnnouncementRow:
    """Approve it as a second person. With a moment to come it is scheduled; else it is a draft that may be."""
    with engine.db.write() as tx:
        row = _waiting(announcements.by_slug(tx, process_id, slug), slug)
        if row.written_by.casefold() == act.actor.casefold():  # "Ana" is no second person beside "ana"
            raise Refused(
                f"{slug} was written by {row.written_by}: a second person approves it (`tidings --as NAME ...`)"
            )
        due = due_at(row)
        becomes = AnnouncementState.SCHEDULED if due is not None and due > act.now else AnnouncementState.DRAFT
        journal.move(tx, act, OWNER, row.id, becomes, "approved", process_id=process_id, reviewed_by=act.actor)
        return announcements.by_id(tx, row.id)


def send_back(engine: Engine, process_id: int, slug: str, *, act: Act) -> AnnouncementRow:
    """Give it back to its writer, as a draft without a moment."""
    with engine.db.write() as tx:
        row = _waiting(announcements.by_slug(tx, process_id, slug), slug)
        journal.move(
            tx, act, OWNER, row.id, AnnouncementState.DRAFT, "sent back", process_id=process_id, send_wall=None
        )
        return announcements.by_id(tx, row.id)


def reopen(tx: Tx, announcement_id: int, *, act: Act) -> str:
    """Its words have changed before it was mailed: what was approved wants a new approval, as after an edit.

    Gives the slug of one that was approved, else nothing.
    """
    row = announcements.by_id(tx, announcement_id)
    if row.reviewed_by is None or row.state in (AnnouncementState.MAILED, AnnouncementState.WITHDRAWN):
        return ""
    announcements.change(tx, row.id, reviewed_by=None, written_by=act.actor)
    if row.state == AnnouncementState.SCHEDULED:
        journal.move(tx, act, OWNER, row.id, AnnouncementState.REVIEW, "translated", process_id=row.process_id)
    return row.slug


def _waiting(found: AnnouncementRow | None, slug: str) -> AnnouncementRow:
    row = need(found, slug)
    if row.state != AnnouncementState.REVIEW:
        raise Refused(f"{slug} is {row.state}: `tidings announce review {slug}` puts a draft before a second person")
    return row
