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
from mailer.compose import Calendar, Fragment, Frame, Person
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
        """Whom the From address names: the digest, or the process."""
        return self.digest.slug if self.digest is not None else self.process.slug


@dataclass(frozen=True, slots=True)
class Stencil:
    """A wording made ready for many readers of a mailing: framed, with the header lines that are equal for all."""

    frame: Frame
    sender_line: bytes
    subject_line: bytes
    last_lines: bytes
    thread: tuple[str, ...]
    numbers: tuple[int, ...]  # of the items with a reply address in it
    times: tuple[str, ...]  # its fields that show a time
    domain: str  # where the process's mail lives, as A-labels


def stencil(sender: Sender, wording: Frozen) -> Stencil:
    """Make a wording ready."""
    beside = Calendar(f"{sender.slug}.ics", wording.calendar) if wording.calendar else None
    framed = compose.frame(wording.rendered, wording.tag, beside)
    names = sorted(framed.fields)
    last = [
        header.tokens("Auto-Submitted", "auto-replied" if wording.answers else "auto-generated"),
        header.list_lines(_list_names(sender)),
        header.tokens(LOOP_HEADER, f"{sender.mailing.kind}; {sender.process.slug}"),
    ]
    return Stencil(
        frame=framed,
        sender_line=_from(sender),
        subject_line=header.line("Subject", wording.rendered.subject),
        last_lines=b"".join(last),
        thread=wording.thread,
        numbers=tuple(sorted(int(key[6:]) for key in names if key.startswith("reply:"))),
        times=tuple(key for key in names if key == "zone" or key.startswith("local:")),
        domain=address.parse(sender.process.home.at(sender.slug)).domain,
    )


@dataclass(slots=True)
class Desk:
    """Stencils by variant, made once and used for many readers; the oldest go when they take too much memory."""

    most: int = 20_000_000  # octets
    octets: int = 0
    stencils: dict[int, Stencil] = field(default_factory=dict)

    def keep(self, variant_id: int, made: Stencil) -> None:
        """Keep a stencil for later batches."""
        self.octets += made.frame.octets
        self.stencils[variant_id] = made
        while self.octets > self.most and len(self.stencils) > 1:
            self.octets -= self.stencils.pop(next(iter(self.stencils))).frame.octets


def letter(sender: Sender, claimed: Claimed, ready: Stencil, blocks: Mapping[str, Fragment], group: str) -> Letter:
    """The mail of one delivery, unsigned. Raises `compose.MissingField` or `address.AddressError`."""
    person = person_of(sender, claimed, ready, blocks, group)
    to = address.parse(claimed.addr)
    data = compose.compose(ready.frame, person, _head(sender, claimed, ready, person, to))
    return Letter(
        id=claimed.id,
        mail_from=sender.ring.bounce_address(sender.mailing.tag, claimed.liaison_tag),
        rcpt_to=to.addr,
        data=data,
        needs_utf8=to.needs_smtputf8,
    )


def person_of(sender: Sender, claimed: Claimed, ready: Stencil, blocks: Mapping[str, Fragment], group: str) -> Person:
    """What is spliced in for one reader."""
    ring, tag, who = sender.ring, sender.mailing.tag, claimed.liaison_tag
    replies = ring.reply_addresses(tag, who, (0, *ready.numbers))
    values = {f"reply:{number}": reply for number, reply in zip(ready.numbers, replies[1:], strict=True)}
    values["reply"] = replies[0]
    values |= sender.renderer.personal(claimed.lang, claimed.name, group, sender.process.name)
    leave = ring.leave_token(tag, claimed.subscription_tag)
    values["leave"] = f"{sender.base_url}/leave/{leave}" if sender.base_url else ""
    values["leave_mail"] = ring.home.at(f"leave+{leave}")
    values["prefs"] = f"{sender.base_url}/me/{leave}"
    return Person(values, blocks, {key: _time(key, claimed.zone, claimed.lang) for key in ready.times})


@lru_cache(maxsize=10_000)
def _time(key: str, zone: str, lang: str) -> str:
    """One time as readers of a zone and a language see it: there are far fewer than readers or variants."""
    return words.zone_table((key,), zone, lang)[key]


def _head(sender: Sender, claimed: Claimed, ready: Stencil, person: Person, to: address.Address) -> bytes:
    ring, tag, who = sender.ring, sender.mailing.tag, claimed.liaison_tag
    thread = list(ready.thread)
    if sender.corrects_tag is not None:
        thread.append(ring.message_id(sender.corrects_tag, who))
    answers_to = address.Address(person.fields["reply"].partition("@")[0], ready.domain)
    lines = [
        header.date("Date", claimed.dated_at),
        ready.sender_line,
        header.addresses("To", [(claimed.name, to)]),
        header.addresses("Reply-To", [(sender.process.name, answers_to)]),
        ready.subject_line,
        header.message_ids("Message-ID", [ring.message_id(tag, who)]),
        header.message_ids("In-Reply-To", thread[-1:]),
        header.message_ids("References", thread),
        ready.last_lines,
    ]
    if claimed.subscription_tag:
        # A link that no https server answers is worse than none: RFC 8058 wants https.
        url = person.fields["leave"]
        one_click = sender.signed and url.startswith("https:")
        lines.append(header.leave_lines(url, person.fields["leave_mail"], one_click=one_click))
    return b"".join(lines)


def _from(sender: Sender) -> bytes:
    name = sender.digest.title if sender.digest is not None else sender.process.name
    mailbox = address.parse(sender.process.home.at(sender.slug))
    return header.addresses("From", [(name, mailbox)])


def _list_names(sender: Sender) -> header.ListNames:
    home = sender.process.home
    request = home.at(f"{sender.slug}-request")
    return header.ListNames(
        label=sender.digest.list_id if sender.digest is not None else f"{sender.slug}.{home.label}",
        phrase=sender.digest.title if sender.digest is not None else sender.process.name,
        help=header.mailto(request, "help"),
        subscribe=header.mailto(request, "subscribe"),
        owner=header.mailto(home.at(f"{sender.slug}-owner")),
    )


def message_id(sender: Sender, liaison_tag: int) -> str:
    """The Message-ID of one reader's mail."""
    return f"<{sender.ring.token(Purpose.ID, sender.mailing.tag, liaison_tag)}@{sender.ring.domain}>"
