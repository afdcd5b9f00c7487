"""What is to be done with one mail, decided from its reading and its thread. Pure.

Who may do what (K5): filing as a liaison needs one of their verified addresses, and a fresh token that agrees or the
word of their own domain (DMARC, or aligned SPF or DKIM); a command a token that agrees, or that word. A token from
elsewhere is a community voice, filed after one confirmation. Whatever is doubtful is held, with the reason, and nothing
is refused after it was taken.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from db.roster import GroupRow, LiaisonRow
from db.states import RawState
from flows.door import Box
from flows.thread import Thread
from mailer.phrases import fold, phrases
from mailer.reading import CommandRead, Disposition, Kind, Reading, Visibility
from mailer.trust import Vouched

LOOP_HEADER = "x-tidings"
AWAITS = "awaits confirmation"
UNPROVED = "nobody vouches for the sender"
COPY = "a copy that a list sent"
FRESH = timedelta(days=60)  # so long a token vouches for whom it names: nobody else was sent it
SHORT = 60  # a yes with a courtesy around it; what is longer says more than yes
_STAFF = (Box.OWNER, Box.ABUSE, Box.POSTMASTER)
_LEAVING = (Box.LEAVE, Box.UNSUBSCRIBE)
# "Yes" and "undo" as the letters of the service ask for them; compared after folding.
_YES = frozenset(
    fold(word)
    for word in (
        "yes", "y", "ok", "okay", "confirm", "نعم", "ja", "sí", "si", "oui", "כן", "हाँ", "हां", "ya", "はい", "sim",
        "да", "ndiyo", "是", "是的", "好", "sì", "tak", "ano", "igen", "evet", "так", "예", "네", "có", "ใช่",
        "হ্যাঁ", "بله",
    )
)  # fmt: skip
_UNDO = frozenset(
    fold(word)
    for word in (
        "undo", "تراجع", "rückgängig", "rückgängig machen", "deshacer", "annuler", "ביטול", "बहाल", "पूर्ववत करें",
        "batalkan", "取り消す", "取り消し", "元に戻す", "desfazer", "отменить", "отмена", "tendua", "撤销", "撤回",
        "撤銷", "恢复", "annulla",
    )
)  # fmt: skip
_JOIN = frozenset({"subscribe", "join"})
_EDGE = " \t\n.,;:!?。！，،؛…\"'«»“”„()[]*_>-"
_OF_STATEMENTS = ("withdraw", "private", "fix")
_ROUTES = ("safety", "handover", "translation", "date")


@dataclass(frozen=True, slots=True)
class Filing:
    """As whose input a mail is filed. Without a group while a writer of several has not said which."""

    voice: str  # liaison, community, core
    visibility: str = "public"
    liaison_id: int | None = None
    group_id: int | None = None
    writer: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a mail: its state, why, and what else is to be done."""

    state: RawState
    rule: str
    reason: str | None = None
    filing: Filing | None = None
    command: CommandRead | None = None
    actor: LiaisonRow | None = None  # who commands, or is away
    task: str = ""
    ask: bool = False  # a polite question back may be sent
    confirms: bool = False  # it answers that question with yes
    joins: bool = False  # it asks to take part, and may be asked back whether it was them
    doubtful: bool = False  # a command that nobody vouched for: told what is set, nothing changed
    absent_until: date | None = None


def decide(thread: Thread, reading: Reading, vouched: Vouched) -> Decision:
    """The decision on one mail. Where no check was made (`vouched.result` is '') the address alone counts."""
    found = _automatic(thread, reading)
    if found is None and reading.visibility is Visibility.SAFETY:
        found = _routed(thread, reading)
    if found is None and _disowned(thread, vouched):
        found = Decision(RawState.HELD, "not vouched for", "the sender's domain does not vouch for it")
    if found is None:
        found = _by_place(thread, reading, vouched)
    if found is None and reading.disposition is Disposition.COMMAND and reading.command is not None:
        found = _commanded(thread, reading, reading.command, vouched)
    return found or _by_person(thread, reading, vouched)


