"""The ledger: who got a mailing, when, in which language and size, at which address, what the server answered; who did
not, and why. Read a row at a time, so that it is as flat for 100,000 readers as for ten."""

from collections.abc import Iterator

from db import announcements, editions, ledger
from db.editions import DigestRow, EditionRow, MailingRow
from db.engine import Tx
from db.ledger import LedgerRow
from db.states import AnnouncementState
from flows.engine import Refused

# Why somebody was left out, or a mail did not leave: the codes of `left_out` and `delivery.reason`, in words.
WHY = {
    "not-active": "not an active liaison",
    "no-address": "no usable address: none confirmed, or suppressed",
    "not-due": "had one in this period already",
    "nothing-new": "nothing new in their interests",
    "overtaken": "the next edition is frozen before their hour comes",
    "superseded": "the next edition tells it all",
}


def why(row: LedgerRow) -> str:
    """The reason of a row in words; '' where there is none to give."""
    return WHY.get(row.reason, row.reason)


def of_edition(tx: Tx, series: DigestRow, name: str) -> MailingRow:
    """The mailing of an edition: named by its number, its slot or, for an announcement, its short name."""
    known = editions.editions(tx, series.id)
    found = next((row for row in known if name in (str(row.number), row.slot_wall)), None)
    if found is not None:
        return _mailing_of(tx, found)
    text = announcements.by_slug(tx, series.process_id, name)
    if text is not None:
        made = editions.mailings(tx, announcement_id=text.id)
        if not made and text.fold and text.state == AnnouncementState.MAILED:
            raise Refused(f"{name} rides in the digest: name the edition, as `tidings digest plan` numbers it")
        if not made:
            raise Refused(f"announcement {name!r} is {text.state}: nothing of it was mailed")
        return made[-1]
    raise Refused(
        f"there is no edition and no announcement {name!r}: `tidings digest plan` and `tidings announce list` name them"
    )


def _mailing_of(tx: Tx, row: EditionRow) -> MailingRow:
    made = editions.mailings(tx, edition_id=row.id)
    if not made:
        raise Refused(f"edition {row.slot_wall} is {row.state}: nothing of it was mailed")
    return made[0]


def by_id(tx: Tx, process_id: int, mailing_id: int) -> MailingRow:
    """The mailing that `outbox status` shows under this number."""
    found = editions.mailings(tx, id=mailing_id, process_id=process_id)
    if not found:
        raise Refused(f"there is no mailing {mailing_id}; `tidings outbox status` lists them")
    return found[0]


def rows(tx: Tx, mailing: MailingRow) -> Iterator[LedgerRow]:
    """Everybody in the audience of a mailing, and what became of it for them."""
    return ledger.rows(tx, mailing.id)
