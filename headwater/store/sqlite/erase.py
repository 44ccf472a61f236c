"""Erasing: an entity goes with its past, by an explicit act."""

from __future__ import annotations

from collections.abc import Collection
from sqlite3 import Connection

from headwater.errors import StaleWriteError
from headwater.store.sqlite import search
from headwater.store.sqlite.node import ANY, Nodes, listed

_PARTS = f"SELECT key FROM node WHERE owner {ANY}"
_OF_NODES = [
    f"DELETE FROM {table} WHERE {end} {ANY}"
    for table in ("edge", "edge_past")
    for end in ("from_key", "to_key")
]
_OF_ENTITIES = [
    f"DELETE FROM {table} WHERE key {ANY}"
    for table in ("entity", "entity_past", "entity_reference")
]
_BY_ID = [
    f"DELETE FROM brought WHERE entry IN (SELECT number FROM entry WHERE entity_id {ANY})",
    f"DELETE FROM entry WHERE entity_id {ANY}",
    f"UPDATE event SET payload = '{{}}' WHERE entity_id {ANY}",
]
_REFERRER = f"SELECT id FROM entity_reference JOIN entity USING (key) WHERE target {ANY} LIMIT 1"
_CHILD = f"SELECT id FROM entity WHERE parent_id {ANY} LIMIT 1"


def erase(connection: Connection, nodes: Nodes, ids: Collection[str]) -> list[int]:
    """Remove entities and all that is theirs, and return the keys that they had.

    What still needs them is looked at when all is written: see ``check_erased``.

    Raises:
        StaleWriteError: One of them is not stored.
    """
    if not ids:
        return []
    absent = sorted(set(ids) - nodes.entities.keys())
    if absent:
        raise StaleWriteError(f"an entity to erase is not there: {absent[0]}", ids=absent)
    keys = [nodes.keys[each] for each in ids]
    search.forget(connection, keys)
    for statement in _OF_ENTITIES:
        connection.execute(statement, (listed(keys),))
    for statement in _BY_ID:
        connection.execute(statement, (listed(ids),))
    parts = [part for (part,) in connection.execute(_PARTS, (listed(keys),))]
    for statement in (*_OF_NODES, f"DELETE FROM node WHERE key {ANY}"):
        connection.execute(statement, (listed(keys + parts),))
    nodes.forget(ids, keys + parts)
    return keys


def check_erased(connection: Connection, ids: Collection[str], keys: Collection[int]) -> None:
    """Look whether anything still needs what was erased.

    Raises:
        StaleWriteError: An entity refers to an erased one, or lies below one.
    """
    if not ids:
        return
    referrer = connection.execute(_REFERRER, (listed(keys),)).fetchone()
    child = connection.execute(_CHILD, (listed(ids),)).fetchone()
    if referrer or child:
        what = f"{referrer[0]} refers to" if referrer else f"{child[0]} lies below"
        raise StaleWriteError(f"entity {what} one that the write erases", ids=sorted(ids))
