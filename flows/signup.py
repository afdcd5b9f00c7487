"""Signing up: asking, proving that the address is one's own (double opt-in), and what the core team decides.

What somebody unknown asks for reveals nothing: whether an address is new, known or suppressed, the answer is the same;
only its owner learns more, by mail, at most once a day. Until the address is proved it gets that one mail.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from db import addresses, applications, editions, journal, roster, tasks
from db import process as processes
from db.addresses import Standing
from db.engine import Database, Tx
from db.journal import Act
from db.process import ProcessRow
from db.states import LiaisonState
from digests.wall import zone_names
from flows import answers, fields, links, notice
from flows.engine import Engine, Refused
from flows.notice import Single
from mailer.address import Address, AddressError, display_name, parse
from mailer.content import NoticeKind, NoticeMail
from mailer.token import Purpose

LIFE = timedelta(days=7)
LONGEST_NAME = 100
BY_MAIL = "asked by mail to get the digests"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for, and in which words they agreed. `evidence`: where from, as little as proves it."""

    name: str
    address: str
    group: str  # by slug; '' is none of those
    languages: tuple[str, ...]
    zone: str
    wording: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What the page for signing up shows of a process."""

    process: str
    owner: str
    invented: bool
    zone: str
    languages: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]  # slug and name


class Faulty(Refused):
    """A wish with a value that cannot be; `field` names it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


def offer(engine: Engine, slug: str) -> Offer | None:
    """What one can ask for at a process; None where there is no such process, or it has no digest."""
    with engine.db.read() as tx:
        owner = processes.by_slug(tx, slug)
        series = editions.digests(tx, owner.id) if owner else []
        if owner is None or not series:
            return None
        groups = tuple((one.slug, one.name) for one in roster.groups(tx, owner.id))
    return Offer(
        process=owner.name,
        owner=owner.home.at(f"{series[0].slug}-owner"),
        invented=owner.about == "invented",
        zone=owner.zone,
        languages=tuple(dict.fromkeys((*owner.languages, *engine.renderer.languages))),
        groups=tuple(sorted(groups, key=lambda one: one[1].casefold())),
    )


def ask(engine: Engine, slug: str, wish: Wish, *, act: Act) -> None:
    """Take an application, and write to its address. Raises `Faulty`; says nothing about the address otherwise."""
    with engine.db.read() as tx:
        owner = processes.by_slug(tx, slug)
        if owner is None:
            raise Refused(f"there is no process {slug!r}")
        groups = {one.slug: one.id for one in roster.groups(tx, owner.id)}
    box = _checked(wish, groups)
    with engine.db.read() as tx:
        known = addresses.by_address_key(tx, owner.id, box.key, act.now)
        silent = addresses.standing_order(tx, owner.id, engine.keys.address_hash(box.key)) is not None
        letter = None if silent else _to_known(engine, tx, owner, known, act)
    if silent:
        return
    if letter is None:
        letter = _application(engine, owner, box, wish, groups.get(wish.group), act)
    if letter is not None:
        with engine.db.write() as tx:
            notice.enqueue(tx, engine, owner, letter, act=act)


def ask_on_page(engine: Engine, slug: str, wish: Wish, *, now: datetime) -> None:
    """The same, from the public page."""
    ask(engine, slug, wish, act=Act("writer", now))


def _checked(wish: Wish, groups: dict[str, int]) -> Address:
    if not display_name(wish.name) or len(wish.name) > LONGEST_NAME:
        raise Faulty("name", "is missing, or too long")
    try:
        box = parse(wish.address)
    except AddressError as error:
        raise Faulty("address", str(error)) from error
    if wish.group and wish.group not in groups:
        raise Faulty("group", f"{wish.group!r} is unknown")
    if wish.zone not in zone_names():
        raise Faulty("zone", f"{wish.zone!r} is unknown")
    try:
        languages = [fields.language(tag) for tag in wish.languages]
    except ValueError as error:
        raise Faulty("languages", str(error)) from error
    if not languages:
        raise Faulty("languages", "name at least one")
    return box


