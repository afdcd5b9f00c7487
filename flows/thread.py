"""What is known of a mail before it is read: which of our mails it answers, who wrote it, what was asked there.

Everything comes from one look at the database; nothing is decided here. A token names a thread and does not authorise
(K5): whose address wrote is looked up beside it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from db import (
    addresses,
    editions,
    inbound,
    inputs,
    roster,
    sent,
    subscriptions,
)
from db.addresses import Standing
from db.editions import MailingRow
from db.engine import Tx
from db.inbound import RawRow
from db.inputs import InputRow, StatementRow
from db.process import ProcessRow
from db.roster import GroupRow, LiaisonRow
from db.sent import SentRow
from flows import returned
from flows.asked import Asked, Known, look_up
from flows.door import Box, Door, House, Place
from mailer.address import AddressError, key
from mailer.message import Envelope, Message
from mailer.parse import parse
from mailer.reading import Context
from mailer.render import Renderer
from mailer.token import Purpose, Token

MAX_REFERENCES = 40
_NAMED = re.compile(r"\b(?:reply|bounce|leave)\+[0-9A-Za-z]{35}\b")
_ID = re.compile(r"<?[0-9A-Za-z]{35}@[^\s<>]{1,255}>?")


@dataclass(frozen=True, slots=True)
class Thread:
    """One mail with all that our side knows about it."""

    raw: RawRow
    data: bytes
    envelope: Envelope
    message: Message
    owner: ProcessRow | None
    house: House | None
    boxes: frozenset[Box]
    box: Box | None
    token: Token | None  # from the address, else from the thread
    addressed: bool  # the token stood in an address, so it was sent to the writer by us or by a reader
    mailing: MailingRow | None
    delivery: SentRow | None
    named: LiaisonRow | None  # the liaison whom the token names
    named_groups: tuple[GroupRow, ...]
    writer: Standing | None  # whose verified address it is from
    writer_groups: tuple[GroupRow, ...]
    writer_key: str
    asked: Asked
    context: Context
    original: InputRow | None = None  # what the receipt told of that is answered
    told: tuple[StatementRow, ...] = ()  # its statements

    @property
    def agrees(self) -> bool:
        """Whether token and sender are the same person."""
        return self.named is not None and self.writer is not None and self.named.id == self.writer.liaison.id


@dataclass(slots=True)
class Shelf:
    """What many mails share, looked up once a run."""

    door: Door
    renderer: Renderer
    asked: dict[tuple[int, int], tuple[Asked, Known]] = field(default_factory=dict)
    lines: dict[int, tuple[str, frozenset[str]]] = field(default_factory=dict)


def gather(
    tx: Tx, shelf: Shelf, raw: RawRow, envelope: Envelope, data: bytes, message: Message, settings: Any, now: datetime
) -> Thread:
    """Everything known of one mail."""
    places = shelf.door.places(envelope.rcpt_to)
    place = places[0] if places else None
    house, token = _thread(shelf.door, places, message)
    owner = house.process if house else None
    mailing = editions.mailing_by_tag(tx, token.mailing) if token else None
    if mailing is not None and owner is not None and mailing.process_id != owner.id:
        mailing = None
    named, groups = _named(tx, owner, token)
    writer_key = _key(message.from_addr)
    writer = _writer(tx, owner, writer_key, now)
    person = named.tag if named else 0
    delivery = sent.delivery(tx, owner.id, token.mailing, person) if owner is not None and token is not None else None
    asked, known = _asked(tx, shelf, owner, mailing)
    original = _original(tx, mailing, writer, writer_key)
    context = replace(
        _context(tx, shelf, house, token, writer, named),
        sent_lines=_sent_lines(tx, shelf, delivery, named.name if named else "", owner.name if owner else ""),
        items=known[0],
        questions=known[1],
        tracks=known[2],
        private_address=any(p.box is Box.PRIVATE for p in places),
        now=now,
        trusted_servers=tuple(settings.auth_servers),
    )
    return Thread(
        raw=raw,
        data=data,
        envelope=envelope,
        message=message,
        owner=owner,
        house=house,
        boxes=frozenset(p.box for p in places),
        box=place.box if place else None,
        token=token,
        addressed=any(p.token is not None for p in places),
        mailing=mailing,
        delivery=delivery,
        named=named,
        named_groups=groups,
        writer=writer,
        writer_groups=tuple(roster.groups_of(tx, writer.liaison.id)) if writer else (),
        writer_key=writer_key,
        asked=asked,
        context=context,
        original=original,
        told=tuple(inputs.statements(tx, [original.id]).get(original.id, ())) if original else (),
    )


def _context(
    tx: Tx,
    shelf: Shelf,
    house: House | None,
    token: Token | None,
    writer: Standing | None,
    named: LiaisonRow | None,
) -> Context:
    """What a reader may know of both sides; what was asked is put in by the caller."""
    return Context(
        own_addresses=house.own_addresses if house else (),
        own_homes=tuple(house.process.address_base for house in shelf.door.houses),
        token_item=token.item if token else 0,
        writer_known=writer is not None,
        writer_languages=_languages(writer, named),
        statement_refs=tuple(inputs.references_of(tx, writer.liaison.id)) if writer else (),
    )


def _writer(tx: Tx, owner: ProcessRow | None, writer_key: str, now: datetime) -> Standing | None:
    """Whose verified address it is."""
    found = addresses.by_address_key(tx, owner.id, writer_key, now) if owner and writer_key else None
    if found is None or found.address.verified_at is None or found.liaison.forgotten_at is not None:
        return None
    return found


def _thread(door: Door, places: Iterable[Place], message: Message) -> tuple[House | None, Token | None]:
    """The process and the token: of an address, else of what it answers, newest first; else just the process."""
    found = [place for place in places if place.house is not None]
    named = next((place for place in found if place.token is not None), None)
    if named is not None:
        return named.house, named.token
    answered = [*message.in_reply_to, *reversed(message.references)][:MAX_REFERENCES]
    for message_id in dict.fromkeys(answered):
        for house in door.houses:
            token = house.ring.read_message_id(message_id)
            if token is not None:
                return house, token
    if found:
        return found[0].house, None
    return (door.houses[0] if len(door.houses) == 1 else None), None


def tokens_in(house: House, message_ids: Iterable[str], text: str) -> list[Token]:
    """Tokens of ours in Message-IDs and in the text of a returned mail, in that order."""
    found = [house.ring.read_message_id(one) for one in message_ids]
    for one in _NAMED.findall(text)[:50]:
        found.append(house.ring.read(one))
    for one in _ID.findall(text)[:50]:
        found.append(house.ring.read_message_id(one))
    return [token for token in found if token is not None]


def _original(tx: Tx, mailing: MailingRow | None, writer: Standing | None, writer_key: str) -> InputRow | None:
    """The writer's own input that a receipt told of, by the receipt's natural key.

    Somebody of the community is known by the address they wrote from: nobody else was sent the token of that receipt.
    """
    if mailing is None or mailing.kind != "receipt":
        return None
    for raw in inbound.by_fingerprint(tx, mailing.natural_key.split(":")[1]):
        row = inputs.by_raw(tx, raw.id)
        if row is None:
            continue
        if writer is not None and row.liaison_id == writer.liaison.id:
            return row
        if writer is None and row.liaison_id is None and writer_key and writer_key == _sender(tx, raw.id):
            return row
    return None


def _sender(tx: Tx, raw_id: int) -> str:
    """The key of the address that a mail says to be from; '' when its words are gone."""
    body = inbound.body(tx, raw_id)
    return _key(parse(body.data).from_addr) if body is not None else ""


def _named(tx: Tx, owner: ProcessRow | None, token: Token | None) -> tuple[LiaisonRow | None, tuple[GroupRow, ...]]:
    """The liaison and the groups that a token names."""
    if owner is None or token is None or not token.person:
        return None, ()
    if token.purpose is Purpose.RELAY:
        group = roster.group_by_tag(tx, owner.id, token.person)
        return None, ((group,) if group else ())
    if token.purpose is Purpose.LEAVE:
        place = subscriptions.by_tag(tx, token.person)
        liaison = roster.liaison(tx, place.liaison_id) if place else None
        liaison = liaison if liaison is not None and liaison.process_id == owner.id else None
    else:
        liaison = roster.liaison_by_tag(tx, owner.id, token.person)
    if liaison is None or liaison.forgotten_at is not None:
        return None, ()
    return liaison, tuple(roster.groups_of(tx, liaison.id))


def _key(addr: str) -> str:
    try:
        return key(addr)
    except AddressError:
        return ""


def _languages(writer: Standing | None, named: LiaisonRow | None) -> tuple[str, ...]:
    if writer is not None:
        return writer.liaison.languages
    return named.languages if named is not None else ()


def _asked(tx: Tx, shelf: Shelf, owner: ProcessRow | None, mailing: MailingRow | None) -> tuple[Asked, Known]:
    if owner is None:
        return Asked(), ((), (), ())
    place = (owner.id, mailing.id if mailing else 0)
    if place not in shelf.asked:
        shelf.asked[place] = look_up(tx, owner, mailing)
    return shelf.asked[place]


def _sent_lines(tx: Tx, shelf: Shelf, delivery: SentRow | None, name: str, process: str) -> frozenset[str]:
    """The lines of the mail that is answered, sent to somebody of that name."""
    if delivery is None or delivery.variant_id is None:
        return frozenset()
    variant = delivery.variant_id
    if variant not in shelf.lines:
        shelf.lines[variant] = returned.shared(tx, variant)
    lang, lines = shelf.lines[variant]
    return lines | returned.own(tx, shelf.renderer, delivery, lang, name, process) if lines else lines
