"""What became of a node's lineage from one commit to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from headwater.lineage.node import as_json
from headwater.lineage.view import Scope, View, look
from headwater.lineage.walk import Pair, as_seen, assertions
from headwater.store.base import Edge, Node, Store
from headwater.store.draft import Document

K = TypeVar("K")
Change = Literal["added", "removed", "changed"]


def lineage_diff(
    store: Store, root: Node, view: View, scope: Scope, *, before: int, after: int
) -> Document:
    """Answer the nodes and edges that are new, gone or changed in the graph around a node.

    ``nodes`` has those, and the ends of such edges. Where a graph is larger than the limit, only
    edges that were opened or closed themselves are told: of any other it is not known whether the
    other graph has it too.
    """
    a = _Drawn.at(store, root, view, replace(scope, as_of=before))
    b = _Drawn.at(store, root, view, replace(scope, as_of=after))
    cut = a.cut or b.cut
    edges = _compare(a.edges, b.edges)
    if cut:
        edges = {pair: how for pair, how in edges.items() if not _in_both(a, b, pair, how)}
    ends = {node_id for pair in edges for node_id in pair}
    nodes = _compare(a.nodes, b.nodes)
    if cut:
        nodes = {id_: how for id_, how in nodes.items() if id_ in ends or how == "changed"}
    spelled = [_node(a, b, id_, nodes.get(id_)) for id_ in nodes.keys() | ends]
    name = {node["id"]: (node["fullyQualifiedName"], node["kind"], node["id"]) for node in spelled}
    return {
        "root": b.nodes.get(root.id) or a.nodes.get(root.id) or as_json(root),
        "level": view,
        "from": before,
        "to": after,
        "nodes": sorted(spelled, key=lambda node: name[node["id"]]),
        "edges": [
            _edge(a, b, pair, edges[pair])
            for pair in sorted(edges, key=lambda pair: (name[pair[0]], name[pair[1]]))
        ],
        "truncated": cut,
    }


@dataclass(slots=True)
class _Drawn:
    """The graph around a node after a commit; empty while the node was not there.

    Attributes:
        said: What is said of each edge; ``edges`` has the same as answers spell it.
    """

    as_of: int
    nodes: dict[str, Document] = field(default_factory=dict)
    edges: dict[Pair, Document] = field(default_factory=dict)
    said: dict[Pair, list[Edge]] = field(default_factory=dict)
    cut: bool = False

    @classmethod
    def at(cls, store: Store, root: Node, view: View, scope: Scope) -> _Drawn:
        as_of = scope.as_of or 0
        there = as_seen(store, [root], as_of).get(root.id)
        if there is None or there.deleted:
            return cls(as_of)
        graph = look(store, there, view, scope)
        depths = graph.depths(scope)
        said = {pair: e for pair, e in graph.edges.items() if depths.keys() >= {*pair}}
        return cls(
            as_of,
            {node_id: as_json(node) for node_id, node in graph.nodes.items() if node_id in depths},
            {p: {"level": e[0].key.level, "assertions": assertions(e)} for p, e in said.items()},
            said,
            bool(graph.more),
        )


def _compare(before: Mapping[K, Document], after: Mapping[K, Document]) -> dict[K, Change]:
    """How each key changed; those that did not are left out."""
    out: dict[K, Change] = {}
    for key in {**before, **after}:
        if key not in before:
            out[key] = "added"
        elif key not in after:
            out[key] = "removed"
        elif before[key] != after[key]:
            out[key] = "changed"
    return out


def _in_both(a: _Drawn, b: _Drawn, pair: Pair, how: Change) -> bool:
    """Whether an edge that only one graph shows was held at the time of the other, too."""
    if how == "added":
        return any(edge.opened_seq <= a.as_of for edge in b.said[pair])
    if how == "removed":
        return any(edge.closed_seq is None or edge.closed_seq > b.as_of for edge in a.said[pair])
    return False


def _node(a: _Drawn, b: _Drawn, node_id: str, how: Change | None) -> Document:
    now = b.nodes.get(node_id) or a.nodes[node_id]
    before = {"before": a.nodes[node_id]} if how == "changed" else {}
    return {**now, "change": how or "same", **before}


def _edge(a: _Drawn, b: _Drawn, pair: Pair, how: Change) -> Document:
    old, new = a.edges.get(pair), b.edges.get(pair)
    return {
        "from": pair[0],
        "to": pair[1],
        "level": (new or old or {})["level"],
        "change": how,
        "before": old["assertions"] if old else [],
        "after": new["assertions"] if new else [],
    }
