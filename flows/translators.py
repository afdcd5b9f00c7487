"""Calls to translators: what waits for their language, until when, with the file to fill in; and what they send back.

Whoever is named as a contact person for a language gets one mail for each mailing that waits for it, as soon as it is
known what is missing: when the draft is made, when an announcement is scheduled, at the latest when it is frozen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from db import announcements, editions, gates, inbound, journal, process, roster, tasks, texts
from db.editions import MailingRow
from db.engine import Tx
from db.journal import Act
from db.process import ContactRow, ProcessRow
from db.states import AnnouncementState, EditionState, GateState, MailingState, RawState, TaskState
from db.texts import Field
from digests.gate import cut_off, waits_for
from digests.language import Wording, wanted
from flows import notice, publish, translations
from flows.announce import OWNER, due_at, mailing_key
from flows.answers import mail_footer, spoken
from flows.engine import Engine, Refused
from flows.gates import missing, wordings
from flows.notice import Single
from flows.recipients import starts
from flows.reports import ImportReport
from flows.translation_file import in_order, write
from flows.translation_sheet import Sheet, Unit
from mailer.content import Block, NoticeKind, NoticeMail, Precision, When
from mailer.parse import parse

SHOWN = 10  # texts that the letter itself quotes; the file has them all
FORMS = {".po": "po", ".pot": "po", ".xlf": "xliff", ".xliff": "xliff", ".yaml": "yaml", ".yml": "yaml"}


@dataclass(frozen=True, slots=True)
class _Call:
    """What is called for: of which mailing (by its key), under which title, in which language, until when."""

    key: str
    title: str
    lang: str
    until: datetime
    said: Mapping[Field, Wording]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A gate as a person sees it: what is missing, how many mails are held, how many people were called."""

    mailing_id: int
    key: str
    lang: str
    state: str
    cut_off_at: datetime
    opened_at: datetime | None
    mails: int
    called: int
    missing: tuple[str, ...]


def tick(engine: Engine, drafted: Sequence[int], *, act: Act) -> None:
    """Call for what drafts that were just made, scheduled announcements and frozen mailings lack."""
    for edition_id in drafted:
        for_draft(engine, edition_id, act=act)
    with engine.db.read() as tx:
        closed = gates.gates(tx, [GateState.CLOSED])
        scheduled = announcements.announcements(tx, states=[AnnouncementState.SCHEDULED])
        waiting = [row.id for row in scheduled if gates.waits(tx, gates.ANNOUNCEMENT, row.id)]
    for announcement_id in waiting:
        for_announcement(engine, announcement_id, act=act)
    for gate in closed:
        with engine.db.read() as tx:
            mailing = editions.mailing(tx, gate.mailing_id)
            owner = process.by_id(tx, mailing.process_id)
            lacks = missing(wordings(tx, mailing.process_id, gate), gate.lang)
            title = _title(tx, mailing)
        if owner is not None and lacks and mailing.state not in (MailingState.BUILDING, MailingState.WITHDRAWN):
            _send(engine, owner, _Call(mailing.natural_key, title, gate.lang, gate.cut_off_at, lacks), act)


def _title(tx: Tx, mailing: MailingRow) -> str:
    if mailing.announcement_id is not None:
        return announcements.by_id(tx, mailing.announcement_id).slug
    series = editions.digest(tx, mailing.digest_id or 0)
    row = editions.edition(tx, mailing.edition_id or 0)
    return f"{series.title}, {row.slot_wall[:10]}" if row is not None else series.title


def for_draft(engine: Engine, edition_id: int, *, act: Act) -> None:
    """Call for what the readers of a language would not get in it if the draft were frozen now."""
    with engine.db.read() as tx:
        row = editions.edition(tx, edition_id)
        if row is None or row.state != EditionState.DRAFT:
            return
        series = editions.digest(tx, row.digest_id)
        orders = gates.waits(tx, gates.DIGEST, series.id)
        owner = process.by_id(tx, series.process_id)
    if not orders or owner is None:
        return
    needs, planned = publish.foresee(engine, edition_id, frozenset(orders), act=act)
    start = max(row.slot_at, planned.frozen_at)
    for lang, wanted_texts in needs.items():
        until = cut_off(start, orders[lang], planned.next_freeze)
        with engine.db.read() as tx:
            known = texts.load_texts(tx, owner.id, {(kind, i) for kind, i, _ in wanted_texts})
        lacks = missing({field: known[field] for field in wanted_texts}, lang)
        if until is not None and lacks:
            key = f"edition:{series.slug}:{row.slot_wall}"
            _send(engine, owner, _Call(key, f"{series.title}, {row.slot_wall[:10]}", lang, until, lacks), act)


