"""Tasks: what only a person can settle. Listed with their age and when they are due, handed to somebody, closed.

A task about a mail that is private or concerns somebody's safety shows its kind and age to everybody, and what it is
about to the privacy circle alone (`may_see_private`). Whoever must know of a correction or a handover is written to:
the contact person for the track, else for the language, else for the whole process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import applications, editions, inbound, inputs, process, roster, tasks
from db import moves as history
from db.engine import Tx
from db.journal import Act
from db.process import ContactRow, ProcessRow
from db.states import TaskState
from db.tasks import TaskRow
from flows import notice
from flows.answers import mail_footer, spoken
from flows.engine import Engine, Refused, nearest
from flows.notice import Single
from flows.views_input import OPEN, known_states
from mailer.clean import one_line
from mailer.content import Block, NoticeKind, NoticeMail
from mailer.parse import parse

MAX_REASON = 500
DUE = {
    "safety": timedelta(hours=4),
    "sample": timedelta(days=1),
    "translated": timedelta(days=1),
    "refused": timedelta(days=1),
    "unsubscribe": timedelta(days=1),
    "abuse": timedelta(days=1),
    "postmaster": timedelta(days=2),
    "complaint": timedelta(days=2),
    "date": timedelta(days=2),
    "command": timedelta(days=3),
    "owner": timedelta(days=3),
}
LATER = timedelta(days=7)
"""How soon a task of a kind should be settled; those that are not named within a week."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task in the list. `subject` and `note` are empty where they may not be seen (`restricted`)."""

    number: int
    kind: str
    subject: str
    note: str
    at: datetime
    due: datetime
    late: bool
    state: str
    assigned_to: str
    restricted: bool


