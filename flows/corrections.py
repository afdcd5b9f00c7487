"""Correcting an edition: what is right now, to exactly those whose mail of it told it wrongly (N16).

The correction is made on the timeline first; the mail follows from it, in the languages in which the edition was read,
under it. It counts as told: the next edition does not repeat it. Raises `Refused`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any

from db import announcements, counters, deployment, editions, journal, outbox, process, readers, variants
from db.editions import DigestRow, MailingRow
from db.engine import CHUNK
from db.journal import Act
from db.states import LIVE, DeliveryState, MailingState
from digests import edition as content
from digests import news
from digests.issue import Size
from digests.landing import LIFE
from digests.subject import Subject
from digests.wall import zone
from flows import frozen
from flows.choices import Names
from flows.engine import Engine, Refused
from flows.frozen import Frozen
from flows.issue import digest_mail, footer
from flows.notice import URGENT, tags
from flows.press import EditionBase, Press, gather, plan, set_up
from mailer.content import AnnouncementMail


@dataclass(frozen=True, slots=True)
class Corrected:
    """What an erratum came to. `left_out` got the edition and are owed it, but may not be mailed now."""

    mailing_id: int | None
    deliveries: int
    left_out: int


@dataclass(frozen=True, slots=True)
class _Owed:
    """A reader who was told the wrong thing: what is news to them, and the wording of the edition that they got."""

    row: readers.Reader
    item: news.News
    got: str
    reason: news.Reason | None
    waiting: Sequence[int]

    @property
    def key(self) -> str:
        """Of their wording of the erratum."""
        parts = f"{self.got} {self.item.label.value} {self.item.was_seq}"
        return sha256(parts.encode()).hexdigest()[:32]


@dataclass(slots=True)
class _Errand:
    """Everything that stays the same for all readers of one erratum."""

    series: DigestRow
    mailing: MailingRow  # of the edition
    press: Press
    subject: Subject
    got: Mapping[int, str]
    languages: Mapping[str, tuple[str, ...]]
    subjects: Mapping[str, str]  # of the mails that are corrected, by the key of their wording
    letters: dict[str, Frozen] = field(default_factory=dict)


def erratum(engine: Engine, series: DigestRow, number: int, name: str, *, act: Act, dry: bool = False) -> Corrected:
    """Tell what is right of one thing to those who read it wrongly in edition `number`; `dry`: only count them."""
    errand = _gather(engine, series, number, name, act)
    owed = [one for part in _parts(sorted(errand.got)) for one in _owed(engine, errand, part)]
    if not owed:
        raise Refused(
            f"nobody was told {name} wrongly by no. {number}: what the timeline says now is what they know. "
            "Correct the timeline first; changed words alone (title, description) are told only by an announcement"
        )
    served = [one for one in owed if one.reason is None]
    for one in served:
        if one.key not in errand.letters:
            errand.letters[one.key] = _word(engine, errand, one)
    if dry:
        return Corrected(None, len(served), len(owed) - len(served))
    return Corrected(_write(engine, errand, owed, act), len(served), len(owed) - len(served))


def _gather(engine: Engine, series: DigestRow, number: int, name: str, act: Act) -> _Errand:
    with engine.db.write() as tx:  # a writer's lock, so that the seq that is read is settled
        seq = counters.last_seq(tx, series.process_id)
    with engine.db.read() as tx:
        row = next((one for one in editions.editions(tx, series.id) if one.number == number), None)
        mailing = next(iter(editions.mailings(tx, edition_id=row.id)), None) if row is not None else None
        if row is None or mailing is None:
            raise Refused(f"there is no edition no. {number} of {series.slug} that went out")
        if on_way := outbox.ids_in(tx, mailing.id, LIVE):
            raise Refused(
                f"{len(on_way)} mails of no. {number} have not left: "
                f"`tidings digest withdraw {number}` stops them first"
            )
        subject = Names(tx, series.process_id).find(name)
        owner = process.by_id(tx, series.process_id)
        if owner is None:
            raise LookupError(f"digest {series.slug} has no process")
        base = EditionBase(act.now, zone(owner.zone))
        press = set_up(tx, engine, row, plan(series, row, seq, base), number)
        press.numbers[subject] = 1
        got = announcements.arrived(tx, mailing.id)
        keys = {i: key for key, i in variants.ids(tx, mailing.id).items() if key in set(got.values())}
        subjects = {keys[i]: said for i, said in outbox.subjects(tx, keys).items()}
        return _Errand(series, mailing, press, subject, got, variants.languages(tx, mailing.id), subjects)


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _owed(engine: Engine, errand: _Errand, ids: Sequence[int]) -> Iterator[_Owed]:
    """Those of these readers who know something else of the subject than what is so."""
    press, series = errand.press, errand.series
    with engine.db.read() as tx:
        rows = readers.subscribers_by_id(tx, series.id, ids)
        gathered = gather(tx, engine, series.process_id, series.id, rows, exact=True)
    for row in rows:
        reader = press.reader(row, gathered)
        told_at = dict(reader.known or ()).get(errand.subject)
        if told_at is None:
            continue
        item = news.correction(press.chronicle, press.frozen.seq, reader.interests, errand.subject, told_at)
        if item is not None:
            yield _Owed(row, item, errand.got[row.liaison_id], _bar(reader), reader.waiting)


def _bar(reader: news.Reader) -> news.Reason | None:
    if not reader.active:
        return news.Reason.NOT_ACTIVE
    if reader.paused:
        return news.Reason.PAUSED
    return None if reader.reachable else news.Reason.NO_ADDRESS


def _word(engine: Engine, errand: _Errand, one: _Owed) -> Frozen:
    press, languages = errand.press, errand.languages[one.got]
    owner = press.material.process
    said = content.assemble(press.source, (one.item,), news.Scope(), Size.L, list(languages))
    mail = digest_mail(
        press.material, said, languages, number=press.number, dated=press.dated, first=False, special=False
    )
    item = next((item for section in mail.sections for item in section.items), None)
    if item is None:
        raise Refused(f"{errand.subject} is nothing that can be shown any more")
    letter = AnnouncementMail(
        process=owner.name,
        heading=item.heading,
        footer=footer(owner, f"{errand.series.slug}-owner", web=press.material.web),
        corrects=errand.subjects[one.got],
        signed=owner.name,
        item=item,
    )
    return Frozen(engine.renderer.render("erratum", press.spoken(languages), {"mail": letter}), one.key[:24])


def _write(engine: Engine, errand: _Errand, owed: Sequence[_Owed], act: Act) -> int:
    """One transaction: an erratum is there as a whole or not at all. What waits is superseded."""
    series, press = errand.series, errand.press
    served = [one for one in owed if one.reason is None]
    new = {one.key: _variant(errand, one) for one in served}
    with engine.db.write() as tx:
        outbox.end(tx, act, [i for one in owed for i in one.waiting], DeliveryState.CANCELLED, "superseded")
        made = editions.mailing(tx, _mailing(engine, tx, errand, act))
        editions.add_items(tx, made.id, {(errand.subject.kind.value, errand.subject.id): 1})
        stored = variants.add(tx, made.id, list(new.values()))
        rows = [_delivery(made, one, stored[one.key], errand.letters[one.key].rendered.lang, act) for one in served]
        readers.add_deliveries(tx, rows)
        barred = [(one.row.liaison_id, one.reason.value) for one in owed if one.reason is not None]
        readers.add_left_out(tx, made.id, barred)
        total, digest = readers.settled(tx, made.id)
        journal.move(
            tx, act, "mailing", made.id, MailingState.READY, "enqueued", process_id=series.process_id, proof=digest,
            total=total, set_hash=digest, ready_at=act.now,
        )  # fmt: skip
        journal.note(
            tx, act, ("edition", press.edition.id), f"corrected {errand.subject}", process_id=series.process_id
        )
    return made.id


def _mailing(engine: Engine, tx: Any, errand: _Errand, act: Act) -> int:
    series, owner = errand.series, errand.press.material.process
    keys = (f"erratum:{series.slug}:{errand.press.edition.slot_wall}:{n}" for n in count(1))
    key = next(one for one in keys if editions.mailing_by_key(tx, owner.id, one) is None)
    return editions.add_mailing(
        tx,
        tags(engine, owner, key),
        process_id=owner.id,
        natural_key=key,
        kind="erratum",
        digest_id=series.id,
        corrects_id=errand.mailing.id,
        seq=errand.press.frozen.seq,
        state=MailingState.BUILDING,
        generation=deployment.generation(tx),
        lane=URGENT,
        created_at=act.now,
        due_at=act.now,
    )


def _variant(errand: _Errand, one: _Owed) -> variants.NewVariant:
    told = (one.item.subject.kind.value, one.item.subject.id, one.item.label.value, one.item.was_seq)
    return variants.NewVariant(
        key=one.key,
        languages=errand.languages[one.got],
        body=frozen.dump(errand.letters[one.key]),
        news_key=news.news_key((one.item,)),
        news=[told],
    )


def _delivery(mailing: MailingRow, one: _Owed, variant_id: int, lang: str, act: Act) -> dict[str, Any]:
    return {
        "mailing_id": mailing.id,
        "liaison_id": one.row.liaison_id,
        "subscription_id": one.row.subscription_id,
        "address_id": one.row.address_id,
        "to_addr": None,
        "domain": one.row.address_key.rpartition("@")[2],
        "variant_id": variant_id,
        "lang": lang,
        "state": DeliveryState.QUEUED,
        "send_at": act.now,
        "not_after": act.now + LIFE,
        "tries": 0,
        "created_at": act.now,
    }
