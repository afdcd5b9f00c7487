"""From a claimed delivery to the bytes of its mail: the values of one reader, the header lines, the joining.

Pure and deterministic: the same delivery composed twice gives the same bytes and the same Message-ID.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from db.editions import DigestRow, MailingRow
from db.outbox import Claimed
from db.process import ProcessRow
from flows.frozen import Frozen
from mailer import address, compose, header, words
from mailer.compose import Fragment, Frame, Person
from mailer.letter import Letter
from mailer.render import Renderer
from mailer.token import Keyring, Purpose

LOOP_HEADER = "X-Tidings"


@dataclass(frozen=True, slots=True)
class Sender:
    """What is equal for all mails of one mailing."""

    process: ProcessRow
    digest: DigestRow | None
    mailing: MailingRow
    ring: Keyring
    renderer: Renderer
    base_url: str
    signed: bool
    corrects_tag: int | None = None  # the mailing that an erratum stands under

    @property
    def slug(self) -> str:
        """The local part of the From address: the digest's name, or the process's."""
        return self.digest.slug if self.digest is not None else self.process.slug


@dataclass(slots=True)
class Desk:
    """Framed variants and worded times, made once and used for many readers; bounded."""

    frames: dict[int, tuple[Frozen, Frame]] = field(default_factory=dict)
    most: int = 400

    def frame(self, variant_id: int, wording: Frozen) -> Frame:
        """The frame of a variant."""
        if len(self.frames) >= self.most:
            self.frames.pop(next(iter(self.frames)))
        framed = compose.frame(wording.rendered, wording.tag)
        self.frames[variant_id] = (wording, framed)
        return framed


def letter(
    sender: Sender, claimed: Claimed, wording: Frozen, framed: Frame, blocks: Mapping[str, Fragment], group: str
) -> Letter:
    """The mail of one delivery, unsigned. Raises `compose.MissingField` or `address.AddressError`."""
    person = person_of(sender, claimed, framed.fields, blocks, group)
    to = address.parse(claimed.addr)
    data = compose.compose(framed, person, _head(sender, claimed, wording, to))
    return Letter(
        id=claimed.id,
        mail_from=sender.ring.bounce_address(sender.mailing.tag, claimed.liaison_tag),
        rcpt_to=to.addr,
        data=data,
        needs_utf8=to.needs_smtputf8,
    )


def person_of(
    sender: Sender, claimed: Claimed, fields: frozenset[str], blocks: Mapping[str, Fragment], group: str
) -> Person:
    """What is spliced in for one reader: only what this letter asks for."""
    tag, who = sender.mailing.tag, claimed.liaison_tag
    numbers = sorted(int(key[6:]) for key in fields if key.startswith("reply:"))
    values = {
        f"reply:{number}": reply
        for number, reply in zip(numbers, sender.ring.reply_addresses(tag, who, numbers), strict=True)
    }
    values["reply"] = sender.ring.reply_address(tag, who)
    values |= sender.renderer.personal(claimed.lang, claimed.name, group, sender.process.name)
    values["leave"] = leave_url(sender, claimed.subscription_tag)
    values["leave_mail"] = sender.ring.leave_address(tag, claimed.subscription_tag)
    values["prefs"] = f"{sender.base_url}/me/{sender.ring.leave_token(tag, claimed.subscription_tag)}"
    return Person(values, blocks, _times(fields, claimed.zone, claimed.lang))


@lru_cache(maxsize=2000)
def _times(fields: frozenset[str], zone: str, lang: str) -> Mapping[str, str]:
    return words.zone_table(fields, zone, lang)


def leave_url(sender: Sender, subscription_tag: int) -> str:
    """The one-click link of one reader (RFC 8058); '' where no pages are served."""
    if not sender.base_url:
        return ""
    return f"{sender.base_url}/leave/{sender.ring.leave_token(sender.mailing.tag, subscription_tag)}"


def _head(sender: Sender, claimed: Claimed, wording: Frozen, to: address.Address) -> bytes:
    ring, tag, who = sender.ring, sender.mailing.tag, claimed.liaison_tag
    thread = list(wording.thread)
    if sender.corrects_tag is not None:
        thread.append(ring.message_id(sender.corrects_tag, who))
    lines = [
        header.date("Date", claimed.dated_at),
        _from(sender),
        header.addresses("To", [(claimed.name, to)]),
        header.addresses("Reply-To", [(sender.process.name, address.parse(ring.reply_address(tag, who)))]),
        header.line("Subject", wording.rendered.subject),
        header.message_ids("Message-ID", [ring.message_id(tag, who)]),
        header.message_ids("In-Reply-To", thread[-1:]),
        header.message_ids("References", thread),
        header.tokens("Auto-Submitted", "auto-replied" if wording.answers else "auto-generated"),
        header.list_lines(_list_names(sender)),
        header.tokens(LOOP_HEADER, f"{sender.mailing.kind}; {sender.process.slug}"),
    ]
    if claimed.subscription_tag:
        leave = ring.leave_address(tag, claimed.subscription_tag)
        # A link that no https server answers is worse than none: RFC 8058 wants https.
        url = leave_url(sender, claimed.subscription_tag)
        lines.append(header.leave_lines(url, leave, one_click=sender.signed and url.startswith("https:")))
    return b"".join(lines)


def _from(sender: Sender) -> bytes:
    name = sender.digest.title if sender.digest is not None else sender.process.name
    mailbox = address.parse(f"{sender.slug}@{sender.process.address_base}")
    return header.addresses("From", [(name, mailbox)])


def _list_names(sender: Sender) -> header.ListNames:
    at = sender.process.address_base
    request = f"{sender.slug}-request@{at}"
    return header.ListNames(
        label=sender.digest.list_id if sender.digest is not None else f"{sender.slug}.{at}",
        phrase=sender.digest.title if sender.digest is not None else sender.process.name,
        help=header.mailto(request, "help"),
        subscribe=header.mailto(request, "subscribe"),
        owner=header.mailto(f"{sender.slug}-owner@{at}"),
    )


def message_id(sender: Sender, liaison_tag: int) -> str:
    """The Message-ID of one reader's mail."""
    return f"<{sender.ring.token(Purpose.ID, sender.mailing.tag, liaison_tag)}@{sender.ring.domain}>"
