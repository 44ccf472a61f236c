"""Reads of the lineage graph: nodes, assertions, hops."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import itemgetter
from sqlite3 import Connection, Cursor
from typing import Any

from headwater.store.base import Direction, Edge, EdgeKey, Hop, Level, Node
from headwater.store.sqlite.node import ANY, listed
from headwater.store.sqlite.order import rank

Row = tuple[Any, ...]

LEVELS: tuple[Level, ...] = ("coarse", "fine", "suppressed")
"""What numbers of levels mean: they are in the order of the names."""

# The near and the far end of an edge, by the direction of a walk.
_ENDS = {"downstream": ("from", "to"), "upstream": ("to", "from")}

_NODE = "node.id, node.kind, node.fqn, node.name, owner.id, node.dropped, node.deleted"
_OWNER = "LEFT JOIN node AS owner ON owner.key = node.owner"
_NODES = f"SELECT {_NODE} FROM node {_OWNER}"
_PARTS = f"{_NODES} WHERE node.owner IS NOT NULL ORDER BY node.id"
_NODES_BY = {
    "id": f"node.id {ANY}",
    "fqn": f"node.fqn {ANY}",
    "owner_id": f"node.owner IN (SELECT key FROM node WHERE id {ANY})",
    "kind": f"node.kind {ANY}",
}

_ASSERTION = "level, label.source, label.producer, details, opened_seq"
_EDGES = f"""
SELECT start.id, finish.id, {_ASSERTION}, %s FROM %s AS edge
CROSS JOIN node AS start ON start.key = from_key
CROSS JOIN node AS finish ON finish.key = to_key
CROSS JOIN label ON label.key = edge.label
"""
_OPEN = _EDGES % ("NULL", "edge")
_CLOSED = _EDGES % ("closed_seq", "edge_past")
_BY_KEY = "ORDER BY 1, 2, 3, 4, 5, 7"
_ENDS_BY = {
    "from_id": f"from_key IN (SELECT key FROM node WHERE id {ANY})",
    "to_id": f"to_key IN (SELECT key FROM node WHERE id {ANY})",
}
_LABELS = "edge.label IN (SELECT key FROM label WHERE {})"


def nodes(connection: Connection, filters: Mapping[str, Collection[str] | None]) -> list[Node]:
    """See ``Store.nodes``; ``filters`` are by what they are on."""
    given = {what: listed(values) for what, values in filters.items() if values is not None}
    where = " AND ".join(_NODES_BY[what] for what in given)
    statement = f"{_NODES} WHERE {where} ORDER BY node.fqn, node.id"
    return [_node(row) for row in connection.execute(statement, list(given.values()))]


def all_parts(connection: Connection) -> Iterator[Node]:
    """Every part, by id."""
    return (_node(row) for row in connection.execute(_PARTS))


def edges(
    connection: Connection,
    ends: Mapping[str, Collection[str] | None],
    labels: Mapping[str, str | None],
    *,
    include_closed: bool,
) -> list[Edge]:
    """See ``Store.edges``; ``ends`` and ``labels`` are filters by what they are on."""
    near = {end: listed(ids) for end, ids in ends.items() if ids is not None}
    said = {column: text for column, text in labels.items() if text is not None}
    conditions = [_ENDS_BY[end] for end in near]
    if said:
        # Where ends are given, the plus sign leaves the index to them: a label may hold most edges.
        mark = "+" if near else ""
        conditions.append(mark + _LABELS.format(" AND ".join(f"{column} = ?" for column in said)))
    where = " AND ".join(conditions)
    values = [*near.values(), *said.values()]
    statement = f"{_OPEN} WHERE {where}"
    if include_closed:
        # The conditions stand in both halves: around them they would not find the indexes.
        statement += f" UNION ALL {_CLOSED} WHERE {where}"
        values *= 2
    return [_edge(row) for row in connection.execute(f"{statement} {_BY_KEY}", values)]


def all_edges(connection: Connection) -> Iterator[Edge]:
    """Every assertion, open and closed, by key and ``opened_seq``."""
    rows = connection.execute(f"{_OPEN} UNION ALL {_CLOSED} {_BY_KEY}")
    return (_edge(row) for row in rows)


def expand(
    connection: Connection,
    ids: Collection[str],
    direction: Direction,
    level: Level,
    *,
    limit: int,
    as_of: int | None,
    after: tuple[str, str] | None,
) -> list[Hop]:
    """See ``Store.expand``."""
    step = _Step(connection, direction, level, as_of)
    if after is None:
        return step.hops(ids, limit)
    near_id, far_id = after
    hops = step.hops([near_id], limit, behind=rank(far_id)) if near_id in ids else []
    if len(hops) < limit:
        hops += step.hops([each for each in ids if each > near_id], limit - len(hops))
    return hops


def degrees(
    connection: Connection,
    ids: Collection[str],
    direction: Direction,
    level: Level,
    *,
    as_of: int | None,
) -> dict[str, int]:
    """See ``Store.degrees``."""
    near, far = _ENDS[direction]
    some = f"SELECT near.id, {far}_key AS far FROM node AS near CROSS JOIN"
    where = f"ON {near}_key = near.key AND level = ? WHERE near.id {ANY}"
    values: list[str | int] = [LEVELS.index(level), listed(ids)]
    if as_of is None:
        rows = f"{some} edge {where}"
    else:
        rows = (
            f"{some} edge {where} AND opened_seq <= ? UNION ALL "
            f"{some} edge_past {where} AND opened_seq <= ? AND closed_seq > ?"
        )
        values = [*values, as_of, *values, as_of, as_of]
    statement = f"SELECT id, count(DISTINCT far) FROM ({rows}) GROUP BY id"
    return dict(connection.execute(statement, values).fetchall())


@dataclass(frozen=True, slots=True)
class _Step:
    """One hop from nodes, now or as of a commit."""

    connection: Connection
    direction: Direction
    level: Level
    as_of: int | None

    def hops(
        self, ids: Collection[str], limit: int, *, behind: bytes | str | None = None
    ) -> list[Hop]:
        """Hops in order, to far ids behind a rank."""
        values: list[Any] = [listed(ids), LEVELS.index(self.level)]
        condition = ""
        if behind is not None:
            condition = f" AND {_ENDS[self.direction][1]}_rank > ?"
            values.append(behind)
        if self.as_of is None:
            rows = _whole_pairs(self._rows("edge", "NULL", condition, values), limit)
        else:
            values.append(self.as_of)
            condition += " AND opened_seq <= ?"
            held = _whole_pairs(self._rows("edge", "NULL", condition, values), limit)
            values.append(self.as_of)
            condition += " AND closed_seq > ?"
            rows = held + _whole_pairs(
                self._rows("edge_past", "closed_seq", condition, values), limit
            )
        rows.sort(key=_ORDER)
        return [self._hop(row) for row in rows[:limit]]

    def _rows(self, table: str, closed: str, condition: str, values: Sequence[Any]) -> Cursor:
        near, far = _ENDS[self.direction]
        # CROSS JOIN keeps the near nodes outermost, then their edges: read in order, as far as
        # somebody asks, without a sort. Assertions of one pair are in no order yet.
        return self.connection.execute(
            f"SELECT near.id, {_NODE}, {_ASSERTION}, {closed} FROM node AS near"
            f" CROSS JOIN {table} AS edge ON edge.{near}_key = near.key"
            f" CROSS JOIN node ON node.key = edge.{far}_key"
            f" CROSS JOIN label ON label.key = edge.label {_OWNER}"
            f" WHERE near.id {ANY} AND edge.level = ?{condition}"
            f" ORDER BY near.id, edge.{far}_rank",
            values,
        )

    def _hop(self, row: Row) -> Hop:
        near_id, far_id, *_ = row
        start, finish = (near_id, far_id) if self.direction == "downstream" else (far_id, near_id)
        _, _, kind, fqn, name, owner_id, dropped, deleted, _, source, producer, *held = row
        return Hop(
            Edge(EdgeKey(start, finish, self.level, source, producer), *held),
            Node(far_id, kind, fqn, name, owner_id, dropped == 1, deleted == 1),
        )


_ORDER = itemgetter(0, 1, 9, 10)
"""Of hops as rows: near id, far id, source, producer."""


def _whole_pairs(rows: Cursor, limit: int) -> list[Row]:
    """Rows up to a limit, and the rest of the last pair's."""
    found = rows.fetchmany(limit)
    if found and len(found) == limit:
        pair = found[-1][:2]
        found += takewhile(lambda row: row[:2] == pair, rows)
    rows.close()  # else it would hold its state of the database
    return found


def _edge(row: Row) -> Edge:
    from_id, to_id, level, source, producer, details, opened_seq, closed_seq = row
    key = EdgeKey(from_id, to_id, LEVELS[level], source, producer)
    return Edge(key, details, opened_seq, closed_seq)


def _node(row: Row) -> Node:
    id_, kind, fqn, name, owner_id, dropped, deleted = row
    return Node(id_, kind, fqn, name, owner_id, dropped == 1, deleted == 1)
