"""What is reached by tables alone: along edges between entities that no column explains."""

from __future__ import annotations

from collections.abc import Collection

from headwater.lineage.run import KIND as RUN
from headwater.lineage.walk import Pair, Walk, Walker
from headwater.store.base import Direction, Level, Node, Store


def unexplained(
    store: Store, fine: Walk, coarse: Walker, depth: int, direction: Direction = "downstream"
) -> Walk:
    """Walk on from the entities that a fine walk met, along edges that no column explains.

    What is returned has the fine walk in it, so that its paths are whole.
    """
    met: dict[str, int] = {}
    by: dict[str, str] = {}
    for node, distance in fine.nodes.values():
        if abs(distance) < depth:
            met.setdefault(node.owner_id or node.id, abs(distance))
            by.setdefault(node.owner_id or node.id, node.id)
    if not met:
        return Walk()
    near, far = (0, 1) if direction == "downstream" else (1, 0)
    entities = store.nodes(ids=met)
    first = coarse.walk(entities, **{direction: 1})
    tied = _explained(store, {pair[near] for pair in first.edges}, fine, coarse, direction)
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
    walk = Walk({**whole, **fine.nodes}, more=first.more | rest.more)
    walk.came_from = {stand: by[id_] for id_, stand in stands.items()} | fine.came_from
    steps = [(pair[near], pair[far]) for pair in rest.edges]
    known = {(pair[near], pair[far]) for pair in tied}
    onward = _beyond_runs(rest, steps, loose, known)
    _follow(walk, arrivals, first.nodes | rest.nodes, onward, depth)
    return walk


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
    store: Store, ids: Collection[str], fine: Walk, coarse: Walker, direction: Direction
) -> set[Pair]:
    """Pairs of entities that some part of these ties, or did until a person took it away.

    Who says that a column does not feed a feature knows of the columns: then the table's edge alone
    makes nothing uncertain. An entity ties as a whole where the fine walk met it as one.
    """
    if not ids:
        return set()
    near = store.nodes(owner_ids=ids) + [fine.nodes[id_][0] for id_ in ids if id_ in fine.nodes]
    out: set[Pair] = set()
    levels: tuple[Level, ...] = ("fine", "suppressed")
    for level in levels:
        walk = Walker(store, level, coarse.limit, coarse.as_of).walk(near, **{direction: 1})
        owner = {id_: node.owner_id or id_ for id_, (node, _) in walk.nodes.items()}
        out |= {(owner[a], owner[b]) for a, b in walk.edges if a in owner and b in owner}
    return out
