"""Calendar feeds: the timeline of a process for everybody, and a liaison's own topics in their language.

A feed's bytes change only when what it says changes, so that a calendar program that asks every hour is told "not
modified". A liaison's feed has a token of its own: it opens nothing else.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from db import events, roster, subscriptions
from db import process as processes
from db.engine import Tx
from db.process import ProcessRow
from db.roster import LiaisonRow
from db.states import LiaisonState
from flows import calendar, links
from flows.engine import Engine
from mailer.token import Purpose


@dataclass(frozen=True, slots=True)
class Feed:
    """A calendar as it is served. `tag` changes with its bytes; `changed_at` is the newest change of the timeline."""

    name: str
    data: bytes
    tag: str
    changed_at: datetime


def public(engine: Engine, slug: str) -> Feed | None:
    """The whole timeline in the source language; None where there is no such process."""
    with engine.db.read() as tx:
        owner = processes.by_slug(tx, slug)
        changed = events.changed_at(tx, owner.id) if owner else None
    return _feed(engine, owner, changed, None, (owner.source_lang,)) if owner else None


def personal(engine: Engine, token: str) -> Feed | None:
    """The topics of the liaison whose link it is; None for a link that opens nothing, and for who left."""
    with engine.db.read() as tx:
        found = links.token_of(tx, engine, Purpose.FEED, token)
        liaison = roster.liaison_by_tag(tx, found[0].id, found[1].person) if found else None
        if found is None or liaison is None or liaison.state not in (LiaisonState.ACTIVE, LiaisonState.PAUSED):
            return None
        tracks = _tracks(tx, found[0], liaison)
        changed = events.changed_at(tx, found[0].id)
    return _feed(engine, found[0], changed, tracks, liaison.languages)


def _tracks(tx: Tx, owner: ProcessRow, liaison: LiaisonRow) -> list[str] | None:
    """What they follow in any digest, and what everybody gets; None for all."""
    places = subscriptions.of_liaison(tx, liaison.id)
    chosen = {track for place in places for track in place.interests}
    if not chosen or any(not place.interests for place in places):
        return None
    return [track.slug for track in processes.tracks(tx, owner.id) if track.for_all or track.id in chosen]


def _feed(
    engine: Engine,
    owner: ProcessRow,
    changed: datetime | None,
    tracks: list[str] | None,
    languages: tuple[str, ...],
) -> Feed:
    changed = changed or datetime(2000, 1, 1, tzinfo=UTC)
    data = calendar.export_calendar(engine.db, owner.slug, now=changed, tracks=tracks, languages=languages)
    return Feed(owner.slug, data, hashlib.sha256(data).hexdigest()[:32], changed)


def address(engine: Engine, owner: ProcessRow, liaison: LiaisonRow) -> str:
    """The address of a liaison's own feed; '' where the service has no pages."""
    base = engine.settings.base_url
    token = engine.keys.ring(owner.slug, owner.address_base).token(Purpose.FEED, 0, liaison.tag)
    return f"{base}/calendar/me/{token}.ics" if base.startswith("http") else ""
