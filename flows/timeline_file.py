"""Reading a timeline or questions file into values, with every fault by line. Pure: knows no database."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from digests.subject import Status
from flows import source
from flows.entry_file import CODE, ENTRY_NAMES, EntryPart, EntryReader
from flows.fields import Fields
from flows.reports import unknown
from flows.source import Mapping, Unreadable, read_csv, read_yaml
from flows.words import Words, read_words

_QUESTION_NAMES = ("id", "track", "entry", "basis", "text", "status")
_CSV_REQUIRED = ("id", "kind", "track", "start", "title")
_CSV_LANGUAGE = re.compile(r"(title|description|participation|reason)_([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)")


@dataclass(frozen=True, slots=True)
class QuestionPart:
    """A question as the file has it."""

    line: int
    code: str
    track: str
    entry: str | None
    status: Status
    text: Words


def read_root(content: str, fields: Fields) -> Mapping | None:
    """The mapping that a YAML file is."""
    try:
        root = read_yaml(content)
    except Unreadable as error:
        fields.reject(error.line, "file", "", error.reason)
        return None
    schema = fields.text(root, "schema", required=True)
    if schema is not None and schema != "1":
        fields.reject(root.line_of("schema"), "schema", schema, "this program reads schema 1")
    return root


def read_entries(root: Mapping, fields: Fields, *, tracks: Collection[str], source_lang: str) -> list[EntryPart]:
    """The entries of a YAML file."""
    return _all_entries(list(fields.mappings(root, "entries", required=True)), fields, tracks, source_lang)


def read_entries_csv(content: str, fields: Fields, *, tracks: Collection[str], source_lang: str) -> list[EntryPart]:
    """The entries of a CSV file, whose columns are the keys of the YAML; `title_fr` is the title in French."""
    header = [cell.strip().strip('"') for cell in content.removeprefix("\ufeff").partition("\n")[0].split(",")]
    translated = tuple(name for name in header if _CSV_LANGUAGE.fullmatch(name))
    more = tuple(name for name in ENTRY_NAMES if name not in (*_CSV_REQUIRED, "revisions", "cancelled"))
    try:
        rows = read_csv(content, _CSV_REQUIRED, (*more, *translated))
    except Unreadable as error:
        fields.reject(error.line, "file", "", error.reason)
        return []
    return _all_entries([_with_languages(row, source_lang) for row in rows], fields, tracks, source_lang)


def _with_languages(row: Mapping, source_lang: str) -> Mapping:
    """A CSV line in the shape of YAML: the columns of one text become one mapping of languages."""
    items = dict(row.items)
    texts: dict[str, dict[str, source.Node]] = {}
    for name in list(items):
        found = _CSV_LANGUAGE.fullmatch(name)
        if found:
            texts.setdefault(found[1], {})[found[2]] = items.pop(name)
    for name, said in texts.items():
        all_said = {source_lang: items[name], **said} if name in items else said
        items[name] = Mapping(all_said, row.line, dict.fromkeys(all_said, row.line))
    return Mapping(items, row.line, dict.fromkeys(items, row.line))


def _all_entries(rows: list[Mapping], fields: Fields, tracks: Collection[str], source_lang: str) -> list[EntryPart]:
    found: list[EntryPart] = []
    lines: dict[str, int] = {}
    for row in rows:
        slug = fields.slug(row, "id")
        if slug is not None and slug in lines:
            fields.reject(row.line_of("id"), "id", slug, f"stands in line {lines[slug]} already")
        elif slug is not None:
            lines[slug] = row.line_of("id")
        part = EntryReader(row, fields, source_lang).read(slug or "", tracks)
        if part is not None:
            found.append(part)
    return found


def read_questions(
    root: Mapping, fields: Fields, *, tracks: Collection[str], entries: Collection[str] | None, source_lang: str
) -> list[QuestionPart]:
    """The questions of a YAML file. Without `entries` any entry will do (it may not be announced yet)."""
    found: list[QuestionPart] = []
    lines: dict[str, int] = {}
    for row in fields.mappings(root, "questions", required=True):
        fields.only(row, _QUESTION_NAMES, "question")
        code = fields.text(row, "id", required=True)
        if code is not None and not CODE.fullmatch(code):
            fields.reject(row.line_of("id"), "id", code, "is not a question's code, such as RR-2")
        elif code is not None and code in lines:
            fields.reject(row.line_of("id"), "id", code, f"stands in line {lines[code]} already")
        lines.setdefault(code or "", row.line_of("id"))
        track = fields.choice(row, "track", tracks, "track")
        entry = fields.text(row, "entry")
        if entry is not None and entries is not None and entry not in entries:
            fields.reject(row.line_of("entry"), "entry", entry, unknown("entry", entry, entries))
        status = fields.choice(row, "status", ("open", "cancelled"), "status", required=False) or "open"
        text = read_words(row, "text", fields, source_lang, required=True)
        if code is not None and track is not None and text:
            found.append(QuestionPart(row.line, code, track, entry, Status(status), text))
    return found
