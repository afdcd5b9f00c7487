"""Control over sending: pause and resume everything, a mailing, a domain; release, drop or presume what is held."""

from datetime import timedelta

from db import editions, holding, journal, outbox, pauses
from db.editions import MailingRow
from db.engine import Tx
from db.journal import Act
from db.states import WAITING, DeliveryState, MailingState
from digests.gate import WAITS
from flows.engine import Engine, Refused
from mailer import address

LIFE = timedelta(hours=36)
OVERDUE = "overdue: later than its limit"


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
            if outbox.paused(tx) is None:
                raise Refused(f"sending as a whole is not paused{_still(tx)}")
            outbox.set_paused(tx, None, None)
            journal.note(tx, act, ("deployment", 1), "resumed")
            return
        _move(tx, mailing_id, MailingState.READY, "resumed", act, paused_why=None)
        outbox.postpone(tx, mailing_id, act.now, act.now)  # whoever resumes it knows how late it is


def _still(tx: Tx) -> str:
    """What is paused for itself, and how it goes on."""
    mailings = editions.mailings(tx, state=MailingState.PAUSED)
    ways = [f"`outbox resume {one.id}`" for one in mailings]
    ways += [f"`outbox resume --domain {name}`" for name in pauses.domains(tx)]
    return f"; say {', '.join(ways)}" if ways else ""


def retry(engine: Engine, process_id: int, *, act: Act) -> int:
    """Try now what waits for another try, because what was in the way is mended; gives how many mails."""
    with engine.db.write() as tx:
        mails = outbox.hasten(tx, act.now, process_id)
        if mails:
            journal.note(tx, act, ("deployment", 1), f"{mails} tried again at once")
    return mails


def pause_domain(engine: Engine, domain: str, why: str, *, act: Act) -> str:
    """Send nothing to a destination domain; gives its name as stored. Raises `AddressError` for what is no domain."""
    name = address.key(f"x@{domain}").partition("@")[2]
    with engine.db.write() as tx:
        pauses.pause(tx, name, why, act.now)
        journal.note(tx, act, ("deployment", 1), f"domain {name} paused")
    return name


def resume_domain(engine: Engine, domain: str, *, act: Act) -> str:
    """Go on sending to a domain; gives its name as stored."""
    name = address.key(f"x@{domain}").partition("@")[2]
    with engine.db.write() as tx:
        if not pauses.resume(tx, name):
            raise Refused(f"{name} is not paused; `tidings outbox status` lists what is")
        journal.note(tx, act, ("deployment", 1), f"domain {name} resumed")
    return name


def release(engine: Engine, mailing_id: int, *, act: Act, only: str | None = None) -> int:
    """Let a held mailing go, late as it is, and the mails held in it, for any reason or only one.

    Gives how many mails wait now.
    """
    if only is not None and only.startswith(WAITS):
        raise Refused(f"`tidings translate open {mailing_id} -l {only.removeprefix(WAITS)}` sends what {only}")
    with engine.db.write() as tx:
        found = _find(tx, mailing_id)
        if found.state in (MailingState.HELD, MailingState.PAUSED) and only is None:
            _move(tx, mailing_id, MailingState.READY, "released", act, paused_why=None)
        holding.let_go(tx, act, _held(tx, mailing_id, only), "released", act.now + LIFE, found.process_id)
        return outbox.postpone(tx, mailing_id, act.now, act.now + LIFE)


def drop(engine: Engine, mailing_id: int, *, act: Act, only: str | None = None) -> int:
    """Withdraw a mailing, or only what is held in it for one reason. What has not left is cancelled and its news given
    back: the next edition tells it. Gives how many."""
    with engine.db.write() as tx:
        found = _find(tx, mailing_id)
        if only is not None:
            waiting = _held(tx, mailing_id, only)
        else:
            _move(tx, mailing_id, MailingState.WITHDRAWN, "dropped", act)
            waiting = outbox.ids_in(tx, mailing_id, WAITING)
        return outbox.end(tx, act, waiting, DeliveryState.CANCELLED, "dropped", found.process_id)


def presume(engine: Engine, mailing_id: int, *, act: Act, only: str | None = None) -> int:
    """A person knows that what is held had gone out: it is not sent again, and counts as told. Gives how many."""
    with engine.db.write() as tx:
        found = _find(tx, mailing_id)
        if found.state == MailingState.HELD and only is None:
            waiting = outbox.ids_in(tx, mailing_id, [DeliveryState.QUEUED, DeliveryState.DEFERRED])
            outbox.end(tx, act, waiting, DeliveryState.HELD, "presumed", found.process_id)
            _move(tx, mailing_id, MailingState.READY, "presumed", act, paused_why=None)
        ids = _held(tx, mailing_id, only)
        return outbox.end(tx, act, ids, DeliveryState.PRESUMED, "presumed", found.process_id)


def hold_late(tx: Tx, act: Act) -> list[int]:
    """Hold every mailing that is later than its limit: a person decides whether it still should go. Gives their ids."""
    late = holding.late(tx, act.now)
    for mailing_id in late:
        _move(tx, mailing_id, MailingState.HELD, OVERDUE, act, paused_why=OVERDUE)
    return late


def _held(tx: Tx, mailing_id: int, only: str | None) -> list[int]:
    """The mails held in a mailing, for any reason or only one that there is."""
    found = holding.ids(tx, mailing_id, only)
    if only is not None and not found:
        raise Refused(f"no mail of mailing {mailing_id} is held for {only!r}; `tidings outbox held` says why they are")
    return found


def _find(tx: Tx, mailing_id: int) -> MailingRow:
    found = next(iter(editions.mailings(tx, id=mailing_id)), None)
    if found is None:
        raise Refused(f"there is no mailing {mailing_id}; `tidings outbox status` lists them")
    return found


def _move(tx: Tx, mailing_id: int, becomes: MailingState, why: str, act: Act, **values: str | None) -> None:
    found = _find(tx, mailing_id)
    journal.move(tx, act, "mailing", mailing_id, becomes, why, process_id=found.process_id, **values)
