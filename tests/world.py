"""A cast and a stage: a small process with a timeline, four liaisons, real SMTP in both directions, and a clock to set.

Ana reads English in Lisbon, Badr Arabic in Tunis, Chidi English in Lagos with a taste for one track; Dora is Ana's deputy
and monthly. Eve is nobody's liaison.
"""

import email
import email.policy
import itertools
import smtplib
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from app import wiring
from db import deployment, editions, process
from db.engine import Database
from db.journal import Act
from flows import deliver, groups, inbound, questions, roster_import, schedule, timeline
from flows import process as processes
from flows.engine import Engine, Settings
from flows.keys import Keys
from mailer.message import Envelope
from mailer.wire.courier import Courier
from mailer.wire.letters import CourierSettings, Relay
from mailer.wire.listener import Listener
from mailer.wire.ports import ListenerSettings
from mailer.wire.sink import Sink

DOMAIN = "process.example"
START = datetime(2019, 3, 4, 9, 0, tzinfo=UTC)  # a Monday

PROCESS = """\
schema: 1
process:
  slug: reform
  name: The reform
  zone: Europe/Berlin
  source_language: en
  languages: [en, ar]
  contacts:
  - {role: Program manager, address: pm@process.example, languages: [en]}
tracks:
- {slug: core, code: CORE, name: Core team, for_all: true, contacts: [{role: Core, address: core@team.example, languages: [en]}]}
- {slug: money, code: MON, name: Money, for_all: false, contacts: [{role: Coordinator, address: mon@team.example, languages: [en]}]}
- {slug: voice, code: VOI, name: Voice, for_all: false, contacts: [{role: Coordinator, address: voi@team.example, languages: [en]}]}
entries:
"""

ENTRIES = """\
- id: talks
  kind: consultation
  track: money
  start: "2019-03-01"
  end: "{talks_end}"
  precision: day
  announced: {{"on": "2019-02-20", basis: invented}}
  title: {{en: Talks about money, ar: "نقاش حول المال"}}
  description: {{en: Who decides about money?, ar: "من يقرر في شأن المال؟"}}
  participate: true
  participation: {{en: Reply to this mail., ar: "ردوا على هذه الرسالة."}}
  questions: [MON-1, MON-2]
  confidence: high
- id: meeting
  kind: event
  track: voice
  start: "2019-04-10"
  precision: day
  starts_at: "2019-04-10T18:00Z"
  ends_at: "2019-04-10T20:00Z"
  announced: {{"on": "2019-02-25", basis: invented}}
  title: Open meeting
  description: Everybody is welcome.
  participate: true
  participation: Come along.
  location: online
  confidence: high
"""

QUESTIONS = """\
schema: 1
questions:
- {id: MON-1, track: money, entry: talks, basis: drafted, text: {en: "Who should decide about grants?", ar: "من ينبغي أن يقرر المنح؟"}}
- {id: MON-2, track: money, entry: talks, basis: drafted, text: {en: "How much should stay in the region?", ar: "كم ينبغي أن يبقى في المنطقة؟"}}
"""

GROUPS = """\
slug,name,short,kind,languages,country,region,city,lat,lon,timezone,coordinates,evidence,confidence
west,Group West,GW,chapter,en,PT,Europe,Lisboa,38.72,-9.14,Europe/Lisbon,city,seen,high
south,مجموعة الجنوب,GS,usergroup,ar,TN,Africa,تونس,36.81,10.18,Africa/Tunis,city,seen,high
coast,Group Coast,GC,usergroup,en,NG,Africa,Lagos,6.52,3.38,Africa/Lagos,city,seen,high
"""

LIAISONS = """\
name,address,group,role_there,rank,agreed_on,languages,timezone,hour,cadence,size,interests,other_addresses
Ana Alves,ana@west.example,west,board,first,2019-01-10,en,Europe/Lisbon,9,every,M,,ana@home.example
Badr Ben Ali,badr@south.example,south,member,first,2019-01-11,ar en,Africa/Tunis,9,every,M,,
Chidi Okafor,chidi@coast.example,coast,staff,first,2019-01-12,en,Africa/Lagos,9,every,M,money,
Dora Dias,dora@west.example,west,member,deputy,2019-01-13,en,Europe/Lisbon,9,monthly,S,,
"""