def _to_known(engine: Engine, tx: Tx, owner: ProcessRow, known: Standing | None, act: Act) -> Single | None:
    """To somebody who gets the digests already: how they are set. None for everybody else."""
    if known is None or known.liaison.state not in (LiaisonState.ACTIVE, LiaisonState.PAUSED):
        return None
    to = answers.correspondent(tx, owner, known.liaison.id)
    if to is None or not to.addr:
        return None
    sender = engine.keys.address_hash(known.address.key)
    facts = answers.standing(to)
    return answers.notice(engine, owner, to, NoticeKind.STATUS, f"{sender}:{act.now:%Y-%m-%d}", facts=facts)


def _application(
    engine: Engine, owner: ProcessRow, box: Address, wish: Wish, group_id: int | None, act: Act
) -> Single | None:
    with engine.db.write() as tx:
        tag = applications.put(
            tx,
            owner.id,
            box.key,
            engine.draw_tag(),
            addr=box.addr,
            name=display_name(wish.name),
            group_id=group_id,
            languages=list(wish.languages),
            zone=wish.zone,
            wording=wish.wording,
            evidence=f"asked {act.now:%Y-%m-%d %H:%M} UTC, {wish.evidence}",
            asked_at=act.now,
        )
    return _opt_in(engine, owner, box, wish.languages, tag, act) if tag is not None else None


def _opt_in(engine: Engine, owner: ProcessRow, box: Address, languages: tuple[str, ...], tag: int, act: Act) -> Single:
    """The letter that asks whether it was them; one a day. Its natural key lets a reply with yes find the way back."""
    ring = engine.keys.ring(owner.slug, owner.address_base)
    web = engine.settings.base_url
    mail = NoticeMail(
        process=owner.name,
        footer=answers.mail_footer(engine, owner, None),
        url=f"{web}/confirm/{ring.token(Purpose.CONFIRM, 0, tag)}" if web.startswith("http") else "",
    )
    sender = engine.keys.address_hash(box.key)
    return Single(
        natural_key=f"{NoticeKind.OPTIN}:{sender}:{tag:x}:{act.now:%Y-%m-%d}",
        kind="notice",
        rendered=engine.renderer.render(NoticeKind.OPTIN, answers.spoken(engine, languages), {"mail": mail}),
        to_addr=box.addr,
    )


@dataclass(frozen=True, slots=True)
class Confirming:
    """What the page for confirming shows."""

    process: str
    owner: str
    invented: bool
    lang: str
    done: bool


def look(engine: Engine, token: str) -> Confirming | None:
    """What the page behind a confirmation link shows; None where the link opens nothing any more."""
    with engine.db.read() as tx:
        found = links.token_of(tx, engine, Purpose.CONFIRM, token)
        row = applications.by_tag(tx, found[1].person) if found else None
    if found is None or row is None or row.process_id != found[0].id:
        return None
    owner = found[0]
    return Confirming(
        process=owner.name,
        owner=owner.home.at(f"{owner.slug}-owner"),
        invented=owner.about == "invented",
        lang=answers.spoken(engine, row.languages),
        done=row.confirmed_at is not None,
    )


def confirm(engine: Engine, token: str, how: str, *, now: datetime) -> Confirming | None:
    """Somebody pressed the button behind the link that only their mailbox has. Twice does no harm."""
    with engine.db.read() as tx:
        found = links.token_of(tx, engine, Purpose.CONFIRM, token)
    if found is None or not confirm_tag(engine, found[0], found[1].person, how, act=Act("writer", now)):
        return None
    return look(engine, token)


def confirm_tag(engine: Engine, owner: ProcessRow, tag: int, how: str, *, act: Act) -> bool:
    """The address of an application is proved: the core team decides next. False where there is none any more."""
    with engine.db.write() as tx:
        row = applications.by_tag(tx, tag)
        if row is None or row.process_id != owner.id:
            return False
        if applications.confirm(tx, row.id, f"; confirmed {act.now:%Y-%m-%d %H:%M} UTC, {how}", act.now):
            journal.note(tx, act, ("application", row.id), "confirmed", process_id=owner.id)
            tasks.add(tx, act, owner.id, "sign-up", ("application", row.id))
    return True


def expire(db: Database, *, act: Act) -> int:
    """Destroy applications whose address did not answer in time; gives how many."""
    with db.read() as tx:
        if not applications.overdue(tx, act.now - LIFE):
            return 0
    with db.write() as tx:
        return applications.expire(tx, act.now - LIFE)
