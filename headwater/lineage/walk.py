"""Walking the graph: breadth first, one hop of the store at a time, within a limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from operator import attrgetter

import pydantic_core

from headwater.store.base import Direction, Edge, Hop, Level, Node, Record, Store
from headwater.store.draft import Document

Pair = tuple[str, str]


@dataclass(slots=True)
class Walk:
    """What a walk met.

    Attributes:
        nodes: By id, with the distance from the start (negative upstream).
        came_from: The node on the near side, for each node but the starts.
        edges: Assertions by ``(from, to)``.
        more: Neighbours left out, by ``(node id, direction)``.
    """

    nodes: dict[str, tuple[Node, int]] = field(default_factory=dict)
    came_from: dict[str, str] = field(default_factory=dict)
    edges: dict[Pair, list[Edge]] = field(default_factory=dict)
    more: dict[tuple[str, Direction], int] = field(default_factory=dict)

    @property
    def truncated(self) -> bool:
        """Whether the limit cut something off."""
        return bool(self.more)

    def path(self, node_id: str) -> list[Node]:
        """The nodes from a start to this one."""
        ids = [node_id]
        while ids[-1] in self.came_from:
            ids.append(self.came_from[ids[-1]])
        return [self.nodes[each][0] for each in reversed(ids)]


@dataclass(frozen=True, slots=True)
class Walker:
    """Walks at one level of detail, now or as of a commit.

    What is soft-deleted is walked through, and says so: it hides nothing of what lies behind it.

    Attributes:
        limit: How many assertions each direction of a walk may return.
    """

    store: Store
    level: Level
    limit: int
    as_of: int | None = None

    def walk(self, starts: Iterable[Node], *, upstream: int = 0, downstream: int = 0) -> Walk:
        """Return everything within the two distances of the starts."""
        walk = Walk({node.id: (node, 0) for node in starts})
        first = list(walk.nodes)
        self._one_way(walk, first, "upstream", upstream)
        self._one_way(walk, first, "downstream", downstream)
        return walk

    def _one_way(self, walk: Walk, starts: list[str], direction: Direction, depth: int) -> None:
        seen, frontier, left = set(starts), starts, self.limit
        sign = -1 if direction == "upstream" else 1
        for distance in range(1, depth + 1):
            if not frontier:
                return
            hops = self.store.expand(
                frontier, direction, self.level, limit=left + 1, as_of=self.as_of
            )
            whole = len(hops) <= left
            hops = hops[:left]
            left -= len(hops)
            following = []
            for hop in self._as_seen(hops):
                self._add(walk, hop, direction, sign * distance)
                if hop.node.id not in seen:
                    seen.add(hop.node.id)
                    following.append(hop.node.id)
            if not whole:
                self._note_more(walk, frontier, hops, direction)
                return
            frontier = following

    def _add(self, walk: Walk, hop: Hop, direction: Direction, depth: int) -> None:
        key, node = hop.edge.key, hop.node
        walk.edges.setdefault((key.from_id, key.to_id), []).append(hop.edge)
        if node.id not in walk.nodes:
            walk.nodes[node.id] = (node, depth)
            walk.came_from[node.id] = key.to_id if direction == "upstream" else key.from_id

    def _as_seen(self, hops: list[Hop]) -> list[Hop]:
        """The hops, with their nodes as they are or, as of a commit, were."""
        if self.as_of is None:
            return hops
        entities = then(self.store, [hop.node for hop in hops], self.as_of)
        out = []
        for hop in hops:
            record = entities.get(hop.node.owner_id or hop.node.id)
            if record:
                held = hop.node.kind == "featureSource" or hop.node.id in record.document
                dropped = hop.node.dropped and not held
                node = hop.node._replace(deleted=record.deleted, dropped=dropped)
                if node.owner_id is None:
                    node = node._replace(fqn=record.fqn, name=record.name)
                out.append(hop._replace(node=node))
        return out

    def _note_more(
        self, walk: Walk, frontier: list[str], hops: list[Hop], direction: Direction
    ) -> None:
        """Say how many neighbours of each node the limit left out."""
        near = attrgetter("to_id" if direction == "upstream" else "from_id")
        far = attrgetter("from_id" if direction == "upstream" else "to_id")
        shown = Counter(n for n, _ in {(near(h.edge.key), far(h.edge.key)) for h in hops})
        total = self.store.degrees(frontier, direction, self.level, as_of=self.as_of)
        for node_id, count in total.items():
            if count > shown[node_id]:
                walk.more[node_id, direction] = count - shown[node_id]


def then(store: Store, nodes: Collection[Node], as_of: int) -> dict[str, Record]:
    """The entities of the nodes as they were after a commit."""
    ids = {node.owner_id or node.id for node in nodes}
    return {str(key): record for key, record in store.find_many(ids, as_of=as_of).items()}


def assertions(edges: list[Edge]) -> list[Document]:
    """The assertions of one edge, as answers spell them."""
    return [
        {"source": e.key.source, "producer": e.key.producer}
        | (pydantic_core.from_json(e.details) if e.details != "{}" else {})
        for e in edges
    ]
