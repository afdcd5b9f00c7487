"""Who vouches for a mail that came in: SPF, DKIM and DMARC, asked of the DNS within a time limit. Never raises.

Mail that a front server of ours handed on is judged by its signatures alone, unless the server told whom it came from
(`mailer.wire.forward`): its own address says nothing.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mailer import trust
from mailer.message import Envelope
from mailer.trust import Vouched
from mailer.wire import dkim, spf
from mailer.wire.dns import PATIENCE, Ask, Resolver

SECONDS = 10.0  # for all questions about one mail

log = logging.getLogger("tidings.vouch")


@dataclass(frozen=True, slots=True)
class Voucher:
    """Checks mails. `fronts` are networks of our own front servers; safe to use from any number of threads."""

    resolver: Resolver
    fronts: Sequence[str] = ()
    seconds: float = SECONDS

    def __call__(self, data: bytes, envelope: Envelope, from_addr: str) -> Vouched:
        """The verdict on the From address of a mail, and what it rests on."""
        try:
            return self._judge(data, envelope, from_addr, self._within(time.monotonic() + self.seconds))
        except Exception:  # a verdict is worth less than the mail it is about
            log.exception("a mail cannot be checked")
            return Vouched("permerror")

    def _within(self, end: float) -> Ask:
        return lambda name, kind: self.resolver.ask(name, kind, min(PATIENCE, end - time.monotonic()))

    def _judge(self, data: bytes, envelope: Envelope, from_addr: str, ask: Ask) -> Vouched:
        sent, by = "", ""
        if envelope.peer and not trust.within(envelope.peer, self.fronts):
            sent, by = spf.check(ask, envelope.peer, envelope.mail_from, envelope.helo)
        signed = [(one.result, one.domain) for one in dkim.check(data, ask)]
        return trust.judge(from_addr, (sent, by), signed, lambda name: ask(name, "TXT"))
