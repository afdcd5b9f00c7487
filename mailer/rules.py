"""The rules by which a mail is understood, as rows: the first that answers decides, and its name is kept.

A rule looks at one `Seen` mail and gives a `Verdict` or None. What no rule claims is a reply and is filed.
What became of the odd ones:
- a mere nod is ignored, with the note `supports` ("+1") or `thanks`: it is counted, but is no statement;
- a mail without words of its own is held when nothing is attached, filed when something is;
- bounces of a delay, receipts, calendar answers and reactions keep their own kind and are ignored or recorded.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from mailer import (
    autoreply,
    bounce,
    calendar_reply,
    commands,
    complaint,
    home,
    mdn,
    nod,
    notice,
    reaction,
    route,
    trust,
    wish,
)
from mailer.dsn import address_in
from mailer.language import language_of
from mailer.message import Envelope, Message
from mailer.mime import header_text
from mailer.phrases import fold, phrases
from mailer.reading import (
    BounceRead,
    CommandRead,
    ComplaintRead,
    Context,
    Disposition,
    Kind,
    Segment,
    SegmentKind,
    Visibility,
)
from mailer.segment import segment

MAX_HOPS = 100
_OWN_WORDS = (SegmentKind.REPLY,)
_EDGE = " \t\n.,;:!?。！，、؛،…-–—()[]*_"
_HEAD = 20_000
_FROM = re.compile(rb"^from:[ \t]*([^\r\n]{1,400})", re.IGNORECASE | re.MULTILINE)
_MESSAGES = ("message/rfc822", "message/global")
_ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of a mail; what it leaves open is decided by `mailer.read`."""

    kind: Kind
    disposition: Disposition
    visibility: Visibility = Visibility.NORMAL
    bounce: BounceRead | None = None
    complaint: ComplaintRead | None = None
    command: CommandRead | None = None
    absent_until: date | None = None
    text: str | None = None
    notes: tuple[str, ...] = ()


@dataclass
class Seen:
    """A mail as rules look at it. `raw` may be empty when only the parsed message is at hand."""

    message: Message
    segments: tuple[Segment, ...]
    envelope: Envelope
    context: Context
    raw: bytes = field(default=b"", repr=False)

    @cached_property
    def text(self) -> str:
        """What the person wrote, without quotes, signature and footers."""
        return "\n\n".join(s.said.strip("\n") for s in self.segments if s.kind in _OWN_WORDS and s.said.strip()).strip()

    @cached_property
    def forwarded(self) -> str:
        """Forwarded messages in the body."""
        return "\n\n".join(s.text.strip("\n") for s in self.segments if s.kind is SegmentKind.FORWARD).strip()

    @cached_property
    def attached(self) -> str:
        """What a message that hangs on this one says, passed on as a file; '' for none, and for our own coming back."""
        found = next((a for a in self.message.attachments if a.type in _MESSAGES and a.text and a.content), None)
        if found is None:
            return ""
        heads = _FROM.search(found.content[:_HEAD])
        sender = address_in(header_text(heads.group(1).decode("utf-8", "replace"))) if heads else ""
        homes = [home.read(base.lower()) for base in self.context.own_homes if base]
        ours = sender.lower() in {address.lower() for address in self.context.own_addresses}
        if ours or any(one.holds(sender) for one in homes):
            return ""
        inner = replace(self.message, plain=found.text, html=None, subject="", from_name="", from_addr=sender)
        said = (s.text.strip("\n") for s in segment(inner, self.context.sent_lines) if s.kind in _OWN_WORDS)
        return "\n\n".join(text for text in said if text.strip()).strip()

    @cached_property
    def body(self) -> str:
        """The body without what is quoted, signatures and all."""
        skipped = (SegmentKind.QUOTE, SegmentKind.INTRO, SegmentKind.FORWARD)
        return "\n".join(s.text for s in self.segments if s.kind not in skipped)

    @property
    def null_sender(self) -> bool:
        """Sent with the null reverse-path (RFC 5321 section 4.5.5)."""
        stamped = self.message.get("return-path").strip()
        return stamped == "<>" or (self.envelope.rcpt_to != () and self.envelope.mail_from == "")

    @property
    def today(self) -> date | None:
        """The day on which the mail is read."""
        return self.context.now.date() if self.context.now else None


