"""From decisions to words: the numbers of an edition's items, and the content of each variant (N14, N15, N17).

Pure and deterministic. The same news, scope and size give the same issue; items carry the same number for everybody,
for liaisons talk to each other about "item 5". Raises `TooManyItems`.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

from digests.chronicle import Chronicle
from digests.issue import (
    Ask,
    Block,
    Contact,
    Issue,
    Item,
    Section,
    SectionKind,
    Size,
    Was,
    with_words,
)
from digests.scope import Scope
from digests.subject import ALIVE, FADING, Status, Subject, SubjectKind
from digests.timeline import CLOSING, AnyFacts, EntryKind, Facts, OtherFacts, changes, closing_at
from digests.told import Label, News

__all__ = [
    "LAST_NUMBER",
    "Ask",
    "Block",
    "Contact",
    "Issue",
    "Item",
    "Section",
    "SectionKind",
    "Size",
    "Source",
    "TooManyItems",
    "Was",
    "assemble",
    "edition_subjects",
    "number_items",
    "outcome",
    "with_words",
]

LAST_NUMBER = 1023
"""Ten bits of a reply token (K1)."""
COMING = {Size.S: 0, Size.M: 5, Size.L: 12}
_URGENT = (Label.CANCELLED, Label.MOVED, Label.REOPENED, Label.CHANGED, Label.MOVED_TRACK)


class TooManyItems(ValueError):
    """An edition has more than 1023 items."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an issue's facts come from: the chronicle up to the edition's seq, its items' numbers, the zone of days."""

    chronicle: Chronicle
    seq: int
    numbers: Mapping[Subject, int]
    zone: ZoneInfo
    contacts: tuple[Contact, ...] = ()
    pinned: frozenset[Subject] = frozenset()  # stand first in their section
    questions: Mapping[int, Sequence[Subject]] = field(init=False)  # the open ones, by the entry that asks them
    phases: Sequence[Facts] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "questions", _questions(self.chronicle, self.seq))
        object.__setattr__(self, "phases", _phases(self.chronicle, self.seq))


def number_items(existing: Mapping[Subject, int], wanted: Iterable[Subject]) -> dict[Subject, int]:
    """The numbers of an edition: existing ones stay, new ones are appended in the order wanted (N15)."""
    numbers = dict(existing)
    last = max(numbers.values(), default=0)
    for subject in wanted:
        if subject not in numbers:
            last += 1
            numbers[subject] = last
    if last > LAST_NUMBER:
        raise TooManyItems(f"an edition has at most {LAST_NUMBER} items, this one would have {last}")
    return numbers


def edition_subjects(
    chronicle: Chronicle,
    seq: int,
    parts: Iterable[tuple[Sequence[News], Scope]],
    zone: ZoneInfo,
    pinned: Container[Subject] = (),
) -> list[Subject]:
    """Every answerable subject that any variant shows, in the order in which numbers read best."""
    found: set[Subject] = set()
    doable: set[Subject] = set()
    for items, scope in parts:
        found.update(item.subject for item in items)
        found.update(scope.here, scope.open, scope.coming)
        doable.update(scope.open)
    questions = _questions(chronicle, seq)
    found.update(q for subject in tuple(found) for q in questions.get(subject.id, ()) if _is_entry(subject))
    found = {subject for subject in found if subject.kind is not SubjectKind.STATEMENT}

    def order(subject: Subject) -> tuple[int, bool, str, date, Subject]:
        part, closes, day, _ = _reading_order(chronicle, seq, subject, zone, doable=subject in doable)
        return (part, subject not in pinned, closes, day, subject)

    return sorted(found, key=order)


