"""What is reached by tables alone: along edges between entities that no column explains."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from headwater.lineage.kind import MODELS
from headwater.lineage.run import KIND as RUN
from headwater.lineage.walk import Pair, Walk, Walker
from headwater.store.base import Direction, Level, Node, Store


def unexplained(
    walker: Walker, fine: Walk, depth: int, direction: Direction = "downstream"
) -> Walk:
    """Walk on from the entities that a fine walk met, along edges that no column explains.

    What is returned has the fine walk in it, so that its paths are whole.

    Args:
        walker: The one that met the fine walk.
    """
    store, coarse = walker.store, replace(walker, level="coarse", unmasked=False)
    fine = _spread(walker, fine, depth, direction)
    met, by = _entities(fine, depth)
    if not met:
        return Walk()
    near, far = _ends(direction)
    entities = store.nodes(ids=met)
    first = coarse.walk(entities, **{direction: 1})
    tied = _explained(store, {pair[near] for pair in first.edges}, coarse, direction)
    loose = [(pair[near], pair[far]) for pair in first.edges if pair not in tied]
    seeds = [first.nodes[end][0] for _, end in loose]
    rest = coarse.walk(seeds, **{direction: depth - 1 - min(met.values())})
    # The way to an entity leads to the first of its parts that was met, and from there to it. There
    # it stands under another key than its id, under which tables alone may lead to it once more.
    stands = {id_: f"whole:{id_}" for id_ in met if id_ in first.nodes and id_ not in fine.nodes}
    whole = {stand: first.nodes[id_] for id_, stand in stands.items()}
    arrivals: dict[int, list[Pair]] = {}
    for start, end in loose:
        arrivals.setdefault(met[start] + 1, []).append((stands.get(start, start), end))
    walk = Walk({**whole, **fine.nodes}, more=fine.more | first.more | rest.more)
    walk.came_from = {stand: by[id_] for id_, stand in stands.items()} | fine.came_from
    steps = [(pair[near], pair[far]) for pair in rest.edges]
    known = {(pair[near], pair[far]) for pair in tied}
    onward = _beyond_runs(rest, steps, loose, known)
    _follow(walk, arrivals, first.nodes | rest.nodes, onward, depth)
    return walk


def _spread(walker: Walker, fine: Walk, depth: int, direction: Direction) -> Walk:
    """A fine walk with what lies behind edges of whole entities: any of their columns may be meant.

    An edge from a whole entity leads on from each of its parts, one to it leads on from all.
    """
    near, far = _ends(direction)
    walk = Walk({**fine.nodes}, {**fine.came_from}, more={**fine.more})
    tried: set[tuple[str, bool]] = set()
    while True:
        met, by = _entities(walk, depth)
        fresh = {id_: at for id_, at in met.items() if (id_, id_ in walk.nodes) not in tried}
        if not fresh:
            return walk
        tried |= {(id_, id_ in walk.nodes) for id_ in fresh}
        parts = _parts(walker.store, walk, fresh)
        passed = [id_ for id_ in fresh if id_ not in walk.nodes]
        wholes = walker.store.nodes(ids=passed) if passed else []
        first = walker.walk(wholes, **{direction: 1})
        seeds = [*parts, *(first.nodes[pair[far]][0] for pair in first.edges)]
        rest = walker.walk(seeds, **{direction: depth - min(fresh.values())})
        arrivals: dict[int, list[Pair]] = {}
        for part in parts:
            if part.id in rest.nodes:  # it was there at the time that is asked about
                owner = str(part.owner_id)
                arrivals.setdefault(abs(walk.nodes[owner][1]), []).append((owner, part.id))
        for pair in first.edges:
            stand = f"whole:{pair[near]}"  # as an entity, it would have been met with all its parts
            walk.nodes[stand] = first.nodes[pair[near]]
            walk.came_from[stand] = by[pair[near]]
            arrivals.setdefault(fresh[pair[near]] + 1, []).append((stand, pair[far]))
        walk.more |= first.more | rest.more
        steps = [(pair[near], pair[far]) for pair in rest.edges]
        _follow(walk, arrivals, first.nodes | rest.nodes, steps, depth)


def _parts(store: Store, walk: Walk, ids: Collection[str]) -> list[Node]:
    """The parts of entities that a walk came to as a whole, without those that lead to them."""
    found = [walk.nodes[id_] for id_ in ids if id_ in walk.nodes]
    whole = [node.id for node, distance in found if distance and node.kind not in MODELS]
    parts = store.nodes(owner_ids=whole) if whole else []
    return [each for each in parts if each.id not in walk.nodes]


def _ends(direction: Direction) -> tuple[int, int]:
    """Where in an edge's pair its near and its far node are."""
    return (0, 1) if direction == "downstream" else (1, 0)


def _entities(walk: Walk, depth: int) -> tuple[dict[str, int], dict[str, str]]:
    """The distances of the entities that a walk met short of the depth, and a part of each."""
    met: dict[str, int] = {}
    by: dict[str, str] = {}
    for node, distance in walk.nodes.values():
        if abs(distance) < depth:
            met.setdefault(node.owner_id or node.id, abs(distance))
            by.setdefault(node.owner_id or node.id, node.id)
    return met, by


def _beyond_runs(
    rest: Walk, steps: list[Pair], loose: Collection[Pair], tied: Collection[Pair]
) -> list[Pair]:
    """The steps without those from a run to what columns tie to all that it was met from.

    A run names tables alone; where the columns are known, it says nothing more.
    """
    met: dict[str, list[str]] = {}
    for start, end in loose:
        if rest.nodes[end][0].kind == RUN:
            met.setdefault(end, []).append(start)
    return [
        (start, end)
        for start, end in steps
        if start not in met or any((before, end) not in tied for before in met[start])
    ]


def _follow(
    walk: Walk,
    arrivals: dict[int, list[Pair]],
    nodes: dict[str, tuple[Node, int]],
    steps: list[Pair],
    depth: int,
) -> None:
    """Add what the arrivals, by their distance, lead to. Paths end at the nodes of the walk."""
    onward: dict[str, list[Pair]] = {}
    for pair in steps:
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


def _explained(
    store: Store, ids: Collection[str], coarse: Walker, direction: Direction
) -> set[Pair]:
    """Pairs of entities that some part of these ties, or did until a person took it away.

    Who says that a column does not feed a feature knows of the columns: then the table's edge alone
    makes nothing uncertain. An entity ties as a whole, too (``_spread``).
    """
    if not ids:
        return set()
    near = store.nodes(owner_ids=ids) + store.nodes(ids=ids)
    out: set[Pair] = set()
    levels: tuple[Level, ...] = ("fine", "suppressed")
    for level in levels:
        walk = Walker(store, level, coarse.limit, coarse.as_of).walk(near, **{direction: 1})
        owner = {id_: node.owner_id or id_ for id_, (node, _) in walk.nodes.items()}
        out |= {(owner[a], owner[b]) for a, b in walk.edges if a in owner and b in owner}
    return out
