"""Commands that came by mail, carried out through the verbs of the roster and of triage, each as the liaison who asked.

Every command may be carried out twice without harm: what is set already stays. What cannot be granted is told to a
person with the reason. A doubtful command changes nothing: its liaison is told what is set, and may answer that letter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from db import inputs
from db.engine import Tx
from db.inputs import InputRow, StatementRow
from db.journal import Act
from db.roster import LiaisonRow
from db.states import InputState, StatementState, WrongMove
from flows import roster, triage
from flows.answers import Correspondent, correspondent, notice, standing, taken_back
from flows.engine import Engine, Refused
from flows.look import Looked
from flows.notice import Single
from mailer.content import NoticeKind

_CADENCES = {"weekly": "weekly", "fortnightly": "fortnightly", "monthly": "monthly"}


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command: a letter that says so, an input whose receipt is due anew, or why a person is needed."""

    letter: Single | None = None
    reason: str = ""
    receipt_of: int | None = None


def carry_out(engine: Engine, looked: Looked, *, act: Act) -> Done:
    """Do what a mail asks for, and word the answer. Changes nothing when it is doubtful."""
    decision, thread = looked.decision, looked.thread
    if decision.command is None or thread.owner is None or (decision.actor is None and thread.original is None):
        return Done(reason="nobody we know asks for it")
    author = Act(f"liaison:{decision.actor.id}" if decision.actor else "writer", act.now)
    name, argument = decision.command.name, decision.command.argument
    receipt_of = None
    if not decision.doubtful:
        try:
            if name == "group" and thread.original is not None:
                triage.set_group(engine, thread.original.id, argument, act=author)
                receipt_of = thread.original.id
            elif name in ("withdraw", "private", "fix"):
                receipt_of = _about_statement(engine, looked, name, argument, author)
            elif decision.actor is not None:
                _about_standing(engine, decision.actor, name, argument, author)
        except (Refused, WrongMove, ValueError) as error:
            return Done(reason=f"{name}: {error}")
    if receipt_of is not None:
        return Done(receipt_of=receipt_of)
    if decision.actor is None:
        return Done(letter=_taken_back(engine, looked))
    with engine.db.read() as tx:
        to = correspondent(tx, thread.owner, decision.actor.id, thread.writer.address.id if thread.writer else None)
    return Done(letter=_answer(engine, looked, to, "status" if decision.doubtful else name) if to else None)


def _about_standing(engine: Engine, liaison: LiaisonRow, name: str, argument: str, author: Act) -> None:
    verbs: dict[str, Callable[[], object]] = {
        "unsubscribe": lambda: roster.leave(engine.db, liaison.id, act=author),
        "pause": lambda: roster.pause(engine.db, liaison.id, _day(argument), act=author),
        "resume": lambda: roster.come_back(engine.db, liaison.id, act=author),
        "hour": lambda: roster.set_hour(engine.db, liaison.id, int(argument), act=author),
        "language": lambda: roster.set_languages(engine.db, liaison.id, _first(argument, liaison), act=author),
        "help": lambda: None,
        "status": lambda: None,
        **{
            name: lambda cadence=cadence: roster.set_cadence(engine.db, liaison.id, cadence, act=author)  # type: ignore[misc]
            for name, cadence in _CADENCES.items()
        },
    }
    if name not in verbs:
        raise Refused("this is not known here")
    verbs[name]()


def _day(argument: str) -> date | None:
    return date.fromisoformat(argument) if argument else None


def _first(language: str, liaison: LiaisonRow) -> list[str]:
    """The languages of a liaison with this one before the others."""
    return [language, *(one for one in liaison.languages if one != language)]


def _about_statement(engine: Engine, looked: Looked, name: str, ref: str, author: Act) -> int | None:
    """Fix, hide or withdraw a statement of one's own; gives the input whose receipt shows it, if one does."""
    owner, actor = looked.thread.owner, looked.decision.actor
    if owner is None:
        raise Refused("nobody we know asks for it")
    with engine.db.read() as tx:
        row, statement = _own(tx, looked, owner.id, actor.id if actor else None, ref)
    if name == "fix":
        if row.state == InputState.WITHDRAWN:
            raise Refused(f"{statement.ref} was withdrawn")
        triage.fix(engine, owner.id, statement.ref, looked.reading.text, act=author)
        return row.id
    if name == "private":
        triage.set_private(engine, row.id, act=author)
        return row.id
    if statement.state != StatementState.WITHDRAWN:
        triage.withdraw_statement(engine, owner.id, statement.ref, act=author)
    return None


def _own(tx: Tx, looked: Looked, process_id: int, liaison_id: int | None, ref: str) -> tuple[InputRow, StatementRow]:
    """The writer's own statement of that reference; without one, the only one of the receipt that is answered.

    Of somebody of the community only what the receipt that they answer told of is known to be theirs.
    """
    if ref:
        statement = inputs.statement(tx, process_id, ref)
        row = inputs.one(tx, statement.input_id) if statement else None
        told = row is not None and looked.thread.original is not None and row.id == looked.thread.original.id
        if statement is None or row is None or row.liaison_id != liaison_id or (liaison_id is None and not told):
            raise Refused(f"{ref} is not a statement of theirs")
        return row, statement
    if looked.thread.original is not None and len(looked.thread.told) == 1:
        return looked.thread.original, looked.thread.told[0]
    raise Refused("which statement is meant? its reference is missing")


def _answer(engine: Engine, looked: Looked, to: Correspondent, name: str) -> Single | None:
    """The letter that says what is set now."""
    owner, message = looked.thread.owner, looked.thread.message
    if owner is None or not looked.answerable:
        return None
    thread = (message.message_id,) if message.message_id else ()
    kind: str = {
        "unsubscribe": NoticeKind.LEFT,
        "pause": NoticeKind.PAUSED,
        "resume": NoticeKind.RESUMED,
        "help": NoticeKind.HELP,
        "withdraw": NoticeKind.WITHDRAWN,
    }.get(name, NoticeKind.STATUS)
    facts = standing(to) if kind == NoticeKind.STATUS else ()
    until = to.liaison.paused_until if kind == NoticeKind.PAUSED else None
    about = (looked.decision.command.argument if looked.decision.command else "") or _told(looked)
    return notice(engine, owner, to, kind, looked.fingerprint, thread=thread, until=until, facts=facts, about=about)


def _taken_back(engine: Engine, looked: Looked) -> Single | None:
    owner, thread = looked.thread.owner, looked.thread
    if owner is None or not looked.answerable:
        return None
    ref = (looked.decision.command.argument if looked.decision.command else "") or _told(looked)
    said = thread.original.language if thread.original is not None else ""
    return taken_back(engine, owner, thread, said or "", ref, looked.fingerprint)


def _told(looked: Looked) -> str:
    """The reference of the only statement of the receipt that is answered."""
    return looked.thread.told[0].ref if len(looked.thread.told) == 1 else ""
