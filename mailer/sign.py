"""DKIM signatures, relaxed/relaxed over the whole body (RFC 6376), RSA and Ed25519 together (RFC 8463).

`Signer.sign` gives the header lines to put before a mail. The body is hashed once for all keys; the
key operation runs in OpenSSL, which lets other threads work meanwhile. No l= and no x= tag: both only
weaken a signature. ValueError for keys that are too short or of another kind.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from mailer.trust import domain_of

# Signed where present. From and Subject are named once more than they occur, so that nobody can add one.
SIGNED = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"in-reply-to",
    b"references",
    b"mime-version",
    b"content-type",
    b"content-language",
    b"auto-submitted",
    b"feedback-id",
    b"archived-at",
    b"list-id",
    b"list-help",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-subscribe",
    b"list-post",
    b"list-owner",
    b"list-archive",
)
OVERSIGNED = (b"from", b"subject", b"to", b"date", b"reply-to", b"content-type", b"message-id")

_HEAD = 65_536
_FROM = re.compile(rb"(?:\A|\r\n)from:((?:[^\r]|\r\n[ \t])*)", re.IGNORECASE)
_BLANKS = re.compile(rb"[ \t]+")


@dataclass(frozen=True, slots=True)
class Key:
    """A private key and the selector under which its public half stands in the DNS."""

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """The a= tag."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"


class Signer:
    """Signs for one domain with one or more keys; of a rotation, give the new key only."""

    def __init__(self, domain: str, keys: Sequence[Key]) -> None:
        if not keys:
            raise ValueError("a signer needs a key")
        self.domain, self.keys = domain, tuple(keys)

    def sign(self, message: bytes, at: datetime) -> bytes:
        """DKIM-Signature lines for a mail with CRLF line ends; `at` is aware and becomes t=."""
        head, _, body = message.partition(b"\r\n\r\n")
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        names, canonical = _signed_fields(head + b"\r\n")
        return b"".join(self._line(key, names, canonical, body_hash, at) for key in self.keys)

    def _line(self, key: Key, names: bytes, canonical: bytes, body_hash: str, at: datetime) -> bytes:
        tags = (
            f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={self.domain};\r\n s={key.selector};"
            f" t={int(at.timestamp())}; bh={body_hash};\r\n h={_fold_names(names.decode())};\r\n b="
        )
        unsigned = b"dkim-signature:" + _relaxed_value(tags.encode())
        value = base64.b64encode(_raw(key.private, canonical + unsigned)).decode()
        folded = "\r\n ".join(value[n : n + 72] for n in range(0, len(value), 72))
        return f"DKIM-Signature: {tags}{folded}\r\n".encode()


def relaxed_body(body: bytes) -> bytes:
    """The body in relaxed form (RFC 6376 section 3.4.4), in linear time. Ours mostly are already."""
    if b"  " in body or b"\t" in body or b" \r\n" in body:
        body = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n")
    if body.endswith(b"\r\n\r\n") or not body.endswith(b"\r\n"):
        body = body.rstrip(b"\r\n")
        body = body + b"\r\n" if body else b""
    return b"" if body == b"\r\n" else body


def load_key(selector: str, pem: bytes) -> Key:
    """A key from its PEM text (PKCS#8 or PKCS#1), RSA of at least 2048 bits (RFC 8301) or Ed25519."""
    private = serialization.load_pem_private_key(pem, password=None)
    if isinstance(private, RSAPrivateKey):
        if private.key_size < 2048:
            raise ValueError(f"the RSA key of {selector!r} has {private.key_size} bits; 2048 are needed")
    elif not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"the key of {selector!r} is neither RSA nor Ed25519")
    return Key(selector, private)


def new_key(selector: str, algorithm: str) -> Key:
    """A fresh key, `rsa` (2048 bits) or `ed25519`; randomness is OpenSSL's, as for every secret key."""
    if algorithm == "rsa":
        return Key(selector, generate_private_key(public_exponent=65537, key_size=2048))
    if algorithm == "ed25519":
        return Key(selector, Ed25519PrivateKey.generate())
    raise ValueError(f"unknown kind of key {algorithm!r}: rsa or ed25519")


