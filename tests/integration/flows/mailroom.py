"""Mails written by hand, and looks at what became of them."""

import itertools
from email.message import EmailMessage
from typing import Any

from sqlalchemy import select

from db import inbound, inputs, tables, tasks
from db.inbound import RawRow
from db.inputs import Filter, InputRow, StatementRow
from flows import inbound as flow
from mailer.message import Envelope
from tests.world import DOMAIN, World

EVERYTHING = Filter(visible=("public", "core", "private", "safety"))
_number = itertools.count(1)


def mail(world: World, sender: str, subject: str, text: str, **headers: str) -> EmailMessage:
    """A mail without an address to go to."""
    made = EmailMessage()
    made["From"] = sender
    made["Subject"] = subject
    made["Message-ID"] = headers.pop("message_id", f"<{next(_number)}.written@{sender.partition('@')[2] or 'x'}>")
    made["Date"] = world.now
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def take(world: World, message: EmailMessage | bytes, to: str, mail_from: str | None = None) -> int:
    """Store and understand a mail as if it had come over SMTP; gives its raw id."""
    data = message if isinstance(message, bytes) else message.as_bytes()
    sender = mail_from if mail_from is not None else str(message["From"]) if isinstance(message, EmailMessage) else ""
    (raw_id,) = flow.store(world.engine, [(Envelope(sender, (to,)), data)], act=world.act("listener"))
    flow.understand(world.engine, act=world.act("clock"))
    return raw_id


def box(name: str) -> str:
    """An address of ours."""
    return f"{name}@{DOMAIN}"


def raw(world: World, raw_id: int) -> RawRow:
    """A raw message."""
    with world.engine.db.read() as tx:
        found = inbound.raw(tx, raw_id)
    assert found is not None
    return found


def newest(world: World) -> RawRow:
    """The raw message that came last."""
    with world.engine.db.read() as tx:
        return inbound.raws(tx, limit=1)[0]


def filed(world: World, raw_id: int | None = None) -> tuple[InputRow, list[StatementRow]]:
    """The input of a raw message (or the newest), with its statements."""
    with world.engine.db.read() as tx:
        row = inputs.by_raw(tx, raw_id) if raw_id is not None else inputs.inputs(tx, world.process().id, EVERYTHING)[0]
        assert row is not None
        return row, inputs.statements(tx, [row.id]).get(row.id, [])


def count(world: World, table: Any) -> int:
    """How many rows a table has."""
    with world.engine.db.read() as tx:
        return len(tx.execute(select(table.__table__)).all())


def open_tasks(world: World) -> list[tuple[str, str]]:
    """Kinds and subjects of what a person must do."""
    with world.engine.db.read() as tx:
        return [(task.kind, task.subject_kind) for task in tasks.tasks(tx, world.process().id)]


def liaison(world: World, name: str) -> Any:
    """A liaison's row by the first name."""
    table: Any = tables.Liaison.__table__
    with world.engine.db.read() as tx:
        return tx.execute(select(table).where(table.c.name.like(f"{name}%"))).one()
