"""What an enqueue must know of a digest's readers: who they are, what they were told, what still waits for them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from sqlalchemy import func, select, text, tuple_, union_all, update

from db.bulk import insert_new
from db.engine import CHUNK, Tx
from db.states import TOLD, WAITING
from db.tables import (
    Address,
    Delivery,
    DeliveryPersonal,
    DeliveryTold,
    Edition,
    Interest,
    LeftOut,
    Liaison,
    Mailing,
    Mandate,
    NewsItem,
    RosterGroup,
    Subscription,
    Variant,
)

_L: Any = Liaison.__table__  # type: ignore[attr-defined]
_S: Any = Subscription.__table__  # type: ignore[attr-defined]
_I: Any = Interest.__table__  # type: ignore[attr-defined]
_ADDRESS: Any = Address.__table__  # type: ignore[attr-defined]
_D: Any = Delivery.__table__  # type: ignore[attr-defined]
_M: Any = Mailing.__table__  # type: ignore[attr-defined]
_V: Any = Variant.__table__  # type: ignore[attr-defined]
_N: Any = NewsItem.__table__  # type: ignore[attr-defined]
_T: Any = DeliveryTold.__table__  # type: ignore[attr-defined]
_P: Any = DeliveryPersonal.__table__  # type: ignore[attr-defined]
_E: Any = Edition.__table__  # type: ignore[attr-defined]
_LEFT: Any = LeftOut.__table__  # type: ignore[attr-defined]
_MANDATE: Any = Mandate.__table__  # type: ignore[attr-defined]
_GROUP: Any = RosterGroup.__table__  # type: ignore[attr-defined]

# As the index of primary addresses says it: SQLite takes a partial index for its own words only.
_PRIMARY: Any = text("address.is_primary")

SubjectKey = tuple[str, int]
# What waits is superseded by the edition that is being enqueued, so it counts as not told (N9).
_FIRM = tuple(state for state in TOLD if state not in WAITING)


@dataclass(frozen=True, slots=True)
class Reader:
    """A subscriber of a digest as stored."""

    liaison_id: int
    liaison_tag: int
    state: str
    paused_until: date | None
    name: str
    zone: str
    hour: int
    languages: tuple[str, ...]
    quiet: Any
    subscription_id: int | None
    subscription_tag: int
    subscription_state: str
    cadence: str
    size: str
    cursor: int | None
    turn: int
    address_id: int | None
    addr: str
    address_key: str
    verified: bool
    interests: tuple[tuple[int | None, int], ...]  # (track or None for all, since_seq), active ones
    joined_seq: int  # since when anything of this digest has concerned them


def _select_readers() -> Any:
    return (
        select(
            _L,
            _S.c.id.label("subscription_id"),
            _S.c.tag.label("subscription_tag"),
            _S.c.state.label("subscription_state"),
            _S.c.cadence,
            _S.c.size,
            _S.c.cursor,
            _S.c.turn,
            _ADDRESS.c.id.label("address_id"),
            _ADDRESS.c.addr,
            _ADDRESS.c.key.label("address_key"),
            _ADDRESS.c.verified_at,
        )
        .select_from(_S.join(_L, _L.c.id == _S.c.liaison_id))
        .outerjoin(
            _ADDRESS,
            (_ADDRESS.c.liaison_id == _L.c.id) & _PRIMARY & _ADDRESS.c.retired_at.is_(None),
        )
        .order_by(_S.c.liaison_id)
    )


def subscribers(tx: Tx, digest_id: int, after_liaison: int = 0, limit: int = CHUNK) -> list[Reader]:
    """A chunk of a digest's subscribers in order of liaison id, those after `after_liaison`."""
    query = _select_readers().where(_S.c.digest_id == digest_id, _S.c.liaison_id > after_liaison).limit(limit)
    return _readers(tx, tx.execute(query).all())


def subscribers_by_id(tx: Tx, digest_id: int, liaison_ids: Sequence[int]) -> list[Reader]:
    """These subscribers of a digest."""
    query = _select_readers().where(_S.c.digest_id == digest_id, _L.c.id.in_(liaison_ids))
    return _readers(tx, tx.execute(query).all())


def _readers(tx: Tx, rows: Sequence[Any]) -> list[Reader]:
    interests: dict[int, list[tuple[int | None, int]]] = defaultdict(list)
    joined: dict[int, int] = {}
    ids = [row.subscription_id for row in rows]
    for row in tx.execute(
        select(_I.c.subscription_id, _I.c.track_id, _I.c.since_seq, _I.c.active)
        .where(_I.c.subscription_id.in_(ids))
        .order_by(_I.c.track_id)
    ):
        joined[row.subscription_id] = min(row.since_seq, joined.get(row.subscription_id, row.since_seq))
        if row.active:
            interests[row.subscription_id].append((row.track_id, row.since_seq))
    return [
        Reader(
            liaison_id=row.id,
            liaison_tag=row.tag,
            state=row.state,
            paused_until=row.paused_until,
            name=row.name or "",
            zone=row.zone,
            hour=row.hour,
            languages=tuple(row.languages),
            quiet=row.quiet,
            subscription_id=row.subscription_id,
            subscription_tag=row.subscription_tag,
            subscription_state=row.subscription_state,
            cadence=row.cadence,
            size=row.size,
            cursor=row.cursor,
            turn=row.turn,
            address_id=row.address_id,
            addr=row.addr or "",
            address_key=row.address_key or "",
            verified=row.verified_at is not None,
            interests=tuple(interests[row.subscription_id]),
            joined_seq=joined.get(row.subscription_id, 0),
        )
        for row in rows
    ]


