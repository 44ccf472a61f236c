"""What a change of a column, table or feature reaches: models, each with a path."""

from __future__ import annotations

from collections.abc import Collection

from headwater.lineage.node import as_json
from headwater.lineage.view import starts_of
from headwater.lineage.walk import Pair, Walk, Walker
from headwater.store.base import Node, Store
from headwater.store.draft import Document

MODEL_KINDS = frozenset({"mlmodel", "modelVersion"})


def impact(store: Store, root: Node, *, depth: int, limit: int, as_of: int | None) -> Document:
    """Answer which models a node reaches downstream.

    ``models`` are certain: lineage leads to them column by column, or the question is about a whole
    entity. ``tableLevelModels`` are reached only through tables whose columns nobody has tied, so
    that nothing rules them out.
    """
    fine = Walker(store, "fine", limit, as_of).walk(starts_of(store, root), downstream=depth)
    coarse_walker = Walker(store, "coarse", limit, as_of)
    if root.owner_id is None:
        coarse = coarse_walker.walk([root], downstream=depth)
        models, uncertain = _models(fine, coarse), Walk()
    else:
        models = _models(fine)
        uncertain = _unexplained(store, fine, coarse_walker, depth)
        coarse = uncertain
    certain = {found["id"] for found in models}
    return {
        "root": as_json(root),
        "depth": depth,
        "models": models,
        "tableLevelModels": [m for m in _models(uncertain) if m["id"] not in certain],
        "truncated": fine.truncated or coarse.truncated,
    }


def _models(*walks: Walk) -> list[Document]:
    """The models that walks met, each once, with the path of the walk that met it first."""
    found: dict[str, Document] = {}
    for walk in walks:
        for node, depth in walk.nodes.values():
            if node.kind in MODEL_KINDS and depth != 0 and node.id not in found:
                path = [as_json(step) for step in walk.path(node.id)]
                found[node.id] = {**as_json(node), "path": path}
    return sorted(found.values(), key=lambda m: (m["fullyQualifiedName"], m["id"]))


def _unexplained(store: Store, fine: Walk, coarse: Walker, depth: int) -> Walk:
    """Walk on from the tables that were met, along edges that no column explains."""
    met: dict[str, int] = {}
    for node, distance in fine.nodes.values():
        if node.kind == "column" and node.owner_id and distance < depth:
            met.setdefault(node.owner_id, distance)
    if not met:
        return Walk()
    tables = store.nodes(ids=met)
    first = coarse.walk(tables, downstream=1)
    explained = _explained(store, tables, coarse)
    loose = [pair for pair in first.edges if pair not in explained]
    seeds = [first.nodes[end][0] for _, end in loose]
    rest = coarse.walk(seeds, downstream=depth - 1 - min(met.values()))
    arrivals: dict[int, list[Pair]] = {}
    for start, end in loose:
        arrivals.setdefault(met[start] + 1, []).append((start, end))
    walk = Walk({table.id: (table, 0) for table in tables}, more=first.more | rest.more)
    _follow(walk, arrivals, first.nodes | rest.nodes, list(rest.edges), depth)
    return walk


def _follow(
    walk: Walk,
    arrivals: dict[int, list[Pair]],
    nodes: dict[str, tuple[Node, int]],
    edges: list[Pair],
    depth: int,
) -> None:
    """Add what the arrivals, by their distance, lead to. Paths end at the nodes of the walk."""
    onward: dict[str, list[Pair]] = {}
    for pair in edges:
        onward.setdefault(pair[0], []).append(pair)
    seen: set[str] = set()
    for distance in range(1, depth + 1):
        for start, end in arrivals.get(distance, ()):
            if end in seen:
                continue
            seen.add(end)
            arrivals.setdefault(distance + 1, []).extend(onward.get(end, ()))
            if end not in walk.nodes:
                walk.nodes[end] = (nodes[end][0], distance)
                walk.came_from[end] = start


def _explained(store: Store, tables: Collection[Node], coarse: Walker) -> set[tuple[str, str]]:
    """Pairs of entities that some column edge ties."""
    columns = store.nodes(owner_ids=[t.id for t in tables], kinds=["column"])
    owner = {column.id: column.owner_id or column.id for column in columns}
    fine = Walker(store, "fine", coarse.limit, coarse.as_of).walk(columns, downstream=1)
    return {(owner[a], fine.nodes[b][0].owner_id or b) for a, b in fine.edges if a in owner}
