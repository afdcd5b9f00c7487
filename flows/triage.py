"""Triage: what the core team, or its author, does with an input. Each verb is one transaction, with its events.

A mail that somebody has touched is read again by nobody but a person. Raises `Refused` with words for the person, and
`WrongMove` for a state that does not allow it.
"""

from db import counters, inbound, inputs, journal, process, roster, timeline
from db.engine import Tx
from db.inputs import InputRow, StatementRow, Words
from db.journal import Act
from db.states import InputState, StatementState
from flows.engine import Engine, Refused, nearest
from flows.filing import Placed, add_statements, reindex
from flows.held import file_held, ignore_held, reprocess
from flows.outcome import tell
from mailer.mask import mask

__all__ = [
    "accept",
    "accept_all",
    "decline",
    "file_held",
    "fix",
    "ignore_held",
    "merge",
    "note",
    "publish",
    "refile",
    "reprocess",
    "set_group",
    "set_private",
    "unmerge",
    "withdraw",
    "withdraw_statement",
]

MAX_WORDS = 50_000


def accept(engine: Engine, input_id: int, *, act: Act) -> None:
    """Take an input up: everybody hears of it, and its author what became of it."""
    with engine.db.write() as tx:
        row, statements = _standing(tx, input_id)
        inputs.move_input(tx, act, row, InputState.ACCEPTED, "accepted")
        _touch(tx, row, act)
        tell(tx, row, _alive(statements), "accepted", act=act)


def accept_all(engine: Engine, input_ids: list[int], *, act: Act) -> int:
    """Take several up, each on its own; gives how many."""
    for input_id in input_ids:
        accept(engine, input_id, act=act)
    return len(input_ids)


def decline(engine: Engine, input_id: int, *, act: Act) -> None:
    """Do not take an input up; its author is told in the next digest."""
    with engine.db.write() as tx:
        row, statements = _standing(tx, input_id)
        inputs.move_input(tx, act, row, InputState.DECLINED, "declined")
        _touch(tx, row, act)
        tell(tx, row, _alive(statements), "declined", act=act)


def merge(engine: Engine, input_id: int, into: str, *, act: Act) -> str:
    """Count an input's statements as part of another statement; gives the root's reference.

    Always into the root, so that there are no circles (S3); the rows stay, and their group stays credited.
    """
    with engine.db.write() as tx:
        row, statements = _standing(tx, input_id)
        counters.last_seq(tx, row.process_id)  # one merge at a time: roots must not move meanwhile
        root = _root(tx, row.process_id, into)
        if root.input_id == row.id:
            raise Refused(f"{root.ref} is part of this input")
        alive = _alive(statements)
        inputs.move_statements(tx, act, alive, StatementState.MERGED, f"into {root.ref}", merged_into=root.id)
        for one in alive:
            inputs.repoint(tx, one.id, root.id)
            inputs.link(tx, one.id, root.id, "duplicate")
        inputs.move_input(tx, act, row, InputState.MERGED, f"into {root.ref}")
        _touch(tx, row, act)
        tell(tx, row, alive, "merged", act=act, links=(f"merged:{root.ref}",))
    return root.ref


def _root(tx: Tx, process_id: int, ref: str) -> StatementRow:
    found = _statement(tx, process_id, ref)
    while found.merged_into is not None:
        following = inputs.statement_by_id(tx, found.merged_into)
        if following is None:
            break
        found = following
    if found.state == StatementState.WITHDRAWN:
        raise Refused(f"{found.ref} was withdrawn")
    if (home := inputs.one(tx, found.input_id)) is not None and home.visibility != "public":
        raise Refused(f"{found.ref} is not public")
    return found


