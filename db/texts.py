"""Texts that can be translated: their revisions, translations, and what is outdated (model L1, L2, L6).

A revision is only ever inserted. `load_texts` gives what `digests.language.choose` chooses from.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update

from db.engine import CHUNK, Tx
from db.journal import Act
from db.tables import Text, TextVersion
from digests.language import Version, Wording

_TEXT: Any = Text.__table__  # type: ignore[attr-defined]
_VERSION: Any = TextVersion.__table__  # type: ignore[attr-defined]

Owner = tuple[str, int]  # (kind, id), such as ("entry", 7)
Field = tuple[str, int, str]  # an owner and the name of the field

READY = "ready"
DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Outdated:
    """A translation whose source has changed since."""

    owner: Owner
    field: str
    lang: str
    of_revision: int
    fresh_from: int
    source_lang: str


def put_text(
    tx: Tx,
    process_id: int,
    owner: Owner,
    field: str,
    body: str,
    *,
    lang: str,
    act: Act,
    translations_stay_good: bool = False,
    first_revision: int = 1,
) -> int:
    """Save a source text, as a new revision if it differs; gives its revision.

    An empty body takes the text away. Saving it in another language than before makes that its source from then on,
    and every translation outdated. `first_revision` numbers a text that is new here but came from an export.
    """
    row = _find(tx, process_id, owner, field)
    if row is None:
        text_id = tx.execute(
            insert(_TEXT)
            .values(
                process_id=process_id,
                owner_kind=owner[0],
                owner_id=owner[1],
                field=field,
                source_lang=lang,
                fresh_from=first_revision,
            )
            .returning(_TEXT.c.id)
        ).scalar_one()
        _add(tx, text_id, lang, first_revision, first_revision, body, READY, act)
        return first_revision
    latest = _latest(tx, row.id, lang)
    if latest is not None and row.source_lang == lang and latest.body == body:
        return int(latest.revision)
    highest = tx.execute(select(func.max(_VERSION.c.revision)).where(_VERSION.c.text_id == row.id)).scalar() or 0
    revision = int(highest) + 1
    _add(tx, row.id, lang, revision, revision, body, READY, act)
    values: dict[str, Any] = {"source_lang": lang}
    if not translations_stay_good:
        values["fresh_from"] = revision
    tx.execute(update(_TEXT).where(_TEXT.c.id == row.id).values(values))
    return revision


def put_translation(
    tx: Tx,
    process_id: int,
    owner: Owner,
    field: str,
    lang: str,
    body: str,
    *,
    act: Act,
    of_revision: int | None = None,
    state: str = READY,
) -> bool:
    """Save a translation of the source revision `of_revision` (None: the present one); says whether it was written.

    A revision that the source never had here means some earlier one, as in a file from another database: the
    translation is outdated. Nothing is written when it says what is there already, or when there is one of a later
    source (L6). Raises `LookupError` for a text that does not exist, `ValueError` for the language of the source.
    """
    row = _find(tx, process_id, owner, field)
    if row is None:
        raise LookupError(f"there is no text {field} of {owner[0]} {owner[1]}")
    if lang == row.source_lang:
        raise ValueError(f"{lang} is the language of the source: save it as the source")
    source = _latest(tx, row.id, row.source_lang)
    of = int(source.revision) if of_revision is None else _known_revision(tx, row.id, row.source_lang, of_revision)
    latest = _latest(tx, row.id, lang)
    if latest is not None:
        if latest.of_revision > of:
            return False
        if (latest.of_revision, latest.body, latest.state) == (of, body, state):
            return False
        if of_revision is None and latest.body == body and latest.state == state:
            return False  # a file that says nothing about the source it is of claims no new reading of it
    highest = tx.execute(select(func.max(_VERSION.c.revision)).where(_VERSION.c.text_id == row.id)).scalar() or 0
    _add(tx, row.id, lang, int(highest) + 1, of, body, state, act)
    return True


def _known_revision(tx: Tx, text_id: int, lang: str, revision: int) -> int:
    found = tx.execute(
        select(_VERSION.c.revision).where(
            _VERSION.c.text_id == text_id, _VERSION.c.lang == lang, _VERSION.c.revision == revision
        )
    ).first()
    return revision if found is not None else 0


def _find(tx: Tx, process_id: int, owner: Owner, field: str) -> Any:
    return tx.execute(
        select(_TEXT)
        .where(
            _TEXT.c.process_id == process_id,
            _TEXT.c.owner_kind == owner[0],
            _TEXT.c.owner_id == owner[1],
            _TEXT.c.field == field,
        )
        .with_for_update()
    ).first()


def _latest(tx: Tx, text_id: int, lang: str) -> Any:
    return tx.execute(
        select(_VERSION)
        .where(_VERSION.c.text_id == text_id, _VERSION.c.lang == lang)
        .order_by(_VERSION.c.revision.desc())
        .limit(1)
    ).first()


def _add(tx: Tx, text_id: int, lang: str, revision: int, of: int, body: str, state: str, act: Act) -> None:
    tx.execute(
        insert(_VERSION).values(
            text_id=text_id,
            lang=lang,
            revision=revision,
            of_revision=of,
            body=body,
            state=state,
            by=act.actor,
            at=act.now,
        )
    )


def load_texts(
    tx: Tx, process_id: int, owners: Iterable[Owner], fields: Sequence[str] | None = None
) -> dict[Field, Wording]:
    """The newest ready wording in every language, of these owners and fields (None: all), in few queries."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for kind, owner_id in set(owners):
        by_kind[kind].append(owner_id)
    found: dict[Field, Wording] = {}
    for kind, ids in by_kind.items():
        ids.sort()
        for start in range(0, len(ids), CHUNK):
            found.update(_load(tx, process_id, kind, ids[start : start + CHUNK], fields))
    return found