def assemble(source: Source, items: Sequence[News], scope: Scope, size: Size, languages: Sequence[str] = ()) -> Issue:
    """What a variant says, section by section; sections with nothing to say are left out."""
    labels = {item.subject: item for item in items}
    news = _sort_news(source, items)
    shown = {s for s in scope.open if _is_entry(s)} | {n.subject for n in news if _is_entry(n.subject)}
    asking = (s for s in shown if _alive(source, s))
    nested = {q for entry in asking for q in source.questions.get(entry.id, ())}
    standing = {*scope.open, *scope.coming, *scope.here}
    changed = [n.subject for n in news if _plans(n.subject) and n.subject not in nested and not _fits(n, standing)]
    full, long = size is not Size.S, size is Size.L
    sections = [
        _section(source, SectionKind.WHERE_WE_ARE, scope.here, labels, long, size, {*changed, *scope.open}),
        _section(source, SectionKind.CHANGED, changed, labels, full, size),
        _section(source, SectionKind.OPEN_NOW, [s for s in scope.open if s not in nested], labels, long, size, changed),
        _section(source, SectionKind.COMING, scope.coming, labels, long, size, changed),
        _section(source, SectionKind.HEARD, _of_kind(news, SubjectKind.HEARD), labels, full, size),
        _section(source, SectionKind.ANNOUNCEMENTS, _of_kind(news, *FADING), labels, True, size),
    ]
    told = tuple(section for section in sections if section.items or section.more)
    who = _who_to_ask(source.contacts, told, size, languages)
    return Issue(
        size=size,
        sections=(*told, who) if who.contacts else told,
        phases_over=sum(facts.status is Status.OVER for facts in source.phases),
        phases=len(source.phases),
    )


def outcome(source: Source, own: Sequence[News]) -> Section:
    """What became of what one sent: the personal section, spliced into the variant."""
    items = (_item(source, n.subject, n, body=True) for n in own)
    return Section(SectionKind.OUTCOME, tuple(item for item in items if item is not None))


def _section(
    source: Source,
    kind: SectionKind,
    subjects: Sequence[Subject],
    labels: Mapping[Subject, News],
    body: bool,
    size: Size,
    above: Container[Subject] = (),
) -> Section:
    """Items for the subjects. What stands in full `above` is a line here; news is in full; only `coming` is cut."""
    subjects = sorted(subjects, key=lambda subject: subject not in source.pinned)
    shown = _cut(kind, subjects, labels, size)
    brief = size is Size.S and kind in (SectionKind.WHERE_WE_ARE, SectionKind.COMING)
    items: list[Item] = []
    for subject in shown:
        news = None if subject in above else labels.get(subject)
        item = _item(source, subject, news, body=body or (news is not None and size is not Size.S))
        if item is not None:
            items.append(_line(item) if subject in above else _brief(item) if brief else item)
    return Section(kind, tuple(items), 0 if size is Size.S else len(subjects) - len(shown))


def _cut(
    kind: SectionKind, subjects: Sequence[Subject], labels: Mapping[Subject, News], size: Size
) -> Sequence[Subject]:
    """What is coming is cut by size, but never what is news."""
    if kind is not SectionKind.COMING:
        return subjects
    return [subject for n, subject in enumerate(subjects) if n < COMING[size] or subject in labels]


def _line(item: Item) -> Item:
    """An item that was told in full further up: its name, its dates and its number."""
    return replace(item, label=None, body=None, how=None, reason=None, link="", asks=(), was=None)


def _brief(item: Item) -> Item:
    """What one cannot do now, for who wants to read what one can do now: when it is, and what it will ask."""
    return replace(item, how=None, link="")


def _fits(news: News, standing: Container[Subject]) -> bool:
    """Whether a section of state tells this news by itself: something new that is open or coming."""
    return news.subject in standing and news.label in (Label.NEW, Label.STANDING, Label.OPENED)


def _plans(subject: Subject) -> bool:
    return subject.kind in (SubjectKind.ENTRY, SubjectKind.QUESTION)


def _item(source: Source, subject: Subject, news: News | None, *, body: bool) -> Item | None:
    facts = source.chronicle.facts(subject, source.seq)
    if facts is None:
        return None
    number, label = source.numbers.get(subject), news.label if news else None
    if isinstance(facts, OtherFacts):
        return _other_item(source, subject, facts, label, number, body)
    return Item(
        subject=subject,
        number=number,
        kind=facts.kind,
        status=facts.status,
        title=Block(subject, "title", facts.title),
        label=label,
        tracks=facts.tracks,
        when=facts.when,
        sessions=facts.sessions,
        closes=closing_at(facts, source.zone) if facts.kind in CLOSING and facts.status in ALIVE else None,
        place=_block(subject, "place", facts.place),
        link=facts.link,
        body=_block(subject, "description", facts.description) if body else None,
        how=_block(subject, "how", facts.how) if facts.participate and facts.status in ALIVE else None,
        reason=_block(subject, "reason", facts.reason) if label in _URGENT else None,
        was=_was(source, subject, facts, news),
        asks=_asks(source, subject) if facts.status in ALIVE else (),
    )


