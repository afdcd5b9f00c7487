"""What there is to see of a timeline: one row an entry, filtered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from db import process as processes
from db import texts, timeline
from db.engine import Database
from db.process import ProcessRow
from db.timeline import EntryRow
from digests.language import choose
from digests.subject import ALIVE, Status
from digests.timeline import Change, EntryKind, Event
from digests.wall import instant_on, zone
from flows.process import need_process
from flows.reports import UnknownName


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """An entry as shown. `changes`: what was recorded of it since the day asked for, oldest first."""

    id: int
    slug: str
    kind: str
    status: str
    start: str
    end: str
    precision: str
    tracks: tuple[str, ...]
    title: str
    lang: str
    participate: bool
    questions: tuple[str, ...]
    place: str
    link: str
    changed_seq: int
    changes: tuple[Change, ...]


def show_timeline(
    db: Database,
    process_slug: str,
    *,
    now: datetime,
    track: str | None = None,
    kind: str | None = None,
    status: str | None = None,
    upcoming: bool = False,
    changed_since: date | None = None,
    languages: Sequence[str] = (),
) -> list[TimelineRow]:
    """The entries in order of their dates, titles in the first of `languages` that there is.

    `upcoming`: what is alive and not over by `now`. `changed_since`: what was added or changed on that day or later.
    Raises `UnknownName` for a filter that names nothing.
    """
    with db.read() as tx:
        process = need_process(tx, process_slug)
        tracks = [one.slug for one in processes.tracks(tx, process.id)]
        entries = timeline.entries(tx, process.id)
        wordings = texts.load_texts(tx, process.id, [("entry", one.id) for one in entries], ["title"])
        chains = processes.fallbacks(tx, process.id)
        events = timeline.events_between(tx, process.id, 0, process.last_seq) if changed_since else []
    _check("track", track, tracks)
    _check("kind", kind, [one.value for one in EntryKind])
    _check("status", status, [one.value for one in Status])
    recent = _recent(process, events, changed_since)
    shown = []
    for entry in entries:
        facts = entry.facts
        is_over = facts.status not in ALIVE or facts.when.ended_at(zone(process.zone)) <= now
        if (
            (track is None or track in facts.tracks)
            and (kind is None or kind == facts.kind)
            and (status is None or status == facts.status)
            and not (upcoming and is_over)
            and (changed_since is None or entry.id in recent)
        ):
            wording = wordings.get(("entry", entry.id, "title"))
            title = choose(wording, languages, chains) if wording else None
            words = (title.body, title.lang) if title else (facts.title, process.source_lang)
            shown.append(_row(entry, words, recent.get(entry.id, ())))
    return sorted(shown, key=lambda row: (row.start, row.end, row.slug))


def _check(what: str, value: str | None, allowed: Sequence[str]) -> None:
    if value is not None and value not in allowed:
        raise UnknownName(what, value, allowed)


def _recent(process: ProcessRow, events: Sequence[Event], since: date | None) -> dict[int, tuple[Change, ...]]:
    if since is None:
        return {}
    begin = instant_on(since, time(0), zone(process.zone))
    found: dict[int, tuple[Change, ...]] = {}
    for event in events:
        if event.subject.kind == "entry" and event.at >= begin:
            found[event.subject.id] = (*found.get(event.subject.id, ()), *event.changes)
    return found


def _row(entry: EntryRow, title: tuple[str, str], recent: tuple[Change, ...]) -> TimelineRow:
    facts = entry.facts
    return TimelineRow(
        id=entry.id,
        slug=entry.slug,
        kind=facts.kind.value,
        status=facts.status.value,
        start=facts.when.start,
        end=facts.when.end or "",
        precision=facts.when.precision.value,
        tracks=facts.tracks,
        title=title[0],
        lang=title[1],
        participate=facts.participate,
        questions=facts.questions,
        place=facts.place,
        link=facts.link,
        changed_seq=entry.changed_seq,
        changes=recent,
    )
