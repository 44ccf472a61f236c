"""What a change of a column, table or feature reaches: models, each with a path."""

from __future__ import annotations

from collections.abc import Collection

from headwater.lineage.kind import COLUMN, MODELS
from headwater.lineage.node import as_json
from headwater.lineage.view import starts_of
from headwater.lineage.walk import Pair, Walk, Walker
from headwater.store.base import Node, Store
from headwater.store.draft import Document

WORK = 1_000_000
"""How many assertions one walk may meet. Models are counted whole, so this bounds time alone."""


def impact(store: Store, root: Node, *, depth: int, limit: int, as_of: int | None) -> Document:
    """Answer which models a node reaches downstream.

    ``models`` are certain: lineage leads to them column by column, or the question is about a whole
    entity. ``tableLevelModels`` are reached only through tables whose columns nobody has tied, so
    that nothing rules them out. Of each, ``limit`` are listed; ``total`` and ``tableLevelTotal``
    count them all.
    """
    fine = Walker(store, "fine", WORK, as_of).walk(starts_of(store, root), downstream=depth)
    coarse_walker = Walker(store, "coarse", WORK, as_of)
    if root.owner_id is None:
        coarse = coarse_walker.walk([root], downstream=depth)
        certain, uncertain = _models(fine, coarse), dict[str, Walk]()
    elif fine.truncated:  # what was not met rules nothing out
        coarse, certain, uncertain = Walk(), _models(fine), {}
    else:
        coarse = _unexplained(store, fine, coarse_walker, depth)
        certain = _models(fine)
        uncertain = {id_: walk for id_, walk in _models(coarse).items() if id_ not in certain}
    cut = fine.truncated or coarse.truncated or max(len(certain), len(uncertain)) > limit
    return {
        "root": as_json(root),
        "depth": depth,
        "models": _listed(certain, limit),
        "total": len(certain),
        "tableLevelModels": _listed(uncertain, limit),
        "tableLevelTotal": len(uncertain),
        "truncated": cut,
    }


def _models(*walks: Walk) -> dict[str, Walk]:
    """The models that walks met, by id, with the walk that met each first."""
    found: dict[str, Walk] = {}
    for walk in walks:
        for node, depth in walk.nodes.values():
            if node.kind in MODELS and depth != 0 and not node.deleted:
                found.setdefault(node.id, walk)
    return found


def _listed(models: dict[str, Walk], limit: int) -> list[Document]:
    """The first models by name, each with its path."""
    nodes = [walk.nodes[node_id][0] for node_id, walk in models.items()]
    first = sorted(nodes, key=lambda node: (node.fqn, node.id))[:limit]
    return [
        {**as_json(node), "path": [as_json(step) for step in models[node.id].path(node.id)]}
        for node in first
    ]


def _unexplained(store: Store, fine: Walk, coarse: Walker, depth: int) -> Walk:
    """Walk on from the tables that were met, along edges that no column explains."""
    met: dict[str, int] = {}
    for node, distance in fine.nodes.values():
        if node.kind == COLUMN and node.owner_id and distance < depth:
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
    columns = store.nodes(owner_ids=[t.id for t in tables], kinds=[COLUMN])
    owner = {column.id: column.owner_id or column.id for column in columns}
    fine = Walker(store, "fine", coarse.limit, coarse.as_of).walk(columns, downstream=1)
    return {(owner[a], fine.nodes[b][0].owner_id or b) for a, b in fine.edges if a in owner}
