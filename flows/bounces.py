"""What comes back: delivery reports, complaints and absences, and what they do to deliveries, addresses and readers.

Only a report that carries a name of ours counts (VERP token, Message-ID, or one in the returned mail): anybody can
write one about anybody. It concerns the address that was written to, not the liaison's present one (K6), and nobody is
deleted for it. Policy (RFC 3463): a mailbox that does not exist is suppressed at once; a full one or a delay counts
lightly and fades, and only a probe that comes back too ends it; what is refused for
its form (5.6.x) is ours to mend, and so is policy (5.7.x) unless nearly everybody else got the mail.
"""

import re
from datetime import date, timedelta

from db import addresses, journal, outbox, process, roster, sent, tasks
from db.engine import Database, Tx
from db.journal import Act
from db.process import ProcessRow
from db.roster import LiaisonRow
from db.sent import SentRow
from db.states import DeliveryState, LiaisonState, RawState, WrongMove
from flows import probe
from flows import roster as people
from flows.engine import Engine, Refused
from flows.thread import Thread, tokens_in
from mailer.reading import Reading
from mailer.token import Purpose, Token

HEAVY, UNWANTED, LIGHT, LIMIT = 5.0, 2.0, 1.0, 5.0
FEW = 20  # one in so many of a mailing that is refused by policy is about its reader, not about us
LONGEST_ABSENCE = timedelta(days=366)
_NO_MAILBOX = re.compile(r"5\.(?:1\.(?:0|1|2|3|6|10)|2\.1|4\.4)$")
# Policy, and what is wrong with the mail itself: too big, its form, an address that no server on the way can carry.
_OURS = re.compile(r"5\.(?:3\.4|[67]\.\d+)$")
_FAILED = re.compile(r"^\s*action\s*:\s*failed\b", re.IGNORECASE | re.MULTILINE)
_BOUNCEABLE = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.COMPLAINED, DeliveryState.PRESUMED)


def named(thread: Thread, reading: Reading) -> list[Token]:
    """The tokens of ours that a report carries, the surest first."""
    if thread.house is None:
        return []
    read = reading.bounce or reading.complaint
    ids = read.message_ids if read else ()
    returned = "\n".join(part.text[:20_000] for part in thread.message.parts)
    found = [thread.token] if thread.token is not None else []
    found += tokens_in(thread.house, ids, f"{returned}\n{(thread.message.plain or '')[:20_000]}")
    return list(dict.fromkeys(found))


def bounced(tx: Tx, engine: Engine, thread: Thread, reading: Reading, *, act: Act) -> RawState:
    """Record a delivery report; gives the state of its raw message. Held when it names nothing of ours."""
    found = _delivery(tx, thread, reading)
    if found is None or reading.bounce is None or thread.owner is None:
        return RawState.HELD
    failed = reading.bounce.permanent is True or _is_final(thread)
    status = reading.bounce.status or ("5.0.0" if failed else "4.0.0")
    if failed and found.state in _BOUNCEABLE:
        why = f"bounce {status}"
        journal.move(tx, act, "delivery", found.id, DeliveryState.BOUNCED, why, process_id=found.process_id, reason=why)
        outbox.void_cursors(tx, [found.id])
    weigh(tx, engine, thread.owner, found, status, reading.bounce.permanent is True, act=act)
    return RawState.BOUNCE


def refused(tx: Tx, engine: Engine, found: SentRow, status: str, permanent: bool, *, act: Act) -> None:
    """Our smart host said no while we were talking to it, for good or once too often: it counts like a report."""
    owner = process.by_id(tx, found.process_id)
    if owner is not None:
        weigh(tx, engine, owner, found, status, permanent, act=act)


def weigh(tx: Tx, engine: Engine, owner: ProcessRow, found: SentRow, status: str, permanent: bool, *, act: Act) -> None:
    """Count a failure against the address it happened to, and do what follows.

    A mailbox that does not exist is suppressed at once. Lighter failures add up, and fade; when they come to the limit,
    one probe asks whether anything arrives, and only if that comes back too is the address suppressed.
    """
    unwanted = status.startswith("5.7.") and _is_about_reader(tx, found)
    if _OURS.match(status) and not unwanted:
        tasks.add(tx, act, owner.id, "refused", ("mailing", found.mailing_id), status)
        return
    if found.address_id is None:
        return
    heavy = permanent and _NO_MAILBOX.match(status) is not None
    probed = sent.probed_at(tx, found.address_id)
    score = sent.add_score(tx, found.address_id, HEAVY if heavy else UNWANTED if unwanted else LIGHT, act.now)
    if heavy or (probed is not None and probe.is_one(tx, found.mailing_id)):
        _suppress(tx, engine, owner, found, "bounces", act)
    elif probed is not None and probed + probe.PATIENCE <= act.now:
        sent.set_probe(tx, found.address_id, None, LIMIT / 2)  # the last probe arrived: half of it is forgiven
    elif round(score, 1) >= LIMIT and probed is None:  # five on one day are five, though each has faded a little
        probe.send(tx, engine, owner, found, act=act)
        sent.set_probe(tx, found.address_id, act.now, score)


