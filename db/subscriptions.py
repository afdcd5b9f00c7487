"""Where liaisons stand in a digest: cadence, size, interests, and the cursor that changes void (N6).

A cursor claims that a reader knows everything up to it; whatever makes that doubtful sets it to null and counts `turn`
up, so that an enqueue that is under way notices (N7).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update

from db.bulk import insert_rows
from db.engine import CHUNK, Tx
from db.states import EditionState
from db.tables import Digest, Edition, Interest, Process, Subscription

_SUB: Any = Subscription.__table__  # type: ignore[attr-defined]
_INTEREST: Any = Interest.__table__  # type: ignore[attr-defined]
_EDITION: Any = Edition.__table__  # type: ignore[attr-defined]
_DIGEST: Any = Digest.__table__  # type: ignore[attr-defined]
_PROCESS: Any = Process.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A liaison's place in a digest. `interests` are track ids; empty means all tracks."""

    id: int
    digest_id: int
    liaison_id: int
    tag: int
    state: str
    cadence: str
    size: str
    cursor: int | None
    turn: int
    interests: tuple[int, ...]


def tags(tx: Tx) -> set[int]:
    """Tags taken by subscriptions of the whole deployment."""
    return {int(tag) for (tag,) in tx.execute(select(_SUB.c.tag))}


def of_digest(tx: Tx, digest_id: int) -> dict[int, SubscriptionRow]:
    """The subscriptions of a digest, by liaison."""
    return {row.liaison_id: row for row in _rows(tx, select(_SUB).where(_SUB.c.digest_id == digest_id))}


def of_liaison(tx: Tx, liaison_id: int) -> list[SubscriptionRow]:
    """The subscriptions of a liaison."""
    return _rows(tx, select(_SUB).where(_SUB.c.liaison_id == liaison_id))


def by_tag(tx: Tx, tag: int) -> SubscriptionRow | None:
    """The subscription that a `leave` token names."""
    found = _rows(tx, select(_SUB).where(_SUB.c.tag == tag))
    return found[0] if found else None


def _rows(tx: Tx, query: Any) -> list[SubscriptionRow]:
    rows = tx.execute(query.order_by(_SUB.c.id)).all()
    interests: dict[int, list[int]] = defaultdict(list)
    ids = [row.id for row in rows]
    for start in range(0, len(ids), CHUNK):
        for one in tx.execute(
            select(_INTEREST.c.subscription_id, _INTEREST.c.track_id)
            .where(
                _INTEREST.c.subscription_id.in_(ids[start : start + CHUNK]),
                _INTEREST.c.active,
                _INTEREST.c.track_id.is_not(None),
            )
            .order_by(_INTEREST.c.track_id)
        ):
            interests[one.subscription_id].append(one.track_id)
    return [
        SubscriptionRow(
            id=row.id,
            digest_id=row.digest_id,
            liaison_id=row.liaison_id,
            tag=row.tag,
            state=row.state,
            cadence=row.cadence,
            size=row.size,
            cursor=row.cursor,
            turn=row.turn,
            interests=tuple(interests[row.id]),
        )
        for row in rows
    ]


def since_seq(tx: Tx, digest_id: int) -> int:
    """What is over at this seq counts as known to who joins now (N12): the last frozen edition's, or the baseline."""
    last = tx.execute(
        select(func.max(_EDITION.c.seq)).where(
            _EDITION.c.digest_id == digest_id, _EDITION.c.state.in_([EditionState.APPROVED, EditionState.MAILED])
        )
    ).scalar()
    if last is not None:
        return int(last)
    baseline = select(_PROCESS.c.baseline_seq).join(_DIGEST, _DIGEST.c.process_id == _PROCESS.c.id)
    return int(tx.execute(baseline.where(_DIGEST.c.id == digest_id)).scalar_one())


def add(tx: Tx, digest_id: int, rows: Sequence[Mapping[str, Any]], since: int) -> list[int]:
    """Subscribe liaisons: liaison_id, tag, cadence, size, interests (track ids, none: all); gives ids in order."""
    made = insert_rows(
        tx,
        _SUB,
        [
            {
                "digest_id": digest_id,
                "liaison_id": row["liaison_id"],
                "tag": row["tag"],
                "state": "active",
                "cadence": row["cadence"],
                "size": row["size"],
                "turn": 0,
            }
            for row in rows
        ],
    )
    interests = [
        {"subscription_id": made_id, "track_id": track_id, "since_seq": since, "active": True}
        for made_id, row in zip(made, rows, strict=True)
        for track_id in (row["interests"] or (None,))
    ]
    if interests:
        tx.execute(insert(_INTEREST), interests)
    return made


def change(tx: Tx, subscription_id: int, **values: Any) -> None:
    """Set cadence, size or state. News does not depend on them, so the cursor stays (N14)."""
    tx.execute(update(_SUB).where(_SUB.c.id == subscription_id).values(**values))


def void(tx: Tx, subscription_ids: Collection[int]) -> None:
    """What these readers know must be worked out anew (N6)."""
    ids = sorted(subscription_ids)
    for start in range(0, len(ids), CHUNK):
        chosen = _SUB.c.id.in_(ids[start : start + CHUNK])
        tx.execute(update(_SUB).where(chosen).values(cursor=None, turn=_SUB.c.turn + 1))


def set_interests(tx: Tx, subscription_id: int, track_ids: Collection[int], since: int) -> bool:
    """Follow exactly these tracks, none for all; voids the cursor. False if that was so already.

    A track followed before keeps its `since_seq`, so that nothing of it is told as if it were new (N12).
    """
    wanted: set[int | None] = set(track_ids) or {None}
    known = {
        row.track_id: row
        for row in tx.execute(select(_INTEREST).where(_INTEREST.c.subscription_id == subscription_id).with_for_update())
    }
    if {track for track, row in known.items() if row.active} == wanted:
        return False
    for track, row in known.items():
        if row.active != (track in wanted):
            tx.execute(update(_INTEREST).where(_INTEREST.c.id == row.id).values(active=track in wanted))
    new = [
        {"subscription_id": subscription_id, "track_id": track, "since_seq": since, "active": True}
        for track in wanted - set(known)
    ]
    if new:
        tx.execute(insert(_INTEREST), new)
    void(tx, [subscription_id])
    return True
