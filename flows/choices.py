"""What an editor decides about a draft: what it leaves out, puts off, pins, and a foreword (N18).

What is left out stays so until it changes, and counts as told; what is put off is told by the next edition. An entry
takes its questions with it. Once an edition is frozen nothing of this can be changed any more. Raises `Refused`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from db import announcements, counters, editions, events, inputs, journal, process, subscriptions, timeline
from db.editions import DigestRow, EditionRow
from db.engine import Tx
from db.journal import Act
from db.states import EditionState
from digests import news
from digests.chronicle import Chronicle
from digests.facts import OtherFacts
from digests.language import Version, Wording, WrongTag, canonical
from digests.scope import present
from digests.subject import Subject, SubjectKind
from digests.wall import zone
from flows.engine import Engine, Refused, nearest

LONGEST = 4000
"""Characters of a foreword."""
_EVERYTHING = news.Interests(((news.ALL_TRACKS, 0),))


@dataclass(frozen=True, slots=True)
class Choices:
    """The decisions about one edition. `foreword` is Markdown by language, the first one its source."""

    silenced: frozenset[Subject] = frozenset()
    postponed: frozenset[Subject] = frozenset()
    pinned: frozenset[Subject] = frozenset()
    foreword: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """What an editor asks for, by name: slug of an entry or announcement, code of a question, reference of a statement.

    An empty text takes the foreword in that language away.
    """

    leave_out: Sequence[str] = ()
    put_off: Sequence[str] = ()
    pin: Sequence[str] = ()
    clear: Sequence[str] = ()
    foreword: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A thing that a draft tells or shows: its name, what is new of it ('' where it only goes on), what was decided."""

    name: str
    kind: str
    label: str
    title: str
    choice: str


def load(row: EditionRow) -> Choices:
    """The choices as stored."""
    values = row.choices or {}
    found = {name: frozenset(map(_subject, values.get(name, ()))) for name in ("silenced", "postponed", "pinned")}
    return Choices(**found, foreword=dict(values.get("foreword", {})))


def dump(made: Choices) -> dict[str, Any]:
    """What `load` reads."""
    values: dict[str, Any] = {
        name: sorted(str(subject) for subject in getattr(made, name)) for name in ("silenced", "postponed", "pinned")
    }
    return {name: value for name, value in (values | {"foreword": dict(made.foreword)}).items() if value}


def carried(row: EditionRow) -> dict[str, Any]:
    """What goes over to the draft that overtakes this one; what was put off is that one's to tell."""
    return dump(replace(load(row), postponed=frozenset()))


def edit(engine: Engine, series: DigestRow, edition_id: int, wish: Wish, *, act: Act) -> Choices:
    """Change a draft. What is named twice stands as the last of leave out, put off, clear. Raises `Refused`."""
    texts = {_tag(lang): text.strip() for lang, text in wish.foreword.items()}
    if any(len(text) > LONGEST for text in texts.values()):
        raise Refused(f"a foreword has at most {LONGEST} characters")
    with engine.db.write() as tx:
        row = _draft(tx, series, edition_id)
        known = Names(tx, series.process_id)
        out, off, pin, clear = (
            {known.find(name) for name in names} for names in (wish.leave_out, wish.put_off, wish.pin, wish.clear)
        )
        was = load(row)
        words = {lang: text for lang, text in (dict(was.foreword) | texts).items() if text}
        made = Choices(
            silenced=(was.silenced | out) - off - clear,
            postponed=((was.postponed - out) | off) - clear,
            pinned=((was.pinned | pin) - clear) - out - off,
            foreword=words,
        )
        if not editions.set_choices(tx, row.id, dump(made)):
            raise Refused(f"edition {edition_id} was frozen meanwhile")
        for why, subjects in (("left out", out), ("put off", off), ("pinned", pin), ("cleared", clear)):
            for subject in sorted(subjects):
                journal.note(tx, act, ("edition", row.id), f"{why} {subject}", process_id=series.process_id)
        for lang in sorted(texts):
            journal.note(tx, act, ("edition", row.id), f"foreword {lang}", process_id=series.process_id)
        return made


def show(engine: Engine, series: DigestRow, edition_id: int, *, now: datetime) -> tuple[list[Line], Choices]:
    """What a draft would tell somebody who follows everything and got the edition before; and what was decided."""
    with engine.db.write() as tx:  # a writer's lock, so that the seq that is read is settled
        row = _draft(tx, series, edition_id)
        seq = counters.last_seq(tx, series.process_id)
    with engine.db.read() as tx:
        owner = process.by_id(tx, series.process_id)
        chronicle = Chronicle(events.events_between(tx, series.process_id, 0, seq), [])
        since = subscriptions.since_seq(tx, series.id)
        names = Names(tx, series.process_id)
        before = _frozen(tx, series.id, row.id)
    hidden = silenced(before, chronicle)
    put_off = frozenset[Subject]().union(*(load(one).postponed for one in before[-1:]))
    told = {n.subject: n.label.value for n in news.news(chronicle, seq, _EVERYTHING, news.Mind(since), hidden)}
    untold = news.news(chronicle, seq, _EVERYTHING, news.Mind(None), hidden)
    told |= {n.subject: n.label.value for n in untold if n.subject in put_off}
    gone = {one for one, at in hidden.items() if chronicle.view(one, at) == chronicle.view(one, seq)}
    state = present(chronicle, seq, _EVERYTHING, zone(owner.zone if owner else "UTC"), now, gone)
    made = load(row)
    open_now = (subject for _, subject in state.open)
    shown = [*told, *state.here, *open_now, *state.coming, *sorted(made.silenced | made.pinned)]
    return [_line(chronicle, seq, names, made, one, told.get(one, "")) for one in dict.fromkeys(shown)], made


