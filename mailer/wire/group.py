"""Group commit: many connections hand in mails, one thread stores them in batches, each learns its fate.

While one batch is being written the next one gathers by itself, so a slow disk makes bigger batches
instead of a longer queue. A future resolves to True (on disk) or False (nothing kept); it never raises.
"""

import asyncio
import logging
import queue
import threading
from collections import Counter

from mailer.wire.ports import Received, Store

log = logging.getLogger("tidings.wire")

_OCTETS_PER_BATCH = 64 * 1024 * 1024
_Entry = tuple[Received, asyncio.Future[bool]]


class GroupCommitter:
    """The one thread that calls `store`. `submit` belongs to the event loop, `close` to anybody else."""

    def __init__(self, store: Store, batch_limit: int, counters: Counter[str]) -> None:
        self._store = store
        self._batch_limit = batch_limit
        self._counters = counters
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="tidings-store", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread; results are delivered to `loop`."""
        self._loop = loop
        self._thread.start()

    def submit(self, received: Received) -> asyncio.Future[bool]:
        """Hand in one mail. Cancelling the future does not stop the store."""
        assert self._loop is not None
        future: asyncio.Future[bool] = self._loop.create_future()
        self._queue.put((received, future))
        return future

    def stop(self) -> None:
        """Ask the thread to end once everything handed in is stored."""
        self._queue.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the thread to end."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            batch, last = self._gather(first)
            self._commit(batch)
            if last:
                return

    def _gather(self, first: _Entry) -> tuple[list[_Entry], bool]:
        """Everything that waits, within the limits of a batch; True when the thread shall end after it."""
        batch = [first]
        octets = len(first[0].data)
        while len(batch) < self._batch_limit and octets < _OCTETS_PER_BATCH:
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                break
            if entry is None:
                return batch, True
            batch.append(entry)
            octets += len(entry[0].data)
        return batch, False

    def _commit(self, batch: list[_Entry]) -> None:
        kept = True
        try:
            self._store([received for received, _ in batch])
        except Exception as error:
            kept = False
            # The first line only: database errors go on to quote the row, which is somebody's mail.
            reason = str(error).partition("\n")[0][:200]
            log.error("store failed for %d mails: %s: %s", len(batch), type(error).__name__, reason)
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._tell, batch, kept)
        except RuntimeError:
            log.warning("the listener was gone before %d mails were stored", len(batch))

    def _tell(self, batch: list[_Entry], kept: bool) -> None:
        self._counters["batches"] += 1
        if not kept:
            self._counters["store_failed"] += len(batch)
        for _, future in batch:
            if not future.done():
                future.set_result(kept)