def pem(key: Key) -> bytes:
    """The private key as PKCS#8 PEM; whoever writes it down gives the file mode 0600."""
    return key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def dns_name(key: Key, domain: str) -> str:
    """Where the public key stands in the DNS."""
    return f"{key.selector}._domainkey.{domain}"


def dns_value(key: Key) -> str:
    """The text of the TXT record (RFC 6376 section 3.6.1, RFC 8463 section 4)."""
    public = key.private.public_key()
    if isinstance(key.private, RSAPrivateKey):
        data = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(data).decode()}"
    data = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(data).decode()}"


def dns_record(key: Key, domain: str) -> str:
    """The whole record for a zone file; a long text is split into strings of at most 255 octets."""
    text = dns_value(key)
    strings = " ".join(f'"{text[n : n + 255]}"' for n in range(0, len(text), 255))
    return f"{dns_name(key, domain)}. IN TXT ( {strings} )"


def _raw(private: RSAPrivateKey | Ed25519PrivateKey, data: bytes) -> bytes:
    if isinstance(private, RSAPrivateKey):
        return private.sign(data, padding.PKCS1v15(), hashes.SHA256())
    # RFC 8463 section 3: Ed25519 signs the SHA-256 of the header, not the header.
    return private.sign(hashlib.sha256(data).digest())


def _signed_fields(head: bytes) -> tuple[bytes, bytes]:
    """The h= names and the canonical header. Repeated fields count from the bottom (RFC 6376 section 5.4.2)."""
    found: dict[bytes, list[bytes]] = {}
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    for text in unfolded.split(b"\r\n"):
        name, colon, value = text.partition(b":")
        if colon:
            found.setdefault(name.rstrip(b" \t").lower(), []).append(value)
    names: list[bytes] = []
    lines: list[bytes] = []
    for name in SIGNED:
        values = found.get(name, [])
        for value in reversed(values):
            names.append(name)
            lines.append(name + b":" + _relaxed_value(value) + b"\r\n")
        if name in OVERSIGNED:
            names.append(name)
    return b":".join(names), b"".join(lines)


def _relaxed_value(value: bytes) -> bytes:
    if b"\n" in value or b"\t" in value or b"  " in value:
        value = _BLANKS.sub(b" ", value.replace(b"\r\n", b""))
    return value.strip(b" ")


@lru_cache(maxsize=64)
def _fold_names(names: str) -> str:
    """The h= list, folded after colons."""
    lines, current = [], ""
    for name in names.split(":"):
        if len(current) + len(name) > 70:
            lines.append(current)
            current = ""
        current += f"{name}:"
    return "\r\n  ".join([*lines, current]).removesuffix(":")


class Signers:
    """Keys of several domains: each mail is signed for the domain of its From address, or the nearest one above it.

    Keys of the domain '' sign for whatever domain has none of its own. What no key fits stays unsigned.
    """

    def __init__(self, keys: Mapping[str, Sequence[Key]]) -> None:
        self._keys = {domain.lower(): tuple(found) for domain, found in keys.items() if found}
        self._known: dict[bytes, Signer | None] = {}

    @property
    def empty(self) -> bool:
        """Whether there is no key at all."""
        return not self._keys

    def sign(self, message: bytes, at: datetime) -> bytes:
        """The mail with its signatures on top."""
        found = _FROM.search(message[:_HEAD])
        field = found.group(1) if found else b""
        if field not in self._known:
            self._known[field] = self._signer(domain_of(field.decode("utf-8", "replace").strip().rstrip(">")))
        signer = self._known[field]
        return message if signer is None else signer.sign(message, at) + message

    def _signer(self, domain: str) -> Signer | None:
        labels = domain.split(".")
        for name in (".".join(labels[n:]) for n in range(len(labels) - 1)):
            if name in self._keys:
                return Signer(name, self._keys[name])
        return Signer(domain, self._keys[""]) if domain and "" in self._keys else None
