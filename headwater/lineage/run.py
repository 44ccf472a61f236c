"""What a pipeline's run read and wrote, as edges: input → run → output, between entities."""

from __future__ import annotations

from headwater.lineage.edge import MANUAL, hidden_pairs
from headwater.store.base import EdgeKey, EdgeWrite, Store
from headwater.store.draft import Change, Draft, producer_of

KIND = "pipelineRun"
SOURCE = "pipelineRun"


def derive_run(store: Store, change: Change, draft: Draft) -> None:
    """Derive the edges of a run; what people suppressed stays away."""
    inputs = {each["id"] for each in change.after.get("inputs", ())}
    outputs = {each["id"] for each in change.after.get("outputs", ())}
    pairs: set[tuple[str, str]] = {(each, change.id) for each in inputs}
    pairs |= {(change.id, each) for each in outputs}
    producer = producer_of(change.id)
    current = set[EdgeKey]()
    if change.rev:
        current = {edge.key for edge in store.edges(producer=producer, source=SOURCE)}
        around = store.edges(
            from_ids={change.id, *inputs}, to_ids={change.id, *outputs}, source=MANUAL
        )
        pairs -= hidden_pairs(edge.key for edge in around)
    wanted = {EdgeKey(*pair, "coarse", SOURCE, producer) for pair in pairs}
    draft.edges += [EdgeWrite(key) for key in sorted(wanted - current)]
    draft.closed_edges += sorted(current - wanted)
