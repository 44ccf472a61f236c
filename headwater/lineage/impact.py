"""What a change of a column, table or feature reaches: models and their versions, with paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headwater.lineage.kind import FEATURES, MODELS, VERSION
from headwater.lineage.loose import unexplained
from headwater.lineage.node import as_json
from headwater.lineage.run import KIND as RUN
from headwater.lineage.view import starts_of
from headwater.lineage.walk import Pair, Walk, Walker
from headwater.store.base import Node, Store
from headwater.store.draft import Document, load

WORK = 1_000_000
"""How many assertions one walk may meet. Models are counted whole, so this bounds time alone."""
_DOCUMENTS = 1000
"""How many documents are read at once."""
_NOT_BETWEEN = FEATURES | MODELS | {RUN}
Found = dict[str, Walk]
"""Nodes by id, each with the walk that met it first."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What lies downstream of nodes.

    Attributes:
        fine: What was met column by column.
        coarse: What was met entity by entity.
        certain: Models and versions that lineage leads to.
        uncertain: Those reached only through tables whose columns nobody has tied, so that nothing
            rules them out.
    """

    fine: Walk
    coarse: Walk
    certain: Found
    uncertain: Found

    @property
    def truncated(self) -> bool:
        """Whether the bound cut something off."""
        return self.fine.truncated or self.coarse.truncated

    def of_models(self, ids: Iterable[str]) -> Reach:
        """The same with these models alone."""
        kept = {*ids}
        certain = {id_: walk for id_, walk in self.certain.items() if id_ in kept}
        uncertain = {id_: walk for id_, walk in self.uncertain.items() if id_ in kept}
        return Reach(self.fine, self.coarse, certain, uncertain)


def reach(store: Store, root: Node, *, depth: int, as_of: int | None) -> Reach:
    """Return what a node reaches; all of it is certain when the node is a whole entity."""
    walker = Walker(store, "fine", WORK, as_of)
    fine = walker.walk(starts_of(store, root), downstream=depth)
    if root.owner_id is not None:
        return reach_by_columns(walker, fine, depth)
    whole = Walker(store, "coarse", WORK, as_of).walk([root], downstream=depth)
    return Reach(fine, whole, _models(fine, whole), {})


def reach_by_columns(walker: Walker, fine: Walk, depth: int) -> Reach:
    """Return what a fine walk met for certain, and what tables alone lead to from there.

    Args:
        walker: The one that walked it.
    """
    certain = _models(fine)
    if fine.truncated:  # what was not met rules nothing out
        return Reach(fine, Walk(), certain, {})
    loose = unexplained(walker, fine, depth)
    uncertain = {id_: walk for id_, walk in _models(loose).items() if id_ not in certain}
    return Reach(fine, loose, certain, uncertain)


def impact(
    store: Store,
    root: Node,
    *,
    depth: int,
    limit: int,
    as_of: int | None,
    stage: str | None,
    drop: bool = False,
) -> Document:
    """Answer which models and versions of models a node reaches downstream.

    ``models`` are certain, ``tableLevelModels`` not (see ``Reach``). Of each, ``limit`` are listed;
    ``total`` and ``tableLevelTotal`` count them all.

    Args:
        stage: Only versions in this stage, and models that have one there.
        drop: Also what else would break: entities in between, and edges that are broken already.
    """
    found = reach(store, root, depth=depth, as_of=as_of)
    stages = Stages(store, as_of)
    said = answer(root, stages.narrowed(found, stage), stages, depth=depth, limit=limit)
    return said | _dropped(store, root, found, limit) if drop else said


def answer(root: Node, found: Reach, stages: Stages, *, depth: int, limit: int) -> Document:
    """Spell models that are reached."""
    most = max(len(found.certain), len(found.uncertain))
    return {
        "root": as_json(root),
        "depth": depth,
        "models": _listed(found.certain, limit, stages),
        "total": len(found.certain),
        "tableLevelModels": _listed(found.uncertain, limit, stages),
        "tableLevelTotal": len(found.uncertain),
        "truncated": found.truncated or most > limit,
    }


@dataclass(frozen=True, slots=True)
class Stages:
    """How far models and versions have come, as their documents say."""

    store: Store
    as_of: int | None = None

    def documents(self, ids: Sequence[str]) -> Iterator[tuple[str, str, Document]]:
        """The id, kind and document of each that is there."""
        for at in range(0, len(ids), _DOCUMENTS):
            some = ids[at : at + _DOCUMENTS]
            for record in self.store.find_many(some, as_of=self.as_of).values():
                yield record.id, record.kind, load(record)

    def of(self, ids: Sequence[str]) -> Iterator[tuple[str, Document]]:
        """What answers say of each: a version's ``stage``, a model's ``stages``."""
        for id_, kind, document in self.documents(ids):
            if kind == VERSION:
                yield id_, {"stage": document.get("stage", "none")}
            elif listed := document.get("lifecycle", {}).get("stages"):
                yield id_, {"stages": listed}

    def narrowed(self, found: Reach, stage: str | None) -> Reach:
        """What is reached, with the models of a stage alone; all of them for None."""
        if stage is None:
            return found
        return found.of_models(self.having(stage, found.certain | found.uncertain))

    def having(self, stage: str, ids: Iterable[str]) -> list[str]:
        """Those in a stage, and models with a version there."""
        found = []
        for id_, said in self.of([*ids]):
            held = [each["stage"] for each in said.get("stages", ()) if each["versions"]]
            if stage in held or stage == said.get("stage"):
                found.append(id_)
        return found


def way(path: Sequence[Node]) -> Document:
    """A path as answers spell it, and what it says of itself.

    ``direct``: nothing but parts of its first and its last entity lies on it. ``broken``: it leads
    through a part that is gone.
    """
    ends = {each.owner_id or each.id for each in (path[0], path[-1])}
    direct = all((step.owner_id or step.id) in ends for step in path)
    broken = {"broken": True} if any(step.dropped for step in path) else {}
    return {"direct": direct, **broken, "path": [as_json(step) for step in path]}


def ordered(found: Found) -> list[Node]:
    """The nodes by name."""
    nodes = [walk.nodes[node_id][0] for node_id, walk in found.items()]
    return sorted(nodes, key=_name)


def with_ways(found: Found, limit: int) -> list[Document]:
    """The first nodes by name, each with its path."""
    first = ordered(found)[:limit]
    return [{**as_json(node), **way(found[node.id].path(node.id))} for node in first]


def pairs(walk: Walk, ends: dict[Pair, Node], limit: int) -> list[Document]:
    """The first edges by the names of their ends.

    Args:
        walk: Has the near node of each.
        ends: The far nodes.
    """
    named = [(walk.nodes[pair[0]][0], end) for pair, end in ends.items()]
    first = sorted(named, key=lambda each: (_name(each[0]), _name(each[1])))[:limit]
    return [{"from": as_json(start), "to": as_json(end)} for start, end in first]


def _listed(models: Found, limit: int, stages: Stages) -> list[Document]:
    """The first models by name, each with its path and stage."""
    listed = with_ways(models, limit)
    said = dict(stages.of([each["id"] for each in listed]))
    return [each | said.get(each["id"], {}) for each in listed]


def _models(*walks: Walk) -> Found:
    """The models that walks met, by id, with the walk that met each first."""
    found: Found = {}
    for walk in walks:
        for node, depth in walk.nodes.values():
            if node.kind in MODELS and depth != 0 and not node.deleted:
                found.setdefault(node.id, walk)
    return found


def _dropped(store: Store, root: Node, found: Reach, limit: int) -> Document:
    """What else breaks when a node is dropped, and what is broken already.

    ``entities`` lie in between: views, tables, dashboards; ``certain`` as with models. A column's
    own table is one of them where others of its columns are made from it. ``broken`` are edges of
    columns and features that are gone.
    """
    own = (root.id, root.owner_id)
    between: dict[str, tuple[Node, Walk]] = {}
    for walk in (found.fine, found.coarse):
        for node, distance in walk.nodes.values():
            entity_id = node.owner_id or node.id
            is_own = node.id in own or entity_id == root.id
            if distance and node.kind not in _NOT_BETWEEN and not is_own:
                between.setdefault(entity_id, (node, walk))
    entities = sorted(store.nodes(ids=between), key=_name) if between else []
    listed = []
    for entity in entities[:limit]:
        node, walk = between[entity.id]
        certain = walk is found.fine or root.owner_id is None
        listed.append({**as_json(entity), "certain": certain, **way(walk.path(node.id))})
    ends = {pair: found.fine.nodes[pair[1]][0] for pair in found.fine.edges}
    broken = {
        pair: end
        for pair, end in ends.items()
        if end.dropped or found.fine.nodes[pair[0]][0].dropped
    }
    return {
        "entities": listed,
        "entitiesTotal": len(entities),
        "broken": pairs(found.fine, broken, limit),
        "brokenTotal": len(broken),
    }


def _name(node: Node) -> tuple[str, str]:
    return node.fqn, node.id
