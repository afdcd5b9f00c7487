"""Calendar feeds over HTTP, with conditional requests (RFC 9110 section 13): unchanged costs no transfer."""

from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from desk.web.pages import Pages
from flows import feeds
from flows.feeds import Feed

KEEP = "max-age=900"


class FeedPages:
    """The feed of a process, and of a liaison."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> APIRouter:
        """What to serve where."""
        router = APIRouter()
        router.add_api_route("/calendar/me/{token}.ics", self.personal, methods=["GET", "HEAD"])
        router.add_api_route("/calendar/{process}.ics", self.public, methods=["GET", "HEAD"])
        return router

    def public(self, request: Request, process: str) -> Response:
        """Of a process."""
        found = feeds.public(self._pages.engine, process)
        return _answer(request, found, "public") if found else self._pages.fault(request, 404)

    def personal(self, request: Request, token: str) -> Response:
        """Of a liaison."""
        found = feeds.personal(self._pages.engine, token)
        return _answer(request, found, "private") if found else self._pages.fault(request, 404, "link")


def _answer(request: Request, feed: Feed, who: str) -> Response:
    headers = {
        "ETag": f'"{feed.tag}"',
        "Last-Modified": format_datetime(feed.changed_at.astimezone(UTC), usegmt=True),
        "Cache-Control": f"{who}, {KEEP}",
    }
    if _unchanged(request, feed):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="{feed.name}.ics"'
    return Response(feed.data, headers=headers, media_type="text/calendar; charset=utf-8")


def _unchanged(request: Request, feed: Feed) -> bool:
    """Whether the asker has it; an entity tag beats a date (RFC 9110 section 13.2.2)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        have = [one.strip().removeprefix("W/") for one in tags.split(",")]
        return "*" in have or f'"{feed.tag}"' in have
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    if since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    return feed.changed_at.replace(microsecond=0) <= since
