"""The shortest way that data takes from one node to another, searched from both ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from headwater.errors import InvalidInputError
from headwater.lineage.node import as_json
from headwater.lineage.view import entity_of, starts_of
from headwater.lineage.walk import as_seen, edge_json
from headwater.store.base import Direction, Edge, Level, Node, Store
from headwater.store.draft import Document

PATH_LEVELS = ("any", "column", "entity")
WORK = 200_000
"""How many assertions one search may meet."""

_SEARCHES: tuple[tuple[str, Level], ...] = (("column", "fine"), ("entity", "coarse"))


def shortest_path(
    store: Store, start: Node, end: Node, *, level: str, as_of: int | None, work: int = WORK
) -> Document:
    """Answer the shortest path from one node to another, or that there is none.

    ``truncated``: a search met its bound first, so that there may be a path, or a finer one.
    ``note``: a path of whole entities was found between nodes of which one is a part.

    Args:
        level: ``column`` follows columns and features, ``entity`` whole entities; ``any`` takes
            the finer path when there is one.

    Raises:
        InvalidInputError: There is no such level.
    """
    if level not in PATH_LEVELS:
        raise InvalidInputError(f"level is {' or '.join(PATH_LEVELS)}, not {level!r}")
    answer: Document = {"from": as_json(start), "to": as_json(end), "found": False}
    cut, path, found = False, _Path([], []), {}
    for name, fineness in _SEARCHES:
        if level in ("any", name):
            search = _Search(store, fineness, as_of, work)
            path = search.run(*_ends(store, start, end, fineness))
            if path.nodes:
                found = {"found": True, "level": name, **_noted(name, start, end)}
                break
            cut = cut or search.cut
    nodes = as_seen(store, path.nodes, as_of)
    return answer | {
        **found,
        "nodes": [as_json(nodes[node.id]) for node in path.nodes if node.id in nodes],
        "edges": [edge_json(edges[0].key[:2], edges) for edges in path.edges],
        "truncated": cut,
    }


def _noted(level: str, *ends: Node) -> Document:
    """What must not be read into a path: one of entities says nothing of their columns."""
    parts = " and ".join(f"{node.kind} {node.fqn}" for node in ends if node.owner_id)
    if level == "column" or not parts:
        return {}
    return {
        "note": f"this way leads between whole entities; it does not say that the data of {parts}"
        " takes it (level=column asks for that alone)"
    }


class _Path(NamedTuple):
    """The nodes of a path, none when there is none, and the assertions of each of its steps."""

    nodes: list[Node]
    edges: list[list[Edge]]


def _ends(store: Store, start: Node, end: Node, level: Level) -> tuple[list[Node], list[Node]]:
    """The nodes that a path may start from, and those that it may end at."""
    if level == "fine":
        return starts_of(store, start), starts_of(store, end)
    a, b = entity_of(store, start), entity_of(store, end)
    if a.id == b.id and start.id != end.id:  # between parts of one entity only columns lead
        return [], []
    return [a], [b]


@dataclass(slots=True)
class _Side:
    """What was met from one end.

    Attributes:
        frontier: Ids of the nodes that were met last.
        steps: Of every node but those at the end itself, the assertions between it and the node
            that it was met from, which is nearer to the end.
    """

    direction: Direction
    frontier: list[str]
    nodes: dict[str, Node]
    steps: dict[str, tuple[str, list[Edge]]] = field(default_factory=dict)

    @classmethod
    def of(cls, direction: Direction, nodes: Iterable[Node]) -> _Side:
        by_id = {node.id: node for node in nodes}
        return cls(direction, sorted(by_id), by_id)

    def way(self, node_id: str) -> _Path:
        """From a node to the end."""
        path = _Path([self.nodes[node_id]], [])
        while node_id in self.steps:
            node_id, edges = self.steps[node_id]
            path.nodes.append(self.nodes[node_id])
            path.edges.append(edges)
        return path


@dataclass(slots=True)
class _Search:
    """Breadth first from both ends, at one level.

    Attributes:
        left: How many more assertions may be met.
        cut: There were more than that.
    """

    store: Store
    level: Level
    as_of: int | None
    left: int
    cut: bool = False

    def run(self, starts: Sequence[Node], ends: Sequence[Node]) -> _Path:
        """Return a shortest path, which is without nodes when none was found."""
        down, up = _Side.of("downstream", starts), _Side.of("upstream", ends)
        met = [node.id for node in starts if node.id in up.nodes]
        while not met and down.frontier and up.frontier and not self.cut:
            # The narrower side goes on. Data fans out more than it gathers, so upstream first.
            near, far = (down, up) if len(down.frontier) < len(up.frontier) else (up, down)
            self._go_on(near)
            met = [node_id for node_id in near.frontier if node_id in far.nodes]
        if not met:
            return _Path([], [])
        to_start, to_end = down.way(met[0]), up.way(met[0])
        return _Path(to_start.nodes[::-1] + to_end.nodes[1:], to_start.edges[::-1] + to_end.edges)

    def _go_on(self, side: _Side) -> None:
        """Replace the frontier of one side by what lies a step further."""
        hops = self.store.expand(
            side.frontier, side.direction, self.level, limit=self.left + 1, as_of=self.as_of
        )
        self.cut = len(hops) > self.left
        found: dict[str, tuple[str, list[Edge]]] = {}
        for edge, node in hops[: self.left]:
            near = edge.key.from_id if side.direction == "downstream" else edge.key.to_id
            if node.id not in side.nodes:
                found.setdefault(node.id, (near, []))
                side.nodes[node.id] = node
            if node.id in found and found[node.id][0] == near:
                found[node.id][1].append(edge)
        self.left -= min(len(hops), self.left)
        side.steps |= found
        side.frontier = sorted(found)