def _is_about_reader(tx: Tx, found: SentRow) -> bool:
    """Whether a refusal by policy is one reader's own: the others got the mail, or it is the probe that asked."""
    if probe.is_one(tx, found.mailing_id):
        return True
    went, came_back = sent.outcomes(tx, found.mailing_id)
    return went >= (FEW - 1) * max(came_back, 1)


def _is_final(thread: Thread) -> bool:
    """Whether the report says that it failed for good, whatever its code (RFC 3464 section 2.3.3)."""
    return any(part.type.endswith("delivery-status") and _FAILED.search(part.text) for part in thread.message.parts)


def _delivery(tx: Tx, thread: Thread, reading: Reading) -> SentRow | None:
    if thread.owner is None:
        return None
    for token in named(thread, reading):
        if token.purpose is Purpose.LEAVE or token.purpose is Purpose.RELAY:
            continue
        if found := sent.delivery(tx, thread.owner.id, token.mailing, token.person):
            return found
    return None


def complained(tx: Tx, engine: Engine, thread: Thread, reading: Reading, *, act: Act) -> RawState:
    """Stop mailing at once to whom a complaint is about. Held, with a task, when it names nothing of ours."""
    if thread.owner is None:
        return RawState.HELD
    found = _delivery(tx, thread, reading)
    if found is None:
        tasks.add(tx, act, thread.owner.id, "complaint", ("raw", thread.raw.id))
        return RawState.HELD
    if found.state in (DeliveryState.SENT, DeliveryState.PRESUMED):
        why = "complaint"
        journal.move(
            tx, act, "delivery", found.id, DeliveryState.COMPLAINED, why, process_id=found.process_id, reason=why
        )
    _suppress(tx, engine, thread.owner, found, "complaint", act)
    return RawState.COMPLAINT


def _suppress(tx: Tx, engine: Engine, owner: ProcessRow, found: SentRow, reason: str, act: Act) -> None:
    """Mail this address no more; a person looks for another way to whoever is unreachable now."""
    if not found.address_key:
        return
    if not addresses.suppress(tx, owner.id, engine.keys.address_hash(found.address_key), reason, act.now):
        return
    if found.address_id is not None:
        journal.note(tx, act, ("address", found.address_id), f"suppressed: {reason}", process_id=owner.id)
    if found.liaison_id is not None and not _reachable(tx, engine, owner, found.liaison_id):
        first = [one for one in roster.mandates(tx, owner.id, [found.liaison_id]) if one.rank == "first"]
        standing_in = dict(deputies(tx, owner, found.liaison_id))
        for mandate in first:
            # A silent liaison is a community cut off: is there a deputy who can be asked?
            deputy = standing_in.get(mandate.group_id)
            note = f"{reason}; deputy: liaison {deputy}" if deputy else f"{reason}; no deputy"
            tasks.add(tx, act, owner.id, "unreachable", ("group", mandate.group_id), note)


def _reachable(tx: Tx, engine: Engine, owner: ProcessRow, liaison_id: int) -> bool:
    """Whether a usable address is left (A5)."""
    mine = addresses.addresses(tx, owner.id, [liaison_id]).get(liaison_id, [])
    usable = [one for one in mine if one.is_primary and one.verified_at is not None]
    return any(addresses.standing_order(tx, owner.id, engine.keys.address_hash(one.key)) is None for one in usable)


def away(db: Database, liaison: LiaisonRow, until: date, *, act: Act) -> bool:
    """Pause digests until somebody is back; a longer pause of their own stays. False where nothing changed."""
    if until > act.now.date() + LONGEST_ABSENCE:
        return False
    if liaison.state == LiaisonState.PAUSED and (liaison.paused_until is None or liaison.paused_until >= until):
        return False
    try:
        return people.pause(db, liaison.id, until, act=act)
    except (Refused, WrongMove):  # back already, or gone for good
        return False


def deputies(tx: Tx, owner: ProcessRow, liaison_id: int) -> list[tuple[int, int]]:
    """Who stands in for a first liaison: (group id, liaison id of an active deputy)."""
    mandates = roster.mandates(tx, owner.id)
    groups = {one.group_id for one in mandates if one.liaison_id == liaison_id and one.rank == "first"}
    found = []
    for one in mandates:
        if one.group_id in groups and one.rank == "deputy" and one.liaison_id != liaison_id:
            deputy = roster.liaison(tx, one.liaison_id)
            if deputy is not None and deputy.state == LiaisonState.ACTIVE:
                found.append((one.group_id, one.liaison_id))
    return found
