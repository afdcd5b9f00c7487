"""Whether a server may send for a domain (RFC 7208), judged by pyspf on answers of our own resolver.

pyspf's own look-ups and explanations stay unused: each question goes through `ask`, so that the time limit and the
cache of the caller hold and threads share nothing. Never raises.
"""

import ipaddress
import logging
from typing import Any

import spf

from mailer.trust import domain_of
from mailer.wire.dns import Ask

MAX_RECORD = 4_096  # octets of a record; RFC 7208 section 3.4 advises 450, and pyspf's patterns are slow on long ones
MAX_VOID = 2

log = logging.getLogger("tidings.spf")


def check(ask: Ask, peer: str, mail_from: str, helo: str) -> tuple[str, str]:
    """The result (RFC 7208 section 2.6) and the domain that it speaks of, in A-labels.

    The domain is that of `mail_from`, and of `helo` for the null reverse-path (section 2.4). ('none', '') where there
    is no domain, or the peer's address is not known.
    """
    local, _, domain = mail_from.rpartition("@") if mail_from else ("postmaster", "", helo)
    domain = domain_of(f"@{domain}")
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return "none", ""
    if not domain or "." not in domain:
        return "none", ""
    try:
        asking = spf.query(str(address), f"{local}@{domain}", helo or domain)
        asking.dns = _Answers(ask)
        asking.get_explanation = lambda _: None
        return str(asking.check()[0]), domain
    except Exception as error:  # what a record of somebody else's makes of pyspf is never our failure
        log.info("SPF of %s cannot be judged: %s", domain, error)
        return "permerror", domain


class _Answers:
    """What pyspf calls in place of its own `dns`: at most two questions may lead nowhere (section 4.6.4)."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._void = 0

    def __call__(self, name: str, kind: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:
        del cnames  # the resolver follows them
        try:
            values = self._ask(str(name).lower(), kind)
        except OSError as error:
            raise spf.TempError(str(error)) from error
        if not values and not ignore_void:
            self._void += 1
            if self._void > MAX_VOID:
                raise spf.PermError(f"more than {MAX_VOID} look-ups that lead nowhere")
        if kind == "MX":
            return list(enumerate(values))
        if kind != "TXT":
            return list(values)
        texts = [value.encode("utf-8", "surrogateescape") for value in values]
        if any(len(text) > MAX_RECORD and text[:6].lower() == b"v=spf1" for text in texts):
            raise spf.PermError("a record that is too long")
        return [(text,) for text in texts]
