"""Walking the graph: breadth first, one hop of the store at a time, within a limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

import pydantic_core

from headwater.lineage.kind import UNRESOLVED, parts_in
from headwater.lineage.source import source_id, sources_of
from headwater.schemas import shape_of
from headwater.store.base import Direction, Edge, Hop, Level, Node, Record, Store
from headwater.store.draft import Document, load
from headwater.store.row import masks

Pair = tuple[str, str]


@dataclass(slots=True)
class Walk:
    """What a walk met.

    Attributes:
        nodes: By id, with the distance from the start (negative upstream).
        came_from: The node on the near side, for each node but the starts: of the shortest ways on
            one that leads through nothing that is gone, if there is one, and the first by name.
        broken: Ids of nodes to which every shortest way leads through what is gone.
        edges: Assertions by ``(from, to)``.
        more: Neighbours left out, by ``(node id, direction)``.
        masked: Where the walk ended because all that is asserted masks: the nodes behind.
    """

    nodes: dict[str, tuple[Node, int]] = field(default_factory=dict)
    came_from: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    edges: dict[Pair, list[Edge]] = field(default_factory=dict)
    more: dict[tuple[str, Direction], int] = field(default_factory=dict)
    masked: dict[Pair, Node] = field(default_factory=dict)

    @property
    def truncated(self) -> bool:
        """Whether the limit cut something off."""
        return bool(self.more)

    def reach(self, node: Node, near: str, distance: int) -> None:
        """Note a way to a node by one on its near side."""
        known = self.nodes.get(node.id)
        if known is None:
            self.nodes[node.id] = (node, distance)
            self.came_from[node.id] = near
        elif known[1] == distance and (other := self.came_from[node.id]) != near:
            self.came_from[node.id] = min(other, near, key=self._rank)

    def _rank(self, node_id: str) -> tuple[bool, str]:
        return node_id in self.broken, self.nodes[node_id][0].fqn

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
        unmasked: Go only where values can still be told: not where every assertion masks.
    """

    store: Store
    level: Level
    limit: int
    as_of: int | None = None
    unmasked: bool = False

    def walk(self, starts: Iterable[Node], *, upstream: int = 0, downstream: int = 0) -> Walk:
        """Return everything within the two distances of the starts."""
        seen = as_seen(self.store, starts, self.as_of)
        walk = Walk({node.id: (node, 0) for node in seen.values()})
        walk.broken.update(node.id for node in seen.values() if node.dropped)
        first = list(walk.nodes)
        self._one_way(walk, first, "upstream", upstream)
        self._one_way(walk, first, "downstream", downstream)
        return walk

    def _one_way(self, walk: Walk, starts: list[str], direction: Direction, depth: int) -> None:
        seen, frontier, left = set(starts), starts, self.limit
        met = frozenset(walk.edges)  # in the other direction: data may go in circles
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
            for hop in self._as_seen(self._telling(walk, hops)):
                pair = hop.edge.key[:2]
                if pair not in met or hop.edge not in walk.edges[pair]:
                    walk.edges.setdefault(pair, []).append(hop.edge)
                walk.reach(hop.node, pair[direction == "upstream"], sign * distance)
                if hop.node.id not in seen:
                    seen.add(hop.node.id)
                    following.append(hop.node.id)
            if not whole:
                self._note_more(walk, frontier, hops, direction)
                return
            walk.broken.update(
                id_
                for id_ in following
                if walk.nodes[id_][0].dropped or walk.came_from.get(id_) in walk.broken
            )
            frontier = following

    def _telling(self, walk: Walk, hops: list[Hop]) -> list[Hop]:
        """The hops but, where that is asked, those of pairs that only masking assertions tie."""
        if not self.unmasked:
            return hops
        telling = {hop.edge.key[:2] for hop in hops if not hop.edge.masking}
        hidden = [hop for hop in hops if hop.edge.key[:2] not in telling]
        walk.masked |= {hop.edge.key[:2]: hop.node for hop in hidden}
        return [hop for hop in hops if hop.edge.key[:2] in telling]

    def _as_seen(self, hops: list[Hop]) -> list[Hop]:
        """The hops, with their nodes as they are or, as of a commit, were."""
        if self.as_of is None:
            return hops
        nodes = as_seen(self.store, [hop.node for hop in hops], self.as_of)
        return [hop._replace(node=nodes[hop.node.id]) for hop in hops if hop.node.id in nodes]

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


def as_seen(store: Store, nodes: Iterable[Node], as_of: int | None) -> dict[str, Node]:
    """The nodes by id, as they are or, as of a commit, were. Those not there then are left out."""
    by_id = {node.id: node for node in nodes}
    if as_of is None:
        return by_id
    ids = {node.owner_id or node.id for node in by_id.values()}
    records = {record.id: record for record in store.find_many(ids, as_of=as_of).values()}
    owners = {node.owner_id for node in by_id.values()}
    names = {id_: _names(record) for id_, record in records.items() if id_ in owners}
    found = {}
    for node in by_id.values():
        record = records.get(node.owner_id or node.id)
        if record:
            found[node.id] = _then(node, record, names.get(record.id, {}))
    return found | _away_then(store, found, records)


def _names(record: Record) -> dict[str, str]:
    """The FQNs of the parts, and of the sources that waited, in a state of an entity, by id."""
    document = load(record)
    held = [part for _, part in parts_in(shape_of(record.kind), document)]
    waiting = [each for each in sources_of(document) if "columnId" not in each.source]
    return {part["id"]: part["fullyQualifiedName"] for part in held} | {
        source_id(record.id, each): each.source.get("fullyQualifiedName", "") for each in waiting
    }


def _then(node: Node, record: Record, names: dict[str, str]) -> Node:
    """A node of an entity as one of the entity's states has it."""
    if node.owner_id is None:
        return node._replace(fqn=record.fqn, name=record.name, deleted=record.deleted)
    dropped = node.kind != UNRESOLVED and node.id not in names
    return node._replace(fqn=names.get(node.id, node.fqn), deleted=record.deleted, dropped=dropped)


def _away_then(store: Store, nodes: dict[str, Node], records: dict[str, Record]) -> dict[str, Node]:
    """The nodes that their entities' states do not have, under the names that those had then.

    No state spells them: they go by the present name of their entity.
    """
    away = [node for node in nodes.values() if node.dropped]
    owners = store.nodes(ids={str(node.owner_id) for node in away}) if away else []
    now = {owner.id: f"{owner.fqn}." for owner in owners}
    return {
        node.id: node._replace(fqn=f"{records[owner].fqn}.{node.fqn.removeprefix(now[owner])}")
        for node in away
        if (owner := str(node.owner_id)) in now and node.fqn.startswith(now[owner])
    }


def edge_json(pair: Pair, edges: list[Edge]) -> Document:
    """What is asserted between two nodes as one edge of an answer."""
    out: Document = {"from": pair[0], "to": pair[1], "level": edges[0].key.level}
    if masked_by(edges):
        out["masking"] = True
    out["assertions"] = assertions(edges)
    return out


def masked_by(edges: Iterable[Edge]) -> bool:
    """Whether everything that is asserted between two nodes masks: one that does not is enough."""
    for edge in edges:  # noqa: SIM110  (a walk asks this of every edge)
        if not masks(edge.details):
            return False
    return True


def assertions(edges: list[Edge]) -> list[Document]:
    """The assertions of one edge, as answers spell them."""
    return [
        {"source": e.key.source, "producer": e.key.producer}
        | (pydantic_core.from_json(e.details) if e.details != "{}" else {})
        for e in edges
    ]
