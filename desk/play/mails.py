"""The pages about caught mail: the list, one mail in four views, and answering it by SMTP."""

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from html import unescape
from typing import Annotated
from urllib.parse import unquote, urlencode

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from desk.play import answer
from desk.play.answer import Draft, Letter, Target
from desk.play.guard import MAIL_POLICY
from desk.play.mailbox import Caught, Wanted
from desk.play.page import KINDS, Pages, Token
from desk.play.ports import Said
from mailer.address import AddressError
from mailer.header import filename
from mailer.message import Message

PAGE = 25
MAX_SENT = 500
VIEWS = {"html": "Rendered", "text": "Text", "headers": "Headers", "source": "Source"}
_MAILTO = re.compile(r'href="mailto:([^"?]+)[^"]*"', re.IGNORECASE)
_HEADER_NAME = re.compile(rb"^([!-9;-~]+):", re.MULTILINE)
Line = Annotated[str, Form(max_length=1_000)]


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer that was handed to the listener, and what it said."""

    mail: int
    draft: Draft
    key: str
    letter: Letter
    said: Said


class Mails:
    """The pages about mail."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._box = pages.ports.mailbox
        self._sent: OrderedDict[int, Sent] = OrderedDict()
        self._lock = threading.Lock()

    def routes(self) -> APIRouter:
        """Where the pages are."""
        router = APIRouter()
        router.add_api_route("/", self.index, response_class=HTMLResponse)
        router.add_api_route("/mail/{n}", self.mail, response_class=HTMLResponse)
        router.add_api_route("/mail/{n}/body", self.body, response_class=HTMLResponse)
        router.add_api_route("/mail/{n}/mail.eml", self.download, response_class=Response)
        router.add_api_route("/mail/{n}/file/{place}", self.file, response_class=Response)
        router.add_api_route("/mail/{n}/answer", self.answer, methods=["POST"], response_class=HTMLResponse)
        router.add_api_route("/sent/{number}", self.sent, response_class=HTMLResponse)
        return router

    def index(
        self, request: Request, to: str = "", find: str = "", kind: str = "", lang: str = "", page: int = 1
    ) -> HTMLResponse:
        """Caught mails, newest first."""
        wanted = Wanted(to=to.strip(), words=find.strip(), kind=kind, lang=lang)
        found = self._box.find(wanted)
        everything = self._box.find()
        pages = max(1, -(-len(found) // PAGE))
        page = min(max(1, page), pages)
        query = {"to": to, "find": find, "kind": kind, "lang": lang}
        return self._pages.show(
            request,
            "mails.html",
            mails=found[(page - 1) * PAGE : page * PAGE],
            total=len(found),
            wanted=wanted,
            page=page,
            pages=pages,
            link=lambda n: "/?" + urlencode({name: value for name, value in {**query, "page": n}.items() if value}),
            people=self._box.recipients(),
            kinds=[(name, KINDS.get(name, name)) for name in sorted({one.kind for one in everything}) if name],
            langs=sorted({one.lang for one in everything if one.lang}),
        )

    def mail(
        self, request: Request, n: int, view: str = "html", to: str = answer.WHOLE, again: int = 0
    ) -> HTMLResponse:
        """One mail, and under it the box to answer."""
        caught, message = self._read(n)
        before = self._sent.get(again)
        if before is not None and before.mail == n:
            return self._mail(request, caught, message, view, before.key, before.draft)
        places = answer.targets(message)
        key = to if any(place.key == to for place in places) else answer.WHOLE
        return self._mail(request, caught, message, view, key, _fresh(caught, message, key))

    def _mail(
        self,
        request: Request,
        caught: Caught,
        message: Message,
        view: str,
        key: str,
        draft: Draft,
        fault: str = "",
    ) -> HTMLResponse:
        raw = self._box.raw(caught.n)
        return self._pages.show(
            request,
            "mail.html",
            422 if fault else 200,
            mail=caught,
            message=message,
            view=view if view in VIEWS and (view != "html" or message.html) else "text",
            views=[pair for pair in VIEWS.items() if pair[0] != "html" or message.html],
            headers=_headers(raw, message),
            source=raw.decode("utf-8", "replace"),
            targets=answer.targets(message),
            key=key,
            draft=draft,
            fault=fault,
            answers=[(number, one) for number, one in self._sent.items() if one.mail == caught.n],
            older=_neighbour(self._box.find(Wanted(to=caught.to)), caught.n, 1),
            newer=_neighbour(self._box.find(Wanted(to=caught.to)), caught.n, -1),
        )

    def body(self, n: int) -> HTMLResponse:
        """The HTML edition by itself, without scripts and without a way to anything remote."""
        _, message = self._read(n)
        if not message.html:
            raise HTTPException(404, "This mail has no HTML edition.")
        markup = _answerable(message.html, n, answer.targets(message))
        headers = {"Content-Security-Policy": MAIL_POLICY}
        return HTMLResponse(markup, headers=headers)

    def download(self, n: int) -> Response:
        """The mail as it was sent."""
        caught, _ = self._read(n)
        name = filename(f"mail-{caught.n}.eml")
        return Response(
            self._box.raw(n), media_type="message/rfc822", headers={"Content-Disposition": f"attachment; {name}"}
        )

    def file(self, n: int, place: int) -> Response:
        """An attachment by its place, from 1, as a download that no browser opens by itself."""
        _, message = self._read(n)
        if not 1 <= place <= len(message.attachments):
            raise HTTPException(404, "This mail has no such attachment.")
        one = message.attachments[place - 1]
        headers = {
            "Content-Disposition": f"attachment; {filename(one.name or f'file-{place}')}",
            "X-Content-Type-Options": "nosniff",
        }
        kind = one.type if one.type == "text/calendar" else "application/octet-stream"
        return Response(one.content, media_type=kind, headers=headers)

    def answer(
        self,
        request: Request,
        n: int,
        token: Token,
        sender: Line,
        to: Line,
        subject: Line,
        text: Annotated[str, Form(max_length=answer.MAX_TEXT)] = "",
        other: Line = "",
    ) -> Response:
        """Send an answer, then show what the server said."""
        self._pages.check(token)
        caught, message = self._read(n)
        places = {place.key: place.addr for place in answer.targets(message)}
        key = to if to in places else answer.WHOLE
        draft = Draft(sender, other.strip() or places.get(key, ""), subject, text)
        try:
            letter = answer.write(message, draft, self._pages.ports.now())
        except AddressError as error:
            return self._mail(request, caught, message, "html", key, draft, str(error))
        said = self._pages.ports.send(letter.mail_from, [letter.rcpt_to], letter.data)
        return self._pages.go(f"/sent/{self._keep(Sent(n, draft, key, letter, said))}")

    def sent(self, request: Request, number: int) -> HTMLResponse:
        """What became of an answer at the door."""
        one = self._sent.get(number)
        if one is None:
            raise HTTPException(404, "There is no such answer: they are forgotten when the playground stops.")
        caught, _ = self._read(one.mail)
        source = one.letter.data.decode("utf-8", "replace")
        return self._pages.show(request, "sent.html", number=number, sent=one, mail=caught, source=source)

    def _read(self, n: int) -> tuple[Caught, Message]:
        caught = self._box.get(n)
        if caught is None:
            raise HTTPException(404, f"There is no mail {n}.")
        return caught, self._box.message(n)

    def _keep(self, one: Sent) -> int:
        with self._lock:
            number = next(reversed(self._sent), 0) + 1
            self._sent[number] = one
            if len(self._sent) > MAX_SENT:
                self._sent.popitem(last=False)
        return number


def _fresh(caught: Caught, message: Message, key: str) -> Draft:
    """What a mail program would open: a reply quotes the mail, a link to an item's address opens an empty one."""
    sender = f"{caught.to_name} <{caught.to}>" if caught.to_name else caught.to
    if key == answer.WHOLE:
        return Draft(sender, "", answer.subject(message), f"\n\n{answer.quotation(message)}\n")
    title = {"leave": "unsubscribe", "help": "help"}.get(key, answer.subject(message))
    return Draft(sender, "", title, "")


def _headers(raw: bytes, message: Message) -> list[tuple[str, str]]:
    names = [name.decode("ascii", "replace") for name in _HEADER_NAME.findall(raw.partition(b"\r\n\r\n")[0])]
    if len(names) != len(message.headers):
        return list(message.headers)
    return [(name, value) for name, (_, value) in zip(names, message.headers, strict=True)]


def _answerable(markup: str, n: int, targets: tuple[Target, ...]) -> str:
    """Links to addresses that can be answered lead to the box under the mail; all others open beside it."""
    keys = {target.addr.lower(): target.key for target in targets}

    def lead(match: re.Match[str]) -> str:
        key = keys.get(unquote(unescape(match[1])).lower())
        return f'href="/mail/{n}?to={key}#answer" target="_top"' if key else match[0]

    head = '<base target="_blank">'
    markup = _MAILTO.sub(lead, markup)
    return markup.replace("<head>", f"<head>{head}", 1) if "<head>" in markup else head + markup


def _neighbour(mails: list[Caught], n: int, step: int) -> Caught | None:
    at = next((place for place, one in enumerate(mails) if one.n == n), None)
    wanted = -1 if at is None else at + step
    return mails[wanted] if 0 <= wanted < len(mails) else None
