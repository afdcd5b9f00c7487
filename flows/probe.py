"""The probe: a short mail that asks whether anything still arrives, before light bounces suppress an address."""

from datetime import timedelta

from db import addresses, editions
from db.engine import Tx
from db.journal import Act
from db.process import ProcessRow
from db.sent import SentRow
from flows import answers, notice
from flows.engine import Engine
from mailer.content import NoticeKind

PATIENCE = timedelta(days=7)  # a probe that has not come back by then has arrived


def is_one(tx: Tx, mailing_id: int) -> bool:
    """Whether a mailing is a probe."""
    return editions.mailing(tx, mailing_id).natural_key.startswith(f"{NoticeKind.PROBE}:")


def send(tx: Tx, engine: Engine, owner: ProcessRow, found: SentRow, *, act: Act) -> None:
    """Put a probe to the address of a delivery into the outbox."""
    if found.liaison_id is None or found.address_id is None:
        return
    to = answers.correspondent(tx, owner, found.liaison_id, found.address_id)
    mine = addresses.addresses(tx, owner.id, [found.liaison_id]).get(found.liaison_id, [])
    if to is None or all(one.id != found.address_id for one in mine):
        return
    single = answers.notice(engine, owner, to, NoticeKind.PROBE, f"{found.address_id}:{act.now:%Y%m%d%H%M%S}")
    notice.enqueue(tx, engine, owner, single, act=act)
