"""The two threads beside the courier's loop: one draws letters, one records outcomes.

Feed: letters are drawn and packed a few ahead, so memory is flat and the first mail leaves while the rest is still
being claimed. Recorder: outcomes of all connections are recorded in batches; a ticket says when its outcome is durable.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Generator, Iterator

from mailer.letter import Letter, Outcome, Record
from mailer.wire.letters import Parcel, pack


class Feed:
    """Letters on their way from the caller's iterator to the connections."""

    def __init__(self, letters: Iterator[Letter], ahead: int, loop: asyncio.AbstractEventLoop) -> None:
        self.error: BaseException | None = None
        self._letters = letters
        self._ahead = max(1, ahead)
        self._loop = loop
        self._ready: deque[Parcel] = deque()
        self._room = threading.Event()
        self._hungry = False
        self._stopped = False
        self._dropped = False
        self._ended = False
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._thread = threading.Thread(target=self._run, name="tidings-letters", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for letter in self._letters:
                if len(self._ready) >= self._ahead:
                    self._room.clear()
                    if len(self._ready) >= self._ahead and not self._stopped:
                        self._room.wait()
                if self._dropped:
                    break
                self._ready.append(_packed(letter))
                if self._hungry:
                    self._hungry = False
                    self._loop.call_soon_threadsafe(self._wake)
                if self._stopped:
                    break
            if isinstance(self._letters, Generator):
                # Its transaction, if it has one, ends in the thread where it began.
                self._letters.close()
        except BaseException as error:  # handed over to the caller of carry
            self.error = error
        self._ended = True
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    def take_now(self) -> Parcel | None:
        """The next parcel if there is one."""
        if not self._ready:
            return None
        parcel = self._ready.popleft()
        if len(self._ready) * 2 <= self._ahead and not self._room.is_set():
            self._room.set()
        return parcel

    async def take(self) -> Parcel | None:
        """The next parcel; None when there will be no more."""
        while True:
            ended = self._ended
            parcel = self.take_now()
            if parcel is not None or ended:
                return parcel
            self._hungry = True
            if self._ready or self._ended:
                continue
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def put_back(self, parcel: Parcel) -> None:
        """Return a parcel that was not sent: it is the next one."""
        self._ready.appendleft(parcel)
        self._wake()

    def stop(self, *, drop: bool = False) -> None:
        """Draw no more. What was drawn is still sent, unless `drop`: then it is as after a crash."""
        self._stopped = True
        if drop:
            self._dropped = True
            self._ready.clear()
        self._room.set()


def _packed(letter: Letter) -> Parcel:
    try:
        return pack(letter)
    except ValueError as error:
        fault = Outcome(letter.id, accepted=False, permanent=True, enhanced="5.6.0", text=f"not sent: {error}")
        return Parcel(letter, b"", eight_bit=False, utf8=False, fault=fault)


class Ticket:
    """Stands for one outcome that was handed in: `done` when it is durable."""

    __slots__ = ("done", "waiter")

    def __init__(self) -> None:
        self.done = False
        self.waiter: asyncio.Future[None] | None = None


class Recorder:
    """Hands outcomes to `record` in batches, in one thread. All methods belong to the loop."""

    def __init__(self, record: Record, loop: asyncio.AbstractEventLoop) -> None:
        self.error: BaseException | None = None
        self._record = record
        self._loop = loop
        self._waiting: list[tuple[Outcome, Ticket]] = []
        self._busy = False
        self._queue: queue.SimpleQueue[list[tuple[Outcome, Ticket]] | None] = queue.SimpleQueue()
        self._idle: asyncio.Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="tidings-record", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """How many outcomes wait for the batch after the one that is being recorded."""
        return len(self._waiting)

    def hand_in(self, outcome: Outcome) -> Ticket:
        """Hand in an outcome. What other connections hand in during the same turn of the loop joins the batch."""
        ticket = Ticket()
        self._waiting.append((outcome, ticket))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._send_off)
        return ticket

    async def wait(self, ticket: Ticket) -> bool:
        """Wait until the outcome is durable; False when it never will be, since `record` raised."""
        if not ticket.done and self.error is None:
            ticket.waiter = self._loop.create_future()
            await ticket.waiter
        return ticket.done

    async def finish(self) -> None:
        """Record all that was handed in and end the thread."""
        if self._busy:
            self._idle = self._loop.create_future()
            await self._idle
        self._queue.put(None)

    def _send_off(self) -> None:
        self._queue.put(self._waiting)
        self._waiting = []

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            error: BaseException | None = None
            try:
                self._record([outcome for outcome, _ in batch])
            except BaseException as caught:  # handed over to the caller of carry
                error = caught
            self._loop.call_soon_threadsafe(self._tell, batch, error)

    def _tell(self, batch: list[tuple[Outcome, Ticket]], error: BaseException | None) -> None:
        if error is not None:
            self.error = error
            batch, self._waiting = batch + self._waiting, []
        for _, ticket in batch:
            ticket.done = error is None
            if ticket.waiter is not None and not ticket.waiter.done():
                ticket.waiter.set_result(None)
        self._busy = bool(self._waiting)
        if self._busy:
            self._send_off()
        elif self._idle is not None:
            self._idle.set_result(None)
