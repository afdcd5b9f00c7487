"""Accepted mails in one statement, where the database is a server: fence, deliveries, attempts and the journal at once.

A busy program waits milliseconds for each trip to a server, and `outbox.record` needs five of them with BEGIN and
COMMIT. All or nothing: where the fence lets one try less through, nothing is written,
since the journal row vouches for all of them; the caller then records them by `outbox.record`.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import DateTime, bindparam, text

from db import attempts, journal
from db.attempts import Fate
from db.engine import Tx
from db.journal import Act
from db.states import DeliveryState

# `fate` is limited to its own length: the planner takes that for the number of rows, and goes by the indexes.
_STATEMENT: Any = text(f"""
    WITH fate AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:fates AS json)) AS f(
            id integer, n integer, at timestamptz, outcome text, code integer, enhanced text, reply text, hash text,
            mark text
        ) LIMIT :number
    ), ours AS MATERIALIZED (
        SELECT d.id FROM delivery d JOIN fate ON d.id = fate.id AND d.tries = fate.n
        WHERE d.state = '{DeliveryState.SENDING}' AND d.lease_by = :worker
        FOR UPDATE OF d
    ), whole AS MATERIALIZED (
        SELECT count(*) = :number AS held FROM ours
    ), sent AS (
        UPDATE delivery d SET state = '{DeliveryState.SENT}', reason = NULL, lease_by = NULL, lease_until = NULL
        FROM fate WHERE d.id = fate.id AND (SELECT held FROM whole)
    ), vouched AS (
        INSERT INTO journal (at, actor, subject_kind, subject_id, why, proof, mark)
        SELECT :at, :actor, :subject_kind, :subject_id, :why, :proof, :mark FROM whole WHERE held
        RETURNING id
    ), closed AS (
        UPDATE attempt a SET ended_at = fate.at, outcome = fate.outcome, code = fate.code, enhanced = fate.enhanced,
            reply = fate.reply, sent_hash = fate.hash, mark = fate.mark, journal_id = vouched.id
        FROM fate, vouched WHERE a.delivery_id = fate.id AND a.n = fate.n
    )
    SELECT count(*) FROM vouched
""").bindparams(bindparam("at", type_=DateTime(timezone=True)))


def record(tx: Tx, act: Act, worker: str, fates: Sequence[Fate]) -> bool:
    """Write accepted tries, on PostgreSQL; False if the lease of one was lost: then nothing is written."""
    marked = attempts.marked(act, fates)
    row = journal.vouching(act, len(marked), attempts.proof(marked))
    rows = [
        {
            "id": fate.delivery_id,
            "n": fate.n,
            "at": (fate.at or act.now).isoformat(),
            "outcome": fate.outcome,
            "code": fate.code,
            "enhanced": fate.enhanced,
            "reply": fate.reply,
            "hash": fate.sent_hash,
            "mark": mark,
        }
        for fate, mark in marked
    ]
    values = {**row, "fates": json.dumps(rows), "number": len(rows), "worker": worker}
    return bool(tx.execute(_STATEMENT, values).scalar_one())
