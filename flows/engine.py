"""What every verb works with: the database, the keys, the renderer, and the settings that decide.

Made once by `app.wiring`. Nothing here reads a clock or draws numbers by itself: `draw_tag` and `draw_salt`
are handed in, and moments come with each `Act`.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from db.engine import Database
from flows.keys import Keys
from mailer.render import Renderer


class Refused(Exception):
    """A wish that cannot be granted, said in words for the person who had it. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides about mail."""

    base_url: str = "http://127.0.0.1:8025"
    lease: timedelta = timedelta(minutes=30)
    give_up: timedelta = timedelta(days=4)
    limits: Mapping[str, int] = field(default_factory=dict)  # mails a minute: by domain, and `rates.ALL` altogether
    signed: bool = False  # outgoing mail carries DKIM, so one-click unsubscribe may be offered (RFC 8058)
    alerts: tuple[str, ...] = ()  # woken at once by a report about somebody's safety
    second_person: bool = False  # an announcement goes only when somebody else has approved it
    fronts: tuple[str, ...] = ()  # networks of our own front servers
    auth_servers: tuple[str, ...] = ()  # whose Authentication-Results are believed, in mail from those (RFC 8601)
    raw_days: int = 180
    report_days: int = 30
    letter_days: int = 180
    wording_days: int = 730
    private_days: int = 730
    left_days: int = 90


@dataclass(frozen=True, slots=True)
class Engine:
    """The first argument of every verb."""

    db: Database
    keys: Keys
    renderer: Renderer
    draw_tag: Callable[[], int]
    draw_salt: Callable[[], str]
    settings: Settings = field(default_factory=Settings)


def nearest(wrong: str, valid: Iterable[str]) -> str:
    """Words that name the nearest valid values, for an error: `did you mean ...?`."""
    choices = sorted(set(valid))
    close = difflib.get_close_matches(wrong, choices, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(close) + "?"
    shown = ", ".join(choices[:12])
    return f"valid: {shown}{', ...' if len(choices) > 12 else ''}"
