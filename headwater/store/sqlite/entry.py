"""Entries: what is appended to the records of entities, and how it is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from sqlite3 import Connection
from typing import Any

from headwater.errors import StaleWriteError
from headwater.store.base import Entry, WriteSet
from headwater.store.sqlite.node import Nodes, among

APPEND = """
INSERT INTO entry (number, seq, entity_id, type, key, at, data) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
BRING = """
INSERT INTO brought (entry, recorded_at, recorded_by, recorded_for) VALUES (?, ?, ?, ?)
"""
READ = """
SELECT number, entry.seq, coalesce(recorded_at, log.at), coalesce(recorded_by, actor),
  CASE WHEN recorded_by IS NULL THEN producer ELSE recorded_for END,
  entity_id, type, key, entry.at, data
FROM entry JOIN log ON log.seq = entry.seq LEFT JOIN brought ON brought.entry = number
"""


def append(
    connection: Connection, nodes: Nodes, write_set: WriteSet, seq: int, *, newest: int
) -> int:
    """Append a commit's entries behind the newest number, and return the newest then.

    Raises:
        StaleWriteError: An entry's entity is neither stored nor erased by the commit.
    """
    if not write_set.entries:
        return newest
    ids = {each.entity_id for each in write_set.entries}
    absent = sorted(ids.difference(write_set.erased, nodes.entities))
    if absent:
        raise StaleWriteError(f"an entry's entity is not there: {absent[0]}", ids=absent)
    rows = [
        (number, seq, e.entity_id, e.type, e.key, e.at, e.data)
        for number, e in enumerate(write_set.entries, newest + 1)
    ]
    connection.executemany(APPEND, rows)
    for number, e in enumerate(write_set.entries, newest + 1):
        if e.recorded:
            connection.execute(BRING, (number, *e.recorded))
    return newest + len(rows)


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
    given = [among(column, wanted) for column, wanted in filters.items() if wanted is not None]
    where = " AND ".join(condition for condition, _ in given)
    values: list[Any] = [value for _, its in given for value in its]
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