def told(tx: Tx, subscription_ids: Sequence[int], liaison_ids: Sequence[int]) -> dict[int, dict[SubjectKey, int]]:
    """The exact path: per liaison, the seq at which they were last told of each subject (N5)."""
    told_rows = _D.c.state.in_(_FIRM)
    shared = (
        select(_D.c.liaison_id, _N.c.subject_kind, _N.c.subject_id, _M.c.seq)
        .join(_M, _M.c.id == _D.c.mailing_id)
        .join(_V, _V.c.id == _D.c.variant_id)
        .join(_N, _N.c.news_set_id == _V.c.news_set_id)
        .where(_D.c.subscription_id.in_(subscription_ids), told_rows)
    )
    own = (
        select(_D.c.liaison_id, _T.c.subject_kind, _T.c.subject_id, _M.c.seq)
        .join(_M, _M.c.id == _D.c.mailing_id)
        .join(_T, _T.c.delivery_id == _D.c.id)
        # A filter alone: SQLite, which counts no rows, would walk through every mail that was ever sent.
        .where(_D.c.liaison_id.in_(liaison_ids), func.coalesce(_D.c.state, "").in_(_FIRM))
    )
    both = union_all(shared, own).subquery()
    found: dict[int, dict[SubjectKey, int]] = defaultdict(dict)
    for row in tx.execute(
        select(both.c.liaison_id, both.c.subject_kind, both.c.subject_id, func.max(both.c.seq).label("seq")).group_by(
            both.c.liaison_id, both.c.subject_kind, both.c.subject_id
        )
    ):
        found[row.liaison_id][(row.subject_kind, row.subject_id)] = row.seq
    return found


def errata_since(tx: Tx, subscription_ids: Sequence[int]) -> dict[int, list[tuple[int, frozenset[SubjectKey]]]]:
    """Told errata per liaison: (seq, subjects), for those after a cursor (N16)."""
    found: dict[int, dict[int, set[SubjectKey]]] = defaultdict(lambda: defaultdict(set))
    for row in tx.execute(
        select(_D.c.liaison_id, _M.c.seq, _N.c.subject_kind, _N.c.subject_id)
        .join(_M, _M.c.id == _D.c.mailing_id)
        .join(_V, _V.c.id == _D.c.variant_id)
        .join(_N, _N.c.news_set_id == _V.c.news_set_id)
        .where(_D.c.subscription_id.in_(subscription_ids), _D.c.state.in_(_FIRM), _M.c.kind == "erratum")
    ):
        found[row.liaison_id][row.seq].add((row.subject_kind, row.subject_id))
    return {liaison: [(seq, frozenset(s)) for seq, s in sorted(by.items())] for liaison, by in found.items()}


def last_regular(tx: Tx, digest_id: int, liaison_ids: Sequence[int]) -> dict[int, str]:
    """Per liaison, the slot of the newest told regular delivery of this digest (N10)."""
    rows = tx.execute(
        select(_D.c.liaison_id, func.max(_E.c.slot_wall).label("slot"))
        .join(_M, _M.c.id == _D.c.mailing_id)
        .join(_E, _E.c.id == _M.c.edition_id)
        .where(
            _D.c.liaison_id.in_(liaison_ids),
            _D.c.state.in_(_FIRM),
            _E.c.digest_id == digest_id,
            _E.c.kind == "regular",
        )
        .group_by(_D.c.liaison_id)
    )
    return {row.liaison_id: row.slot for row in rows}


def ever_told(tx: Tx, digest_id: int, subscription_ids: Sequence[int]) -> set[int]:
    """Which liaisons of these have ever been told an edition of this digest: the others get a first digest."""
    once = (
        select(_D.c.id)
        .join(_M, _M.c.id == _D.c.mailing_id)
        .where(_D.c.subscription_id == _S.c.id, _D.c.state.in_(_FIRM), _M.c.digest_id == digest_id)
        .exists()
    )
    return set(tx.execute(select(_S.c.liaison_id).where(_S.c.id.in_(subscription_ids), once)).scalars())


