"""What one variant of an edition says, as values: sections, items, and texts that still want their language.

Dates are values, for whoever words them by CLDR and zone. A block names its text by subject and field, so that a flow
can put in a translation; its own text is the source's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from digests.subject import Status, Subject, SubjectKind
from digests.timeline import Change, EntryKind
from digests.told import Label
from digests.when import Session, When


class Size(StrEnum):
    """How long a digest is; never which news it has (N14)."""

    S = "S"  # a line for each
    M = "M"  # news in full, the rest in lines
    L = "L"  # everything in full


class SectionKind(StrEnum):
    """The sections in their order."""

    WHERE_WE_ARE = "where-we-are"
    CHANGED = "changed"  # since your last digest
    OPEN_NOW = "open-now"  # what you can do now, by closing date
    COMING = "coming"
    HEARD = "heard"  # what we heard
    OUTCOME = "outcome"  # what became of what you sent: personal
    ANNOUNCEMENTS = "announcements"
    WHO_TO_ASK = "who-to-ask"


@dataclass(frozen=True, slots=True)
class Block:
    """A text of `subject`, named by its field. `lang` is empty while it is the source's own."""

    subject: Subject
    field: str
    text: str
    lang: str = ""
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A question under its entry, answerable by its own number."""

    subject: Subject
    number: int | None
    code: str
    text: Block


@dataclass(frozen=True, slots=True)
class Was:
    """What the reader believed of an item before, where it was alive: both dates of a moved entry."""

    when: When | None
    sessions: tuple[Session, ...]
    place: str
    tracks: tuple[str, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One numbered thing. `body`, `how` and `reason` are None where the size leaves them out or there are none."""

    subject: Subject
    number: int | None
    kind: EntryKind | SubjectKind
    status: Status
    title: Block
    label: Label | None = None
    tracks: tuple[str, ...] = ()
    when: When | None = None
    sessions: tuple[Session, ...] = ()
    closes: datetime | None = None
    place: Block | None = None
    link: str = ""
    body: Block | None = None
    how: Block | None = None
    reason: Block | None = None
    was: Was | None = None
    asks: tuple[Ask, ...] = ()
    ref: str = ""
    state: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """A person to ask: for a track, or for the process where `track` is empty; languages best first."""

    name: str
    address: str
    track: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section and how many items the size left out of it."""

    kind: SectionKind
    items: tuple[Item, ...] = ()
    more: int = 0
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class Issue:
    """All that one variant says; the personal section is spliced in later. Phases: how many are over, of how many."""

    size: Size
    sections: tuple[Section, ...]
    phases_over: int = 0
    phases: int = 0

    def section(self, kind: SectionKind) -> Section | None:
        """The section of that kind, when it has something to say."""
        return next((section for section in self.sections if section.kind is kind), None)


def with_words(section: Section, choose: Callable[[Block], Block]) -> Section:
    """The section with every text replaced by the reader's wording of it."""
    return replace(section, items=tuple(_item_with_words(item, choose) for item in section.items))


def _item_with_words(item: Item, choose: Callable[[Block], Block]) -> Item:
    return replace(
        item,
        title=choose(item.title),
        place=item.place and choose(item.place),
        body=item.body and choose(item.body),
        how=item.how and choose(item.how),
        reason=item.reason and choose(item.reason),
        asks=tuple(replace(ask, text=choose(ask.text)) for ask in item.asks),
    )
