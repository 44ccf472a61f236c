"""From an older layout to this release's: a backup, then numbered steps in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from headwater.store.sqlite import entry, layout, search
from headwater.store.sqlite.backup import copy_database
from headwater.store.sqlite.entity import COLUMNS, record
from headwater.store.text import stored_text

MAKE = f"make the tables of layout {layout.VERSION}"


def steps(stored: int) -> list[str]:
    """What has to be done to a database of a layout, in words; nothing to the newest."""
    if not stored:
        return [MAKE]
    to_do = [f"layout {number}: {words}" for number, (words, _) in _after(stored).items()]
    return ["copy the database to a backup beside it", *to_do] if to_do else []


def migrate(connection: Connection, path: str) -> list[str]:
    """Do what has to be done, within a write transaction, and say what was done.

    Nobody else can write meanwhile, so the backup is exactly what was migrated.
    """
    stored = layout.stored_version(connection, path)
    done = steps(stored)  # another process may have been first
    if not stored:
        layout.make(connection)
    elif done:
        copy_database(path, _backup_path(path, stored))
        for number, (_, work) in _after(stored).items():
            work(connection)
            connection.execute("UPDATE meta SET value = ? WHERE key = 'layout'", (str(number),))
    return done


def _after(stored: int) -> dict[int, tuple[str, Callable[[Connection], None]]]:
    return {number: step for number, step in _STEPS.items() if number > stored}


def _backup_path(path: str, stored: int) -> Path:
    now = datetime.now().astimezone().strftime("%Y%m%dT%H%M%S")
    return Path(f"{path}.layout-{stored}-{now}.backup")


def _to_2(connection: Connection) -> None:
    layout.run(connection, f"ALTER TABLE event RENAME TO event_1;\n{layout.EVENT}")
    connection.execute("INSERT INTO event SELECT * FROM event_1")
    connection.execute("DROP TABLE event_1")
    layout.run(connection, entry.TABLES + search.TABLES)
    for row in connection.execute(f"SELECT {COLUMNS} FROM entity WHERE NOT deleted").fetchall():
        state = record(row)
        search.put(connection, state.id, stored_text(state))


_STEPS: dict[int, tuple[str, Callable[[Connection], None]]] = {
    2: ("records, a search index filled from the documents, numbers that outlive what they count",
        _to_2),
}  # fmt: skip
"""By the layout that a step leads to."""
