"""What SQLite says went wrong, in words that say what to do. No other module names its errors."""

from __future__ import annotations

import sqlite3

from headwater.errors import HeadwaterError, InvalidInputError, StoreError

RAW_ERRORS = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""What the driver raises: its own errors, and Python's for values that SQLite cannot hold."""

CAUSES = {
    "BUSY": "another process holds its lock; try again, or stop that process",
    "LOCKED": "another connection holds its lock; try again",
    "FULL": "the disk is full; free some space",
    "READONLY": "it cannot be written; check the permissions of the file and its folder",
    "PERM": "access is denied; check the permissions of the file and its folder",
    "CANTOPEN": "it cannot be opened; check that its folder exists and can be written",
    "CORRUPT": "the file is damaged; restore it from a backup",
    "NOTADB": "the file is not an SQLite database",
    "IOERR": "the disk failed to read or write it",
    "TOOBIG": "a document is larger than SQLite allows",
}


def translated(error: Exception, path: str) -> HeadwaterError:
    """The error to raise in place of a raw one. ``path`` names the database to a person."""
    if isinstance(error, OverflowError):
        return InvalidInputError("a number does not fit in 64 bits")
    if isinstance(error, UnicodeEncodeError):
        return InvalidInputError(f"text is not valid Unicode: {error.reason}")
    # Such as SQLITE_IOERR_WRITE: the cause, then where it arose. Absent where the driver refuses.
    code = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_")
    cause = CAUSES.get(code.partition("_")[0], str(error))
    return StoreError(f"the database {path} failed: {cause}", path=path, cause=str(error))