def unmerge(engine: Engine, input_id: int, *, act: Act) -> None:
    """Let a merged input stand for itself again."""
    with engine.db.write() as tx:
        row, statements = _standing(tx, input_id)
        inputs.move_input(tx, act, row, InputState.NEW, "unmerged")
        merged = [one for one in statements if one.state == StatementState.MERGED]
        inputs.move_statements(tx, act, merged, StatementState.OPEN, "unmerged", merged_into=None)
        tell(tx, row, merged, "open", act=act, fresh=False)


def withdraw(engine: Engine, input_id: int, *, act: Act) -> None:
    """Take a whole input back, as its author wishes. The references stay, without words (S4)."""
    with engine.db.write() as tx:
        row, statements = _standing(tx, input_id)
        _withdraw(tx, row, _alive(statements), act, whole=True)


def withdraw_statement(engine: Engine, process_id: int, ref: str, *, act: Act) -> None:
    """Take one statement back; with the last one the input is withdrawn."""
    with engine.db.write() as tx:
        statement = _statement(tx, process_id, ref)
        row, statements = _standing(tx, statement.input_id)
        others = [one for one in _alive(statements) if one.id != statement.id]
        _withdraw(tx, row, [statement], act, whole=not others)


def _withdraw(tx: Tx, row: InputRow, statements: list[StatementRow], act: Act, *, whole: bool) -> None:
    if whole:
        inputs.move_input(tx, act, row, InputState.WITHDRAWN, "withdrawn")
    inputs.move_statements(tx, act, statements, StatementState.WITHDRAWN, "withdrawn")
    for one in statements:
        inputs.reword(tx, one, Words("", ""), "withdrawn", act.now)
        reindex(tx, one, row.visibility, None)
    _touch(tx, row, act)
    tell(tx, row, statements, "withdrawn", act=act, fresh=False)


def fix(engine: Engine, process_id: int, ref: str, text: str, *, act: Act) -> str:
    """Put new words in place of a statement's: a revision under the same reference, which is given."""
    text = text.strip()
    if not text:
        raise Refused("the new words are missing")
    if len(text) > MAX_WORDS:
        raise Refused(f"a statement has at most {MAX_WORDS} characters")
    with engine.db.write() as tx:
        statement = _statement(tx, process_id, ref)
        row, _ = _standing(tx, statement.input_id)
        if statement.state == StatementState.WITHDRAWN:
            raise Refused(f"{statement.ref} was withdrawn")
        words = Words(text, mask(text), statement.quote or "")
        inputs.reword(tx, statement, words, "fixed", act.now)
        reindex(tx, statement, row.visibility, words.masked)
        _touch(tx, row, act)
    return statement.ref


def set_private(engine: Engine, input_id: int, *, act: Act) -> None:
    """Show an input to the privacy circle alone from now on: nobody hears of it, nobody finds it."""
    _set_visibility(engine, input_id, "private", act)


def publish(engine: Engine, input_id: int, *, act: Act) -> None:
    """Show a private input to everybody from now on. What concerns safety stays where it is."""
    _set_visibility(engine, input_id, "public", act)


def _set_visibility(engine: Engine, input_id: int, visibility: str, act: Act) -> None:
    with engine.db.write() as tx:
        row, statements = _standing(tx, input_id)
        if row.visibility == "safety":
            raise Refused("a report about somebody's safety stays restricted")
        if row.visibility == visibility:
            return
        inputs.change_input(tx, row.id, visibility=visibility)
        _touch(tx, row, act, f"made {visibility}")
        changed, _ = _standing(tx, input_id)
        for one in statements:
            reindex(tx, one, visibility, one.masked)
        state = {InputState.ACCEPTED.value: "accepted", InputState.DECLINED.value: "declined"}.get(row.state, "open")
        tell(tx, changed, _alive(statements), state, act=act, fresh=state == "accepted")


