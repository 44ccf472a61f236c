"""Where tagged data goes, and which of it a model reads; steps that mask end the way.

What is stored of tags is of now, so these questions have no past.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from headwater.lineage.impact import (
    WORK,
    Found,
    Reach,
    Stages,
    answer,
    ordered,
    pairs,
    reach_by_columns,
    way,
    with_ways,
)
from headwater.lineage.kind import FEATURE, MODEL, MODELS, VERSION
from headwater.lineage.loose import unexplained
from headwater.lineage.node import as_json
from headwater.lineage.tagged import MOST, Tagged, tagged
from headwater.lineage.view import starts_of
from headwater.lineage.walk import Walk, Walker
from headwater.store.base import Node, PageQuery, Store
from headwater.store.draft import Document


def tag_impact(store: Store, word: Node, *, depth: int, limit: int, stage: str | None) -> Document:
    """Answer which features, models and versions data with a tag reaches unmasked, with paths.

    As ``impact`` answers, with what carries the tag (``tagged``), ``features``, and the edges along
    which the tag was not followed because they mask (``masked``).
    """
    found = tagged(store, word)
    walker = Walker(store, "fine", WORK, unmasked=True)
    fine = walker.walk(found.nodes.values(), downstream=depth)
    reached = reach_by_columns(walker, fine, depth)
    stages = Stages(store)
    reached = stages.narrowed(_with_whole(reached, found), stage)
    features: Found = {
        node.id: fine
        for node, _ in fine.nodes.values()
        if node.kind == FEATURE and (stage is None or node.owner_id in reached.certain)
    }
    carriers: Found = {id_: fine for id_ in found.carriers if id_ in fine.nodes}
    said = answer(word, reached, stages, depth=depth, limit=limit)
    return said | {
        "tagged": [as_json(node) for node in ordered(carriers)[:limit]],
        "taggedTotal": len(carriers),
        "features": with_ways(features, limit),
        "featuresTotal": len(features),
        "masked": pairs(fine, fine.masked, limit),
        "maskedTotal": len(fine.masked),
        "truncated": said["truncated"] or found.cut,
    }


def _with_whole(reached: Reach, found: Tagged) -> Reach:
    """What is reached, with the models that are certain because all of something is tagged.

    They carry the tag themselves, or read an entity that does as a whole.
    """
    fine, loose = reached.fine, reached.coarse
    certain = {
        id_: fine
        for id_ in found.carriers
        if (node := found.nodes.get(id_)) and node.kind in MODELS and not node.deleted
    }
    certain |= reached.certain
    certain |= {id_: loose for id_ in reached.uncertain if loose.came_from[id_] in found.carriers}
    uncertain = {id_: walk for id_, walk in reached.uncertain.items() if id_ not in certain}
    return replace(reached, certain=certain, uncertain=uncertain)


def tagged_sources(
    store: Store, root: Node, word: Node, *, depth: int, limit: int, stage: str | None
) -> Document:
    """Answer which data with a tag a model, or any other node, is made from.

    ``sources`` reach it as they are, ``tableLevelSources`` perhaps do: by tables whose columns
    nobody has tied. ``maskedSources`` reach it on masked ways alone. A model is asked about
    together with its versions.

    Args:
        stage: Only the versions in this stage, and the model if it has one there.
    """
    starts, left_out = _starts(store, root, stage)
    walker = Walker(store, "fine", WORK, unmasked=True)
    clear = walker.walk(starts, upstream=depth)
    whole = Walker(store, "fine", WORK).walk(starts, upstream=depth)
    loose = Walk()
    if not clear.truncated:  # what was not met rules nothing out
        loose = unexplained(walker, clear, depth, "upstream")
    met = [*whole.nodes.values(), *loose.nodes.values()]
    found = tagged(store, word, within={node.owner_id or node.id for node, _ in met})
    sources = [_Source(clear, node) for id_, node in found.nodes.items() if id_ in clear.nodes]
    perhaps = {
        id_: _Source(walk, found.nodes[id_])
        for id_ in found.carriers
        if id_ not in clear.nodes
        for walk in [loose if id_ in loose.nodes else _as_whole(found.nodes[id_], clear, loose)]
        if walk
    }
    masked = [
        _Source(whole, node)
        for id_, node in found.nodes.items()
        if id_ in whole.nodes and id_ not in clear.nodes and id_ not in perhaps
    ]
    cut = clear.truncated or whole.truncated or loose.truncated or found.cut or left_out
    return {
        "root": as_json(root),
        "tag": as_json(word),
        "depth": depth,
        "sources": _listed(sources, found, limit),
        "total": len(sources),
        "maskedSources": _listed(masked, found, limit),
        "maskedTotal": len(masked),
        "tableLevelSources": _listed(perhaps.values(), found, limit),
        "tableLevelTotal": len(perhaps),
        "truncated": cut or max(len(sources), len(masked), len(perhaps)) > limit,
    }


@dataclass(frozen=True, slots=True)
class _Source:
    """What carries a tag, and the walk that met it, or its entity, upstream."""

    walk: Walk
    node: Node

    def path(self) -> list[Node]:
        """The way of the data."""
        if self.node.id in self.walk.nodes:
            return self.walk.path(self.node.id)[::-1]
        return [self.node, *self.walk.path(str(self.node.owner_id))[-2::-1]]


def _starts(store: Store, root: Node, stage: str | None) -> tuple[list[Node], bool]:
    """What is asked about, of a model its versions too; and whether there are more of those."""
    starts, more = starts_of(store, root), False
    if root.kind == MODEL:
        versions = [each.id for each in store.page(PageQuery(VERSION, MOST + 1, parent_id=root.id))]
        more = len(versions) > MOST
        starts = [root, *(store.nodes(ids=versions[:MOST]) if versions else [])]
    if stage is None or root.kind not in MODELS:
        return starts, more
    kept = {*Stages(store).having(stage, [node.id for node in starts])}
    return [node for node in starts if node.id in kept], more


def _as_whole(node: Node, *walks: Walk) -> Walk | None:
    """The walk that met a node's entity as a whole, upstream of where it started."""
    entity_id = node.owner_id or node.id
    return next((walk for walk in walks if walk.nodes.get(entity_id, (None, 0))[1]), None)


def _listed(sources: Iterable[_Source], found: Tagged, limit: int) -> list[Document]:
    first = sorted(sources, key=lambda each: (each.node.fqn, each.node.id))[:limit]
    return [
        {
            **as_json(each.node),
            "tags": sorted(found.tags[each.node.id]),
            **way(each.path()),
        }
        for each in first
    ]