class Mail:
    """A mail that the sink caught, for tests to look into."""

    def __init__(self, envelope: Envelope, data: bytes) -> None:
        self.envelope, self.data = envelope, data
        self.message: Any = email.message_from_bytes(data, policy=email.policy.default)

    def __getitem__(self, name: str) -> str:
        return str(self.message[name] or "")

    @property
    def text(self) -> str:
        """The text edition, flowed lines joined."""
        return str(self.message.get_body(("plain",)).get_content()).replace("\r\n", "\n").replace(" \n", " ")

    @property
    def html(self) -> str:
        """The HTML edition."""
        return str(self.message.get_body(("html",)).get_content())

    def item_address(self, number: int) -> str:
        """The reply address of an item."""
        lines = self.text.split("\n")
        at = next(
            n for n, line in enumerate(lines) if line.strip() in (f"Answer item {number}:", f"أجب عن البند {number}:")
        )
        return lines[at + 1].strip()

    def number_of(self, title: str) -> int:
        """The number of the item whose heading ends in `title`."""
        line = next(line for line in self.text.split("\n") if line.endswith(title) and line.split(".")[0].isdigit())
        return int(line.split(".")[0])


class World:
    """The stage. Close it at the end."""

    def __init__(self, database: Database, *, base_url: str = "https://process.example") -> None:
        self.engine = Engine(
            db=database,
            keys=Keys([b"a secret of the tests, 32 octets!"]),
            renderer=wiring.renderer(),
            draw_tag=itertools.count(1000).__next__,
            draw_salt=lambda: "salt",
            settings=Settings(base_url=base_url, alerts=("alarm@team.example",)),
        )
        self.now = START
        self.mails: list[Mail] = []
        self.sink = Sink(lambda envelope, data: self.mails.append(Mail(envelope, data)))
        self.sink.start()
        self.courier = self.new_courier()
        self.sign: deliver.Sign | None = None
        self._listener: Listener | None = None
        self._sent = itertools.count(1)
        self._lock = threading.Lock()
        with database.write() as tx:
            deployment.ensure(tx)

    def new_courier(self) -> Courier:
        """A courier to the sink."""
        return Courier([Relay("127.0.0.1", self.sink.port, tls="none")], CourierSettings(helo="mx.process.example"))

    def close(self) -> None:
        """Stop everything."""
        if self._listener is not None:
            self._listener.stop()
        self.courier.close()
        self.sink.stop()

    def act(self, actor: str = "operator") -> Act:
        """An act at the present moment of the stage."""
        return Act(actor, self.now)

    def populate(self, rule: str = "weekly mon 09:00", liaisons: str = LIAISONS, **digest: Any) -> None:
        """Import the timeline, the roster and the questions, and make the digest `core`."""
        db = self.engine.db
        row, _ = processes.import_process(db, PROCESS + ENTRIES.format(talks_end="2019-03-31"), address_base=DOMAIN,
                                          postal="Street 1\nTown", act=self.act())  # fmt: skip
        self.import_timeline()
        assert questions.import_questions(db, "reform", QUESTIONS, act=self.act()).ok
        assert groups.import_groups(db, "reform", GROUPS, draw_tag=self.engine.draw_tag, act=self.act()).ok
        schedule.add_digest(self.engine, row.id, "core", "The reform digest", rule, anchor_on=date(2019, 3, 4),
                            act=self.act(), **({"grace_minutes": 60} | digest))  # fmt: skip
        report = roster_import.import_liaisons(
            db, "reform", "core", liaisons, draw_tag=self.engine.draw_tag, act=self.act()
        )
        assert report.ok, report.rejected

    def import_timeline(self, talks_end: str = "2019-03-31", more: str = "") -> Any:
        """Bring the timeline to the entries of this module, with another end of the talks, and more entries."""
        content = PROCESS + ENTRIES.format(talks_end=talks_end) + more
        report = timeline.import_timeline(self.engine.db, "reform", content, act=self.act())
        assert report.ok, report.rejected
        return report

    def process(self) -> Any:
        """The process's row."""
        with self.engine.db.read() as tx:
            return process.by_slug(tx, "reform")

    def at(self, moment: datetime) -> None:
        """Set the clock."""
        self.now = moment

    def later(self, **parts: float) -> None:
        """Move the clock on."""
        self.now += timedelta(**parts)

    def tick(self) -> Any:
        """What the scheduler does."""
        inbound.understand(self.engine, act=self.act("clock"))
        return schedule.tick(self.engine, act=self.act("clock"))

    def deliver(self, worker: str = "w1") -> deliver.Delivered:
        """What the delivering worker does."""
        return deliver.deliver(self.engine, self.courier.carry, worker, clock=lambda: self.now, sign=self.sign)

    def turn(self) -> None:
        """Everything that is due now."""
        self.tick()
        self.deliver()

    def until(self, moment: datetime) -> None:
        """Let time pass: stop at every moment at which something is due, up to `moment`."""
        self.turn()
        while (due := schedule.next_due(self.engine, self.now)) is not None and due.at <= moment:
            self.now = due.at
            self.turn()
        self.now = moment
        self.turn()

    def mailbox(self, who: str) -> list[Mail]:
        """The mails that came to addresses beginning so, oldest first."""
        return [
            mail for mail in self.mails if mail["To"].partition("<")[2].startswith(who) or mail["To"].startswith(who)
        ]

    @property
    def listener(self) -> Listener:
        """The real listener, started on first use."""
        if self._listener is None:

            def store(batch: Any) -> None:
                inbound.store(self.engine, [(one.envelope, one.data) for one in batch], act=self.act("listener"))

            self._listener = Listener(
                inbound.gatekeeper(self.engine), store, ListenerSettings(hostname="mx.process.example")
            )
            self._listener.start()
        return self._listener

    def send(self, message: EmailMessage | bytes, to: str, sender: str) -> None:
        """Hand a mail to the listener over SMTP; raises what smtplib raises."""
        data = message if isinstance(message, bytes) else message.as_bytes(policy=email.policy.SMTP)
        with smtplib.SMTP("127.0.0.1", self.listener.port, local_hostname="client.example") as client:
            client.sendmail(sender, [to], data)

    def reply(self, mail: Mail, text: str, *, item: int | None = None, sender: str = "", quote: bool = True,
              edit: Callable[[EmailMessage], None] | None = None) -> EmailMessage:  # fmt: skip
        """Answer a mail as a mail program would: headers, subject, quotation; to an item's address if given."""
        answer = EmailMessage()
        to = mail.item_address(item) if item is not None else mail["Reply-To"].partition("<")[2].rstrip(">")
        who = sender or mail["To"].partition("<")[2].rstrip(">") or mail["To"]
        answer["From"], answer["To"] = who, to
        answer["Subject"] = "Re: " + mail["Subject"]
        answer["Date"] = self.now
        answer["Message-ID"] = f"<{next(self._sent)}.reply@{who.partition('@')[2]}>"
        answer["In-Reply-To"] = answer["References"] = mail["Message-ID"]
        quoted = "\n".join(f"> {line}".rstrip() for line in mail.text.split("\n"))
        attribution = f"On {self.now:%a, %d %b %Y at %H:%M}, The reform digest <core@{DOMAIN}> wrote:\n"
        answer.set_content(text + (f"\n\n{attribution}\n{quoted}\n" if quote else "\n"))
        if edit is not None:
            edit(answer)
        self.send(answer, to, who)
        return answer

    def editions(self) -> list[editions.EditionRow]:
        """All editions, newest first."""
        with self.engine.db.read() as tx:
            return [row for one in editions.digests(tx) for row in editions.editions(tx, one.id)]
