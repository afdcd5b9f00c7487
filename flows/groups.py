"""Importing groups from CSV: all of a file, or nothing of it, with a report either way."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import IntegrityError

from db import journal, roster
from db.engine import Database, Tx
from db.journal import Act
from db.roster import GroupRow
from flows.fields import Fields
from flows.process import need_process
from flows.reports import Changed, ImportReport
from flows.roster_file import GroupPart, read_groups
from flows.roster_plan import MEANWHILE


def import_groups(
    db: Database, process_slug: str, content: str, *, draw_tag: Callable[[], int], act: Act
) -> ImportReport:
    """Bring the groups to what a CSV file says."""
    with db.read() as tx:
        process = need_process(tx, process_slug)
        known = {group.slug: group for group in roster.groups(tx, process.id)}
    fields = Fields()
    parts = read_groups(content, fields)
    if fields.rejected:
        return ImportReport("groups", rejected=tuple(fields.rejected))
    changes = {part.slug: _group_changes(known[part.slug], part) for part in parts if part.slug in known}
    report = ImportReport(
        "groups",
        added=tuple(part.slug for part in parts if part.slug not in known),
        changed=tuple(Changed(slug, tuple(values)) for slug, values in changes.items() if values),
        unchanged=tuple(slug for slug, values in changes.items() if not values),
        missing=tuple(sorted(set(known) - {part.slug for part in parts})),
    )
    if not report.added and not report.changed:
        return report
    try:
        with db.write() as tx:
            _write_groups(tx, process.id, [p for p in parts if p.slug not in known], draw_tag, act)
            for slug, values in changes.items():
                if values:
                    roster.change_group(tx, known[slug].id, **values)
                    journal.note(tx, act, ("group", known[slug].id), "imported", process_id=process.id)
    except IntegrityError:
        return ImportReport("groups", rejected=(MEANWHILE,))
    return report


def _group_changes(known: GroupRow, part: GroupPart) -> dict[str, Any]:
    was = {"languages": list(known.languages)}
    return {name: value for name, value in part.values.items() if was.get(name, getattr(known, name)) != value}


def _write_groups(tx: Tx, process_id: int, parts: list[GroupPart], draw_tag: Callable[[], int], act: Act) -> None:
    taken = roster.group_tags(tx, process_id)
    rows = [{"slug": p.slug, "tag": roster.fresh_tag(draw_tag, taken), **p.values} for p in parts]
    for group_id in roster.put_groups(tx, process_id, rows):
        journal.note(tx, act, ("group", group_id), "imported", process_id=process_id)
