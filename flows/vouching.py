"""Checks of who vouches for mails, made for a whole batch at once: most of the time goes into waiting for the DNS."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType

from db import inbound
from db.inbound import RawRow
from flows.engine import Engine
from flows.look import Vouch, vouched_for
from mailer.message import Envelope
from mailer.parse import parse
from mailer.trust import Vouched

WORKERS = 8
_HEAD = 65_536


@dataclass(slots=True)
class Checks:
    """The checks of a batch, under way. Without `vouch` none is made."""

    engine: Engine
    batch: Sequence[RawRow]
    vouch: Vouch | None
    _pool: ThreadPoolExecutor | None = None
    _found: dict[int, "Future[Vouched]"] = field(default_factory=dict)

    def __enter__(self) -> "Checks":
        if self.vouch is not None and self.batch:
            self._pool = ThreadPoolExecutor(WORKERS, "tidings-vouch")
            self._found = {raw.id: self._pool.submit(self._check, raw) for raw in self.batch}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def of(self, raw: RawRow) -> Vouch | None:
        """What to ask about one mail: the answer may still be on its way."""
        found = self._found.get(raw.id)
        return None if found is None else lambda data, envelope, sender: _answer(found, data, envelope, sender)

    def _check(self, raw: RawRow) -> Vouched:
        with self.engine.db.read() as tx:
            body = inbound.body(tx, raw.id)
        return Vouched() if body is None else vouched_for(self.engine, parse(body.data[:_HEAD]), body, self.vouch)


def _answer(found: "Future[Vouched]", data: bytes, envelope: Envelope, sender: str) -> Vouched:
    del data, envelope, sender
    return found.result()
