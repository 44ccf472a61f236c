"""Lineage that follows from documents: feature sources become edges in the commit that writes them.

For a model with features: column → feature and feature → model (fine), table → model (coarse). A
source whose column is not known is a node of its own until a table brings the column. Versions
(``frozen.py``) and runs (``run.py``) have their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from headwater.lineage import frozen, outdated, run
from headwater.lineage.kind import COLUMN, FEATURE, UNRESOLVED, parts_in
from headwater.lineage.source import Source, source_id, sources_of, tie
from headwater.names import child
from headwater.store.base import (
    EdgeKey,
    EdgeWrite,
    Level,
    Part,
    Record,
    Store,
)
from headwater.store.draft import Change, Draft, load, producer_of, same_version

SOURCE = "featureSources"
SUPPRESSED: Level = "suppressed"


def derive(store: Store, change: Change, draft: Draft) -> None:
    """Complete a change's feature sources and add the edges that follow from them.

    Also resolves sources of other entities that wait for a column of this one.
    """
    if any(field.part == FEATURE for field in change.kind.parts):
        derive_features(store, change, draft)
    if change.kind.name == frozen.KIND:
        frozen.freeze(store, change, draft)
    if change.kind.name == run.KIND:
        run.derive_run(store, change, draft)
    outdated.tell_versions(store, change, draft)
    gone = (change.before or {}).get("deleted") or change.after.get("deleted")
    if not gone or any(part.kind == COLUMN for part in change.parts):
        _resolve_waiting(store, change, draft)


def derive_features(store: Store, change: Change, draft: Draft, *, lift: bool = False) -> None:
    """Derive the edges of one entity with features.

    Args:
        lift: Drop what people suppressed among these edges, and derive those too.
    """
    if not change.after.get("mlFeatures") and not (change.before or {}).get("mlFeatures"):
        return
    sources = list(sources_of(change.after))
    _resolve(store, change, sources, draft)
    _keep_unresolved(change, sources)
    wanted = _wanted(change, sources)
    current, suppressed = _stored_edges(store, change, wanted) if change.rev else (set(), set())
    if lift:
        lifted = {(key.from_id, key.to_id) for key in wanted}
        lifted |= {(source_id(change.id, each), each.feature["id"]) for each in sources}
        draft.closed_edges += sorted(k for k in suppressed if (k.from_id, k.to_id) in lifted)
        suppressed = set()
    hidden = _hidden(change.id, sources, suppressed)
    keys = [key for key in wanted if (key.from_id, key.to_id) not in hidden]
    draft.edges += [EdgeWrite(key) for key in keys if key not in current]
    draft.closed_edges += sorted(current - set(keys))


def _resolve(store: Store, change: Change, sources: list[Source], draft: Draft) -> None:
    """Set ``columnId`` and the FQN of every source. What is resolved stays as it is.

    The tables of sources that stay unresolved are read again under the revs that the commit checks:
    a writer that brings a column meanwhile knows nothing of the sources that start to wait here.
    """
    before = {each.key: each.source for each in sources_of(change.before or {})}
    waiting = []
    for each in sources:
        old = before.get(each.key, {})
        each.source.pop("columnId", None)
        if "columnId" in old:
            each.resolve(old["columnId"], old["fullyQualifiedName"])
        elif each.table_id:
            waiting.append(each)
    if waiting := tie(store, waiting):
        tables = store.find_many({each.table_id for each in waiting if each.table_id})
        draft.depend_on({table.id: table.rev for table in tables.values()})
        tie(store, waiting)


def _keep_unresolved(change: Change, sources: list[Source]) -> None:
    """Name what is unresolved, and keep a node for each."""
    now: dict[str, Part] = {}
    for each in sources:
        if "columnId" in each.source:
            continue
        feature_fqn, name = each.feature["fullyQualifiedName"], each.source["name"]
        fqn = each.names()[0] if each.table_id else child(feature_fqn, name)
        each.source["fullyQualifiedName"] = fqn
        part = Part(source_id(change.id, each), UNRESOLVED, fqn, name)
        now[part.id] = part
    before = {
        source_id(change.id, each): each.source["fullyQualifiedName"]
        for each in sources_of(change.before or {})
        if "columnId" not in each.source
    }
    change.parts += [part for id_, part in now.items() if before.get(id_) != part.fqn]
    change.dropped_parts += [id_ for id_ in before if id_ not in now]


def _wanted(change: Change, sources: list[Source]) -> list[EdgeKey]:
    producer = producer_of(change.id)
    pairs: list[tuple[str, str, Level]] = [
        (feature["id"], change.id, "fine") for feature in change.after.get("mlFeatures", ())
    ]
    for each in sources:
        near = each.source.get("columnId") or source_id(change.id, each)
        pairs.append((near, each.feature["id"], "fine"))
        if each.table_id:
            pairs.append((each.table_id, change.id, "coarse"))
    return [EdgeKey(*pair, SOURCE, producer) for pair in dict.fromkeys(pairs)]


def _stored_edges(
    store: Store, change: Change, wanted: Iterable[EdgeKey]
) -> tuple[set[EdgeKey], set[EdgeKey]]:
    """The entity's derived edges that are open, and what people suppressed among the wanted."""
    producer = producer_of(change.id)
    derived = {edge.key for edge in store.edges(producer=producer, source=SOURCE)}
    around = store.edges(to_ids={change.id, *(key.to_id for key in wanted)})
    return derived, {edge.key for edge in around if edge.key.level == SUPPRESSED}


