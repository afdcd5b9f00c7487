"""Writing the timeline as an iCalendar feed (RFC 5545): for a process, or for one reader's tracks and languages.

Every entry keeps its UID for ever; SEQUENCE grows with each change, so calendars follow. A month, or an approximate
date, is shown over all the days it may mean, as tentative. Our own properties (X-TIDINGS-...) let the file be imported
to the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from icalendar import Calendar, Event, vCalAddress

from db import process as processes
from db import texts, timeline
from db.engine import Database
from db.process import ProcessRow
from db.texts import Field
from db.timeline import EntryRow
from digests.language import Wording, WrongTag, canonical, choose
from digests.subject import ALIVE, Status
from digests.timeline import EntryKind, Facts, Session
from digests.when import Precision
from flows.calendar_file import OURS
from flows.engine import Refused
from flows.issue import Material
from flows.process import need_process
from flows.reports import UnknownName
from flows.timeline import ENTRY_TEXTS

MOST = 20
"""Entries in the calendar beside a mail; the feed has them all."""


def export_calendar(
    db: Database,
    process_slug: str,
    *,
    now: datetime,
    tracks: Collection[str] | None = None,
    languages: Sequence[str] = (),
    entries: Collection[int] | None = None,
) -> bytes:
    """The calendar of a process, of some tracks, or of some entries (by id), worded for a reader of `languages`."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        known = timeline.entries(tx, process.id)
        wordings = texts.load_texts(tx, process.id, [("entry", one.id) for one in known], ENTRY_TEXTS)
        chains = processes.fallbacks(tx, process.id)
    calendar = _calendar(process)
    for entry in known:
        is_wanted = tracks is None or set(entry.facts.tracks) & set(tracks)
        if is_wanted and (entries is None or entry.id in entries):
            words = _words(wordings, entry, languages, chains)
            for event in _events(process, entry, words, now):
                calendar.add_component(event)
    return bytes(calendar.to_ical())


def is_due(facts: Facts) -> bool:
    """Whether one can do something about it by a date, or be there: what the calendar beside a digest shows."""
    dated = facts.when.precision is Precision.DAY or bool(facts.sessions)
    return dated and facts.status in ALIVE and (facts.participate or facts.kind is EntryKind.DEADLINE)


def entry_of(entry_id: int, slug: str, facts: Facts, seq: int) -> EntryRow:
    """An entry as a frozen edition knows it: its facts, and the seq of their newest change."""
    return EntryRow(entry_id, slug, facts, seq, hopped=False)


def beside_mail(material: Material, shown: Sequence[EntryRow], languages: Sequence[str], *, now: datetime) -> str:
    """The calendar that a mail brings, with the UIDs of the feed, so that both are one in the reader's; '' if empty.

    PUBLISH (RFC 5546 section 3.2.1) asks for no answer: programs offer no "accept". The soonest come first.
    """
    if not shown:
        return ""
    process = material.process
    calendar = _calendar(process)
    calendar.add("METHOD", "PUBLISH")
    owner = vCalAddress(f"mailto:{process.home.at(f'{material.digest.slug}-owner')}")
    owner.params["CN"] = process.name
    for entry in shown[:MOST]:
        words = _words(material.texts, entry, languages, material.fallbacks)
        for event in _events(process, entry, words, now):
            event.add("ORGANIZER", owner)
            calendar.add_component(event)
    return str(calendar.to_ical(), "utf-8")


