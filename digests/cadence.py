"""When editions fall due: the rules of a digest, their slots, and the periods of a reader's own rhythm (T1, T2, N10).

A rule is text, such as `weekly mon 09:00`; a slot is named by its wall time and its instant is computed. Raises
`WrongCadence`, which says what would have been right. Pure: anchors and limits are parameters.
"""

import calendar
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import count
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from digests.wall import instant, read_wall, wall_text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = tuple(name.lower() for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
_NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_EXAMPLES = "weekly mon 09:00, fortnightly tue 09:00, monthly 1 09:00, monthly last-working-day 09:00"
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_HORIZON = timedelta(days=366 * 9)  # 29 February, at most eight years apart


class WrongCadence(ValueError):
    """A text that is no cadence."""


class Pattern(StrEnum):
    """How the days of a rule repeat."""

    WEEKLY = "weekly"  # on the named weekdays
    FORTNIGHTLY = "fortnightly"  # on that weekday of every second week, counted from the anchor
    MONTH_DAY = "month day"  # on the n-th, or the month's last day where it is shorter
    WORKING_DAY = "working day"  # the first or last Monday-to-Friday of the month
    NTH_WEEKDAY = "nth weekday"  # such as the last Friday of the month
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class Rule:
    """A parsed rule. `text` is its canonical form, which parses back to the same rule."""

    text: str
    pattern: Pattern
    clock: time
    days: tuple[int, ...] = ()  # weekdays, Monday 0
    nth: int = 0  # day of the month, or which of the weekdays; -1 is the last
    cron: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One due moment: the instant, and the wall time that names it."""

    instant: datetime
    wall: str


class Cadence(StrEnum):
    """A reader's own rhythm: at most one regular edition in each such period."""

    EVERY = "every"
    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"


def parse(text: str) -> Rule:
    """The rule that a text means. Raises `WrongCadence`, naming the nearest valid value."""
    words = text.lower().replace(",", " ").split()
    if not words:
        raise WrongCadence(f"a cadence is missing; write one like {_EXAMPLES}")
    verb, *rest = words
    if verb == "cron":
        return _cron(text, rest)
    if verb == "every" and rest[:1] in (["second"], ["other"]):
        verb, rest = "fortnightly", rest[1:]
    elif verb == "every":
        verb = "weekly"
    known = {"weekly": _weekly, "fortnightly": _fortnightly, "biweekly": _fortnightly, "monthly": _monthly}
    if verb not in known:
        near = _nearest(verb, [*known, "every second", "cron"])
        raise WrongCadence(f"unknown cadence {verb!r} in {text!r}{near}; examples: {_EXAMPLES}")
    if len(rest) < 2:
        raise WrongCadence(f"{text!r} lacks a day or a time; write it like {_EXAMPLES}")
    return known[verb](rest[:-1], _clock(rest[-1], text), text)


def cadence(text: str) -> Cadence:
    """A reader's cadence from text. Raises `WrongCadence`, naming the nearest."""
    try:
        return Cadence(text.strip().lower())
    except ValueError:
        names = [c.value for c in Cadence]
        near = _nearest(text.strip().lower(), names)
        raise WrongCadence(f"unknown cadence {text!r}{near}; a reader's is one of {', '.join(names)}") from None


def slots(rule: Rule, where: ZoneInfo, anchor: date, after: datetime, until: datetime) -> Iterator[Slot]:
    """The slots with after < instant <= until, in order. Both limits are aware."""
    day = after.astimezone(where).date() - timedelta(days=2)
    last = until.astimezone(where).date() + timedelta(days=1)
    for wall in _walls(rule, anchor, day):
        if wall.date() > last:
            return
        at = instant(wall, where)
        if after < at <= until:
            yield Slot(at, wall_text(wall))


def next_slot(rule: Rule, where: ZoneInfo, anchor: date, after: datetime) -> Slot | None:
    """The first slot after a moment; None when the rule has none within nine years (30 February)."""
    return next(slots(rule, where, anchor, after, after + _HORIZON), None)


def slot_of(wall: str, where: ZoneInfo) -> Slot:
    """The slot of that wall time, with its instant by the zone rules of today (T1)."""
    return Slot(instant(read_wall(wall), where), wall)


def period(rhythm: Cadence, wall: str, anchor: date) -> str:
    """The name of the period in which a slot lies (N10): by its wall date, not by when it was approved or sent."""
    day = read_wall(wall).date()
    if rhythm is Cadence.WEEKLY:
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    if rhythm is Cadence.FORTNIGHTLY:
        return f"fortnight {_weeks(day, anchor) // 2}"
    return f"{day:%Y-%m}" if rhythm is Cadence.MONTHLY else wall


def _weeks(day: date, anchor: date) -> int:
    """Weeks since the anchor's week; a fortnight begins with an even one, on Monday."""
    return (day.toordinal() - anchor.toordinal() + anchor.weekday()) // 7


def _walls(rule: Rule, anchor: date, first: date) -> Iterator[datetime]:
    if rule.pattern is Pattern.CRON:
        yield from CronSim(rule.cron, datetime.combine(first, time(0)) - timedelta(minutes=1))
        return
    if rule.pattern in (Pattern.WEEKLY, Pattern.FORTNIGHTLY):
        for n in count(first.toordinal()):
            day = date.fromordinal(n)
            odd = rule.pattern is Pattern.FORTNIGHTLY and _weeks(day, anchor) % 2
            if day.weekday() in rule.days and not odd:
                yield datetime.combine(day, rule.clock)
    for n in count(first.year * 12 + first.month - 1):
        day = _in_month(rule, n // 12, n % 12 + 1)
        if day >= first:
            yield datetime.combine(day, rule.clock)


def _in_month(rule: Rule, year: int, month: int) -> date:
    length = calendar.monthrange(year, month)[1]
    if rule.pattern is Pattern.MONTH_DAY:
        return date(year, month, length if rule.nth == -1 else min(rule.nth, length))
    weekdays = range(5) if rule.pattern is Pattern.WORKING_DAY else rule.days
    fitting = [d for d in (date(year, month, n) for n in range(1, length + 1)) if d.weekday() in weekdays]
    return fitting[rule.nth if rule.nth < 0 else rule.nth - 1]


def _weekly(words: list[str], clock: time, text: str) -> Rule:
    days = tuple(sorted({_day(word, text) for word in words}))
    names = ",".join(DAYS[day] for day in days)
    return Rule(f"weekly {names} {clock:%H:%M}", Pattern.WEEKLY, clock, days)


def _fortnightly(words: list[str], clock: time, text: str) -> Rule:
    if len(words) != 1:
        raise WrongCadence(f"a fortnightly cadence has one day: fortnightly tue 09:00, not {text!r}")
    day = _day(words[0], text)
    return Rule(f"fortnightly {DAYS[day]} {clock:%H:%M}", Pattern.FORTNIGHTLY, clock, (day,))


def _monthly(words: list[str], clock: time, text: str) -> Rule:
    which = "-".join(words)
    at = f"{clock:%H:%M}"
    if which in ("first-working-day", "last-working-day"):
        return Rule(f"monthly {which} {at}", Pattern.WORKING_DAY, clock, nth=1 if which[0] == "f" else -1)
    if which in ("last", "last-day"):
        return Rule(f"monthly last-day {at}", Pattern.MONTH_DAY, clock, nth=-1)
    if which.isdecimal():
        if not 1 <= int(which) <= 31:
            raise WrongCadence(f"no month has a day {which}; use 1 to 31, or last-day")
        return Rule(f"monthly {int(which)} {at}", Pattern.MONTH_DAY, clock, nth=int(which))
    if len(words) == 2 and words[0] in _NTH:
        day = _day(words[1], text)
        return Rule(f"monthly {words[0]} {DAYS[day]} {at}", Pattern.NTH_WEEKDAY, clock, (day,), _NTH[words[0]])
    near = _nearest(which, ["last-working-day", "first-working-day", "last-day"])
    raise WrongCadence(f"unknown day of the month {which!r}{near}; or 1 to 31, or first mon to last sun")


def _day(word: str, text: str) -> int:
    for names in (DAYS, _LONG):
        if word in names:
            return names.index(word)
    near = _nearest(word, [*DAYS, *_LONG])
    raise WrongCadence(f"unknown weekday {word!r} in {text!r}{near}; weekdays are {' '.join(DAYS)}")


def _clock(word: str, text: str) -> time:
    found = _CLOCK.fullmatch(word)
    if found is None:
        raise WrongCadence(f"{word!r} in {text!r} is not a time of day; write it like 09:00, up to 23:59")
    return time(int(found[1]), int(found[2]))


def _cron(text: str, words: list[str]) -> Rule:
    """A cron rule of five fields; one minute and one hour, for a digest falls due at most once a day."""
    expression = " ".join(text.split()[1:])
    if len(words) != 5:
        raise WrongCadence(f"cron has five fields (minute hour day month weekday), not {len(words)}: cron 0 9 * * 1")
    if not (words[0].isdecimal() and words[1].isdecimal()):
        raise WrongCadence("a digest falls due at most once a day: give one minute and one hour, like cron 0 9 * * 1")
    try:
        CronSim(expression, datetime(2000, 1, 1))  # noqa: DTZ001 wall time: T2 gives it its instant
    except CronSimError as why:
        raise WrongCadence(f"cron cannot read {expression!r}: {why}; write it like cron 0 9 * * 1") from None
    return Rule(f"cron {expression.lower()}", Pattern.CRON, time(int(words[1]), int(words[0])), cron=expression)


def _nearest(word: str, names: list[str]) -> str:
    near = difflib.get_close_matches(word, names, n=2, cutoff=0.4)
    return f" (did you mean {' or '.join(near)}?)" if near else ""