def _hidden(
    entity_id: str, sources: Iterable[Source], suppressed: Iterable[EdgeKey]
) -> set[tuple[str, str]]:
    """The pairs that people suppressed.

    Those of a source go with its table's, and stay when the source is resolved.
    """
    hidden = {(key.from_id, key.to_id) for key in suppressed}
    if not hidden:
        return hidden
    for each in sources:
        feature_id, column_id = each.feature["id"], each.source.get("columnId")
        waiting = source_id(entity_id, each)
        if not hidden.isdisjoint({(each.table_id, entity_id), (waiting, feature_id)}):
            hidden.add((column_id or waiting, feature_id))
    return hidden


def _resolve_waiting(store: Store, change: Change, draft: Draft) -> None:
    """Point sources that wait for a column of this table to it, in their owners' documents.

    All columns count, not only new ones: what began to wait while a column came is found here.
    Owners that are soft-deleted resolve theirs when they are restored.
    """
    columns = {
        part["fullyQualifiedName"]: part["id"]
        for kind, part in parts_in(change.kind.shape, change.after)
        if kind == COLUMN
    }
    inside = len(change.fqn) + 1
    names = columns.keys() | {child(change.fqn, fqn[inside:]) for fqn in columns}
    waiting = store.nodes(fqns=names, kinds=[UNRESOLVED]) if names else []
    owners = {node.owner_id for node in waiting if not node.dropped and not node.deleted}
    others = {owner for owner in owners if owner and owner != change.id}
    records = store.find_many(others) if others else {}
    for record in records.values():
        if record.kind == frozen.KIND:
            frozen.resolve_later(record, change.id, columns, draft)
            continue
        _resolve_in(store, record, change.id, columns, draft)


def _resolve_in(
    store: Store, record: Record, table_id: str, columns: dict[str, str], draft: Draft
) -> None:
    document, producer = load(record), producer_of(record.id)
    tied = []
    for each in sources_of(document):
        if each.table_id != table_id or "columnId" in each.source:
            continue
        fqn = next((name for name in each.names() if name in columns), None)
        if fqn is not None:
            each.resolve(columns[fqn], fqn)
            tied.append(each)
    if not tied:
        return
    around = store.edges(to_ids={record.id, *(each.feature["id"] for each in tied)})
    suppressed = [edge.key for edge in around if edge.key.level == SUPPRESSED]
    hidden = _hidden(record.id, tied, suppressed)
    for each in tied:
        edge = EdgeKey(each.source["columnId"], each.feature["id"], "fine", SOURCE, producer)
        draft.closed_edges.append(edge._replace(from_id=source_id(record.id, each)))
        if (edge.from_id, edge.to_id) not in hidden:
            draft.edges.append(EdgeWrite(edge))
    dropped = [source_id(record.id, each) for each in tied]
    draft.entities.append(same_version(record, document, dropped))
