"""From an issue to a letter: the digest room's values become the mail room's, in one reader's languages.

Pure. Neither room knows the other; this is where their words meet. Every text is chosen per block (L3), so that a
block is in one language throughout and says so when it is not the reader's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from db.editions import DigestRow
from db.heard import Quote
from db.process import ContactRow, ProcessRow, TrackRow
from db.texts import Field
from digests import issue, language
from digests.facts import EntryKind
from digests.issue import Issue, SectionKind
from digests.language import Wording
from digests.subject import Status, Subject, SubjectKind
from digests.told import Label
from digests.when import Precision, Session, When
from flows import naming
from mailer import content
from mailer.content import Block, DateLine, DateRole

Texts = Mapping[tuple[str, int, str], Wording]

_SECTIONS = {
    SectionKind.WHERE_WE_ARE: content.SectionKind.HERE,
    SectionKind.CHANGED: content.SectionKind.CHANGED,
    SectionKind.OPEN_NOW: content.SectionKind.DO,
    SectionKind.COMING: content.SectionKind.COMING,
    SectionKind.ANNOUNCEMENTS: content.SectionKind.NEWS,
    SectionKind.HEARD: content.SectionKind.HEARD,
}
_LABELS = {
    Label.NEW: content.Label.NEW,
    Label.STANDING: content.Label.NONE,
    Label.CHANGED: content.Label.CHANGED,
    Label.MOVED: content.Label.MOVED,
    Label.MOVED_TRACK: content.Label.LEFT_TRACK,
    Label.OPENED: content.Label.OPENED,
    Label.CLOSED: content.Label.CLOSED,
    Label.HAPPENED: content.Label.DONE,
    Label.CANCELLED: content.Label.CANCELLED,
    Label.REOPENED: content.Label.CHANGED,
}
_FATES = {fate.value: fate for fate in content.Fate}
# An outdated translation of these would mislead, so the source stands in for it (L3).
_STRICT = frozenset({"how", "text", "body"})


@dataclass(frozen=True, slots=True)
class Material:
    """What all variants of a mailing draw from."""

    process: ProcessRow
    digest: DigestRow
    tracks: Mapping[str, TrackRow]
    texts: Texts
    quotes: Mapping[int, Quote]
    fallbacks: Mapping[str, Sequence[str]]
    web: bool
    names: Mapping[int, str] = field(default_factory=dict)  # track id -> name
    foreword: Wording | None = None


def digest_mail(
    material: Material, said: Issue, languages: Sequence[str], *, number: int, dated: date, first: bool, special: bool
) -> content.DigestMail:
    """The letter of one variant."""
    made = [_section(material, section, languages) for section in said.sections if section.kind in _SECTIONS]
    asked = said.section(SectionKind.WHO_TO_ASK)
    return content.DigestMail(
        process=_name(material, ("process", material.process.id, "name"), material.process.name, languages).text,
        title=_name(material, ("digest", material.digest.id, "title"), material.digest.title, languages),
        number=number,
        dated=dated,
        footer=footer(material.process, f"{material.digest.slug}-owner", web=material.web),
        sections=tuple(section for section in made if section.items),
        contacts=tuple(_contact(material, one, languages) for one in asked.contacts) if asked else (),
        first=first,
        special=special,
        phases_over=said.phases_over,
        phases=said.phases,
        foreword=_foreword(material, languages),
    )


def asked(said: Issue) -> set[Field]:
    """The texts that the letter of an issue draws on."""
    found: set[Field] = set()

    def note(block: issue.Block) -> issue.Block:
        found.add(_field(block))
        return block

    for section in said.sections:
        if section.kind in _SECTIONS:
            issue.with_words(section, note)
    return found


def _field(block: issue.Block) -> Field:
    name = "text" if block.subject.kind is SubjectKind.QUESTION and block.field == "title" else block.field
    return block.subject.kind.value, block.subject.id, name


def _foreword(material: Material, languages: Sequence[str]) -> Block | None:
    """What the editor of this edition opens it with."""
    words = material.foreword
    found = language.choose(words, languages, material.fallbacks, strict=True) if words is not None else None
    return Block(found.body, found.lang) if found is not None else None


def own_items(material: Material, section: issue.Section) -> list[content.Own]:
    """What became of what one sent: news of statements for their author."""
    found = []
    for item in section.items:
        quote = material.quotes.get(item.subject.id)
        if quote is None:
            continue
        fate = _FATES.get(item.state) or _FATES.get(quote.input_state)
        if fate is not None:
            found.append(content.Own(ref=quote.ref, text=Block(quote.masked, quote.lang), fate=fate))
    return found


def footer(process: ProcessRow, owner: str, *, web: bool) -> content.Footer:
    """Who runs this and how to stop, for every letter of a process."""
    return content.Footer(
        operator=process.name,
        owner=process.home.at(owner),
        postal=tuple(line for line in process.postal.split("\n") if line),
        invented=process.about == "invented",
        web=web,
    )


def _section(material: Material, section: issue.Section, languages: Sequence[str]) -> content.Section:
    chosen = issue.with_words(section, lambda block: _choose(material, block, languages))
    items = (_item(material, item, languages) for item in chosen.items)
    return content.Section(_SECTIONS[section.kind], tuple(item for item in items if item is not None))


def _choose(material: Material, block: issue.Block, languages: Sequence[str]) -> issue.Block:
    """The wording of a block for a reader; the source's own text where nothing is stored."""
    key = _field(block)
    wording, strict = material.texts.get(key), key[2] in _STRICT
    found = language.choose(wording, languages, material.fallbacks, strict=strict) if wording is not None else None
    if found is None:
        return issue.Block(block.subject, block.field, block.text, material.process.source_lang)
    return issue.Block(block.subject, block.field, found.body, found.lang, found.outdated)


