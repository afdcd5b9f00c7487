"""The life of each thing: an enum with a comment per state and a table of moves beside it.

`docs/vocabulary.md` shows the same tables; a test compares them. Moves are made by `db.journal.move`
alone, which writes the journal row in the same transaction.
"""

from enum import StrEnum


class EditionState(StrEnum):
    """An edition of a digest."""

    DRAFT = "draft"  # assembled, may still be edited; one per digest
    APPROVED = "approved"  # frozen; its deliveries are in the outbox
    MAILED = "mailed"  # every delivery has its fate
    SKIPPED = "skipped"  # nothing to say to anybody
    WITHDRAWN = "withdrawn"  # by a person, or overtaken by the next slot


class AnnouncementState(StrEnum):
    """A one-off text of the core team."""

    DRAFT = "draft"  # being written
    REVIEW = "in review"  # waits for a second person
    SCHEDULED = "scheduled"  # will go at its time, or into the next digest
    MAILED = "mailed"  # enqueued; its deliveries tell the rest
    WITHDRAWN = "withdrawn"  # will not go


class MailingState(StrEnum):
    """Approved content on its way."""

    BUILDING = "building"  # deliveries are being written; nothing can be claimed
    READY = "ready"  # claimable
    PAUSED = "paused"  # a person stopped it half-way
    HELD = "held"  # too late, or of an older generation: a person decides
    MAILED = "mailed"  # every delivery is final
    WITHDRAWN = "withdrawn"  # what had not left was cancelled


class DeliveryState(StrEnum):
    """One mailing for one liaison."""

    QUEUED = "queued"  # waits for its moment
    SENDING = "sending"  # claimed by a worker, under a lease
    SENT = "sent"  # the relay said 250
    DEFERRED = "deferred"  # temporary trouble; tried again later
    FAILED = "failed"  # refused for good, or tried too long
    HELD = "held"  # a person, or a translation, decides
    CANCELLED = "cancelled"  # superseded, too late, suppressed, paused, left: see the reason
    BOUNCED = "bounced"  # came back after it was sent
    COMPLAINED = "complained"  # arrived, and its reader called it spam
    PRESUMED = "presumed"  # a person said after a restore that it had gone out


class RawState(StrEnum):
    """A mail as it came in."""

    PENDING = "pending"  # stored, not yet understood
    FILED = "filed"  # an input was made of it
    BOUNCE = "bounce"  # a delivery report
    COMPLAINT = "complaint"  # a feedback report
    COMMAND = "command"  # a wish about the subscription, carried out
    CALENDAR = "calendar"  # an answer to an invitation
    REACTION = "reaction"  # an emoji, counted
    DUPLICATE = "duplicate"  # the same mail again
    IGNORED = "ignored"  # automatic, empty, or dropped by a person
    HELD = "held"  # waits for a person, with the reason
    ROUTED = "routed"  # made a task for a person
    BROKEN = "broken"  # understanding failed; better code may read it


class InputState(StrEnum):
    """What one mail said."""

    NEW = "new"  # not yet looked at by the core team
    ACCEPTED = "accepted"  # taken up; told to everyone as heard
    DECLINED = "declined"  # not taken up, with a reason
    MERGED = "merged"  # part of another input
    WITHDRAWN = "withdrawn"  # taken back by its author


class StatementState(StrEnum):
    """One citable piece of an input."""

    OPEN = "open"  # filed
    THEMED = "themed"  # put under a theme
    ANSWERED = "answered"  # a working group responded
    CITED = "cited"  # a document names it
    MERGED = "merged"  # the same as another, which counts for it
    WITHDRAWN = "withdrawn"  # taken back by its author


class LiaisonState(StrEnum):
    """A person of the roster."""

    APPLIED = "applied"  # asked to join
    CONFIRMED = "confirmed"  # the address answered
    ACTIVE = "active"  # gets digests
    PAUSED = "paused"  # until a date, or until they say so
    LEFT = "left"  # wants no more; can be undone for 30 days
    FORGOTTEN = "forgotten"  # personal data destroyed


class TaskState(StrEnum):
    """Something a person must do."""

    OPEN = "open"  # nobody has dealt with it
    DONE = "done"  # dealt with


class GateState(StrEnum):
    """A language that readers wait for in one mailing."""

    CLOSED = "closed"  # not ready, before the cut-off
    OPENED = "opened"  # ready, or past the cut-off


_E, _A, _M, _D, _R = EditionState, AnnouncementState, MailingState, DeliveryState, RawState
_I, _S, _L = InputState, StatementState, LiaisonState

_UNDERSTOOD = {
    _R.FILED,
    _R.BOUNCE,
    _R.COMPLAINT,
    _R.COMMAND,
    _R.CALENDAR,
    _R.REACTION,
    _R.DUPLICATE,
    _R.IGNORED,
    _R.HELD,
    _R.ROUTED,
    _R.BROKEN,
}

