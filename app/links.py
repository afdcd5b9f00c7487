"""Trying links: whether somebody answers at an address on the web, with limits on time and number."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, build_opener

AT_ONCE = 8
SECONDS = 8.0
_REFUSES_HEAD = (403, 405, 501)
_FINE = (401, 403, 429)  # somebody is there, and does not like machines


def dead(urls: Sequence[str], seconds: float = SECONDS) -> Mapping[str, str]:
    """What is wrong with each address that does not answer within `seconds`; nothing about the others."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        faults = list(pool.map(lambda url: _fault(url, seconds), urls))
    return {url: fault for url, fault in zip(urls, faults, strict=True) if fault}


def _fault(url: str, seconds: float) -> str:
    for method in ("HEAD", "GET"):
        fault, code = _ask(url, method, seconds)
        if code not in _REFUSES_HEAD:
            break
    return "" if code in _FINE else fault


def _ask(url: str, method: str, seconds: float) -> tuple[str, int]:
    if not url.lower().startswith(("http://", "https://")):
        return "not a web address", 0
    try:
        request = Request(url, method=method, headers={"User-Agent": "Tidings link check"})  # noqa: S310 looked at above
        with build_opener().open(request, timeout=seconds) as answer:
            return "", int(answer.status)
    except HTTPError as error:
        error.close()
        return f"{error.code} {error.reason}", error.code
    except (OSError, HTTPException, ValueError) as error:
        return str(getattr(error, "reason", None) or error or type(error).__name__), 0
