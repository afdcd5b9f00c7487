"""From a claimed delivery to the bytes of its mail: the values of one reader, the header lines, the joining.

Pure and deterministic: the same delivery composed twice gives the same bytes and the same Message-ID.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from db.editions import DigestRow, MailingRow
from db.lease import Claimed
from db.process import ProcessRow
from flows.frozen import Frozen
from mailer import address, compose, header, words
from mailer.compose import Attachment, Fragment, Frame, Person
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
    """A wording made ready for many readers of a mailing: framed, with all of its mail that differs only by tokens."""

    frame: Frame
    sender_line: bytes
    lines: tuple[bytes | int, ...]  # the header lines from Reply-To on, between them the numbers of tokens
    leave_lines: tuple[bytes | int, ...]  # for those who have a subscription
    numbers: tuple[int, ...]  # of the items with a reply address in it
    times: tuple[str, ...]  # its fields that show a time


_LEAVE, _ID, _CORRECTED, _REPLY = range(4)  # numbers of tokens; from the last one on those of the items follow


def stencil(sender: Sender, wording: Frozen) -> Stencil:
    """Make a wording ready."""
    framed = compose.frame(wording.rendered, wording.tag, _beside(sender, wording))
    names = sorted(framed.fields)
    numbers = tuple(sorted(int(key[6:]) for key in names if key.startswith("reply:")))
    values = _addresses(sender, numbers, [compose.mark(n) for n in range(_REPLY + 1 + len(numbers))])
    return Stencil(
        frame=compose.cast(framed, values),
        sender_line=_from(sender),
        lines=compose.cut(_lines(sender, wording, values)),
        leave_lines=compose.cut(_leave_lines(sender, values)),
        numbers=numbers,
        times=tuple(key for key in names if key == "zone" or key.startswith("local:")),
    )


def _beside(sender: Sender, wording: Frozen) -> Attachment | None:
    if wording.sheet is not None:
        return Attachment(*wording.sheet, type="text/x-gettext-translation; charset=utf-8")
    return Attachment(f"{sender.slug}.ics", wording.calendar) if wording.calendar else None


@dataclass(slots=True)
class Desk:
    """Stencils by variant, made once and used for many readers; the oldest go when they take too much memory."""

    most: int = 4_000_000  # octets
    octets: int = 0
    stencils: dict[int, Stencil] = field(default_factory=dict)

    def keep(self, variant_id: int, made: Stencil) -> None:
        """Keep a stencil for later batches."""
        self.octets += made.frame.octets
        self.stencils[variant_id] = made
        while self.octets > self.most and len(self.stencils) > 1:
            self.octets -= self.stencils.pop(next(iter(self.stencils))).frame.octets


def letter(
    sender: Sender,
    claimed: Claimed,
    ready: Stencil,
    blocks: Mapping[str, Fragment],
    group: str,
    ours: Callable[[], bool] | None = None,
) -> Letter:
    """The mail of one delivery, unsigned; `ours` as in `Letter`.

    Raises `compose.MissingField` or `address.AddressError`.
    """
    tokens = _tokens(sender, claimed, ready.numbers)
    coded = [token.encode() for token in tokens]
    values = _words(sender, claimed, group)
    if any(key not in values and key not in ready.times and key != "own" for key in ready.frame.fields):
        values |= _addresses(sender, ready.numbers, tokens)
    to = address.parse(claimed.addr)
    lines = ready.lines + ready.leave_lines if claimed.subscription_tag else ready.lines
    head = [
        header.date("Date", claimed.dated_at),
        ready.sender_line,
        header.addresses("To", [(claimed.name, to)]),
        *(coded[piece] if isinstance(piece, int) else piece for piece in lines),
    ]
    person = Person(values, blocks, _times(claimed, ready), coded)
    return Letter(
        id=claimed.id,
        mail_from=sender.ring.bounce_address(sender.mailing.tag, claimed.liaison_tag),
        rcpt_to=to.addr,
        data=compose.compose(ready.frame, person, b"".join(head)),
        needs_utf8=to.needs_smtputf8,
        ours=ours,
    )


def person_of(sender: Sender, claimed: Claimed, ready: Stencil, blocks: Mapping[str, Fragment], group: str) -> Person:
    """What is spliced in for one reader."""
    addresses = _addresses(sender, ready.numbers, _tokens(sender, claimed, ready.numbers))
    return Person(addresses | _words(sender, claimed, group), blocks, _times(claimed, ready))


def _words(sender: Sender, claimed: Claimed, group: str) -> dict[str, str]:
    return sender.renderer.personal(claimed.lang, claimed.name, group, sender.process.name)


def _times(claimed: Claimed, ready: Stencil) -> dict[str, str]:
    return {key: _time(key, claimed.zone, claimed.lang) for key in ready.times}


def _tokens(sender: Sender, claimed: Claimed, numbers: tuple[int, ...]) -> list[str]:
    """The tokens of one reader's mail, in the order of their numbers."""
    ring, tag, who = sender.ring, sender.mailing.tag, claimed.liaison_tag
    corrected = sender.corrects_tag
    return [
        ring.leave_token(tag, claimed.subscription_tag),
        ring.token(Purpose.ID, tag, who, 0, ring.first),
        "" if corrected is None else ring.token(Purpose.ID, corrected, who, 0, ring.first),
        *ring.tokens(Purpose.REPLY, tag, who, (0, *numbers)),
    ]


