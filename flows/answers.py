"""Short letters of the service that answer a mail: what was set, what is held, who is away. Ready to be enqueued.

Nothing is answered that a machine wrote, that has a null return path, or that a list carried (RFC 3834 section 2).
Answers go to an address that we know, or to the writer alone when DMARC vouched for them; none quotes what came in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from db import addresses, editions, roster, subscriptions
from db.editions import DigestRow
from db.engine import Tx
from db.inputs import references_of
from db.process import ProcessRow
from db.roster import GroupRow, LiaisonRow
from db.subscriptions import SubscriptionRow
from flows.engine import Engine
from flows.issue import footer
from flows.notice import Single
from flows.thread import Thread
from mailer import words
from mailer.content import Block, Footer, NoticeKind, NoticeMail
from mailer.message import Message

HELD_DAYS = 30
UNDO_DAYS = 30
_BULK = ("bulk", "list", "junk")
_LISTED = ("list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list")


@dataclass(frozen=True, slots=True)
class Correspondent:
    """A liaison as a letter to them needs it."""

    liaison: LiaisonRow
    address_id: int | None
    addr: str
    groups: tuple[GroupRow, ...]
    place: SubscriptionRow | None
    digest: DigestRow | None
    filed: int

    @property
    def title(self) -> str:
        """What they get from us."""
        return self.digest.title if self.digest else ""


def correspondent(tx: Tx, owner: ProcessRow, liaison_id: int, address_id: int | None = None) -> Correspondent | None:
    """A liaison with the address to write to: the one given if it is theirs, else the primary one."""
    liaison = roster.liaison(tx, liaison_id)
    if liaison is None:
        return None
    mine = addresses.addresses(tx, owner.id, [liaison_id]).get(liaison_id, [])
    chosen = next((one for one in mine if one.id == address_id), None) or next(iter(mine), None)
    place = next(iter(subscriptions.of_liaison(tx, liaison_id)), None)
    return Correspondent(
        liaison=liaison,
        address_id=chosen.id if chosen else None,
        addr=chosen.addr if chosen else "",
        groups=tuple(roster.groups_of(tx, liaison_id)),
        place=place,
        digest=editions.digest(tx, place.digest_id) if place else None,
        filed=len(references_of(tx, liaison_id, 10_000)),
    )


def may_answer(message: Message, mail_from: str) -> bool:
    """Whether a mail may be answered by a machine (RFC 3834 section 2)."""
    submitted = message.get("auto-submitted").split(";")[0].strip().lower()
    if not mail_from or submitted not in ("", "no"):
        return False
    if message.get("precedence").strip().lower() in _BULK or any(message.get(name) for name in _LISTED):
        return False
    if message.get("x-auto-response-suppress").strip():
        return False
    senders = (mail_from.lower().partition("@")[0], message.from_addr.lower().partition("@")[0])
    return not any(
        local in ("mailer-daemon", "postmaster") or local.startswith("owner-") or local.endswith(("-request", "-owner"))
        for local in senders
    )


def mail_footer(engine: Engine, owner: ProcessRow, digest: DigestRow | None, *, reader: bool = True) -> Footer:
    """The footer of a letter; `reader` is false for somebody of the community, who has no settings with us."""
    slug = digest.slug if digest else owner.slug
    made = footer(owner, f"{slug}-owner", web=engine.settings.base_url.startswith("http"))
    return made if reader else replace(made, reader=False)


def spoken(engine: Engine, languages: Sequence[str]) -> str:
    """The language of a letter: the first wish that the service speaks."""
    return words.pick(languages, engine.renderer.languages)


def notice(
    engine: Engine,
    owner: ProcessRow,
    to: Correspondent,
    kind: str,
    key: str,
    *,
    thread: tuple[str, ...] = (),
    title: str = "",
    until: date | None = None,
    about: str = "",
    facts: tuple[tuple[str, str], ...] = (),
) -> Single:
    """A short letter to a liaison. `key` tells this occasion from others; `thread` is what it answers."""
    mail = NoticeMail(
        process=owner.name,
        footer=mail_footer(engine, owner, to.digest),
        title=Block(title or to.title or owner.name, owner.source_lang),
        until=until,
        about=about,
        facts=facts,
        number=UNDO_DAYS,
    )
    return Single(
        natural_key=f"{kind}:{key}",
        kind="notice",
        rendered=engine.renderer.render(kind, spoken(engine, to.liaison.languages), {"mail": mail}),
        liaison_id=to.liaison.id,
        address_id=to.address_id,
        subscription_id=to.place.id if to.place else None,
        thread=thread,
        answers=bool(thread),
    )


def taken_back(engine: Engine, owner: ProcessRow, thread: Thread, language: str, ref: str, key: str) -> Single:
    """Tell somebody of the community, at the address they wrote from, that their statement was withdrawn."""
    mail = NoticeMail(
        process=owner.name,
        footer=mail_footer(engine, owner, None, reader=False),
        title=Block(owner.name, owner.source_lang),
        about=ref,
        number=UNDO_DAYS,
    )
    languages = (language, owner.source_lang)
    return Single(
        natural_key=f"{NoticeKind.WITHDRAWN}:{key}",
        kind="notice",
        rendered=engine.renderer.render(NoticeKind.WITHDRAWN, spoken(engine, languages), {"mail": mail}),
        to_addr=thread.message.from_addr,
        thread=(thread.message.message_id,) if thread.message.message_id else (),
        answers=True,
    )


def standing(to: Correspondent) -> tuple[tuple[str, str], ...]:
    """What is set for a liaison, as the letter `status` lists it."""
    facts = [
        ("group", ", ".join(group.name for group in to.groups)),
        ("language", ", ".join(to.liaison.languages)),
        ("zone", to.liaison.zone),
        ("hour", f"{to.liaison.hour:02}:00"),
        ("cadence", to.place.cadence if to.place else ""),
        ("size", to.place.size if to.place else ""),
        ("standing", to.liaison.state),
        ("address", to.addr),
        ("filed", str(to.filed)),
    ]
    return tuple((name, value) for name, value in facts if value)


def question(engine: Engine, owner: ProcessRow, thread: Thread, language: str) -> Single:
    """The one question about a mail that waits. It quotes nothing of theirs.

    To a stranger: may this be filed as input from the community? To a writer whom we know, at the address that we know:
    did you write it? Its natural key holds the sender's keyed hash and the month: it is asked once.
    """
    received = thread.raw.received_at
    known = thread.writer
    mail = NoticeMail(
        process=owner.name,
        footer=mail_footer(engine, owner, None),
        about=f"{received:%Y-%m-%d}",
        number=HELD_DAYS,
    )
    sender = engine.keys.address_hash(thread.writer_key)
    kind = NoticeKind.HELD if known is None else NoticeKind.UNPROVED
    languages = (language, owner.source_lang) if known is None else known.liaison.languages
    return Single(
        natural_key=f"{kind}:{sender}:{received:%Y-%m}",
        kind="notice",
        rendered=engine.renderer.render(kind, spoken(engine, languages), {"mail": mail}),
        to_addr=thread.message.from_addr if known is None else "",
        liaison_id=known.liaison.id if known else None,
        address_id=known.address.id if known else None,
        thread=(thread.message.message_id,) if thread.message.message_id else (),
        answers=True,
    )


def noted(engine: Engine, owner: ProcessRow, thread: Thread, kind: str, filed: int) -> Single:
    """Tell a liaison that a person looks after what they wrote, and that the rest is filed, as so many statements.

    It says nothing of what that was; once an hour.
    """
    known, received = thread.writer, thread.raw.received_at
    sender = engine.keys.address_hash(thread.writer_key)
    languages = known.liaison.languages if known is not None else ()
    return Single(
        natural_key=f"{NoticeKind.NOTED}:{kind}:{sender}:{received:%Y-%m-%dT%H}",
        kind="notice",
        rendered=engine.renderer.render(
            NoticeKind.NOTED,
            spoken(engine, (*languages, owner.source_lang)),
            {"mail": NoticeMail(process=owner.name, footer=mail_footer(engine, owner, None), number=filed)},
        ),
        liaison_id=known.liaison.id if known is not None else None,
        address_id=known.address.id if known is not None else None,
        thread=(thread.message.message_id,) if thread.message.message_id else (),
        answers=True,
    )


def alerts(engine: Engine, owner: ProcessRow, woken: Sequence[str], raw_id: int, fingerprint: str) -> list[Single]:
    """Wake the people who look after safety. Nothing of the report is in the mail."""
    mail = NoticeMail(
        process=owner.name,
        footer=mail_footer(engine, owner, None),
        title=Block("a report about somebody's safety", "en"),
        details=(Block("A report about somebody's safety came in. Only the privacy circle may open it.", "en"),),
        facts=(("inbox", f"tidings inbox show {raw_id} --private"),),
    )
    rendered = engine.renderer.render(NoticeKind.ALERT, "en", {"mail": mail})
    return [
        Single(natural_key=f"alert:{fingerprint}:{n}", kind="notice", rendered=rendered, to_addr=address)
        for n, address in enumerate(woken)
    ]
