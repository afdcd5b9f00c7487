"""What a reader sees and sets behind their signed link: language, hour, rhythm, length, interests, pause, leaving.

Each change goes through the verbs of the roster, as the liaison; what is set already stays. A link that opens nothing
gives None, and `Refused` names what was wrong with a wish, of which then nothing was done.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from db import addresses, roster
from db import process as processes
from db.engine import Tx
from db.journal import Act
from db.process import ProcessRow
from db.roster import LiaisonRow
from db.states import LiaisonState
from digests.wall import zone, zone_names
from flows import answers, feeds, fields, links, notice
from flows import roster as people
from flows.engine import Engine, Refused
from flows.links import Reader
from flows.roster_file import CADENCES, SIZES
from mailer import words
from mailer.content import NoticeKind

MOST_LANGUAGES = 4
LONGEST_PAUSE = timedelta(days=3 * 366)


def zones() -> tuple[str, ...]:
    """The names of all time zones."""
    return zone_names()


@dataclass(frozen=True, slots=True)
class Track:
    """A track that a reader may follow. `for_all`: everybody gets it, chosen or not."""

    slug: str
    name: str
    for_all: bool


@dataclass(frozen=True, slots=True)
class StandIn:
    """Somebody else who stands for a group of the reader's."""

    liaison_id: int
    group_id: int
    name: str
    group: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader can set at once. No tracks: all of them."""

    languages: tuple[str, ...]
    hour: int
    zone: str
    cadence: str
    size: str
    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preferences:
    """A reader's page: what is set, and what could be."""

    process: str
    owner: str  # the address of the people behind it
    invented: bool
    title: str
    lang: str  # the page's language
    name: str
    address: str
    groups: tuple[str, ...]
    state: str
    paused_until: date | None
    undo_until: date | None  # for somebody who left: the last day on which they come back by themselves
    today: date
    wish: Wish
    languages: tuple[str, ...]
    tracks: tuple[Track, ...]
    stand_ins: tuple[StandIn, ...]
    calendar: str  # the address of their own feed

    @property
    def active(self) -> bool:
        """Whether digests are sent, now or after a pause."""
        return self.state in (LiaisonState.ACTIVE, LiaisonState.PAUSED)


