"""The viewer's ports, plugged into the flows and the database of a playground: rows become the viewer's own values."""

import smtplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from db import editions, inbound, inputs, outbox, roster, timeline
from db.journal import Act, note_private
from db.process import ProcessRow
from db.states import RawState, WrongMove
from desk.play.ports import EntryView, HeldView, InputView, NotDone, Piece, Said, StatementView, Status
from flows import held, timeline_show, triage, views_inbox, views_input
from flows.engine import Engine, Refused
from mailer.parse import parse

SHOWN = 100
TEXT = 20_000
ACTOR = "operator"
UNFILED = tuple(state.value for state in RawState if state not in (RawState.PENDING, RawState.FILED))
_CODE_KINDS = {"edition": "the whole digest", "announcement": "an announcement", "none": "", "track": "a track"}


class Doors:
    """What the viewer may see and do, for one process."""

    def __init__(self, engine: Engine, process: ProcessRow, now: Callable[[], datetime]) -> None:
        self._engine, self._process, self._now = engine, process, now

    def inputs(self) -> Sequence[InputView]:
        """The newest inputs in full."""
        with _asked():
            lines = views_input.input_list(self._engine, self._process.id, limit=SHOWN, may_see_private=True)
            return [self._input(line) for line in lines]

    def _input(self, line: views_input.InputLine) -> InputView:
        card = views_input.input_show(self._engine, self._process.id, line.id, may_see_private=True)
        return InputView(
            id=line.id,
            who=line.liaison or "somebody of the community",
            group=line.group,
            voice=line.voice,
            received_at=line.received_at,
            subject=line.subject,
            language=line.language,
            state=line.state,
            visibility=line.visibility,
            open=line.state == "new",
            statements=tuple(
                StatementView(
                    ref=one.ref,
                    on=_on(one.anchor),
                    text=one.text,
                    state=one.state,
                    suggested=", ".join(one.suggested),
                )
                for one in line.statements
            ),
            pieces=tuple(Piece(kind, text, kind == "reply") for kind, text, _ in card.segments),
            files=tuple(file.name for file in card.attachments),
        )

    def accept(self, input_id: int) -> None:
        """Take an input up."""
        with _asked():
            triage.accept(self._engine, input_id, act=self._act())

    def decline(self, input_id: int, reason: str) -> None:
        """Do not take an input up; the reason goes to the private journal, where it can be forgotten."""
        with _asked():
            triage.decline(self._engine, input_id, act=self._act())
        with self._engine.db.write() as tx:
            row = inputs.one(tx, input_id)
            if reason and row is not None and row.liaison_id is not None:
                note_private(
                    tx,
                    self._act(),
                    ("input", input_id),
                    "reason",
                    process_id=self._process.id,
                    liaison_id=row.liaison_id,
                    body={"reason": reason},
                    salt=self._engine.draw_salt(),
                )

    def held(self) -> Sequence[HeldView]:
        """The newest mails that were not filed."""
        with _asked():
            found = views_inbox.inbox_list(
                self._engine, self._process.id, states=UNFILED, limit=SHOWN, may_see_private=True
            )
            return [self._held(line) for line in found]

    def _held(self, line: views_inbox.InboxLine) -> HeldView:
        with self._engine.db.read() as tx:
            kept = inbound.body(tx, line.raw_id)
        reason = ": ".join(dict.fromkeys(part for part in (line.rule, line.reason) if part))
        return HeldView(
            id=line.raw_id,
            received_at=line.received_at,
            sender=line.sender,
            recipients=kept.envelope.rcpt_to if kept else (),
            subject=line.subject,
            state=line.state,
            reason=reason,
            text=(parse(kept.data).plain or "")[:TEXT] if kept else "",
            open=line.state == RawState.HELD,
        )

    def file_held(self, raw_id: int) -> None:
        """File a held mail after all."""
        with _asked():
            held.file_held(self._engine, raw_id, act=self._act())

    def ignore_held(self, raw_id: int) -> None:
        """Drop a held mail."""
        with _asked():
            held.ignore_held(self._engine, raw_id, act=self._act())

    def timeline(self) -> Sequence[EntryView]:
        """The entries as recorded."""
        with _asked():
            rows = timeline_show.show_timeline(
                self._engine.db, self._process.slug, now=self._now(), languages=(self._process.source_lang,)
            )
        return [
            EntryView(
                slug=row.slug,
                title=row.title,
                lang=row.lang,
                kind=row.kind,
                status=row.status,
                start=row.start,
                end=row.end,
                approx=row.precision == "approx",
                tracks=row.tracks,
                participate=row.participate,
                link=row.link,
            )
            for row in rows
        ]

    def status(self) -> Status:
        """The playground at a glance, without address and next moment: whoever serves it knows those."""
        with self._engine.db.read() as tx:
            owner = self._process.id
            sums: dict[str, int] = {}
            for _, _, _, state, number in outbox.counts(tx, owner):
                sums[state] = sums.get(state, 0) + number
            return Status(
                process=self._process.name,
                entries=len(timeline.entries(tx, owner)),
                groups=len(roster.groups(tx, owner)),
                liaisons=len(roster.liaisons(tx, owner)),
                deliveries=tuple(sorted(sums.items(), key=lambda pair: -pair[1])),
                inputs=sum(inputs.counts(tx, owner).values()),
                held=inbound.counts(tx, owner).get(RawState.HELD, 0),
                smtp="",
                due=None,
            )

    def newest_edition(self) -> editions.EditionRow | None:
        """The edition that was frozen last."""
        with self._engine.db.read() as tx:
            rows = [row for one in editions.digests(tx, self._process.id) for row in editions.editions(tx, one.id)]
        return next((row for row in rows if row.number is not None), None)

    def _act(self) -> Act:
        return Act(ACTOR, self._now())


def _on(anchor: str) -> str:
    """What a statement is filed on, in words."""
    if anchor in _CODE_KINDS:
        return _CODE_KINDS[anchor]
    return f"question {anchor}" if anchor.replace("-", "").isalnum() and anchor.isupper() else anchor


@contextmanager
def _asked() -> Iterator[None]:
    """Turn what the flows refuse into what the viewer shows."""
    try:
        yield
    except (Refused, WrongMove) as error:
        raise NotDone(str(error)) from error


def hand_over(host: str, port: int, mail_from: str, rcpt_to: list[str], data: bytes) -> Said:
    """Send one mail by SMTP; gives what the server answered to the step that decided."""
    try:
        with smtplib.SMTP(host, port, local_hostname="viewer.localhost", timeout=60) as client:
            client.ehlo_or_helo_if_needed()
            for code, text in _dialogue(client, mail_from, rcpt_to, data):
                said = Said(code, text.decode("utf-8", "replace"))
                if not said.ok:
                    break
            return said
    except smtplib.SMTPResponseException as error:
        said_last = error.smtp_error
        return Said(
            error.smtp_code, said_last.decode("utf-8", "replace") if isinstance(said_last, bytes) else said_last
        )
    except (OSError, smtplib.SMTPException) as error:
        return Said(0, str(error))


def _dialogue(client: smtplib.SMTP, mail_from: str, rcpt_to: list[str], data: bytes) -> Iterator[tuple[int, bytes]]:
    yield client.mail(mail_from)
    for to in rcpt_to:
        yield client.rcpt(to)
    yield client.data(data)
