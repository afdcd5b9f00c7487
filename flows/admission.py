"""The waiting list: who proved their address, and what the core team decides.

`Refused` says why something cannot be.
"""

from dataclasses import dataclass
from datetime import datetime

from db import addresses, applications, journal, roster, tasks
from db import process as processes
from db.applications import ApplicationRow
from db.engine import Tx
from db.journal import Act
from db.process import ProcessRow
from db.states import LiaisonState
from flows import answers, notice
from flows import roster as people
from flows.engine import Engine, Refused
from mailer.address import AddressError, parse
from mailer.content import NoticeKind


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody on the waiting list."""

    name: str
    address: str
    group: str
    languages: tuple[str, ...]
    zone: str
    asked_at: datetime
    confirmed_at: datetime


def waiting(engine: Engine, process_id: int) -> list[Waiting]:
    """The waiting list: who proved their address, the longest waiting first."""
    with engine.db.read() as tx:
        groups = {one.id: one.slug for one in roster.groups(tx, process_id)}
        rows = applications.waiting(tx, process_id)
    return [
        Waiting(
            name=row.name,
            address=row.addr,
            group=groups.get(row.group_id or 0, ""),
            languages=row.languages,
            zone=row.zone,
            asked_at=row.asked_at,
            confirmed_at=row.confirmed_at or row.asked_at,
        )
        for row in rows
    ]


def admit(
    engine: Engine,
    slug: str,
    digest_slug: str,
    address: str,
    *,
    act: Act,
    group: str = "",
    rank: str = "",
    role_there: str = "",
) -> str:
    """Put somebody of the waiting list on the roster, for a group, and welcome them; gives the group's slug.

    Without a rank they are first liaison where the group has none, else deputy. Raises `Refused`.
    """
    owner, row = _on_list(engine, slug, address)
    with engine.db.read() as tx:
        groups = {one.id: one.slug for one in roster.groups(tx, owner.id)}
        wanted = group or groups.get(row.group_id or 0, "")
        if not wanted:
            raise Refused(f"{row.addr} named none of the groups: say with --group for which one they stand")
        led = {groups[one.group_id] for one in roster.mandates(tx, owner.id) if one.rank == "first"}
        known = addresses.by_address_key(tx, owner.id, row.key, act.now)
    if known is None:
        people.add_liaison(
            engine.db,
            owner.slug,
            digest_slug,
            name=row.name,
            address=row.addr,
            group=wanted,
            languages=row.languages,
            zone_name=row.zone,
            act=act,
            draw_tag=engine.draw_tag,
            rank=rank or ("deputy" if wanted in led else "first"),
            role_there=role_there,
        )
    _settle(engine, owner, row, act)
    return wanted


def _settle(engine: Engine, owner: ProcessRow, row: ApplicationRow, act: Act) -> None:
    """Keep the proof of consent with the liaison, destroy the application, and say welcome."""
    with engine.db.write() as tx:
        standing = addresses.by_address_key(tx, owner.id, row.key, act.now)
        if standing is None:
            raise Refused(f"{row.addr} could not be put on the roster: see `tidings roster show`")
        who = standing.liaison
        if who.state == LiaisonState.LEFT:
            journal.move(tx, act, "liaison", who.id, LiaisonState.ACTIVE, "admitted", process_id=owner.id, left_at=None)
        else:
            journal.note(tx, act, ("liaison", who.id), "admitted", process_id=owner.id)
        proof = {"liaison_id": who.id, "what": "digest", "wording": row.wording, "evidence": row.evidence}
        roster.add_consents(tx, [{**proof, "at": row.confirmed_at}])
        _close(tx, owner, row, act)
        to = answers.correspondent(tx, owner, who.id)
    if to is not None and to.addr:
        facts = answers.standing(to)
        letter = answers.notice(engine, owner, to, NoticeKind.WELCOME, f"{who.id}:{row.tag:x}", facts=facts)
        with engine.db.write() as tx:
            notice.enqueue(tx, engine, owner, letter, act=act)


def refuse(engine: Engine, slug: str, address: str, *, act: Act) -> None:
    """Take somebody off the waiting list, and destroy what they gave. Nothing is sent."""
    owner, row = _on_list(engine, slug, address)
    with engine.db.write() as tx:
        journal.note(tx, act, ("application", row.id), "refused", process_id=owner.id)
        _close(tx, owner, row, act)


def _close(tx: Tx, owner: ProcessRow, row: ApplicationRow, act: Act) -> None:
    for task in tasks.tasks(tx, owner.id):
        if (task.kind, task.subject_kind, task.subject_id) == ("sign-up", "application", row.id):
            tasks.finish(tx, act, task.id, owner.id)
    applications.remove(tx, row.id)


def _on_list(engine: Engine, slug: str, address: str) -> tuple[ProcessRow, ApplicationRow]:
    try:
        box = parse(address)
    except AddressError as error:
        raise Refused(str(error)) from error
    with engine.db.read() as tx:
        owner = processes.by_slug(tx, slug)
        row = applications.by_key(tx, owner.id, box.key) if owner else None
    if owner is None or row is None:
        raise Refused(f"{box.addr} is not on the waiting list: see `tidings roster waiting`")
    if row.confirmed_at is None:
        raise Refused(f"{box.addr} has not confirmed the address yet")
    return owner, row
