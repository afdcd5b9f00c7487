"""The pages about what came in and what is known: inputs, mail that was not filed, the timeline."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from desk.play.page import Note, Pages, Token
from desk.play.ports import NotDone


class Community:
    """The pages about inputs."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._ports = pages.ports

    def routes(self) -> APIRouter:
        """Where the pages are."""
        router = APIRouter()
        router.add_api_route("/inputs", self.inputs, response_class=HTMLResponse)
        router.add_api_route("/inputs/{input_id}/accept", self.accept, methods=["POST"], response_class=Response)
        router.add_api_route("/inputs/{input_id}/decline", self.decline, methods=["POST"], response_class=Response)
        router.add_api_route("/held", self.held, response_class=HTMLResponse)
        router.add_api_route("/held/{raw_id}/file", self.file_held, methods=["POST"], response_class=Response)
        router.add_api_route("/held/{raw_id}/ignore", self.ignore_held, methods=["POST"], response_class=Response)
        router.add_api_route("/timeline", self.timeline, response_class=HTMLResponse)
        return router

    def inputs(self, request: Request) -> HTMLResponse:
        """Inputs as they are filed, newest first."""
        return self._pages.show(request, "inputs.html", inputs=self._ports.inputs())

    def accept(self, input_id: int, token: Token) -> Response:
        """Take an input up."""
        return self._do(
            token, f"/inputs#input-{input_id}", lambda: self._ports.accept(input_id), "Accepted: the next digest tells."
        )

    def decline(self, input_id: int, token: Token, reason: Annotated[str, Form(max_length=2_000)] = "") -> Response:
        """Do not take an input up."""
        return self._do(
            token,
            f"/inputs#input-{input_id}",
            lambda: self._ports.decline(input_id, reason.strip()),
            "Declined: its author is told in the next digest.",
        )

    def held(self, request: Request) -> HTMLResponse:
        """Mail that was not filed, newest first."""
        return self._pages.show(request, "held.html", held=self._ports.held())

    def file_held(self, raw_id: int, token: Token) -> Response:
        """File a held mail after all."""
        return self._do(token, "/held", lambda: self._ports.file_held(raw_id), "Filed: it is among the inputs now.")

    def ignore_held(self, raw_id: int, token: Token) -> Response:
        """Drop a held mail."""
        return self._do(token, "/held", lambda: self._ports.ignore_held(raw_id), "Ignored.")

    def timeline(self, request: Request) -> HTMLResponse:
        """The entries as they are known now, in order of their dates."""
        return self._pages.show(request, "timeline.html", entries=self._ports.timeline())

    def _do(self, token: str, back: str, act: Callable[[], None], done: str) -> Response:
        self._pages.check(token)
        try:
            act()
        except NotDone as error:
            return self._pages.go(back, Note(str(error), "bad"))
        return self._pages.go(back, Note(done))
