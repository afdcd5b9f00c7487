"""Catalogues of the service's words: extract, update, compile, and count the gaps.

    python tools/catalogues.py            extract the template, update each .po, compile each .mo
    python tools/catalogues.py --check    change nothing; exit 1 if a file is stale or a word is missing

Files are written without dates, so that the same words give the same bytes.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from mailer import words

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "templates" / "locale"
METHODS = (("**.html", "jinja2"), ("**.txt", "jinja2"))
OPTIONS = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}}
OPTIONS["**.txt"] = OPTIONS["**.html"]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3)}

# Plural forms by CLDR, in gettext's writing and with categories in CLDR's order.
PLURALS = {
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)",
    "fr": "nplurals=2; plural=(n > 1)",
    "he": "nplurals=3; plural=(n==1 ? 0 : n==2 ? 1 : 2)",
    "hi": "nplurals=2; plural=(n > 1)",
    "id": "nplurals=1; plural=0",
    "ja": "nplurals=1; plural=0",
    "pt": "nplurals=2; plural=(n > 1)",
    "ru": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2)",
    "zh": "nplurals=1; plural=0",
}
MOST = "nplurals=2; plural=(n != 1)"


def extracted() -> Catalog:
    """All msgids of the templates and of the Python that words letters."""
    catalog = Catalog(project="Tidings", copyright_holder="the Tidings authors", fuzzy=False)
    sources = [(ROOT / "templates", METHODS), (ROOT / "mailer", (("render.py", "python"),))]
    for folder, methods in sources:
        found = extract_from_dir(folder, list(methods), dict(OPTIONS), KEYWORDS, comment_tags=("i18n:",))
        for name, _line, message, comments, context in found:
            catalog.add(message, None, [(f"{folder.name}/{name}", 0)], auto_comments=comments, context=context)
    return catalog


def empty(lang: str) -> Catalog:
    """A catalogue with nothing but its plural forms, which Babel reads from a header only."""
    plurals = PLURALS.get(lang, MOST)
    lines = [
        'msgid ""',
        'msgstr ""',
        r'"Content-Type: text/plain; charset=utf-8\n"',
        rf'"Plural-Forms: {plurals};\n"',
        "",
    ]
    head = "\n".join(lines)
    return read_po(io.BytesIO(head.encode()), locale=lang)


def updated(lang: str, template: Catalog) -> Catalog:
    """The catalogue of a language with the template's msgids; words that nobody uses any more go."""
    path = LOCALE / lang / "LC_MESSAGES" / "tidings.po"
    old = read_po(io.BytesIO(path.read_bytes()), locale=lang) if path.exists() else empty(lang)
    new = empty(lang)
    for message in template:
        if not message.id:
            continue
        said = old.get(message.id, message.context)
        string = said.string if said is not None else None
        if lang == words.SOURCE:
            string = message.id
        new.add(message.id, string, message.locations, context=message.context)
    return new


def po_bytes(catalog: Catalog) -> bytes:
    """A PO file without dates and line numbers."""
    out = io.BytesIO()
    write_po(out, catalog, width=100, sort_output=True, include_lineno=False, omit_header=False)
    lines = [
        line
        for line in out.getvalue().decode().split("\n")
        if not line.startswith(
            ('"POT-Creation-Date', '"PO-Revision-Date', "# FIRST AUTHOR", '"Generated-By', '"Last-Translator')
        )
    ]
    return "\n".join(
        line for line in lines if "EMAIL@ADDRESS" not in line and not line.startswith("# Copyright")
    ).encode()


def mo_bytes(po: bytes, lang: str) -> bytes:
    """The compiled form."""
    out = io.BytesIO()
    catalog = read_po(io.BytesIO(po), locale=lang)
    # Babel writes the present minute into the header otherwise.
    catalog.creation_date = catalog.revision_date = datetime(2000, 1, 1, tzinfo=UTC)
    write_mo(out, catalog)
    return out.getvalue()


def main() -> int:
    """Write or check all files; the number of stale or incomplete ones decides the exit code."""
    check = "--check" in sys.argv[1:]
    template = extracted()
    files = {LOCALE / "tidings.pot": po_bytes(template)}
    for lang in words.LANGUAGES:
        po = po_bytes(updated(lang, template))
        folder = LOCALE / lang / "LC_MESSAGES"
        files |= {folder / "tidings.po": po, folder / "tidings.mo": mo_bytes(po, lang)}
    faults = 0
    for path, data in files.items():
        if path.exists() and path.read_bytes() == data:
            continue
        if check:
            print(f"stale: {path.relative_to(ROOT)} (run tools/catalogues.py)")
            faults += 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    for lang in words.LANGUAGES:
        gap = words.gaps(files[LOCALE / "tidings.pot"], files[LOCALE / lang / "LC_MESSAGES" / "tidings.po"], lang)
        name = Locale.parse(lang).english_name
        print(f"{lang} {name}: {gap.total - len(gap.missing)} of {gap.total} translated, {len(gap.fuzzy)} fuzzy")
        faults += len(gap.missing) + len(gap.fuzzy)
    return 1 if check and faults else 0


if __name__ == "__main__":
    sys.exit(main())
