"""Bounces: delivery reports by RFC 3464, and the many forms that servers without it write.

`read_bounce(message, raw)` gives a BounceRead or None; it never raises. A report says what it
is: the machine-readable fields first, then X-Failed-Recipients, then the text above the returned
message, last flufl.bounce (which takes replies for bounces now and then, so it is asked only about
mail that looks like a bounce anyway). A delay is a bounce that is not permanent; a report of
success is none. Time is linear in the text, of which at most `MAX_TEXT` characters are read.
"""

import email
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from flufl.bounce import all_failures

from mailer import bounce_words as words
from mailer.dsn import ADDRESS, Fate, address_in, best_status, code_in, read_fields, status_in
from mailer.message import Message
from mailer.reading import BounceRead

logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())  # its detectors report their own faults there

MAX_TEXT = 60_000
MAX_LINES = 600
MAX_RECIPIENTS = 200
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/partial")


@dataclass(frozen=True, slots=True)
class _Text:
    """The words of the reporter, and what follows of the returned mail."""

    human: tuple[str, ...]
    returned: str


def read_bounce(message: Message, raw: bytes = b"", null_sender: bool = False) -> BounceRead | None:
    """The delivery report in a mail, or None where it is none.

    `raw` helps where the MIME is broken; `null_sender` says that SMTP gave the null reverse-path.
    """
    if not _may_be(message, null_sender):
        return None
    text = _split(message, raw)
    null_sender = null_sender or message.get("return-path").strip() == "<>"
    fates = _fates(message, text, raw)
    if fates:
        failed = [fate for fate in fates if fate.failed]
        if failed and (null_sender or _sent_by_machine(message) or _is_report(message)):
            lost = [fate for fate in failed if fate.action != "delayed"]
            return _from_fates(lost or failed, message, text)
        if not failed:
            return None
    if not _looks_like_bounce(message, text, null_sender):
        return None
    return _from_text(message, text, raw)


def _may_be(message: Message, null_sender: bool) -> bool:
    """A cheap look first, since most mail is none: sender, frame, subject, or a word that every report has."""
    if null_sender or _is_report(message) or _sent_by_machine(message) or words.SUBJECT.search(message.subject[:300]):
        return True
    body = (message.plain or message.html or "")[:4_000].lower()
    return any(hint in body for hint in words.HINTS)


def _fates(message: Message, text: _Text, raw: bytes) -> tuple[Fate, ...]:
    for part in message.parts:
        if part.type.lower() in _REPORTS and (fates := read_fields(part.text)):
            return fates
    human = "\n".join(text.human)
    if fates := read_fields(human):
        return fates
    broken = _is_report(message) or _sent_by_machine(message)
    return read_fields(_decoded(raw)) if broken and b"inal-" in raw else ()


def _decoded(raw: bytes) -> str:
    return raw[: MAX_TEXT * 3].decode("utf-8", "replace").replace("\r\n", "\n")


def _is_report(message: Message) -> bool:
    kind = message.content_type.lower().replace('"', "").replace(" ", "")
    if kind.startswith("multipart/report") and "disposition-notification" not in kind and "feedback" not in kind:
        return True
    return any(part.type.lower() in _REPORTS for part in message.parts)


def _sent_by_machine(message: Message) -> bool:
    if message.get("x-failed-recipients"):
        return True
    sender = f"{message.from_addr} {message.from_name} {message.get('from')[:300]}"
    return bool(words.SENDER.search(sender))


