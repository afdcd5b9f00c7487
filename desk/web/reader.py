"""The pages of one reader behind a signed link: leaving (one click, RFC 8058), and everything they can set.

A GET changes nothing, ever. The request of a mail provider is `List-Unsubscribe=One-Click`, in either encoding of a
form; the button on the page sends the same, so that both take one way.
"""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from desk.web.pages import Pages
from flows import preferences
from flows.engine import Refused
from flows.preferences import Faulty, Preferences, Wish

ONE_CLICK = "One-Click"
Short = Annotated[str, Form(max_length=100)]


class ReaderPages:
    """Leaving and settings."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> APIRouter:
        """What to serve where."""
        router = APIRouter()
        router.add_api_route("/leave/{token}", self.ask, methods=["GET", "HEAD"])
        router.add_api_route("/leave/{token}", self.leave, methods=["POST"])
        router.add_api_route("/leave/{token}/undo", self.undo, methods=["POST"])
        router.add_api_route("/me/{token}", self.settings, methods=["GET", "HEAD"])
        router.add_api_route("/me/{token}/settings", self.save, methods=["POST"])
        router.add_api_route("/me/{token}/pause", self.pause, methods=["POST"])
        router.add_api_route("/me/{token}/resume", self.undo, methods=["POST"])
        return router

    def ask(self, request: Request, token: str) -> Response:
        """Ask whether they want to leave; changes nothing."""
        found = preferences.look(self._pages.engine, token, now=self._pages.clock())
        return self._leave_page(request, token, found)

    def leave(
        self,
        request: Request,
        token: str,
        one_click: Annotated[str, Form(alias="List-Unsubscribe", max_length=100)] = "",
        page: Short = "",
    ) -> Response:
        """Stop all digests at once. Answers with a page, never with a redirection (RFC 8058 section 3.1)."""
        if one_click != ONE_CLICK:
            return self._pages.fault(request, 400, "form")
        why = "left on page" if page else "one-click"
        found = preferences.leave(self._pages.engine, token, why, now=self._pages.clock())
        return self._leave_page(request, token, found)

    def _leave_page(self, request: Request, token: str, found: Preferences | None) -> HTMLResponse:
        if found is None:
            return self._pages.fault(request, 404, "link")
        return self._pages.show(
            "leave.html", found.lang, me=found, token=token, form=self._pages.form_token(token), wrong=""
        )

    def undo(self, request: Request, token: str, form: Short = "") -> Response:
        """Have digests again: after leaving, or from a pause."""
        self._pages.check(request, token, form)
        try:
            found = preferences.come_back(self._pages.engine, token, now=self._pages.clock())
        except Refused:  # too long ago: the page says whom to ask
            return self.settings(request, token)
        return self._settings_page(request, token, found, back=True)

    def settings(self, request: Request, token: str) -> Response:
        """Everything that is set; changes nothing."""
        found = preferences.look(self._pages.engine, token, now=self._pages.clock())
        return self._settings_page(request, token, found)

    def save(
        self,
        request: Request,
        token: str,
        hour: Annotated[int, Form()],
        zone: Short,
        cadence: Short,
        size: Short,
        language: Annotated[list[str] | None, Form(max_length=20)] = None,
        track: Annotated[list[str] | None, Form(max_length=200)] = None,
        form: Short = "",
        undone: Short = "",
    ) -> Response:
        """Set what the form says; the page after it can take it back."""
        self._pages.check(request, token, form)
        engine, now = self._pages.engine, self._pages.clock()
        before = preferences.look(engine, token, now=now)
        chosen = tuple(one for one in language or () if one)
        wish = Wish(chosen, hour, zone.strip(), cadence, size, tuple(track or ()))
        try:
            changed = preferences.save(engine, token, wish, now=now)
        except Faulty as error:
            return self._settings_page(request, token, before, wrong=error.field, given=zone)
        after = preferences.look(engine, token, now=now)
        was = before.wish if before and changed and not undone else None
        return self._settings_page(request, token, after, saved=True, was=was)

    def pause(
        self,
        request: Request,
        token: str,
        until: Short = "",
        tell: Annotated[list[int] | None, Form(max_length=50)] = None,
        form: Short = "",
    ) -> Response:
        """Pause until a day, and tell who stands in."""
        self._pages.check(request, token, form)
        engine, now = self._pages.engine, self._pages.clock()
        try:
            day = date.fromisoformat(until) if until else None
            found = preferences.pause(engine, token, day, tell or (), now=now)
        except (ValueError, Faulty):
            return self._settings_page(
                request, token, preferences.look(engine, token, now=now), wrong="until", given=until
            )
        return self._settings_page(request, token, found, saved=True)

    def _settings_page(
        self,
        request: Request,
        token: str,
        found: Preferences | None,
        *,
        wrong: str = "",
        given: str = "",
        saved: bool = False,
        back: bool = False,
        was: Wish | None = None,
    ) -> HTMLResponse:
        if found is None:
            return self._pages.fault(request, 404, "link")
        return self._pages.show(
            "me.html",
            found.lang,
            422 if wrong else 200,
            me=found,
            token=token,
            form=self._pages.form_token(token),
            wrong=wrong,
            given=given,
            saved=saved,
            back=back,
            was=was,
            zones=preferences.zones(),
            slots=range(preferences.MOST_LANGUAGES),
        )