@dataclass(frozen=True, slots=True)
class Rule:
    """A named predicate with its verdict."""

    name: str
    read: Callable[[Seen], Verdict | None]


def _bounce(seen: Seen) -> Verdict | None:
    if autoreply.is_challenge(seen.message, seen.body):
        return None
    found = bounce.read_bounce(seen.message, seen.raw, seen.null_sender)
    return Verdict(Kind.BOUNCE, Disposition.BOUNCE, bounce=found) if found else None


def _complaint(seen: Seen) -> Verdict | None:
    found = complaint.read_complaint(seen.message, seen.raw)
    return Verdict(Kind.COMPLAINT, Disposition.COMPLAINT, complaint=found) if found else None


def _mdn(seen: Seen) -> Verdict | None:
    return Verdict(Kind.MDN, Disposition.IGNORE) if mdn.is_receipt(seen.message) else None


def _calendar(seen: Seen) -> Verdict | None:
    if not calendar_reply.is_calendar_reply(seen.message, seen.text):
        return None
    return Verdict(Kind.CALENDAR, Disposition.IGNORE)


def _reaction(seen: Seen) -> Verdict | None:
    emoji = reaction.reaction_in(seen.message, seen.text) or reaction.only_emoji(seen.text)
    return Verdict(Kind.REACTION, Disposition.IGNORE, text=emoji) if emoji else None


def _notice(seen: Seen) -> Verdict | None:
    """What a program says of its own; a shared file may hold an answer, so a person looks."""
    said = notice.notice_in(seen.message, seen.text)
    if not said:
        return None
    return Verdict(Kind.OTHER, Disposition.IGNORE if said in ("recall", "delay") else Disposition.HOLD, notes=(said,))


def _challenge(seen: Seen) -> Verdict | None:
    return Verdict(Kind.OTHER, Disposition.HOLD) if autoreply.is_challenge(seen.message, seen.body) else None


def _autoreply(seen: Seen) -> Verdict | None:
    own = seen.text or seen.body
    found = autoreply.read_autoreply(
        seen.message, own, seen.context.now, seen.null_sender, seen.context.writer_languages
    )
    if found and found.by == "words" and commands.asked_for(own, seen.today):
        return None  # "I am away until 15 May, no mails until then please": somebody asks
    return Verdict(Kind.AUTOREPLY, Disposition.IGNORE, absent_until=found.absent_until) if found else None


def _loop(seen: Seen) -> Verdict | None:
    """Our own mail coming back, or a mail that has gone round too often (RFC 5321 section 6.3)."""
    own = {address.lower() for address in seen.context.own_addresses}
    if seen.message.from_addr.lower() in own or len(seen.message.all("received")) > MAX_HOPS:
        return Verdict(Kind.OTHER, Disposition.IGNORE)
    listed = seen.message.get("list-id").lower().rpartition("<")[2].rstrip("> ")
    labels = [home.read(base.lower()).label for base in seen.context.own_homes]
    ours = any(listed.endswith(f".{label}") or listed == label for label in labels)
    return Verdict(Kind.OTHER, Disposition.IGNORE) if listed and ours else None


