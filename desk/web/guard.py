"""The guard before every public page: limits on size and rate, and headers that keep a page to itself.

A signed link is the authority of these pages, there are no cookies; so a foreign form can do nothing without the link.
Forms are still bound to their page by a token, but for the one-click request, which a mail provider sends (RFC 8058).
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 64_000
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
FAULT_COST = 20  # what a request costs that found nothing: guessing is dear, using a link is cheap


def network(host: str) -> str:
    """The neighbourhood of an address, /24 or /64: what limits count by."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 64}", strict=False))


class Allowance:
    """So many points a minute for each neighbourhood, given back evenly; the quietest are forgotten first."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic, most: int = 20_000) -> None:
        self._most, self._per_minute, self._clock = most, per_minute, clock
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.refused = 0

    def _left(self, who: str) -> float:
        spent, at = self._spent.get(who, (0.0, 0.0))
        return max(0.0, spent - (self._clock() - at) * self._per_minute / 60)

    def take(self, who: str, points: float = 1) -> bool:
        """Whether there was still something left; taken either way."""
        spent = self._left(who)
        self._spent[who] = (min(spent + points, 2 * self._per_minute), self._clock())
        self._spent.move_to_end(who)
        if len(self._spent) > self._most:
            self._spent.popitem(last=False)
        if spent >= self._per_minute:
            self.refused += 1
            return False
        return True


class Guard:
    """ASGI middleware: judges a request, then lets it through with our headers on the answer."""

    def __init__(self, app: ASGIApp, allowance: Allowance) -> None:
        self._app, self._allowance = app, allowance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        who = network(scope["client"][0] if scope.get("client") else "")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if 400 <= message["status"] < 500:
                    self._allowance.take(who, FAULT_COST)
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope), who)
        answer = self._app if refusal is None else refusal
        await answer(scope, _bounded(receive), with_headers)

    def _refusal(self, method: str, headers: Headers, who: str) -> PlainTextResponse | None:
        if not self._allowance.take(who):
            return PlainTextResponse("too many requests: please try again in a minute\n", 429, {"Retry-After": "60"})
        length = headers.get("content-length", "0")
        if method not in ("GET", "HEAD") and (not length.isdecimal() or int(length) > MAX_BODY):
            return PlainTextResponse("this is too long\n", 413)
        return None


def _bounded(receive: Receive) -> Receive:
    """The same body, cut off with an error after the limit, for requests that do not say their length."""
    taken = 0

    async def read() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY:
            raise HTTPException(413)  # whoever reads a form lets this one through
        return message

    return read


def from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another site sent this form (Fetch Metadata)."""
    return headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
