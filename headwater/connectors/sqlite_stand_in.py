"""Stand-ins for functions that only one application gives to SQLite.

SQLite describes a view only where all functions that it calls are there, and calls none of them.
"""

from __future__ import annotations

import re
from sqlite3 import Connection
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

_MISSING = re.compile(r"no such function: (?P<name>.+)")
_NO_AGGREGATE = re.compile(
    r"(?P<before>.+)\(\) may not be used as a window function"
    r"|.+ may not be used with non-aggregate (?P<after>.+)\(\)"
)


class StandIns:
    """Gives a SQLite engine's connection the functions that its errors name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: set[tuple[str, bool]] = set()

    def add(self, error: DBAPIError) -> bool:
        """Make a stand-in for what was missing; False: that is no function, or was no help."""
        message = str(error.orig)
        if found := _MISSING.fullmatch(message):
            return self._make(found["name"], aggregate=False)
        if found := _NO_AGGREGATE.fullmatch(message):
            return self._make(found["before"] or found["after"], aggregate=True)
        return False

    def _make(self, name: str, *, aggregate: bool) -> bool:
        if (name, aggregate) in self._made:
            return False
        self._made.add((name, aggregate))
        # The pool has one connection, because nothing reads beside it.
        with self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            if not isinstance(driver, Connection):
                return False
            if aggregate:
                driver.create_window_function(name, -1, _Nothing)
            else:
                driver.create_function(name, -1, _nothing)
        return True


def _nothing(*_: Any) -> None:
    """See the module: it is never called."""


class _Nothing:
    step = inverse = value = finalize = _nothing
