"""Waiting for languages: orders to wait, gates that open when all is translated or the time is over (L5).

What was held then goes in the words that there are: the edition or announcement as it was frozen, with what has been
translated of it since. Nothing waits beyond the next freeze. Raises `Refused`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db import announcements, editions, gates, journal, outbox, process, texts, variants
from db.editions import MailingRow
from db.engine import Lane, Tx
from db.gates import GateRow, HeldRow
from db.journal import Act
from db.process import ProcessRow
from db.states import AnnouncementState, DeliveryState, GateState, MailingState, WrongMove
from db.texts import Field
from db.variants import NewVariant
from digests import scope as scopes
from digests.gate import pinned, ready, reason
from digests.landing import LIFE, NOTICE, landing, not_after
from digests.language import Wording
from digests.news import Deliver, Label, News, Scope
from digests.subject import Subject, SubjectKind
from flows import frozen, post, publish, restore
from flows.engine import Engine, Refused
from flows.fields import language_of
from flows.press import Press
from flows.publish import PART
from flows.reland import hours_of

LONGEST = 14 * 24  # hours
READY, OVER, BY_HAND = "translated", "cut-off", "by hand"
_OWN_HOUR = ("day", "hour")


@dataclass(frozen=True, slots=True)
class _Reworded:
    """One held delivery with its new moment; `variant` is the key of its words, None when it is too late to go."""

    row: HeldRow
    variant: NewVariant | None
    send_at: datetime
    not_after: datetime


def order(engine: Engine, owner: ProcessRow, kind: str, subject_id: int, lang: str, hours: int, *, act: Act) -> str:
    """Have a digest or an announcement wait for a language, 0 hours: no more; gives the tag as it is stored."""
    tag = language_of(lang)
    if tag == owner.source_lang:
        raise Refused(f"{tag} is the source language of {owner.slug}: there is nothing to wait for")
    if not 0 <= hours <= LONGEST:
        raise Refused(f"wait 1 to {LONGEST} hours, not {hours}")
    with engine.db.write() as tx:
        if kind == gates.ANNOUNCEMENT:
            row = announcements.by_id(tx, subject_id)
            if row.state in (AnnouncementState.MAILED, AnnouncementState.WITHDRAWN):
                raise Refused(f"{row.slug} is {row.state}: it waits for nothing any more")
            if row.fold:
                raise Refused(f"{row.slug} goes into the next digest: have the digest wait")
            if row.corrects_id is not None:
                raise Refused(f"{row.slug} is an erratum: it goes in the languages in which the first was read")
        if not gates.set_wait(tx, kind, subject_id, tag, hours):
            raise Refused(f"it waits {hours} hours for {tag} already" if hours else f"it does not wait for {tag}")
        journal.note(tx, act, (kind, subject_id), f"waits for {tag}" if hours else f"does not wait for {tag}",
                     process_id=owner.id)  # fmt: skip
    return tag


def wordings(tx: Tx, process_id: int, gate: GateRow) -> dict[Field, Wording]:
    """The texts that a gate waits for: as they were frozen, with what was translated of them since."""
    said = texts.versions(tx, process_id, [(kind, i) for kind, i, _ in gate.needs])
    return {field: pinned(pin, said.get(field, ()), gate.lang) for field, pin in gate.needs.items()}


def missing(said: Mapping[Field, Wording], lang: str) -> dict[Field, Wording]:
    """Those of them that are not there in a language, or older than their source."""
    return {field: wording for field, wording in said.items() if not ready(wording, lang)}


def tick(engine: Engine, *, act: Act) -> list[int]:
    """Open every gate whose texts are all translated or whose time is over; gives their mailings."""
    with engine.db.read() as tx:
        closed = gates.gates(tx, [GateState.CLOSED])
    opened = []
    for gate in closed:
        with engine.db.read() as tx:
            mailing = editions.mailing(tx, gate.mailing_id)
            if mailing.state == MailingState.BUILDING:
                continue
            lacks = missing(wordings(tx, mailing.process_id, gate), gate.lang)
        if lacks and act.now < gate.cut_off_at and mailing.state != MailingState.WITHDRAWN:
            continue
        try:
            open_gate(engine, mailing, gate, OVER if lacks else READY, act=act)
        except WrongMove:  # another scheduler was first
            continue
        opened.append(gate.mailing_id)
    return opened


def open_by_hand(engine: Engine, process_id: int, mailing_id: int, lang: str, *, act: Act) -> int:
    """Wait no longer; gives how many mails leave."""
    with engine.db.read() as tx:
        found = editions.mailings(tx, id=mailing_id, process_id=process_id)
        gate = next((one for one in gates.gates(tx, [GateState.CLOSED], mailing_id) if one.lang == lang), None)
    if not found or gate is None:
        raise Refused(f"mailing {mailing_id} does not wait for {lang}; `tidings translate waiting` lists what does")
    return open_gate(engine, found[0], gate, BY_HAND, act=act)


def open_gate(engine: Engine, mailing: MailingRow, gate: GateRow, why: str, *, act: Act) -> int:
    """Queue what is held behind a gate, in the words that there are now; gives how many mails.

    In batches: what a crash leaves behind the gate is done by the next tick.
    """
    gone, after = 0, 0
    maker: _Edition | _Announcement | None = None
    while True:
        with engine.db.read() as tx:
            owner = process.by_id(tx, mailing.process_id)
            rows = gates.held(tx, mailing.id, reason(gate.lang), after, PART)
        if not rows or owner is None:
            break
        after = rows[-1].id
        if restore.may_have_gone(mailing.created_at, owner.restored_at):
            with engine.db.write(Lane.BULK) as tx:
                gates.rename(tx, [row.id for row in rows], restore.WHY)
            continue
        maker = maker or _maker(engine, mailing, gate, act)
        gone += _write(engine, mailing, maker.reworded(rows), why, act)
    with engine.db.write() as tx:
        journal.move(tx, act, "gate", gate.id, GateState.OPENED, why, process_id=mailing.process_id, opened_at=act.now)
    return gone


def _write(engine: Engine, mailing: MailingRow, made: Sequence[_Reworded], why: str, act: Act) -> int:
    with engine.db.write(Lane.BULK) as tx:
        new = {one.variant.key: one.variant for one in made if one.variant is not None and one.variant.body is not None}
        stored = variants.ids(tx, mailing.id) | variants.add(tx, mailing.id, list(new.values()))
        going = [
            (one.row.id, stored[one.variant.key], one.send_at, one.not_after) for one in made if one.variant is not None
        ]
        late = [one.row.id for one in made if one.variant is None]
        outbox.end(tx, act, late, DeliveryState.CANCELLED, "overtaken", mailing.process_id)
        return gates.let_go(tx, act, going, why, mailing.process_id)


def _maker(engine: Engine, mailing: MailingRow, gate: GateRow, act: Act) -> "_Edition | _Announcement":
    with engine.db.read() as tx:
        said = wordings(tx, mailing.process_id, gate)
    if mailing.announcement_id is not None:
        return _Announcement(engine, mailing, said, act)
    return _Edition(engine, mailing, gate, said, act)


class _Edition:
    """Makes the mails of an edition anew: its press at its own seq, with the texts that there are now."""

    def __init__(
        self, engine: Engine, mailing: MailingRow, gate: GateRow, said: Mapping[Field, Wording], act: Act
    ) -> None:
        self._engine, self._gate, self._act = engine, gate, act
        with engine.db.read() as tx:
            row = editions.edition(tx, mailing.edition_id or 0)
            numbers = editions.items(tx, mailing.id)
        if row is None:
            raise LookupError(f"mailing {mailing.id} has no edition")
        self._press: Press = publish.set_press(engine, row, mailing.seq, act)
        self._press.material = replace(self._press.material, texts={**self._press.material.texts, **said})
        self._press.numbers.update({Subject(SubjectKind(kind), i): n for (kind, i), n in numbers.items()})
        self._made: dict[str, NewVariant] = {}

    def reworded(self, rows: Sequence[HeldRow]) -> list[_Reworded]:
        """These mails, each at the next hour of its reader."""
        with self._engine.db.read() as tx:
            said = variants.said(tx, {row.variant_id for row in rows})
        return [self._one(row, said[row.variant_id]) for row in rows]

    def _one(self, row: HeldRow, was: NewVariant) -> _Reworded:
        press, edition = self._press, self._press.frozen
        start = max(self._act.now, edition.frozen_at)
        send_at = landing(start, hours_of(row.zone, row.hour, row.quiet))
        if edition.next_freeze is not None and send_at >= edition.next_freeze:
            send_at = start  # their hour would come after the next edition
        shown = Scope.from_json(was.still_open)
        scope, closing = scopes.still_open(shown, press.chronicle, edition.seq, edition.zone, send_at + NOTICE)
        last = not_after(send_at, edition.next_freeze, closing[:1])
        if last <= send_at:
            return _Reworded(row, None, send_at, last)
        return _Reworded(row, self._variant(was, scope), send_at, last)

    def _variant(self, was: NewVariant, scope: Scope) -> NewVariant:
        first = was.key.endswith("-first")
        told = tuple(News(Subject(SubjectKind(kind), i), Label(label), seq) for kind, i, label, seq in was.news)
        now = self._act.now
        deliver = Deliver(
            0, 0, told, (), scope, tuple(was.languages), was.size, now, now, held="", cursor=None, cancel=()
        )
        key = f"{self._press.variant_key(deliver, first)}+{self._gate.lang}"
        if key not in self._made:
            body = frozen.dumps(self._press.word(deliver, first))
            self._made[key] = replace(was, key=key, body=body, still_open=scope.to_json())
        return self._made[key]


class _Announcement:
    """Makes the mails of an announcement anew, with the texts that there are now."""

    def __init__(self, engine: Engine, mailing: MailingRow, said: Mapping[Field, Wording], act: Act) -> None:
        self._engine, self._act = engine, act
        with engine.db.read() as tx:
            row = announcements.by_id(tx, mailing.announcement_id or 0)
        gathered = post.gather(engine, row)
        self._words = replace(gathered, said={name: wording for (_, _, name), wording in said.items()})
        self._made: dict[str, NewVariant] = {}

    def reworded(self, rows: Sequence[HeldRow]) -> list[_Reworded]:
        """These mails: at the moment they had, at once where that is over, or at the next hour of who has one."""
        found = []
        for row in rows:
            now, hours = self._act.now, hours_of(row.zone, row.hour, row.quiet)
            late = landing(now, hours) if self._words.row.landing in _OWN_HOUR else now
            send_at = row.send_at if row.send_at >= now else late
            found.append(_Reworded(row, self._variant(row.languages), send_at, send_at + LIFE))
        return found

    def _variant(self, languages: tuple[str, ...]) -> NewVariant:
        key = post.wording_key(self._engine, self._words, languages)
        if key not in self._made:
            self._made[key] = NewVariant(key, [key], frozen.dump(post.word(self._engine, self._words, key)))
        return self._made[key]
