"""Files beside a database that is a file: each held by one living program, and left to others when it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


def folder(database: Path, ending: str) -> Path:
    """Where files of one kind lie."""
    return database.with_name(database.name + ending)


def held(path: Path, flags: int) -> int:
    """An empty file that is open and locked; anew when somebody removed it before we had the lock. Raises OSError."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:
            os.ftruncate(file, 0)
            return file
        os.close(file)


def there(where: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """The files of a folder with their paths, open for reading, in the order of their names.

    What somebody removes meanwhile was empty, or was read by them.
    """
    for path in sorted(where.glob("*")) if where.is_dir() else ():
        with suppress(FileNotFoundError), path.open("rb") as file:
            yield path, file


def orphan(file: int) -> bool:
    """Whether nobody holds an open file any more; then we do."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def sync_folder(where: Path) -> None:
    """Have the names in a folder on the disk."""
    opened = os.open(where, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
