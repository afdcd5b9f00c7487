"""The courier: carries letters to smart hosts over kept, pipelined SMTP connections and has each outcome recorded.

Promises: every letter that was drawn gets one outcome, unless `record` or the iterator raises or the program dies. A
connection sends its next final dot only after `record` returned for the mail before it, so at most one mail per open
connection can be accepted by a server without being recorded (docs: promise 4).
`carry` raises what `record` or the iterator raised; it raises nothing for what servers and networks do.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mailer.letter import Letter, Outcome, Record
from mailer.wire.connection import Link, RelayFault, Reply
from mailer.wire.feed import Feed, Recorder, Ticket
from mailer.wire.letters import CarryReport, CourierSettings, Parcel, Relay
from mailer.wire.relays import Relays
from mailer.wire.ride import Ride, refuses_us, unsent

__all__ = ["CarryReport", "Courier", "CourierSettings", "Examined", "Letter", "Outcome", "Record", "Relay"]

_TICK = 0.5
_BACKLOG = 200
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Examined:
    """What a relay says of itself: greeting, version of TLS ('' none), what it offers; or why it cannot be used."""

    relay: Relay
    greeting: str = ""
    secure: str = ""
    offers: tuple[tuple[str, str], ...] = ()
    fault: RelayFault | None = None


class Courier:
    """Connections to the relays, kept between calls of `carry`. Safe to use from one thread at a time."""

    def __init__(self, relays: Sequence[Relay], settings: CourierSettings | None = None) -> None:
        self.settings = settings or CourierSettings()
        self.relays = tuple(relays)
        self._turns = Relays(self.relays, self.settings.relay_rest)
        self._links: set[Link] = set()
        self._idle: list[tuple[Link, float]] = []
        self._carry: _Carry | None = None
        self._turn = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._fault = RelayFault(Reply(0, "4.4.1", "all relays are down"), "")

    def carry(self, letters: Iterator[Letter], record: Record) -> CarryReport:
        """Send all letters; returns when each has a recorded outcome. `letters` is drawn from in another thread."""
        with self._turn:
            return self._run(self._carry_all(letters, record))

    def halt(self) -> None:
        """From any thread: let a running `carry` draw no more letters, finish those it has, and return."""
        carry = self._carry
        if carry is not None:
            carry.feed.stop()

    def examine(self) -> tuple[Examined, ...]:
        """What each relay says of itself: greeted, secured and told who we are, a mail begun and taken back."""
        with self._turn:
            return self._run(self._examine())

    def probe(self) -> str:
        """What `examine` finds, in lines for a person."""
        lines = []
        for one in self.examine():
            lines.append(f"{one.relay.name}:")
            if one.fault is not None:
                lines.append(f"  cannot be used: {one.fault}")
                continue
            offers = ", ".join(f"{word} {value}".strip() for word, value in one.offers)
            lines += [f"  greets: {one.greeting}", f"  TLS: {one.secure or 'none'}", f"  offers: {offers or 'nothing'}"]
        return "\n".join(lines)

    def close(self) -> None:
        """Say QUIT everywhere and end the thread. The courier cannot be used afterwards."""
        if self._thread is not None:
            self.halt()
            with self._turn:
                self._run(self._hang_up())
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._thread = None
        if not self._loop.is_closed():
            self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop.run_forever, name="tidings-courier", daemon=True)
            self._thread.start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            self.halt()
            future.result()
            raise

    async def _carry_all(self, letters: Iterator[Letter], record: Record) -> CarryReport:
        self._carry = carry = _Carry(self, letters, record)
        watch = asyncio.create_task(self._watch())
        try:
            return await carry.run()
        finally:
            self._carry = None
            watch.cancel()

    async def _examine(self) -> tuple[Examined, ...]:
        watch = asyncio.create_task(self._watch())
        found: list[Examined] = []
        try:
            for relay in self.relays:
                try:
                    link = await Link.open(relay, self.settings, self._links)
                    await link.examine()
                except RelayFault as fault:
                    found.append(Examined(relay, fault=fault))
                else:
                    found.append(Examined(relay, link.greeting, link.secure, tuple(link.offers.items())))
                    self.drop(link)
        finally:
            watch.cancel()
        return tuple(found)

    async def _hang_up(self) -> None:
        for link in list(self._links):
            self.drop(link)
        await asyncio.sleep(0)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            now = self._loop.time()
            for link in list(self._links):
                link.check_time(now)

    # -- connections, for _Carry ---------------------------------------------------------------------------

    async def link(self) -> Link:
        """A connection ready for MAIL, kept or new. RelayFault when no relay can be used."""
        while self._idle:
            link, since = self._idle.pop()
            if link.fresh and self._loop.time() - since < self.settings.idle_timeout:
                return link
            self.drop(link)
        for relay in self._turns.turns(self._loop.time()):
            try:
                link = await Link.open(relay, self.settings, self._links)
            except RelayFault as fault:
                self._fault = fault
                if not any(other.relay is relay and not other.over for other in self._links):
                    self._turns.down(relay, self._loop.time())
            else:
                self._turns.up(relay)
                return link
        raise self._fault

    async def other_link(self, parcel: Parcel, unfit: Link) -> Link | None:
        """A connection to another relay that can take a parcel which this one never can; None when none can.

        RelayFault when one that perhaps could is down just now.
        """
        fitting = [
            one for one, _ in self._idle if one.fresh and one.relay is not unfit.relay and one.obstacle(parcel) is None
        ]
        if fitting:
            self._idle = [kept for kept in self._idle if kept[0] is not fitting[0]]
            return fitting[0]
        fault: RelayFault | None = None
        up = self._turns.turns(self._loop.time()) if len(self.relays) > 1 else []
        for relay in self.relays:
            if relay is unfit.relay:
                continue
            if relay not in up:
                fault = self._fault
                continue
            try:
                link = await Link.open(relay, self.settings, self._links)
            except RelayFault as found:
                self._turns.down(relay, self._loop.time())
                fault = found
                continue
            if link.obstacle(parcel) is None:
                return link
            self.drop(link)
        if fault is not None:
            raise fault
        return None

    def keep(self, link: Link) -> None:
        """Keep a connection for the next mail, or the next `carry`."""
        if link.carried:
            self._turns.up(link.relay)
        if refuses_us(link):
            self._fault = RelayFault(link.refusals[-1], link.relay.name)
            self._turns.down(link.relay, self._loop.time())
            self.drop(link)
        elif link.fresh:
            self._idle.append((link, self._loop.time()))
        else:
            self.drop(link)

    def drop(self, link: Link) -> None:
        """Have done with a connection."""
        self._links.discard(link)
        link.close()


class _Carry:
    """One run of `carry`: a few workers, each riding one connection at a time."""

    def __init__(self, courier: Courier, letters: Iterator[Letter], record: Record) -> None:
        self._courier = courier
        self._settings = courier.settings
        self._loop = asyncio.get_running_loop()
        self.feed = Feed(letters, courier.settings.ahead, self._loop)
        self.recorder = Recorder(record, self._loop)
        self._busy = 0
        self._started = self._loop.time()
        self._opened = 0
        self._sums = {"accepted": 0, "temporary": 0, "permanent": 0, "unknown": 0}

    async def run(self) -> CarryReport:
        """Carry everything; raises what the recorder or the iterator raised."""
        workers = [asyncio.create_task(self._work()) for _ in range(max(1, self._settings.connections))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            self.feed.stop(drop=True)
            await self.recorder.finish()
        error = self.recorder.error or self.feed.error
        if error is not None:
            raise error
        return CarryReport(**self._sums, connections=self._opened, seconds=self._loop.time() - self._started)

    async def _work(self) -> None:
        while (parcel := await self.feed.take()) is not None and self.recorder.error is None:
            if parcel.fault is not None:
                await self.settle(parcel.fault)
                continue
            self._busy += 1
            try:
                link = await self._courier.link()
            except RelayFault as fault:
                if self._busy > 1:
                    # Others have a connection or will have the last word: perhaps the relay wants fewer of them.
                    self.feed.put_back(parcel)
                    return
                await self.settle(unsent(parcel, fault.reply, fault.relay, permanent=False))
            else:
                self._opened += not link.carried
                await Ride(self.feed, self.recorder, self.settle, link, self._elsewhere).go(parcel)
                self._courier.keep(link)
            finally:
                self._busy -= 1

    async def _elsewhere(self, parcel: Parcel, unfit: Link) -> bool:
        """Carry a parcel over a relay that can take it, beside the connection that cannot; False when none can."""
        try:
            link = await self._courier.other_link(parcel, unfit)
        except RelayFault as fault:
            await self.settle(unsent(parcel, fault.reply, fault.relay, permanent=False))
            return True
        if link is None:
            return False
        self._opened += not link.carried
        await Ride(self.feed, self.recorder, self.settle, link).one(parcel)
        self._courier.keep(link)
        return True

    async def settle(self, result: Outcome) -> Ticket:
        """Count an outcome and have it recorded; waits only while very many are unrecorded."""
        kind = "accepted" if result.accepted else "permanent" if result.permanent else "temporary"
        self._sums[kind] += 1
        self._sums["unknown"] += result.unknown
        ticket = self.recorder.hand_in(result)
        if self.recorder.backlog > _BACKLOG:
            await self.recorder.wait(ticket)
        return ticket
