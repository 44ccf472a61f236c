"""Which versions of models were trained on a table or column, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headwater.lineage.impact import Found, Stages, reach, way
from headwater.lineage.kind import VERSION
from headwater.lineage.node import as_json
from headwater.store.base import Node, Store
from headwater.store.draft import Document


@dataclass(frozen=True, slots=True)
class Training:
    """Which trainings are asked for.

    Attributes:
        since: When the earliest ended, in milliseconds; ``until`` the latest. Both are included.
        stage: Only versions in this stage.
    """

    since: int | None = None
    until: int | None = None
    stage: str | None = None

    @property
    def dated(self) -> bool:
        """Whether only versions of which that time is known can match."""
        return self.since is not None or self.until is not None

    def fits(self, version: Document) -> bool:
        """Whether a version matches, but for a time that is not known."""
        at = version.get("trainedAt")
        return (
            self.stage in (None, version["stage"])
            and (self.since is None or at is None or at >= self.since)
            and (self.until is None or at is None or at <= self.until)
        )


def trained_on(store: Store, root: Node, training: Training, *, depth: int, limit: int) -> Document:
    """Answer which versions of models a node's data leads to, directly or through views.

    ``versions`` are certain, ``tableLevelVersions`` not (see ``Reach``); the earliest training
    comes first. ``undated`` counts those left out because nobody knows when they were trained.
    """
    found = reach(store, root, depth=depth, as_of=None)
    known = dict(_versions(store, found.certain | found.uncertain))
    fitting = {id_: said for id_, said in known.items() if training.fits(said)}
    dated = {
        id_: said for id_, said in fitting.items() if "trainedAt" in said or not training.dated
    }
    certain = {id_: walk for id_, walk in found.certain.items() if id_ in dated}
    uncertain = {id_: walk for id_, walk in found.uncertain.items() if id_ in dated}
    return {
        "root": as_json(root),
        "depth": depth,
        "versions": _listed(certain, dated, limit),
        "total": len(certain),
        "tableLevelVersions": _listed(uncertain, dated, limit),
        "tableLevelTotal": len(uncertain),
        "undated": len(fitting) - len(dated),
        "truncated": found.truncated or max(len(certain), len(uncertain)) > limit,
    }


def _versions(store: Store, found: Found) -> list[tuple[str, Document]]:
    """What answers say of each version."""
    ids = [id_ for id_, walk in found.items() if walk.nodes[id_][0].kind == VERSION]
    return [
        (
            id_,
            {"stage": document.get("stage", "none")}
            | {name: document[name] for name in ("trainedAt",) if name in document},
        )
        for id_, _, document in Stages(store).documents(ids)
    ]


def _listed(found: Found, said: Mapping[str, Document], limit: int) -> list[Document]:
    def order(node: Node) -> tuple[bool, int, str, str]:
        at = said[node.id].get("trainedAt")
        return at is None, at or 0, node.fqn, node.id

    nodes = sorted((walk.nodes[id_][0] for id_, walk in found.items()), key=order)
    return [
        {**as_json(node), **said[node.id], **way(found[node.id].path(node.id))}
        for node in nodes[:limit]
    ]
