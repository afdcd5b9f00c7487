"""What became of statements, recorded as events: `heard` for everybody, `statement` for its author.

An event holds references and states, never words (E1): whoever shows them reads the statement itself, and finds nothing
once it was withdrawn. Safety makes no events; what is private makes them for its author alone (S5).
"""

from collections.abc import Mapping, Sequence

from db import events, timeline
from db.engine import Tx
from db.inputs import InputRow, StatementRow
from db.journal import Act
from db.timeline import Draft
from digests.facts import OtherFacts
from digests.subject import Status, Subject, SubjectKind
from digests.timeline import AnyFacts

PUBLIC, SAFETY = "public", "safety"
_HEARD_IN = ("accepted",)


def tell(
    tx: Tx,
    of: InputRow,
    statements: Sequence[StatementRow],
    state: str,
    *,
    act: Act,
    links: Sequence[str] = (),
    fresh: bool = True,
) -> None:
    """Record that these statements of an input are now `state`. Make it the last step of the transaction.

    Not `fresh`: only what was told before is brought up to date.
    """
    if of.visibility == SAFETY or not statements:
        return
    heard = [Subject(SubjectKind.HEARD, one.id) for one in statements]
    own = [Subject(SubjectKind.STATEMENT, one.id) for one in statements]
    before = events.facts_at_many(tx, of.process_id, [*heard, *own])
    seqs = events.last_seqs(tx, of.process_id, [*heard, *own])
    drafts: list[Draft] = []
    for one in statements:
        drafts += _heard(of, one, state, before, seqs, fresh)
        drafts += _own(of, one, state, before, seqs, tuple(links), fresh)
    timeline.append_events(tx, of.process_id, drafts, act=act, cause="person")


def _heard(
    of: InputRow,
    one: StatementRow,
    state: str,
    before: Mapping[Subject, AnyFacts],
    seqs: Mapping[Subject, int],
    fresh: bool,
) -> list[Draft]:
    subject = Subject(SubjectKind.HEARD, one.id)
    was = before.get(subject)
    shown = of.visibility == PUBLIC and state in _HEARD_IN
    if was is None and not (shown and fresh):
        return []
    facts = OtherFacts(
        title=one.ref,
        status=Status.OVER if shown else Status.CANCELLED,
        tracks=(one.track,) if one.track else (),
        ref=one.ref,
        state=state,
        about=of.liaison_id,
    )
    return [] if facts == was else [Draft(subject, facts, was, seqs.get(subject, 0))]


def _own(
    of: InputRow,
    one: StatementRow,
    state: str,
    before: Mapping[Subject, AnyFacts],
    seqs: Mapping[Subject, int],
    links: tuple[str, ...],
    fresh: bool,
) -> list[Draft]:
    subject = Subject(SubjectKind.STATEMENT, one.id)
    was = before.get(subject)
    if of.liaison_id is None or (was is None and not fresh):
        return []
    facts = OtherFacts(
        title=one.ref,
        status=Status.CANCELLED if state == "withdrawn" else Status.OPEN,
        ref=one.ref,
        state=state,
        links=links,
        about=of.liaison_id,
    )
    if facts == was:
        return []
    return [Draft(subject, facts, was, seqs.get(subject, 0), about_liaison=of.liaison_id)]
