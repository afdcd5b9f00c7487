"""The samples as history: what had become known by a day, brought in through the verbs of the service.

Each day of announcement has one moment, in the morning of the process's zone; the playground's clock passes them in
order, so that on 2019-03-18 nothing of 2020 is known. Raises `Refused` where the samples cannot be imported.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from db.journal import Act
from digests.wall import instant, instant_on, read_wall, zone
from flows import announce, groups, questions, roster_import, schedule, timeline
from flows import process as processes
from flows.announce import Moment, Text
from flows.engine import Engine, Refused
from flows.reports import ImportReport

DOMAIN = "tidings.example"
DIGEST = "core"
TITLE = "Strategy digest"
RULE = "weekly sun 21:00"  # reaches every zone on its Monday (model T4)
GRACE_MINUTES = 60
POSTAL = "Tidings playground\nInvented Street 1, 00000 Nowhere"
MORNING = time(6)


@dataclass(frozen=True, slots=True)
class Told:
    """What became known at a moment."""

    day: date
    added: int
    changed: int

    def __str__(self) -> str:
        parts = [f"{n} {'entry' if n == 1 else 'entries'} {what}" for n, what in self._counts() if n]
        return f"announced on {self.day}: {', '.join(parts) or 'nothing that changes anything'}"

    def _counts(self) -> Iterator[tuple[int, str]]:
        yield self.added, "new"
        yield self.changed, "changed"


def sample(name: str) -> str:
    """A file of the sample data."""
    return files("samples").joinpath(name).read_text("utf-8")


@cache
def document() -> Any:
    """The sample timeline."""
    return yaml.safe_load(sample("timeline.yaml"))


@cache
def days() -> tuple[date, ...]:
    """The days on which something was announced, moved or called off, in order."""
    return tuple(sorted({date.fromisoformat(day) for day in _days(document()["entries"])}))


def moment(day: date) -> datetime:
    """When what is announced on a day becomes known."""
    return instant_on(day, MORNING, zone(document()["process"]["zone"]))


def following(after: datetime) -> datetime | None:
    """The next moment at which something becomes known, later than `after`."""
    return next((at for at in map(moment, days()) if at > after), None)


class History:
    """The samples, ready to be told day by day."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def slug(self) -> str:
        """The name of the process."""
        return str(document()["process"]["slug"])

    def begin(self, now: datetime) -> ImportReport:
        """The process, its groups, and everything that was announced by now, day by day, each on its day."""
        first = moment(days()[0])
        processes.import_process(
            self._engine.db,
            sample("timeline.yaml"),
            address_base=DOMAIN,
            about="invented",
            postal=POSTAL,
            act=self._act(first),
        )
        for day in days():
            if moment(day) <= now:
                self.tell(day)
        return _good(
            groups.import_groups(
                self._engine.db,
                self.slug,
                sample("groups.csv"),
                draw_tag=self._engine.draw_tag,
                act=self._act(now),
            )
        )

    def subscribe(self, process_id: int, now: datetime) -> ImportReport:
        """The digest, and the liaisons who get it from now on."""
        schedule.add_digest(
            self._engine,
            process_id,
            DIGEST,
            TITLE,
            RULE,
            anchor_on=now.date(),
            act=self._act(now),
            grace_minutes=GRACE_MINUTES,
            calendar=True,
        )
        return _good(
            roster_import.import_liaisons(
                self._engine.db,
                self.slug,
                DIGEST,
                sample("liaisons.csv"),
                draw_tag=self._engine.draw_tag,
                act=self._act(now),
                address_hash=self._engine.keys.address_hash,
            )
        )

    def announce(self, process_id: int, now: datetime) -> int:
        """Schedule the one-off texts that are still to come; gives how many."""
        coming = 0
        for one in yaml.safe_load(sample("announcements.yaml"))["announcements"]:
            if instant(read_wall(one["send_at"]), zone(one["zone"])) <= now:
                continue
            said = {lang: Text(one["title"][lang], one["body"][lang]) for lang in one["title"]}
            announce.add(
                self._engine,
                process_id,
                one["slug"],
                said,
                rule=one["audience"],
                fold=one["fold"],
                landing=one["landing"],
                act=self._act(now),
            )
            announce.schedule(
                self._engine,
                process_id,
                one["slug"],
                moment=Moment(one["send_at"], one["zone"]),
                act=self._act(now),
            )
            coming += 1
        return coming

    def catch_up(self, after: datetime, now: datetime) -> list[Told]:
        """Everything that became known since `after`, each day by itself."""
        return [self.tell(day) for day in days() if after < moment(day) <= now]

    def tell(self, day: date) -> Told:
        """Bring timeline and questions to what was known on a day. Twice is as good as once."""
        act = self._act(moment(day))
        timeline.record_clock_events(self._engine.db, self.slug, act=act)
        made = _good(timeline.import_timeline(self._engine.db, self.slug, sample("timeline.yaml"), act=act, as_of=day))
        _good(questions.import_questions(self._engine.db, self.slug, sample("questions.yaml"), act=act, as_of=day))
        return Told(day, len(made.added), len(made.changed))

    def _act(self, now: datetime) -> Act:
        return Act("playground", now)


def _days(document: Any) -> Iterator[str]:
    """Every value under a key "on", however deep."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "on":
                yield str(value)
            else:
                yield from _days(value)
    elif isinstance(document, list):
        for one in document:
            yield from _days(one)


def _good(report: ImportReport) -> ImportReport:
    if not report.ok:
        raise Refused(f"the sample {report.what} cannot be imported: {report.rejected[0]}")
    return report
