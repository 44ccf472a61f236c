"""A whole store, row by row: out of one, in order, and into an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from sqlite3 import Connection, IntegrityError
from typing import Any

from headwater.errors import ConflictError, InvalidInputError, StaleWriteError
from headwater.store.base import (
    Commit,
    Edge,
    Entry,
    EventRecord,
    Node,
    Reference,
    Row,
    Section,
    StateRow,
)
from headwater.store.sqlite import edge, graph, search
from headwater.store.sqlite.entity import COLUMNS, record
from headwater.store.sqlite.entry import APPEND as PUT_ENTRY
from headwater.store.sqlite.entry import READ as READ_ENTRIES
from headwater.store.sqlite.event import APPEND as PUT_EVENT
from headwater.store.sqlite.event import READ as READ_EVENTS
from headwater.store.sqlite.event import event_record
from headwater.store.sqlite.node import INSERT as INSERT_NODE
from headwater.store.sqlite.write import INSERT, INSERT_PAST, PUT_REFERENCE

# Sorted without the documents, which would all have to lie somewhere meanwhile.
_STATES = """
SELECT seq, id, rev, rowid, 0 FROM entity UNION ALL SELECT seq, id, rev, rowid, 1 FROM entity_past
ORDER BY seq, id, rev
"""
_PRESENT = f"SELECT {COLUMNS} FROM entity WHERE rowid = ?"
_PAST = f"SELECT {COLUMNS} FROM entity_past WHERE rowid = ?"
_REFERENCES = """
SELECT field, entity.id FROM entity_reference AS reference JOIN entity ON entity.key = target
WHERE reference.key = ? ORDER BY 1, 2
"""

_PUT_COMMIT = """
INSERT INTO log (seq, at, actor, actor_kind, producer, events, entries, nodes)
VALUES (?, ?, ?, ?, ?, 0, 0, 0)
"""
_BRING_OTHER = """
INSERT INTO brought (entry, recorded_at, recorded_by, recorded_for) SELECT ?, ?, ?, ?
WHERE NOT EXISTS (SELECT 1 FROM log WHERE seq = ? AND at = ? AND actor = ? AND producer IS ?)
"""
SET_COUNTERS = """
UPDATE log SET
  events = coalesce((SELECT max(number) FROM event), 0),
  entries = coalesce((SELECT max(number) FROM entry), 0),
  nodes = coalesce((SELECT max(key) FROM node), 0)
WHERE seq = (SELECT max(seq) FROM log)
"""
"""What the log's last line says of the numbers given so far, where no commit of ours said it."""
_NODE = "SELECT key FROM node WHERE id = ?"
_NAME_NODE = "UPDATE node SET kind = ?, fqn = ?, name = ?, deleted = ? WHERE key = ?"
_PUT_PART = f"""
INSERT INTO node (id, kind, fqn, name, owner, dropped, deleted) VALUES (?, ?, ?, ?, ({_NODE}), ?, ?)
"""
_NOWHERE = """
SELECT id FROM node WHERE owner IS NULL AND key NOT IN (SELECT key FROM entity) LIMIT 1
"""


def dump(connection: Connection, section: Section) -> Iterator[Row]:
    """See ``Store.dump``."""
    return _DUMPS[section](connection)


def load(connection: Connection, rows: Iterable[Row]) -> None:
    """See ``Store.load``; within a transaction, which is all that makes it whole."""
    if connection.execute("SELECT 1 FROM log").fetchone():
        raise ConflictError("the store holds something already; load into a new one")
    try:
        for which, some in groupby(rows, type):
            _LOADS[which](connection, some)
    except (IntegrityError, StaleWriteError) as error:
        raise InvalidInputError(f"the rows contradict each other: {error}") from error
    connection.execute(SET_COUNTERS)
    search.catch_up(connection)
    missing = connection.execute(_NOWHERE).fetchone()
    if missing:
        raise InvalidInputError(f"the rows speak of an entity that is not among them: {missing[0]}")


def _commits(connection: Connection) -> Iterator[Row]:
    rows = connection.execute("SELECT seq, at, actor, actor_kind, producer FROM log ORDER BY seq")
    return (Commit(*row) for row in rows)


def _states(connection: Connection) -> Iterator[Row]:
    for *_, key, is_past in connection.execute(_STATES):
        row = connection.execute(_PAST if is_past else _PRESENT, (key,)).fetchone()
        references = None
        if not is_past:
            found = connection.execute(_REFERENCES, (key,))
            references = tuple(Reference(*each) for each in found)
        yield StateRow(record(row), references)


def _entries(connection: Connection) -> Iterator[Row]:
    return (Entry(*row) for row in connection.execute(f"{READ_ENTRIES} ORDER BY number"))


def _events(connection: Connection) -> Iterator[Row]:
    rows = connection.execute(f"{READ_EVENTS} ORDER BY number")
    return (event_record(row) for row in rows)


def _load_commits(connection: Connection, rows: Iterable[Any]) -> None:
    connection.executemany(_PUT_COMMIT, rows)


def _load_states(connection: Connection, rows: Iterable[Any]) -> None:
    for state, references in rows:
        key = _key(connection, state.id)
        if references is None:
            connection.execute(INSERT_PAST, (key, *state))
            continue
        connection.execute(INSERT, (key, *state))
        connection.execute(_NAME_NODE, (state.kind, state.fqn, state.name, state.deleted, key))
        for reference in references:
            target = _key(connection, reference.target_id)
            connection.execute(PUT_REFERENCE, (key, reference.field, target))


def _key(connection: Connection, entity_id: str) -> int:
    """The key of an entity's node, which is made when it is first spoken of and named later."""
    found = connection.execute(_NODE, (entity_id,)).fetchone()
    if found:
        return int(found[0])
    row = (None, entity_id, "", "", "", None, False, False)
    (key,) = connection.execute(f"{INSERT_NODE} RETURNING key", row).fetchone()
    return int(key)


def _load_parts(connection: Connection, rows: Iterable[Any]) -> None:
    connection.executemany(_PUT_PART, rows)


def _load_entries(connection: Connection, rows: Iterable[Any]) -> None:
    for e in rows:
        connection.execute(PUT_ENTRY, (e.number, e.seq, *e[5:]))
        connection.execute(_BRING_OTHER, (e.number, *e[2:5], *e[1:5]))


def _load_events(connection: Connection, rows: Iterable[Any]) -> None:
    connection.executemany(
        PUT_EVENT,
        (
            (r.number, r.seq, e.type, e.entity_id, e.kind, e.fqn, e.version, e.payload)
            for r in rows
            for e in [r.event]
        ),
    )


_DUMPS: dict[Section, Callable[[Connection], Iterator[Row]]] = {
    "commits": _commits,
    "states": _states,
    "parts": graph.all_parts,
    "edges": graph.all_edges,
    "entries": _entries,
    "events": _events,
}
_LOADS: dict[type[Row], Callable[[Connection, Iterable[Any]], None]] = {
    Commit: _load_commits,
    StateRow: _load_states,
    Node: _load_parts,
    Edge: edge.load,
    Entry: _load_entries,
    EventRecord: _load_events,
}