def _line(chronicle: Chronicle, seq: int, names: "Names", made: Choices, subject: Subject, label: str) -> Line:
    facts = chronicle.facts(subject, seq)
    lists = (("left out", made.silenced), ("put off", made.postponed), ("pinned", made.pinned))
    choice = ", ".join(word for word, subjects in lists if subject in subjects)
    ref = facts.ref if isinstance(facts, OtherFacts) else names.slugs.get(subject.id, "")
    title = facts.title if facts is not None else ""
    return Line(ref or str(subject), subject.kind.value, label, title, choice)


def applied(tx: Tx, row: EditionRow, edition: news.Edition, chronicle: Chronicle) -> news.Edition:
    """An edition with the choices about it, and with what older editions left out for good."""
    made = load(row)
    older = silenced(_frozen(tx, row.digest_id, row.id), chronicle)
    out = _with_questions(chronicle, edition.seq, made.silenced)
    return replace(
        edition,
        postponed=_with_questions(chronicle, edition.seq, made.postponed),
        silenced=older | dict.fromkeys(out, edition.seq),
    )


def silenced(rows: Iterable[EditionRow], chronicle: Chronicle) -> dict[Subject, int]:
    """What these editions left out for good, with the seq of the newest that did."""
    found: dict[Subject, int] = {}
    for row in rows:
        for subject in _with_questions(chronicle, row.seq or 0, load(row).silenced):
            found[subject] = max(row.seq or 0, found.get(subject, 0))
    return found


def foreword(row: EditionRow) -> Wording | None:
    """The foreword of an edition as a text in languages."""
    words = load(row).foreword
    if not words:
        return None
    return Wording(next(iter(words)), 1, {lang: Version(text, 1, 1) for lang, text in words.items()})


def _with_questions(chronicle: Chronicle, seq: int, subjects: frozenset[Subject]) -> frozenset[Subject]:
    entries = {subject.id for subject in subjects if subject.kind is SubjectKind.ENTRY}
    if not entries:
        return subjects
    asked = chronicle.of_kind(SubjectKind.QUESTION, seq)
    return subjects | {one for one in asked if getattr(chronicle.facts(one, seq), "entry", None) in entries}


def _frozen(tx: Tx, digest_id: int, besides: int) -> list[EditionRow]:
    """The editions that were decided before, in their order, whatever became of them."""
    found = [one for one in editions.editions(tx, digest_id) if one.seq is not None and one.id != besides]
    return sorted(found, key=lambda one: one.seq or 0)


def _draft(tx: Tx, series: DigestRow, edition_id: int) -> EditionRow:
    row = editions.edition(tx, edition_id)
    if row is None or row.digest_id != series.id:
        raise Refused(f"{series.slug} has no edition {edition_id}; `tidings digest plan` shows them")
    if row.state != EditionState.DRAFT:
        raise Refused(
            f"the edition of {row.slot_wall} is {row.state}: what it says cannot be changed any more; "
            f"`tidings digest withdraw {row.number or row.slot_wall}` stops what has not left"
        )
    return row


class Names:
    """The names under which editors know things."""

    def __init__(self, tx: Tx, process_id: int) -> None:
        self._tx, self._process = tx, process_id
        self.slugs = {one.id: one.slug for one in timeline.entries(tx, process_id)}
        self._entries = {slug: Subject(SubjectKind.ENTRY, i) for i, slug in self.slugs.items()}

    def find(self, name: str) -> Subject:
        """The subject of that name. Raises `Refused`."""
        if name in self._entries:
            return self._entries[name]
        question = timeline.question_by_code(self._tx, self._process, name)
        if question is not None:
            return Subject(SubjectKind.QUESTION, question.id)
        text = announcements.by_slug(self._tx, self._process, name)
        if text is not None and text.fold:
            return Subject(SubjectKind.ANNOUNCEMENT, text.id)
        statement = inputs.statement(self._tx, self._process, name)
        if statement is not None:
            return Subject(SubjectKind.HEARD, statement.id)
        raise Refused(f"nothing that a digest tells is called {name!r}: {nearest(name, self._entries)}")


def _tag(lang: str) -> str:
    try:
        return canonical(lang)
    except WrongTag as error:
        raise Refused(str(error)) from error


def _subject(text: str) -> Subject:
    kind, _, number = text.partition(":")
    return Subject(SubjectKind(kind), int(number))
