"""What all public pages share: templates in the reader's language, the token that binds a form to its page, faults.

Pages are plain HTML without scripts. Whatever they show of people or of the process is escaped, and stands in its own
direction.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import date, datetime
from gettext import NullTranslations
from importlib.resources import files
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FunctionLoader, StrictUndefined

from desk.web.guard import from_elsewhere
from flows import preferences
from flows.engine import Engine
from mailer import words

Clock = Callable[[], datetime]


def load(name: str) -> str | None:
    """The text of a page template or style sheet, None when there is none of that name."""
    # A folder without Python of its own takes one step at a time only.
    found = files("templates").joinpath("web").joinpath(name)
    return found.read_text("utf-8") if found.is_file() else None


class Pages:
    """Renders the public pages."""

    def __init__(self, engine: Engine, clock: Clock, catalogues: Mapping[str, NullTranslations]) -> None:
        self.engine, self.clock = engine, clock
        self._catalogues = catalogues
        self._environments: dict[str, Environment] = {}

    def show(self, template: str, lang: str, status_code: int = 200, **values: Any) -> HTMLResponse:
        """A page in a language."""
        if lang not in self._environments:
            self._environments[lang] = _environment(lang, self._catalogues.get(lang) or NullTranslations())
        made = self._environments[lang].get_template(template).render(values)
        return HTMLResponse(made, status_code, {"Content-Language": lang})

    def language(self, request: Request) -> str:
        """The language of a page for somebody unknown."""
        return preferences.pages_language(self.engine, request.headers.get("accept-language", ""))

    def fault(self, request: Request, status_code: int, what: str = "") -> HTMLResponse:
        """A page that says that something is wrong: `link`, `form`, or that there is no such page."""
        return self.show("fault.html", self.language(request), status_code, what=what)

    def gettext(self, lang: str, text: str) -> str:
        """A sentence of ours as a page in that language says it."""
        said = self._catalogues.get(lang)
        return said.gettext(text) if said is not None else text

    def form_token(self, page: str) -> str:
        """What the forms of one page carry."""
        return self.engine.keys.signature("form", page)

    def check(self, request: Request, page: str, token: str) -> None:
        """Refuse a form that is not of this page. Raises HTTPException 403."""
        good = hmac.compare_digest(token.encode(), self.form_token(page).encode())
        if not good or from_elsewhere(request.headers):
            raise HTTPException(403, "form")


def _environment(lang: str, said: NullTranslations) -> Environment:
    environment = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension
        said.gettext, said.ngettext, newstyle=True, pgettext=said.pgettext, npgettext=said.npgettext
    )
    environment.globals.update(lang=lang, dir=words.direction(lang), direction=words.direction)
    environment.filters.update(
        day=lambda value: _day(value, lang),
        language=lambda tag: words.language_name(tag, lang),
        isolate=words.isolate,
        own_name=lambda tag: words.language_name(tag, tag),
    )
    return environment


def _day(value: date, lang: str) -> str:
    return words.day(value, lang)
