"""Mail in: keep it, say 250, understand it later and as often as it takes.

`store` is one commit for many mails; when it returns they are on disk, when it raises none is kept. `understand` claims
what is pending, reads it without a transaction, and writes what came of it in one: an input, a fate of a delivery, a
setting, a task. A raw message yields at most one input, whoever reads it however often. What cannot be read is kept as
broken, with the reason.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from db import counters, inbound, tasks
from db.engine import DatabaseUnavailable, Lane, Tx
from db.inbound import Arrived, RawRow
from db.journal import Act
from db.process import ContactRow, ProcessRow
from db.states import RawState
from flows import answers, bounces, commands, notice, receipt, signup
from flows import tasks as calls
from flows.answers import Correspondent
from flows.door import Door, Verdict, open_door
from flows.engine import Engine, Refused
from flows.failpoint import Failpoint
from flows.filing import file
from flows.held import file_held
from flows.look import READER, Looked, Purged, Vouch, look
from flows.notice import Single
from flows.thread import Shelf
from flows.understand import AWAITS, COPY, UNPROVED
from flows.vouching import Checks
from mailer.mask import mask
from mailer.message import Envelope
from mailer.reading import Visibility

__all__ = ["Gatekeeper", "Understood", "gatekeeper", "open_door", "store", "understand"]

log = logging.getLogger("tidings.inbound")

STORED = Failpoint("inbound.stored")
READ = Failpoint("inbound.read")
APPLIED = Failpoint("inbound.applied")

LEASE = timedelta(minutes=10)
GIVE_UP = 3  # tries that ended in an error
LOST = 5  # tries that never ended: the worker died over it
MAX_TOLD = 1_000  # characters of a mail in a letter about it
LATER = timedelta(minutes=5)  # until the DNS is asked again about a mail that waits for its answer
_REPORTS = (RawState.BOUNCE, RawState.COMPLAINT)


@dataclass(slots=True)
class Gatekeeper:
    """Judges recipients for the listener. `refresh` now and then: processes and digests are added."""

    engine: Engine
    door: Door

    def __call__(self, address: str, envelope: Envelope | None = None) -> Verdict:
        """Whether mail for this address is taken: by its name or the token in it, without a database."""
        del envelope
        return self.door.accept(address)

    def refresh(self) -> None:
        """Read the names of processes and digests anew."""
        self.door = open_door(self.engine)


def gatekeeper(engine: Engine) -> Gatekeeper:
    """The judge of recipients as things are now."""
    return Gatekeeper(engine, open_door(engine))


def store(engine: Engine, batch: Sequence[tuple[Envelope, bytes]], *, act: Act) -> list[int]:
    """Keep mails as they came, in one commit; gives their ids. Raises when none of them was kept."""
    if not batch:
        return []
    mails = [Arrived(envelope, data, act.now) for envelope, data in batch]
    with engine.db.write(Lane.INBOUND) as tx:
        ids = inbound.store(tx, mails, timedelta(days=engine.settings.raw_days))
    STORED.reach()
    return ids


@dataclass(slots=True)
class Understood:
    """What one run did: how many mails became what, and how many receipts were written."""

    became: Counter[str] = field(default_factory=Counter)
    receipts: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """Mails that were dealt with."""
        return sum(self.became.values())


def understand(engine: Engine, limit: int = 100, *, act: Act, vouch: Vouch | None = None) -> Understood:
    """Understand up to `limit` pending mails, then write the receipts that are due.

    `vouch` checks SPF, DKIM and DMARC where no trusted front server did; it is called in threads of its own, for
    several mails at a time. One mail that cannot be read stops no other.
    Raises `DatabaseUnavailable`: what was not finished is claimed again when its lease is over.
    """
    report = Understood()
    with engine.db.write() as tx:
        claimed = inbound.claim(tx, act.now, act.now + LEASE, limit)
    shelf = Shelf(open_door(engine), engine.renderer)
    with Checks(engine, claimed, vouch) as checks:
        for raw in claimed:
            try:
                became = _one(engine, shelf, raw, act, checks.of(raw))
            except DatabaseUnavailable:
                raise
            except Exception as error:  # whatever is wrong with one mail, it is kept and the next one is read
                log.exception("raw message %s cannot be understood", raw.id)
                became = _failed(engine, raw, f"{type(error).__name__}: {error}"[:500], act)
                report.failed += 1
            if became:
                report.became[became] += 1
    report.receipts = receipt.send_receipts(engine, act=act)
    return report


def _failed(engine: Engine, raw: RawRow, reason: str, act: Act) -> str:
    with engine.db.write() as tx:
        if not inbound.holds(tx, raw):
            return ""
        if raw.tries < GIVE_UP:
            inbound.release(tx, raw.id, reason)
            return ""
        inbound.settle(
            tx, act, raw.id, RawState.BROKEN, "cannot be read", process_id=raw.process_id, reason=reason, reader=READER
        )
    return RawState.BROKEN


def _one(engine: Engine, shelf: Shelf, raw: RawRow, act: Act, vouch: Vouch | None) -> str:
    """Understand one mail; gives the state it came to, '' when somebody else was first."""
    if raw.tries > LOST:
        return _failed(engine, raw, "reading it never ended", act)
    try:
        looked = look(engine, shelf, raw, now=act.now, vouch=vouch)
    except Purged as error:
        return _failed(engine, raw, str(error), act)
    READ.reach()
    if _must_wait(raw, looked):
        with engine.db.write() as tx:
            if inbound.holds(tx, raw):
                inbound.release(tx, raw.id, "the DNS does not answer", act.now + LATER)
        return ""
    apply = _Apply(engine, raw, looked, act)
    apply.prepare()
    with engine.db.write() as tx:
        became = apply.write(tx) if inbound.holds(tx, raw) else ""
    APPLIED.reach()
    return became


def _must_wait(raw: RawRow, looked: Looked) -> bool:
    """Whether a later answer of the DNS may decide otherwise."""
    decision = looked.decision
    doubtful = decision.doubtful or (decision.state is RawState.HELD and decision.reason in (AWAITS, UNPROVED))
    return looked.vouched.result == "temperror" and doubtful and raw.tries < GIVE_UP


@dataclass(slots=True)
class _Apply:
    """What is about to be written of one mail: its state, and the letters that were worded beforehand."""

    engine: Engine
    raw: RawRow
    looked: Looked
    act: Act
    letters: list[tuple[ProcessRow, Single]] = field(default_factory=list)
    state: RawState = RawState.HELD
    reason: str | None = None
    task: str = ""

    def prepare(self) -> None:
        """Do what has a transaction of its own (commands, pauses, confirmations), and word what is to be sent."""
        decision, owner = self.looked.decision, self.looked.thread.owner
        self.state, self.reason, self.task = decision.state, decision.reason, decision.task
        if owner is None:
            return
        with self.engine.db.read() as tx:
            if self._is_twin(tx):
                return  # what the first one asked for is not done a second time
        if decision.confirms:
            self._confirm()
        elif decision.joins:
            self._join(owner)
        elif decision.command is not None:
            self._command(owner)
        elif decision.absent_until is not None and decision.actor is not None:
            self._away(owner)
        elif decision.state is RawState.ROUTED or (decision.state is RawState.FILED and decision.task):
            self._route(owner)
        elif decision.ask and self.looked.answerable:
            asked = answers.question(self.engine, owner, self.looked.thread, self.looked.reading.language)
            self.letters.append((owner, asked))

    def _command(self, owner: ProcessRow) -> None:
        done = commands.carry_out(self.engine, self.looked, act=self.act)
        if done.reason:
            self.state, self.reason, self.task = RawState.HELD, done.reason, "command"
        if done.letter is not None:
            self.letters.append((owner, done.letter))
        if done.receipt_of is not None and self.looked.answerable:
            message_id = self.looked.thread.message.message_id
            thread = (message_id,) if message_id else ()
            made = receipt.again(self.engine, done.receipt_of, self.looked.fingerprint[:16], thread)
            self.letters += [made] if made is not None else []

    def _join(self, owner: ProcessRow) -> None:
        """Ask a writer who wants to take part whether it was them; a person decides when that cannot be done."""
        reading, message = self.looked.reading, self.looked.thread.message
        languages = (reading.language,) if reading.language not in ("", "und") else (owner.source_lang,)
        wish = signup.Wish(
            name=message.from_name or message.from_addr.partition("@")[0],
            address=message.from_addr,
            group="",
            languages=languages,
            zone=owner.zone,
            wording=signup.BY_MAIL,
            evidence="by mail",
        )
        try:
            if self.looked.answerable:
                signup.ask(self.engine, owner.slug, wish, act=self.act)
                return
        except Refused as error:
            log.info("raw message %s asked to take part and cannot: %s", self.raw.id, error)
        self.state, self.reason, self.task = RawState.HELD, "wants to take part", "sign-up"

    def _confirm(self) -> None:
        """File what a writer sent before they said yes; only mail of the very address that was asked counts."""
        thread = self.looked.thread
        sender = self.engine.keys.address_hash(thread.writer_key)
        about, asked, *rest = thread.mailing.natural_key.split(":") if thread.mailing else ("", "")
        if thread.mailing is None or thread.owner is None or asked != sender:
            self.state, self.reason = RawState.HELD, "a yes from another address than was asked"
            return
        if about == "optin":
            if not signup.confirm_tag(self.engine, thread.owner, int(rest[0], 16), "by reply", act=self.act):
                self.state, self.reason = RawState.HELD, "a yes to a question that is too old"
            return
        with self.engine.db.read() as tx:
            held = inbound.raws(tx, process_id=thread.mailing.process_id, states=[RawState.HELD], limit=1_000)
        about = AWAITS if thread.mailing.natural_key.startswith("held:") else UNPROVED
        waiting = [one for one in held if one.reason == about and (one.verdict or {}).get("sender") == sender]
        author = Act("writer", self.act.now)
        for one in reversed(waiting):
            try:
                file_held(self.engine, one.id, act=author, voice="community" if about == AWAITS else "")
            except Refused as error:  # filed by somebody meanwhile, or purged
                log.info("raw message %s was not filed on confirmation: %s", one.id, error)

    def _away(self, owner: ProcessRow) -> None:
        """Pause digests until somebody is back, and tell who stands in for them."""
        decision = self.looked.decision
        if decision.actor is None or decision.absent_until is None:
            return
        clock = Act(f"liaison:{decision.actor.id}", self.act.now)
        if not bounces.away(self.engine.db, decision.actor, decision.absent_until, act=clock):
            return
        with self.engine.db.read() as tx:
            standing_in = bounces.deputies(tx, owner, decision.actor.id)
            people = {deputy: answers.correspondent(tx, owner, deputy) for _, deputy in standing_in}
        for group_id, deputy in standing_in:
            if (to := people[deputy]) is not None:
                self.letters.append((owner, self._told(owner, to, group_id)))

    def _told(self, owner: ProcessRow, to: Correspondent, group_id: int) -> Single:
        decision = self.looked.decision
        group = next((one.name for one in to.groups if one.id == group_id), "")
        return answers.notice(
            self.engine,
            owner,
            to,
            "away",
            f"{self.looked.fingerprint}:{to.liaison.id}:{group_id}",
            title=group,
            until=decision.absent_until,
            about=decision.actor.name if decision.actor else "",
        )

    def _route(self, owner: ProcessRow) -> None:
        """Wake whoever looks after such a thing, and tell a writer whom we know that a person has it."""
        looked, whose = self.looked, self._whose()
        about = looked.statements if self.state is RawState.ROUTED else ()  # beside a task they answer something else
        track = next((one.track_id for one in about if one.track_id is not None), None)
        language = whose if self.task == "translation" else looked.reading.language
        with self.engine.db.read() as tx:
            to = calls.responsible(tx, owner, language, track if self.task == "date" else None)
        if looked.reading.visibility is Visibility.SAFETY:
            woken = self.engine.settings.alerts or ((to.address,) if to is not None else ())
            letters = answers.alerts(self.engine, owner, woken, self.raw.id, looked.fingerprint)
        else:
            letters = self._call(owner, to)
        if looked.answerable and looked.thread.writer is not None:
            filed = len(looked.statements) if self.state is RawState.FILED else 0
            letters.append(answers.noted(self.engine, owner, looked.thread, self.task, filed))
        self.letters += [(owner, single) for single in letters]

    def _call(self, owner: ProcessRow, to: ContactRow | None) -> list[Single]:
        """The letter to a contact person about a wrong date, a wrong word, somebody's successor."""
        looked = self.looked
        groups = looked.thread.writer_groups or looked.thread.named_groups
        words = mask(looked.reading.text, looked.thread.context.own_addresses)[:MAX_TOLD]
        named = ", ".join(one.name for one in groups)
        call = calls.Call(self.task, self.raw.id, named, words, looked.reading.language)
        single = calls.letter(self.engine, owner, to, call, looked.fingerprint)
        return [single] if single is not None else []

    def write(self, tx: Tx) -> str:
        """Everything at once, or nothing."""
        thread = self.looked.thread
        if thread.owner is not None:
            counters.last_seq(tx, thread.owner.id)  # one at a time in a process, so that twins see each other
        if self._is_twin(tx):
            self.state, self.reason, self.task = RawState.DUPLICATE, "the same mail came before", ""
            self.letters = []
        else:
            self._effects(tx)
        self._settle(tx)
        return self.state

    def _is_twin(self, tx: Tx) -> bool:
        twin = inbound.twin(tx, self.looked.fingerprint, self.raw.id)
        if twin is None:
            return False
        return twin.state != RawState.HELD or twin.reason != COPY or self.reason == COPY

    def _effects(self, tx: Tx) -> None:
        thread, reading, decision = self.looked.thread, self.looked.reading, self.looked.decision
        if self.state is RawState.BOUNCE:
            self.state = bounces.bounced(tx, self.engine, thread, reading, act=self.act)
        elif self.state is RawState.COMPLAINT:
            self.state = bounces.complained(tx, self.engine, thread, reading, act=self.act)
        elif decision.filing is not None and self.state in (RawState.FILED, RawState.ROUTED):
            statements = self.looked.statements if self.state is RawState.FILED else ()
            file(tx, thread, reading, decision.filing, statements, act=self.act)
        if self.state is RawState.BOUNCE and reading.bounce is not None:
            word = "delayed" if reading.bounce.permanent is False else "failed"
            self.reason = f"{word} {reading.bounce.status}".rstrip()
        if self.state is RawState.HELD and decision.state in _REPORTS:
            self.reason = "a report that names no mail of ours"
        if thread.owner is None:
            return
        if self.task:
            tasks.add(tx, self.act, thread.owner.id, self.task, ("raw", self.raw.id), self._whose())
        for owner, single in self.letters:
            notice.enqueue(tx, self.engine, owner, single, act=self.act, caused_at=self.raw.received_at)

    def _whose(self) -> str:
        """What tells for whom a task is: the language of a translation, the group that changes hands."""
        thread, language = self.looked.thread, self.looked.reading.language
        if self.task == "translation":
            return "" if language == "und" else language
        groups = thread.writer_groups or thread.named_groups
        return groups[0].slug if self.task == "handover" and len(groups) == 1 else ""

    def _settle(self, tx: Tx) -> None:
        looked, settings = self.looked, self.engine.settings
        days = settings.report_days if self.state in _REPORTS else settings.raw_days
        if self.state is RawState.HELD and looked.decision.ask and self.letters:
            days = answers.HELD_DAYS  # as the question said
        owes = self.state is RawState.FILED and looked.answerable
        inbound.settle(
            tx,
            self.act,
            self.raw.id,
            self.state,
            looked.decision.rule,
            process_id=looked.thread.owner.id if looked.thread.owner else None,
            rule=looked.decision.rule,
            reason=self.reason,
            reader=READER,
            fingerprint=looked.fingerprint,
            verdict=looked.verdict(self.engine),
            purge_at=self.raw.received_at + timedelta(days=days),
            look_at=self.act.now if owes else None,
        )
