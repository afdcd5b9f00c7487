"""Control over sending: pause and resume everything or one mailing, release or drop what is held."""

from datetime import timedelta

from db import editions, journal, outbox
from db.engine import Tx
from db.journal import Act
from db.states import WAITING, DeliveryState, MailingState
from flows.engine import Engine, Refused

LIFE = timedelta(hours=36)


def pause(engine: Engine, mailing_id: int | None, why: str, *, act: Act) -> None:
    """Stop one mailing half-way, or all sending; what is in a conversation just now is finished."""
    with engine.db.write() as tx:
        if mailing_id is None:
            outbox.set_paused(tx, act.now, why)
            journal.note(tx, act, ("deployment", 1), "paused")
            return
        _move(tx, mailing_id, MailingState.PAUSED, "paused", act, paused_why=why)


def resume(engine: Engine, mailing_id: int | None, *, act: Act) -> None:
    """Go on with one mailing, or with all sending."""
    with engine.db.write() as tx:
        if mailing_id is None:
            outbox.set_paused(tx, None, None)
            journal.note(tx, act, ("deployment", 1), "resumed")
            return
        _move(tx, mailing_id, MailingState.READY, "resumed", act, paused_why=None)


def release(engine: Engine, mailing_id: int, *, act: Act) -> int:
    """Let a held mailing go, late as it is; gives how many mails wait now."""
    with engine.db.write() as tx:
        _move(tx, mailing_id, MailingState.READY, "released", act, paused_why=None)
        return outbox.postpone(tx, mailing_id, act.now, act.now + LIFE)


def drop(engine: Engine, mailing_id: int, *, act: Act) -> int:
    """Withdraw a mailing; what has not left is cancelled and its news given back. Gives how many."""
    with engine.db.write() as tx:
        _move(tx, mailing_id, MailingState.WITHDRAWN, "dropped", act)
        waiting = outbox.ids_in(tx, mailing_id, WAITING)
        return outbox.end(tx, act, waiting, DeliveryState.CANCELLED, "dropped")


def _move(tx: Tx, mailing_id: int, becomes: MailingState, why: str, act: Act, **values: str | None) -> None:
    found = next(iter(editions.mailings(tx, id=mailing_id)), None)
    if found is None:
        raise Refused(f"there is no mailing {mailing_id}; `tidings outbox status` lists them")
    journal.move(tx, act, "mailing", mailing_id, becomes, why, process_id=found.process_id, **values)
