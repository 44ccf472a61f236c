"""The event log."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from headwater.store.base import EventRecord, EventWrite

READ = """
SELECT number, event.seq, at, actor, producer, type, entity_id, kind, fqn, version, payload
FROM event JOIN log ON log.seq = event.seq
"""
APPEND = """
INSERT INTO event (number, seq, type, entity_id, kind, fqn, version, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def append(connection: Connection, events: Sequence[EventWrite], seq: int, *, newest: int) -> int:
    """Append events behind the newest number, and return the newest then.

    Their numbers are in the order of commits, which wait for one another.
    """
    rows = [
        (number, seq, e.type, e.entity_id, e.kind, e.fqn, e.version, e.payload)
        for number, e in enumerate(events, newest + 1)
    ]
    if rows:
        connection.executemany(APPEND, rows)
    return newest + len(rows)


def drop(connection: Connection, before: int) -> None:
    """Drop events with a lower number."""
    if before:
        connection.execute("DELETE FROM event WHERE number < ?", (before,))


def events(connection: Connection, after: int, limit: int) -> list[EventRecord]:
    """See ``Store.events``."""
    rows = connection.execute(f"{READ} WHERE number > ? ORDER BY number LIMIT ?", (after, limit))
    return [event_record(row) for row in rows]


def event_record(row: tuple[Any, ...]) -> EventRecord:
    """A row of ``READ`` as a record."""
    number, seq, at, actor, producer, *event = row
    return EventRecord(number, seq, at, actor, producer, EventWrite(*event))