def _looks_like_bounce(message: Message, text: _Text, null_sender: bool) -> bool:
    """Two of: a machine's sender, a subject of failure, a sentence of failure (or a report's frame)."""
    if message.get("x-failed-recipients") and not words.DELAY.search(message.subject):
        return True
    if words.SUCCESS.search(message.subject[:300]):
        return False
    human = "\n".join(text.human)
    machine = _sent_by_machine(message)
    subject = bool(words.SUBJECT.search(message.subject[:300])) and not words.REPLY_PREFIX.match(message.subject)
    strong = machine or subject or _is_report(message) or words.STRONG.search(human[:3_000]) is not None
    if not strong:
        return False
    said = bool(words.FAILURE.search(human[:6_000]))
    if _is_report(message) and (machine or subject or said):
        return True
    if words.AUTOREPLY.search(message.subject[:300]) and not subject:
        return machine and said
    code = bool(code_in(human[:6_000]))
    if machine:
        return subject or said or (code and not _is_answer(message))
    if subject:  # a person who writes about failures names no address that failed
        return code or (
            said and (null_sender or ADDRESS.search(human[:6_000]) is not None or bool(text.returned.strip()))
        )
    if _is_answer(message) and not null_sender:
        said = said and any(ADDRESS.fullmatch(line.strip(" \t<>:;,.")) for line in text.human)
    return said and (null_sender or not _quotes(message))


def _is_answer(message: Message) -> bool:
    return bool(words.REPLY_PREFIX.match(message.subject)) or bool(message.in_reply_to)


def _quotes(message: Message) -> bool:
    """Whether it looks like a person's answer: it names what it answers, or quotes with `>`."""
    return bool(message.in_reply_to) or "\n>" in (message.plain or "")


def _split(message: Message, raw: bytes) -> _Text:
    body = message.plain or ""
    if not body.strip() and message.html:
        body = words.tags_out(message.html[: MAX_TEXT * 2])
    if not body.strip():
        _, mark, rest = _decoded(raw).partition("\n\n")
        body = rest if mark else ""
    lines = body[:MAX_TEXT].split("\n")[:MAX_LINES]
    cut = _returned_at(lines)
    tail = "\n".join(lines[cut:])
    parts = "\n".join(p.text[:MAX_TEXT] for p in message.parts if p.type.lower() in _RETURNED)
    return _Text(tuple(lines[:cut]), (parts or tail)[:MAX_TEXT])


def _returned_at(lines: list[str]) -> int:
    """The line where the returned mail begins: a marker, or a run of its header fields."""
    for number, line in enumerate(lines):
        start = line[:200]
        if number and words.MAY_RETURN.search(start) and words.RETURNED.match(start):
            return number
    for number, (line, following) in enumerate(pairwise(lines)):
        if number > 1 and words.HEADER_LINE.match(line) and words.HEADER_NEXT.match(following):
            return number
    return len(lines)


def _from_fates(fates: list[Fate], message: Message, text: _Text) -> BounceRead:
    hard = [fate for fate in fates if fate.permanent]
    telling = hard[0] if hard else fates[0]
    human = "\n".join(text.human)
    known = [fate.permanent for fate in fates if fate.permanent is not None]
    found = [fate.recipient for fate in fates if "@" in fate.recipient]
    if not found:
        found = _recipients(message, text, b"") or [fate.recipient for fate in fates if fate.recipient]
    permanent = any(known) if known else _permanence(human)
    status = best_status(telling.status, telling.diagnostic) or status_in(human)
    return _result(found, permanent, status, telling.diagnostic, text)


def _from_text(message: Message, text: _Text, raw: bytes) -> BounceRead:
    human = "\n".join(text.human)
    status = next((s for line in text.human if (s := status_in(line)) and s[0] in "45"), "") or code_in(human)
    delayed = bool(words.DELAY.search(message.subject) or words.DELAY.search(human[:4_000]))
    permanent = False if delayed else _permanence(human)
    diagnostic = next((line.strip() for line in text.human if status and status in line), "")
    if not diagnostic:
        diagnostic = next((line.strip() for line in text.human if words.FAILURE.search(line[:400])), "")
    return _result(_recipients(message, text, raw), permanent, status, diagnostic, text)


