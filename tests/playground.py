"""The viewer on invented ports: caught mails from the golden ones, inputs and a timeline made up here."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from desk.play.mailbox import Mailbox
from desk.play.ports import (
    Due,
    EntryView,
    HeldView,
    InputView,
    Jump,
    NotDone,
    Piece,
    Ports,
    Said,
    StatementView,
    Status,
)
from mailer.message import Envelope

GOLDEN = Path(__file__).resolve().parent / "golden"
NOW = datetime(2019, 3, 20, 9, 0, tzinfo=UTC)
SECRET = b"the secret of the tests"


def golden(kind: str, lang: str) -> bytes:
    """A golden mail as it goes over the wire, marked as the service marks it."""
    data = (GOLDEN / f"{kind}.{lang}.eml").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    mark = {"digest": "edition", "receipt": "receipt", "announcement": "announcement"}.get(kind, "notice")
    return data if b"\r\nX-Tidings:" in data else f"X-Tidings: {mark}; strategy\r\n".encode() + data


ENTRIES = (
    EntryView("talks", "Conversations in communities and groups", "en", "consultation", "open", "2019-03-01",
              "2019-05-31", False, ("core",), True, "https://meta.wikimedia.org/wiki/Strategy"),
    EntryView("summit", "Wikimedia Summit 2019 in Berlin", "en", "event", "planned", "2019-03-29", "2019-03-31",
              False, ("core", "roles-responsibilities"), True),
    EntryView("draft", "First draft recommendations", "en", "publication", "planned", "2019-08", "", True, ("core",),
              False),
    EntryView("harmonise", "Harmonisation sprint, called off", "en", "event", "cancelled", "2019-09-20", "2019-09-22",
              False, ("core",), False),
)  # fmt: skip

INPUTS = (
    InputView(
        id=2, who="أميمة بن عاشور", group="Wikimedia TN User Group", voice="liaison", received_at=NOW,
        subject="Re: نشرة الاستراتيجية، العدد 12", language="ar", state="new", visibility="public", open=True,
        statements=(
            StatementView("S-1003", "item 3: Which roles should local groups take on? (RR-2)",
                          "نريد أن تبقى القرارات المالية قريبة من المجموعات المحلية، وأن يكون التقرير السنوي أقصر.", "open",
                          "ما الأدوار التي ينبغي أن تتولاها المجموعات المحلية؟"),
        ),
        pieces=(Piece("reply", "نريد أن تبقى القرارات المالية قريبة من المجموعات المحلية، وأن يكون التقرير السنوي أقصر.", True),
                Piece("closing", "مع أطيب التحيات\nأميمة", False)),
    ),
    InputView(
        id=1, who="Bronwen Tully", group="Wikimedia UK", voice="liaison", received_at=NOW - timedelta(hours=3),
        subject="Re: Strategy digest, no. 12", language="en", state="accepted", visibility="public", open=False,
        statements=(
            StatementView("S-1001", "item 1: Talks about priorities, second round",
                          "Two sessions are good, but the second one collides with our general meeting.", "open"),
            StatementView("S-1002", "item 3: Which roles should local groups take on? (RR-2)",
                          "Please keep the reporting light for groups without staff.", "open", suggested="question CB-1"),
        ),
        pieces=(Piece("reply", "1. Two sessions are good, but the second one collides with our general meeting.\n\n3. Please keep the reporting light for groups without staff.", True),
                Piece("closing", "Best wishes,\nBronwen", False),
                Piece("intro", "On Mon, Mar 18, 2019 at 9:00 AM Strategy digest <core@tidings.example.org> wrote:", False),
                Piece("quote", "> Strategy digest\n> ===============\n> Movement Strategy", False)),
        files=("agenda.pdf",),
    ),
)  # fmt: skip

HELD = (
    HeldView(7, NOW, "stranger@elsewhere.example", ("reply+0eehbjp1t28t5cy4g00wechkcgpdp3yra60@tidings.example.org",),
             "Re: Strategy digest, no. 12", "held", "awaits the writer's yes", "I am nobody's liaison, but I have a view.", True),
    HeldView(6, NOW - timedelta(days=1), "jule@wmde.example", ("core@tidings.example.org",), "Automatic reply: away",
             "ignored", "automatic", "I am away until Monday.", False),
)  # fmt: skip


@dataclass
class Stage:
    """What the ports did, and what they answer."""

    mailbox: Mailbox
    now: datetime = NOW
    said: Said = field(default_factory=lambda: Said(250, "2.0.0 kept"))
    sent: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    done: list[tuple[object, ...]] = field(default_factory=list)
    empty: bool = False

    def jump_to(self, moment: datetime) -> Jump:
        if moment <= self.now:
            raise NotDone("the clock only moves forward")
        was, self.now = self.now, moment
        return Jump(was, moment, ("edition 2 of core was drafted", "4 mails left"))

    def send(self, mail_from: str, rcpt_to: list[str], data: bytes) -> Said:
        self.sent.append((mail_from, rcpt_to, data))
        return self.said

    def decide(self, *what: object) -> None:
        if what[1] == 404:
            raise NotDone("there is no input 404")
        self.done.append(what)

    def status(self) -> Status:
        return Status("Wikimedia movement strategy 2018-20", 41, 83, 46, (("sent", 41), ("deferred", 1), ("failed", 1)),
                      len(INPUTS), 1, "127.0.0.1:2525",
                      Due(self.now + timedelta(hours=3), "the next mail leaves"))  # fmt: skip

    def ports(self) -> Ports:
        return Ports(
            mailbox=self.mailbox,
            now=lambda: self.now,
            jump=lambda: self.jump_to(self.now + timedelta(hours=3)),
            jump_to=self.jump_to,
            send=self.send,
            inputs=lambda: () if self.empty else INPUTS,
            accept=lambda n: self.decide("accept", n),
            decline=lambda n, why: self.decide("decline", n, why),
            held=lambda: () if self.empty else HELD,
            file_held=lambda n: self.decide("file", n),
            ignore_held=lambda n: self.decide("ignore", n),
            timeline=lambda: () if self.empty else ENTRIES,
            status=self.status,
        )


def stage(folder: Path, kinds: tuple[str, ...] = ("receipt", "announcement", "digest")) -> Stage:
    """A stage on which each of these mails was caught in English and Arabic."""
    made = Stage(Mailbox(folder, lambda: NOW))
    for kind in kinds:
        for lang in ("en", "ar"):
            made.mailbox.add(Envelope("bounce+x@tidings.example.org", (f"{lang}@readers.example",)), golden(kind, lang))
    return made
