"""Erasing: an entity goes with its past, by an explicit act."""

from __future__ import annotations

from collections.abc import Collection
from sqlite3 import Connection

from headwater.errors import StaleWriteError
from headwater.store.sqlite import search
from headwater.store.sqlite.graph import ANY, listed

_NODES = (
    f"IN (SELECT id FROM node WHERE id {ANY} UNION ALL SELECT id FROM node WHERE owner_id {ANY})"
)
_OF_NODES = [
    f"DELETE FROM {table} WHERE {end} {_NODES}"
    for table in ("edge", "edge_past")
    for end in ("from_id", "to_id")
]
_OF_ENTITIES = [
    f"DELETE FROM node WHERE owner_id {ANY}",
    f"DELETE FROM node WHERE id {ANY}",
    f"DELETE FROM entity WHERE id {ANY}",
    f"DELETE FROM entity_past WHERE id {ANY}",
    f"DELETE FROM entity_reference WHERE entity_id {ANY}",
    f"DELETE FROM entry WHERE entity_id {ANY}",
    f"UPDATE event SET payload = '{{}}' WHERE entity_id {ANY}",
]
_REFERRER = f"SELECT entity_id FROM entity_reference WHERE target_id {ANY} LIMIT 1"
_CHILD = f"SELECT id FROM entity WHERE parent_id {ANY} LIMIT 1"


def erase(connection: Connection, ids: Collection[str]) -> None:
    """Remove entities and all that is theirs. What refers to them is looked at afterwards.

    Raises:
        StaleWriteError: One of them is not stored.
    """
    if not ids:
        return
    which = listed(ids)
    rows = connection.execute(f"SELECT id FROM entity WHERE id {ANY}", (which,))
    absent = sorted(set(ids).difference(found for (found,) in rows))
    if absent:
        raise StaleWriteError(f"an entity to erase is not there: {absent[0]}", ids=absent)
    search.forget(connection, ids)
    for statement in _OF_NODES:
        connection.execute(statement, (which, which))
    for statement in _OF_ENTITIES:
        connection.execute(statement, (which,))


def check_erased(connection: Connection, ids: Collection[str]) -> None:
    """Look whether anything still needs what was erased.

    Raises:
        StaleWriteError: An entity refers to an erased one, or lies below one.
    """
    if not ids:
        return
    for statement, what in ((_REFERRER, "refers to"), (_CHILD, "lies below")):
        found = connection.execute(statement, (listed(ids),)).fetchone()
        if found:
            raise StaleWriteError(
                f"entity {found[0]} {what} one that the write erases", ids=sorted(ids)
            )
