"""What an import decides to do with one entry or question, and how it is reported and recorded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from db.timeline import Draft, EntryRow, Overtaken, QuestionRow
from digests.subject import ALIVE, Status, Subject
from digests.timeline import Facts, OtherFacts, changes
from flows.reports import Changed, ImportReport
from flows.textplan import TextPlan

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one entry or question: its facts, and its texts."""

    name: str
    facts: Facts | OtherFacts
    known: EntryRow | QuestionRow | None
    texts: tuple[TextPlan, ...] = ()

    @property
    def before(self) -> Facts | OtherFacts | None:
        """The facts as they stand."""
        return self.known.facts if self.known else None

    @property
    def fields(self) -> tuple[str, ...]:
        """What differs: facts first, then texts."""
        facts = [change.field for change in changes(self.before, self.facts)]
        told = [name for one in self.texts for name in one.differing]
        return tuple(dict.fromkeys([*facts, *told]))

    def draft(self, subject: Subject) -> Draft | None:
        """The event to record; None where the facts stay as they are."""
        if self.before == self.facts:
            return None
        return Draft(subject, self.facts, self.before, self.known.changed_seq if self.known else 0)


def report_of(what: str, plans: Sequence[Plan]) -> ImportReport:
    """What these plans add, change and leave as it is."""
    behind = [(plan.name, one.field, lang) for plan in plans for one in plan.texts for lang in one.outdated]
    return ImportReport(
        what,
        added=tuple(plan.name for plan in plans if plan.known is None),
        changed=tuple(Changed(plan.name, plan.fields) for plan in plans if plan.known and plan.fields),
        unchanged=tuple(plan.name for plan in plans if plan.known and not plan.fields),
        warnings=tuple(f"{name}: the {field} in {lang} is outdated now" for name, field, lang in behind),
    )


def standing(status: Status) -> Status:
    """A status as it matters to what hangs on it: open, over or cancelled."""
    return Status.OPEN if status in ALIVE else status


def steadily(verb: Callable[[], _T]) -> _T:
    """Try again when somebody else recorded something in between; a third time is one too many."""
    for _ in range(2):
        try:
            return verb()
        except Overtaken:
            continue
    return verb()
