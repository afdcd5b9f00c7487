"""Signed links: whose page a token opens, and the addresses that are handed out.

A token that is forged, of another deployment, or whose reader was forgotten opens nothing: all of these look the same
from outside.
"""

from dataclasses import dataclass

from db import editions, process, roster, subscriptions
from db.editions import DigestRow
from db.engine import Tx
from db.process import ProcessRow
from db.roster import LiaisonRow
from db.subscriptions import SubscriptionRow
from flows.engine import Engine
from mailer.token import Purpose, Token


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose link it is: a liaison and their place in a digest."""

    owner: ProcessRow
    liaison: LiaisonRow
    place: SubscriptionRow
    digest: DigestRow


def token_of(tx: Tx, engine: Engine, purpose: Purpose, text: str) -> tuple[ProcessRow, Token] | None:
    """The process whose keys made a token, and what it names."""
    for owner in process.everyone(tx):
        token = engine.keys.ring(owner.slug, owner.address_base).read_token(purpose, text)
        if token is not None:
            return owner, token
    return None


def reader(tx: Tx, engine: Engine, text: str) -> Reader | None:
    """The reader whom the token of a leave or preferences link names."""
    found = token_of(tx, engine, Purpose.LEAVE, text)
    place = subscriptions.by_tag(tx, found[1].person) if found and found[1].person else None
    liaison = roster.liaison(tx, place.liaison_id) if place else None
    if found is None or place is None or liaison is None or liaison.forgotten_at is not None:
        return None
    if liaison.process_id != found[0].id:
        return None
    return Reader(found[0], liaison, place, editions.digest(tx, place.digest_id))


def leave_token(engine: Engine, owner: ProcessRow, place: SubscriptionRow) -> str:
    """A token that opens the pages of a reader, for a link outside any mail."""
    return engine.keys.ring(owner.slug, owner.address_base).leave_token(0, place.tag)
