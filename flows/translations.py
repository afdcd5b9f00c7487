"""Translations of a process's texts as a whole: out to translators, back from them, and how far each language is.

A file names its source by the words themselves: they tell of which revision a translation is, however old the file. One
of an earlier source comes in as outdated and never replaces one of a later source (L6).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from db import announcements, gates, journal, roster, texts, timeline
from db.engine import Database, Tx
from db.journal import Act
from db.process import ProcessRow
from db.states import AnnouncementState
from db.texts import Field
from digests.language import Wording
from flows import fields as reading
from flows import naming
from flows.announce import OWNER
from flows.engine import Refused
from flows.fields import Fields
from flows.process import need_process
from flows.reports import Changed, ImportReport, UnknownName, unknown
from flows.review import reopen
from flows.source import Scalar
from flows.translation_file import FORMATS, in_order, read, write
from flows.translation_sheet import Sheet, Unit

_ONE_LINE = frozenset({"title", "name"})
Named = dict[str, tuple[Field, Wording]]
"""Texts by name, such as `entry/talks/title`."""


@dataclass(frozen=True, slots=True)
class LanguageStatus:
    """How far one language is. `readers`: liaisons who name it first."""

    lang: str
    readers: int
    texts: int
    fresh: int
    outdated: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(slots=True)
class _Outcome:
    added: list[str] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def export_texts(db: Database, process_slug: str, lang: str, form: str, *, act: Act) -> str:
    """Every text that readers may still get with its translation into `lang`, as `po`, `xliff` or `yaml`."""
    if form not in FORMATS:
        raise UnknownName("format", form, FORMATS)
    with db.write() as tx:
        process = need_process(tx, process_slug)
        tag = _target(lang, process)
        naming.keep(tx, process, act=act)
        known = _wanted(tx, process, named(tx, process))
    units = [
        Unit(name, wording.source, version.body if version else "", bool(version) and wording.outdated(tag))
        for name, (_, wording) in known.items()
        for version in [wording.versions.get(tag)]
        if wording.source_lang != tag
    ]
    return write(Sheet(process.slug, process.source_lang, tag, in_order(units)), form, act.now)


def import_texts(db: Database, process_slug: str, content: str, form: str, *, act: Act, lang: str = "") -> ImportReport:
    """Take translations back; nothing is taken if anything in the file is wrong. `lang` where the file names none."""
    found = Fields()
    sheet = read(content, form, found)
    with db.write() as tx:
        process = need_process(tx, process_slug)
        what = f"texts of {process.slug}"
        if sheet is None or found.rejected:
            return ImportReport(what, rejected=tuple(found.rejected))
        tag = _language(sheet, lang, process, found)
        naming.keep(tx, process, act=act)
        known = named(tx, process)
        spoken = texts.source_revisions(tx, process.id)
        chosen = _judged(sheet, known, spoken, found)
        if tag is None or found.rejected:
            return ImportReport(what, rejected=tuple(found.rejected))
        done = _Outcome()
        for unit, key, revision in chosen:
            _take(tx, process.id, unit, (key, known[unit.name][1], revision), tag, act, done)
        if done.added or done.changed:
            journal.note(tx, act, ("process", process.id), f"texts {tag}", process_id=process.id)
        _reviewed_anew(tx, {unit.name: key for unit, key, _ in chosen}, tag, act, done)
    return ImportReport(
        f"{what} in {tag}",
        tuple(done.added),
        tuple(done.changed),
        tuple(done.unchanged),
        tuple(done.missing),
        warnings=tuple(done.warnings),
    )


def status(db: Database, process_slug: str) -> list[LanguageStatus]:
    """Every language that the process names, that a liaison reads first, or that has any translation."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        known = _wanted(tx, process, named(tx, process))
        readers = Counter(one.languages[0] for one in roster.liaisons(tx, process.id) if one.languages)
    spoken = {tag for _, wording in known.values() for tag in wording.versions}
    found = []
    for tag in sorted({*process.languages, *readers, *spoken}):
        states = {name: _state(wording, tag) for name, (_, wording) in known.items()}
        outdated = tuple(name for name, state in states.items() if state == "outdated")
        missing = tuple(name for name, state in states.items() if state == "missing")
        fresh = len(states) - len(outdated) - len(missing)
        found.append(LanguageStatus(tag, readers[tag], len(states), fresh, outdated, missing))
    return found


def _state(wording: Wording, tag: str) -> str:
    version = wording.versions.get(tag)
    if version is None or not version.body:
        return "missing"
    return "outdated" if wording.outdated(tag) else "fresh"


def named(tx: Tx, process: ProcessRow) -> Named:
    """Every text that says something, by name: kind, name of its owner, field."""
    process_id = process.id
    names = {(kind, owner_id): slug for (kind, owner_id, _), (slug, _) in naming.owned(tx, process).items()}
    names |= {("entry", one.id): one.slug for one in timeline.entries(tx, process_id)}
    names |= {("question", one.id): one.code for one in timeline.questions(tx, process_id)}
    names |= {("announcement", one.id): one.slug for one in announcements.announcements(tx, process_id)}
    wordings = texts.load_texts(tx, process_id, names)
    found = {
        f"{kind}/{names[kind, owner_id]}/{name}": ((kind, owner_id, name), wording)
        for (kind, owner_id, name), wording in wordings.items()
        if wording.source
    }
    return dict(sorted(found.items()))