def waiting(tx: Tx, digest_id: int, subscription_ids: Sequence[int]) -> dict[int, list[int]]:
    """Per liaison, the deliveries of this digest that have not left: they are superseded by a new one (N9)."""
    found: dict[int, list[int]] = defaultdict(list)
    for row in tx.execute(
        select(_D.c.liaison_id, _D.c.id)
        .join(_M, _M.c.id == _D.c.mailing_id)
        .where(_D.c.subscription_id.in_(subscription_ids), _D.c.state.in_(WAITING), _M.c.digest_id == digest_id)
    ):
        found[row.liaison_id].append(row.id)
    return found


def add_personal(tx: Tx, rows: Sequence[tuple[int, Any, Sequence[SubjectKey]]]) -> None:
    """Store what only these readers' mails say, and which of their own statements it tells: per delivery id."""
    insert_new(tx, _P, [{"delivery_id": delivery, "body": body} for delivery, body, _ in rows])
    insert_new(
        tx,
        _T,
        [
            {"delivery_id": delivery, "subject_kind": kind, "subject_id": subject_id}
            for delivery, _, subjects in rows
            for kind, subject_id in subjects
        ],
    )


def settled(tx: Tx, mailing_id: int) -> tuple[int, str]:
    """How many liaisons have a delivery or a reason for none, and a hash over who has which (E3)."""
    digest, total = sha256(), 0
    for table, mark in ((_D, "d"), (_LEFT, "l")):
        rows = tx.execute(
            select(table.c.liaison_id).where(table.c.mailing_id == mailing_id).order_by(table.c.liaison_id)
        )
        for row in rows:
            digest.update(f"{mark}{row.liaison_id or 0}\n".encode())
            total += 1
    return total, digest.hexdigest()


def groups_of(tx: Tx, liaison_ids: Sequence[int]) -> dict[int, list[tuple[str, str, str]]]:
    """Per liaison the groups they stand for: (region, slug, name)."""
    found: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for liaison_id, *group in tx.execute(
        select(_MANDATE.c.liaison_id, _GROUP.c.region, _GROUP.c.slug, _GROUP.c.name)
        .join(_GROUP, _GROUP.c.id == _MANDATE.c.group_id)
        .where(_MANDATE.c.liaison_id.in_(liaison_ids), _MANDATE.c.until_on.is_(None))
        .order_by(_MANDATE.c.id)
    ):
        found[liaison_id].append(tuple(group))
    return found


def served(tx: Tx, mailing_id: int, liaison_ids: Sequence[int]) -> set[int]:
    """Which of these liaisons have a delivery of a mailing, or a reason for none."""
    found: set[int] = set()
    for table in (_D, _LEFT):
        mine = table.c.mailing_id == mailing_id, table.c.liaison_id.in_(liaison_ids)
        found.update(tx.execute(select(table.c.liaison_id).where(*mine)).scalars())
    return found


def add_deliveries(tx: Tx, rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Write deliveries; gives liaison id -> delivery id of those that are new (promise 1)."""
    return {row.liaison_id: row.id for row in insert_new(tx, _D, rows, "liaison_id", "id")}


def add_left_out(tx: Tx, mailing_id: int, reasons: Sequence[tuple[int, str]]) -> None:
    """Write who gets no mail, and why."""
    insert_new(
        tx,
        _LEFT,
        [{"mailing_id": mailing_id, "liaison_id": liaison, "reason": reason} for liaison, reason in reasons],
    )


def set_cursors(tx: Tx, moves: Sequence[tuple[int, int, int | None]]) -> list[int]:
    """Set cursors where `turn` is unchanged (N7): (subscription, turn, cursor); gives those that were set."""
    done: list[int] = []
    by_cursor: dict[int | None, list[tuple[int, int]]] = defaultdict(list)
    for subscription, turn, cursor in moves:
        by_cursor[cursor].append((subscription, turn))
    for cursor, pairs in by_cursor.items():
        unchanged = tuple_(_S.c.id, _S.c.turn).in_(pairs)
        rows = tx.execute(update(_S).where(unchanged).values(cursor=cursor).returning(_S.c.id))
        done.extend(int(row.id) for row in rows)
    return done


def lock_turns(tx: Tx, subscription_ids: Sequence[int]) -> dict[int, int]:
    """The present turn of subscriptions, locked until the transaction ends."""
    rows = tx.execute(select(_S.c.id, _S.c.turn).where(_S.c.id.in_(subscription_ids)).with_for_update())
    return {row.id: row.turn for row in rows}


def void(tx: Tx, subscription_ids: Sequence[int]) -> None:
    """The shortcut no longer holds for these: the next edition works out what they know (N6)."""
    if subscription_ids:
        tx.execute(update(_S).where(_S.c.id.in_(subscription_ids)).values(cursor=None, turn=_S.c.turn + 1))


def left_out_reason(tx: Tx, mailing_id: int, liaison_id: int) -> str | None:
    """Why a liaison got no mail of a mailing; None when they did, or were not there."""
    reason: str | None = tx.execute(
        select(_LEFT.c.reason).where(_LEFT.c.mailing_id == mailing_id, _LEFT.c.liaison_id == liaison_id)
    ).scalar()
    return reason
