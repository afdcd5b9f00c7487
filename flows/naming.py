"""Names of the process, its tracks and digests as texts, so that they can be translated like all others.

The name itself stands where it always did; its text follows when translators are given something. A translation of an
older name is outdated, and mails do not use it.
"""

from collections.abc import Mapping, Sequence

from db import editions, texts
from db import process as processes
from db.engine import Tx
from db.journal import Act
from db.process import ProcessRow
from db.texts import Field
from digests.language import Wording, choose


def owned(tx: Tx, process: ProcessRow) -> dict[Field, tuple[str, str]]:
    """What has a name: its slug and the name, by the text that holds it."""
    found = {("process", process.id, "name"): (process.slug, process.name)}
    found |= {("track", one.id, "name"): (one.slug, one.name) for one in processes.tracks(tx, process.id)}
    return found | {("digest", one.id, "title"): (one.slug, one.title) for one in editions.digests(tx, process.id)}


def keep(tx: Tx, process: ProcessRow, *, act: Act) -> None:
    """Bring the texts to what the names are now."""
    for (kind, owner_id, field), (_, words) in owned(tx, process).items():
        texts.put_text(tx, process.id, (kind, owner_id), field, words, lang=process.source_lang, act=act)


def said(
    known: Mapping[Field, Wording],
    key: Field,
    name: str,
    source_lang: str,
    languages: Sequence[str],
    fallbacks: Mapping[str, Sequence[str]],
) -> tuple[str, str]:
    """A name for a reader of `languages`, and its language: a translation of it as it is now, or itself."""
    wording = known.get(key)
    found = choose(wording, languages, fallbacks, strict=True) if wording and wording.source == name else None
    return (found.body, found.lang) if found is not None else (name, source_lang)
