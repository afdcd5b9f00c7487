"""Making and changing a process from the `process:` and `tracks:` parts of a YAML file.

A track that the file no longer has stays: references and questions carry its code for ever. Raises `NotImported` with
every fault of the file, and `UnknownName` for a process that does not exist.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from db import journal
from db import process as processes
from db.engine import Database, Tx
from db.journal import Act
from db.process import ContactRow, ProcessRow, TrackRow
from flows import homes, source
from flows.fields import Fields
from flows.reports import Changed, ImportReport, NotImported, Rejected, UnknownName
from flows.source import Unreadable, read_yaml
from mailer import home

_CODE = re.compile(r"[A-Z]{1,8}")
_ADDRESS = re.compile(r"[^\s@<>\"(),:;\\]+@[^\s@<>\"(),:;\\]+")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to ask, as the file has it."""

    role: str
    address: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrackPart:
    """A track as the file has it."""

    slug: str
    code: str
    name: str
    for_all: bool
    contacts: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class ProcessPart:
    """What a file says of a process. Without `tracks` the file is silent about them."""

    slug: str
    name: str
    zone: str
    source_lang: str
    languages: tuple[str, ...]
    contacts: tuple[Person, ...]
    tracks: tuple[TrackPart, ...]
    fallbacks: Mapping[str, tuple[str, ...]]  # per language those tried after a reader's own ones


def need_process(tx: Tx, slug: str) -> ProcessRow:
    """The process of that name, or `UnknownName` with the nearest ones."""
    found = processes.by_slug(tx, slug)
    if found is None:
        raise UnknownName("process", slug, [row.slug for row in processes.everyone(tx)])
    return found


def read_part(root: source.Mapping, fields: Fields) -> ProcessPart | None:
    """The process that a file describes, or None where it describes none; faults go to `fields`."""
    head = fields.mapping(root, "process")
    if head is None:
        return None
    fields.only(head, ("slug", "name", "zone", "source_language", "languages", "contacts", "fallbacks"), "process")
    source_lang = fields.text(head, "source_language", required=True)
    if source_lang is not None:
        source_lang = fields.tag(source_lang, head.line_of("source_language"), "source_language")
    part = ProcessPart(
        slug=fields.slug(head, "slug") or "",
        name=fields.text(head, "name", required=True, longest=200) or "",
        zone=fields.zone(head, "zone") or "",
        source_lang=source_lang or "",
        languages=fields.tags(head, "languages"),
        contacts=_people(head, fields),
        tracks=read_tracks(root, fields),
        fallbacks=_fallbacks(head, fields),
    )
    return replace(part, languages=part.languages or (part.source_lang,))


def _fallbacks(head: source.Mapping, fields: Fields) -> dict[str, tuple[str, ...]]:
    given = fields.mapping(head, "fallbacks")
    found = {}
    for name in given.items if given else ():
        # The empty name is everybody's.
        tag = fields.tag(name, given.line_of(name), "fallbacks") if given and name else name
        if tag is not None and given is not None:
            found[tag] = fields.tags(given, name, required=True)
    return found


def read_tracks(root: source.Mapping, fields: Fields) -> tuple[TrackPart, ...]:
    """The tracks of a file; slugs and codes are unique."""
    found: list[TrackPart] = []
    slugs: dict[str, int] = {}
    codes: dict[str, int] = {}
    for one in fields.mappings(root, "tracks"):
        fields.only(one, ("slug", "code", "name", "for_all", "contacts"), "track")
        slug, code = fields.slug(one, "slug"), fields.text(one, "code", required=True)
        name = fields.text(one, "name", required=True, longest=200)
        if code is not None and not _CODE.fullmatch(code):
            fields.reject(one.line_of("code"), "code", code, "must be one to eight capital letters")
        for value, seen, what in ((slug, slugs, "slug"), (code, codes, "code")):
            if value is not None and value in seen:
                fields.reject(one.line_of(what), what, value, f"is the {what} of another track (line {seen[value]})")
            elif value is not None:
                seen[value] = one.line_of(what)
        people = _people(one, fields)
        found.append(TrackPart(slug or "", code or "", name or "", fields.flag(one, "for_all", False), people))
    return tuple(found)


def _people(of: source.Mapping, fields: Fields) -> tuple[Person, ...]:
    found = []
    for one in fields.mappings(of, "contacts"):
        fields.only(one, ("role", "address", "languages"), "contact")
        address = fields.text(one, "address", required=True, longest=254)
        if address is not None and not _ADDRESS.fullmatch(address):
            fields.reject(one.line_of("address"), "address", address, "is not an address such as name@example.org")
        role = fields.text(one, "role", required=True, longest=200)
        found.append(Person(role or "", address or "", fields.tags(one, "languages")))
    return tuple(found)


