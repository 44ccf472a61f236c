"""Reads of the lineage graph: nodes, assertions, hops. Each is one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import product
from typing import Any

from headwater.store.base import Direction, Edge, Hop, Level, Node
from headwater.store.neo4j.database import Database, whole
from headwater.store.neo4j.layout import FEEDS, behind, edge_key

_NODE = "n.id, n.kind, n.fqn, n.name, n.owner_id, n.dropped, n.deleted"
_FAR = f"[{_NODE.replace('n.', 'far.')}]"

# The near and the far end of an edge and its place among the near end's, by direction of a walk.
_ENDS: dict[Direction, tuple[str, str, str]] = {
    "downstream": ("from_id", "to_id", "by_to"),
    "upstream": ("to_id", "from_id", "by_from"),
}

# By the filter that nodes and edges are looked up by, the one that leaves the fewest first. Indexes
# are prescribed: a plan made while the store is empty may choose another, or none.
_NODE_MATCHES = {
    "id": "(n:Entity|Part)",
    "fqn": "(n:Entity|Part) USING INDEX SEEK n:Entity(fqn, kind) USING INDEX SEEK n:Part(fqn)",
    "owner_id": "(n:Part) USING INDEX SEEK n:Part(owner_id)",
}
_EDGE_INDEXES = {
    "from_id": ("from_id", "by_to"),
    "to_id": ("to_id", "by_from"),
    "producer": ("producer",),
}


def nodes(database: Database, filters: Mapping[str, Collection[str] | None]) -> list[Node]:
    """See ``Store.nodes``; ``filters`` are by property."""
    given = {name: list(values) for name, values in filters.items() if values is not None}
    where = " AND ".join(f"n.{name} IN ${name}" for name in given)
    match = next(match for name, match in _NODE_MATCHES.items() if name in given)
    # The index on FQN and kind holds no node without a kind, and so answers only when told of it.
    where += " AND n.kind IS NOT NULL"
    rows = database.read(f"MATCH {match} WHERE {where} RETURN {_NODE}", **given)
    return sorted((Node(*row) for row in whole(rows, 4)), key=lambda node: (node.fqn, node.id))


def edges(
    database: Database,
    filters: Mapping[str, str | Collection[str] | None],
    *,
    include_closed: bool,
) -> list[Edge]:
    """See ``Store.edges``; ``filters`` are by property."""
    given = {
        name: [value] if isinstance(value, str) else list(value)
        for name, value in filters.items()
        if value is not None
    }
    where = " AND ".join(f"e.{name} IN ${name}" for name in given)
    # As above, for the second and third property of the indexes on edges.
    where += " AND e.by_to IS NOT NULL AND e.by_from IS NOT NULL AND e.level IS NOT NULL"
    index = next(index for name, index in _EDGE_INDEXES.items() if name in given)
    matches = [f"()-[e:{type_}]->() {_seek(type_, index)}" for type_ in FEEDS.values()]
    matches.append(f"(e:_Suppression) {_seek('_Suppression', index)}")
    if include_closed:
        matches.append(f"(e:_ClosedEdge) {_seek('_ClosedEdge', index)}")
    statement = "\nUNION ALL\n".join(
        f"MATCH {match} WHERE {where} RETURN properties(e) AS edge" for match in matches
    )
    found = [_edge(edge) for (edge,) in database.read(statement, **given) if edge]
    # One that is closed in this moment is met open and then closed, in this order: it is one.
    once = {(edge.key, edge.opened_seq): edge for edge in found}
    return sorted(once.values(), key=_key_order)


def expand(
    database: Database,
    ids: Collection[str],
    direction: Direction,
    level: Level,
    *,
    limit: int,
    as_of: int | None,
    after: tuple[str, str] | None,
) -> list[Hop]:
    """See ``Store.expand``."""
    # Rows come in the order of this list, one node's after the other's, until the limit is reached.
    near, far = after or ("", "")
    ordered = sorted(each for each in set(ids) if each >= near)
    starts = [[each, behind(far) if each == near else ""] for each in ordered]
    statement = _EXPAND[direction, level, as_of is None]
    rows = database.read(statement, starts=starts, limit=limit, as_of=as_of)
    there = ((edge, node) for edge, node in rows if edge and whole([node], 4))
    return [Hop(_edge(edge), Node(*node)) for edge, node in there]


def degrees(
    database: Database,
    ids: Collection[str],
    direction: Direction,
    level: Level,
    *,
    as_of: int | None,
) -> dict[str, int]:
    """See ``Store.degrees``."""
    statement = _DEGREES[direction, level, as_of is None]
    rows = database.read(statement, ids=list(set(ids)), as_of=as_of)
    return {near: count for near, count in rows if count}


def _edge(found: Mapping[str, Any]) -> Edge:
    return Edge(edge_key(found), found["details"], found["opened_seq"], found.get("closed_seq"))


def _key_order(edge: Edge) -> tuple[str | int, ...]:
    key = edge.key
    return (key.from_id, key.to_id, key.level, key.source, key.producer, edge.opened_seq)


def _open(direction: Direction, level: Level) -> str:
    """A match of open edges ``e`` and their far nodes."""
    near, _, place = _ENDS[direction]
    if level == "suppressed":
        return f"(e:_Suppression) {_seek('_Suppression', (near, place))}"
    ends = "()-[e:{}]->(far)" if direction == "downstream" else "(far)-[e:{}]->()"
    return f"{ends.format(FEEDS[level])} {_seek(FEEDS[level], (near, place))}"


def _closed(direction: Direction) -> str:
    """A match of closed edges ``e``."""
    near, _, place = _ENDS[direction]
    return f"(e:_ClosedEdge) {_seek('_ClosedEdge', (near, place))}"


def _seek(name: str, index: tuple[str, ...]) -> str:
    """Prescribe an index on edges."""
    if name == "_ClosedEdge" and len(index) == 2:
        index = (index[0], "level", index[1])
    return f"USING INDEX SEEK e:{name}({', '.join(index)})"


def _expand_statement(direction: Direction, level: Level, *, now: bool) -> str:
    near, far, place = _ENDS[direction]
    look_up = f"MATCH (far:Entity|Part {{id: e.{far}}})"
    opened = "" if now else " AND e.opened_seq <= $as_of"
    open_ = f"""
    MATCH {_open(direction, level)}
    WHERE e.{near} = start[0] AND e.{place} > start[1]{opened}
    WITH * ORDER BY e.{near}, e.{place} LIMIT $limit
    {look_up if level == "suppressed" else ""}
    RETURN properties(e) AS edge, {_FAR} AS node, e.{place} AS place"""
    closed = f"""
    MATCH {_closed(direction)}
    WHERE e.{near} = start[0] AND e.level = '{level}' AND e.{place} > start[1]
      AND e.opened_seq <= $as_of AND e.closed_seq > $as_of
    WITH * ORDER BY e.{near}, e.level, e.{place} LIMIT $limit
    {look_up}
    RETURN properties(e) AS edge, {_FAR} AS node, e.{place} AS place"""
    # One that is closed in this moment is met open and then closed, in this order: it is one.
    both = f"""
    CALL (start) {{ {open_}
    UNION ALL {closed}
    }}
    WITH place, edge.opened_seq AS opened, collect(edge)[0] AS edge, collect(node)[0] AS node
    RETURN edge, node, place ORDER BY place LIMIT $limit"""
    hops = open_ if now else both
    return f"UNWIND $starts AS start CALL (start) {{ {hops} }} RETURN edge, node LIMIT $limit"


def _degrees_statement(direction: Direction, level: Level, *, now: bool) -> str:
    near, far, place = _ENDS[direction]
    known = f"e.{near} = near AND e.{place} IS NOT NULL"
    open_ = f"MATCH {_open(direction, level)} WHERE {known}"
    if now:
        other = f"e.{far}" if level == "suppressed" else "far"
        count = f"{open_} RETURN count(DISTINCT {other}) AS n"
        return f"UNWIND $ids AS near CALL (near) {{ {count} }} RETURN near, n"
    closed = f"MATCH {_closed(direction)} WHERE {known} AND e.level = '{level}'"
    return f"""
    UNWIND $ids AS near
    CALL (near) {{
      {open_} AND e.opened_seq <= $as_of RETURN e.{far} AS other
      UNION
      {closed} AND e.opened_seq <= $as_of AND e.closed_seq > $as_of RETURN e.{far} AS other
    }}
    RETURN near, count(other)"""


_LEVELS: tuple[Level, ...] = ("fine", "coarse", "suppressed")
_CASES = list(product(_ENDS, _LEVELS, (True, False)))
_EXPAND = {case: _expand_statement(case[0], case[1], now=case[2]) for case in _CASES}
_DEGREES = {case: _degrees_statement(case[0], case[1], now=case[2]) for case in _CASES}
