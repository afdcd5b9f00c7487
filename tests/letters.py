"""Messages made by hand for tests of the readers: no MIME, only what a reader looks at."""

from typing import Any

from mailer.message import Message


def letter(body: str = "", **fields: Any) -> Message:
    """A plain message; `headers` is a mapping, everything else a field of `Message`."""
    headers = tuple((name.lower(), value) for name, value in fields.pop("headers", {}).items())
    given: dict[str, Any] = {
        **dict.fromkeys(("to", "cc", "in_reply_to", "references"), ()),
        **dict.fromkeys(("subject", "from_name"), ""),
        "headers": headers,
        "from_addr": "kim@north.example",
        "message_id": "<m1@north.example>",
        "date": "Tue, 3 Nov 2026 08:05:00 +0000",
        "content_type": "text/plain",
        "plain": body,
        "html": None,
    }
    return Message(**{**given, **fields})
