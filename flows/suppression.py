"""Standing orders not to mail an address: a list of them, and taking one back, a person's act with a reason."""

from dataclasses import dataclass
from datetime import datetime

from db import addresses, journal, sent, suppressions
from db.engine import Tx
from db.journal import Act
from flows.engine import Engine, Refused
from mailer.address import key


@dataclass(frozen=True, slots=True)
class Suppressed:
    """An address that is not mailed. `addr` '' when it is nobody's any more: only its hash is kept."""

    addr: str
    liaison: str
    reason: str
    since: datetime


def listed(engine: Engine, process_id: int) -> list[Suppressed]:
    """Every suppression in force, oldest first."""
    with engine.db.read() as tx:
        orders = suppressions.in_force(tx, process_id)
        known = {
            engine.keys.address_hash(one.key): (one.addr, name) for one, name in suppressions.owned(tx, process_id)
        }
    return [Suppressed(*known.get(value, ("", "")), reason, since) for value, reason, since in orders]


def lift(engine: Engine, process_id: int, addr: str, why: str, *, act: Act) -> None:
    """Mail an address again, for a reason in words; its bounces so far are forgotten.

    Raises `Refused` or `AddressError`.
    """
    if not why.strip():
        raise Refused("say why it may be mailed again: --why 'the mailbox was full, she says'")
    wanted = key(addr)
    with engine.db.write() as tx:
        if not addresses.lift_suppression(tx, process_id, engine.keys.address_hash(wanted), act.now, why.strip()):
            raise Refused(f"{addr} is not suppressed; `tidings roster suppressed` lists what is")
        _begin_anew(tx, process_id, wanted, act)


def _begin_anew(tx: Tx, process_id: int, wanted: str, act: Act) -> None:
    standing = addresses.by_address_key(tx, process_id, wanted, act.now)
    if standing is not None:
        sent.forget_score(tx, standing.address.id)
        journal.note(tx, act, ("address", standing.address.id), "suppression lifted", process_id=process_id)