def _other_item(
    source: Source, subject: Subject, facts: OtherFacts, label: Label | None, number: int | None, body: bool
) -> Item:
    return Item(
        subject=subject,
        number=number,
        kind=subject.kind,
        status=facts.status,
        title=Block(subject, "title", facts.title),
        label=label,
        tracks=facts.tracks,
        closes=closing_at(facts, source.zone),
        body=Block(subject, "body", "") if body and subject.kind is not SubjectKind.QUESTION else None,
        ref=facts.ref,
        state=facts.state,
        links=facts.links,
    )


def _was(source: Source, subject: Subject, now: Facts, news: News | None) -> Was | None:
    old = None if news is None or news.was_seq is None else source.chronicle.facts(subject, news.was_seq)
    if not isinstance(old, Facts):
        return None
    return Was(old.when, old.sessions, old.place, old.tracks, changes(old, now))


def _asks(source: Source, entry: Subject) -> tuple[Ask, ...]:
    found: list[Ask] = []
    for subject in source.questions.get(entry.id, ()):
        facts = source.chronicle.facts(subject, source.seq)
        if isinstance(facts, OtherFacts):
            found.append(Ask(subject, source.numbers.get(subject), facts.ref, Block(subject, "title", facts.title)))
    return tuple(found)


def _questions(chronicle: Chronicle, seq: int) -> dict[int, list[Subject]]:
    """The open questions by the entry that asks them."""
    found: dict[int, list[Subject]] = {}
    for subject in chronicle.of_kind(SubjectKind.QUESTION, seq):
        facts = chronicle.facts(subject, seq)
        if isinstance(facts, OtherFacts) and facts.entry is not None and facts.status is Status.OPEN:
            found.setdefault(facts.entry, []).append(subject)
    return found


def _sort_news(source: Source, items: Sequence[News]) -> list[News]:
    """What turns plans over comes first, then by date."""

    def rank(item: News) -> tuple[int, date, Subject]:
        urgency = _URGENT.index(item.label) if item.label in _URGENT else len(_URGENT)
        return (urgency, _day(source.chronicle, source.seq, item.subject), item.subject)

    return sorted(items, key=rank)


def _reading_order(
    chronicle: Chronicle, seq: int, subject: Subject, zone: ZoneInfo, *, doable: bool
) -> tuple[int, str, date, Subject]:
    """What can be done comes first, by closing date; then entries by date; then the rest by kind."""
    facts = chronicle.facts(subject, seq)
    if isinstance(facts, Facts):
        closes = closing_at(facts, zone) if doable else None
        return (1 if closes is None else 0, closes.isoformat() if closes else "", facts.when.first_day(), subject)
    return (2, subject.kind.value, date.min, subject)


def _day(chronicle: Chronicle, seq: int, subject: Subject) -> date:
    facts: AnyFacts | None = chronicle.facts(subject, seq)
    return facts.when.first_day() if isinstance(facts, Facts) else date.max


def _phases(chronicle: Chronicle, seq: int) -> list[Facts]:
    found = (chronicle.facts(s, seq) for s in chronicle.of_kind(SubjectKind.ENTRY, seq))
    return [f for f in found if isinstance(f, Facts) and f.kind is EntryKind.PHASE and f.status is not Status.CANCELLED]


def _who_to_ask(
    contacts: Sequence[Contact], sections: Sequence[Section], size: Size, languages: Sequence[str]
) -> Section:
    """The process's contact, and but for S one for each track that was written about, who speaks the reader's best."""
    tracks = {track for section in sections for item in section.items for track in item.tracks[:1]}
    wanted = ["", *sorted(tracks)] if size is not Size.S else [""]
    order = {lang: place for place, lang in enumerate(languages)}

    def speaks(contact: Contact) -> int:
        return min((order[lang] for lang in contact.languages if lang in order), default=len(order))

    best = [min((c for c in contacts if c.track == track), key=speaks, default=None) for track in wanted]
    return Section(SectionKind.WHO_TO_ASK, contacts=tuple(dict.fromkeys(c for c in best if c is not None)))


def _block(subject: Subject, field: str, text: str) -> Block | None:
    return Block(subject, field, text) if text else None


def _alive(source: Source, subject: Subject) -> bool:
    facts = source.chronicle.facts(subject, source.seq)
    return facts is not None and facts.status in ALIVE


def _of_kind(news: Sequence[News], *kinds: SubjectKind) -> list[Subject]:
    return [item.subject for item in news if item.subject.kind in kinds]


def _is_entry(subject: Subject) -> bool:
    return subject.kind is SubjectKind.ENTRY
