"""A text in languages as a file has it: plain text in the source language, or a mapping from tag to text.

A translation may say of which revision of the source it is: `fr: {text: "...", of: 3}`; then the source says its own:
`en: {text: "...", revision: 4}`.
"""

from dataclasses import dataclass

from flows import source
from flows.fields import Fields
from flows.source import Mapping, Scalar


@dataclass(frozen=True, slots=True)
class Said:
    """A text in one language. `of`: the revision of the source that it is of; for the source, its own."""

    lang: str
    body: str
    line: int
    of: int | None = None


Words = tuple[Said, ...]


def read_words(of: Mapping, name: str, fields: Fields, source_lang: str, *, required: bool = False) -> Words:
    """A text in languages, the source first: plain text, or a mapping from tag to text (or to text and revision)."""
    node = of.get(name)
    if not isinstance(node, Mapping):
        text = fields.text(of, name, required=required)
        return () if text is None else (Said(source_lang, text, of.line_of(name)),)
    found: dict[str, Said] = {}
    for given, value in node.items.items():
        tag = fields.tag(given, node.line_of(given), name)
        said = None if tag is None else _said(tag, node.line_of(given), name, value, fields)
        if said is not None and said.lang in found:
            fields.reject(said.line, name, given, "this language is given twice")
        elif said is not None:
            found[said.lang] = said
    if required and not node.items:
        fields.reject(node.line, name, "", "is missing")
    return tuple(sorted(found.values(), key=lambda said: said.lang != source_lang))


def _said(tag: str, line: int, name: str, value: source.Node, fields: Fields) -> Said | None:
    if isinstance(value, Scalar):
        text = fields.clean(value, name)
        return Said(tag, text, line) if text else None
    if isinstance(value, Mapping):
        fields.only(value, ("text", "of", "revision"), name)
        text = fields.text(value, "text", required=True)
        of = fields.number(value, "of" if value.get("of") is not None else "revision", 0, 10**9)
        return Said(tag, text, line, of) if text else None
    fields.reject(line, name, "", "must be text")
    return None