def _item(material: Material, item: issue.Item, languages: Sequence[str]) -> content.Item | None:
    if item.subject.kind is SubjectKind.HEARD:
        return _heard(material, item, languages)
    body = (item.reason, item.body)
    return content.Item(
        number=item.number or 0,
        heading=_block(item.title),
        code=item.ref if item.subject.kind is SubjectKind.QUESTION else "",
        label=_LABELS[item.label] if item.label is not None else content.Label.NONE,
        track=_track(material, item.tracks, languages),
        dates=_dates(item),
        body=tuple(_block(block) for block in body if block is not None and block.text),
        questions=tuple((ask.code, _block(ask.text)) for ask in item.asks),
        place=_block(item.place) if item.place is not None else None,
        how=_block(item.how) if item.how is not None else None,
        link=item.link,
        answerable=item.number is not None,
    )


def _heard(material: Material, item: issue.Item, languages: Sequence[str]) -> content.Item | None:
    """A statement as others see it; None once it may not be shown (withdrawn, private, erased)."""
    quote = material.quotes.get(item.subject.id)
    if quote is None or not quote.masked or quote.visibility != "public":
        return None
    credit = ", ".join(part for part in (quote.group, quote.ref) if part)
    return content.Item(
        number=item.number or 0,
        heading=Block(credit, "und"),
        track=_track(material, item.tracks, languages),
        body=(Block(_quoted(quote.masked), quote.lang),),
        answerable=item.number is not None,
    )


def _quoted(text: str) -> str:
    """A person's words as a Markdown quotation, so that nothing in them is taken for our own markup."""
    return "\n".join(f"> {_plain(line)}".rstrip() for line in text.split("\n"))


def _plain(line: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_{}[]()#+-.!|<>" else char for char in line)


def _block(block: issue.Block) -> Block:
    return Block(block.text, block.lang, block.outdated)


def _track(material: Material, tracks: Sequence[str], languages: Sequence[str]) -> Block | None:
    row = material.tracks.get(tracks[0]) if tracks else None
    return _name(material, ("track", row.id, "name"), row.name, languages) if row is not None else None


def _name(material: Material, key: Field, name: str, languages: Sequence[str]) -> Block:
    """A name for a reader: a translation of it as it is now, or itself."""
    return Block(*naming.said(material.texts, key, name, material.process.source_lang, languages, material.fallbacks))


def _contact(material: Material, one: issue.Contact, languages: Sequence[str]) -> content.Contact:
    return content.Contact(one.name, one.address, _track(material, [one.track], languages) if one.track else None)


def _dates(item: issue.Item) -> tuple[DateLine, ...]:
    """The date lines of an item, with what the reader believed before where that differs."""
    if item.when is None or not isinstance(item.kind, EntryKind):
        return ()
    was = item.was
    if item.sessions:
        before = [_session(s) for s in was.sessions] if was is not None and was.sessions != item.sessions else []
        lines = [DateLine(DateRole.WHEN, _session(s)) for s in item.sessions]
        return tuple(
            DateLine(line.role, line.now, before[n] if n < len(before) else None) for n, line in enumerate(lines)
        )
    role = _role(item)
    now = _closing(item.when) if role is DateRole.CLOSES else _when(item.when)
    old = None
    if was is not None and was.when is not None and was.when != item.when:
        old = _closing(was.when) if role is DateRole.CLOSES else _when(was.when)
    return (DateLine(role, now, old if old != now else None),)


def _role(item: issue.Item) -> DateRole:
    if item.kind is EntryKind.DEADLINE:
        return DateRole.CLOSES
    if item.kind is EntryKind.CONSULTATION and item.status is Status.OPEN:
        return DateRole.CLOSES
    return DateRole.PUBLISHED if item.kind is EntryKind.PUBLICATION else DateRole.WHEN


def _session(session: Session) -> content.When:
    return content.When(session.start, session.end, content.Precision.TIME)


def _when(when: When) -> content.When:
    return content.When(_day(when.start), _day(when.end) if when.end else None, _precision(when, when.start))


def _closing(when: When) -> content.When:
    last = when.end or when.start
    return content.When(_day(last), None, _precision(when, last))


def _day(value: str) -> date:
    return date.fromisoformat(f"{value}-01" if len(value) == 7 else value[:10])


def _precision(when: When, value: str) -> content.Precision:
    if len(value) == 7 or when.precision is Precision.MONTH:
        return content.Precision.MONTH
    return content.Precision.APPROX if when.precision is Precision.APPROX else content.Precision.DAY


def contacts(rows: Sequence[ContactRow], tracks: Mapping[int, str]) -> tuple[issue.Contact, ...]:
    """Contact persons as the digest room names them."""
    return tuple(
        issue.Contact(row.name, row.address, tracks.get(row.track_id, "") if row.track_id else "", row.languages)
        for row in rows
    )


def owners(subjects: Sequence[Subject]) -> list[tuple[str, int]]:
    """Whose texts an edition needs."""
    return [(subject.kind.value, subject.id) for subject in subjects]