def _disowned(thread: Thread, vouched: Vouched) -> bool:
    """Whether the sender's domain denies it. Where it asks for nothing to be done, a fresh token weighs more."""
    return vouched.result == "fail" and not (vouched.policy == "none" and _fresh(thread))


def _fresh(thread: Thread) -> bool:
    """Whether token and sender agree, and the mail that the token stands for is not old."""
    mailing = thread.mailing
    return thread.agrees and mailing is not None and thread.raw.received_at - mailing.created_at < FRESH


def _automatic(thread: Thread, reading: Reading) -> Decision | None:
    """What no person wrote: reports, notices, reactions, loops."""
    if reading.disposition is Disposition.BOUNCE:
        return Decision(RawState.BOUNCE, reading.rule)
    if reading.disposition is Disposition.COMPLAINT:
        return Decision(RawState.COMPLAINT, reading.rule)
    if _came_back(thread):
        return Decision(RawState.IGNORED, "loop", "our own mail came back")
    if reading.kind is Kind.AUTOREPLY:
        absent = reading.absent_until if _is_theirs(thread) else None
        return Decision(RawState.IGNORED, reading.rule, "automatic", actor=thread.named, absent_until=absent)
    if reading.kind is Kind.CALENDAR:
        return Decision(RawState.CALENDAR, reading.rule)
    if reading.kind is Kind.REACTION:
        return Decision(RawState.REACTION, reading.rule)
    if reading.kind is Kind.MDN:
        return Decision(RawState.IGNORED, reading.rule, "read receipt")
    if reading.disposition is Disposition.IGNORE and "duplicate" in reading.notes:
        return Decision(RawState.HELD, reading.rule, COPY)
    if reading.disposition is Disposition.IGNORE and reading.kind is Kind.OTHER:
        return Decision(RawState.IGNORED, reading.rule, ", ".join(reading.notes) or reading.rule)
    return None


def _came_back(thread: Thread) -> bool:
    """Whether it carries the mark of our own mail (RFC 9228 in spirit): one of our processes wrote it."""
    mark = thread.message.get(LOOP_HEADER)
    return bool(mark) and thread.owner is not None and mark.rpartition(";")[2].strip() == thread.owner.slug


def _is_theirs(thread: Thread) -> bool:
    """Whether an automatic answer speaks for the liaison whom its token names.

    Their digest may be passed on to others, whose notices come to the same return path: only their own address counts.
    """
    return thread.agrees or (thread.named is not None and not thread.writer_key)


def _by_place(thread: Thread, reading: Reading, vouched: Vouched) -> Decision | None:
    """What the address it came to decides by itself."""
    if thread.owner is None:
        return Decision(RawState.HELD, "no process", "it names none of our processes")
    if confirmed := _confirmation(thread, reading):
        return confirmed
    if _letter(thread) == "call":
        return Decision(RawState.HELD, "answers a call", "for a person: a translation came by mail", task="translated")
    if _answers_the_team(thread):
        return Decision(RawState.HELD, "answer to the core team", "for a person: it answers a letter about a task")
    if thread.agrees and (about := _noted(thread)) in _ROUTES:
        return Decision(RawState.ROUTED, "adds to a task", about, filing=_as_writer(thread, "core"), task=about)
    if thread.boxes and thread.boxes <= set(_STAFF) and reading.disposition is not Disposition.IGNORE:
        box = thread.box or Box.OWNER
        return Decision(RawState.HELD, box.value, f"for a person: {box.value}", task=box.value)
    if thread.box is Box.REQUEST and thread.writer is None and _asks_to_join(thread, reading):
        return _signup(thread, "sign-up", vouched)
    if thread.box in _LEAVING:
        return _commanded(thread, reading, CommandRead("unsubscribe"), vouched)
    return None