def _load(tx: Tx, process_id: int, kind: str, ids: list[int], fields: Sequence[str] | None) -> dict[Field, Wording]:
    mine = (_TEXT.c.process_id == process_id) & (_TEXT.c.owner_kind == kind) & _TEXT.c.owner_id.in_(ids)
    if fields is not None:
        mine &= _TEXT.c.field.in_(list(fields))
    rows = tx.execute(
        select(
            _TEXT.c.owner_id,
            _TEXT.c.field,
            _TEXT.c.source_lang,
            _TEXT.c.fresh_from,
            _VERSION.c.lang,
            _VERSION.c.revision,
            _VERSION.c.of_revision,
            _VERSION.c.body,
        )
        .join(_VERSION, _VERSION.c.text_id == _TEXT.c.id)
        .where(mine, _VERSION.c.state == READY)
        .order_by(_TEXT.c.id, _VERSION.c.revision)
    )
    heads: dict[Field, tuple[str, int]] = {}
    versions: dict[Field, dict[str, Version]] = defaultdict(dict)
    for row in rows:
        key = (kind, row.owner_id, row.field)
        heads[key] = (row.source_lang, row.fresh_from)
        versions[key][row.lang] = Version(row.body, row.revision, row.of_revision)
    return {key: Wording(source, fresh, versions[key]) for key, (source, fresh) in heads.items()}


def versions(tx: Tx, process_id: int, owners: Iterable[Owner]) -> dict[Field, list[tuple[str, Version]]]:
    """Everything that the texts of these owners ever said in each language, oldest first."""
    found: dict[Field, list[tuple[str, Version]]] = defaultdict(list)
    for kind, owner_id in sorted(set(owners)):
        rows = tx.execute(
            select(_TEXT.c.field, _VERSION.c.lang, _VERSION.c.body, _VERSION.c.revision, _VERSION.c.of_revision)
            .join(_VERSION, _VERSION.c.text_id == _TEXT.c.id)
            .where(_TEXT.c.process_id == process_id, _TEXT.c.owner_kind == kind, _TEXT.c.owner_id == owner_id)
            .where(_VERSION.c.state == READY)
            .order_by(_VERSION.c.revision)
        )
        for row in rows:
            found[kind, owner_id, row.field].append((row.lang, Version(row.body, row.revision, row.of_revision)))
    return dict(found)


def source_revisions(tx: Tx, process_id: int) -> dict[Field, dict[str, int]]:
    """Everything that each source text ever said, with the last revision in which it said so."""
    rows = tx.execute(
        select(_TEXT.c.owner_kind, _TEXT.c.owner_id, _TEXT.c.field, _VERSION.c.body, _VERSION.c.revision)
        .join(_VERSION, (_VERSION.c.text_id == _TEXT.c.id) & (_VERSION.c.lang == _TEXT.c.source_lang))
        .where(_TEXT.c.process_id == process_id)
        .order_by(_VERSION.c.revision)
    )
    found: dict[Field, dict[str, int]] = defaultdict(dict)
    for row in rows:
        found[(row.owner_kind, row.owner_id, row.field)][row.body.strip()] = row.revision
    return dict(found)


def outdated(tx: Tx, process_id: int) -> list[Outdated]:
    """Every translation of the process whose source changed after it, by owner, field and language."""
    newest = (
        select(_VERSION.c.text_id, _VERSION.c.lang, func.max(_VERSION.c.revision).label("revision"))
        .where(_VERSION.c.state == READY)
        .group_by(_VERSION.c.text_id, _VERSION.c.lang)
        .subquery()
    )
    rows = tx.execute(
        select(_TEXT, newest.c.lang, _VERSION.c.of_revision)
        .join(newest, newest.c.text_id == _TEXT.c.id)
        .join(
            _VERSION,
            (_VERSION.c.text_id == newest.c.text_id)
            & (_VERSION.c.lang == newest.c.lang)
            & (_VERSION.c.revision == newest.c.revision),
        )
        .where(
            _TEXT.c.process_id == process_id,
            newest.c.lang != _TEXT.c.source_lang,
            _VERSION.c.of_revision < _TEXT.c.fresh_from,
        )
        .order_by(_TEXT.c.owner_kind, _TEXT.c.owner_id, _TEXT.c.field, newest.c.lang)
    )
    return [
        Outdated((row.owner_kind, row.owner_id), row.field, row.lang, row.of_revision, row.fresh_from, row.source_lang)
        for row in rows
    ]