def _calendar(process: ProcessRow) -> Calendar:
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", f"-//Tidings//{process.slug}//EN")
    calendar.add("X-WR-CALNAME", process.name)
    return calendar


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a process a calendar shows, and for readers of which languages. None: all of it."""

    tracks: Collection[str] | None = None
    languages: Sequence[str] = ()
    entries: Collection[str] | None = None  # by slug
    deadlines: bool = False  # only what one can take part in now or later


def select(db: Database, process_slug: str, chosen: Selection, *, now: datetime) -> bytes:
    """The calendar of a selection by names. Raises `UnknownName`, and `Refused` for a tag that is none."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        tracks = [one.slug for one in processes.tracks(tx, process.id)]
        known = {one.slug: one for one in timeline.entries(tx, process.id)}
    for what, given, valid in (("track", chosen.tracks, tracks), ("entry", chosen.entries, list(known))):
        for name in given or ():
            if name not in valid:
                raise UnknownName(what, name, valid)
    try:
        languages = [canonical(tag) for tag in chosen.languages]
    except WrongTag as error:
        raise Refused(str(error)) from error
    wanted = {
        one.id
        for slug, one in known.items()
        if (chosen.entries is None or slug in chosen.entries) and (not chosen.deadlines or _doable(one))
    }
    return export_calendar(db, process_slug, now=now, tracks=chosen.tracks, languages=languages, entries=wanted)


def _doable(entry: EntryRow) -> bool:
    return entry.facts.status in ALIVE and (entry.facts.participate or entry.facts.kind is EntryKind.DEADLINE)


def _words(
    wordings: Mapping[Field, Wording], entry: EntryRow, languages: Sequence[str], chains: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, str]]:
    """Per field the wording and its language."""
    found = {}
    for name in ENTRY_TEXTS:
        wording = wordings.get(("entry", entry.id, name))
        chosen = choose(wording, languages, chains, strict=name == "how") if wording is not None else None
        if chosen is not None:
            found[name] = (chosen.body, chosen.lang)
    return found


def _events(process: ProcessRow, entry: EntryRow, words: Mapping[str, tuple[str, str]], now: datetime) -> list[Event]:
    uid = f"{entry.slug}@{process.home.label}"
    if not entry.facts.sessions:
        return [_event(entry, words, now, uid, None)]
    return [
        _event(entry, words, now, f"{entry.slug}.s{n}@{process.home.label}", session)
        for n, session in enumerate(entry.facts.sessions, start=1)
    ]


def _event(
    entry: EntryRow, words: Mapping[str, tuple[str, str]], now: datetime, uid: str, session: Session | None
) -> Event:
    facts = entry.facts
    event = Event()
    event.add("UID", uid)
    event.add("DTSTAMP", now)
    event.add("SEQUENCE", entry.changed_seq)
    start, end = _span(entry, session)
    event.add("DTSTART", start)
    event.add("DTEND", end)
    event.add("STATUS", _status(entry))
    event.add("CATEGORIES", list(facts.tracks))
    for name, field in (("SUMMARY", "title"), ("DESCRIPTION", "description"), (f"{OURS}HOW", "how")):
        if field in words:
            event.add(name, words[field][0], parameters={"LANGUAGE": words[field][1]})
    if "reason" in words:
        event.add(f"{OURS}REASON", words["reason"][0])
    for name, value in (("LOCATION", facts.place), ("URL", facts.link)):
        if value:
            event.add(name, value)
    event.add(f"{OURS}KIND", facts.kind.value)
    event.add(f"{OURS}WHEN", f"{facts.when.start} {facts.when.end or '-'} {facts.when.precision.value}")
    if facts.questions:
        event.add(f"{OURS}QUESTIONS", " ".join(facts.questions))
    if session is None:
        event.add("TRANSP", "TRANSPARENT")  # a day on which something is due is no busy day
    return event


def _span(entry: EntryRow, session: Session | None) -> tuple[date | datetime, date | datetime]:
    if session is not None:
        return session.start, session.end
    return entry.facts.when.first_day(), entry.facts.when.last_day() + timedelta(days=1)


def _status(entry: EntryRow) -> str:
    if entry.facts.status is Status.CANCELLED:
        return "CANCELLED"
    return "CONFIRMED" if entry.facts.when.precision is Precision.DAY else "TENTATIVE"
