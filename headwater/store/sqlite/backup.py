"""Copies of a database that is in use: each is one state of it, whoever writes meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from headwater.errors import ConflictError, InvalidInputError, StoreError
from headwater.store.sqlite import layout
from headwater.store.sqlite.failure import RAW_ERRORS, translated
from headwater.store.sqlite.url import MEMORY, database_path


def backup(url: str, target: Path) -> None:
    """Copy the database of a URL to a new file, which is a database of its own.

    Raises:
        InvalidInputError: The database is in memory.
        ConflictError: The target is there already.
        StoreError: There is no such database, or a disk failed.
    """
    path = database_path(url)
    if path == MEMORY:
        raise InvalidInputError("a store in memory has no file to back up; export it")
    if not Path(path).is_file():
        raise StoreError(f"there is no database {path}", path=path)
    check_new(target)
    copy_database(path, target)


def check_new(target: Path) -> None:
    """Refuse a file that is there already.

    Raises:
        ConflictError: It is.
    """
    if target.exists():
        raise ConflictError(f"{target} is there already; name another file", path=str(target))


def copy_database(path: str, target: Path) -> None:
    """Copy a database file as it is now; the target is there when it is whole, not before.

    Raises:
        StoreError: It is not a Headwater database, or a disk failed.
    """
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as copy:
            layout.check_owner(source, path)
            source.backup(copy)
        unfinished.rename(target)
    except RAW_ERRORS as error:
        raise translated(error, str(target)) from error
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}", path=path) from error