def _addresses(sender: Sender, numbers: tuple[int, ...], tokens: Sequence[str]) -> dict[str, str]:
    """The addresses and links that tokens make."""
    home, leave = sender.ring.home, tokens[_LEAVE]
    replies = [home.at(f"reply+{token}") for token in tokens[_REPLY:]]
    return {f"reply:{number}": reply for number, reply in zip(numbers, replies[1:], strict=True)} | {
        "reply": replies[0],
        "leave": f"{sender.base_url}/leave/{leave}" if sender.base_url else "",
        "leave_mail": home.at(f"leave+{leave}"),
        "prefs": f"{sender.base_url}/me/{leave}",
    }


@lru_cache(maxsize=10_000)
def _time(key: str, zone: str, lang: str) -> str:
    """One time as readers of a zone and a language see it: there are far fewer than readers or variants."""
    return words.zone_table((key,), zone, lang)[key]


def _lines(sender: Sender, wording: Frozen, values: Mapping[str, str]) -> bytes:
    """The header lines from Reply-To on, with marks for tokens."""
    at = sender.ring.domain
    thread = list(wording.thread)
    if sender.corrects_tag is not None:
        thread.append(f"<{compose.mark(_CORRECTED)}@{at}>")
    lives = address.parse(sender.process.home.at(sender.slug)).domain  # as A-labels
    answers_to = address.Address(values["reply"].partition("@")[0], lives)
    lines = [
        header.addresses("Reply-To", [(sender.process.name, answers_to)]),
        header.line("Subject", wording.rendered.subject),
        header.message_ids("Message-ID", [f"<{compose.mark(_ID)}@{at}>"]),
        header.message_ids("In-Reply-To", thread[-1:]),
        header.message_ids("References", thread),
        header.tokens("Auto-Submitted", "auto-replied" if wording.answers else "auto-generated"),
        header.list_lines(_list_names(sender)),
        header.tokens(LOOP_HEADER, f"{sender.mailing.kind}; {sender.process.slug}"),
    ]
    return b"".join(lines)


def _leave_lines(sender: Sender, values: Mapping[str, str]) -> bytes:
    # A link that no https server answers is worse than none: RFC 8058 wants https.
    url = values["leave"]
    one_click = sender.signed and url.startswith("https:")
    return header.leave_lines(url, values["leave_mail"], one_click=one_click)


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
