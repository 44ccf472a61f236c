"""Reads of entities: one, many, pages, the past."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from sqlite3 import Connection
from typing import Any

from headwater.store.base import Key, PageQuery, Record
from headwater.store.sqlite.node import ANY, listed

COLUMNS = "id, kind, fqn, name, parent_id, version, rev, seq, deleted, document, origins"
_SELECT = f"SELECT {COLUMNS} FROM entity"
_SELECT_STATE = f"SELECT {COLUMNS} FROM entity_state"

_KEY = "(SELECT key FROM node WHERE id = ?)"
_BY_ID = f"{_SELECT} WHERE key = {_KEY}"
_BY_IDS = f"{_SELECT} WHERE key IN (SELECT key FROM node WHERE id {ANY})"
_BY_FQN = f"{_SELECT} WHERE kind = ? AND fqn = ?"
_ID_BY_FQN = "SELECT id FROM entity WHERE kind = ? AND fqn = ?"
_AS_OF = f"{_SELECT_STATE} WHERE key = {_KEY} AND seq <= ? ORDER BY rev DESC LIMIT 1"
_VERSION = f"{_SELECT_STATE} WHERE key = {_KEY} AND version = ? ORDER BY rev DESC LIMIT 1"
_VERSIONS = f"{_SELECT_STATE} WHERE key = {_KEY} AND rev < ? ORDER BY rev DESC LIMIT ?"
_REFERRERS = f"""
SELECT target.id, entity.id, field FROM node AS target
JOIN entity_reference AS reference ON reference.target = target.key
JOIN entity ON entity.key = reference.key
WHERE target.id {ANY} ORDER BY 1, 2, 3
"""
_ANY_REV = 2**63 - 1

_DESCENDANTS = f"""
WITH RECURSIVE below (key, id, depth) AS (
  SELECT key, id, 1 FROM entity WHERE parent_id = ?
  UNION ALL
  SELECT entity.key, entity.id, depth + 1 FROM below JOIN entity ON entity.parent_id = below.id
)
SELECT {", ".join("entity." + name for name in COLUMNS.split(", "))}
FROM below JOIN entity USING (key) ORDER BY depth, fqn
"""

_DELETED = {"exclude": " AND NOT deleted", "include": "", "only": " AND deleted"}


def find(connection: Connection, key: Key) -> Record | None:
    """See ``Store.find``: the present."""
    if isinstance(key, str):
        row = connection.execute(_BY_ID, (key,)).fetchone()
    else:
        row = connection.execute(_BY_FQN, key).fetchone()
    return None if row is None else record(row)


def find_state(
    connection: Connection, key: Key, *, as_of: int | None = None, version: str | None = None
) -> Record | None:
    """See ``Store.find``: the present or, when one of the two is given, a state of the past."""
    if as_of is None and version is None:
        return find(connection, key)
    if not isinstance(key, str):
        row = connection.execute(_ID_BY_FQN, key).fetchone()
        if row is None:
            return None
        key = row[0]
    if version is not None:
        row = connection.execute(_VERSION, (key, version)).fetchone()
    else:
        row = connection.execute(_AS_OF, (key, as_of)).fetchone()
    return None if row is None else record(row)


def find_many(
    connection: Connection, keys: Collection[Key], *, as_of: int | None = None
) -> dict[Key, Record]:
    """See ``Store.find_many``."""
    ids = [key for key in keys if isinstance(key, str)] if as_of is None else []
    if 1 < len(ids) == len(keys):
        return {each.id: each for each in records(connection.execute(_BY_IDS, (listed(ids),)))}
    found = ((key, find_state(connection, key, as_of=as_of)) for key in keys)
    return {key: record for key, record in found if record is not None}


def page(connection: Connection, query: PageQuery) -> list[Record]:
    """See ``Store.page``."""
    where, values = _conditions(query)
    if query.after is not None:
        where += " AND fqn > ?"
        values.append(query.after)
    columns = COLUMNS.replace("origins", "''")
    statement = (
        f"SELECT {columns} FROM entity WHERE {where}{_DELETED[query.deleted]} ORDER BY fqn LIMIT ?"
    )
    return records(connection.execute(statement, (*values, query.limit)))


def count(connection: Connection, query: PageQuery) -> int:
    """See ``Store.count``."""
    where, values = _conditions(query)
    # Both counts read an index alone, where one over the rows would read every document.
    whole = f"SELECT count(*) FROM entity WHERE {where}"
    deleted = whole + _DELETED["only"]
    if query.deleted == "exclude":
        statement = f"SELECT ({whole}) - ({deleted})"
        values *= 2
    else:
        statement = deleted if query.deleted == "only" else whole
    (number,) = connection.execute(statement, values).fetchone()
    return int(number)


def _conditions(query: PageQuery) -> tuple[str, list[str]]:
    if query.parent_id is None:
        return "kind = ?", [query.kind]
    return "kind = ? AND parent_id = ?", [query.kind, query.parent_id]


def versions(
    connection: Connection, entity_id: str, *, before_rev: int | None, limit: int
) -> list[Record]:
    """See ``Store.versions``."""
    before = _ANY_REV if before_rev is None else before_rev
    return records(connection.execute(_VERSIONS, (entity_id, before, limit)))


def descendants(connection: Connection, entity_id: str) -> list[Record]:
    """See ``Store.descendants``."""
    return records(connection.execute(_DESCENDANTS, (entity_id,)))


def referrers(connection: Connection, entity_ids: Collection[str]) -> list[tuple[str, str, str]]:
    """See ``Store.referrers``."""
    return connection.execute(_REFERRERS, (listed(entity_ids),)).fetchall()


def record(row: tuple[Any, ...]) -> Record:
    """A row of ``COLUMNS`` as a record."""
    id_, kind, fqn, name, parent_id, version, rev, seq, deleted, document, origins = row
    return Record(
        id_, kind, fqn, name, parent_id, version, rev, seq, bool(deleted), document, origins
    )


def records(rows: Iterable[tuple[Any, ...]]) -> list[Record]:
    """Rows of ``COLUMNS`` as records."""
    return [record(row) for row in rows]