def _noted(thread: Thread) -> str:
    """Which kind of task the letter told of that is answered, '' if it is no such letter."""
    letter, _, rest = thread.mailing.natural_key.partition(":") if thread.mailing is not None else ("", "", "")
    return rest.partition(":")[0] if letter == "noted" else ""


def adds_to_a_report(thread: Thread) -> bool:
    """Whether it answers our letter about a report on somebody's safety: then it is one too, whatever it says."""
    return _noted(thread) == "safety"


def _answers_the_team(thread: Thread) -> bool:
    """Whether somebody of the core team answered a letter of ours that said what is to be done."""
    return thread.writer is None and _letter(thread) in ("task", "alert")


def _letter(thread: Thread) -> str:
    """What kind of letter of ours it answers, by the first word of its key; '' for none."""
    return thread.mailing.natural_key.partition(":")[0] if thread.mailing is not None else ""


def _asks_to_join(thread: Thread, reading: Reading) -> bool:
    """One word in subject or text, as List-Subscribe offers it, or a sentence for it in any language."""
    said = [fold(text).strip(_EDGE) for text in (thread.message.subject, reading.text)]
    return any(word in _JOIN or (0 < len(word) <= SHORT and phrases("signup").first(word)) for word in said)


def _confirmation(thread: Thread, reading: Reading) -> Decision | None:
    """Yes, undo, withdraw, private: one word in answer to a letter of ours that asks for it."""
    if thread.mailing is None or thread.mailing.kind not in ("notice", "receipt"):
        return None
    word = fold(reading.text).strip(_EDGE)
    if thread.mailing.kind == "receipt":
        return _of_receipt(thread, word)
    first = fold(reading.text.strip().split("\n")[0])
    said = {word, first.strip(_EDGE), first.split(" ")[0].strip(_EDGE)} if len(word) <= SHORT else {first.strip(_EDGE)}
    about = thread.mailing.natural_key.partition(":")[0]
    if about in ("held", "unproved", "optin") and said & _YES:
        return Decision(RawState.COMMAND, "confirmation", confirms=True)
    if about == "left" and thread.agrees and said & _UNDO:
        return Decision(RawState.COMMAND, "command", command=CommandRead("resume"), actor=thread.named)
    return None


def _of_receipt(thread: Thread, word: str) -> Decision | None:
    """A bare word under a receipt means the one statement that it tells of; a group's name, who said it (S6)."""
    for name, words in (("withdraw", phrases("commands", "withdraw")), ("private", phrases("private"))):
        theirs = thread.agrees or (thread.writer is None and thread.original is not None)
        if theirs and word in words.whole:
            actor = thread.named if thread.agrees else None
            return Decision(RawState.COMMAND, "command", command=CommandRead(name), actor=actor)
    if thread.original is not None and thread.original.group_id is None and len(thread.writer_groups) > 1:
        for group in thread.writer_groups:
            if word in {fold(name).strip(_EDGE) for name in (group.slug, group.short, group.name) if name}:
                return Decision(RawState.COMMAND, "group", command=CommandRead("group", group.slug), actor=thread.named)
    return None


def _commanded(thread: Thread, reading: Reading, command: CommandRead, vouched: Vouched) -> Decision:
    """A command, by whom it may be given. A signed leave address needs nobody else's word."""
    rule = reading.rule if reading.command is not None else thread.box.value if thread.box else "command"
    if command.name == "signup":
        return _signup(thread, rule, vouched)
    if thread.box is Box.LEAVE and thread.named is not None:
        return Decision(RawState.COMMAND, rule, command=command, actor=thread.named)
    if thread.writer is None and thread.original is not None and command.name in _OF_STATEMENTS:
        return Decision(RawState.COMMAND, rule, command=command)
    if thread.writer is None:
        leaving = command.name == "unsubscribe" and thread.named is not None
        task = "unsubscribe" if leaving else ""
        return Decision(RawState.HELD, rule, f"{command.name}, from an address we do not know", task=task)
    sure = thread.agrees or vouched.aligned or command.name in ("help", "status", "unsubscribe")
    return Decision(RawState.COMMAND, rule, command=command, actor=thread.writer.liaison, doubtful=not sure)


