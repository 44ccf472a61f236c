"""Reads of entities: one, many, pages, the past. Each is one statement, and so one round trip."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from headwater.store.base import Deleted, Key, PageQuery, Record
from headwater.store.neo4j.database import Database, whole
from headwater.store.neo4j.layout import place, unpack

_BY_ID = "MATCH (e:Entity {id: $id})"
_BY_FQN = "MATCH (e:Entity {kind: $kind, fqn: $fqn})"
# An order by every property of an index is the order that the index is read in: no sort. Indexes
# are prescribed, because a plan made while the store is empty may choose another one, or none.
_PAST = """
CALL (e) {{
  MATCH (s:_State) USING INDEX SEEK s:_State({index})
  WHERE s.entity_id = e.id AND {condition}
  RETURN s.state AS state ORDER BY s.entity_id DESC, {order} LIMIT 1
}}
"""
_AS_OF = _PAST.format(
    index="entity_id, seq, rev",
    condition="s.seq <= $as_of AND s.rev IS NOT NULL",
    order="s.seq DESC, s.rev DESC",
)
# That there is a rev lets the index answer, newest first, up to the one that is looked for.
_VERSION = _PAST.format(
    index="entity_id, rev",
    condition="s.rev IS NOT NULL AND s.version = $version",
    order="s.rev DESC",
)

_MANY = """
CALL () {
  UNWIND $ids AS key MATCH (e:Entity {id: key}) RETURN key, e
  UNION ALL
  UNWIND $names AS key MATCH (e:Entity {kind: key[0], fqn: key[1]}) RETURN key, e
}
"""
_MANY_NOW = _MANY + "RETURN key, e.state"
_MANY_AS_OF = f"{_MANY} {_AS_OF} RETURN key, state"

_OF_PARENT = " AND e.parent_id = $parent_id"
_PAGE = """
UNWIND $deleted AS deleted
CALL (deleted) {{
  MATCH (e:Entity) USING INDEX SEEK e:Entity({index})
  WHERE e.kind = $kind AND e.deleted = deleted AND e.place > $after{parent}
  RETURN e ORDER BY {order} LIMIT $limit
}}
RETURN e.state[..-1] ORDER BY e.place LIMIT $limit
"""
_PLACE = "kind, deleted, place"
_ORDER = "e.kind, e.deleted, e.place"
_PAGE_OF_KIND = _PAGE.format(parent="", index=_PLACE, order=_ORDER)
_PAGE_OF_PARENT = _PAGE.format(
    parent=_OF_PARENT, index=f"parent_id, {_PLACE}", order=f"e.parent_id, {_ORDER}"
)
_COUNT = """
MATCH (e:Entity) USING INDEX SEEK e:Entity({index})
WHERE e.kind = $kind AND e.deleted IN $deleted AND e.place IS NOT NULL{parent}
RETURN count(e)
"""
_COUNT_OF_KIND = _COUNT.format(parent="", index=_PLACE)
_COUNT_OF_PARENT = _COUNT.format(parent=_OF_PARENT, index=f"parent_id, {_PLACE}")
_FLAGS: dict[Deleted, list[bool]] = {"exclude": [False], "include": [False, True], "only": [True]}

_VERSIONS = """
MATCH (s:_State) USING INDEX SEEK s:_State(entity_id, rev)
WHERE s.entity_id = $id AND s.rev < $before
RETURN s.state ORDER BY s.entity_id DESC, s.rev DESC LIMIT $limit
"""
_ANY_REV = 2**63 - 1
_DESCENDANTS = """
MATCH path = (:Entity {id: $id})-[:CONTAINS*1..]->(e:Entity)
RETURN e.state ORDER BY length(path), e.place
"""
_REFERRERS = """
MATCH (r:_Reference) USING INDEX SEEK r:_Reference(target_id) WHERE r.target_id IN $ids
RETURN r.target_id, r.entity_id, r.field
"""


def find(database: Database, key: Key, *, as_of: int | None, version: str | None) -> Record | None:
    """See ``Store.find``."""
    if isinstance(key, str):
        start, parameters = _BY_ID, {"id": key}
    else:
        start, parameters = _BY_FQN, {"kind": key[0], "fqn": key[1]}
    if version is not None:
        rows = database.read(f"{start} {_VERSION} RETURN state", **parameters, version=version)
    elif as_of is not None:
        rows = database.read(f"{start} {_AS_OF} RETURN state", **parameters, as_of=as_of)
    else:
        rows = database.read(f"{start} RETURN e.state", **parameters)
    found = whole(rows)
    return unpack(found[0][0]) if found else None


def find_many(database: Database, keys: Collection[Key], *, as_of: int | None) -> dict[Key, Record]:
    """See ``Store.find_many``."""
    ids = [key for key in keys if isinstance(key, str)]
    names = [list(key) for key in keys if not isinstance(key, str)]
    if as_of is None:
        rows = database.read(_MANY_NOW, ids=ids, names=names)
    else:
        rows = database.read(_MANY_AS_OF, ids=ids, names=names, as_of=as_of)
    found = whole(rows, 2)
    return {key if isinstance(key, str) else tuple(key): unpack(state) for key, state in found}


def page(database: Database, query: PageQuery) -> list[Record]:
    """See ``Store.page``."""
    statement = _PAGE_OF_KIND if query.parent_id is None else _PAGE_OF_PARENT
    after = "" if query.after is None else place(query.after)
    rows = database.read(statement, **_asked(query), after=after, limit=query.limit)
    return [unpack([*state, ""]) for (state,) in whole(rows)]  # the last of a state is its origins


def count(database: Database, query: PageQuery) -> int:
    """See ``Store.count``."""
    statement = _COUNT_OF_KIND if query.parent_id is None else _COUNT_OF_PARENT
    return int(database.read(statement, **_asked(query))[0][0])


def _asked(query: PageQuery) -> dict[str, Any]:
    return {
        "kind": query.kind,
        "parent_id": query.parent_id,
        "deleted": _FLAGS[query.deleted],
    }


def versions(
    database: Database, entity_id: str, *, before_rev: int | None, limit: int
) -> list[Record]:
    """See ``Store.versions``."""
    before = _ANY_REV if before_rev is None else before_rev
    rows = database.read(_VERSIONS, id=entity_id, before=before, limit=limit)
    return [unpack(state) for (state,) in whole(rows)]


def descendants(database: Database, entity_id: str) -> list[Record]:
    """See ``Store.descendants``."""
    return [unpack(state) for (state,) in whole(database.read(_DESCENDANTS, id=entity_id))]


def referrers(database: Database, entity_ids: Collection[str]) -> list[tuple[str, str, str]]:
    """See ``Store.referrers``."""
    rows = database.read(_REFERRERS, ids=list(entity_ids))
    return sorted((target, referrer, field) for target, referrer, field in whole(rows, 3))
