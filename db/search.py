"""Full-text search over statements; the one place where the two databases search differently.

Only the masked text of public statements is ever indexed. A query is plain words: all must occur.
"""

import re
from collections.abc import Iterator

from sqlalchemy import text

from db.engine import Tx


def index(tx: Tx, statement_id: int, words: str | None) -> None:
    """Put the words of a statement into the index, in place of earlier ones; None takes it out."""
    if tx.dialect.name == "sqlite":
        tx.execute(text("DELETE FROM statement_search WHERE rowid = :id"), {"id": statement_id})
        statement = "INSERT INTO statement_search(rowid, words) VALUES (:id, :words)"
    else:
        tx.execute(text("DELETE FROM statement_search WHERE statement_id = :id"), {"id": statement_id})
        statement = "INSERT INTO statement_search(statement_id, words) VALUES (:id, to_tsvector('simple', :words))"
    if words is not None:
        tx.execute(text(statement), {"id": statement_id, "words": words})


def entries(tx: Tx) -> Iterator[tuple[int, str]]:
    """Everything in the index: statement id and words."""
    query = (
        "SELECT rowid, words FROM statement_search ORDER BY rowid"
        if tx.dialect.name == "sqlite"
        else "SELECT statement_id, array_to_string(tsvector_to_array(words), ' ') FROM statement_search ORDER BY 1"
    )
    for row in tx.execute(text(query)):
        yield int(row[0]), str(row[1])


def find(tx: Tx, query: str, limit: int = 50) -> list[int]:
    """The ids of statements that hold all words of `query`, best first; nothing for a query without words."""
    words = re.findall(r"\w+", query)
    if not words:
        return []
    if tx.dialect.name == "sqlite":
        match = " ".join(f'"{word}"' for word in words)
        statement = (
            "SELECT rowid FROM statement_search WHERE statement_search MATCH :match ORDER BY rank, rowid LIMIT :n"
        )
    else:
        match = " ".join(words)
        statement = (
            "SELECT statement_id FROM statement_search, plainto_tsquery('simple', :match) q"
            " WHERE words @@ q ORDER BY ts_rank(words, q) DESC, statement_id LIMIT :n"
        )
    return [int(row[0]) for row in tx.execute(text(statement), {"match": match, "n": limit})]
