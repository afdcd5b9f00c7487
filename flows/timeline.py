"""The verbs of the timeline: import of entries and questions, and what the clock records.

A file is imported as a whole or not at all; importing it twice changes nothing, and a changed file records exactly what
changed. Text in other languages is stored beside the facts and makes no event: a translation is no news.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from db import journal, texts, timeline
from db import process as processes
from db.engine import Database, Tx
from db.journal import Act
from db.process import ProcessRow
from db.texts import Field
from db.timeline import Draft, EntryRow, QuestionRow
from digests.language import Wording
from digests.subject import ALIVE, Status, Subject, SubjectKind
from digests.timeline import Event, EventKind, Facts, clock_events, next_clock, status_by_dates
from digests.wall import zone
from flows import textplan
from flows.calendar_file import read_calendar
from flows.entry_file import EntryPart, Known
from flows.fields import Fields
from flows.plan import Plan, report_of, standing, steadily
from flows.process import ProcessPart, apply_part, need_process, read_part
from flows.questions import import_questions
from flows.reports import Changed, ImportReport, UnknownName
from flows.textplan import source_of
from flows.timeline_file import read_entries, read_entries_csv, read_root

__all__ = ["ENTRY_TEXTS", "FORMATS", "import_questions", "import_timeline", "next_clock_event", "record_clock_events"]

_Reader = Callable[[Fields, ProcessRow, list[str]], tuple[ProcessPart | None, list[EntryPart]]]
ENTRY_TEXTS = ("title", "description", "how", "reason")
FORMATS = ("yaml", "csv", "ics")


def import_timeline(
    db: Database,
    process_slug: str,
    content: str,
    *,
    act: Act,
    format: str = "yaml",  # noqa: A002 the word of the command line
    as_of: date | None = None,
    cancel_missing: bool = False,
    track: str | None = None,
) -> ImportReport:
    """Bring the timeline to what a YAML, CSV or iCalendar file says; by YAML also the process and its tracks.

    `track` is that of events of a calendar that name none.
    `as_of` imports what had been announced by the end of that day. Entries that the file lacks are reported as missing,
    and called off only if `cancel_missing`.
    """
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS)

    def read(fields: Fields, process: ProcessRow, tracks: list[str]) -> tuple[ProcessPart | None, list[EntryPart]]:
        return _read(content, format, fields, process, tracks, track)

    return steadily(lambda: _import_timeline(db, process_slug, read, act, as_of, cancel_missing))


def _import_timeline(
    db: Database, process_slug: str, read: _Reader, act: Act, as_of: date | None, cancel_missing: bool
) -> ImportReport:
    with db.read() as tx:
        process = need_process(tx, process_slug)
        tracks = [track.slug for track in processes.tracks(tx, process.id)]
        known = {entry.slug: entry for entry in timeline.entries(tx, process.id)}
        stored = texts.load_texts(tx, process.id, [("entry", one.id) for one in known.values()], ENTRY_TEXTS)
        asked = timeline.questions(tx, process.id)
    fields = Fields()
    part, entries = read(fields, process, tracks)
    if fields.rejected:
        return ImportReport("timeline", rejected=tuple(sorted(fields.rejected, key=lambda one: one.line)))
    where = zone(part.zone if part else process.zone)
    plans = [_plan(one, known.get(one.slug), as_of, act.now, where, stored) for one in entries]
    missing = sorted(set(known) - {one.slug for one in entries})
    ended = [_called_off(known[slug]) for slug in missing if cancel_missing and known[slug].facts.status in ALIVE]
    to_do = [plan for plan in (*plans, *ended) if plan is not None]
    later = [one.slug for one, plan in zip(entries, plans, strict=True) if plan is None]
    report = replace(report_of("timeline", to_do), missing=tuple(missing), unknown_yet=tuple(later))
    with db.write() as tx:
        about = apply_part(tx, process, part, act) if part else ImportReport("process")
        _record_entries(tx, process, [plan for plan in to_do if plan.fields], asked, act)
    new_tracks = (Changed(f"track {name}", ("added",)) for name in about.added)
    return replace(report, changed=(*about.changed, *new_tracks, *report.changed))


def _read(
    content: str, kind: str, fields: Fields, process: ProcessRow, tracks: list[str], track: str | None
) -> tuple[ProcessPart | None, list[EntryPart]]:
    if kind == "csv":
        return None, read_entries_csv(content, fields, tracks=tracks, source_lang=process.source_lang)
    if kind == "ics":
        source_lang = process.source_lang
        return None, read_calendar(content, fields, tracks=tracks, source_lang=source_lang, track=track)
    root = read_root(content, fields)
    if root is None:
        return None, []
    fields.only(root, ("schema", "process", "tracks", "entries"), "file")
    part = read_part(root, fields)
    if part is None:
        return None, read_entries(root, fields, tracks=tracks, source_lang=process.source_lang)
    if part.slug != process.slug:
        fields.reject(root.line_of("process"), "process", part.slug, f"the file is not of the process {process.slug}")
    slugs = {*tracks, *(track.slug for track in part.tracks)}
    return part, read_entries(root, fields, tracks=slugs, source_lang=part.source_lang)


def _plan(
    part: EntryPart,
    known: EntryRow | None,
    as_of: date | None,
    now: datetime,
    where: ZoneInfo,
    stored: Mapping[Field, Wording],
) -> Plan | None:
    """What becomes of an entry of the file; None if it was not announced by then."""
    at_that_time = part.known_on(as_of)
    if at_that_time is None:
        return None
    words = {"title": part.title, "description": part.description, "how": part.how, "reason": at_that_time.reason}
    plans = tuple(
        textplan.plan(name, said, stored.get(("entry", known.id, name)) if known else None)
        for name, said in words.items()
    )
    return Plan(part.slug, _facts(part, at_that_time, known, now, where), known, plans)


def _facts(part: EntryPart, at_that_time: Known, known: EntryRow | None, now: datetime, where: ZoneInfo) -> Facts:
    facts = Facts(
        kind=part.kind,
        title=source_of(part.title),
        when=at_that_time.when,
        tracks=part.tracks,
        status=at_that_time.status,
        description=source_of(part.description),
        sessions=part.sessions,
        place=part.place,
        link=part.link,
        participate=part.participate,
        how=source_of(part.how),
        questions=part.questions,
        tell=known.facts.tell if known else 0,
        reason=source_of(at_that_time.reason),
    )
    if known is not None and _same_dates(known.facts, facts):
        # What falls due by these dates is for the clock to say, so that it is said once.
        return replace(facts, status=known.facts.status)
    return replace(facts, status=status_by_dates(facts, now, where))


def _same_dates(before: Facts, after: Facts) -> bool:
    called_off = (before.status is Status.CANCELLED, after.status is Status.CANCELLED)
    return called_off[0] == called_off[1] and (before.kind, before.when, before.sessions) == (
        after.kind,
        after.when,
        after.sessions,
    )


def _called_off(known: EntryRow) -> Plan:
    return Plan(known.slug, replace(known.facts, status=Status.CANCELLED), known)


def _record_entries(tx: Tx, process: ProcessRow, plans: Sequence[Plan], asked: Sequence[QuestionRow], act: Act) -> None:
    """Write texts and events of entries that differ, and have their questions follow."""
    if not plans:
        return
    new = [(plan.name, plan.facts) for plan in plans if plan.known is None and isinstance(plan.facts, Facts)]
    ids = dict(zip((name for name, _ in new), timeline.add_entries(tx, process.id, new), strict=True))
    ids |= {plan.name: plan.known.id for plan in plans if plan.known is not None}
    for plan in plans:
        textplan.write(tx, process.id, ("entry", ids[plan.name]), plan.texts, process.source_lang, act)
    journal.note(tx, act, ("process", process.id), "timeline imported", process_id=process.id)
    drafts = [plan.draft(Subject(SubjectKind.ENTRY, ids[plan.name])) for plan in plans]
    entries = [draft for draft in drafts if draft is not None]
    timeline.append_events(tx, process.id, [*entries, *_following(entries, asked)], act=act, cause="import")


def _following(entries: Iterable[Draft], asked: Iterable[QuestionRow]) -> list[Draft]:
    """Questions open and close with the entry that asks them."""
    by_entry: dict[int | None, list[QuestionRow]] = {}
    for question in asked:
        by_entry.setdefault(question.facts.entry, []).append(question)
    found = []
    for draft in entries:
        was = standing(draft.before.status) if draft.before else Status.OPEN
        now = standing(draft.after.status)
        for question in by_entry.get(draft.subject.id, []) if was is not now else []:
            # A question that was withdrawn by itself stays so when its entry goes on.
            if question.facts.status is was:
                after = replace(question.facts, status=now)
                kind = EventKind.CLOSED if now is Status.OVER else None
                seq = question.changed_seq
                found.append(Draft(question.subject, after, question.facts, seq, kind, draft.clock_key))
    return found


def record_clock_events(db: Database, process_slug: str, *, act: Act) -> list[Event]:
    """Record what opened, closed or happened by now and was not recorded yet (N3); gives the new events."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        entries = timeline.entries(tx, process.id)
        asked = timeline.questions(tx, process.id)
    where = zone(process.zone)
    due = [(entry, event) for entry in entries for event in clock_events(entry.facts, act.now, where)]
    due.sort(key=lambda pair: pair[1].due_at)
    drafts = [
        Draft(entry.subject, event.after, entry.facts, entry.changed_seq, event.kind, event.clock_key)
        for entry, event in due
    ]
    if not drafts:
        return []
    with db.write() as tx:
        return timeline.append_events(tx, process.id, [*drafts, *_following(drafts, asked)], act=act, cause="clock")


def next_clock_event(db: Database, process_slug: str, after: datetime) -> datetime | None:
    """The next instant at which something of the timeline falls due."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        entries = timeline.entries(tx, process.id)
    where = zone(process.zone)
    return min((at for one in entries if (at := next_clock(one.facts, after, where)) is not None), default=None)
