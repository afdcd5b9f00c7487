"""Waiting for a language: who waits, until when, and which words count once the wait is over (L5).

A frozen edition stays what it was: what it says is pinned by the revision of each text, and all that comes in
afterwards is translations of just that source into the language that is waited for.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digests.landing import NOTICE
from digests.language import Version, Wording, choose, wanted

WAITS = "waits for "


@dataclass(frozen=True, slots=True)
class Pin:
    """What a text said at one moment: everything up to its revision `upto`."""

    source_lang: str
    fresh_from: int
    upto: int


def waits_for(languages: Sequence[str], closed: Container[str]) -> str:
    """Which of the closed languages a reader of these waits for: their first one or a parent of it; '' for none."""
    return next((tag for tag in wanted(languages[:1]) if tag in closed), "")


def reason(lang: str) -> str:
    """Why a delivery that waits for this language is held."""
    return WAITS + lang


def cut_off(frozen_at: datetime, hours: int, next_freeze: datetime | None) -> datetime | None:
    """When waiting ends, before the next freeze; None when there is no time to wait."""
    end = frozen_at + timedelta(hours=hours)
    if next_freeze is not None:
        end = min(end, next_freeze - NOTICE)
    return end if end > frozen_at else None


def pin(wording: Wording) -> Pin:
    """The text as it is now."""
    upto = max((version.revision for version in wording.versions.values()), default=0)
    return Pin(wording.source_lang, wording.fresh_from, upto)


def pinned(pin: Pin, versions: Iterable[tuple[str, Version]], lang: str) -> Wording:
    """The text as it was then, with what was translated of it since into `lang`; `versions` are all it ever had."""
    ordered = sorted(versions, key=lambda pair: pair[1].revision)
    source = max(
        (one.revision for tag, one in ordered if tag == pin.source_lang and one.revision <= pin.upto), default=0
    )
    into = set(wanted((lang,)))
    found: dict[str, Version] = {}
    for tag, one in ordered:
        since = tag in into and pin.fresh_from <= one.of_revision <= source
        if one.revision <= pin.upto or since:
            found[tag] = one
    return Wording(pin.source_lang, pin.fresh_from, found)


def ready(wording: Wording, lang: str) -> bool:
    """Whether a reader of `lang` gets this text in their language, and of its source as it is; an empty text is."""
    found = choose(wording, (lang,), strict=True)
    return found is None or found.own