MOVES: dict[str, dict[str, frozenset[str]]] = {
    "edition": {
        _E.DRAFT: frozenset({_E.APPROVED, _E.SKIPPED, _E.WITHDRAWN}),
        _E.APPROVED: frozenset({_E.MAILED, _E.WITHDRAWN, _E.DRAFT}),
    },
    "announcement": {
        _A.DRAFT: frozenset({_A.REVIEW, _A.SCHEDULED, _A.WITHDRAWN}),
        _A.REVIEW: frozenset({_A.DRAFT, _A.SCHEDULED, _A.WITHDRAWN}),
        _A.SCHEDULED: frozenset({_A.DRAFT, _A.REVIEW, _A.MAILED, _A.WITHDRAWN}),
        _A.MAILED: frozenset({_A.DRAFT, _A.WITHDRAWN}),
    },
    "mailing": {
        _M.BUILDING: frozenset({_M.READY, _M.HELD, _M.WITHDRAWN}),
        _M.READY: frozenset({_M.MAILED, _M.PAUSED, _M.HELD, _M.WITHDRAWN}),
        _M.PAUSED: frozenset({_M.READY, _M.WITHDRAWN}),
        _M.HELD: frozenset({_M.READY, _M.WITHDRAWN}),
        _M.MAILED: frozenset({_M.READY}),
    },
    "delivery": {
        _D.QUEUED: frozenset({_D.SENDING, _D.HELD, _D.CANCELLED}),
        _D.SENDING: frozenset({_D.SENT, _D.DEFERRED, _D.FAILED, _D.HELD, _D.CANCELLED}),
        _D.DEFERRED: frozenset({_D.SENDING, _D.FAILED, _D.HELD, _D.CANCELLED}),
        _D.HELD: frozenset({_D.QUEUED, _D.CANCELLED, _D.PRESUMED}),
        _D.SENT: frozenset({_D.BOUNCED, _D.COMPLAINED}),
        _D.FAILED: frozenset({_D.BOUNCED}),
        _D.COMPLAINED: frozenset({_D.BOUNCED}),
        _D.PRESUMED: frozenset({_D.BOUNCED, _D.COMPLAINED}),
    },
    "raw": {
        _R.PENDING: frozenset(_UNDERSTOOD),
        _R.HELD: frozenset({_R.FILED, _R.IGNORED, _R.PENDING}),
        **{s: frozenset({_R.PENDING}) for s in _UNDERSTOOD if s != _R.HELD},
    },
    "input": {
        _I.NEW: frozenset({_I.ACCEPTED, _I.DECLINED, _I.MERGED, _I.WITHDRAWN}),
        _I.ACCEPTED: frozenset({_I.DECLINED, _I.WITHDRAWN, _I.MERGED}),
        _I.DECLINED: frozenset({_I.ACCEPTED, _I.WITHDRAWN}),
        _I.MERGED: frozenset({_I.NEW, _I.WITHDRAWN}),
    },
    "statement": {
        _S.OPEN: frozenset({_S.THEMED, _S.ANSWERED, _S.CITED, _S.MERGED, _S.WITHDRAWN}),
        _S.THEMED: frozenset({_S.OPEN, _S.ANSWERED, _S.CITED, _S.MERGED, _S.WITHDRAWN}),
        _S.ANSWERED: frozenset({_S.CITED, _S.WITHDRAWN}),
        _S.MERGED: frozenset({_S.OPEN, _S.WITHDRAWN}),
        _S.CITED: frozenset({_S.WITHDRAWN}),
    },
    "liaison": {
        _L.APPLIED: frozenset({_L.CONFIRMED, _L.LEFT}),
        _L.CONFIRMED: frozenset({_L.ACTIVE, _L.LEFT}),
        _L.ACTIVE: frozenset({_L.PAUSED, _L.LEFT}),
        _L.PAUSED: frozenset({_L.ACTIVE, _L.LEFT}),
        _L.LEFT: frozenset({_L.ACTIVE, _L.FORGOTTEN}),
    },
    "task": {TaskState.OPEN: frozenset({TaskState.DONE}), TaskState.DONE: frozenset({TaskState.OPEN})},
    "gate": {GateState.CLOSED: frozenset({GateState.OPENED})},
}

# What a reader counts as told of (N5): live or successful deliveries.
TOLD = (_D.QUEUED, _D.SENDING, _D.DEFERRED, _D.HELD, _D.SENT, _D.COMPLAINED, _D.PRESUMED)
WAITING = (_D.QUEUED, _D.DEFERRED, _D.HELD)
LIVE = (*WAITING, _D.SENDING)
ENDED_BADLY = (_D.FAILED, _D.BOUNCED, _D.CANCELLED)


class WrongMove(Exception):
    """A move that the table does not allow; the message names both states and the allowed ones."""


def check(machine: str, was: str, becomes: str) -> None:
    """Raise `WrongMove` unless `machine` may go from `was` to `becomes`."""
    allowed = MOVES[machine].get(was, frozenset())
    if becomes not in allowed:
        raise WrongMove(
            f"{machine} is {was}: it cannot become {becomes}"
            + (f" (only {', '.join(sorted(allowed))})" if allowed else " (this is final)")
        )
