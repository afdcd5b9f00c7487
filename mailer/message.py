"""A received mail as values: envelope, decoded headers, chosen bodies, attachments.

Made by `mailer.parse` from raw bytes; everything that reads a mail works on this and never on
library objects. Text is clean: no control characters but tab and newline, lines end in LF.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SMTP said before the data (RFC 5321 section 2.3.1).

    `mail_from` is '' for the null reverse-path. `rcpt_to` holds the accepted recipients in order. `peer` and `helo` are
    of the client that sent the mail; `front` is the address of a front server of ours that told so, if one did.
    """

    mail_from: str = ""
    rcpt_to: tuple[str, ...] = ()
    peer: str = ""
    helo: str = ""
    front: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not a body. `type` is judged by content, `declared` is what the sender said.

    `text` is what could be read out of it (txt, md, odt, docx, pdf), cleaned, or None.
    """

    name: str
    type: str
    declared: str
    size: int
    content: bytes = field(repr=False, default=b"")
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of the MIME tree that matters to a rule: its type and decoded text.

    Kept for machine-readable parts (message/delivery-status, message/feedback-report,
    message/disposition-notification, text/calendar, text/rfc822-headers, reactions, message/rfc822).
    """

    type: str
    text: str
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One mail, read within limits.

    `headers` are (lower-case name, unfolded decoded value) in order. `plain` is the text/plain body
    (format=flowed already undone), `html` the HTML body; either may be None. `warnings` name every
    limit or repair that was applied, such as `charset-guessed` or `too-deep`.
    """

    headers: tuple[tuple[str, str], ...]
    subject: str
    from_name: str
    from_addr: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: str
    content_type: str
    plain: str | None
    html: str | None
    attachments: tuple[Attachment, ...] = ()
    parts: tuple[Part, ...] = ()
    warnings: tuple[str, ...] = ()
    _by_name: dict[str, list[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, list[str]] = {}
        for name, value in self.headers:
            by_name.setdefault(name, []).append(value)
        object.__setattr__(self, "_by_name", by_name)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header, in order."""
        return tuple(self._by_name.get(name.lower(), ()))

    def get(self, name: str, default: str = "") -> str:
        """The first value of a header, or `default`."""
        values = self._by_name.get(name.lower())
        return values[0] if values else default
