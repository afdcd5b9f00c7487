"""Complaints: feedback reports by RFC 5965 (ARF), and the older forms that large providers send.

`read_complaint(message, raw)` gives a ComplaintRead or None; it never raises. Redacted reports are
taken as they are: the Message-ID of the returned mail, or a token in it, still says whom to stop.
"""

import re

from mailer.dsn import ADDRESS, address_in
from mailer.message import Message
from mailer.reading import ComplaintRead

MAX_TEXT = 60_000
_FIELD = re.compile(r"^[ \t]*([A-Za-z][A-Za-z0-9\-]{1,40})[ \t]*:[ \t]*(.{0,1000})$", re.MULTILINE)
_TYPE = re.compile(r"^[ \t]*feedback-type[ \t]*:[ \t]*([a-z\-]{3,40})", re.IGNORECASE | re.MULTILINE)
_ID = re.compile(
    r"^[ \t>]*(?:original-)?message-id[ \t]*:[ \t]*<?([^<>\s@]{1,250}@[^<>\s]{1,250})>?", re.IGNORECASE | re.MULTILINE
)
_SUBJECT = re.compile(
    r"^(?:complaint about message from|e-?mail feedback report|abuse report|spam (?:report|complaint)|"
    r"e-?mail abuse report|"
    r"(?:\w+ )?abuse report\b|\[?feedback loop|fbl report)",
    re.IGNORECASE,
)
_SENDER = re.compile(
    r"^(?:scomp|staff|fbl|feedback-?loop|feedback|abuse(?:desk)?|complaints?|arf|spam-?report)\b[^@]{0,40}@",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"this is an? [\w ,/\-]{0,60}(?:abuse|complaint|opt-out|spam|feedback|fraud|virus|"
    r"authentication-failure|auth-failure) report\b|"
    r"(?:was|has been) (?:reported|marked|flagged) as (?:spam|junk|abuse)|marked (?:this|your|"
    r"the) (?:message|mail|e-?mail) as (?:spam|junk)|"
    r"user reported (?:this|your) (?:message|mail|e-?mail) as",
    re.IGNORECASE,
)
_RETURNED = ("message/rfc822", "text/rfc822-headers", "text/rfc822-header", "message/global", "message/partial")
_RECIPIENT_FIELDS = ("original-rcpt-to", "removal-recipient", "redacted-address", "x-hmxmroriginalrecipient")


def read_complaint(message: Message, raw: bytes = b"") -> ComplaintRead | None:
    """The complaint in a mail, or None where it is none."""
    report = _report(message, raw)
    redirected = address_in(message.get("x-hmxmroriginalrecipient"))
    found = _TYPE.search(report)
    if redirected:  # the reported mail itself comes, with a header on top
        return ComplaintRead("abuse", (redirected,), (message.message_id,) if message.message_id else ())
    if found:
        kind = found.group(1).lower()
    elif _is_older_form(message):
        kind, report = "abuse", message.plain or ""
    else:
        return None
    returned = "\n".join(part.text[:MAX_TEXT] for part in message.parts if part.type.lower() in _RETURNED)
    recipients = _recipients(report, returned)
    ids = tuple(dict.fromkeys(f"<{m.group(1)}>" for m in _ID.finditer(f"{report}\n{returned}")))[:10]
    return ComplaintRead(kind, recipients, ids)


def _report(message: Message, raw: bytes) -> str:
    """The fields of the report: its own part, or, where the frame is broken, the whole source."""
    for part in message.parts:
        if part.type.lower() == "message/feedback-report":
            return part.text[:MAX_TEXT]
    kind = (message.get("content-type") + message.content_type).lower()
    if "feedback-report" in kind or (_SENDER.match(message.from_addr) and b"eedback-" in raw[: MAX_TEXT * 2]):
        return raw[:MAX_TEXT].decode("utf-8", "replace").replace("\r\n", "\n") or (message.plain or "")[:MAX_TEXT]
    return ""


def _is_older_form(message: Message) -> bool:
    """Reports without the standard's part: two of subject, sender, words; with the mail attached one "
    "will do."""
    text = (message.plain or "")[:4_000]
    if "\n>" in text or message.in_reply_to:
        return False
    signs = [bool(_SUBJECT.match(message.subject)), bool(_SENDER.match(message.from_addr))]
    signs.append(any(signs) and bool(_SAID.search(text)))
    attached = any(part.type.lower() in _RETURNED for part in message.parts)
    named = any("x-hmxmroriginalrecipient" in part.text[:20_000].lower() for part in message.parts)
    return (
        named
        or sum(signs) >= 2
        or (attached and sum(signs) >= 1 and not text.strip())
        or "feedback-report" in (message.get("content-type").lower())
    )


def _recipients(report: str, returned: str) -> tuple[str, ...]:
    """Who complained, by the report's fields, else by the returned mail's own addressee."""
    fields: dict[str, list[str]] = {}
    for match in _FIELD.finditer(f"{report[:MAX_TEXT]}\n{returned[:20_000]}"):
        fields.setdefault(match.group(1).lower(), []).append(match.group(2))
    for name in _RECIPIENT_FIELDS:
        found = [m.group().strip(".") for value in fields.get(name, ()) for m in ADDRESS.finditer(value)]
        if found:
            return tuple(dict.fromkeys(found))[:100]
    to = address_in(next(iter(fields.get("to", ())), ""))
    return (to,) if to else ()
