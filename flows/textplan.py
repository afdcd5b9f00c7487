"""Bringing stored texts to what a file says: which languages differ, and the writing of those.

A text of a file is the whole source, but only some of its translations: languages that the file does not have stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from db import texts
from db.engine import Tx
from db.journal import Act
from digests.language import Wording
from flows.words import Said, Words


@dataclass(frozen=True, slots=True)
class TextPlan:
    """What becomes of one field: the words of the file, and the names of what differs (`title`, `title:fr`)."""

    field: str
    words: Words
    differing: tuple[str, ...]
    outdated: tuple[str, ...]  # languages whose translation is of an earlier source from now on


def source_of(words: Words) -> str:
    """The wording in the language of the source; empty where there is no text."""
    return words[0].body if words else ""


def plan(field: str, words: Words, known: Wording | None) -> TextPlan:
    """Compare the words of a file with what is stored."""
    if not words:
        return TextPlan(field, (), (field,) if known is not None and known.source else (), ())
    if known is None:
        return TextPlan(field, words, (field, *(f"{field}:{said.lang}" for said in words[1:])), ())
    source, translations = words[0], words[1:]
    is_new = (source.lang, source.body) != (known.source_lang, known.source)
    others = tuple(said.lang for said in translations if _differs(said, known))
    names = (*((field,) if is_new else ()), *(f"{field}:{lang}" for lang in others))
    behind = tuple(lang for lang in known.versions if is_new and lang not in (*others, source.lang, known.source_lang))
    return TextPlan(field, words, names, behind)


def _differs(said: Said, known: Wording) -> bool:
    version = known.versions.get(said.lang)
    if version is None or said.lang == known.source_lang:
        return True
    if said.of is None or max(said.of, version.of_revision) < known.fresh_from:
        return version.body != said.body  # both of some earlier source: which one matters to nobody
    return version.of_revision <= said.of and (version.of_revision, version.body) != (said.of, said.body)


def write(tx: Tx, process_id: int, owner: texts.Owner, plans: Sequence[TextPlan], source_lang: str, act: Act) -> None:
    """Write what differs, the sources before their translations."""
    for one in plans:
        if one.differing:
            _write(tx, process_id, owner, one, source_lang, act)


def _write(tx: Tx, process_id: int, owner: texts.Owner, one: TextPlan, source_lang: str, act: Act) -> None:
    source = one.words[0] if one.words else Said(source_lang, "", 0)
    first = source.of or 1
    texts.put_text(tx, process_id, owner, one.field, source.body, lang=source.lang, act=act, first_revision=first)
    for said in one.words[1:]:
        if f"{one.field}:{said.lang}" in one.differing:
            texts.put_translation(tx, process_id, owner, one.field, said.lang, said.body, act=act, of_revision=said.of)
