"""One look at a raw message: its thread, its reading, and what is to be done with it. Nothing is changed.

Raises `Purged` when its bytes are gone, and whatever goes wrong in reading: the caller keeps the mail in any case.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from db import inbound
from db.inbound import Bytes, RawRow
from flows.answers import may_answer
from flows.engine import Engine
from flows.filing import Placed, placed
from flows.thread import Shelf, Thread, gather
from flows.understand import Decision, adds_to_a_report, decide
from mailer import trust
from mailer.message import Envelope, Message
from mailer.parse import parse
from mailer.read import read_message
from mailer.reading import Disposition, Kind, Reading, Visibility
from mailer.trust import Vouched

READER = "1"
"""Stored with each verdict; raised when reading changes so much that old mail should be read again."""

Vouch = Callable[[bytes, Envelope, str], Vouched]
"""Checks SPF, DKIM and DMARC of a mail for its From address."""


class Purged(Exception):
    """The bytes of a raw message were destroyed on schedule."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look gave."""

    thread: Thread
    reading: Reading
    decision: Decision
    statements: tuple[Placed, ...]
    fingerprint: str
    vouched: Vouched
    answerable: bool

    def verdict(self, engine: Engine) -> dict[str, Any]:
        """What is stored of it: codes and ids, no addresses and no words (the row outlives the bytes)."""
        reading, thread = self.reading, self.thread
        return {
            "kind": reading.kind.value,
            "rule": reading.rule,
            "disposition": reading.disposition.value,
            "visibility": reading.visibility.value,
            "language": reading.language,
            "notes": list(reading.notes),
            "warnings": list(reading.warnings),
            "vouched": self.vouched.as_json(),
            "via": via(thread),
            "mailing": thread.mailing.id if thread.mailing else None,
            "item": thread.token.item if thread.token else 0,
            "sender": engine.keys.address_hash(thread.writer_key) if thread.writer_key else "",
            "address": thread.writer.address.id if thread.writer else None,
            "answerable": self.answerable,
            "emoji": reading.text[:16] if reading.kind is Kind.REACTION else "",
            "command": reading.command.name if reading.command else "",
            "absent_until": reading.absent_until.isoformat() if reading.absent_until else "",
            "status": reading.bounce.status if reading.bounce else "",
        }


def via(thread: Thread) -> str:
    """How it was tied to what we sent: by address, by thread, or by its sender alone."""
    if thread.token is None:
        return "sender"
    return "address" if thread.addressed else "thread"


def look(engine: Engine, shelf: Shelf, raw: RawRow, *, now: datetime, vouch: Vouch | None = None) -> Looked:
    """Read a mail by what is known now."""
    with engine.db.read() as tx:
        body = inbound.body(tx, raw.id)
    if body is None:
        raise Purged(f"the bytes of raw message {raw.id} are gone")
    message = parse(body.data)
    vouched = _stored(raw) or vouched_for(engine, message, body, vouch)
    if vouched.result:
        message = trust.without_claims(message)
    with engine.db.read() as tx:
        thread = gather(tx, shelf, raw, body.envelope, body.data, message, engine.settings, now)
    reading = read_message(message, body.envelope, thread.context, body.data)
    if adds_to_a_report(thread) and reading.disposition in (Disposition.FILE, Disposition.HOLD):
        reading = replace(reading, visibility=Visibility.SAFETY)
    decision = decide(thread, reading, vouched)
    return Looked(
        thread=thread,
        reading=reading,
        decision=decision,
        statements=placed(thread, reading),
        fingerprint=_fingerprint(engine, message, reading),
        vouched=vouched,
        answerable=may_answer(message, body.envelope.mail_from),
    )


def vouched_for(engine: Engine, message: Message, body: Bytes, vouch: Vouch | None) -> Vouched:
    """What a front server of ours said of a mail that came through it, else what `vouch` finds out."""
    settings = engine.settings
    if trust.within(body.envelope.front or body.envelope.peer, settings.fronts):
        said = trust.front_says(message, settings.auth_servers)
        if said.result:
            return said
    return vouch(body.data, body.envelope, message.from_addr) if vouch else Vouched()


def _stored(raw: RawRow) -> Vouched | None:
    """The verdict of the first look: keys in the DNS change, what a mail was does not."""
    stored = (raw.verdict or {}).get("vouched")
    found = Vouched.from_json(stored) if isinstance(stored, dict) else Vouched()
    return found if found.result not in ("", "temperror") else None


def _fingerprint(engine: Engine, message: Message, reading: Reading) -> str:
    """What knows the same mail again, through a list too: its name and the person's own words."""
    name = message.message_id or f"{message.from_addr} {message.date} {message.subject}"
    words = " ".join((reading.text or message.plain or message.html or message.subject).split())
    return engine.keys.fingerprint(name.encode("utf-8", "replace"), words.encode("utf-8", "replace"))