def _duplicate(seen: Seen) -> Verdict | None:
    """The same mail again: its Message-ID was seen, or a list sends a copy of what was addressed to us "
    "as well."""
    message = seen.message
    if message.message_id and message.message_id in seen.context.seen_ids:
        return Verdict(Kind.OTHER, Disposition.IGNORE, notes=("duplicate",))
    if not message.get("list-id"):
        return None
    context = seen.context
    known = context.own_homes or {trust.domain_of(a) for a in context.own_addresses or message.in_reply_to}
    homes = [home.read(base.lower()) for base in known if base]
    if any(one.holds(address) for one in homes for address in (*message.to, *message.cc)):
        return Verdict(Kind.OTHER, Disposition.IGNORE, notes=("duplicate",))
    return None


def _encrypted(seen: Seen) -> Verdict | None:
    kind = f"{seen.message.content_type} {seen.message.get('content-type')}".lower()
    armoured = "-----BEGIN PGP MESSAGE-----" in (seen.message.plain or "")[:5_000]
    if armoured or (any(mark in kind for mark in _ENCRYPTED) and "signed-data" not in kind):
        return Verdict(Kind.OTHER, Disposition.HOLD, notes=("encrypted",))
    return None


def _unvouched(seen: Seen) -> Verdict | None:
    """A trusted server says that DMARC failed: held, never refused after the fact (RFC 8601 section 7.5)."""
    results = trust.authentication_results(seen.message, seen.context.trusted_servers)
    judged = [r.result for r in results if r.method == "dmarc"]
    failed = judged == ["fail"] if seen.context.trusted_servers else trust.claims_failure(seen.message)
    return Verdict(Kind.REPLY, Disposition.HOLD, notes=("unvouched",)) if failed else None


def _spam(seen: Seen) -> Verdict | None:
    flagged = seen.message.get("x-spam-flag").lower().startswith("yes") or seen.message.get(
        "x-spam-status"
    ).lower().startswith("yes")
    return Verdict(Kind.OTHER, Disposition.HOLD, notes=("spam",)) if flagged and not seen.context.writer_known else None


def _sounds(seen: Seen, text: str, find: Callable[[str, str], bool]) -> bool:
    """Whether a text is what `find` looks for. Its language is asked for only where words of some language fit:
    asking it costs more than they do."""
    return find(text, "und") and find(text, language_of(text, seen.context.writer_languages))


def _safety(seen: Seen) -> Verdict | None:
    if not _sounds(seen, seen.text or seen.message.subject, route.is_safety_report):
        return None
    return Verdict(Kind.REPLY, Disposition.ROUTE, Visibility.SAFETY, notes=("safety",))


def _command(seen: Seen) -> Verdict | None:
    languages = seen.context.writer_languages
    found = commands.read_command(seen.message.subject, seen.text, languages, seen.today)
    if not found or (found.by == "subject" and (seen.forwarded or seen.message.attachments)):
        return None
    if found.read.name == "private":
        return Verdict(Kind.COMMAND, Disposition.COMMAND, Visibility.PRIVATE, command=found.read)
    return Verdict(Kind.COMMAND, Disposition.COMMAND, command=found.read, text=found.text)


def _signup(seen: Seen) -> Verdict | None:
    """Somebody asks to become a liaison or to get the digest."""
    text = seen.text
    if len(text) > 1_500 or autoreply.names_question(text):
        return None
    if not (phrases("signup").first(fold(text)) or wish.wants_to_join(text)):
        return None
    return Verdict(Kind.COMMAND, Disposition.COMMAND, command=CommandRead("signup", address_in(seen.message.from_addr)))


def _handover(seen: Seen) -> Verdict | None:
    found = _sounds(seen, seen.text, route.is_handover)
    return Verdict(Kind.REPLY, Disposition.ROUTE, notes=("handover",)) if found else None


def _translation(seen: Seen) -> Verdict | None:
    found = _sounds(seen, seen.text, route.is_translation_fault)
    return Verdict(Kind.REPLY, Disposition.ROUTE, notes=("translation",)) if found else None


def _date(seen: Seen) -> Verdict | None:
    found = _sounds(seen, seen.text, route.is_date_fault)
    return Verdict(Kind.REPLY, Disposition.ROUTE, notes=("date",)) if found else None


