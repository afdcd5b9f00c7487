"""What must hold of any bytes that come in as a mail: every reader gives a verdict, and nothing of the body is lost."""

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from mailer import mask
from mailer.autoreply import read_autoreply
from mailer.bounce import read_bounce
from mailer.commands import read_command
from mailer.complaint import read_complaint
from mailer.explain import as_json, envelope_of
from mailer.html import to_text
from mailer.message import Envelope, Message
from mailer.parse import hops, parse
from mailer.read import read_message
from mailer.reading import Context, ItemKnown, QuestionKnown, TrackKnown
from mailer.segment import body_text, segment

NOW = datetime(2019, 3, 18, 9, 0, tzinfo=UTC)
CONTEXT = Context(
    items=(ItemKnown(1, "Talks about money", "MON-1", "money"), ItemKnown(2, "Open meeting", track="voice")),
    questions=(
        QuestionKnown("MON-1", "money", "Who should decide about grants?"),
        QuestionKnown("RR-2", "voice", "How much should stay in the region?"),
    ),
    tracks=(TrackKnown("money", "Money", ("money", "grants")), TrackKnown("voice", "Voice")),
    sent_lines=frozenset({"Who decides about money?", "Everybody is welcome."}),
    own_addresses=("core@process.example",),
    own_homes=("process.example",),
    writer_known=True,
    writer_languages=("ar", "en"),
    now=NOW,
    trusted_servers=("mx.process.example",),
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u2028\u2029]")


def judge(raw: bytes) -> None:
    """Read `raw` in every way; AssertionError, or whatever a reader raises, is a finding."""
    message = parse(raw)
    readable(message)
    segments = segment(message)
    whole = "\n".join(one.text for one in segments)
    assert whole == body_text(message), "the segments together are not the body"
    seen = as_json("x", read_message(message, envelope_of(message), CONTEXT, raw))
    json.dumps(seen, ensure_ascii=False).encode("utf-8")
    body = whole[:200_000]
    # Each reader by itself too: in the rules, an earlier one may have kept the mail from it.
    read_message(message, Envelope("", ("bounce+x@process.example",)), Context(), raw)
    for null_sender in (False, True):
        read_bounce(message, raw, null_sender)
        read_autoreply(message, body, NOW, null_sender, ("ar",))
    read_complaint(message, raw)
    read_command(message.subject, body, ("ar", "en"), NOW.date())
    read_command(message.subject, body[:200], (), NOW.date())
    hops(message)
    to_text(body)
    mask.mask(body)


def readable(message: Message) -> None:
    """Header values are one clean line each, and every text can be stored."""
    for name, value in message.headers:
        assert not _CONTROL.search(name + value), f"a control character in {name!r}: {value[:80]!r}"
    texts = (message.subject, message.from_name, message.from_addr, message.plain or "", message.html or "")
    names = tuple(one.name for one in message.attachments) + tuple(one.text or "" for one in message.attachments)
    for text in (*texts, *names):
        assert "\x00" not in text
        text.encode("utf-8")


def steps(run: Callable[[], object]) -> int:
    """How many calls of functions, ours and built-in ones, `run` makes: a measure of work that no machine distorts."""
    count = 0

    def note(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count
