"""What the oracle answers: the lineage around a node at each level, and the impact of one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import networkx as nx

from tests.parity.state import LISTED, Model, ModelVersion, Node, State

Pair = tuple[Node, Node]


@dataclass(frozen=True)
class Around:
    """A part of the graph.

    Attributes:
        depths: Of each node, negative upstream.
    """

    depths: dict[Node, int]
    pairs: set[Pair]


def graph(state: State, level: str) -> nx.DiGraph:
    """The open edges of a level, one for many assertions."""
    return nx.DiGraph([edge.pair for edge in state.edges if edge.level == level])


def known_parts(state: State, entity_id: str) -> list[Node]:
    """The columns that an entity ever had."""
    return [Node("column", entity_id, path) for path in state.columns.get(entity_id, ())]


def starts(state: State, root: Node) -> list[Node]:
    """The root with its columns, or what is nested in it."""
    columns = known_parts(state, root.owner)
    if not root.is_part:
        return [root, *columns]
    return [root, *(each for each in columns if each.path.startswith(f"{root.path}."))]


def _near(whole: nx.DiGraph, roots: Collection[Node], depth: int) -> dict[Node, int]:
    if not roots:
        return {}
    whole.add_nodes_from(roots)
    found: dict[Node, int] = nx.multi_source_dijkstra_path_length(whole, {*roots}, cutoff=depth)
    return found


def _around(whole: nx.DiGraph, roots: Collection[Node], up: int, down: int) -> Around:
    below, above = _near(whole, roots, down), _near(whole.reverse(), roots, up)
    pairs = {
        (start, end)
        for start, end in whole.edges
        if below.get(start, down) < down or above.get(end, up) < up
    }
    return Around(below | {node: -depth for node, depth in above.items()}, pairs)


def walk(state: State, root: Node, view: str, up: int, down: int) -> Around:
    """The graph around a node within two distances, at one of three levels."""
    if view == "entity":
        entity = state.entities[root.owner].node
        return _around(graph(state, "coarse"), [entity], up, down)
    fine = _around(graph(state, "fine"), starts(state, root), up, down)
    if view == "column":
        used = {node for pair in fine.pairs for node in pair} | {root}
        return Around({n: depth for n, depth in fine.depths.items() if n in used}, fine.pairs)
    coarse = _around(graph(state, "coarse"), [] if root.is_part else [root], up, down)
    return _by_feature(state, root, fine.pairs, coarse.pairs, up, down)


def _by_feature(
    state: State, root: Node, fine: set[Pair], coarse: set[Pair], up: int, down: int
) -> Around:
    """Columns stand as their tables; what feeds a model through a feature is shown through it."""

    def table(node: Node) -> Node:
        return state.entities[node.owner].node if node.kind == "column" else node

    pairs = {(table(start), table(end)) for start, end in fine}
    pairs = {pair for pair in pairs if pair[0] != pair[1]}
    through = {
        (start, Node("mlmodel", feature.owner))
        for start, feature in pairs
        if feature.kind == "mlFeature" and (feature, Node("mlmodel", feature.owner)) in pairs
    }
    found = _around(nx.DiGraph([*pairs, *(coarse - through)]), [table(root)], up, down)
    shown = {pair for pair in pairs | (coarse - through) if found.depths.keys() >= {*pair}}
    return Around(found.depths, shown)


def impact(state: State, root: Node, depth: int) -> tuple[set[Node], set[Node]]:
    """The models and versions that a node reaches; and those that nothing rules out.

    The second are behind entities that it reaches, along edges that nothing finer explains, or did
    until a person took it away. ``depth`` is as good as endless for a part, or these would depend
    on the way.
    """
    fine, coarse = graph(state, "fine"), graph(state, "coarse")
    roots = starts(state, root)
    reached = {*_near(fine, roots, depth)}
    if not root.is_part:
        return _models(state, reached | {*_near(coarse, [root], depth)}, root), set()
    met = {node.owner for node in reached}
    known = {*fine.edges, *state.suppressed}
    explained = {
        (start.owner, end.owner) for start, end in known if start.is_part or start in reached
    }
    loose = {
        end
        for start, end in coarse.edges
        if start.owner in met and (start.owner, end.owner) not in explained
    }
    behind = {*_near(coarse, loose, depth)}
    certain = _models(state, reached, root)
    return certain, _models(state, behind, root) - certain


def _models(state: State, nodes: set[Node], root: Node) -> set[Node]:
    kinds = ("mlmodel", "modelVersion")
    found = {node for node in nodes if node.kind in kinds and node != root}
    return {node for node in found if not state.entities[node.owner].deleted}


def in_stage(state: State, nodes: set[Node], stage: str | None) -> set[Node]:
    """The versions in a stage, and models that have one there."""
    if stage is None:
        return nodes
    return {node for node in nodes if stage in stages(state, node)}


def stages(state: State, node: Node) -> set[str]:
    entity = state.entities[node.owner]
    if isinstance(entity, ModelVersion):
        return {entity.stage}
    assert isinstance(entity, Model)
    return {stage for stage in LISTED if getattr(entity, stage)}