def for_announcement(engine: Engine, announcement_id: int, *, act: Act) -> None:
    """Call for the languages that a scheduled announcement waits for and is not in."""
    with engine.db.read() as tx:
        row = announcements.by_id(tx, announcement_id)
        orders = gates.waits(tx, gates.ANNOUNCEMENT, row.id)
        owner = process.by_id(tx, row.process_id)
        said = texts.load_texts(tx, row.process_id, [(OWNER, row.id)])
    due = due_at(row) or starts(row)
    if row.state != AnnouncementState.SCHEDULED or owner is None or due is None:
        return
    for lang, hours in orders.items():
        until, lacks = cut_off(max(due, act.now), hours, None), missing(said, lang)
        if until is not None and lacks:
            _send(engine, owner, _Call(mailing_key(row, row.send_wall), row.slug, lang, until, lacks), act)


def _send(engine: Engine, owner: ProcessRow, call: _Call, act: Act) -> None:
    """One mail to each who translates, unless they had it: the key of the letter remembers."""
    with engine.db.read() as tx:
        people = _people(engine, process.contacts(tx, owner.id), call.lang)
        new = [
            n for n in range(len(people)) if editions.mailing_by_key(tx, owner.id, _key(call.lang, call.key, n)) is None
        ]
        if not new:
            return
        names = {field: name for name, (field, _) in translations.named(tx, owner).items()}
    letters = [_letter(engine, owner, call, people[n], names, _key(call.lang, call.key, n), act.now) for n in new]
    with engine.db.write() as tx:
        for single in letters:
            notice.enqueue(tx, engine, owner, single, act=act)


def _key(lang: str, key: str, n: int) -> str:
    return f"call:{lang}:{key}:{n}"


def _people(engine: Engine, contacts: Sequence[ContactRow], lang: str) -> list[tuple[str, tuple[str, ...]]]:
    """Addresses and languages of who is asked: contact persons of the process who speak a language, else those of its
    tracks who do, else who is alerted."""
    speakers = [one for one in contacts if lang in wanted(one.languages)]
    chosen = [one for one in speakers if one.track_id is None] or speakers
    found = {one.address: one.languages for one in chosen}
    return list(found.items()) or [(address, ()) for address in engine.settings.alerts[:1]]


def _letter(
    engine: Engine,
    owner: ProcessRow,
    call: _Call,
    to: tuple[str, tuple[str, ...]],
    names: Mapping[Field, str],
    key: str,
    now: datetime,
) -> Single:
    address, languages = to
    units = in_order([_unit(names[field], wording, call.lang) for field, wording in call.said.items()])
    mail = NoticeMail(
        process=owner.name,
        footer=mail_footer(engine, owner, None),
        title=Block(call.title, owner.source_lang),
        due=When(call.until, None, Precision.TIME),
        about=call.lang,
        details=tuple(Block(source, owner.source_lang) for source in dict.fromkeys(unit.source for unit in units))[
            :SHOWN
        ],
        number=len(units),
    )
    sheet = write(Sheet(owner.slug, owner.source_lang, call.lang, units), "po", now)
    return Single(
        natural_key=key,
        kind="notice",
        rendered=engine.renderer.render(
            NoticeKind.CALL, spoken(engine, (*languages, owner.source_lang)), {"mail": mail}
        ),
        to_addr=address,
        sheet=(f"{call.lang}.po", sheet),
    )


def _unit(name: str, wording: Wording, lang: str) -> Unit:
    version = wording.versions.get(lang)
    return Unit(name, wording.source, version.body if version else "", bool(version))


def waiting(engine: Engine, process_id: int, *, all_: bool = False) -> list[Waiting]:
    """What waits for which language; with `all_` also what no longer does. Newest first."""
    with engine.db.read() as tx:
        owner = process.by_id(tx, process_id)
        if owner is None:
            raise Refused(f"no process {process_id}")
        names = {field: name for name, (field, _) in translations.named(tx, owner).items()}
        found = []
        for gate in reversed(gates.gates(tx, [] if all_ else [GateState.CLOSED])):
            mailing = editions.mailing(tx, gate.mailing_id)
            if mailing.process_id == process_id:
                found.append(_waiting(tx, mailing, gate, names))
    return found


@dataclass(frozen=True, slots=True)
class Order:
    """A standing order to wait: of a digest or an announcement that may still go."""

    kind: str
    name: str
    lang: str
    hours: int


