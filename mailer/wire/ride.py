"""Mails over one connection, one after the other, until it ends or no mail is left.

The order that keeps the promise: envelope (sent with the final dot before it where PIPELINING is offered), 354, data
without its dot, *the outcome before this one is durable*, final dot. Every parcel ends in one outcome, or goes back
to the feed when the connection ended before its final dot. Raises nothing.
"""

from collections.abc import Awaitable, Callable

from mailer.letter import Outcome
from mailer.wire.connection import Link, Reply
from mailer.wire.feed import Feed, Recorder, Ticket
from mailer.wire.letters import Parcel

_TRIES = 2
_DOT = b".\r\n"


class Ride:
    """One connection at work."""

    def __init__(
        self,
        feed: Feed,
        recorder: Recorder,
        settle: Callable[[Outcome], Awaitable[Ticket]],
        link: Link,
        elsewhere: Callable[[Parcel, Link], Awaitable[bool]] | None = None,
    ) -> None:
        """`elsewhere` carries a parcel that this server can never take, or not from us, over another one."""
        self._elsewhere = elsewhere
        self._feed = feed
        self._recorder = recorder
        self._settle = settle
        self._link = link
        self._limits = link.settings
        self._pipelining = link.settings.pipelining and "PIPELINING" in link.offers
        self._ticket: Ticket | None = None
        self._stale = False

    async def go(self, first: Parcel) -> None:
        """Carry `first` and whatever the feed has."""
        parcel: Parcel | None = first
        announced = False
        while parcel is not None:
            following = await self._carry(parcel, announced)
            announced = following is not None
            if following is None and (
                self._recorder.error is not None or not self._link.fresh or refuses_us(self._link)
            ):
                return
            parcel = following or await self._feed.take()

    def _is_over(self) -> bool:
        return self._recorder.error is not None or not self._link.fresh or refuses_us(self._link)

    async def one(self, parcel: Parcel) -> None:
        """Carry this one alone, and wait until its outcome is durable: the connection may be used again."""
        self._pipelining = False
        await self._carry(parcel, announced=False)
        if self._ticket is not None:
            await self._recorder.wait(self._ticket)

    async def _carry(self, parcel: Parcel, announced: bool) -> Parcel | None:
        """Carry one parcel; returns the next one when its envelope went out together with the final dot."""
        if not announced and (hindrance := self._hindrance(parcel)) is not None:
            ask = self._elsewhere if hindrance.permanent and parcel.fault is None else None
            if ask is None or not await ask(parcel, self._link):
                self._ticket = await self._settle(hindrance)
            return None
        refusal = await self._offer(parcel, announced)
        if refusal is not None:
            await self._refuse(parcel, refusal)
            return None
        return await self._deliver(parcel)

    def _hindrance(self, parcel: Parcel) -> Outcome | None:
        """The outcome of a parcel that this server can never take."""
        if parcel.fault is not None:
            return parcel.fault
        if _lapsed(parcel):
            return unsent(parcel, _LAPSED, self._link.relay.name, permanent=False)
        obstacle = self._link.obstacle(parcel)
        return None if obstacle is None else unsent(parcel, obstacle, self._link.relay.name, permanent=True)

    # -- the envelope --------------------------------------------------------------------------------------

    async def _offer(self, parcel: Parcel, announced: bool) -> Reply | None:
        """Get the server as far as 354. Otherwise the reply in the way (code 0: the connection ended)."""
        link = self._link
        self._stale = link.over
        if announced:
            replies = await link.expect(3, self._limits.command_timeout)
        else:
            parcel.started = link.loop.time()
            commands = list(link.envelope(parcel))
            if link.dirty:
                commands.insert(0, b"RSET\r\n")
            talk = self._say_at_once if self._pipelining else self._say_in_turn
            replies = (await talk(commands))[len(commands) - 3 :]
        refusal = next((r for r, fits in zip(replies, _FITS, strict=False) if not fits(r)), None)
        if refusal is None and len(replies) < 3:
            refusal = link.lost()
        link.dirty = refusal is not None
        if refusal is not None and len(replies) == 3 and replies[2].code == 354:
            # RFC 2920 section 3.1: the server takes data for nobody; end it at once.
            link.write(_DOT)
            await link.expect(1, self._limits.dot_timeout)
            link.dirty = False
        return refusal

    async def _say_at_once(self, commands: list[bytes]) -> list[Reply]:
        self._link.write(b"".join(commands))
        return await self._link.expect(len(commands), self._limits.command_timeout)

    async def _say_in_turn(self, commands: list[bytes]) -> list[Reply]:
        replies: list[Reply] = []
        for command in commands:
            self._link.write(command)
            replies += await self._link.expect(1, self._limits.command_timeout)
            if len(replies) < 1 or self._link.over or replies[-1].code >= 400:
                break
        return replies

    async def _refuse(self, parcel: Parcel, reply: Reply) -> None:
        """A parcel that got no final dot: its outcome, or another try when only the connection was at fault."""
        link = self._link
        ended = link.over and reply.code in {0, 421}
        kept_waiting = link.timed_out and not self._stale
        if ended and link.carried and not kept_waiting and parcel.tries < _TRIES:
            parcel.tries += 1
            self._feed.put_back(parcel)
            return
        of_us = _of_us(reply, link.carried)
        if of_us and self._elsewhere is not None and await self._elsewhere(parcel, link):
            link.refusals.append(reply)
            return
        self._ticket = await self._settle(self._outcome(parcel, reply, of_us=of_us))

    # -- the data ------------------------------------------------------------------------------------------

    async def _deliver(self, parcel: Parcel) -> Parcel | None:
        """Send the data and, once the outcome before it is durable, the final dot with the next envelope."""
        link, last = self._link, parcel.body
        if self._ticket is not None and not self._ticket.done:
            await link.write_body(parcel.body)
            last = b""
            if not await self._recorder.wait(self._ticket):
                link.abort()
                return None
        if link.over:
            await self._refuse(parcel, link.lost())
            return None
        if _lapsed(parcel):
            link.abort()  # the server waits for data: only an end of the connection keeps it from taking any
            self._ticket = await self._settle(unsent(parcel, _LAPSED, link.relay.name, permanent=False))
            return None
        following = self._next()
        last += _DOT
        if following is not None:
            following.started = link.loop.time()
            last += b"".join(link.envelope(following))
        await link.write_body(last)
        replies = await link.expect(1, self._limits.dot_timeout)
        link.carried += 1
        reply = replies[0] if replies else link.lost()
        self._ticket = await self._settle(self._outcome(parcel, reply, accepted=reply.ok, unknown=not replies))
        return following

    def _next(self) -> Parcel | None:
        """A parcel whose envelope may go out behind a final dot."""
        if not self._pipelining or self._link.carried + 1 >= self._limits.per_connection:
            return None
        parcel = self._feed.take_now()
        if parcel is not None and self._hindrance(parcel) is not None:
            self._feed.put_back(parcel)
            return None
        return parcel

    def _outcome(
        self, parcel: Parcel, reply: Reply, *, accepted: bool = False, unknown: bool = False, of_us: bool = False
    ) -> Outcome:
        return Outcome(
            id=parcel.letter.id,
            accepted=accepted,
            permanent=reply.code >= 500 and not of_us,
            code=reply.code,
            enhanced=reply.enhanced,
            text=reply.text,
            seconds=self._link.loop.time() - parcel.started,
            unknown=unknown,
            relay=self._link.relay.name,
        )