def _wanted(tx: Tx, process: ProcessRow, known: Named) -> Named:
    """Without the words of announcements that nobody will get any more: withdrawn, or mailed and none of it waits."""
    gone = {
        one.id
        for one in announcements.announcements(tx, process.id, [AnnouncementState.MAILED, AnnouncementState.WITHDRAWN])
        if one.state == AnnouncementState.WITHDRAWN or (not one.fold and not announcements.on_way(tx, one.id))
    }
    return {name: one for name, one in known.items() if one[0][0] != "announcement" or one[0][1] not in gone}


def _target(lang: str, process: ProcessRow) -> str:
    tag = reading.language_of(lang)
    if tag == process.source_lang:
        raise Refused(f"{tag} is the source language of {process.slug}: its texts come from the timeline file")
    return tag


def _language(sheet: Sheet, lang: str, process: ProcessRow, found: Fields) -> str | None:
    if sheet.process and sheet.process != process.slug:
        found.reject(1, "process", sheet.process, f"the file is of another process than {process.slug}")
    given = sheet.lang or lang
    if not given:
        found.reject(1, "language", "", "the file does not say its language: name it with --language")
        return None
    tag = found.tag(given, 1, "language")
    if tag is None:
        return None
    if lang and found.tag(lang, 1, "language") not in (tag, None):
        found.reject(1, "language", given, f"the file is in {tag}, not in {lang}")
    if tag == process.source_lang:
        found.reject(1, "language", given, "is the source language: change the source in the timeline file")
    return tag


def _judged(
    sheet: Sheet, known: Mapping[str, tuple[Field, Wording]], spoken: Mapping[Field, Mapping[str, int]], found: Fields
) -> list[tuple[Unit, Field, int]]:
    """The units that can be used, each with its text and the revision of the source that it is of."""
    seen: dict[str, int] = {}
    chosen = []
    for unit in sheet.units:
        if unit.name not in known:
            found.reject(unit.line, "text", unit.name, unknown("text", unit.name, known))
            continue
        if unit.name in seen:
            found.reject(unit.line, "text", unit.name, f"stands in the file twice (line {seen[unit.name]})")
        seen[unit.name] = unit.line
        key, _ = known[unit.name]
        revision = spoken[key].get(unit.source.strip())
        if revision is None:
            found.reject(unit.line, "source", unit.name, "the source never said this: leave it as it was exported")
        elif _sound(unit, key[2], found):
            chosen.append((unit, key, revision))
    return chosen


def _reviewed_anew(tx: Tx, keys: Mapping[str, Field], tag: str, act: Act, done: _Outcome) -> None:
    """Approved announcements whose words changed want a new approval; a first translation they wait for does not."""
    changed = {one.name for one in done.changed}
    written = {keys[name][1]: name in changed for name in (*done.added, *changed) if keys[name][0] == OWNER}
    for owner_id, known in sorted(written.items()):
        if known or tag not in gates.waits(tx, OWNER, owner_id):
            slug = reopen(tx, owner_id, act=act)
            if slug:
                done.warnings.append(f"announcement/{slug}: its words changed, it wants a new approval")


def _ended(words: str, source: str, known: str) -> str:
    """The words, ending as before or as the source does: translators' programs drop or add line breaks."""
    bare = words.strip()
    if not bare or bare == known.strip():
        return known if bare else ""
    return bare + "\n" if source.endswith("\n") else bare


def _sound(unit: Unit, name: str, found: Fields) -> bool:
    words = found.clean(Scalar(unit.words, unit.line), unit.name)
    if words and name in _ONE_LINE and "\n" in words:
        found.reject(unit.line, unit.name, words, "must be one line")
        return False
    return words is not None


def _take(
    tx: Tx, process_id: int, unit: Unit, text: tuple[Field, Wording, int], tag: str, act: Act, done: _Outcome
) -> None:
    (kind, owner_id, name), wording, revision = text
    known = wording.versions.get(tag)
    unit = replace(unit, words=_ended(unit.words, wording.source, known.body if known else ""))
    if not unit.words or unit.outdated or wording.source_lang == tag:
        if unit.words and unit.outdated and (known is None or known.body != unit.words):
            done.warnings.append(f"{unit.name}: still marked outdated (fuzzy, needs review), not taken")
        (done.unchanged if known else done.missing).append(unit.name)
        return
    written = texts.put_translation(
        tx, process_id, (kind, owner_id), name, tag, unit.words, act=act, of_revision=revision
    )
    if not written:
        if known is not None and known.body != unit.words:
            done.warnings.append(f"{unit.name}: there is a translation of a later source already, not taken")
        done.unchanged.append(unit.name)
        return
    if revision < wording.fresh_from:
        done.warnings.append(f"{unit.name}: the source has changed since the file was exported, so this is outdated")
    if known is None:
        done.added.append(unit.name)
    else:
        done.changed.append(Changed(unit.name, (tag,)))
