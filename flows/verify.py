"""Proving the ledger: every recorded fate worked out anew from what was recorded beside it.

Attempts are vouched for by journal rows, journal rows by seals, seals by the one before, deliveries by their attempts
and moves. Found is: a row that was altered, added or removed; a second acceptance; a state that nothing led to; a due
mail without a fate. The limit: whoever can write everything may write the whole chain anew. Only a hash kept elsewhere
tells then, such as the one in the generation file, in a backup, or in the log.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, islice, pairwise
from typing import Any

from db import ledger, marks, readers, seals
from db.engine import Database, Tx
from db.states import DeliveryState as D
from db.states import MailingState

SLACK = timedelta(hours=1)  # what is this late without a fate is not just being worked on


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know. A fault breaks a promise; the others are only unproved."""

    fault: bool
    what: str


@dataclass(slots=True)
class Sums:
    """What was looked at."""

    deliveries: int = 0
    accepted: int = 0
    waiting: int = 0
    attempts: int = 0
    unproved: int = 0
    before_chain: int = 0  # attempts of a program that did not chain them yet
    journal: int = 0
    unsealed: int = 0
    seals: int = 0
    newest: str = ""
    faults: int = 0


@dataclass(slots=True)
class Verification:
    """One verification: iterate over `findings`, then read `sums`."""

    db: Database
    now: datetime
    known: tuple[int, str] | None = None  # a seal that was kept elsewhere: number and hash
    sums: Sums = field(default_factory=Sums)

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong or unproved, as it is found; memory does not grow with the deliveries."""
        with self.db.snapshot() as tx:
            for part in (self._chain(tx), self._elsewhere(tx), self._vouched(tx), self._sets(tx), self._fates(tx)):
                for finding in part:
                    yield self._count(finding)

    def _count(self, finding: Finding) -> Finding:
        self.sums.faults += finding.fault
        return finding

    def _chain(self, tx: Tx) -> Iterator[Finding]:
        """Seals over journal rows: each over its rows and the seal before it."""
        self.sums.unsealed = seals.unsealed(tx)
        rows, prev, no = _Beside(ledger.sealed(tx), "seal_no"), "", 0
        for seal in seals.every(tx):
            mine = rows.take(seal.no)
            yield from (_altered_journal(row) for row in mine if _is_altered(row, marks.of_journal(row)))
            if seal.no != no + 1 or seal.prev_hash != prev:
                yield Finding(True, f"seal {seal.no} does not follow seal {no}: the chain was cut or written anew")
            if len(mine) != seal.count:
                yield Finding(
                    True, f"seal {seal.no} of {seal.at:%Y-%m-%d %H:%M} UTC is over {seal.count} journal rows,"
                    f" {len(mine)} are there: {_missing(mine)}",
                )  # fmt: skip
            elif seals.chained(seal.prev_hash, ((row.id, marks.of_journal(row)) for row in mine)) != seal.hash:
                yield Finding(
                    True, f"seal {seal.no} of {seal.at:%Y-%m-%d %H:%M} UTC does not fit its journal rows:"
                    f" {_between(mine)} say something else than they did",
                )  # fmt: skip
            prev, no = seal.hash, seal.no
            self.sums.journal += len(mine)
        yield from (Finding(True, f"journal row {row.id} is under a seal that is not there") for row in rows.orphans())
        self.sums.seals, self.sums.newest = no, prev

    def _elsewhere(self, tx: Tx) -> Iterator[Finding]:
        if self.known is None:
            return
        no, value = self.known
        found = seals.find(tx, no)
        if found is None:
            yield Finding(
                True, f"seal {no} is known outside the database, which ends at {self.sums.seals}: cut off or put back"
            )
        elif found.hash != value:
            yield Finding(
                True, f"seal {no} is another one than is known outside the database: written anew or put back"
            )

    def _vouched(self, tx: Tx) -> Iterator[Finding]:
        """Attempts that have ended: each batch under the journal row that vouches for it."""
        rows = _Beside(ledger.vouched(tx), "journal_id")
        for voucher in ledger.vouchers(tx):
            mine = rows.take(voucher.id)
            altered = [row for row in mine if _is_altered(row, marks.of_attempt(row))]
            for row in altered:
                yield Finding(True, f"attempt {row.n} of delivery {row.delivery_id} was altered after it was recorded")
            said = f"the attempts recorded at {voucher.at:%Y-%m-%d %H:%M:%S} UTC by {voucher.actor}"
            if len(mine) != voucher.subject_id:
                yield Finding(
                    True, f"{said} were {voucher.subject_id}, {len(mine)} are there: some were removed or added"
                )
            elif not altered and marks.over(marks.of_attempt(row) for row in mine) != voucher.proof:
                yield Finding(True, f"{said} say something else than they did: of deliveries {_named(mine)}")
        for row in rows.orphans():
            yield Finding(True, f"attempt {row.n} of delivery {row.delivery_id}: no journal row vouches for it")

    def _sets(self, tx: Tx) -> Iterator[Finding]:
        """Whether each mailing still has everybody it was addressed to (E3)."""
        promised = ledger.promised(tx)
        for row in ledger.settled(tx):
            there = row.given + row.left
            if there != row.total:
                yield Finding(True, f"mailing {row.id} ({row.natural_key}) was for {row.total}, {there} are there")
            elif row.set_hash and (
                readers.settled(tx, row.id)[1] != row.set_hash or promised.get(row.id, row.set_hash) != row.set_hash
            ):
                yield Finding(True, f"mailing {row.id} ({row.natural_key}) has other readers than were recorded")
        for mailing_id in ledger.gone_mailings(tx):
            yield Finding(True, f"mailing {mailing_id} was removed: the journal knows it, the database does not")

    def _fates(self, tx: Tx) -> Iterator[Finding]:
        """Each delivery beside its attempts and its moves."""
        attempts, moves = (
            _Beside(ledger.attempts(tx), "delivery_id"),
            _Beside(ledger.moves_of_deliveries(tx), "subject_id"),
        )
        for delivery in ledger.deliveries(tx):
            tries = attempts.take(delivery.id)
            self.sums.deliveries += 1
            self.sums.attempts += len(tries)
            self.sums.accepted += any(one.outcome == "accepted" for one in tries)
            self.sums.waiting += delivery.state in (D.QUEUED, D.DEFERRED, D.SENDING, D.HELD)
            for what in faults_of(delivery, tries, moves.take(delivery.id), self.now):
                yield Finding(True, f"delivery {delivery.id} of mailing {delivery.mailing_id}: {what}")
            for one in tries:
                yield from self._unproved(delivery, one)
        yield from (
            Finding(True, f"an attempt of delivery {row.delivery_id}, which is gone") for row in attempts.orphans()
        )
        for _, rows in groupby(moves.orphans(), key=lambda row: row.subject_id):
            yield Finding(True, f"delivery {next(rows).subject_id} was removed: the journal knows it")

    def _unproved(self, delivery: Any, one: Any) -> Iterator[Finding]:
        if one.ended_at is not None and one.journal_id is None:
            self.sums.before_chain += 1
        # Claimed and then cancelled without an end: it was dropped before anything was said to a server.
        begun = one.outcome == "unknown" or (
            one.outcome == "started" and delivery.state not in (D.SENDING, D.CANCELLED)
        )
        if begun:
            self.sums.unproved += 1
            yield Finding(
                False, f"attempt {one.n} of delivery {one.delivery_id}, begun {one.started_at:%Y-%m-%d %H:%M:%S} UTC:"
                f" nobody can say whether it arrived ({one.reply or 'no end'}); the delivery is {delivery.state}",
            )  # fmt: skip


def faults_of(delivery: Any, tries: list[Any], moves: list[Any], now: datetime) -> Iterator[str]:
    """What a delivery claims that its attempts and moves do not bear out."""
    accepted = [one for one in tries if one.outcome == "accepted"]
    last = moves[-1].move_to if moves else None
    if len(accepted) > 1:
        yield f"accepted {len(accepted)} times"
    if len(tries) != delivery.tries:
        begun = "1 try was" if delivery.tries == 1 else f"{delivery.tries} tries were"
        yield f"{begun} begun, {len(tries)} recorded: one was removed or added"
    if any(_is_elsewhere(delivery, one) for one in accepted):
        yield "its address, language or wording was altered after it was sent"
    if accepted and delivery.state not in (D.SENT, D.BOUNCED, D.COMPLAINED):
        yield f"the server took it, and yet it is {delivery.state}"
    if delivery.state == D.SENT and not accepted:
        yield "it is sent, and no attempt was accepted"
    if delivery.state == D.FAILED and (not tries or tries[-1].ended_at is None):
        yield "it is failed, and no attempt ended so"
    if delivery.state in (D.CANCELLED, D.PRESUMED, D.BOUNCED, D.COMPLAINED) and last != delivery.state:
        yield f"it is {delivery.state}, and nothing moved it there"
    if delivery.state == D.HELD and moves and last != D.HELD:
        yield "it is held, and nothing moved it there"
    if delivery.mailing_state == MailingState.READY and _has_no_fate(delivery, now):
        yield f"it is {delivery.state} though its limit was {delivery.not_after:%Y-%m-%d %H:%M} UTC"


def _is_elsewhere(delivery: Any, one: Any) -> bool:
    # Whose address is gone was forgotten, or left long ago.
    if delivery.address_id is None:
        return False
    return not marks.is_sent(one.sent_hash or "", delivery.address_id, delivery.lang, delivery.variant_id)


def _has_no_fate(delivery: Any, now: datetime) -> bool:
    if delivery.state == D.SENDING:
        return delivery.lease_until is None or delivery.lease_until < now - SLACK
    return delivery.state in (D.QUEUED, D.DEFERRED) and delivery.not_after < now - SLACK


def _is_altered(row: Any, mark: str) -> bool:
    return row.mark is not None and row.mark != mark


def _altered_journal(row: Any) -> Finding:
    return Finding(True, f"journal row {row.id} ({row.subject_kind} {row.subject_id}) was altered after it was written")


def _named(rows: list[Any]) -> str:
    more = f" and {len(rows) - 20} more" if len(rows) > 20 else ""
    return ", ".join(str(row.delivery_id) for row in rows[:20]) + more


def _missing(rows: list[Any]) -> str:
    """Where in a seal rows were removed, as far as their numbers tell."""
    gaps = [str(n) for one, other in pairwise(rows) for n in islice(range(one.id + 1, other.id), 20)]
    return _between(rows) + (f", without {', '.join(gaps[:20])}" if gaps else "")


def _between(rows: list[Any]) -> str:
    return f"rows {rows[0].id} to {rows[-1].id}" if rows else "none"


class _Beside:
    """A stream in order of a key, read in step with another one: the rows of each key, and those nobody asked for."""

    def __init__(self, rows: Iterable[Any], key: str) -> None:
        self._groups = groupby(rows, key=lambda row: getattr(row, key))
        self._next: tuple[Any, list[Any]] | None = None
        self._passed: list[Any] = []
        self._advance()

    def _advance(self) -> None:
        found = next(self._groups, None)
        self._next = None if found is None else (found[0], list(found[1]))

    def take(self, key: Any) -> list[Any]:
        """The rows of this key; keys are asked for in rising order."""
        while self._next is not None and self._next[0] < key:
            self._passed += self._next[1]
            self._advance()
        if self._next is None or self._next[0] != key:
            return []
        rows = self._next[1]
        self._advance()
        return rows

    def orphans(self) -> Iterator[Any]:
        """The rows of keys that were not asked for; to be called at the end."""
        yield from self._passed
        while self._next is not None:
            yield from self._next[1]
            self._advance()
