"""Looking an announcement over before it goes: its words, its links, its languages, its readers, and its day.

Changes nothing. What must be mended is a fault; what a person should know is a note.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from db import announcements, editions, process, texts
from db.announcements import AnnouncementRow
from db.editions import DigestRow
from db.engine import Tx
from db.process import ProcessRow
from db.states import AnnouncementState
from digests import cadence, language
from digests.language import Wording
from digests.wall import zone
from flows.announce import OWNER, due_at, need
from flows.engine import Engine
from flows.press import hours
from flows.recipients import Recipient, arrived, recipients, subscribers
from mailer import markdown, proof

__all__ = ["Dead", "Finding", "check"]

Dead = Callable[[Sequence[str]], Mapping[str, str]]  # addresses -> what is wrong with those that do not answer
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend or to know. `lang` is that of the text, empty where it is about more than one."""

    level: str  # fault, or note
    what: str
    found: str
    lang: str = ""


def check(engine: Engine, process_id: int, slug: str, *, now: datetime, dead: Dead | None = None) -> list[Finding]:
    """All that is wrong or doubtful about an announcement, faults first. `dead` tries links; without it none is."""
    with engine.db.read() as tx:
        row = need(announcements.by_slug(tx, process_id, slug), slug)
        owner = process.by_id(tx, process_id)
        if owner is None:
            raise LookupError(f"announcement {slug} has no process")
        said = {
            field: wording for (_, _, field), wording in texts.load_texts(tx, process_id, [(OWNER, row.id)]).items()
        }
        fallbacks = process.fallbacks(tx, process_id)
        beside = _beside(tx, owner, row, now)
        is_erratum = arrived(tx, row) is not None
    getting = [one for one in recipients(engine, process_id, slug, now=now) if not one.reason]
    found = [*_words(said), *_links(said, dead)]
    if not is_erratum:
        found += [*_outdated(said), *_missing(owner, said["body"], getting, fallbacks)]
    found += _unread(said, getting, fallbacks)
    if not row.fold:
        found += [*_quiet(engine, owner, getting), *beside]
    if not getting:
        found.append(Finding("fault", "nobody", "nobody gets it: see `tidings announce recipients`"))
    return sorted(found, key=lambda one: one.level)


def _words(said: Mapping[str, Wording]) -> list[Finding]:
    found = []
    for lang, version in sorted(said["title"].versions.items()):
        body = said["body"].versions.get(lang)
        for one in proof.doubts(version.body, body.body if body else ""):
            found.append(Finding("fault" if one.sure else "note", one.what, one.found, lang))
    return found


def _links(said: Mapping[str, Wording], dead: Dead | None) -> list[Finding]:
    if dead is None:
        return []
    where: dict[str, list[str]] = {}
    for lang, version in sorted(said["body"].versions.items()):
        for url in markdown.links(version.body):
            where.setdefault(url, []).append(lang)
    faults = dead(list(where)) if where else {}
    return [Finding("fault", "dead-link", f"{url}: {why}", " ".join(where[url])) for url, why in faults.items()]


def _outdated(said: Mapping[str, Wording]) -> list[Finding]:
    return [
        Finding("fault", "translation-outdated", f"the {name} is older than its source", lang)
        for name, wording in said.items()
        for lang in sorted(wording.versions)
        if wording.outdated(lang)
    ]


def _missing(
    owner: ProcessRow, body: Wording, getting: Iterable[Recipient], fallbacks: Mapping[str, Sequence[str]]
) -> list[Finding]:
    """Which languages of the process lack, with how many would get it in that one rather than in what there is."""
    reading = Counter(one.languages for one in getting)
    found, idle = [], []
    for lang in owner.languages:
        if lang in body.versions:
            continue
        there = replace(body, versions={**body.versions, lang: body.versions[body.source_lang]})
        chosen = {order: language.choose(there, order, fallbacks, strict=True) for order in reading}
        reached = sum(n for order, n in reading.items() if (one := chosen[order]) is not None and one.lang == lang)
        if reached:
            found.append(Finding("note", "language-missing", f"{reached} would get it in {lang}", lang))
        else:
            idle.append(lang)
    if idle:
        found.append(Finding("note", "language-missing", f"nobody would get it in {', '.join(idle)}"))
    return found


def _unread(
    said: Mapping[str, Wording], getting: Iterable[Recipient], fallbacks: Mapping[str, Sequence[str]]
) -> list[Finding]:
    """Who would get it in no language of theirs, by the language they would rather have."""
    without: dict[str, list[str]] = {}
    for one in getting:
        chosen = language.choose(said["body"], one.languages, fallbacks, strict=True)
        if not one.got and (chosen is None or not chosen.own):
            without.setdefault(one.languages[0] if one.languages else "-", []).append(one.addr)
    return [Finding("note", "no-readable-language", _named(who), lang) for lang, who in sorted(without.items())]


def _quiet(engine: Engine, owner: ProcessRow, getting: Iterable[Recipient]) -> list[Finding]:
    """Who would get it in their quiet hours, or on a day they do not work."""
    moments = {one.liaison_id: one.send_at for one in getting}
    woken = [
        row.addr
        for batch in subscribers(engine, owner.id)
        for row in batch
        if (at := moments.get(row.liaison_id)) is not None and not hours(row).allows(at)
    ]
    return [Finding("note", "quiet-hours", _named(woken))] if woken else []


def _beside(tx: Tx, owner: ProcessRow, row: AnnouncementRow, now: datetime) -> list[Finding]:
    """What else is mailed on that day, by the calendar of the process."""
    where = zone(owner.zone)
    day = (due_at(row) or now).astimezone(where).date()
    others = [
        f"announcement {one.slug}"
        for one in announcements.announcements(tx, owner.id, [AnnouncementState.SCHEDULED, AnnouncementState.REVIEW])
        if one.id != row.id and not one.fold and (at := due_at(one)) is not None and at.astimezone(where).date() == day
    ]
    for series in editions.digests(tx, owner.id):
        others += [f"edition {wall} of {series.slug}" for wall in _slots_on(series, day)]
    return [Finding("note", "same-day", f"{day}: {one}") for one in others]


def _slots_on(series: DigestRow, day: date) -> list[str]:
    where = zone(series.zone)
    first = datetime.combine(day, datetime.min.time(), where) - timedelta(hours=1)
    found = cadence.slots(cadence.parse(series.rule), where, series.anchor_on, first, first + timedelta(hours=26))
    return [slot.wall for slot in found if slot.wall[:10] == day.isoformat()]


def _named(who: Sequence[str]) -> str:
    return f"{len(who)}: {', '.join(who[:_SHOWN])}" + (", ..." if len(who) > _SHOWN else "")
