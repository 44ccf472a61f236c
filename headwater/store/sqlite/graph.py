"""Reads of the lineage graph: nodes, assertions, hops."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from sqlite3 import Connection, Cursor
from typing import Any

from headwater.store.base import Direction, Edge, EdgeKey, Hop, Level, Node

Row = tuple[Any, ...]

# The near and the far end of an edge, by the direction of a walk.
_ENDS = {"downstream": ("from_id", "to_id"), "upstream": ("to_id", "from_id")}

EDGE = "from_id, to_id, level, source, producer, details, opened_seq"
NODE = "id, kind, fqn, name, owner_id, dropped, deleted"

ANY = "IN (SELECT value FROM json_each(?))"
"""A condition that takes a collection of any size as one value."""


def listed(values: Collection[str]) -> str:
    """The value that ``ANY`` takes."""
    return json.dumps(list(values), ensure_ascii=False)


def nodes(connection: Connection, filters: Mapping[str, Collection[str] | None]) -> list[Node]:
    """See ``Store.nodes``; ``filters`` are by column."""
    given = {column: values for column, values in filters.items() if values is not None}
    where = " AND ".join(f"{column} {ANY}" for column in given)
    statement = f"SELECT {NODE} FROM node WHERE {where} ORDER BY fqn, id"
    rows = connection.execute(statement, [listed(values) for values in given.values()])
    return [node_of(row) for row in rows]


def edges(
    connection: Connection,
    ends: Mapping[str, Collection[str] | None],
    labels: Mapping[str, str | None],
    *,
    include_closed: bool,
) -> list[Edge]:
    """See ``Store.edges``; ``ends`` and ``labels`` are filters by column."""
    near = {column: listed(ids) for column, ids in ends.items() if ids is not None}
    said = {column: label for column, label in labels.items() if label is not None}
    # Where ends are given, the plus sign leaves the index to them: a producer may hold most edges.
    mark = "+" if near else ""
    where = " AND ".join([*(f"{c} {ANY}" for c in near), *(f"{mark}{c} = ?" for c in said)])
    values = [*near.values(), *said.values()]
    statement = f"SELECT {EDGE}, NULL FROM edge WHERE {where}"
    if include_closed:
        # The conditions stand in both halves: around them they would not find the indexes.
        statement += f" UNION ALL SELECT {EDGE}, closed_seq FROM edge_past WHERE {where}"
        values *= 2
    statement += " ORDER BY from_id, to_id, level, source, producer, opened_seq"
    return [edge_of(row) for row in connection.execute(statement, values)]


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
    hops = step.hops([near_id], limit, behind=far_id) if near_id in ids else []
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
    some = f"SELECT {near} AS near, {far} AS far FROM"
    where = f"WHERE {near} {ANY} AND level = ?"
    values: list[str | int] = [listed(ids), level]
    if as_of is None:
        rows = f"{some} edge {where}"
    else:
        rows = (
            f"{some} edge {where} AND opened_seq <= ? UNION ALL "
            f"{some} edge_past {where} AND opened_seq <= ? AND closed_seq > ?"
        )
        values = [*values, as_of, *values, as_of, as_of]
    statement = f"SELECT near, count(DISTINCT far) FROM ({rows}) GROUP BY near"
    return dict(connection.execute(statement, values).fetchall())


@dataclass(frozen=True, slots=True)
class _Step:
    """One hop from nodes, now or as of a commit."""

    connection: Connection
    direction: Direction
    level: Level
    as_of: int | None

    def hops(self, ids: Collection[str], limit: int, *, behind: str = "") -> list[Hop]:
        """Hops in order, to far ids behind one."""
        values = (listed(ids), self.level, behind)
        if self.as_of is None:
            rows: Iterable[Row] = self._rows("edge", "NULL", "", (*values, limit))
        else:
            opened = " AND opened_seq <= ?"
            held = self._rows("edge", "NULL", opened, (*values, self.as_of, limit))
            closed = opened + " AND closed_seq > ?"
            past = (*values, self.as_of, self.as_of, limit)
            over = self._rows("edge_past", "closed_seq", closed, past)
            rows = islice(merge(held, over, key=self._order), limit)
        return [Hop(edge_of(row), node_of(row[8:])) for row in rows]

    def _rows(self, table: str, closed: str, condition: str, values: Sequence[Any]) -> Cursor:
        near, far = _ENDS[self.direction]
        # CROSS JOIN keeps the edges outermost: read in order, up to the limit, without a sort.
        return self.connection.execute(
            f"SELECT {EDGE}, {closed}, {NODE} FROM {table} CROSS JOIN node ON id = {far}"
            f" WHERE {near} {ANY} AND level = ? AND {far} > ?{condition}"
            f" ORDER BY {near}, {far}, source, producer LIMIT ?",
            values,
        )

    def _order(self, row: Row) -> tuple[str, ...]:
        from_id, to_id, _, source, producer = row[:5]
        ends = (from_id, to_id) if self.direction == "downstream" else (to_id, from_id)
        return (*ends, source, producer)


def edge_of(row: Row) -> Edge:
    """A row of ``EDGE`` and ``closed_seq`` as an edge."""
    from_id, to_id, level, source, producer, details, opened_seq, closed_seq = row[:8]
    return Edge(EdgeKey(from_id, to_id, level, source, producer), details, opened_seq, closed_seq)


def node_of(row: Row) -> Node:
    """A row of ``NODE`` as a node."""
    id_, kind, fqn, name, owner_id, dropped, deleted = row
    return Node(id_, kind, fqn, name, owner_id, bool(dropped), bool(deleted))
