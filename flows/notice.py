"""Single letters: receipts, confirmations, alerts. Each is a mailing of its own with one delivery, in the urgent lane.

Written inside the transaction of the act that causes it, so that neither exists without the other. Its natural key
keeps a repeated act from writing twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from db import deployment, editions, readers, variants
from db.engine import Tx
from db.journal import Act
from db.process import ProcessRow
from db.states import DeliveryState, MailingState
from flows import frozen, restore
from flows.engine import Engine
from flows.frozen import Frozen
from mailer import address
from mailer.compose import Rendered

__all__ = ["Single", "enqueue"]

URGENT = -1
LIFE = timedelta(days=3)
TAGS = 8  # how many tags of a natural key are tried when one is taken


@dataclass(frozen=True, slots=True)
class Single:
    """A letter to one person: a liaison by id (with the address to use), or an address alone.

    `kind` is `receipt` (answers a mail) or `notice`. `thread` holds the Message-IDs it answers, oldest first.
    """

    natural_key: str
    kind: str
    rendered: Rendered
    liaison_id: int | None = None
    address_id: int | None = None
    subscription_id: int | None = None
    to_addr: str | None = None
    thread: tuple[str, ...] = ()
    answers: bool = False
    sheet: tuple[str, str] | None = None  # name and text of a file for a translator


def tags(engine: Engine, owner: ProcessRow, natural_key: str) -> list[int]:
    """The tags a mailing may have, in the order in which they are tried (K3)."""
    ring = engine.keys.ring(owner.slug, owner.address_base)
    return [ring.mailing_tag(natural_key, n) for n in range(TAGS)]


def enqueue(
    tx: Tx, engine: Engine, owner: ProcessRow, single: Single, *, act: Act, caused_at: datetime | None = None
) -> int | None:
    """Put a letter into the outbox, due now; gives the delivery's id, None when this key was written before.

    `caused_at`: when the mail came that it answers. Before a restore: the letter may have gone out, so it waits.
    """
    held = caused_at is not None and restore.may_have_gone(caused_at, owner.restored_at)
    mailing_id = editions.add_mailing(
        tx,
        tags(engine, owner, single.natural_key),
        process_id=owner.id,
        natural_key=single.natural_key,
        kind=single.kind,
        seq=0,
        state=MailingState.HELD if held else MailingState.READY,
        paused_why=restore.WHY if held else None,
        generation=deployment.generation(tx),
        lane=URGENT,
        created_at=act.now,
        ready_at=act.now,
        due_at=act.now,
        total=1,
    )
    mailing = editions.mailing(tx, mailing_id)
    body = frozen.dump(
        Frozen(single.rendered, f"{mailing.tag:010x}", single.thread, single.answers, sheet=single.sheet)
    )
    wording = variants.NewVariant("only", [single.rendered.lang], body)
    variant_id = variants.add(tx, mailing_id, [wording])[wording.key]
    to = single.to_addr or ""
    row = {
        "mailing_id": mailing_id,
        "liaison_id": single.liaison_id,
        "subscription_id": single.subscription_id,
        "address_id": single.address_id,
        "to_addr": single.to_addr,
        "domain": address.parse(to).key.rpartition("@")[2] if to else "",
        "variant_id": variant_id,
        "lang": single.rendered.lang,
        "state": DeliveryState.QUEUED,
        "send_at": act.now,
        "not_after": act.now + LIFE,
        "tries": 0,
        "created_at": act.now,
    }
    made = readers.add_deliveries(tx, [row])
    return next(iter(made.values()), None)
