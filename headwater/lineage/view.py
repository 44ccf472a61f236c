"""The three levels at which lineage is shown: entity, feature and column."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, get_args

from headwater.errors import InvalidInputError
from headwater.lineage.kind import COLUMN, FEATURES
from headwater.lineage.node import as_json
from headwater.lineage.walk import Pair, Walk, Walker, as_seen, edge_json
from headwater.store.base import Direction, Edge, Level, Node, Store
from headwater.store.draft import Document

View = Literal["entity", "feature", "column"]


@dataclass(frozen=True, slots=True)
class Scope:
    """How far and how finely a question looks."""

    upstream: int
    downstream: int
    limit: int
    as_of: int | None


@dataclass(slots=True)
class Graph:
    """Nodes and edges to show, before they are spelled.

    Attributes:
        starts: Ids at distance 0: the root, and at column level the root's columns.
    """

    root: Node
    starts: set[str]
    nodes: dict[str, Node]
    edges: dict[Pair, list[Edge]]
    more: dict[tuple[str, Direction], int] = field(default_factory=dict)

    def broken(self) -> set[Pair]:
        """The edges of which an end is a part that is gone from its entity."""
        gone = {node.id for node in self.nodes.values() if node.dropped}
        return {pair for pair in self.edges if not gone.isdisjoint(pair)} if gone else set()

    def depths(self, scope: Scope) -> dict[str, int]:
        """Distance of every node within the scope, negative upstream."""
        found = dict.fromkeys(self.starts, 0)
        for sign, bound in ((-1, scope.upstream), (1, scope.downstream)):
            near: dict[str, list[str]] = {}
            for start, end in self.edges:
                a, b = (end, start) if sign < 0 else (start, end)
                near.setdefault(a, []).append(b)
            seen, frontier = set(self.starts), list(self.starts)
            for distance in range(1, bound + 1):
                reached = {other for node_id in frontier for other in near.get(node_id, ())}
                frontier = sorted(reached - seen)
                seen |= reached
                for node_id in frontier:
                    found.setdefault(node_id, sign * distance)
        return found


def view_of(level: str | None, root: Node) -> View:
    """Return the level that is asked for, or else a node's own: ``column`` for a part.

    Raises:
        InvalidInputError: It is no level.
    """
    if level is None:
        return "column" if root.owner_id else "entity"
    if level not in get_args(View):
        raise InvalidInputError(f"level is {' or '.join(get_args(View))}, not {level!r}")
    return level  # type: ignore[return-value]  # just checked against the literal


def look(store: Store, root: Node, view: View, scope: Scope) -> Graph:
    """Return the graph around a node at one level."""
    if view == "entity":
        entity = entity_of(store, root)
        return _graph(entity, _walk(store, [entity], "coarse", scope))
    fine = _walk(store, starts_of(store, root), "fine", scope)
    if view == "column":
        return _graph(root, fine)
    coarse = _walk(store, [root], "coarse", scope) if root.owner_id is None else Walk()
    columns = {n.id: n.owner_id or n.id for n, _ in fine.nodes.values() if n.kind == COLUMN}
    tables = store.nodes(ids={*columns.values()}) if columns else []
    return _feature_graph(root, columns, as_seen(store, tables, scope.as_of), fine, coarse)


def starts_of(store: Store, root: Node) -> list[Node]:
    """The nodes that a fine walk starts from: an entity's columns beside the entity itself.

    Dropped columns too: they keep their edges, and had them in the past.
    Features are not among them: edges lead from them to their model.
    """
    if root.owner_id:
        parts = store.nodes(owner_ids=[root.owner_id], kinds=[root.kind])
        # Parts go by their present names, and the root by what it was called at the time.
        inside = next(part.fqn for part in parts if part.id == root.id) + "."
        return [root, *(p for p in parts if p.fqn.startswith(inside))]
    parts = store.nodes(owner_ids=[root.id])
    return [root, *(p for p in parts if p.kind not in FEATURES)]


def spell(store: Store, graph: Graph, view: View, scope: Scope) -> Document:
    """The answer to a lineage question, as REST gives it."""
    depths, broken = graph.depths(scope), graph.broken()
    nodes = [n for n in graph.nodes.values() if n.id in depths]
    nodes.sort(key=lambda n: (abs(depths[n.id]), depths[n.id], n.fqn, n.id))
    owner_ids = {n.owner_id for n in nodes if n.owner_id} - depths.keys()
    owners = as_seen(store, store.nodes(ids=owner_ids) if owner_ids else [], scope.as_of).values()
    return {
        "root": graph.root.id,
        "level": view,
        "nodes": [{**as_json(node), "depth": depths[node.id]} for node in nodes],
        "edges": [
            edge_json(pair, edges) | ({"broken": True} if pair in broken else {})
            for pair, edges in graph.edges.items()
            if pair[0] in depths and pair[1] in depths
        ],
        "owners": [as_json(owner) for owner in owners],
        "truncated": bool(graph.more),
        "more": [
            {"id": node_id, "direction": direction, "count": count}
            for (node_id, direction), count in graph.more.items()
        ],
    }


def _walk(store: Store, starts: Collection[Node], level: Level, scope: Scope) -> Walk:
    walker = Walker(store, level, scope.limit, scope.as_of)
    return walker.walk(starts, upstream=scope.upstream, downstream=scope.downstream)


def entity_of(store: Store, node: Node) -> Node:
    """The node's entity, which may be itself."""
    return store.nodes(ids=[node.owner_id])[0] if node.owner_id else node


def _graph(root: Node, walk: Walk) -> Graph:
    """What a walk met; columns that it started from show only when an edge meets them."""
    used = {node_id for pair in walk.edges for node_id in pair} | {root.id}
    nodes = {node_id: node for node_id, (node, _) in walk.nodes.items() if node_id in used}
    starts = {node_id for node_id in nodes if walk.nodes[node_id][1] == 0}
    return Graph(root, starts, nodes, walk.edges, walk.more)


def _feature_graph(
    root: Node, columns: dict[str, str], tables: dict[str, Node], fine: Walk, coarse: Walk
) -> Graph:
    """Entities and features.

    Columns stand as their tables; a table → model edge that goes through a feature of the model is
    shown through it.

    Args:
        columns: Ids of their tables, by id.
        tables: By id.
    """
    nodes = dict(tables)
    nodes |= {n.id: n for n, _ in coarse.nodes.values()}
    nodes |= {n.id: n for n, _ in fine.nodes.values() if n.id not in columns}
    edges: dict[Pair, list[Edge]] = {}
    for (a, b), found in fine.edges.items():
        pair = (columns.get(a, a), columns.get(b, b))
        if pair[0] != pair[1]:
            edges.setdefault(pair, []).extend(found)
    through = {
        (table, model)
        for table, feature in edges
        if (middle := nodes.get(feature)) and middle.owner_id
        for model in [middle.owner_id]
        if (feature, model) in edges
    }
    edges |= {pair: found for pair, found in coarse.edges.items() if pair not in through}
    more = {(columns.get(n, n), way): count for (n, way), count in fine.more.items()}
    start = columns.get(root.id, root.id)
    return Graph(nodes[start], {start}, nodes, edges, coarse.more | more)
