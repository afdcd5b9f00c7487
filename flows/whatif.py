"""A change to try in a rehearsal: one setting of a digest or of a liaison, or a file to import. Raises `Refused`."""

from collections.abc import Callable
from datetime import date
from typing import Any

from db import addresses, editions
from db.editions import DigestRow
from db.journal import Act
from db.process import ProcessRow
from digests import cadence
from digests.wall import zone
from flows import roster, roster_import, timeline
from flows.engine import Engine, Refused, nearest
from flows.rehearse import Change
from flows.reports import ImportReport
from mailer.address import key


def _number(value: str) -> int:
    if not value.isdecimal():
        raise Refused(f"{value!r} is no number")
    return int(value)


_DIGEST: dict[str, Callable[[str], Any]] = {
    "rule": lambda value: cadence.parse(value).text,
    "zone": lambda value: zone(value).key,
    "anchor_on": date.fromisoformat,
    "grace_minutes": _number,
    "undo_minutes": _number,
    "late_limit_minutes": _number,
}
_LIAISON: dict[str, Callable[[Engine, int, str, Act], object]] = {
    "hour": lambda e, i, value, act: roster.set_hour(e.db, i, _number(value), act=act),
    "zone": lambda e, i, value, act: roster.set_zone(e.db, i, value, act=act),
    "languages": lambda e, i, value, act: roster.set_languages(e.db, i, value.split(), act=act),
    "cadence": lambda e, i, value, act: roster.set_cadence(e.db, i, value, act=act),
    "size": lambda e, i, value, act: roster.set_size(e.db, i, value, act=act),
    "interests": lambda e, i, value, act: roster.set_interests(e.db, i, value.split(), act=act),
    "pause": lambda e, i, value, act: roster.pause(e.db, i, date.fromisoformat(value), act=act),
}


def setting(process: ProcessRow, text: str, act: Act) -> Change:
    """The change that a text such as `core.rule=weekly tue 09:00` or `ana@west.example.hour=7` means."""
    name, equals, value = text.partition("=")
    owner, dot, field = name.strip().rpartition(".")
    if not equals or not dot or not owner:
        raise Refused(f"{text!r} is no file and no setting: write it like core.rule=weekly tue 09:00")
    fields = _LIAISON if "@" in owner else _DIGEST
    if field not in fields:
        raise Refused(f"{field!r} cannot be tried: {nearest(field, fields)}")

    def change(stage: Engine) -> None:
        try:
            if "@" in owner:
                _LIAISON[field](stage, _liaison(stage, process, owner, act), value.strip(), act)
            else:
                _set_digest(stage, process, owner, {field: _DIGEST[field](value.strip())})
        except ValueError as error:
            raise Refused(f"{text!r}: {error}") from error

    return change


def _liaison(stage: Engine, process: ProcessRow, address: str, act: Act) -> int:
    with stage.db.read() as tx:
        found = addresses.by_address_key(tx, process.id, key(address), act.now)
    if found is None:
        raise Refused(f"no liaison of {process.slug} has the address {address}")
    return found.liaison.id


def _set_digest(stage: Engine, process: ProcessRow, slug: str, values: dict[str, Any]) -> None:
    with stage.db.write() as tx:
        editions.set_digest(tx, _digest(editions.digests(tx, process.id), slug).id, **values)


def _digest(known: list[DigestRow], slug: str) -> DigestRow:
    found = next((one for one in known if one.slug == slug), None)
    if found is None:
        raise Refused(f"there is no digest {slug!r}: {nearest(slug, [one.slug for one in known])}")
    return found


def file(process: ProcessRow, name: str, content: str, act: Act) -> Change:
    """The import of a file: a timeline as YAML, CSV or iCalendar, or liaisons as CSV."""
    kind = {"yaml": "yaml", "yml": "yaml", "csv": "csv", "ics": "ics"}.get(name.rpartition(".")[2].lower())
    if kind is None:
        raise Refused(f"{name} cannot be tried: a timeline ends in .yaml, .csv or .ics, liaisons in .csv")

    def change(stage: Engine) -> None:
        report = _import(stage, process, kind, content, act)
        if not report.ok:
            raise Refused(f"{name} cannot be imported: {report.rejected[0]}")

    return change


def _import(stage: Engine, process: ProcessRow, kind: str, content: str, act: Act) -> ImportReport:
    head = content.split("\n", 1)[0].split(",")
    if kind != "csv" or "address" not in [name.strip() for name in head]:
        return timeline.import_timeline(stage.db, process.slug, content, act=act, format=kind)
    with stage.db.read() as tx:
        series = editions.digests(tx, process.id)
    if len(series) != 1:
        raise Refused("liaisons can be tried where there is one digest")
    return roster_import.import_liaisons(
        stage.db, process.slug, series[0].slug, content, draw_tag=stage.draw_tag, act=act,
        address_hash=stage.keys.address_hash,
    )  # fmt: skip
