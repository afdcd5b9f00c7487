"""Signed names that leave the house: reply, bounce, leave and relay addresses, and Message-IDs.

A token is 35 characters: key number (5 bits), mailing tag (40), person tag (40), item (10), MAC (80).
Purpose and process are inside the MAC, not in the text. Reading needs no database; a forged, foreign
or retired token reads as None, never as an error.
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from mailer import home

TAG_BITS = 40
MAX_TAG = (1 << TAG_BITS) - 1
MAX_ITEM = 1023
MAX_KEY = 31

# No i, l, o, u: nobody mistakes them for 1, 0 or spells words with them.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_VALUES = {c: n for n, c in enumerate(_ALPHABET)} | {c.upper(): n for n, c in enumerate(_ALPHABET)}
_LENGTH = 35
_MESSAGE_ID = re.compile(r"\s*<?([0-9A-Za-z]{35})@([^<>\s@]+)>?\s*")


class Purpose(StrEnum):
    """What a token is for; it is part of the MAC, so a token of one purpose is nothing for another."""

    REPLY = "reply"  # answers to a delivery or to one item of it
    BOUNCE = "bounce"  # the envelope sender (VERP)
    LEAVE = "leave"  # unsubscribing; the person is a subscription
    RELAY = "relay"  # a community voice; the person is a group
    ID = "id"  # Message-ID
    CONFIRM = "confirm"  # the link that proves an address; the person is an application
    FEED = "feed"  # a calendar feed; the person is a liaison


_ADDRESSED = (Purpose.REPLY, Purpose.BOUNCE, Purpose.LEAVE, Purpose.RELAY)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token names. `item` 0 is the mailing as a whole, `person` 0 is nobody known to us."""

    purpose: Purpose
    mailing: int
    person: int = 0
    item: int = 0
    key: int = 0


