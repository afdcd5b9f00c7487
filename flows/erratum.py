"""Correcting an announcement: a text of its own to exactly those who got the first, in the language they got it in."""

from collections.abc import Mapping
from itertools import count

from db import announcements
from db.journal import Act
from db.states import AnnouncementState
from flows.announce import Text, add, by_language, mended_by, need
from flows.engine import Engine, Refused
from flows.recipients import body_language, corrected


def erratum(engine: Engine, process_id: int, slug: str, said: Mapping[str, Text], *, act: Act) -> str:
    """Write the correction of an announcement, as a draft; gives its name. It is reviewed and scheduled like any other.

    Raises `Refused` while mails of the first wait, when nobody got it, and when a language that it was read in lacks.
    """
    by_lang = by_language(said)
    with engine.db.read() as tx:
        row = need(announcements.by_slug(tx, process_id, slug), slug)
        if row.fold and row.state == AnnouncementState.MAILED:
            raise Refused(f"{slug} was no mail of its own, it went into a digest: {mended_by(row)}")
        if waiting := announcements.on_way(tx, row.id):
            raise Refused(
                f"{waiting} mails of {slug} have not left: `tidings announce withdraw {slug}` stops them first"
            )
        taken = {one.slug for one in announcements.announcements(tx, process_id)}
        name = next(made for n in count(1) if (made := f"{slug[:48]}-erratum-{n}") not in taken)
        mailing_id = corrected(tx, row.id)
        got = announcements.arrived(tx, mailing_id) if mailing_id is not None else {}
    if not got:
        raise Refused(f"nobody got {slug}, so there is nothing to correct: `tidings announce edit {slug}` changes it")
    read = {body_language(key) for key in got.values()}
    if lacking := sorted(read - set(by_lang)):
        raise Refused(f"{slug} was read in {', '.join(sorted(read))}; the correction lacks {', '.join(lacking)}")
    add(engine, process_id, name, by_lang, act=act, urgent=row.urgent, corrects_id=row.id)
    return name
