"""Files for translators: one language pair as PO or XLIFF (what their programs read), or YAML.

Each unit has its name, the source, and the words of the translation. A translation that is marked outdated (`fuzzy` in
a PO file) is shown to the translator and never taken back as it is: whoever has looked at it takes the mark away.
"""

import io
from collections.abc import Sequence
from datetime import datetime

import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po, write_po

from flows import xliff_file
from flows.fields import Fields
from flows.source import LARGEST, Scalar, Unreadable, read_yaml
from flows.translation_sheet import Sheet, Unit

FORMATS = ("po", "xliff", "yaml")


def write(sheet: Sheet, form: str, now: datetime) -> str:
    """The file in one of the `FORMATS`."""
    if form == "xliff":
        return xliff_file.write(sheet)
    return _write_po(sheet, now) if form == "po" else _write_yaml(sheet)


def read(content: str, form: str, fields: Fields) -> Sheet | None:
    """What a file says; faults go to `fields`, and None where it cannot be read at all."""
    try:
        readers = {"po": _read_po, "xliff": xliff_file.read, "yaml": _read_yaml}
        return readers[form](content, fields)
    except Unreadable as error:
        fields.reject(error.line, "file", "", error.reason)
        return None


def _write_po(sheet: Sheet, now: datetime) -> str:
    catalog = Catalog(
        locale=sheet.lang.replace("-", "_"),
        project=sheet.process,
        version=sheet.source_lang,
        creation_date=now,
        revision_date=now,
        fuzzy=False,
        header_comment=f"# {sheet.process}: {sheet.source_lang} to {sheet.lang}",
    )
    for unit in sheet.units:
        message = catalog.add(unit.source, unit.words, context=unit.name, flags=("fuzzy",) if unit.outdated else ())
        message.flags.discard("python-format")  # a per cent sign in prose is no placeholder
    out = io.BytesIO()
    write_po(out, catalog, width=0, ignore_obsolete=True)
    return out.getvalue().decode()


def _read_po(content: str, fields: Fields) -> Sheet:
    if len(content) > LARGEST:
        raise Unreadable(1, f"the file is larger than {LARGEST // 1024 // 1024} MiB")
    try:
        catalog = read_po(io.StringIO(content.removeprefix("\ufeff")), abort_invalid=True)
    except PoFileError as error:
        raise Unreadable(getattr(error, "lineno", 0) + 1, f"not a PO file: {error}") from error
    except (ValueError, LookupError, TypeError, IndexError) as error:
        raise Unreadable(1, f"not a PO file: {error}") from error
    units = []
    for message in catalog:
        if not message.id:
            continue
        line = message.lineno or 1
        if not isinstance(message.id, str) or not isinstance(message.string, str):
            fields.reject(line, "msgid_plural", message.context or "", "texts have no plural forms")
            continue
        units.append(Unit(message.context or "", message.id, message.string.strip(), message.fuzzy, line))
    lang = str(catalog.locale_identifier or "")
    # Babel's words for a header that says nothing of it.
    process = "" if catalog.project == "PROJECT" else str(catalog.project or "")
    return Sheet(process, "", lang, tuple(units))


def _write_yaml(sheet: Sheet) -> str:
    rows = []
    for unit in sheet.units:
        row: dict[str, str | bool] = {"text": unit.name, "source": unit.source, "translation": unit.words}
        rows.append(row | ({"outdated": True} if unit.outdated else {}))
    document = {
        "schema": 1,
        "process": sheet.process,
        "source_language": sheet.source_lang,
        "language": sheet.lang,
        "texts": rows,
    }
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)


def _read_yaml(content: str, fields: Fields) -> Sheet:
    root = read_yaml(content)
    fields.only(root, ("schema", "process", "source_language", "language", "texts"))
    units = []
    for one in fields.mappings(root, "texts", required=True):
        fields.only(one, ("text", "source", "translation", "outdated"), "text")
        name, given = fields.text(one, "text", required=True), one.get("source")
        words = fields.text(one, "translation") or ""
        if not isinstance(given, Scalar):
            fields.reject(one.line_of("source"), "source", "", "is missing")
        elif name is not None:
            units.append(Unit(name, given.text, words, fields.flag(one, "outdated", False), one.line))
    head = [fields.text(root, name) or "" for name in ("process", "source_language", "language")]
    return Sheet(head[0], head[1], head[2], tuple(units))


def in_order(units: Sequence[Unit]) -> tuple[Unit, ...]:
    """What a translator should see first: what is missing or outdated, then the rest, each by name."""
    return tuple(sorted(units, key=lambda unit: (bool(unit.words) and not unit.outdated, unit.name)))
