"""Writing the timeline and the questions as YAML that imports to the same: dates as they stand, texts in all languages.

What only the source file knew (when something was announced, where its dates were found) is not kept, so not written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from db import process as processes
from db import texts, timeline
from db.engine import Database
from db.process import ContactRow, ProcessRow, TrackRow
from db.texts import Field
from digests.language import Wording
from digests.subject import Status
from digests.timeline import Facts
from flows.process import need_process
from flows.questions import QUESTION_TEXTS
from flows.timeline import ENTRY_TEXTS


def export_timeline(db: Database, process_slug: str) -> str:
    """The process, its tracks and entries, as YAML."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        tracks = processes.tracks(tx, process.id)
        people = processes.contacts(tx, process.id)
        chains = processes.fallbacks(tx, process.id)
        entries = timeline.entries(tx, process.id)
        wordings = texts.load_texts(tx, process.id, [("entry", one.id) for one in entries], ENTRY_TEXTS)
    return _dump(
        {
            "schema": 1,
            "process": _process(process, people, chains),
            "tracks": [_track(track, people) for track in tracks],
            "entries": [
                _entry(one.slug, one.facts, _worded(wordings, ("entry", one.id), process.source_lang))
                for one in entries
            ],
        }
    )


def export_questions(db: Database, process_slug: str) -> str:
    """The questions, as YAML."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        tracks = {track.id: track.slug for track in processes.tracks(tx, process.id)}
        slugs = {entry.id: entry.slug for entry in timeline.entries(tx, process.id)}
        asked = timeline.questions(tx, process.id)
        wordings = texts.load_texts(tx, process.id, [("question", one.id) for one in asked], QUESTION_TEXTS)
    rows = []
    for one in asked:
        row: dict[str, Any] = {"id": one.code, "track": tracks[one.track_id]}
        if one.entry_id is not None:
            row["entry"] = slugs[one.entry_id]
        if one.status == Status.CANCELLED:
            row["status"] = "cancelled"
        rows.append(row | _worded(wordings, ("question", one.id), process.source_lang))
    return _dump({"schema": 1, "questions": rows})


def _dump(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(document), allow_unicode=True, sort_keys=False, width=120)


def _process(process: ProcessRow, people: Sequence[ContactRow], chains: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    fallbacks = {"fallbacks": {lang: list(chain) for lang, chain in chains.items()}} if chains else {}
    return fallbacks | {
        "slug": process.slug,
        "name": process.name,
        "zone": process.zone,
        "source_language": process.source_lang,
        "languages": list(process.languages),
        "contacts": _contacts(people, None),
    }


def _track(track: TrackRow, people: Sequence[ContactRow]) -> dict[str, Any]:
    return {
        "slug": track.slug,
        "code": track.code,
        "name": track.name,
        "for_all": track.for_all,
        "contacts": _contacts(people, track.id),
    }


def _contacts(people: Sequence[ContactRow], track_id: int | None) -> list[dict[str, Any]]:
    return [
        {"role": one.name, "address": one.address, "languages": list(one.languages)}
        for one in people
        if one.track_id == track_id
    ]


def _entry(slug: str, facts: Facts, words: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": slug, "kind": facts.kind.value, "track": facts.tracks[0]}
    optional = {
        "also_tracks": list(facts.tracks[1:]),
        "start": facts.when.start,
        "end": facts.when.end,
        "precision": facts.when.precision.value,
        "sessions": [str(session) for session in facts.sessions],
        "status": "cancelled" if facts.status is Status.CANCELLED else None,
        "title": words.get("title"),
        "description": words.get("description"),
        "participate": facts.participate,
        "participation": words.get("how"),
        "reason": words.get("reason"),
        "questions": list(facts.questions),
        "location": facts.place,
        "link": facts.link,
    }
    return row | {name: value for name, value in optional.items() if value or value is False}


def _worded(wordings: Mapping[Field, Wording], owner: texts.Owner, source_lang: str) -> dict[str, Any]:
    return {field[2]: _said(one, source_lang) for field, one in wordings.items() if field[:2] == owner and one.source}


def _said(wording: Wording, source_lang: str) -> Any:
    """Plain text in the source language alone; else a mapping, with revisions where a translation is outdated."""
    order = sorted(wording.versions, key=lambda lang: (lang != wording.source_lang, lang))
    behind = [lang for lang in order if wording.outdated(lang)]
    said: dict[str, Any] = {lang: wording.versions[lang].body for lang in order if wording.versions[lang].body}
    for lang in behind:
        said[lang] = {"text": wording.versions[lang].body, "of": wording.versions[lang].of_revision}
    if list(said) == [source_lang]:
        return wording.source
    if behind:
        said[wording.source_lang] = {"text": wording.source, "revision": wording.versions[wording.source_lang].revision}
    return said
