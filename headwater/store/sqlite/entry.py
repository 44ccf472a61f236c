"""Entries: what is appended to the records of entities, and how it is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from sqlite3 import Connection
from typing import Any

from headwater.errors import StaleWriteError
from headwater.store.base import Entry, EntryWrite
from headwater.store.sqlite.graph import ANY, listed

TABLES = """
CREATE TABLE entry (
  number INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL,
  entity_id TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL,
  at INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE INDEX entry_entity ON entry (entity_id, type, key);
CREATE INDEX entry_key ON entry (key, type);
"""

_APPEND = "INSERT INTO entry (seq, entity_id, type, key, at, data) VALUES (?, ?, ?, ?, ?, ?)"
READ = """
SELECT number, entry.seq, log.at, actor, producer, entity_id, type, key, entry.at, data
FROM entry JOIN log ON log.seq = entry.seq
"""


def append(
    connection: Connection, entries: Sequence[EntryWrite], seq: int, *, erased: Collection[str]
) -> None:
    """Append entries of entities that are stored, or erased by this commit.

    Raises:
        StaleWriteError: One's entity is neither.
    """
    if not entries:
        return
    ids = {each.entity_id for each in entries}
    stored = connection.execute(f"SELECT id FROM entity WHERE id {ANY}", (listed(ids),))
    absent = sorted(ids.difference(erased, (found for (found,) in stored)))
    if absent:
        raise StaleWriteError(f"an entry's entity is not there: {absent[0]}", ids=absent)
    rows = [(seq, e.entity_id, e.type, e.key, e.at, e.data) for e in entries]
    connection.executemany(_APPEND, rows)


def entries(
    connection: Connection,
    filters: Mapping[str, Collection[str] | None],
    *,
    before: int | None,
    as_of: int | None,
    latest: bool,
    limit: int,
) -> list[Entry]:
    """See ``Store.entries``; ``filters`` are by column."""
    given = {column: values for column, values in filters.items() if values is not None}
    where = " AND ".join(f"{column} {ANY}" for column in given)
    values: list[Any] = [listed(each) for each in given.values()]
    if as_of is not None:
        where += " AND entry.seq <= ?"
        values.append(as_of)
    if latest:
        newest = f"SELECT max(number) FROM entry WHERE {where} GROUP BY entity_id, type, key"
        where = f"number IN ({newest})"
    if before is not None:
        where += " AND number < ?"
        values.append(before)
    statement = f"{READ} WHERE {where} ORDER BY number DESC LIMIT ?"
    return [Entry(*row) for row in connection.execute(statement, (*values, limit))]
