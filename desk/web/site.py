"""The application of the public pages: routes, the guard, and a clear page for every fault."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from gettext import NullTranslations

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from desk.web.feeds import FeedPages
from desk.web.guard import Allowance, Guard
from desk.web.join import PER_MINUTE as JOINS_PER_MINUTE
from desk.web.join import JoinPages
from desk.web.pages import Clock, Pages, load
from desk.web.reader import ReaderPages
from desk.web.watch import Probe, WatchPages
from flows.engine import Engine

PATHS = ("leave", "me", "join", "confirm", "calendar", "health", "metrics", "pages.css")
PER_MINUTE = 600.0


def _no_limits() -> Mapping[str, int]:
    return {}


@dataclass(frozen=True, slots=True)
class Site:
    """What the public pages need. `watchers` are the networks that may see measures; `limits` counts limits hit."""

    engine: Engine
    clock: Clock
    catalogues: Mapping[str, NullTranslations]
    allowance: Allowance = field(default_factory=lambda: Allowance(PER_MINUTE))
    joins: Allowance = field(default_factory=lambda: Allowance(JOINS_PER_MINUTE))
    watchers: Sequence[str] = ()
    probes: Mapping[str, Probe] = field(default_factory=dict)
    limits: Callable[[], Mapping[str, int]] = _no_limits

    def limits_hit(self) -> dict[str, int]:
        """How often each limit was hit: those of the pages, and of what runs beside them."""
        return {**self.limits(), "web_requests": self.allowance.refused, "web_joins": self.joins.refused}


def site(made: Site) -> FastAPI:
    """The application."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages = Pages(made.engine, made.clock, made.catalogues)
    app.add_middleware(Guard, allowance=made.allowance)
    app.include_router(ReaderPages(pages).routes())
    app.include_router(JoinPages(pages, made.joins).routes())
    app.include_router(FeedPages(pages).routes())
    app.include_router(WatchPages(pages, made.watchers, made.probes, made.limits_hit).routes())
    _style(app)
    _errors(app, pages)
    return app


def _style(app: FastAPI) -> None:
    @app.api_route("/pages.css", methods=["GET", "HEAD"])
    def style() -> Response:
        # The same for everybody; what is kept does not say who looked at which page.
        headers = {"Cache-Control": "public, max-age=3600"}
        return Response(load("pages.css") or "", headers=headers, media_type="text/css; charset=utf-8")


def _errors(app: FastAPI, pages: Pages) -> None:
    @app.exception_handler(StarletteHTTPException)
    def fault(request: Request, error: Exception) -> HTMLResponse:
        assert isinstance(error, StarletteHTTPException)
        what = str(error.detail) if isinstance(error, HTTPException) else ""
        return pages.fault(request, error.status_code, what)

    @app.exception_handler(RequestValidationError)
    def wrong(request: Request, error: Exception) -> HTMLResponse:
        del error
        return pages.fault(request, 422, "form")


class Beside:
    """ASGI: the public pages under their paths, another application everywhere else."""

    def __init__(self, public: ASGIApp, other: ASGIApp) -> None:
        self._public, self._other = public, other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        first = scope.get("path", "").split("/")[1:2]
        chosen = self._public if scope["type"] == "http" and first and first[0] in PATHS else self._other
        await chosen(scope, receive, send)
