"""What a model version was trained on: recorded once, with edges that nobody changes."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.errors import ConflictError
from headwater.lineage.kind import UNRESOLVED
from headwater.lineage.source import Source, source_id, sources_of, tie
from headwater.names import child
from headwater.store.base import EdgeKey, EdgeWrite, Level, Part, Record, Store
from headwater.store.draft import Change, Document, Draft, load, producer_of, same_version

KIND = "modelVersion"
SOURCE = "frozen"
Key = tuple[str, str, str | None]
"""A source's feature, its name, and its table, if it has one."""


def freeze(store: Store, change: Change, draft: Draft) -> None:
    """Record the sources of a version's features the first time that it has any, and tie them.

    Column → version (fine) and table → version (coarse).

    Raises:
        ConflictError: The version's sources are recorded, and the change has others.
    """
    sources = list(sources_of(change.after))
    recorded = change.after.get("frozenSources")
    if recorded is not None:
        _keep(change, sources, recorded, draft)
        if not change.after.get("deleted"):
            _tie_waiting(store, change, sources, draft)
    elif sources:
        change.references = None  # there are more now
        change.after["frozenSources"] = _record(store, change, sources, draft)


def resolve_later(record: Record, table_id: str, columns: Mapping[str, str], draft: Draft) -> None:
    """Tie a version's sources that waited for columns of a table, once and for good.

    Args:
        columns: Ids of the table's columns by FQN.
    """
    document = load(record)
    entries = {_key(each): each for each in document["frozenSources"]}
    tied = []
    for each in sources_of(document):
        name = next((name for name in _names(each) if name in columns), None)
        if each.table_id == table_id and "columnId" not in each.source and name:
            each.resolve(columns[name], name)
            tied.append(each)
    if tied:
        dropped = _tied_late(record.id, tied, entries, draft)
        draft.entities.append(same_version(record, document, dropped))


def _record(store: Store, change: Change, sources: list[Source], draft: Draft) -> list[Document]:
    ids = {each.table_id for each in sources if each.table_id}
    tables = store.find_many(ids) if ids else {}
    # Read before the columns are: a writer that brings one meanwhile makes this commit stale.
    draft.depend_on({table.id: table.rev for table in tables.values()})
    for each in sources:
        each.source.pop("columnId", None)
    tie(store, [each for each in sources if each.table_id])
    pairs: list[tuple[str, Level]] = [(str(table_id), "coarse") for table_id in tables]
    for each in sources:
        if "columnId" not in each.source:
            fqn, name = _spell(change, each), each.source["name"]
            change.parts.append(Part(source_id(change.id, each), UNRESOLVED, fqn, name))
        pairs.append((each.source.get("columnId") or source_id(change.id, each), "fine"))
    draft.edges += [EdgeWrite(_edge(change.id, *pair)) for pair in dict.fromkeys(pairs)]
    return [_entry(each, tables.get(each.table_id or "")) for each in sources]


def _entry(each: Source, table: Record | None) -> Document:
    kept = ("name", "dataType", "dataSource", "columnId")
    entry = {name: each.source[name] for name in kept if name in each.source}
    version = {"tableVersion": table.version} if table else {}
    return {"feature": each.feature["name"], **entry, **version}


def _keep(change: Change, sources: list[Source], recorded: list[Document], draft: Draft) -> None:
    """Hold a change to the sources that are recorded, and tell it what they resolved to."""
    entries = {_key(each): each for each in recorded}
    if {each.key for each in sources} != entries.keys():
        raise ConflictError(
            f"the sources of modelVersion {change.fqn!r} are what it was trained on, and stay;"
            " another training is another version"
        )
    before = {each.key: each.source for each in sources_of(change.before or {})}
    for each in sources_of(change.before or {}):
        if each.key not in entries and "columnId" not in each.source:
            waiting = source_id(change.id, each)
            draft.closed_edges.append(_edge(change.id, waiting, "fine"))
            change.dropped_parts.append(waiting)
    for each in sources:
        old = before.get(each.key, {})  # nothing, where its table is being erased
        each.source.pop("columnId", None)
        if "columnId" in old:
            each.resolve(old["columnId"], old["fullyQualifiedName"])
            continue
        spelled = _spell(change, each)
        if old and old.get("fullyQualifiedName") != spelled:
            name = each.source["name"]
            change.parts.append(Part(source_id(change.id, each), UNRESOLVED, spelled, name))
        if not old:
            entries[each.key].pop("columnId", None)


def _tie_waiting(store: Store, change: Change, sources: list[Source], draft: Draft) -> None:
    """Tie sources whose columns came while the version was away."""
    waiting = [each for each in sources if each.table_id and "columnId" not in each.source]
    if not waiting:
        return
    tables = store.find_many({each.table_id for each in waiting if each.table_id})
    draft.depend_on({table.id: table.rev for table in tables.values()})
    still = {each.key for each in tie(store, waiting)}
    tied = [each for each in waiting if each.key not in still]
    entries = {_key(each): each for each in change.after["frozenSources"]}
    change.dropped_parts += _tied_late(change.id, tied, entries, draft)


def _tied_late(
    version_id: str, tied: list[Source], entries: Mapping[Key, Document], draft: Draft
) -> list[str]:
    """Record that sources found their columns late; return the nodes that they were."""
    for each in tied:
        entries[each.key].update({"columnId": each.source["columnId"], "resolvedLater": True})
        draft.edges.append(EdgeWrite(_edge(version_id, each.source["columnId"], "fine")))
        draft.closed_edges.append(_edge(version_id, source_id(version_id, each), "fine"))
    return [source_id(version_id, each) for each in tied]


def _spell(change: Change, each: Source) -> str:
    """Name a source that is not resolved: as the column that it waits for, or below its feature."""
    above = child(change.fqn, each.feature["name"])
    fqn = each.names()[0] if each.table_id else child(above, each.source["name"])
    each.source["fullyQualifiedName"] = fqn
    return fqn


def _key(entry: Document) -> Key:
    table = entry.get("dataSource")
    return entry["feature"], entry["name"], table["id"] if table else None


def _names(each: Source) -> list[str]:
    return each.names() if each.table_id else []


def _edge(version_id: str, from_id: str, level: Level) -> EdgeKey:
    return EdgeKey(from_id, version_id, level, SOURCE, producer_of(version_id))
