"""The keys of a deployment: one keyring a process, and keyed hashes for what must be known again but not kept.

All come from the secrets in the configuration, newest first there; the oldest has number 0.
"""

import hmac
from collections.abc import Sequence

from mailer.token import Keyring


class Keys:
    """Keyrings and keyed hashes. `secrets` newest first; at least one of 16 octets or more."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = dict(enumerate(reversed(secrets)))
        self._rings: dict[tuple[str, str], Keyring] = {}

    def ring(self, slug: str, base: str) -> Keyring:
        """The keyring of the process `slug`, whose mail lives at `base` (its `address_base`)."""
        found = self._rings.get((slug, base))
        if found is None:
            found = self._rings[(slug, base)] = Keyring(self._secrets, slug, base)
        return found

    def address_hash(self, address_key: str) -> str:
        """What a suppression keeps of an address after the address itself was forgotten (E4)."""
        return self._hash("address", address_key.encode())

    def fingerprint(self, *parts: bytes) -> str:
        """What is kept of a raw message to know it again when it comes twice (E6)."""
        return self._hash("raw", b"\0".join(parts))

    def signature(self, purpose: str, text: str) -> str:
        """A short seal over a text of our own, for links that carry more than a token."""
        return self._hash(purpose, text.encode())[:32]

    def _hash(self, purpose: str, data: bytes) -> str:
        return hmac.digest(self._secrets[0], purpose.encode() + b"\0" + data, "sha256").hex()
