"""What a change of a column, table or feature reaches: models, each with a path."""

from __future__ import annotations

from collections.abc import Collection

from headwater.lineage.node import as_json
from headwater.lineage.view import starts_of
from headwater.lineage.walk import Walk, Walker
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
    met = {n.owner_id: depth for n, depth in fine.nodes.values() if n.kind == "column"}
    tables = store.nodes(ids=[t for t in met if t]) if met else []
    first = coarse.walk(tables, downstream=1)
    explained = _explained(store, tables, coarse)
    loose = [pair for pair in first.edges if pair not in explained]
    seeds = [first.nodes[to][0] for _, to in loose]
    walk = coarse.walk(seeds, downstream=max(depth - 1, 0))
    for start, end in loose:
        walk.nodes.setdefault(start, first.nodes[start])
        walk.came_from.setdefault(end, start)
        node, _ = walk.nodes[end]
        walk.nodes[end] = (node, 1)
    return walk


def _explained(store: Store, tables: Collection[Node], coarse: Walker) -> set[tuple[str, str]]:
    """Pairs of entities that some column edge ties."""
    columns = store.nodes(owner_ids=[t.id for t in tables], kinds=["column"]) if tables else []
    owner = {column.id: column.owner_id or column.id for column in columns}
    fine = Walker(store, "fine", coarse.limit, coarse.as_of).walk(columns, downstream=1)
    return {(owner[a], fine.nodes[b][0].owner_id or b) for a, b in fine.edges if a in owner}
