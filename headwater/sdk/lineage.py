"""Answers of the lineage routes as objects, and as text: walks and impact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal

from headwater.display import drawing
from headwater.sdk.tree import Line, draw

Direction = Literal["upstream", "downstream"]


@dataclass(frozen=True, slots=True)
class LineageNode:
    """An entity or part in an answer.

    Attributes:
        kind: Of the entity, or ``column``, ``mlFeature``, ``featureSource``.
        owner: Id of the entity that a part belongs to.
        depth: Steps from the asked node, negative upstream.
        dropped: The part is gone from its entity; what it feeds is broken.
        deleted: The entity is soft-deleted.
    """

    id: str
    kind: str
    name: str
    fully_qualified_name: str
    owner: str | None = None
    depth: int = 0
    dropped: bool = False
    deleted: bool = False

    @classmethod
    def of(cls, raw: dict[str, Any]) -> LineageNode:
        """Read a node of an answer."""
        return cls(
            id=raw["id"],
            kind=raw["kind"],
            name=raw.get("name", ""),
            fully_qualified_name=raw["fullyQualifiedName"],
            owner=raw.get("owner"),
            depth=raw.get("depth", 0),
            dropped=raw.get("dropped", False),
            deleted=raw.get("deleted", False),
        )

    def __str__(self) -> str:
        state = " (deleted)" if self.deleted else " (dropped)" if self.dropped else ""
        return f"{self.kind} {self.fully_qualified_name}{state}"


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """One step of the data: from a node's id to a node's id.

    Attributes:
        level: ``fine`` (columns, features) or ``coarse`` (entities).
        assertions: Who says so and how: ``source``, ``producer`` and details.
        masking: All who say so say that nothing of the values can be told from the result.
        broken: An end is a column or feature that is gone.
    """

    from_id: str
    to_id: str
    level: str
    assertions: list[dict[str, Any]] = field(default_factory=list)
    masking: bool = False
    broken: bool = False

    @classmethod
    def of(cls, raw: dict[str, Any]) -> LineageEdge:
        """Read an edge of an answer."""
        return cls(
            raw["from"],
            raw["to"],
            raw.get("level", ""),
            raw.get("assertions", []),
            masking=raw.get("masking", False),
            broken=raw.get("broken", False),
        )


class Lineage:
    """What a node is made from and what is made from it.

    Attributes:
        root: The asked node.
        nodes: Every node of the answer, by distance, then kind and name.
        edges: Every edge between them.
        truncated: The answer has less than the catalog; ``more`` says where.
        more: ``{"id", "direction", "count"}`` for nodes with neighbours that are left out.
    """

    def __init__(self, raw: dict[str, Any], *, directions: Sequence[Direction]) -> None:
        self._raw = raw
        self._directions = directions
        nodes = [LineageNode.of(each) for each in raw["nodes"]]
        self.nodes = sorted(nodes, key=lambda n: (abs(n.depth), *_order(n)))
        self.edges = [LineageEdge.of(each) for each in raw["edges"]]
        self._by_id = {node.id: node for node in self.nodes}
        self.root = self._by_id[raw["root"]]
        self.truncated: bool = raw.get("truncated", False)
        self.more: list[dict[str, Any]] = raw.get("more", [])

    def upstream(self) -> list[LineageNode]:
        """What the asked node is made from, nearest first."""
        return self._reached("upstream")

    def downstream(self) -> list[LineageNode]:
        """What is made from the asked node, nearest first."""
        return self._reached("downstream")

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def tree(self) -> str:
        """Draw the asked node with what is upstream of it, then what is downstream.

        A node that is met again is marked ``…(above)`` and not opened again.
        """
        lines = [str(self.root)]
        for at, direction in enumerate(self._directions):
            last = at == len(self._directions) - 1
            near = self._below(self.root.id, direction)
            lines.append(("└── " if last else "├── ") + _LABELS[direction][0 if near else 1])
            indent = "    " if last else "│   "
            drawn = draw(near, partial(self._below, direction=direction), seen={self.root.id})
            lines += [indent + line for line in drawn]
        if self.truncated:
            lines.append("… not all is shown: ask with a higher limit, or from a node further out")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.tree()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return drawing(str(self))

    def __repr__(self) -> str:
        return f"<Lineage of {self.root}: {len(self.nodes)} nodes, {len(self.edges)} edges>"

    @cached_property
    def _inside(self) -> list[LineageNode]:
        """Columns of the asked table, from which the walk started too."""
        return [node for node in self.nodes if node.depth == 0 and node.id != self.root.id]

    def _reached(self, direction: Direction) -> list[LineageNode]:
        # By the edges and not by depth: in a cycle a node is on both sides.
        found: dict[str, LineageNode] = {}
        queue = [self.root.id, *(node.id for node in self._inside)]
        for node_id in queue:
            for node in self._near[direction].get(node_id, ()):
                if node.id not in found and node.id != self.root.id:
                    found[node.id] = node
                    queue.append(node.id)
        return list(found.values())

    @cached_property
    def _near(self) -> dict[Direction, dict[str, list[LineageNode]]]:
        """The neighbours of every node, in the order that they are shown in."""
        near: dict[Direction, dict[str, list[LineageNode]]] = {"upstream": {}, "downstream": {}}
        for edge in self.edges:
            near["upstream"].setdefault(edge.to_id, []).append(self._by_id[edge.from_id])
            near["downstream"].setdefault(edge.from_id, []).append(self._by_id[edge.to_id])
        for neighbours in near.values():
            for nodes in neighbours.values():
                nodes.sort(key=_order)
        return near

    @cached_property
    def _masked(self) -> dict[Direction, set[tuple[str, str]]]:
        """The near and the far ends of edges that mask."""
        masked = {(edge.from_id, edge.to_id) for edge in self.edges if edge.masking}
        return {"downstream": masked, "upstream": {(far, near) for near, far in masked}}

    def _below(self, node_id: str, direction: Direction) -> list[Line]:
        near = [*self._near[direction].get(node_id, ())]
        if node_id == self.root.id:
            near += [node for node in self._inside if node.id in self._near[direction]]
        masked = self._masked[direction]
        marks = {True: " (masked)", False: ""}
        lines = [Line(f"{n}{marks[(node_id, n.id) in masked]}", n.id) for n in near]
        counts = [
            m["count"] for m in self.more if (m["id"], m["direction"]) == (node_id, direction)
        ]
        return lines + [Line(f"… and {count} more") for count in counts]


_LABELS: dict[Direction, tuple[str, str]] = {
    "upstream": ("upstream, made from:", "upstream: nothing"),
    "downstream": ("downstream, used by:", "downstream: nothing"),
}


def _order(node: LineageNode) -> tuple[str, str]:
    return node.kind, node.fully_qualified_name
