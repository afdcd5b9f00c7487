"""What a mail was understood to say: the values that `mailer.read` gives and `tidings explain` prints.

The context is everything a reader may know of our side; with an empty one a mail is still read.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

INSIDE = "answer-inside"
"""Names the rule by which words inside a quote are the writer's."""
_MARK = re.compile(r"^[ \t]{0,3}> ?", re.MULTILINE)


class SegmentKind(StrEnum):
    """What a stretch of a body is; the segments in order are the whole decoded body."""

    REPLY = "reply"  # what the person wrote
    CLOSING = "closing"  # valediction and name
    SIGNATURE = "signature"  # contact block without a delimiter
    DELIMITED_SIGNATURE = "delimited_signature"  # after "-- ", or "Sent from my ..."
    DISCLAIMER = "disclaimer"  # legal footer
    FOOTER = "footer"  # what a list or a scanner appended
    INTRO = "intro"  # "On ... wrote:", header block, original-message line
    QUOTE = "quote"  # quoted text
    FORWARD = "forward"  # a forwarded message with its header


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the body. `by` names the rule or table that decided, for `tidings explain`."""

    kind: SegmentKind
    text: str
    by: str = ""

    @property
    def said(self) -> str:
        """The text without the mark of a quote that it was typed into."""
        return _MARK.sub("", self.text) if self.by == INSIDE else self.text


class Kind(StrEnum):
    """What sort of mail it is."""

    REPLY = "reply"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    COMMAND = "command"
    CALENDAR = "calendar"
    REACTION = "reaction"
    MDN = "mdn"
    OTHER = "other"


class Disposition(StrEnum):
    """What is to be done with it."""

    FILE = "file"
    HOLD = "hold"
    IGNORE = "ignore"
    COMMAND = "command"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    ROUTE = "route"  # a task for a person: safety, handover, correction of a translation or date


class Visibility(StrEnum):
    """Who may see it."""

    NORMAL = "normal"
    PRIVATE = "private"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a statement answers: `kind` is item, question, track, recommendation or statement; `ref` its id."""

    kind: str
    ref: str


@dataclass(frozen=True, slots=True)
class StatementRead:
    """One citable piece: its text, what it answers, how sure (0..1), and the quoted text it stands under."""

    text: str
    anchors: tuple[Anchor, ...] = ()
    confidence: float = 0.0
    quote: str = ""


@dataclass(frozen=True, slots=True)
class BounceRead:
    """A delivery report (RFC 3464). `permanent` None: not known."""

    recipients: tuple[str, ...]
    permanent: bool | None
    status: str = ""
    diagnostic: str = ""
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComplaintRead:
    """A feedback report (RFC 5965)."""

    feedback_type: str
    recipients: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandRead:
    """A command in the writer's own words: `name` such as unsubscribe, pause, weekly; `argument` as ISO text."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class ItemKnown:
    """A numbered item of the digest that is answered. `code` is the question's id where it is one."""

    number: int
    title: str
    code: str = ""
    track: str = ""
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionKnown:
    """A question put to the communities."""

    code: str
    track: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class TrackKnown:
    """A track with the words people use for it."""

    slug: str
    name: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What our side knows when a mail is read. Everything may be empty."""

    items: tuple[ItemKnown, ...] = ()
    questions: tuple[QuestionKnown, ...] = ()
    tracks: tuple[TrackKnown, ...] = ()
    own_addresses: tuple[str, ...] = ()
    own_homes: tuple[str, ...] = ()  # see mailer.home
    token_item: int = 0  # the item named by the address it was sent to; 0: the whole edition
    private_address: bool = False  # it came to the private lane's address
    writer_known: bool | None = None  # a liaison's address? None: not asked
    writer_languages: tuple[str, ...] = ()
    statement_refs: tuple[str, ...] = ()  # the writer's own statements, for fix/withdraw
    sent_lines: frozenset[str] = frozenset()  # lines of the mail that is answered, to know them again in a quote
    now: datetime | None = None
    trusted_servers: tuple[str, ...] = ()  # whose Authentication-Results are believed (RFC 8601 section 4.1)
    seen_ids: frozenset[str] = frozenset()  # Message-IDs that came before, to know a duplicate


@dataclass(frozen=True, slots=True)
class Reading:
    """The verdict on one mail. `rule` is the name of the first rule that hit; `text` is what is filed."""

    kind: Kind
    rule: str
    disposition: Disposition
    visibility: Visibility = Visibility.NORMAL
    subject: str = ""
    segments: tuple[Segment, ...] = ()
    text: str = ""
    language: str = "und"
    statements: tuple[StatementRead, ...] = ()
    attachments: tuple[str, ...] = ()
    bounce: BounceRead | None = None
    complaint: ComplaintRead | None = None
    command: CommandRead | None = None
    absent_until: date | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())  # for a person: handover, correction, supports ...
