"""The playground's viewer: a web application over the ports that it is given.

Pages are plain HTML that work without JavaScript. Reading never changes anything; every act is a POST with a token.
"""

from collections.abc import Collection
from datetime import UTC, datetime, time
from typing import Annotated

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from desk.play.community import Community
from desk.play.guard import Guard
from desk.play.mails import Mails
from desk.play.page import Note, Pages, Token, load, when
from desk.play.ports import Jump, NotDone, Ports

LOCAL = ("127.0.0.1", "localhost", "::1")
Path = Annotated[str, Form(max_length=2_000)]


def viewer(ports: Ports, secret: bytes, hosts: Collection[str] = LOCAL) -> FastAPI:
    """The application. `secret` signs forms (any bytes, fresh at each start); `hosts` are its own names."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages = Pages(ports, secret)
    app.add_middleware(Guard, hosts=hosts)
    app.include_router(Mails(pages).routes())
    app.include_router(Community(pages).routes())
    _clock(app, pages)
    _style(app)
    _errors(app, pages)
    return app


def _clock(app: FastAPI, pages: Pages) -> None:
    @app.post("/clock/next")
    def jump(token: Token, back: Path = "/") -> Response:
        pages.check(token)
        try:
            return pages.go(back, _told(pages.ports.jump()))
        except NotDone as error:
            return pages.go(back, Note(str(error), "bad"))

    @app.post("/clock/to")
    def jump_to(token: Token, day: Annotated[str, Form(max_length=10)], back: Path = "/") -> Response:
        pages.check(token)
        try:
            wanted = datetime.combine(datetime.strptime(day, "%Y-%m-%d").date(), time(12), UTC)  # noqa: DTZ007 - a day
            return pages.go(back, _told(pages.ports.jump_to(wanted)))
        except ValueError:
            return pages.go(back, Note(f"{day!r} is not a day such as 2019-03-31.", "bad"))
        except NotDone as error:
            return pages.go(back, Note(str(error), "bad"))


def _told(jump: Jump) -> Note:
    return Note(f"The clock moved from {when(jump.was)} to {when(jump.now)}.", lines=jump.happened)


def _style(app: FastAPI) -> None:
    @app.get("/style.css")
    def style() -> Response:
        return Response(load("style.css") or "", media_type="text/css; charset=utf-8")


def _errors(app: FastAPI, pages: Pages) -> None:
    @app.exception_handler(StarletteHTTPException)
    def fault(request: Request, error: Exception) -> HTMLResponse:
        assert isinstance(error, StarletteHTTPException)
        words = error.detail if isinstance(error, HTTPException) else "There is no such page."
        return pages.show(request, "fault.html", error.status_code, words=words)

    @app.exception_handler(RequestValidationError)
    def wrong(request: Request, error: Exception) -> HTMLResponse:
        del error
        return pages.show(request, "fault.html", 422, words="The address or form is not one of this playground's.")
