"""Reading an iCalendar file (RFC 5545) as entries of a timeline. Pure.

An event becomes an entry of kind `event`, unless our own export says otherwise; its slug comes from its UID. Events
that share a UID but for our number of the session are one entry, held several times. Recurring events are refused:
each meeting is an entry, or a session, of its own.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from icalendar import Calendar

from digests.timeline import EntryKind
from digests.wall import UnknownZone
from digests.when import Precision, Session, When
from flows.entry_file import EntryPart, Stage
from flows.fields import Fields
from flows.reports import unknown
from flows.words import Said, Words

OURS = "X-TIDINGS-"
_SESSION = re.compile(r"(.+)\.s[0-9]+")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def read_calendar(
    content: str, fields: Fields, *, tracks: Collection[str], source_lang: str, track: str | None
) -> list[EntryPart]:
    """The entries of a calendar. Those that name no known track as a category belong to `track`."""
    try:
        calendar: Any = Calendar.from_ical(content)
        if calendar.name != "VCALENDAR":
            raise ValueError(f"it is a {calendar.name}")
        events = list(calendar.walk("VEVENT"))
    except (ValueError, AttributeError, IndexError) as error:
        fields.reject(1, "file", "", f"not iCalendar: {' '.join(str(error).split())[:200]}")
        return []
    lines = [n for n, line in enumerate(content.splitlines(), start=1) if line.strip().upper() == "BEGIN:VEVENT"]
    others = sorted({one.name for one in calendar.walk() if one.name in ("VTODO", "VJOURNAL")})
    if others and not events:
        fields.reject(1, "file", "", f"holds no event, only {' and '.join(others)}: entries are made from VEVENT")
    found: dict[str, EntryPart] = {}
    for event, line in zip(events, lines, strict=False):
        part = _Event(event, line, fields).read(tracks, source_lang, track)
        if part is None:
            continue
        first = found.get(part.slug)
        if first is None:
            found[part.slug] = part
        elif first.sessions and part.sessions:
            found[part.slug] = replace(first, sessions=tuple(sorted({*first.sessions, *part.sessions})))
        else:
            fields.reject(line, "UID", part.slug, f"stands in line {first.line} already")
    return list(found.values())


class _Event:
    """Reads one VEVENT."""

    def __init__(self, event: Any, line: int, fields: Fields) -> None:
        self._event = event
        self._line = line
        self._fields = fields

    def read(self, tracks: Collection[str], source_lang: str, track: str | None) -> EntryPart | None:
        """The entry; None if a fault leaves nothing to make of it."""
        faults = len(self._fields.rejected)
        slug = self._slug()
        when, sessions = self._dates()
        if self._event.get("RRULE") is not None or self._event.get("RDATE") is not None:
            self._reject("RRULE", "recurring events are not read: give each meeting as an event of its own")
        belongs = self._tracks(tracks, track)
        title = self._words("SUMMARY", source_lang)
        if not title:
            self._reject("SUMMARY", "is missing")
        how = self._words(f"{OURS}HOW", source_lang)
        kind = self._text(f"{OURS}KIND") or EntryKind.EVENT.value
        if kind not in {one.value for one in EntryKind}:
            self._reject(f"{OURS}KIND", unknown("kind", kind, [one.value for one in EntryKind]))
        if len(self._fields.rejected) > faults or when is None:
            return None
        return EntryPart(
            line=self._line,
            slug=slug,
            kind=EntryKind(kind),
            tracks=belongs,
            stages=(Stage(date.min, when, self._words(f"{OURS}REASON", source_lang)),),
            sessions=sessions,
            cancelled_on=date.min if self._text("STATUS").upper() == "CANCELLED" else None,
            cancelled_why=self._words(f"{OURS}REASON", source_lang),
            place=self._text("LOCATION"),
            link=self._link(),
            participate=bool(how),
            questions=tuple(self._text(f"{OURS}QUESTIONS").split()),
            title=title,
            description=self._words("DESCRIPTION", source_lang),
            how=how,
        )

    def _reject(self, name: str, reason: str, value: str = "") -> None:
        self._fields.reject(self._line, name, value, reason)

    def _text(self, name: str) -> str:
        value = self._event.get(name)
        text = str(value[0] if isinstance(value, list) else value or "").replace("\r\n", "\n").strip()
        if _CONTROL.search(text) or len(text) > 10_000:
            self._reject(name, "contains a control character, or is too long", ascii(text)[:60])
            return ""
        return text

    def _words(self, name: str, source_lang: str) -> Words:
        """The text in the language that the event says it is in (RFC 5545 section 3.2.10)."""
        text = self._text(name)
        value = self._event.get(name)
        given = getattr(value, "params", {}).get("LANGUAGE")
        lang = self._fields.tag(str(given), self._line, name) if given else source_lang
        return (Said(lang, text, self._line),) if text and lang else ()

    def _slug(self) -> str:
        uid = self._text("UID").partition("@")[0]
        session = _SESSION.fullmatch(uid)
        base = session[1] if session else uid
        slug = re.sub(r"[^a-z0-9]+", "-", base.lower()).strip("-")[:80].strip("-")
        if not slug:
            self._reject("UID", "is missing, or has no letters or digits", uid)
        return slug

    def _link(self) -> str:
        link = self._text("URL")
        if link and not re.fullmatch(r"https?://[^\s<>\"]+", link):
            self._reject("URL", "is not a link that begins with https:// or http://", link)
            return ""
        return link

    def _tracks(self, known: Collection[str], default: str | None) -> tuple[str, ...]:
        given = self._event.get("CATEGORIES")
        lists = given if isinstance(given, list) else [given] if given is not None else []
        named = [str(name).strip() for one in lists for name in one.cats]
        found = tuple(dict.fromkeys(name for name in named if name in known))
        if found or default in known:
            return found or (str(default),)
        wanted = " ".join(named) or default or ""
        why = unknown("track", wanted, known) if wanted else "name one there, or for the whole file with --track"
        self._reject("CATEGORIES", f"names no track; {why}", wanted)
        return ()

    def _dates(self) -> tuple[When | None, tuple[Session, ...]]:
        start = self._event.get("DTSTART")
        if start is None or isinstance(start, list):
            self._reject("DTSTART", "is missing")
            return None, ()
        try:
            return self._when(start.dt)
        except (ValueError, TypeError, AttributeError) as error:
            said = str(error)
            broken = f"is no date that there is: {said.rpartition(': ')[2]}" if "broken property" in said else said
            self._reject("DTSTART", broken)
            return None, ()

    def _when(self, start: date | datetime) -> tuple[When, tuple[Session, ...]]:
        own = self._text(f"{OURS}WHEN").split()
        sessions: tuple[Session, ...] = ()
        end = self._end(start)
        if isinstance(start, datetime) and isinstance(end, datetime):
            for name, moment in (("DTSTART", start), ("DTEND", end)):
                self._there_is(moment, getattr(self._event.get(name), "params", {}).get("TZID"))
            sessions = (Session(start.astimezone(UTC), end.astimezone(UTC)),)
            days = (start.astimezone(UTC).date(), end.astimezone(UTC).date())
        else:
            days = (start, end - timedelta(days=1) if end > start else start)
        if len(own) == 3:
            return When(own[0], None if own[1] == "-" else own[1], Precision(own[2])), sessions
        last = None if days[1] == days[0] else days[1].isoformat()
        return When(days[0].isoformat(), last), sessions

    def _there_is(self, moment: datetime, named: str | None) -> None:
        if moment.tzinfo is None:
            raise UnknownZone(named) if named else ValueError("a meeting's hour needs a zone, or Z for UTC")
        if moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) != moment.replace(tzinfo=None):
            raise ValueError(f"{moment:%Y-%m-%d %H:%M} is no time: clocks in {moment.tzinfo} are put forward then")

    def _end(self, start: date | datetime) -> Any:
        """The end as given, or by the duration; without either, an hour or a day (RFC 5545 section 3.6.1)."""
        end, lasts = self._event.get("DTEND"), self._event.get("DURATION")
        if end is not None:
            if isinstance(end.dt, datetime) != isinstance(start, datetime):
                raise ValueError("DTSTART and DTEND must both be days, or both be moments")
            return end.dt
        if lasts is not None:
            return start + lasts.dt
        return start + (timedelta(hours=1) if isinstance(start, datetime) else timedelta(days=1))
