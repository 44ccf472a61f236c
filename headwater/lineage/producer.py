"""A producer's whole set of edges, replaced: what is equal stays, what is missing is closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from headwater.errors import InvalidInputError
from headwater.lineage.edge import (
    MANUAL,
    EdgeSet,
    Ends,
    Fault,
    allowed,
    checked_nodes,
    edge_writes,
    find_ends,
    find_nodes,
    gone,
    hidden_pairs,
    known_columns,
    refuse,
)
from headwater.store.base import EdgeKey, EdgeWrite, EventWrite, OpenEdges, Store
from headwater.store.draft import Document, Draft, dump


def replace_edges(store: Store, producer: str, request: EdgeSet) -> tuple[Draft, Document]:
    """Return what replaces a producer's edges, and the answer that counts it.

    A few look-ups, however many edges there are. What people suppressed stays away. Of two runs at
    once, the one that commits second is built on what the first left.

    Raises:
        InvalidInputError: Something of the request is not right; every fault has its pointer.
    """
    ends = find_ends(store, [(f"/edges/{at}", edge) for at, edge in enumerate(request.edges)])
    targets = _targets(store, request)
    wanted = _unsuppressed(store, _asserted(store, request, ends, producer))
    held = store.edges(producer=producer)
    own = {e.key: e.details for e in held if request.source in (None, e.key.source)}
    opened = [EdgeWrite(key, text) for key, text in wanted.items() if own.get(key) != text]
    closed = [key for key in own if key not in wanted]
    if targets is not None:
        closed = _within(store, closed, targets, ends)
    newest = max((edge.opened_seq for edge in held), default=0)
    draft = Draft(edges=opened, closed_edges=closed)
    draft.expects_open = OpenEdges(producer, len(held), newest)
    draft.events += _events(store, [write.key for write in opened], closed)
    return draft, {
        "producer": producer,
        "opened": len(opened),
        "closed": len(closed),
        "unchanged": len(wanted) - len(opened),
    }


def _targets(store: Store, request: EdgeSet) -> set[str] | None:
    """Ids of the nodes that the set is limited to."""
    if request.targets is None:
        return None
    references = [(f"/targets/{at}", each) for at, each in enumerate(request.targets)]
    return {node.id for node in checked_nodes(references, find_nodes(store, references))}


def _asserted(
    store: Store, request: EdgeSet, ends: Sequence[Ends], producer: str
) -> list[tuple[Ends, list[EdgeWrite]]]:
    """What each edge of the set asserts."""
    faults = gone(ends)
    columns = known_columns(store, ends)
    out = []
    for each in ends:
        try:
            source = _source(request, each)
            out.append((each, edge_writes(each, columns, source=source, producer=producer)))
        except InvalidInputError as error:
            faults += error.errors
    refuse([*faults, *_contradictions(out)])
    return out


def _source(request: EdgeSet, each: Ends) -> str:
    """How an edge is known: as all are, or as it says itself.

    Raises:
        InvalidInputError: It says something else than the set.
    """
    details = each.request.details
    if request.source is None:
        return details.source
    if "source" in details.model_fields_set and details.source != request.source:
        raise InvalidInputError.at(
            f"{each.pointer}/lineageDetails/source",
            f"is {details.source!r}, where the whole set says {request.source!r}",
        )
    return request.source


def _contradictions(asserted: Iterable[tuple[Ends, list[EdgeWrite]]]) -> list[Fault]:
    """The faults of edges that stand in the set twice, with different details."""
    faults, first = [], dict[EdgeKey, tuple[str, str]]()
    for each, writes in asserted:
        for write in writes:
            if _is_named(each, write.key):
                said = (write.details, each.pointer)
                before, pointer = first.setdefault(write.key, said)
                if before != write.details:
                    message = f"says something else than {pointer}, of the same two"
                    faults.append({"pointer": each.pointer, "message": message})
    return faults


def _unsuppressed(
    store: Store, asserted: Sequence[tuple[Ends, list[EdgeWrite]]]
) -> dict[EdgeKey, str]:
    """The details of everything that is asserted and that no person suppressed.

    What an edge says of the two nodes that it names counts before what others imply of them.
    """
    keys = [write.key for _, writes in asserted for write in writes]
    if not keys:
        return {}
    near, far = {key.from_id for key in keys}, {key.to_id for key in keys}
    around = store.edges(source=MANUAL, from_ids=near, to_ids=far)
    hidden = hidden_pairs(edge.key for edge in around)
    implied: dict[EdgeKey, str] = {}
    named: dict[EdgeKey, str] = {}
    for each, writes in asserted:
        for write in allowed(writes, hidden, each.entities):
            (named if _is_named(each, write.key) else implied)[write.key] = write.details
    return implied | named


def _is_named(each: Ends, key: EdgeKey) -> bool:
    return (key.from_id, key.to_id) == (each.start.id, each.end.id)


def _within(
    store: Store, keys: Sequence[EdgeKey], targets: set[str], ends: Sequence[Ends]
) -> list[EdgeKey]:
    """The assertions that lead to a target, or are between two nodes that the set speaks of."""
    entity = _entities(store, {node_id for key in keys for node_id in key[:2]})
    pairs = {(each.start.id, each.end.id) for each in ends}

    def is_within(key: EdgeKey) -> bool:
        near, far = entity.get(key.from_id, ""), entity.get(key.to_id, "")
        leads_to = key.to_id in targets or far in targets
        return leads_to or key[:2] in pairs or (near, far) in pairs

    return [key for key in keys if is_within(key)]


def _events(store: Store, opened: Sequence[EdgeKey], closed: Sequence[EdgeKey]) -> list[EventWrite]:
    """One event for each entity whose lineage changes."""
    entity = _entities(store, {key.to_id for key in (*opened, *closed)})
    counts = [Counter(entity.get(key.to_id) for key in keys) for keys in (opened, closed)]
    records = store.find_many({*entity.values()}) if entity else {}
    return [
        EventWrite(
            "lineageChanged", each.id, each.kind, each.fqn, each.version,
            dump({"opened": counts[0][each.id], "closed": counts[1][each.id]}),
        )
        for each in sorted(records.values(), key=lambda record: (record.fqn, record.id))
    ]  # fmt: skip


def _entities(store: Store, node_ids: set[str]) -> dict[str, str]:
    """The id of each node's entity."""
    nodes = store.nodes(ids=node_ids) if node_ids else []
    return {node.id: node.owner_id or node.id for node in nodes}
