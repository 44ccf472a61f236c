"""Writes of assertions: opened, replaced, closed; gone only with an erased node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from sqlite3 import Connection

from headwater.errors import StaleWriteError
from headwater.store.base import Edge, EdgeKey, EdgeWrite, OpenEdges
from headwater.store.sqlite.graph import LEVELS
from headwater.store.sqlite.node import Nodes, ends_of
from headwater.store.sqlite.order import rank

Place = tuple[int, int, int, int, bytes | str, bytes | str]
"""An edge's key as it is stored: both ends, level, label, and the ends' ranks."""

_PLACE = "from_key, to_key, level, label, from_rank, to_rank"
_THIS = "from_key = ?1 AND level = ?3 AND to_rank = ?6 AND label = ?4 AND to_key = ?2"
_OPEN = f"""
INSERT INTO edge ({_PLACE}, details, opened_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
# Keeps what is closed: all of it for NULL as the new details, else only what has other details.
_KEEP = f"""
INSERT OR IGNORE INTO edge_past ({_PLACE}, details, opened_seq, closed_seq)
SELECT {_PLACE}, details, opened_seq, ?8 FROM edge
WHERE {_THIS} AND details IS NOT ?7 AND opened_seq < ?8
"""
_REOPEN = f"UPDATE edge SET details = ?7, opened_seq = ?8 WHERE {_THIS} AND details <> ?7"
_REMOVE = f"DELETE FROM edge WHERE {_THIS}"
_OVER = f"""
INSERT INTO edge_past ({_PLACE}, details, opened_seq, closed_seq)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_LABEL = "SELECT key FROM label WHERE source = ? AND producer = ?"
_NEW_LABEL = "INSERT INTO label (source, producer) VALUES (?, ?) ON CONFLICT DO NOTHING"
_OPEN_OF = """
SELECT count(*), coalesce(max(opened_seq), 0) FROM edge
WHERE label IN (SELECT key FROM label WHERE producer = ?)
"""
_LEVEL = {level: number for number, level in enumerate(LEVELS)}
_BATCH = 1_000


def check_open(connection: Connection, expected: OpenEdges | None) -> None:
    """Refuse a write that was built on other edges of a producer.

    Raises:
        StaleWriteError: It has others open.
    """
    if expected is None:
        return
    found = connection.execute(_OPEN_OF, (expected.producer,)).fetchone()
    if found != expected[1:]:
        raise StaleWriteError(f"the edges of {expected.producer!r} are not as they were read")


def put(connection: Connection, nodes: Nodes, edges: Sequence[EdgeWrite], seq: int) -> None:
    """Let assertions hold from now on.

    Raises:
        StaleWriteError: An end is not there.
    """
    if not edges:
        return
    places = _places(connection, nodes, [edge.key for edge in edges], new_labels=True)
    if len(places) < len(edges):
        raise _missing(nodes, edges)
    rows = [(*place, edge.details, seq) for place, edge in zip(places, edges, strict=True)]
    opened = connection.executemany(_OPEN, rows).rowcount
    if opened < len(rows):  # some were open: keep and replace those with other details
        connection.executemany(_KEEP, rows)
        connection.executemany(_REOPEN, rows)


def close(connection: Connection, nodes: Nodes, keys: Sequence[EdgeKey], seq: int) -> None:
    """Let assertions hold no more; those that do not are passed over."""
    if keys:
        places = _places(connection, nodes, keys, new_labels=False)
        connection.executemany(_KEEP, [(*place, None, seq) for place in places])
        connection.executemany(_REMOVE, places)


def load(connection: Connection, edges: Iterable[Edge]) -> None:
    """Store assertions as they are, some at a time.

    Raises:
        StaleWriteError: An end is not there.
    """
    rows = iter(edges)
    while batch := list(islice(rows, _BATCH)):
        keys = [edge.key for edge in batch]
        nodes = Nodes(connection, 0, entities=set(), others=ends_of(keys))
        places = _places(connection, nodes, keys, new_labels=True)
        if len(places) < len(batch):
            raise _missing(nodes, batch)
        for place, (_, details, opened_seq, closed_seq) in zip(places, batch, strict=True):
            if closed_seq is None:
                connection.execute(_OPEN, (*place, details, opened_seq))
            else:
                connection.execute(_OVER, (*place, details, opened_seq, closed_seq))


def _places(
    connection: Connection, nodes: Nodes, keys: Sequence[EdgeKey], *, new_labels: bool
) -> list[Place]:
    """Where edges are stored, or would be: those whose ends and labels are there, in order."""
    said = sorted({(key.source, key.producer) for key in keys})
    labels = {each: _label(connection, each, new=new_labels) for each in said}
    there = nodes.keys
    ends = {id_: (there[id_], rank(id_)) for id_ in ends_of(keys) if id_ in there}
    out: list[Place] = []
    for from_id, to_id, level, source, producer in keys:
        start, finish = ends.get(from_id), ends.get(to_id)
        label = labels[source, producer]
        if start and finish and label:
            out.append((start[0], finish[0], _LEVEL[level], label, start[1], finish[1]))
    return out


def _label(connection: Connection, label: tuple[str, str], *, new: bool) -> int | None:
    if new and (made := connection.execute(_NEW_LABEL, label)).rowcount:
        return made.lastrowid
    found = connection.execute(_LABEL, label).fetchone()
    return int(found[0]) if found else None


def _missing(nodes: Nodes, edges: Iterable[EdgeWrite | Edge]) -> StaleWriteError:
    absent = sorted(ends_of([edge.key for edge in edges]) - nodes.keys.keys())
    return StaleWriteError(f"an edge names a node that is not there: {absent[0]}", ids=absent)
