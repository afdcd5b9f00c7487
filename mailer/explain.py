"""A reading as the JSON object of `tidings explain`, and the context that its `--context` file gives.

The keys of the object, their order and their meaning are kept stable. The context is a mapping as YAML gives it:

    items:      [{number, title, code, track}, ...]       the numbered items of the digest that is answered
    questions:  {RR-2: {track, text}, ...}                or a list of {code, track, text}
    digests:    {d12: {subject, date, asks: [RR-1, ...]}} the one that the mail answers is found by its subject or id
    tracks:     {slug: [words]}                           or a list of {slug, name, words}
    roster:     [{address, languages, group}, ...]        then anybody else is a stranger
    own_addresses, own_homes, trusted_servers, now (else when the mail was sent), token_item, private

Unknown keys are left alone, so that a larger document may be given; a value of the wrong shape counts as absent.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from mailer.html import to_text
from mailer.message import Envelope, Message
from mailer.parse import parse
from mailer.phrases import fold
from mailer.read import read_message
from mailer.reading import Anchor, Context, ItemKnown, QuestionKnown, Reading, TrackKnown

JsonObject = dict[str, Any]
_CODE = re.compile(r"[A-Za-z]{1,12}-\d{1,3}")
_ROSTERS = ("roster", "liaisons", "senders")


def explain(
    raw: bytes, file: str = "", document: Mapping[str, Any] | None = None, envelope: Envelope | None = None
) -> JsonObject:
    """How one mail is understood, as the object that `tidings explain --json` prints for it."""
    message = parse(raw)
    context = context_for(message, document or {})
    return as_json(file, read_message(message, envelope or envelope_of(message), context, raw))


def as_json(file: str, reading: Reading) -> JsonObject:
    """The object for one file. `notes` for a person stand among the warnings, marked as such."""
    return {
        "file": file,
        "kind": reading.kind.value,
        "rule": reading.rule,
        "disposition": reading.disposition.value,
        "visibility": reading.visibility.value,
        "subject": reading.subject,
        "segments": [{"kind": segment.kind.value, "text": segment.text} for segment in reading.segments],
        "text": reading.text,
        "language": reading.language,
        "statements": [
            {
                "text": statement.text,
                "anchors": [_anchor(anchor) for anchor in statement.anchors],
                "confidence": round(statement.confidence, 2),
                "quote": statement.quote,
            }
            for statement in reading.statements
        ],
        "attachments": list(reading.attachments),
        "bounce": _bounce(reading),
        "complaint": _complaint(reading),
        "command": {"name": reading.command.name, "argument": reading.command.argument} if reading.command else None,
        "autoreply": _autoreply(reading),
        "warnings": [*reading.warnings, *(f"note: {note}" for note in reading.notes)],
    }


def _anchor(anchor: Anchor) -> JsonObject:
    return {"kind": anchor.kind, "ref": anchor.ref}


def _bounce(reading: Reading) -> JsonObject | None:
    if reading.bounce is None:
        return None
    found = reading.bounce
    return {
        "recipients": list(found.recipients),
        "permanent": found.permanent,
        "status": found.status,
        "diagnostic": found.diagnostic,
    }


def _complaint(reading: Reading) -> JsonObject | None:
    if reading.complaint is None:
        return None
    return {"feedback_type": reading.complaint.feedback_type, "recipients": list(reading.complaint.recipients)}


def _autoreply(reading: Reading) -> JsonObject | None:
    if reading.kind.value != "autoreply":
        return None
    return {"until": reading.absent_until.isoformat() if reading.absent_until else None}


def envelope_of(message: Message) -> Envelope:
    """The envelope as far as the headers of a stored mail tell it."""
    sender = message.get("return-path").strip(" <>")
    recipients = tuple(
        v.strip(" <>") for n in ("delivered-to", "x-original-to", "envelope-to") for v in message.all(n)[:3]
    )
    return Envelope(sender or ("" if message.get("return-path") else message.from_addr), recipients)


def context_for(message: Message, document: Mapping[str, Any]) -> Context:
    """The context of one mail out of the document of `--context`."""
    questions = tuple(_questions(document.get("questions")))
    digest = document.get("digest")
    given = document.get("items") or (
        digest.get("items") or digest.get("asks") if isinstance(digest, Mapping) else None
    )
    items = tuple(_items(given, questions)) or tuple(_asked(message, document, questions))
    known, languages = _writer(message, document)
    return Context(
        items=items,
        questions=questions,
        tracks=tuple(_tracks(document.get("tracks"))),
        own_addresses=_strings(document.get("own_addresses")),
        own_homes=_strings(document.get("own_homes")),
        token_item=_integer(document.get("token_item")),
        private_address=document.get("private") is True,
        writer_known=known,
        writer_languages=languages,
        now=_moment(document.get("now")) or _sent(message),
        trusted_servers=_strings(document.get("trusted_servers")),
        seen_ids=frozenset(_strings(document.get("seen_ids"))),
        sent_lines=frozenset(_strings(document.get("sent_lines"))),
    )


def sent_lines(raw: bytes) -> list[str]:
    """The lines of a mail of ours as its reader saw them, for `sent_lines` of the document: what was answered."""
    message = parse(raw)
    shown = f"{message.plain or ''}\n{to_text(message.html or '')}"
    return sorted({line.strip() for line in shown.split("\n") if len(line.strip()) > 2})


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part for part in value.replace(",", " ").replace(";", " ").split() if part)
    return tuple(str(v) for v in value if isinstance(v, str | int)) if isinstance(value, list | tuple) else ()


def _integer(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isascii() and str(value).isdigit() else 0


def _moment(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else None


def _sent(message: Message) -> datetime | None:
    """When a mail says that it was sent: without a given now, "until 15 May" is of that year."""
    try:
        sent = parsedate_to_datetime(message.date)
    except (ValueError, TypeError, OverflowError):
        return None
    return sent if sent.tzinfo else sent.replace(tzinfo=UTC)


def _rows(value: object, key: str) -> Iterator[Mapping[str, Any]]:
    """Rows of a list of mappings, or of a mapping from the key to a mapping or a plain value."""
    if isinstance(value, Mapping):
        for name, row in value.items():
            yield {key: str(name), **row} if isinstance(row, Mapping) else {key: str(name), "value": row}
    elif isinstance(value, list | tuple):
        for row in value:
            yield row if isinstance(row, Mapping) else {key: str(row)}


def _first(row: Mapping[str, Any], *names: str) -> str:
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), "")


def _questions(value: object) -> Iterator[QuestionKnown]:
    for row in _rows(value, "code"):
        code = _first(row, "code", "id", "ref")
        if code:
            yield QuestionKnown(code, _first(row, "track"), _first(row, "text", "question", "value", "title"))


def _items(value: object, questions: tuple[QuestionKnown, ...]) -> Iterator[ItemKnown]:
    """Items as rows, or as bare codes of questions in the order of the digest."""
    by_code = {question.code: question for question in questions}
    for place, row in enumerate(_rows(value, "number"), start=1):
        given = _first(row, "number", "n", "item")
        named = (_first(row, name) for name in ("code", "question_id", "question", "id", "ref", "number"))
        code = next((text for text in named if _CODE.fullmatch(text)), "")
        known = by_code.get(code, QuestionKnown(code, ""))
        title = _first(row, "title", "text", "value") or known.text
        yield ItemKnown(_integer(given) or place, title, code, _first(row, "track") or known.track, _strings_of(row))


def _strings_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    texts = row.get("texts") or row.get("text") or ()
    return (texts,) if isinstance(texts, str) else tuple(str(t) for t in texts if isinstance(t, str))


def _tracks(value: object) -> Iterator[TrackKnown]:
    for row in _rows(value, "slug"):
        words = row.get("words", row.get("value", ()))
        listed = (
            (words,)
            if isinstance(words, str)
            else tuple(str(w) for w in words)
            if isinstance(words, list | tuple)
            else ()
        )
        yield TrackKnown(_first(row, "slug", "id"), _first(row, "name", "slug"), listed)


def _asked(message: Message, document: Mapping[str, Any], questions: tuple[QuestionKnown, ...]) -> Iterator[ItemKnown]:
    """The questions of the digest that the mail answers, as its items in order."""
    digests = list(_rows(document.get("digests"), "id"))
    threads = " ".join((*message.in_reply_to, *message.references, *message.to, message.get("delivered-to"))).lower()
    subject = fold(message.subject)
    named = [row for row in digests if _in_thread(_first(row, "id"), threads)]
    titled = [row for row in digests if _first(row, "subject") and fold(_first(row, "subject")) in subject]
    for row in (named or titled)[:1]:
        yield from _items(row.get("items") or _strings(row.get("asks")), questions)


def _in_thread(name: str, threads: str) -> bool:
    """Whether a digest's id stands in the ids and addresses of a thread, as a word of its own."""
    at = threads.find(name.lower()) if name else -1
    while at >= 0:
        before, after = threads[at - 1 : at], threads[at + len(name) : at + len(name) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = threads.find(name.lower(), at + 1)
    return False


def _writer(message: Message, document: Mapping[str, Any]) -> tuple[bool | None, tuple[str, ...]]:
    """Whether the writer stands in the roster (None: no roster with addresses given), and their languages."""
    rows = [row for name in _ROSTERS for row in _people(document.get(name))]
    sender = message.from_addr.lower()
    for addresses, languages in rows:
        if sender in addresses:
            return True, languages
    return (False, ()) if rows else (None, ())


def _people(value: object, depth: int = 0) -> Iterator[tuple[set[str], tuple[str, ...]]]:
    """Everybody with an address in a roster of any shape: (addresses, languages)."""
    if isinstance(value, Mapping):
        flat = [text for v in value.values() for text in _strings(v)]
        addresses = {text.lower().strip("<>") for text in flat if "@" in text}
        if addresses:
            yield addresses, _strings(value.get("languages") or value.get("language"))
    elif isinstance(value, str) and "@" in value:
        yield {text.lower().strip("<>") for text in _strings(value) if "@" in text}, ()
    if isinstance(value, Mapping | list | tuple) and depth < 4:
        inner = value.values() if isinstance(value, Mapping) else value
        for row in inner:
            if isinstance(row, Mapping | list | tuple) or (isinstance(row, str) and not isinstance(value, Mapping)):
                yield from _people(row, depth + 1)
