"""Marks: short hashes over what a row says, so that a row that was altered is known by itself.

A mark alone proves nothing, whoever alters a row can mark it anew; `db.seals` chains the marks.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

LENGTH = 16  # hex digits
_ENCODE = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode  # json.dumps makes one for each call


def mark(*values: Any) -> str:
    """The mark of a row that says `values`: numbers, texts, moments."""
    return digest(_ENCODE([_plain(value) for value in values]))[:LENGTH]


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def digest(text: str) -> str:
    """SHA-256 in hex."""
    return sha256(text.encode()).hexdigest()


def over(marks: Iterable[str]) -> str:
    """One hash over many marks in their order."""
    return digest("\n".join(marks))


def sent(content: str, address_id: int | None, lang: str, variant_id: int | None) -> str:
    """What an attempt keeps of a mail: the hash of its content, and a mark that binds it to address and wording.

    Of the address only its number, so that a person who is forgotten leaves nothing that could be tried out.
    """
    return f"{content}.{mark(content, address_id, lang, variant_id)}"


def is_sent(sent_hash: str, address_id: int | None, lang: str, variant_id: int | None) -> bool:
    """Whether that still holds; yes for attempts of programs that bound nothing."""
    content, bound, _ = sent_hash.partition(".")
    return not bound or sent_hash == sent(content, address_id, lang, variant_id)


def of_journal(row: Any) -> str:
    """The mark of a journal row."""
    return mark(
        row.process_id, row.at, row.actor, row.subject_kind, row.subject_id, row.move_from, row.move_to, row.why,
        row.private_hash, row.proof,
    )  # fmt: skip


def of_attempt(row: Any) -> str:
    """The mark of an attempt that has ended."""
    return mark(
        row.delivery_id, row.n, row.ended_at, row.outcome, row.code, row.enhanced, row.reply, row.sent_hash
    )  # fmt: skip