_ABOUT_US = frozenset((530, 534, 535, 538))
"""The relay wants a login or TLS (RFC 4954 section 6, RFC 3207 section 4): once that is mended the mail can go."""


def _of_us(reply: Reply, carried: int) -> bool:
    """Whether an envelope was refused for who we are: once that is mended the mail can go.

    Many servers say so only at RCPT, with a code of policy (RFC 3463 section 3.8): no relaying, a client certificate
    that is over, a blocked address. Where mail went over the same connection before, it is about the recipient.
    """
    return reply.code in _ABOUT_US or (not carried and reply.code >= 500 and reply.enhanced.startswith("5.7."))


_ENOUGH = 3


def refuses_us(link: Link) -> bool:
    """Whether a relay refused us so often, over a connection that carried nothing, that others should carry alone."""
    return not link.carried and len(link.refusals) >= _ENOUGH


_LAPSED = Reply(0, "", "not begun: its lease is nearly over")


def _lapsed(parcel: Parcel) -> bool:
    return parcel.letter.ours is not None and not parcel.letter.ours()


_FITS: tuple[Callable[[Reply], bool], ...] = (
    lambda reply: reply.ok,
    lambda reply: reply.ok,
    lambda reply: reply.code == 354,
)


def unsent(parcel: Parcel, reply: Reply, relay: str, *, permanent: bool) -> Outcome:
    """The outcome of a mail that no server was asked to take, whatever code a relay gave about itself."""
    return Outcome(
        id=parcel.letter.id,
        accepted=False,
        permanent=permanent,
        code=reply.code,
        enhanced=reply.enhanced,
        text=reply.text,
        relay=relay,
    )
