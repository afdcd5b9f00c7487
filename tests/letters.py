"""Messages made by hand for tests of the readers: no MIME, only what a reader looks at."""

from typing import Any

from mailer.message import Message


def letter(body: str = "", **fields: Any) -> Message:
    """A plain message; `headers` is a mapping, everything else a field of `Message`."""
    headers = tuple((name.lower(), value) for name, value in fields.pop("headers", {}).items())
    given: dict[str, Any] = {
        "headers": headers, "subject": "", "from_name": "", "from_addr": "kim@north.example", "to": (),
        "cc": (),
        "message_id": "<m1@north.example>", "in_reply_to": (), "references": (), "date": "Tue, 3 Nov 2026 08:05:00 +0000",
        "content_type": "text/plain", "plain": body, "html": None,
    }  # fmt: skip
    return Message(**{**given, **fields})