class Faulty(Refused):
    """A wish with a value that cannot be; `field` names it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


def look(engine: Engine, token: str, *, now: datetime) -> Preferences | None:
    """What the page behind a link shows."""
    with engine.db.read() as tx:
        found = links.reader(tx, engine, token)
        return _preferences(tx, engine, found, now) if found is not None else None


def _preferences(tx: Tx, engine: Engine, found: Reader, now: datetime) -> Preferences:
    owner, liaison, place = found.owner, found.liaison, found.place
    tracks = processes.tracks(tx, owner.id)
    slugs = {one.id: one.slug for one in tracks}
    mine = addresses.addresses(tx, owner.id, [liaison.id]).get(liaison.id, [])
    undo = liaison.left_at + people.UNDO if liaison.left_at is not None else None
    offered = dict.fromkeys((*liaison.languages, *owner.languages, *engine.renderer.languages))
    return Preferences(
        process=owner.name,
        owner=owner.home.at(f"{found.digest.slug}-owner"),
        invented=owner.about == "invented",
        title=found.digest.title,
        lang=answers.spoken(engine, liaison.languages),
        name=liaison.name,
        address=mine[0].addr if mine else "",
        groups=tuple(group.name for group in roster.groups_of(tx, liaison.id)),
        state=liaison.state,
        paused_until=liaison.paused_until,
        undo_until=undo.date() if undo is not None and undo >= now else None,
        today=now.astimezone(zone(liaison.zone)).date(),
        wish=Wish(
            languages=liaison.languages,
            hour=liaison.hour,
            zone=liaison.zone,
            cadence=place.cadence,
            size=place.size,
            tracks=tuple(slugs[i] for i in place.interests if i in slugs),
        ),
        languages=tuple(offered),
        tracks=tuple(Track(one.slug, one.name, one.for_all) for one in tracks),
        stand_ins=tuple(_stand_ins(tx, owner, liaison)),
        calendar=feeds.address(engine, owner, liaison),
    )


def _stand_ins(tx: Tx, owner: ProcessRow, liaison: LiaisonRow) -> list[StandIn]:
    """Active liaisons who stand for the same groups."""
    groups = {group.id: group.name for group in roster.groups_of(tx, liaison.id)}
    found = []
    for one in roster.mandates(tx, owner.id):
        other = roster.liaison(tx, one.liaison_id) if one.group_id in groups else None
        if other is not None and other.id != liaison.id and other.state == LiaisonState.ACTIVE:
            found.append(StandIn(other.id, one.group_id, other.name, groups[one.group_id]))
    return found


def save(engine: Engine, token: str, wish: Wish, *, now: datetime) -> tuple[str, ...] | None:
    """Set everything of a wish; gives the names of what was different. Raises `Faulty`, and then nothing was set."""
    found, act = _mine(engine, token, now)
    if found is None:
        return None
    db, who, digest = engine.db, found.liaison.id, found.digest.id
    with db.read() as tx:
        known = [track.slug for track in processes.tracks(tx, found.owner.id)]
    languages = _checked(wish, known)
    done = {
        "languages": people.set_languages(db, who, languages, act=act),
        "hour": people.set_hour(db, who, wish.hour, act=act),
        "zone": people.set_zone(db, who, wish.zone, act=act),
        "cadence": people.set_cadence(db, who, wish.cadence, act=act, digest_id=digest),
        "size": people.set_size(db, who, wish.size, act=act, digest_id=digest),
        "interests": people.set_interests(db, who, wish.tracks, act=act, digest_id=digest),
    }
    return tuple(name for name, changed in done.items() if changed)


def _mine(engine: Engine, token: str, now: datetime) -> tuple[Reader | None, Act]:
    """The reader whose link it is, and the act in their name."""
    with engine.db.read() as tx:
        found = links.reader(tx, engine, token)
    return found, Act(f"liaison:{found.liaison.id}" if found else "", now)


def _checked(wish: Wish, tracks: Collection[str]) -> tuple[str, ...]:
    """The languages as they are stored, once all of a wish is known to be possible."""
    try:
        languages = tuple(dict.fromkeys(fields.language(tag) for tag in wish.languages))
    except ValueError as error:
        raise Faulty("languages", str(error)) from error
    for name, value, allowed in (
        ("zone", wish.zone, zone_names()),
        ("cadence", wish.cadence, CADENCES),
        ("size", wish.size, SIZES),
    ):
        if value not in allowed:
            raise Faulty(name, f"{value!r} is unknown")
    if not 0 <= wish.hour <= 23:
        raise Faulty("hour", "a whole number from 0 to 23")
    if not languages or len(languages) > MOST_LANGUAGES:
        raise Faulty("languages", f"name one to {MOST_LANGUAGES}")
    if not set(wish.tracks) <= set(tracks):
        raise Faulty("tracks", "one is unknown")
    return languages


def pause(
    engine: Engine, token: str, until: date | None, tell: Sequence[int] = (), *, now: datetime
) -> Preferences | None:
    """Send nothing until that day, or until they come back; tells those of `tell` who stand for the same groups.

    Without a day nobody is told: there would be nothing to tell. Raises `Faulty` for a day that is not ahead.
    """
    found, act = _mine(engine, token, now)
    if found is None:
        return None
    today = now.astimezone(zone(found.liaison.zone)).date()
    if until is not None and not today < until <= today + LONGEST_PAUSE:
        raise Faulty("until", f"{until} is not within the next three years")
    people.pause(engine.db, found.liaison.id, until, act=act)
    if until is not None and tell:
        _tell(engine, found, until, set(tell), act)
    return look(engine, token, now=now)


def _tell(engine: Engine, found: Reader, until: date, chosen: set[int], act: Act) -> None:
    """Write to those who stand in. Saying the same pause again writes nothing again."""
    owner, liaison = found.owner, found.liaison
    with engine.db.read() as tx:
        told = [(one, answers.correspondent(tx, owner, one.liaison_id)) for one in _stand_ins(tx, owner, liaison)]
    letters = [
        answers.notice(
            engine,
            owner,
            to,
            NoticeKind.AWAY,
            f"{liaison.id}:{until}:{one.liaison_id}:{one.group_id}",
            title=one.group,
            until=until,
            about=liaison.name,
        )
        for one, to in told
        if one.liaison_id in chosen and to is not None and to.addr
    ]
    with engine.db.write() as tx:
        for letter in letters:
            notice.enqueue(tx, engine, owner, letter, act=act)


def leave(engine: Engine, token: str, why: str, *, now: datetime) -> Preferences | None:
    """Send nothing any more, at once; `why` is a code for the journal."""
    found, act = _mine(engine, token, now)
    if found is None:
        return None
    people.leave(engine.db, found.liaison.id, act=act, why=why)
    return look(engine, token, now=now)


def come_back(engine: Engine, token: str, *, now: datetime) -> Preferences | None:
    """End a pause, or undo having left. Raises `Refused` when that was too long ago."""
    found, act = _mine(engine, token, now)
    if found is None:
        return None
    people.come_back(engine.db, found.liaison.id, act=act)
    return look(engine, token, now=now)


def pages_language(engine: Engine, accepted: str) -> str:
    """The language of a page for somebody unknown, from what their browser asks for (RFC 9110 section 12.5.4)."""
    wished = []
    for part in accepted[:200].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            wished.append((-float(quality or 1), tag))
        except ValueError:
            continue
    asked = [tag for _, tag in sorted(wished, key=lambda one: one[0]) if tag.isascii()]
    return words.pick(asked, engine.renderer.languages)
