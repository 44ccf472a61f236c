"""A whole store, row by row: out of one, in order, and into an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from sqlite3 import Connection, IntegrityError
from typing import Any

from headwater.errors import ConflictError, InvalidInputError
from headwater.store.base import (
    Commit,
    Edge,
    Entry,
    EventRecord,
    Node,
    Record,
    Reference,
    Row,
    Section,
    StateRow,
)
from headwater.store.sqlite import search
from headwater.store.sqlite.entity import COLUMNS, record
from headwater.store.sqlite.entry import READ as READ_ENTRIES
from headwater.store.sqlite.event import READ as READ_EVENTS
from headwater.store.sqlite.event import event_record
from headwater.store.sqlite.graph import EDGE, NODE, edge_of, node_of
from headwater.store.text import stored_text

# Sorted without the documents, which would all have to lie somewhere meanwhile.
_STATES = """
SELECT seq, id, rev, 0, rowid FROM entity UNION ALL SELECT seq, id, rev, 1, rowid FROM entity_past
ORDER BY seq, id, rev
"""
_PRESENT = f"SELECT {COLUMNS} FROM entity WHERE rowid = ?"
_PAST = f"SELECT {COLUMNS} FROM entity_past WHERE rowid = ?"
_REFERENCES = "SELECT field, target_id FROM entity_reference WHERE entity_id = ? ORDER BY 1, 2"
_EDGES = f"""
SELECT {EDGE}, NULL FROM edge UNION ALL SELECT {EDGE}, closed_seq FROM edge_past
ORDER BY from_id, to_id, level, source, producer, opened_seq
"""

_PUT_COMMIT = "INSERT INTO log (seq, at, actor, actor_kind, producer) VALUES (?, ?, ?, ?, ?)"
_PUT_STATE = f"INSERT INTO entity ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_PAST = _PUT_STATE.replace("entity", "entity_past")
_PUT_NODE = f"INSERT INTO node ({NODE}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT_REFERENCE = "INSERT INTO entity_reference (entity_id, field, target_id) VALUES (?, ?, ?)"
_PUT_EDGE = f"INSERT INTO edge ({EDGE}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT_PAST_EDGE = f"INSERT INTO edge_past ({EDGE}, closed_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_ENTRY = """
INSERT INTO entry (number, seq, entity_id, type, key, at, data) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_PUT_EVENT = """
INSERT INTO event (number, seq, type, entity_id, kind, fqn, version, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
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
    except IntegrityError as error:
        raise InvalidInputError(f"the rows contradict each other: {error}") from error


def _commits(connection: Connection) -> Iterator[Row]:
    rows = connection.execute("SELECT seq, at, actor, actor_kind, producer FROM log ORDER BY seq")
    return (Commit(*row) for row in rows)


def _states(connection: Connection) -> Iterator[Row]:
    for _, entity_id, _, is_past, key in connection.execute(_STATES):
        row = connection.execute(_PAST if is_past else _PRESENT, (key,)).fetchone()
        references = None
        if not is_past:
            found = connection.execute(_REFERENCES, (entity_id,))
            references = tuple(Reference(*each) for each in found)
        yield StateRow(record(row), references)


def _parts(connection: Connection) -> Iterator[Row]:
    rows = connection.execute(f"SELECT {NODE} FROM node WHERE owner_id IS NOT NULL ORDER BY id")
    return (node_of(row) for row in rows)


def _edges(connection: Connection) -> Iterator[Row]:
    return (edge_of(row) for row in connection.execute(_EDGES))


def _entries(connection: Connection) -> Iterator[Row]:
    return (Entry(*row) for row in connection.execute(f"{READ_ENTRIES} ORDER BY number"))


def _events(connection: Connection) -> Iterator[Row]:
    rows = connection.execute(f"{READ_EVENTS} ORDER BY number")
    return (event_record(row) for row in rows)


def _load_commits(connection: Connection, rows: Iterable[Any]) -> None:
    connection.executemany(_PUT_COMMIT, rows)


def _load_states(connection: Connection, rows: Iterable[Any]) -> None:
    for state, references in rows:
        if references is None:
            connection.execute(_PUT_PAST, state)
        else:
            _load_present(connection, state, references)


def _load_present(connection: Connection, state: Record, references: Iterable[Reference]) -> None:
    connection.execute(_PUT_STATE, state)
    node = Node(state.id, state.kind, state.fqn, state.name, None, False, state.deleted)
    connection.execute(_PUT_NODE, node)
    rows = [(state.id, each.field, each.target_id) for each in references]
    connection.executemany(_PUT_REFERENCE, rows)
    search.put(connection, state.id, stored_text(state))


def _load_parts(connection: Connection, rows: Iterable[Any]) -> None:
    connection.executemany(_PUT_NODE, rows)


def _load_edges(connection: Connection, rows: Iterable[Any]) -> None:
    for key, details, opened_seq, closed_seq in rows:
        if closed_seq is None:
            connection.execute(_PUT_EDGE, (*key, details, opened_seq))
        else:
            connection.execute(_PUT_PAST_EDGE, (*key, details, opened_seq, closed_seq))


def _load_entries(connection: Connection, rows: Iterable[Any]) -> None:
    connection.executemany(_PUT_ENTRY, ((e.number, e.seq, *e[5:]) for e in rows))


def _load_events(connection: Connection, rows: Iterable[Any]) -> None:
    connection.executemany(
        _PUT_EVENT,
        (
            (r.number, r.seq, e.type, e.entity_id, e.kind, e.fqn, e.version, e.payload)
            for r in rows
            for e in [r.event]
        ),
    )


_DUMPS: dict[Section, Callable[[Connection], Iterator[Row]]] = {
    "commits": _commits,
    "states": _states,
    "parts": _parts,
    "edges": _edges,
    "entries": _entries,
    "events": _events,
}
_LOADS: dict[type[Row], Callable[[Connection, Iterable[Any]], None]] = {
    Commit: _load_commits,
    StateRow: _load_states,
    Node: _load_parts,
    Edge: _load_edges,
    Entry: _load_entries,
    EventRecord: _load_events,
}
