"""Statements as others may read them: the masked words, the group that is credited, the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from db.engine import CHUNK, Tx
from db.tables import Input, RosterGroup, Statement, StatementText

_S: Any = Statement.__table__  # type: ignore[attr-defined]
_T: Any = StatementText.__table__  # type: ignore[attr-defined]
_I: Any = Input.__table__  # type: ignore[attr-defined]
_G: Any = RosterGroup.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Quote:
    """A statement to quote. `masked` is empty once it was withdrawn or erased."""

    statement_id: int
    ref: str
    group: str
    masked: str
    lang: str
    state: str
    visibility: str
    input_state: str
    track_id: int | None
    anchor: tuple[str, int | None]


def quotes(tx: Tx, statement_ids: Sequence[int]) -> dict[int, Quote]:
    """These statements in their newest revision."""
    found: dict[int, Quote] = {}
    for start in range(0, len(statement_ids), CHUNK):
        rows = tx.execute(
            select(
                _S.c.id,
                _S.c.number,
                _S.c.part,
                _S.c.state,
                _S.c.track_id,
                _S.c.anchor_kind,
                _S.c.anchor_id,
                _T.c.masked,
                _I.c.language,
                _I.c.visibility,
                _I.c.state.label("input_state"),
                _G.c.short,
            )
            .join(_T, (_T.c.statement_id == _S.c.id) & (_T.c.revision == _S.c.revision))
            .join(_I, _I.c.id == _S.c.input_id)
            .outerjoin(_G, _G.c.id == _I.c.group_id)
            .where(_S.c.id.in_(statement_ids[start : start + CHUNK]))
        )
        for row in rows:
            found[row.id] = Quote(
                statement_id=row.id,
                ref=f"S-{row.number}{row.part}",
                group=row.short or "",
                masked=row.masked or "",
                lang=row.language or "und",
                state=row.state,
                visibility=row.visibility,
                input_state=row.input_state,
                track_id=row.track_id,
                anchor=(row.anchor_kind, row.anchor_id),
            )
    return found