def orders(engine: Engine, process_id: int) -> list[Order]:
    """What is to wait for which language."""
    with engine.db.read() as tx:
        found = [(gates.DIGEST, one.id, one.slug) for one in editions.digests(tx, process_id)]
        idle = [AnnouncementState.DRAFT, AnnouncementState.REVIEW, AnnouncementState.SCHEDULED]
        found += [(gates.ANNOUNCEMENT, one.id, one.slug) for one in announcements.announcements(tx, process_id, idle)]
        return [
            Order(kind, name, lang, hours)
            for kind, subject_id, name in found
            for lang, hours in gates.waits(tx, kind, subject_id).items()
        ]


def after_order(engine: Engine, kind: str, subject_id: int, *, act: Act) -> None:
    """Call at once for what is drafted or scheduled already."""
    if kind == gates.ANNOUNCEMENT:
        for_announcement(engine, subject_id, act=act)
        return
    with engine.db.read() as tx:
        drafts = editions.editions(tx, subject_id, [EditionState.DRAFT])
    for row in drafts:
        for_draft(engine, row.id, act=act)


def doubts(engine: Engine, owner: ProcessRow, lang: str) -> list[str]:
    """Why waiting for a language may be in vain."""
    with engine.db.read() as tx:
        reading = any(waits_for(one.languages, {lang}) for one in roster.liaisons(tx, owner.id))
        speaking = any(lang in wanted(one.languages) for one in process.contacts(tx, owner.id))
    found = [] if reading else [f"nobody reads {lang} first, so no mail waits"]
    return found if speaking else [*found, f"no contact person in the timeline file speaks {lang}: {_whom(engine)}"]


def _whom(engine: Engine) -> str:
    return f"{engine.settings.alerts[0]} is called" if engine.settings.alerts else "nobody is called"


def _waiting(tx: Tx, mailing: MailingRow, gate: gates.GateRow, names: Mapping[Field, str]) -> Waiting:
    lacks = missing(wordings(tx, mailing.process_id, gate), gate.lang)
    called = [
        one for one in editions.mailings(tx, process_id=mailing.process_id, kind="notice")
        if one.natural_key.startswith(_key(gate.lang, mailing.natural_key, 0)[:-1])
    ]  # fmt: skip
    return Waiting(
        mailing.id,
        mailing.natural_key,
        gate.lang,
        gate.state,
        gate.cut_off_at.astimezone(UTC),
        gate.opened_at,
        len(gates.held(tx, mailing.id, f"waits for {gate.lang}")),
        len(called),
        tuple(sorted(names[field] for field in lacks if field in names)),
    )


def take(engine: Engine, owner: ProcessRow, raw_id: int, lang: str, *, act: Act) -> list[tuple[str, ImportReport]]:
    """Import the files of a mail; if nothing in them is wrong, the mail and its task are settled. Raises `Refused`."""
    with engine.db.read() as tx:
        raw, kept = inbound.raw(tx, raw_id), inbound.body(tx, raw_id)
    if raw is None or raw.process_id != owner.id:
        raise Refused(f"there is no mail {raw_id}; `tidings inbox list` numbers them")
    if kept is None:
        raise Refused(f"the bytes of mail {raw_id} were destroyed on schedule")
    files = [
        (one.name, form, one.content.decode("utf-8-sig"))
        for one in parse(kept.data).attachments
        for form in [FORMS.get("." + one.name.lower().rpartition(".")[2])]
        if form is not None
    ]
    if not files:
        raise Refused(f"mail {raw_id} has no file that ends in {', '.join(FORMS)}")
    done = [
        (name, translations.import_texts(engine.db, owner.slug, content, form, act=act, lang=lang))
        for name, form, content in files
    ]
    if all(report.ok for _, report in done):
        with engine.db.write() as tx:
            _settle(tx, owner, raw_id, act)
    return done


def _settle(tx: Tx, owner: ProcessRow, raw_id: int, act: Act) -> None:
    raw = inbound.raw(tx, raw_id)
    if raw is not None and raw.state == RawState.HELD:
        inbound.settle(tx, act, raw_id, RawState.IGNORED, "translation taken", touched_by=act.actor)
    for task in tasks.tasks(tx, owner.id, [TaskState.OPEN]):
        if (task.kind, task.subject_kind, task.subject_id) == ("translated", "raw", raw_id):
            tasks.finish(tx, act, task.id, owner.id, "imported")
    journal.note(tx, act, ("raw", raw_id), "translation taken", process_id=owner.id)
