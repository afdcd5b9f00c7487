"""One person's data: everything that is held, and its destruction (E4).

Destroyed are name, addresses, mails, letters, consent and the private side of the journal. What stays says "a former
liaison": ids, states, references, and, where the person agrees, their public statements under the group's name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from db import inbound, inputs, journal, person, roster
from db import process as processes
from db.engine import Tx
from db.inbound import Bytes
from db.inputs import InputRow, StatementRow
from db.journal import Act
from db.person import Person
from db.process import ProcessRow
from db.states import MOVES, InputState, LiaisonState, StatementState
from flows.door import House, open_door
from flows.engine import Engine, Refused
from mailer.address import AddressError, key
from mailer.mask import mask
from mailer.token import Purpose

KEEP, REMOVE = "keep", "remove"
GONE = "[name]"
_REASON = re.compile(r"[a-z0-9][a-z0-9 -]{0,40}")


@dataclass(frozen=True, slots=True)
class Erased:
    """What was destroyed, and what stays. `waiting`: mails of frozen editions that still quote what was removed.

    `scoured` is False while the log beside a SQLite file still holds what the tables do not.
    """

    liaison_id: int | None
    tag: int  # names a liaison in every copy of the database; 0 for a stranger
    mails: int
    inputs: int
    statements_kept: int
    statements_removed: int
    deliveries: int
    waiting: int
    scoured: bool = True


@dataclass(frozen=True, slots=True)
class Held:
    """Everything held: rows by table, and the mails by number."""

    rows: Mapping[str, list[dict[str, Any]]]
    mails: Mapping[int, Bytes]


def export(engine: Engine, process_id: int, address: str) -> Held:
    """Everything that is held about whoever has this address. Raises `Refused` where that is nothing."""
    with engine.db.snapshot() as tx:
        who = _find(tx, engine, _process(tx, process_id), address)
        rows = person.held(tx, who)
        bodies = {raw_id: inbound.body(tx, raw_id) for raw_id in who.raw_ids}
    return Held(rows, {raw_id: body for raw_id, body in bodies.items() if body is not None})


def erase(engine: Engine, process_id: int, address: str, reason: str, *, statements: str, act: Act) -> Erased:
    """Forget whoever has this address; `reason` is a code for the journal, such as `asked` or `law`.

    `statements`: `keep` their public statements, masked, under the group; or `remove` them, leaving the references.
    Private ones always go.
    """
    with engine.db.write() as tx:
        who = _find(tx, engine, _process(tx, process_id), address)
        done = _forget(tx, who, reason, statements, act)
    return replace(done, scoured=engine.db.scour())


def erase_liaison(engine: Engine, liaison_id: int, reason: str, *, statements: str, act: Act) -> Erased | None:
    """The same by number, for schedules; None where the person is forgotten already."""
    with engine.db.write() as tx:
        found = roster.liaison(tx, liaison_id)
        if found is None or found.forgotten_at is not None:
            return None
        who = _gathered(tx, engine, _process(tx, found.process_id), found.id, person.keys_of(tx, found.id))
        return _forget(tx, who, reason, statements, act)


def erase_again(engine: Engine, slug: str, tag: int, reason: str, *, statements: str, act: Act) -> bool:
    """The same by tag, for a database that was put back (E7); False where there is nobody to forget."""
    with engine.db.read() as tx:
        owner = processes.by_slug(tx, slug)
        found = roster.liaison_by_tag(tx, owner.id, tag) if owner is not None else None
    return found is not None and erase_liaison(engine, found.id, reason, statements=statements, act=act) is not None


def _process(tx: Tx, process_id: int) -> ProcessRow:
    found = processes.by_id(tx, process_id)
    if found is None:
        raise Refused(f"no process {process_id}")
    return found


def _find(tx: Tx, engine: Engine, owner: ProcessRow, address: str) -> Person:
    try:
        wanted = key(address)
    except AddressError as error:
        raise Refused(str(error)) from error
    liaison_id = person.liaison_of(tx, owner.id, wanted)
    keys = person.keys_of(tx, liaison_id) if liaison_id is not None else (wanted,)
    who = _gathered(tx, engine, owner, liaison_id, keys)
    if liaison_id is None and not who.raw_ids and not who.delivery_ids:
        raise Refused(f"nothing is held about {address} in {owner.slug}")
    return who


def _gathered(tx: Tx, engine: Engine, owner: ProcessRow, liaison_id: int | None, keys: tuple[str, ...]) -> Person:
    hashes = tuple(engine.keys.address_hash(one) for one in keys)
    found = roster.liaison(tx, liaison_id) if liaison_id is not None else None
    house = open_door(engine).house(owner.id)
    tag = found.tag if found else 0
    raws = tuple(
        one.raw_id
        for one in person.envelopes(tx, owner.id)
        if one.sender in hashes or _key(one.mail_from) in keys or (house and tag and _reports(house, one, tag))
    )
    deliveries = [delivery for delivery, to in person.strangers(tx, owner.id) if _key(to) in keys]
    deliveries += person.deliveries_of(tx, liaison_id) if liaison_id is not None else []
    mine = person.inputs_of(tx, liaison_id, raws)
    also = [row.raw_id for one in mine if (row := inputs.one(tx, one)) is not None and row.raw_id is not None]
    return Person(
        owner.id, liaison_id, keys, hashes, tuple(sorted({*raws, *also})), tuple(mine), tuple(sorted(set(deliveries)))
    )


def _reports(house: House, envelope: person.Envelope, tag: int) -> bool:
    """Whether a mail came back to the return path of a mail to this person."""
    tokens = [house.ring.read(house.process.home.name(one.partition("@")[0].lower()) or "") for one in envelope.rcpt_to]
    return any(one is not None and one.purpose is Purpose.BOUNCE and one.person == tag for one in tokens)


def _key(address: str) -> str:
    try:
        return key(address) if address else ""
    except AddressError:
        return ""


def _forget(tx: Tx, who: Person, reason: str, statements: str, act: Act) -> Erased:
    if statements not in (KEEP, REMOVE):
        raise Refused(f"statements are kept or removed, not {statements!r}")
    if not _REASON.fullmatch(reason):
        raise Refused("the reason is a code of small letters, digits and hyphens: it stays in the journal for ever")
    found = roster.liaison(tx, who.liaison_id) if who.liaison_id is not None else None
    names = [found.name] if found is not None and found.name else []
    kept, removed, reworded = _statements(tx, who, names, statements, act)
    waiting = person.forget_quotations(tx, [*removed, *reworded])
    for machine, subject_id, becomes in person.waiting(tx, who):
        journal.move(tx, act, machine, subject_id, becomes, "forgotten", process_id=who.process_id)
    person.forget_mails(tx, who)
    person.forget_letters(tx, who)
    if found is not None:
        _leave(tx, found.id, found.state, who.process_id, reason, act)
        person.forget_liaison(tx, found.id, _process(tx, who.process_id).source_lang, act.now)
        person.record(tx, who.process_id, found.id, statements, act.now)
    else:
        journal.note(tx, act, ("process", who.process_id), f"writer forgotten: {reason}", process_id=who.process_id)
    return Erased(
        who.liaison_id,
        found.tag if found else 0,
        len(who.raw_ids),
        len(who.input_ids),
        kept,
        len(removed),
        len(who.delivery_ids),
        waiting,
    )


def _leave(tx: Tx, liaison_id: int, state: str, process_id: int, reason: str, act: Act) -> None:
    if state == LiaisonState.FORGOTTEN:
        raise Refused("this person was forgotten before")
    if state != LiaisonState.LEFT:
        journal.move(tx, act, "liaison", liaison_id, LiaisonState.LEFT, "forgotten", process_id=process_id)
    journal.move(tx, act, "liaison", liaison_id, LiaisonState.FORGOTTEN, f"forgotten: {reason}", process_id=process_id)


def _statements(tx: Tx, who: Person, names: list[str], wish: str, act: Act) -> tuple[int, list[int], list[int]]:
    """Keep or remove what they said; gives how many statements are kept, which are gone, and which say less now."""
    mine = inputs.statements(tx, who.input_ids)
    kept, removed, reworded = 0, [], []
    for input_id in who.input_ids:
        row, statements = inputs.one(tx, input_id), mine.get(input_id, [])
        if row is None:
            continue
        stays = wish == KEEP and row.visibility == "public"
        wordings = person.wordings_of(tx, [one.id for one in statements])
        for one in statements:
            said = {
                revision: _nameless(words, names) if stays and words else None
                for revision, words in wordings.get(one.id, {}).items()
            }
            person.forget_words(tx, one.id, said)
            if stays and said != wordings.get(one.id, {}):
                reworded.append(one.id)
        if stays:
            kept += len(statements)
        else:
            removed += [one.id for one in statements]
            _withdraw(tx, row, statements, act)
    return kept, removed, reworded


def _withdraw(tx: Tx, row: InputRow, statements: list[StatementRow], act: Act) -> None:
    """What may be withdrawn is; the references stay and say so (S4)."""
    if InputState.WITHDRAWN in MOVES["input"].get(row.state, ()):
        inputs.move_input(tx, act, row, InputState.WITHDRAWN, "forgotten")
    alive = [one for one in statements if StatementState.WITHDRAWN in MOVES["statement"].get(one.state, ())]
    inputs.move_statements(tx, act, alive, StatementState.WITHDRAWN, "forgotten")


def _nameless(words: str, names: list[str]) -> str:
    for name in names:
        words = re.sub(re.escape(name), GONE, words, flags=re.IGNORECASE)
    return mask(words)