@dataclass(frozen=True, slots=True)
class TaskCard:
    """One task in full. `see`: the command that shows what it is about."""

    line: TaskLine
    see: str
    reason: str
    done_by: str
    done_at: datetime | None
    history: tuple[tuple[datetime, str, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """What a letter about a task says: which kind, for which group, about which mail, in which (masked) words."""

    kind: str
    raw_id: int = 0
    group: str = ""
    text: str = ""
    language: str = "und"


def task_list(
    engine: Engine,
    process_id: int,
    *,
    now: datetime,
    states: Sequence[str] = (),
    kind: str = "",
    assigned_to: str = "",
    may_see_private: bool = False,
) -> list[TaskLine]:
    """Tasks, what is due first on top; only open ones unless states are named."""
    known_states(states, TaskState)
    with engine.db.read() as tx:
        rows = tasks.tasks(tx, process_id, states or (TaskState.OPEN,))
        wanted = [
            row
            for row in rows
            if kind in ("", row.kind) and (not assigned_to or _same(row.assigned_to or "", assigned_to))
        ]
        lines = [_line(tx, row, now, may_see_private) for row in wanted]
    return sorted(lines, key=lambda one: (one.due, one.number))


def task_show(
    engine: Engine, process_id: int, number: int, *, now: datetime, may_see_private: bool = False
) -> TaskCard:
    """One task in full. Raises `Refused` for what only the privacy circle may open."""
    with engine.db.read() as tx:
        row = _row(tx, process_id, number)
        line = _line(tx, row, now, may_see_private)
        if line.restricted and not may_see_private:
            raise Refused(f"task {number} is restricted: only the privacy circle may open it")
        moves = history.moves(tx, ("task", number))
    return TaskCard(
        line=line,
        see=_see(row),
        reason=row.reason or "",
        done_by=row.done_by or "",
        done_at=row.done_at,
        history=tuple((at, actor, what) for at, actor, what in moves),
    )


def done(engine: Engine, process_id: int, number: int, reason: str, *, act: Act) -> None:
    """Close a task, with the reason in a few words."""
    said = one_line(reason)[:MAX_REASON]
    if not said:
        raise Refused("say in a few words what was done")
    with engine.db.write() as tx:
        _row(tx, process_id, number)
        tasks.finish(tx, act, number, process_id, said)


def reopen(engine: Engine, process_id: int, number: int, *, act: Act) -> None:
    """It is not settled after all."""
    with engine.db.write() as tx:
        _row(tx, process_id, number)
        tasks.reopen(tx, act, number, process_id)


def assign(engine: Engine, process_id: int, number: int, who: str, *, act: Act) -> str:
    """Hand a task to somebody; gives the address that was written to, '' when it is no contact person's.

    A contact person, by name or address, gets a letter about it in their language. '' takes it back.
    """
    with engine.db.read() as tx:
        row, owner = _row(tx, process_id, number), process.by_id(tx, process_id)
        people = process.contacts(tx, process_id)
        call = _call(tx, row)
    if owner is None or row.state != TaskState.OPEN:
        raise Refused(f"task {number} is {row.state}: only an open one can be handed to somebody")
    found = _contact(people, who)
    name = one_line(found.name if found else who)[:64]
    stamp = f"{number}:{int(act.now.timestamp())}"
    single = letter(engine, owner, found, call, f"assigned:{stamp}") if found is not None else None
    with engine.db.write() as tx:
        tasks.assign(tx, act, number, process_id, name)
        if single is not None:
            notice.enqueue(tx, engine, owner, single, act=act)
    return found.address if found is not None else ""


def _contact(people: Sequence[ContactRow], who: str) -> ContactRow | None:
    """The contact person of that address, or of that name where only one has it."""
    if "@" in who:
        found = [one for one in people if _same(one.address, who)]
        if not found:
            raise Refused(f"no contact person has the address {who}: {nearest(who, [one.address for one in people])}")
        return found[0]
    found = [one for one in people if who and _same(one.name, who)]
    if len({one.address for one in found}) > 1:
        raise Refused(f"several are called {who}: name one of {', '.join(one.address for one in found)}")
    return found[0] if found else None


def responsible(tx: Tx, owner: ProcessRow, language: str, track_id: int | None) -> ContactRow | None:
    """The contact person for a track, else for a language, else for everything; None when there is nobody."""

    def rank(one: ContactRow) -> tuple[bool, bool, bool, int]:
        speaks = _base(language) in {_base(spoken) for spoken in one.languages}
        elsewhere = one.track_id not in (None, track_id)
        return elsewhere, track_id is not None and one.track_id != track_id, not speaks, one.position

    people = process.contacts(tx, owner.id)
    if track_id is None:  # about a language: whoever speaks it, for whichever track
        speakers = [one for one in people if _base(language) in {_base(spoken) for spoken in one.languages}]
        people = speakers or people
    return min(people, key=rank, default=None)


def letter(engine: Engine, owner: ProcessRow, to: ContactRow | None, call: Call, key: str) -> Single | None:
    """The letter about a task to a contact person, or to the core team's alert address where there is none."""
    address = to.address if to is not None else next(iter(engine.settings.alerts), "")
    if not address:
        return None
    mail = NoticeMail(
        process=owner.name,
        footer=mail_footer(engine, owner, None),
        title=Block(call.kind, "en"),
        about=call.kind,
        details=(Block(call.text, call.language),) if call.text else (),
        facts=(("group", call.group),) if call.group else (),
        number=call.raw_id,
    )
    languages = (*(to.languages if to is not None else ()), owner.source_lang)
    return Single(
        natural_key=f"task:{key}",
        kind="notice",
        rendered=engine.renderer.render(NoticeKind.TASK, spoken(engine, languages), {"mail": mail}),
        to_addr=address,
    )


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


def _same(one: str, other: str) -> bool:
    return one.casefold().strip() == other.casefold().strip()


def _row(tx: Tx, process_id: int, number: int) -> TaskRow:
    row = tasks.one(tx, process_id, number)
    if row is None:
        raise Refused(f"there is no task {number}")
    return row


def _line(tx: Tx, row: TaskRow, now: datetime, may_see_private: bool) -> TaskLine:
    restricted = _is_restricted(tx, row)
    due = row.at + DUE.get(row.kind, LATER)
    seen = may_see_private or not restricted
    return TaskLine(
        number=row.id,
        kind=row.kind,
        subject=_subject(tx, row) if seen else "",
        note=row.note if seen else "",
        at=row.at,
        due=due,
        late=row.state == TaskState.OPEN and due < now,
        state=row.state,
        assigned_to=row.assigned_to or "",
        restricted=restricted,
    )


def _is_restricted(tx: Tx, row: TaskRow) -> bool:
    """Whether it is about somebody's safety, or about what was sent in private."""
    raw = inbound.raw(tx, row.subject_id) if row.subject_kind == "raw" else None
    verdict = (raw.verdict or {}) if raw is not None else {}
    filed = inputs.by_raw(tx, raw.id) if raw is not None else None
    hidden = filed is not None and filed.visibility not in OPEN
    return row.kind == "safety" or hidden or verdict.get("visibility", "normal") not in ("", "normal")


def _subject(tx: Tx, row: TaskRow) -> str:
    """What a task is about, in a line."""
    if row.subject_kind == "raw":
        head = inbound.heads(tx, [row.subject_id]).get(row.subject_id)
        message = parse(head) if head is not None else None
        said = f" from {message.from_addr}: {message.subject}" if message is not None else ""
        return f"mail {row.subject_id}{said}"
    if row.subject_kind == "group":
        return _group(tx, row) or f"group {row.subject_id}"
    if row.subject_kind == "mailing":
        return editions.mailing(tx, row.subject_id).natural_key
    if row.subject_kind == "application":
        found = next((one for one in applications.waiting(tx, row.process_id) if one.id == row.subject_id), None)
        return f"{found.name} <{found.addr}>" if found is not None else f"application {row.subject_id}"
    return f"{row.subject_kind} {row.subject_id}"


def _see(row: TaskRow) -> str:
    """The command that shows what a task is about, or settles it."""
    if row.kind == "translated":
        return f"tidings translate import --mail {row.subject_id}"
    return {
        "raw": f"tidings inbox show {row.subject_id}" + (" --private" if row.kind == "safety" else ""),
        "mailing": "tidings outbox held",
        "group": "tidings roster list",
        "application": "tidings roster waiting",
    }.get(row.subject_kind, "")


def _call(tx: Tx, row: TaskRow) -> Call:
    """A task as a letter tells of it: nothing of what a mail said, its reader opens it."""
    raw_id = row.subject_id if row.subject_kind == "raw" else 0
    return Call(row.kind, raw_id, _group(tx, row) if row.subject_kind == "group" else "")


def _group(tx: Tx, row: TaskRow) -> str:
    return next((one.name for one in roster.groups(tx, row.process_id) if one.id == row.subject_id), "")