def _signup(thread: Thread, rule: str, vouched: Vouched) -> Decision:
    """Somebody wants to take part. Who wrote to the place for that, or is vouched for, is asked whether it was them."""
    if thread.writer is None and thread.writer_key and (thread.box is Box.REQUEST or vouched.aligned):
        return Decision(RawState.COMMAND, rule, "wants to take part", joins=True)
    return Decision(RawState.HELD, rule, "wants to take part", task="sign-up")


def _routed(thread: Thread, reading: Reading) -> Decision | None:
    """What goes to a person at once or soon: safety from anybody, the rest from those we know."""
    if thread.owner is None:
        return None
    about = next((note for note in reading.notes if note in _ROUTES), "safety")
    safety = reading.visibility is Visibility.SAFETY
    if not safety and thread.writer is None:
        return None
    filing = _as_writer(thread, "safety" if safety else "core")
    return Decision(RawState.ROUTED, reading.rule, about, filing=filing, task=about)


def _answers_too(thread: Thread, routed: Decision) -> Decision:
    """A longer answer with something for a person in it: filed as any answer, with the task beside it."""
    return replace(routed, state=RawState.FILED, reason=None, filing=_as_writer(thread, "public"))


def _unproved(thread: Thread, vouched: Vouched) -> bool:
    """Whether it says to be from a liaison, and neither their domain nor a fresh token vouches for that."""
    return thread.writer is not None and bool(vouched.result) and not (vouched.aligned or _fresh(thread))


def _as_writer(thread: Thread, visibility: str) -> Filing:
    """Filed as the liaison who wrote, or as somebody of the community."""
    if thread.writer is None:
        return Filing("community", visibility, None, _only(thread.named_groups))
    liaison = thread.writer.liaison
    shared = liaison.kind == "shared"
    return Filing(
        voice="liaison",
        visibility=visibility,
        liaison_id=liaison.id,
        group_id=_only(thread.writer_groups),
        writer=thread.message.from_name if shared else "",
    )


def _only(groups: tuple[GroupRow, ...]) -> int | None:
    return groups[0].id if len(groups) == 1 else None


def _by_person(thread: Thread, reading: Reading, vouched: Vouched) -> Decision:
    """An answer: filed for whom we know, held otherwise."""
    visibility = "private" if reading.visibility is Visibility.PRIVATE else "public"
    rule = reading.rule
    if "supports" in reading.notes and reading.disposition is Disposition.IGNORE:
        return Decision(RawState.REACTION, rule, "a nod")
    if reading.disposition is Disposition.ROUTE and (routed := _routed(thread, reading)):
        return routed if _unproved(thread, vouched) or not reading.statements else _answers_too(thread, routed)
    held = reading.disposition is Disposition.HOLD and "stranger" not in reading.notes
    if held or reading.disposition is Disposition.IGNORE:
        state = RawState.HELD if held else RawState.IGNORED
        return Decision(state, rule, ", ".join(reading.notes) or rule)
    if thread.token is not None and thread.mailing is None:
        return Decision(RawState.HELD, rule, "it answers a mail that we no longer have")
    if _unproved(thread, vouched):
        return Decision(RawState.HELD, "not proved", UNPROVED, ask=True)
    if thread.writer is not None:
        return Decision(RawState.FILED, rule, filing=_as_writer(thread, visibility))
    return Decision(
        RawState.HELD,
        "stranger" if thread.token is None else "community voice",
        AWAITS,
        ask=vouched.result == "pass" and bool(thread.writer_key),
    )