def refile(engine: Engine, process_id: int, ref: str, to: str, *, act: Act) -> None:
    """Tie a statement to another question (by code) or track (by slug); a suggestion is settled by it."""
    kind, anchor_id, track_id = _target(engine, process_id, to)
    with engine.db.write() as tx:
        statement = _statement(tx, process_id, ref)
        inputs.change_statement(
            tx, statement.id, anchor_kind=kind, anchor_id=anchor_id, track_id=track_id, confidence=1.0, suggested=None
        )
        row, statements = _standing(tx, statement.input_id)
        _touch(tx, row, act, "filed elsewhere")
        moved = [one for one in statements if one.id == statement.id]
        state = "accepted" if row.state == InputState.ACCEPTED else row.state
        tell(tx, row, moved, state, act=act, fresh=False)


def _target(engine: Engine, process_id: int, to: str) -> tuple[str, int, int]:
    with engine.db.read() as tx:
        question = timeline.question_by_code(tx, process_id, to)
        tracks = {track.slug: track.id for track in process.tracks(tx, process_id)}
        if question is None and to not in tracks:
            codes = [one.code for one in timeline.questions(tx, process_id)]
            raise Refused(f"there is no question or track {to!r}: {nearest(to, [*codes, *tracks])}")
    return ("question", question.id, question.track_id) if question else ("track", tracks[to], tracks[to])


def note(
    engine: Engine, process_id: int, text: str, to: str, *, act: Act, group: str = "", language: str | None = None
) -> int:
    """File what the core team heard elsewhere, on a question (by code) or track (by slug); gives the input's id."""
    if not text.strip():
        raise Refused("the note has no words")
    anchor_kind, anchor_id, track_id = _target(engine, process_id, to)
    place = Placed(Words(text.strip(), mask(text.strip())), anchor_kind, anchor_id, track_id, 1.0)
    with engine.db.write() as tx:
        values = {
            "process_id": process_id,
            "group_id": _group(tx, process_id, group) if group else None,
            "voice": "core",
            "context": "note",
            "writer": "",
            "language": language,
            "visibility": "public",
            "state": InputState.NEW,
            "received_at": act.now,
            "subject": "",
            "body": text.strip(),
        }
        input_id = inputs.add_input(tx, values)
        if input_id is None:
            raise Refused("the note was filed already")
        add_statements(tx, process_id, input_id, "public", [place], "filed", act=act)
        journal.note(tx, act, ("input", input_id), "typed in", process_id=process_id)
    return input_id


def set_group(engine: Engine, input_id: int, slug: str, *, act: Act) -> None:
    """Credit an input to a group: who speaks for several is asked (S6)."""
    with engine.db.write() as tx:
        row, _ = _standing(tx, input_id)
        inputs.change_input(tx, row.id, group_id=_group(tx, row.process_id, slug))
        _touch(tx, row, act, "credited")


def _group(tx: Tx, process_id: int, slug: str) -> int:
    found = roster.group_by_slug(tx, process_id, slug)
    if found is None:
        slugs = [one.slug for one in roster.groups(tx, process_id)]
        raise Refused(f"there is no group {slug!r}: {nearest(slug, slugs)}")
    return found.id


def _standing(tx: Tx, input_id: int) -> tuple[InputRow, list[StatementRow]]:
    """An input, locked, with its statements."""
    row = inputs.one(tx, input_id, lock=True)
    if row is None:
        raise Refused(f"there is no input {input_id}")
    return row, inputs.statements(tx, [input_id]).get(input_id, [])


def _alive(statements: list[StatementRow]) -> list[StatementRow]:
    gone = (StatementState.WITHDRAWN, StatementState.MERGED)
    return [one for one in statements if one.state not in gone]


def _statement(tx: Tx, process_id: int, ref: str) -> StatementRow:
    found = inputs.statement(tx, process_id, ref)
    if found is None:
        raise Refused(f"there is no statement {ref!r}")
    return found


def _touch(tx: Tx, row: InputRow, act: Act, why: str = "") -> None:
    """A person decided: better code does not overrule it."""
    if row.raw_id is not None:
        inbound.change(tx, row.raw_id, touched_by=act.actor)
    if why:
        inputs.note(tx, act, row, why)
