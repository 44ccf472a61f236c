"""Nodes by id, for writes: what a commit speaks of is looked up once, in one statement."""

from __future__ import annotations

import json
from collections.abc import Collection
from sqlite3 import Connection
from typing import NamedTuple

from headwater.store.base import EdgeKey, WriteSet

ANY = "IN (SELECT value FROM json_each(?))"
"""A condition that takes a collection of any size as one value."""
_FEW = 4

# The index has the keys of nodes; entities are looked into only where more is asked.
_KEYS = "SELECT id, key FROM node WHERE "
_ENTITIES = """
SELECT node.id, node.key, rev, entity.fqn, entity.deleted FROM node CROSS JOIN entity USING (key)
WHERE """
INSERT = """
INSERT INTO node (key, id, kind, fqn, name, owner, dropped, deleted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def listed(values: Collection[str] | Collection[int]) -> str:
    """The value that ``ANY`` takes."""
    return json.dumps(list(values))


def among(column: str, values: Collection[str]) -> tuple[str, Collection[str]]:
    """A condition that a column has one of the values, and what it takes.

    Few are spelled one by one: SQLite is done with those before it has read a list.
    """
    if 0 < len(values) <= _FEW:
        return f"{column} IN ({', '.join('?' * len(values))})", values
    return f"{column} {ANY}", (listed(values),)


class Known(NamedTuple):
    """An entity that is stored."""

    key: int
    rev: int
    fqn: str
    deleted: bool


class Nodes:
    """The nodes that a commit speaks of, by id, as they are after each of its steps.

    Attributes:
        newest: The highest key that any node ever had.
        entities: What is known of entities.
        keys: Keys of entities and parts.
    """

    def __init__(
        self, connection: Connection, newest: int, *, entities: set[str], others: set[str]
    ) -> None:
        self.newest = newest
        self.entities: dict[str, Known] = {}
        self.keys: dict[str, int] = {}
        if entities:
            condition, values = among("node.id", entities)
            rows = connection.execute(_ENTITIES + condition, tuple(values)).fetchall()
            self.entities = {row[0]: Known(*row[1:]) for row in rows}
            self.keys = {row[0]: row[1] for row in rows}
        rest = others - self.keys.keys()
        if rest:
            condition, values = among("id", rest)
            self.keys.update(connection.execute(_KEYS + condition, tuple(values)))

    def new_key(self, node_id: str) -> int:
        """The key that a new node is given."""
        self.newest += 1
        self.keys[node_id] = self.newest
        return self.newest

    def forget(self, entity_ids: Collection[str], keys: Collection[int]) -> None:
        """Entities are gone, and nodes with the keys."""
        for entity_id in entity_ids:
            del self.entities[entity_id]
        self.keys = {id_: key for id_, key in self.keys.items() if key not in keys}


def nodes_of(connection: Connection, write_set: WriteSet, newest: int) -> Nodes:
    """All nodes that a commit has to know of; of parts, those that edges end at.

    What it brings along is not looked for: an id that is there already is refused when it is put.
    """
    entities = {*write_set.expects, *write_set.erased}
    others = ends_of([edge.key for edge in write_set.edges])
    for write in write_set.entities:
        if write.expected_rev:
            entities.add(write.id)
        else:
            others.discard(write.id)
            others.difference_update([part.id for part in write.parts])
        if write.parent_id is not None:
            entities.add(write.parent_id)
        if write.references:
            entities.update([each.target_id for each in write.references])
    entities.update([entry.entity_id for entry in write_set.entries])
    others |= ends_of(write_set.closed_edges)
    return Nodes(connection, newest, entities=entities, others=others)


def ends_of(keys: Collection[EdgeKey]) -> set[str]:
    """Ids of both ends."""
    return {key.from_id for key in keys} | {key.to_id for key in keys} if keys else set()