def _private(seen: Seen) -> Verdict | None:
    """The private lane: by its address, or by a first word for it in any language of the tables."""
    text = seen.text
    first, mark, rest = text.partition("\n")
    for separator in (":", "：", "،", ",", "-", "–", "—", ".", "。", "、"):
        head, found, tail = first.partition(separator)
        if found and len(head) <= 40:
            candidate = head, f"{tail.strip()}{mark}{rest}"
            break
    else:
        candidate = first, rest
    worded = fold(candidate[0]).strip(_EDGE) in phrases("private").whole
    if not worded and not (seen.context.private_address and seen.text):
        return None
    stranger = seen.context.writer_known is False
    return Verdict(
        Kind.REPLY,
        Disposition.HOLD if stranger else Disposition.FILE,
        Visibility.PRIVATE,
        text=candidate[1].strip() if worded else None,
        notes=("stranger",) if stranger else (),
    )


def _nod(seen: Seen) -> Verdict | None:
    """A nod and nothing else."""
    said = "" if seen.message.attachments or seen.forwarded else nod.nod_in(seen.text)
    return Verdict(Kind.REPLY, Disposition.IGNORE, notes=(said,)) if said else None


def _empty(seen: Seen) -> Verdict | None:
    """No words of their own: nothing, only a greeting, or only lines that are quoted by their mark."""
    quoted = all(line.startswith(">") for line in seen.text.splitlines() if line.strip())
    if not (quoted or nod.only_greets(seen.text)) or seen.forwarded or seen.attached:
        return None
    if any(attachment.name or attachment.size > 200 for attachment in seen.message.attachments):
        return Verdict(Kind.REPLY, Disposition.FILE, notes=("attachment only",))
    return Verdict(Kind.REPLY, Disposition.HOLD, notes=("empty",))


def _stranger(seen: Seen) -> Verdict | None:
    if seen.context.writer_known is False:
        return Verdict(Kind.REPLY, Disposition.HOLD, notes=("stranger",))
    return None


def _reply(seen: Seen) -> Verdict:
    few = len(seen.text) < 400 and not autoreply.names_question(seen.text)
    passed_on = few and bool(seen.forwarded or seen.attached)
    return Verdict(Kind.REPLY, Disposition.FILE, notes=("forwarded",) if passed_on else ())


ROUTED: dict[str, Callable[[str, str], bool]] = {
    "handover": route.is_handover,
    "translation": route.is_translation_fault,
    "date": route.is_date_fault,
}
"""What tells of a text in some language that it makes a task for a person, by the note of the verdict."""

RULES: tuple[Rule, ...] = (
    Rule("bounce", _bounce),
    Rule("complaint", _complaint),
    Rule("read receipt", _mdn),
    Rule("calendar answer", _calendar),
    Rule("loop", _loop),
    Rule("duplicate", _duplicate),
    Rule("reaction", _reaction),
    Rule("challenge", _challenge),
    Rule("notice", _notice),
    Rule("automatic answer", _autoreply),
    Rule("encrypted", _encrypted),
    Rule("safety", _safety),  # before all doubt about the sender: a false alarm costs less than a missed one
    Rule("not vouched for", _unvouched),
    Rule("spam", _spam),
    Rule("command", _command),
    Rule("private lane", _private),  # before what makes a task: its circle alone may see it
    Rule("handover", _handover),
    Rule("sign-up", _signup),
    Rule("stranger", _stranger),
    Rule("translation fault", _translation),
    Rule("date fault", _date),
    Rule("empty", _empty),
    Rule("nod", _nod),
    Rule("reply", _reply),
)


def judge(seen: Seen) -> tuple[str, Verdict]:
    """The name of the first rule that answers, with its verdict."""
    for rule in RULES:
        if verdict := rule.read(seen):
            return rule.name, verdict
    return "reply", _reply(seen)
