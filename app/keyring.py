"""DKIM keys on disk: a folder with one PEM file a key and `keys.toml`, which says what each is good for.

A key is `next` (made, to be published in the DNS), `active` (signs) or `retired` (signs no more; its record must stay
until the last mail signed with it was delivered). An RSA and an Ed25519 key are made together. Raises `KeyFault`.
"""

import os
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

from mailer.sign import Key, load_key, new_key, pem

INDEX = "keys.toml"
ALGORITHMS = ("rsa", "ed25519")
State = Literal["next", "active", "retired"]
_STATES: tuple[State, ...] = ("next", "active", "retired")


class KeyFault(Exception):
    """A key or the list of keys cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key: its name in the DNS, what it is good for, and the day it was made."""

    domain: str
    selector: str
    state: State
    made: date

    @property
    def file(self) -> str:
        """The name of its file in the folder."""
        return f"{self.domain}.{self.selector}.pem"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of a folder, oldest first."""

    folder: Path
    entries: tuple[Entry, ...] = ()

    def of(self, domain: str, *states: State) -> list[Entry]:
        """The entries of a domain in these states (none named: in any)."""
        return [one for one in self.entries if one.domain == domain and (not states or one.state in states)]

    @property
    def domains(self) -> list[str]:
        """Every domain that has a key."""
        return sorted({one.domain for one in self.entries})

    def key(self, entry: Entry) -> Key:
        """The private key of an entry."""
        return by_hand(entry.selector, self.folder / entry.file)


def by_hand(selector: str, path: Path) -> Key:
    """A key that somebody made, in a file."""
    try:
        return load_key(selector, path.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyFault(f"{path}: {error}") from error


def read(folder: Path) -> Keyring:
    """The keys of a folder; none where there is no such folder."""
    index = folder / INDEX
    if not index.is_file():
        return Keyring(folder)
    try:
        rows = tomllib.loads(index.read_text("utf-8")).get("key", [])
        return Keyring(folder, tuple(_entry(row) for row in rows))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFault(f"{index} cannot be read: {error}") from error


def _entry(row: dict[str, object]) -> Entry:
    state = next((one for one in _STATES if one == row["state"]), None)
    made = row["made"]
    if state is None or not isinstance(made, date):
        raise ValueError(f"the key {row.get('selector')!r} has no state or no day")
    return Entry(str(row["domain"]), str(row["selector"]), state, made)


def write(ring: Keyring) -> None:
    """Put the list in place of the old one, at once or not at all."""
    lines = ["# The DKIM keys of Tidings; written by `tidings dkim`. next: to be published; active: signs; retired."]
    for one in ring.entries:
        lines += [
            "",
            "[[key]]",
            f'domain = "{one.domain}"',
            f'selector = "{one.selector}"',
            f'state = "{one.state}"',
            f"made = {one.made.isoformat()}",
        ]
    beside = ring.folder / f"{INDEX}.new"
    _write_private(beside, "\n".join(lines).encode() + b"\n")
    beside.replace(ring.folder / INDEX)


def _write_private(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def added(ring: Keyring, domain: str, state: State, day: date) -> Keyring:
    """The ring with a fresh pair of keys for a domain; their files are written, the list is not."""
    ring.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = {one.selector for one in ring.of(domain)}
    stem = next(s for s in _stems(day) if not taken & {f"{s}{algorithm[0]}" for algorithm in ALGORITHMS})
    made = []
    for algorithm in ALGORITHMS:
        entry = Entry(domain, f"{stem}{algorithm[0]}", state, day)
        _write_private(ring.folder / entry.file, pem(new_key(entry.selector, algorithm)))
        made.append(entry)
    return replace(ring, entries=(*ring.entries, *made))


def _stems(day: date) -> Iterable[str]:
    """Selectors tell the month: `t202611`, then `t202611x2` and so on."""
    yield f"t{day:%Y%m}"
    yield from (f"t{day:%Y%m}x{n}" for n in range(2, 1_000))


def turned(ring: Keyring, domain: str) -> Keyring:
    """The ring with the next keys of a domain signing in place of the active ones."""
    becomes: dict[State, State] = {"next": "active", "active": "retired", "retired": "retired"}
    return _with(ring, [replace(e, state=becomes[e.state]) if e.domain == domain else e for e in ring.entries])


def without(ring: Keyring, gone: Sequence[Entry]) -> Keyring:
    """The ring without some keys; their files are destroyed, the list is not written."""
    for entry in gone:
        (ring.folder / entry.file).unlink(missing_ok=True)
    return _with(ring, [entry for entry in ring.entries if entry not in gone])


def _with(ring: Keyring, entries: Iterable[Entry]) -> Keyring:
    return replace(ring, entries=tuple(entries))