class Keyring:
    """Makes and reads tokens of one process, whose mail lives at `base` (see `mailer.home`).

    `secrets` maps key numbers (0..31) to at least 16 secret octets. New tokens carry the highest
    number, or the one given. `retired` names the numbers a purpose no longer accepts. The lowest number
    stays for ever: mailing tags and Message-IDs come from it, so that a mailing rebuilt after a
    rotation keeps its names.
    """

    def __init__(
        self,
        secrets: Mapping[int, bytes],
        process: str,
        base: str,
        retired: Mapping[Purpose, Collection[int]] | None = None,
    ) -> None:
        if not secrets:
            raise ValueError("a keyring needs at least one secret")
        for number, secret in secrets.items():
            if not 0 <= number <= MAX_KEY:
                raise ValueError(f"key number {number} is not between 0 and {MAX_KEY}")
            if len(secret) < 16:
                raise ValueError(f"the secret of key {number} is shorter than 16 octets")
        self.process = process
        self.home = home.read(base)
        self.domain = self.home.domain
        self.first, self.current = min(secrets), max(secrets)
        gone = {p: frozenset(numbers) for p, numbers in (retired or {}).items()}
        self._keys = {
            (p, n): _keyed(_derive(secret, f"{p}\0{process}\0{n}"))
            for n, secret in secrets.items()
            for p in Purpose
            if n not in gone.get(p, ())
        }
        self._tags = _derive(secrets[self.first], f"tag\0{process}")

    def mailing_tag(self, natural_key: str, counter: int = 0) -> int:
        """The 40-bit tag of a mailing; `counter` > 0 after a clash with another natural key."""
        text = f"{counter}\0{natural_key}".encode()
        return int.from_bytes(hmac.digest(self._tags, text, "sha256")[:5], "big")

    def token(self, purpose: Purpose, mailing: int, person: int = 0, item: int = 0, key: int | None = None) -> str:
        """The 35 characters; ValueError when a number does not fit or the key is unknown or retired."""
        return next(iter(self.tokens(purpose, mailing, person, (item,), key)))

    def tokens(
        self, purpose: Purpose, mailing: int, person: int, items: Iterable[int], key: int | None = None
    ) -> list[str]:
        """One token per item, cheaper than one by one."""
        number = self.current if key is None else key
        secret = self._keys.get((purpose, number))
        if secret is None:
            raise ValueError(f"key {number} is unknown or retired for {purpose}")
        if not (0 <= mailing <= MAX_TAG and 0 <= person <= MAX_TAG):
            raise ValueError("a tag has 40 bits")
        head = _head(number << 40 | mailing) + _base32(person, 8)
        out = []
        for item in items:
            if not 0 <= item <= MAX_ITEM:
                raise ValueError(f"item {item} is not between 0 and {MAX_ITEM}")
            body = head + _PAIRS[item]
            out.append(body + _mac(secret, body))
        return out

    def reply_address(self, mailing: int, person: int, item: int = 0, key: int | None = None) -> str:
        """Where an answer goes: `reply+<token>@domain`."""
        return self.reply_addresses(mailing, person, (item,), key)[0]

    def reply_addresses(self, mailing: int, person: int, items: Iterable[int], key: int | None = None) -> list[str]:
        """Reply addresses of several items, in their order."""
        tokens = self.tokens(Purpose.REPLY, mailing, person, items, key)
        lead = self.home.local("reply")
        return [f"{lead}+{token}@{self.domain}" for token in tokens]

    def bounce_address(self, mailing: int, person: int, key: int | None = None) -> str:
        """The envelope sender that names the delivery (VERP)."""
        return self.home.at(f"bounce+{self.token(Purpose.BOUNCE, mailing, person, 0, key)}")

    def leave_token(self, mailing: int, subscription: int, key: int | None = None) -> str:
        """The bare token for the link of one-click unsubscribe (RFC 8058)."""
        return self.token(Purpose.LEAVE, mailing, subscription, 0, key)

    def leave_address(self, mailing: int, subscription: int, key: int | None = None) -> str:
        """The address of unsubscribing by mail."""
        return self.home.at(f"leave+{self.leave_token(mailing, subscription, key)}")

    def relay_address(self, mailing: int, group: int, item: int = 0, key: int | None = None) -> str:
        """Where the members of a community answer; the group is credited."""
        return self.home.at(f"relay+{self.token(Purpose.RELAY, mailing, group, item, key)}")

    def message_id(self, mailing: int, person: int, item: int = 0) -> str:
        """`<token@domain>`, always under the first key: it must outlive rotations."""
        return f"<{self.token(Purpose.ID, mailing, person, item, self.first)}@{self.domain}>"

    def read(self, local_part: str) -> Token | None:
        """The token in a local part such as `reply+...` (without prefix), in any case; None when it is not ours."""
        name, plus, text = local_part.partition("+")
        purpose = name.lower()
        if not plus or purpose not in _ADDRESSED:
            return None
        return self.read_token(Purpose(purpose), text)

    def read_message_id(self, message_id: str) -> Token | None:
        """The token in a Message-ID that we made, with or without its angle brackets; else None."""
        match = _MESSAGE_ID.fullmatch(message_id)
        if match is None or match[2].lower() != self.domain.lower():
            return None
        return self.read_token(Purpose.ID, match[1])

    def read_token(self, purpose: Purpose, text: str) -> Token | None:
        """A bare token, as in a link, read for this purpose alone."""
        if len(text) != _LENGTH:
            return None
        value = 0
        for char in text[:19]:
            digit = _VALUES.get(char)
            if digit is None:
                return None
            value = value << 5 | digit
        key = value >> 90
        secret = self._keys.get((purpose, key))
        if secret is None:
            return None
        text = text.lower()
        # The text may hold any character here, and compare_digest takes strings of ASCII alone.
        if not text.isascii() or not hmac.compare_digest(_mac(secret, text[:19]), text[19:]):
            return None
        return Token(purpose, value >> 50 & MAX_TAG, value >> 10 & MAX_TAG, value & MAX_ITEM, key)


def _derive(secret: bytes, label: str) -> bytes:
    return hmac.digest(secret, b"tidings token 1\0" + label.encode(), hashlib.sha256)


_Keyed = tuple["hashlib._Hash", "hashlib._Hash"]


def _keyed(key: bytes) -> _Keyed:
    """HMAC-SHA-256 with the key taken in: copying the two begun hashes costs a quarter of a new HMAC."""
    block = key.ljust(64, b"\0")
    return hashlib.sha256(bytes(x ^ 0x36 for x in block)), hashlib.sha256(bytes(x ^ 0x5C for x in block))


def _mac(key: _Keyed, body: str) -> str:
    inner, outer = key[0].copy(), key[1].copy()
    inner.update(body.encode())
    outer.update(inner.digest())
    return _base32(int.from_bytes(outer.digest()[:10], "big"), 16)


@lru_cache(maxsize=64)
def _head(value: int) -> str:
    """Key number and mailing tag: equal for all readers of a mailing."""
    return _base32(value, 9)


def _base32(value: int, length: int) -> str:
    if length % 2:
        return _ALPHABET[value >> 5 * (length - 1)] + _base32(value & (1 << 5 * (length - 1)) - 1, length - 1)
    return "".join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS[length]])


_SHIFTS = {length: tuple(range(5 * length - 10, -1, -10)) for length in (8, 16)}
