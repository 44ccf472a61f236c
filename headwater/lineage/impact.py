"""What a change of a column, table or feature reaches: models and their versions, with paths."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from headwater.lineage.kind import COLUMN, MODELS, VERSION
from headwater.lineage.node import as_json
from headwater.lineage.run import KIND as RUN
from headwater.lineage.view import starts_of
from headwater.lineage.walk import Pair, Walk, Walker
from headwater.store.base import Level, Node, Store
from headwater.store.draft import Document, load

WORK = 1_000_000
"""How many assertions one walk may meet. Models are counted whole, so this bounds time alone."""
_DOCUMENTS = 1000
"""How many documents are read at once."""


def impact(
    store: Store, root: Node, *, depth: int, limit: int, as_of: int | None, stage: str | None
) -> Document:
    """Answer which models and versions of models a node reaches downstream.

    ``models`` are certain: lineage leads to them column by column, or the question is about a whole
    entity. ``tableLevelModels`` are reached only through tables whose columns nobody has tied, so
    that nothing rules them out. Of each, ``limit`` are listed; ``total`` and ``tableLevelTotal``
    count them all.

    Args:
        stage: Only versions in this stage, and models that have one there.
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
    stages = _Stages(store, as_of)
    if stage is not None:
        certain = {id_: certain[id_] for id_ in stages.having(stage, certain)}
        uncertain = {id_: uncertain[id_] for id_ in stages.having(stage, uncertain)}
    cut = fine.truncated or coarse.truncated or max(len(certain), len(uncertain)) > limit
    return {
        "root": as_json(root),
        "depth": depth,
        "models": _listed(certain, limit, stages),
        "total": len(certain),
        "tableLevelModels": _listed(uncertain, limit, stages),
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


@dataclass(frozen=True, slots=True)
class _Stages:
    """How far models and versions have come, as their documents say."""

    store: Store
    as_of: int | None

    def of(self, ids: Sequence[str]) -> Iterator[tuple[str, Document]]:
        """What answers say of each: a version's ``stage``, a model's ``stages``."""
        for at in range(0, len(ids), _DOCUMENTS):
            some = ids[at : at + _DOCUMENTS]
            for record in self.store.find_many(some, as_of=self.as_of).values():
                document = load(record)
                if record.kind == VERSION:
                    yield record.id, {"stage": document.get("stage", "none")}
                elif listed := document.get("lifecycle", {}).get("stages"):
                    yield record.id, {"stages": listed}

    def having(self, stage: str, ids: Iterable[str]) -> list[str]:
        """Those in a stage, and models with a version there."""
        found = []
        for id_, said in self.of([*ids]):
            held = [each["stage"] for each in said.get("stages", ()) if each["versions"]]
            if stage in held or stage == said.get("stage"):
                found.append(id_)
        return found


def _listed(models: dict[str, Walk], limit: int, stages: _Stages) -> list[Document]:
    """The first models by name, each with its path."""
    nodes = [walk.nodes[node_id][0] for node_id, walk in models.items()]
    first = sorted(nodes, key=lambda node: (node.fqn, node.id))[:limit]
    said = dict(stages.of([node.id for node in first]))
    return [
        {
            **as_json(node),
            **said.get(node.id, {}),
            "path": [as_json(step) for step in models[node.id].path(node.id)],
        }
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
    onward = _beyond_runs(rest, loose, explained)
    _follow(walk, arrivals, first.nodes | rest.nodes, onward, depth)
    return walk


def _beyond_runs(rest: Walk, loose: Collection[Pair], explained: Collection[Pair]) -> list[Pair]:
    """The edges of a walk without those from a run to what columns tie to all that it read.

    A run names tables alone; where the columns are known, it says nothing more.
    """
    read: dict[str, list[str]] = {}
    for table, end in loose:
        if rest.nodes[end][0].kind == RUN:
            read.setdefault(end, []).append(table)
    return [
        (start, end)
        for start, end in rest.edges
        if start not in read or any((table, end) not in explained for table in read[start])
    ]


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
    """Pairs of entities that some column edge ties, or did until a person took it away.

    Who says that a column does not feed a feature knows of the columns: then the table's edge alone
    makes nothing uncertain.
    """
    columns = store.nodes(owner_ids=[t.id for t in tables], kinds=[COLUMN])
    owner = {column.id: column.owner_id or column.id for column in columns}
    out = set()
    levels: tuple[Level, ...] = ("fine", "suppressed")
    for level in levels:
        walk = Walker(store, level, coarse.limit, coarse.as_of).walk(columns, downstream=1)
        out |= {(owner[a], walk.nodes[b][0].owner_id or b) for a, b in walk.edges if a in owner}
    return out