def _permanence(human: str) -> bool:
    """By the codes in the text, then by its words; a report that says neither is about a failure."""
    status = next((s for line in human.split("\n") if (s := status_in(line)) and s[0] in "45"), "") or code_in(human)
    if status:
        return status[0] == "5"
    if words.PERMANENT.search(human[:6_000]):
        return True
    return not words.TEMPORARY.search(human[:6_000])


def _result(found: Iterable[str], permanent: bool | None, status: str, diagnostic: str, text: _Text) -> BounceRead:
    seen: dict[str, str] = {}
    for address in found:
        seen.setdefault(address.lower(), address)
    ids = tuple(dict.fromkeys(words.MESSAGE_ID.findall(text.returned)))[:5]
    return BounceRead(tuple(seen.values())[:MAX_RECIPIENTS], permanent, status, diagnostic[:1_000], ids)


def _recipients(message: Message, text: _Text, raw: bytes) -> list[str]:
    """The failed addresses by the most reliable source that names any."""
    named = [found.group() for found in ADDRESS.finditer(message.get("x-failed-recipients")[:20_000])]
    if named:
        return named
    senders = {message.from_addr.lower(), *(a.lower() for a in message.to)}
    sources: tuple[Callable[[], list[str]], ...] = (
        lambda: _by_pattern(text.human, senders),
        lambda: _flufl(raw),
        lambda: _others(text.human, senders),
        lambda: _of_returned("\n".join(text.human), message.from_addr),
        lambda: _of_returned(text.returned, message.from_addr),
    )
    return next((found for source in sources if (found := source())), [])


def _by_pattern(lines: tuple[str, ...], senders: set[str]) -> list[str]:
    """Addresses that stand where a server names the recipient: `<a@b>:`, `RCPT TO:<a@b>`, alone after a "
    "failure..."""
    found: list[str] = []
    for number, whole in enumerate(lines):
        line = whole[:500]
        if words.NOT_RECIPIENT.search(line):
            continue
        before = " ".join(lines[max(0, number - 3) : number])[-400:]
        if any(pattern.search(line) for pattern in words.RECIPIENT_LINES) or (
            words.FIRST.match(line) and (words.FAILURE.search(before) or words.LIST_FOLLOWS.search(before))
        ):
            address = address_in(words.RCPT_ONLY.sub("", line))
            if address and address.lower() not in senders:
                found.append(address)
    return found


def _others(lines: tuple[str, ...], senders: set[str]) -> list[str]:
    """Any address in the reporter's words that is not the reporter's own or the sender's."""
    found = (
        match.group().strip(".")
        for line in lines
        if not words.NOT_RECIPIENT.search(line[:500])
        for match in ADDRESS.finditer(line[:500])
    )
    kept = [a for a in found if a.lower() not in senders and not words.SENDER.match(a)]
    return kept[:1]


def _of_returned(returned: str, sender: str) -> list[str]:
    """The recipient that the returned mail itself was addressed to."""
    head = returned[:20_000]
    for name in ("x-failed-recipients", "x-original-to", "delivered-to", "x-envelope-to", "to"):
        found = re.search(rf"^[ \t>]*{name}:[ \t]*(.{{1,400}})", head, re.IGNORECASE | re.MULTILINE)
        if found and (address := address_in(found.group(1))) and address.lower() != sender.lower():
            return [address]
    return []


def _flufl(raw: bytes) -> list[str]:
    """What flufl.bounce makes of it; short lines and a short mail only, since its patterns are not all "
    "linear."""
    if not raw:
        return []
    lines = raw[:MAX_TEXT].replace(b"\r\n", b"\n").split(b"\n")[:MAX_LINES]
    try:
        parsed = email.message_from_bytes(b"\n".join(line[:400] for line in lines))
        temporary, permanent = all_failures(parsed)
    except Exception:  # third-party parsers raise whatever they like on broken mail; no verdict then
        return []
    found = [(a.decode("utf-8", "replace") if isinstance(a, bytes) else str(a)) for a in (*permanent, *temporary)]
    return sorted(a for a in found if ADDRESS.fullmatch(a))
