"""A name server on loopback with a zone of the test's own, and mails as senders of such a zone sign them."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from mailer.sign import Key, Signer, dns_name, dns_record, dns_value, new_key

SIGNED_AT = datetime(2026, 3, 1, tzinfo=UTC)


class Nameserver:
    """Answers by UDP. `zone` maps (name, type) to records as in a zone file; names in `silent` get no answer."""

    def __init__(self, zone: Mapping[tuple[str, str], Sequence[str]]) -> None:
        self.zone = {(name.lower(), kind): list(values) for (name, kind), values in zone.items()}
        self.silent: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def txt(self, name: str, text: str) -> None:
        """Publish a text."""
        pieces = [text[n : n + 255] for n in range(0, len(text), 255)]
        self.zone.setdefault((name.lower(), "TXT"), []).append(" ".join(f'"{piece}"' for piece in pieces))

    def key(self, key: Key, domain: str) -> None:
        """Publish a DKIM key."""
        assert dns_record(key, domain)
        self.txt(dns_name(key, domain), dns_value(key))

    def close(self) -> None:
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                data, peer = self._socket.recvfrom(65_535)
            except OSError:
                return
            if not data:
                return
            query = dns.message.from_wire(data)
            question = query.question[0]
            name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
            self.asked.append((name, kind))
            if name in self.silent:
                continue
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.RA
            if values := self.zone.get((name, kind)):
                reply.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, values))
            elif not any(known == name for known, _ in self.zone):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            self._socket.sendto(reply.to_wire(), peer)


@contextmanager
def nameserver(zone: Mapping[tuple[str, str], Sequence[str]] | None = None) -> Iterator[Nameserver]:
    """A name server while it is needed."""
    made = Nameserver(zone or {})
    try:
        yield made
    finally:
        shut = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        shut.sendto(b"", ("127.0.0.1", int(made.place.rpartition(":")[2])))
        shut.close()
        made.close()


RSA = new_key("r1", "rsa")
ED = new_key("e1", "ed25519")


def signed(mail: bytes, domain: str, *keys: Key) -> bytes:
    """A mail with the signatures of a domain."""
    return Signer(domain, keys or (RSA,)).sign(mail, SIGNED_AT) + mail
