"""Signing up: a form, the same answer for every address, and the page behind the link that the mail brought."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from desk.web.guard import Allowance, network
from desk.web.pages import Pages
from flows import preferences, signup
from flows.signup import Faulty, Offer, Wish

CONSENT = "I want to get these digests by mail. My name, address and settings are kept for this until I leave."
"""Stands in join.html too; what is kept as proof is its translation, as the page showed it."""

PER_MINUTE = 6.0
Field = Annotated[str, Form(max_length=300)]


class JoinPages:
    """Asking to take part."""

    def __init__(self, pages: Pages, allowance: Allowance) -> None:
        self._pages, self._allowance = pages, allowance

    def routes(self) -> APIRouter:
        """What to serve where."""
        router = APIRouter()
        router.add_api_route("/join/{process}", self.form, methods=["GET", "HEAD"])
        router.add_api_route("/join/{process}", self.ask, methods=["POST"])
        router.add_api_route("/confirm/{token}", self.look, methods=["GET", "HEAD"])
        router.add_api_route("/confirm/{token}", self.confirm, methods=["POST"])
        return router

    def form(self, request: Request, process: str) -> Response:
        """The empty form."""
        found = signup.offer(self._pages.engine, process)
        if found is None:
            return self._pages.fault(request, 404)
        lang = self._pages.language(request)
        return self._form(lang, process, found, Wish("", "", "", (lang,), found.zone, "", ""))

    def _form(
        self, lang: str, process: str, found: Offer, wish: Wish, wrong: str = "", status_code: int = 200
    ) -> HTMLResponse:
        return self._pages.show(
            "join.html",
            lang,
            422 if wrong and status_code == 200 else status_code,
            offer=found,
            process=process,
            wish=wish,
            wrong=wrong,
            form=self._pages.form_token(f"join/{process}"),
            zones=preferences.zones(),
        )

    def ask(
        self,
        request: Request,
        process: str,
        name: Field = "",
        address: Field = "",
        group: Field = "",
        language: Field = "",
        zone: Field = "",
        agree: Field = "",
        form: Field = "",
    ) -> Response:
        """Take an application. The answer says nothing about the address."""
        self._pages.check(request, f"join/{process}", form)
        found = signup.offer(self._pages.engine, process)
        if found is None:
            return self._pages.fault(request, 404)
        lang = self._pages.language(request)
        near = network(request.client.host if request.client else "")
        wording = self._pages.gettext(lang, CONSENT)
        wish = Wish(
            name.strip(), address.strip(), group, (language,), zone.strip(), wording, f"on the page, from {near}"
        )
        if not agree:
            return self._form(lang, process, found, wish, "agree")
        if not self._allowance.take(near):
            return self._form(lang, process, found, wish, "many", 429)
        try:
            signup.ask_on_page(self._pages.engine, process, wish, now=self._pages.clock())
        except Faulty as error:
            return self._form(lang, process, found, wish, error.field)
        return self._pages.show("asked.html", lang, offer=found)

    def look(self, request: Request, token: str) -> Response:
        """Ask whether it was them; changes nothing."""
        return self._confirm_page(request, token, signup.look(self._pages.engine, token))

    def confirm(self, request: Request, token: str, form: Field = "") -> Response:
        """The address is proved."""
        self._pages.check(request, token, form)
        found = signup.confirm(self._pages.engine, token, "by link", now=self._pages.clock())
        return self._confirm_page(request, token, found)

    def _confirm_page(self, request: Request, token: str, found: signup.Confirming | None) -> HTMLResponse:
        if found is None:
            return self._pages.fault(request, 404, "link")
        form = self._pages.form_token(token)
        return self._pages.show("confirm.html", found.lang, it=found, token=token, form=form)
