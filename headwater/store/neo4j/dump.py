"""Every row of a store, for archives and copies, section by section."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from headwater.store.base import (
    Commit,
    Edge,
    EdgeKey,
    Entry,
    EventRecord,
    EventWrite,
    Node,
    Reference,
    Row,
    Section,
    StateRow,
)
from headwater.store.neo4j.database import Database
from headwater.store.neo4j.layout import FEEDS, LOCK, edge_key, unpack

Values = list[Any]

# What a statement returns first is what its rows are ordered by. Where that is an index's property,
# the index is prescribed: it sorts by code point, the server's memory would not.
_COMMITS = f"""
MATCH (e:_Commit) USING INDEX e:_Commit(seq) WHERE e.seq IS NOT NULL
RETURN {", ".join(f"e.{name}" for name in Commit._fields)} ORDER BY e.seq
"""
# Sorted before documents are read, which may be more than the server has memory for.
_STATES = """
MATCH (s:_State) WITH s, s.seq AS seq ORDER BY seq
OPTIONAL MATCH (e:Entity {id: s.entity_id}) WHERE e.rev = s.rev
RETURN seq, s.entity_id, s.rev, s.state, CASE WHEN e IS NULL THEN null ELSE COLLECT {
  MATCH (r:_Reference) USING INDEX SEEK r:_Reference(entity_id) WHERE r.entity_id = e.id
  RETURN [r.field, r.target_id]
} END
ORDER BY seq
"""
_PARTS = f"""
MATCH (p:Part) USING INDEX p:Part(id) WHERE p.id IS NOT NULL
RETURN {", ".join(f"p.{name}" for name in Node._fields)} ORDER BY p.id
"""
_OPEN = """
MATCH ()-[e:{name}]->() USING INDEX e:{name}(from_id, by_to)
WHERE e.from_id IS NOT NULL AND e.by_to IS NOT NULL
RETURN e.from_id, properties(e) ORDER BY e.from_id, e.by_to
"""
_SUPPRESSED = """
MATCH (e:_Suppression) USING INDEX e:_Suppression(from_id, by_to)
WHERE e.from_id IS NOT NULL AND e.by_to IS NOT NULL
RETURN e.from_id, properties(e) ORDER BY e.from_id, e.by_to
"""
_CLOSED = """
MATCH (e:_ClosedEdge) USING INDEX e:_ClosedEdge(from_id, level, by_to)
WHERE e.from_id IS NOT NULL AND e.level IS NOT NULL AND e.by_to IS NOT NULL
RETURN e.from_id, properties(e) ORDER BY e.from_id, e.level, e.by_to
"""
_EDGES = [*(_OPEN.format(name=name) for name in FEEDS.values()), _SUPPRESSED, _CLOSED]
_ENTRIES = f"""
MATCH (e:_Entry) WHERE e.number IS NOT NULL
RETURN {", ".join(f"e.{name}" for name in Entry._fields)} ORDER BY e.number
"""
_EVENTS = """
MATCH (e:_Event) USING INDEX e:_Event(number) WHERE e.number IS NOT NULL
RETURN e.number, e.seq, e.at, e.actor, e.producer,
       e.type, e.entity_id, e.kind, e.fqn, e.version, e.payload
ORDER BY e.number
"""


def dump(database: Database, section: Section) -> Iterator[Row]:
    """See ``Store.dump``.

    Nobody commits while the section is read, and it is read at once, into a file: how long writers
    wait does not depend on what the caller does with the rows.
    """
    how = _SECTIONS[section]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        with database.still(LOCK + "RETURN seq"):
            for values in how.read(database):
                file.write(json.dumps(values) + "\n")
        file.seek(0)
        for line in file:
            yield how.row(json.loads(line))


def _read(statement: str) -> Callable[[Database], Iterator[Values]]:
    return lambda database: database.stream(statement)


def _states(database: Database) -> Iterator[Values]:
    """States in order; the server has no index by what orders those of one commit."""
    for _, group in groupby(database.stream(_STATES), itemgetter(0)):
        yield from sorted(group, key=itemgetter(slice(0, 3)))


def _state(values: Values) -> Row:
    *_, state, references = values
    if references is None:
        return StateRow(unpack(state), None)
    return StateRow(unpack(state), tuple(Reference(*each) for each in sorted(references)))


def _edges(database: Database) -> Iterator[Values]:
    """Edges in order: each statement has those of one level, or the closed ones."""
    streams = [database.stream(statement) for statement in _EDGES]
    for _, group in groupby(merge(*streams, key=itemgetter(0)), itemgetter(0)):
        edges = [_edge(properties) for _, properties in group]
        yield from map(list, sorted(edges, key=lambda edge: (*edge.key, edge.opened_seq)))


def _edge(found: dict[str, Any]) -> Edge:
    return Edge(edge_key(found), found["details"], found["opened_seq"], found.get("closed_seq"))


def _stored_edge(values: Values) -> Row:
    key, *rest = values
    return Edge(EdgeKey(*key), *rest)


def _event(values: Values) -> Row:
    number, seq, at, actor, producer, *event = values
    return EventRecord(number, seq, at, actor, producer, EventWrite(*event))


class _Section(NamedTuple):
    read: Callable[[Database], Iterable[Values]]
    row: Callable[[Values], Row]


_SECTIONS: dict[Section, _Section] = {
    "commits": _Section(_read(_COMMITS), lambda values: Commit(*values)),
    "states": _Section(_states, _state),
    "parts": _Section(_read(_PARTS), lambda values: Node(*values)),
    "edges": _Section(_edges, _stored_edge),
    "entries": _Section(_read(_ENTRIES), lambda values: Entry(*values)),
    "events": _Section(_read(_EVENTS), _event),
}
