"""What a letter says, as values: the input of `mailer.render`, made by a flow.

Text of people comes as `Block`, with its own language; words of the service stay in the templates.
Dates come as dates and are worded by CLDR. Nothing here is personal: what differs per person is
spliced later (see `mailer.compose`).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Block:
    """A text in one language. `text` is Markdown in bodies and plain words in headings and places.

    `outdated`: the translation is older than its source, and the reader is told so. That a block is not
    in the letter's own language is seen by its `lang`.
    """

    text: str
    lang: str
    outdated: bool = False


class Precision(StrEnum):
    """How exactly a date is known."""

    TIME = "time"  # a moment; start and end are aware datetimes
    DAY = "day"
    APPROX = "approx"  # around that day
    MONTH = "month"  # some time in that month; the day means nothing


@dataclass(frozen=True, slots=True)
class When:
    """A date or a stretch of time. Aware datetimes with TIME, plain dates otherwise; `end` is inclusive."""

    start: date | datetime
    end: date | datetime | None = None
    precision: Precision = Precision.DAY


class DateRole(StrEnum):
    """What a date is the date of."""

    WHEN = "when"
    OPENS = "opens"
    CLOSES = "closes"  # the last day to take part
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class DateLine:
    """One line of dates; `was` is the date the reader believed before. `now` None: no date any more."""

    role: DateRole
    now: When | None
    was: When | None = None


class Label(StrEnum):
    """Why an item is here."""

    NONE = ""
    NEW = "new"
    MOVED = "moved"
    CHANGED = "changed"
    OPENED = "opened"
    CLOSED = "closed"
    DONE = "done"
    CANCELLED = "cancelled"
    LEFT_TRACK = "left_track"  # moved to a track the reader does not follow


@dataclass(frozen=True, slots=True)
class Item:
    """One numbered thing. `code` is the id of its question, `track` its track's name for a small line above.

    `how` says how to take part. `credit` tells who said it ("WMFR, S-1042"). An item that is not
    `answerable` has no address of its own.
    """

    number: int
    heading: Block
    code: str = ""
    label: Label = Label.NONE
    track: Block | None = None
    dates: tuple[DateLine, ...] = ()
    body: tuple[Block, ...] = ()
    questions: tuple[tuple[str, Block], ...] = ()
    place: Block | None = None
    how: Block | None = None
    link: str = ""
    credit: str = ""
    answerable: bool = True


class SectionKind(StrEnum):
    """The sections of a digest, in the order in which they read best."""

    HERE = "here"  # where we are in the process
    CHANGED = "changed"  # what changed since your last digest
    DO = "do"  # what you can do now, by closing date
    COMING = "coming"
    NEWS = "news"  # announcements folded into the digest
    HEARD = "heard"  # what we heard


@dataclass(frozen=True, slots=True)
class Section:
    """A section: an optional lead, then its items."""

    kind: SectionKind
    items: tuple[Item, ...] = ()
    lead: Block | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A person to ask. `about` says for what."""

    name: str
    address: str
    about: Block | None = None


@dataclass(frozen=True, slots=True)
class Footer:
    """Who runs this and how to stop: the same in all mails of a process.

    `postal` holds the lines of the postal address. `invented`: people and statements in it are made up,
    and every mail says so. `leave_url` and `prefs_url` are personal and spliced, hence not here.
    """

    operator: str
    owner: str
    postal: tuple[str, ...] = ()
    home: str = ""
    invented: bool = False
    web: bool = True  # personal pages are served: links to them make sense
    reader: bool = True  # it goes to somebody who gets our mails and may stop them; not to one of the community


@dataclass(frozen=True, slots=True)
class DigestMail:
    """An edition for one variant. `title` is the digest's, `number` the edition's, `dated` its slot's day."""

    process: str
    title: Block
    number: int
    dated: date
    footer: Footer
    sections: tuple[Section, ...] = ()
    contacts: tuple[Contact, ...] = ()
    first: bool = False  # the reader's first digest: it explains itself
    special: bool = False
    archive: str = ""
    phases_over: int = 0
    phases: int = 0  # that are known so far, all together
    foreword: Block | None = None  # what its editor opens it with


class Fate(StrEnum):
    """What became of a statement."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    THEMED = "themed"  # stands with others under a theme
    ANSWERED = "answered"
    CITED = "cited"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Own:
    """News of one statement for its author; `reply` is what a working group said, `into` a theme or reference."""

    ref: str
    text: Block
    fate: Fate
    reply: Block | None = None
    into: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class AnnouncementMail:
    """A one-off text of the core team. An erratum is one with `corrects`, the subject of what it corrects."""

    process: str
    heading: Block
    footer: Footer
    body: tuple[Block, ...] = ()
    dates: tuple[DateLine, ...] = ()
    questions: tuple[tuple[str, Block], ...] = ()
    link: str = ""
    corrects: str = ""
    signed: str = ""
    item: Item | None = None  # of an edition that an erratum corrects, as it is now


@dataclass(frozen=True, slots=True)
class Filed:
    """One statement of a receipt: its reference, its words, and what it was filed on (number 0: the whole)."""

    ref: str
    text: Block
    number: int = 0
    about: Block | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptMail:
    """What was filed from one mail. `to` is the subject of the mail that was answered."""

    process: str
    footer: Footer
    filed: tuple[Filed, ...]
    received: date
    to: str = ""
    private: bool = False
    groups: tuple[str, ...] = ()  # several mandates: which one does the writer speak for?
    group: str = ""
    unread: tuple[str, ...] = ()  # attachments that were kept but not read
    changed: bool = False  # it answers a wish to change what an earlier one told of


class NoticeKind(StrEnum):
    """The short letters of the service. Each is a folder in templates/mail."""

    WELCOME = "welcome"
    HELD = "held"  # a stranger's mail waits: one question
    UNPROVED = "unproved"  # a mail with a known address that nobody vouches for: did they write it?
    LEFT = "left"  # unsubscribed
    PAUSED = "paused"
    AWAY = "away"  # to a deputy: the other liaison of the group is away
    RESUMED = "resumed"
    HELP = "help"
    STATUS = "status"
    ALERT = "alert"  # to the core team: something needs a person
    NOTED = "noted"  # to a liaison: a person looks after what they wrote
    WITHDRAWN = "withdrawn"  # a statement was taken back
    ANSWER = "answer"  # a person of the core team answers a mail
    TASK = "task"  # to a contact person: something came in that they should settle
    CALL = "call"  # to who translates: something waits for their language
    DRAFT = "draft"  # to the core team: a draft is ready for review
    OPTIN = "optin"  # confirm your address
    PROBE = "probe"  # does anything arrive at this address


@dataclass(frozen=True, slots=True)
class NoticeMail:
    """A short letter. Which of the optional values a kind uses stands in its template; missing ones fail it."""

    process: str
    footer: Footer
    title: Block | None = None
    until: date | None = None
    due: When | None = None  # DRAFT: when it is approved by itself
    about: str = ""  # subject of the mail or name of the edition it is about
    details: tuple[Block, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    url: str = ""
    number: int = 0
    automatic: bool = False  # DRAFT: nobody needs to approve it
