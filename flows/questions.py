"""Importing the questions that a process asks: all of a file or nothing, and the same file twice changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from db import journal, texts, timeline
from db import process as processes
from db.engine import Database, Tx
from db.journal import Act
from db.process import ProcessRow
from db.texts import Field
from db.timeline import EntryRow, QuestionRow
from digests.language import Wording
from digests.subject import Status, Subject, SubjectKind
from digests.timeline import OtherFacts
from flows import textplan
from flows.fields import Fields
from flows.plan import Plan, report_of, standing, steadily
from flows.process import need_process
from flows.reports import ImportReport
from flows.textplan import source_of
from flows.timeline_file import QuestionPart, read_questions, read_root

QUESTION_TEXTS = ("text",)


def import_questions(
    db: Database, process_slug: str, content: str, *, act: Act, as_of: date | None = None
) -> ImportReport:
    """Bring the questions to what a YAML file says. A question becomes known together with the entry that asks it.

    With `as_of`, a question whose entry is not known yet is left for later; without, its entry must be there.
    """
    return steadily(lambda: _import_questions(db, process_slug, content, act, as_of))


def _import_questions(db: Database, process_slug: str, content: str, act: Act, as_of: date | None) -> ImportReport:
    with db.read() as tx:
        process = need_process(tx, process_slug)
        tracks = [track.slug for track in processes.tracks(tx, process.id)]
        entries = {entry.slug: entry for entry in timeline.entries(tx, process.id)}
        known = {question.code: question for question in timeline.questions(tx, process.id)}
        stored = texts.load_texts(tx, process.id, [("question", q.id) for q in known.values()], QUESTION_TEXTS)
    fields = Fields()
    root = read_root(content, fields)
    parts = []
    if root is not None:
        fields.only(root, ("schema", "questions"), "file")
        must_be = None if as_of is not None else entries
        parts = read_questions(root, fields, tracks=tracks, entries=must_be, source_lang=process.source_lang)
    if fields.rejected:
        return ImportReport("questions", rejected=tuple(fields.rejected))
    ready = [part for part in parts if part.entry is None or part.entry in entries]
    plans = [_question_plan(part, known.get(part.code), entries, stored) for part in ready]
    report = replace(
        report_of("questions", plans),
        missing=tuple(sorted(set(known) - {part.code for part in parts})),
        unknown_yet=tuple(part.code for part in parts if part not in ready),
    )
    with db.write() as tx:
        _record_questions(tx, process, [plan for plan in plans if plan.fields], act)
    return report


def _question_plan(
    part: QuestionPart,
    known: QuestionRow | None,
    entries: Mapping[str, EntryRow],
    stored: Mapping[Field, Wording],
) -> Plan:
    entry = entries[part.entry] if part.entry else None
    status = part.status
    if status is Status.OPEN and entry is not None:
        status = standing(entry.facts.status)
    before = known.facts if known else OtherFacts()
    facts = replace(
        before,
        title=source_of(part.text),
        status=status,
        tracks=(part.track,),
        ref=part.code,
        entry=entry.id if entry else None,
    )
    plan = textplan.plan("text", part.text, stored.get(("question", known.id, "text")) if known else None)
    return Plan(part.code, facts, known, (plan,))


def _record_questions(tx: Tx, process: ProcessRow, plans: Sequence[Plan], act: Act) -> None:
    if not plans:
        return
    new = [(plan.name, plan.facts) for plan in plans if plan.known is None and isinstance(plan.facts, OtherFacts)]
    ids = dict(zip((name for name, _ in new), timeline.add_questions(tx, process.id, new), strict=True))
    ids |= {plan.name: plan.known.id for plan in plans if plan.known is not None}
    for plan in plans:
        textplan.write(tx, process.id, ("question", ids[plan.name]), plan.texts, process.source_lang, act)
    journal.note(tx, act, ("process", process.id), "questions imported", process_id=process.id)
    drafts = [plan.draft(Subject(SubjectKind.QUESTION, ids[plan.name])) for plan in plans]
    timeline.append_events(tx, process.id, [one for one in drafts if one is not None], act=act, cause="import")