def import_process(
    db: Database, content: str, *, address_base: str = "", about: str = "", postal: str = "", act: Act
) -> tuple[ProcessRow, ImportReport]:
    """Make the process that a YAML file describes, or bring it to what the file says.

    A new one needs `address_base`, where its mail lives: a domain, or `prefix@domain` (see `mailer.home`). `about` is a
    notice shown with every mail, `postal` the address for the footer; empty ones leave what is there.
    Raises `NotImported`.
    """
    fields, address_base = Fields(), address_base.lower()
    try:
        root = read_yaml(content)
    except Unreadable as error:
        raise NotImported((Rejected(error.line, "file", "", error.reason),)) from error
    part = read_part(root, fields)
    if part is None and not fields.rejected:
        fields.reject(root.line, "process", "", "is missing")
    if part is None or fields.rejected:
        raise NotImported(tuple(fields.rejected))
    with db.write() as tx:
        known = processes.by_slug(tx, part.slug)
        faults = _address_faults(tx, known, part.slug, address_base)
        if faults:
            raise NotImported(faults)
        if known is None:
            known = _create(tx, part, address_base, act)
            report = ImportReport("process", added=(part.slug, *(track.slug for track in part.tracks)))
            apply_part(tx, known, part, act)
        else:
            report = apply_part(tx, known, part, act)
        extra = {
            name: value
            for name, value in (("about", about), ("postal", postal), ("address_base", address_base))
            if value
        }
        if extra:
            processes.change(tx, known.id, **extra)
        return need_process(tx, part.slug), report


def _create(tx: Tx, part: ProcessPart, address_base: str, act: Act) -> ProcessRow:
    process_id = processes.create(
        tx,
        slug=part.slug,
        name=part.name,
        zone=part.zone,
        source_lang=part.source_lang,
        address_base=address_base,
    )
    journal.note(tx, act, ("process", process_id), "created", process_id=process_id)
    return need_process(tx, part.slug)


def _address_faults(tx: Tx, known: ProcessRow | None, slug: str, address_base: str) -> tuple[Rejected, ...]:
    if not address_base:
        needed = "a new process needs the domain its mail lives at, or a prefix and a domain"
        return () if known else (Rejected(1, "address_base", "", needed),)
    wrong = homes.fault(tx, home.read(address_base), slug, known.id if known else None)
    return (Rejected(1, "address_base", address_base, wrong),) if wrong else ()


def apply_part(tx: Tx, known: ProcessRow, part: ProcessPart, act: Act) -> ImportReport:
    """Bring process, tracks and contacts to what the file says, inside the caller's transaction."""
    changed: list[Changed] = []
    was = (known.name, known.zone, known.source_lang, known.languages)
    becomes = (part.name, part.zone, part.source_lang, part.languages)
    names = ("name", "zone", "source_language", "languages")
    differing = tuple(name for name, a, b in zip(names, was, becomes, strict=True) if a != b)
    if differing:
        processes.change(tx, known.id, name=part.name, zone=part.zone, source_lang=part.source_lang)
        processes.put_setting(tx, known.id, "languages", list(part.languages))
        changed.append(Changed(part.slug, differing))
    if dict(part.fallbacks) != processes.fallbacks(tx, known.id):
        processes.put_fallbacks(tx, known.id, part.fallbacks)
        changed.append(Changed(part.slug, ("fallbacks",)))
    added, track_changes, unchanged = _apply_tracks(tx, known.id, part.tracks)
    changed += track_changes
    if _apply_contacts(tx, known.id, part):
        changed.append(Changed(part.slug, ("contacts",)))
    if changed or added:
        journal.note(tx, act, ("process", known.id), "imported", process_id=known.id)
    return ImportReport("process", added=tuple(added), changed=tuple(changed), unchanged=tuple(unchanged))


def _apply_tracks(tx: Tx, process_id: int, parts: Sequence[TrackPart]) -> tuple[list[str], list[Changed], list[str]]:
    known = {track.slug: track for track in processes.tracks(tx, process_id)}
    added: list[str] = []
    changed: list[Changed] = []
    unchanged: list[str] = []
    for part in parts:
        fields = _differs(known.get(part.slug), part)
        if fields is None:
            added.append(part.slug)
        elif fields:
            changed.append(Changed(part.slug, fields))
        else:
            unchanged.append(part.slug)
            continue
        processes.put_track(tx, process_id, part.slug, code=part.code, name=part.name, for_all=part.for_all)
    return added, changed, unchanged


def _differs(known: TrackRow | None, part: TrackPart) -> tuple[str, ...] | None:
    if known is None:
        return None
    return tuple(name for name in ("code", "name", "for_all") if getattr(known, name) != getattr(part, name))


def _apply_contacts(tx: Tx, process_id: int, part: ProcessPart) -> bool:
    ids = {track.slug: track.id for track in processes.tracks(tx, process_id)}
    people = [(None, person) for person in part.contacts]
    wanted: list[tuple[int | None, Person]] = [*people]
    wanted += [(ids[track.slug], person) for track in part.tracks for person in track.contacts]
    rows = [
        ContactRow(position, track_id, person.role, person.address, person.languages)
        for position, (track_id, person) in enumerate(wanted, start=1)
    ]
    if rows == processes.contacts(tx, process_id):
        return False
    processes.put_contacts(tx, process_id, rows)
    return True
