"""Raw bytes to a `Reading`: the one entry to understanding inbound mail. Pure and repeatable.

`read` never raises: what goes wrong inside is a reading that is held with the reason in its warnings, and the
caller still has the raw bytes. Time and memory are bounded by the limits of the parts (sizes, counts, linear patterns).
"""

import re
from dataclasses import replace

from mailer.anchor import statements
from mailer.language import language_of
from mailer.message import Envelope, Message
from mailer.parse import parse
from mailer.reading import Context, Disposition, Kind, Reading, Segment, SegmentKind, StatementRead, Visibility
from mailer.rules import ROUTED, Seen, Verdict, judge
from mailer.segment import segment
from mailer.signature import name_words, unlabelled

_UNSPOKEN = (Kind.BOUNCE, Kind.COMPLAINT, Kind.MDN, Kind.REACTION, Kind.CALENDAR)
_PERSONAL = (Kind.REPLY, Kind.OTHER)  # what a person may have sent to the private lane
_STATED = (Disposition.FILE, Disposition.HOLD, Disposition.ROUTE)
_HEADER_LINES = 12
SURE_ENOUGH = 0.85
# A line of a header, "From: Ana": the program's own words over it, "Inizio messaggio inoltrato:", are none.
_LABELLED = re.compile(r"[^:：\n]{1,40}[:：].*\S")


def read(raw: bytes, envelope: Envelope, context: Context) -> Reading:
    """How one inbound mail is understood."""
    try:
        return read_message(parse(raw), envelope, context, raw)
    except Exception as error:  # the last line of defence: a mail must be held, never lost or fatal
        reason = f"unreadable: {type(error).__name__}"
        visibility = Visibility.PRIVATE if context.private_address else Visibility.NORMAL
        return Reading(Kind.OTHER, "unreadable", Disposition.HOLD, visibility, warnings=(reason,))


def read_message(message: Message, envelope: Envelope, context: Context, raw: bytes = b"") -> Reading:
    """The same for a mail that is parsed already; `raw` helps with broken bounces."""
    segments = segment(message, context.sent_lines)
    seen = Seen(message, segments, envelope, context, raw)
    rule, verdict = judge(seen)
    text = _filed(seen, verdict)
    visibility = verdict.visibility
    if context.private_address and visibility is Visibility.NORMAL and verdict.kind in _PERSONAL:
        visibility = Visibility.PRIVATE
    return Reading(
        kind=verdict.kind,
        rule=rule,
        disposition=verdict.disposition,
        visibility=visibility,
        subject=message.subject,
        segments=segments,
        text=text,
        language=_language(verdict, text, seen),
        statements=_statements(seen, verdict),
        attachments=tuple(attachment.name for attachment in message.attachments),
        bounce=verdict.bounce,
        complaint=verdict.complaint,
        command=verdict.command,
        absent_until=verdict.absent_until,
        warnings=message.warnings,
        notes=verdict.notes,
    )


def _filed(seen: Seen, verdict: Verdict) -> str:
    """What is filed: the verdict's own text, else the person's words, with what they pass on."""
    if verdict.text is not None and (verdict.text or verdict.kind is Kind.COMMAND):
        return verdict.text
    if "forwarded" in verdict.notes:
        return "\n\n".join(part for part in (seen.text, forwarded_words(seen.forwarded)) if part) or seen.attached
    return seen.text


def forwarded_words(text: str) -> str:
    """A forwarded message without its marker and header lines; what remains is what somebody said."""
    lines = text.split("\n")
    for at in range(min(len(lines), _HEADER_LINES)):
        rest = lines[at:]
        head = any(_LABELLED.match(line) for line in lines[:at])
        if head and not lines[at].strip() and any(line.strip() for line in rest):
            return "\n".join(rest).strip()
    return text.strip()


def _language(verdict: Verdict, text: str, seen: Seen) -> str:
    if verdict.kind in _UNSPOKEN:
        return "und"
    spoken = text or seen.text or (seen.body if verdict.kind is Kind.AUTOREPLY else "")
    return language_of(spoken, seen.context.writer_languages)


def _statements(seen: Seen, verdict: Verdict) -> tuple[StatementRead, ...]:
    """The statements of what is a person's answer; a mail that only moves or asks something has none."""
    if verdict.kind is not Kind.REPLY or verdict.disposition not in _STATED:
        return ()
    segments = seen.segments
    if verdict.text:
        segments = (Segment(SegmentKind.REPLY, verdict.text, "private lane"),)
    passed_on = (forwarded_words(seen.forwarded) or seen.attached) if "forwarded" in verdict.notes else ""
    names = name_words(seen.message.from_name, seen.message.from_addr)
    read = statements(segments, seen.context, seen.message.subject, passed_on)
    found = tuple(replace(one, text=unlabelled(one.text, names)) if one.quote else one for one in read)
    if verdict.disposition is Disposition.ROUTE:
        return _beside(found, verdict, _language(verdict, seen.text, seen))
    return found


def _beside(found: tuple[StatementRead, ...], verdict: Verdict, language: str) -> tuple[StatementRead, ...]:
    """What a mail answers besides what a person must do: paragraphs that ask for nothing, if one is surely an answer.

    A report about somebody's safety is never cut; nor is a mail whose rest alone would still go to a person.
    """
    if verdict.visibility is Visibility.SAFETY:
        return tuple(one for one in found if one.anchors and one.confidence >= SURE_ENOUGH)
    asks = ROUTED[verdict.notes[0]]
    rest = []
    for one in found:
        said = "\n\n".join(part for part in one.text.split("\n\n") if not asks(part, language))
        rest += [replace(one, text=said)] if said.strip() else []
    sure = any(one.anchors and one.confidence >= SURE_ENOUGH for one in rest)
    return tuple(rest) if sure and not asks("\n\n".join(one.text for one in rest), language) else ()
