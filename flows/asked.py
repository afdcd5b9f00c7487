"""What a process asks and what one of its mailings showed: words for the reader of a reply, rows for filing it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from db import events, process, sent, texts, timeline
from db.editions import MailingRow
from db.engine import Tx
from db.process import ProcessRow
from digests.subject import Subject, SubjectKind
from mailer.reading import ItemKnown, QuestionKnown, TrackKnown

MAX_WORDINGS = 40

Known = tuple[tuple[ItemKnown, ...], tuple[QuestionKnown, ...], tuple[TrackKnown, ...]]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A numbered item of a mailing: its row, and the subject it stands for."""

    id: int
    number: int
    kind: str
    subject_id: int
    track: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a process asks, and what one mailing showed: look-ups from the words of a reading to rows."""

    tracks: Mapping[str, int] = field(default_factory=dict)  # slug -> id
    questions: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # code -> id, track id
    items: Mapping[int, ItemRow] = field(default_factory=dict)


def look_up(tx: Tx, owner: ProcessRow, mailing: MailingRow | None) -> tuple[Asked, Known]:
    """What a process asks now, and what a mailing of it showed."""
    tracks = process.tracks(tx, owner.id)
    slugs = {track.id: track.slug for track in tracks}
    questions = timeline.questions(tx, owner.id)
    rows = sent.items(tx, mailing.id) if mailing is not None else []
    facts = events.facts_at_many(tx, owner.id, [Subject(SubjectKind(kind), i) for _, _, kind, i in rows])
    owners = [*((kind, i) for _, _, kind, i in rows), *(("question", one.id) for one in questions)]
    words = texts.load_texts(tx, owner.id, owners, ("title", "text"))
    wordings: dict[tuple[str, int], list[str]] = {}
    for (kind, i, _), wording in words.items():
        wordings.setdefault((kind, i), []).extend(version.body[:500] for version in wording.versions.values())
    codes = {one.id: one for one in questions}
    items, known = {}, []
    for item_id, number, kind, i in rows:
        told = facts.get(Subject(SubjectKind(kind), i))
        question = codes.get(i) if kind == SubjectKind.QUESTION else None
        track = slugs.get(question.track_id, "") if question else next(iter(told.tracks if told else ()), "")
        said = wordings.get((kind, i), [])
        title = (told.title if told else "") or next(iter(said), "")
        items[number] = ItemRow(item_id, number, kind, i, track)
        known.append(ItemKnown(number, title, question.code if question else "", track, tuple(said[:MAX_WORDINGS])))
    return (
        Asked(
            tracks={track.slug: track.id for track in tracks},
            questions={one.code.upper(): (one.id, one.track_id) for one in questions},
            items=items,
        ),
        (
            tuple(sorted(known, key=lambda item: item.number)),
            tuple(
                QuestionKnown(
                    one.code,
                    slugs.get(one.track_id, ""),
                    one.facts.title or next(iter(wordings.get(("question", one.id), ())), ""),
                )
                for one in questions
            ),
            tuple(TrackKnown(track.slug, track.name) for track in tracks),
        ),
    )
