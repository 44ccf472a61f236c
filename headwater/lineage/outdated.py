"""What became of the data that a version was trained on: its tables then and now, by column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from headwater.lineage.frozen import SOURCE as FROZEN
from headwater.lineage.kind import COLUMN, VERSION, parts_in
from headwater.schemas import shape_of
from headwater.store.base import EventWrite, Hop, Level, Record, Store
from headwater.store.draft import Change, Document, Draft, dump, load
from headwater.store.stage import ARCHIVED

CHANGED = "sourcesChanged"
"""The event of a version whose data has another shape now."""
_PAGE = 1000
"""How many edges are read at once."""


def source_changes(store: Store, version: Record) -> Document:
    """Return how the tables that a version was trained on have changed since.

    Returns:
        ``outdated``: whether a column that it reads did, or its table is gone; ``tables``: those
        that changed, each with ``trainedOn`` and ``now`` (versions), ``deleted``, and ``columns``
        of ``{name, change, was, is, features}``; a change is ``added``, ``dropped`` or ``retyped``,
        and ``features`` are those of the version that read the column. ``erased``: the sources
        whose table was erased, ``{name, feature, trainedOn}``; nothing tells which it was.
    """
    frozen = load(version).get("frozenSources", ())
    readers: dict[str, list[str]] = defaultdict(list)
    trained: dict[str, Document] = {}
    for each in frozen:
        if holder := each.get("dataSource"):
            trained.setdefault(holder["id"], each)
            readers[each.get("columnId", "")].append(each["feature"])
    now = store.find_many(trained) if trained else {}
    tables = [
        changed
        for id_, each in trained.items()
        if (changed := _table(store, each, now.get(id_), readers))
    ]
    read = [c for table in tables for c in table["columns"] if c["features"]]
    erased = [
        {"name": each["name"], "feature": each["feature"], "trainedOn": each["tableVersion"]}
        for each in frozen
        if "tableVersion" in each and "dataSource" not in each
    ]
    gone = bool(erased) or any(table["deleted"] for table in tables)
    return {"outdated": gone or bool(read), "tables": tables, "erased": erased}


def tell_versions(store: Store, change: Change, draft: Draft) -> None:
    """Add an event for each version whose data a write takes away, gives back or reshapes.

    That is: its table is deleted, restored or erased, or a column that it reads is dropped or
    retyped. Archived versions are not told.
    """
    if change.before is None:
        return
    if change.kind.name == VERSION:
        _tell_of_erased(store, change, change.before, draft)
        return
    was_deleted, deleted = change.before.get("deleted"), change.after.get("deleted")
    turn = {} if was_deleted == deleted else {"change": "deleted" if deleted else "restored"}
    columns = _columns_told(store, change, change.before)
    if turn:
        columns |= {id_: columns.get(id_, []) for id_ in _trained_on(store, change.id)}
    found = store.find_many(columns) if columns else {}
    for record in sorted(found.values(), key=lambda each: each.fqn):
        about = {"table": change.fqn, **turn, "columns": columns[record.id]}
        if not record.deleted and load(record).get("stage") != ARCHIVED:
            draft.events.append(_event(record, about))


def _columns_told(store: Store, change: Change, before: Document) -> dict[str, list[Document]]:
    """The columns that a write drops or retypes, by the versions that read them."""
    changes = {
        id_: each
        for id_, each in _columns(change, before, change.after)
        if each["change"] in ("dropped", "retyped")
    }
    told: dict[str, list[Document]] = defaultdict(list)
    if changes:
        for hop in _fed(store, list(changes), "fine"):
            if hop.node.kind == VERSION:
                told[hop.node.id].append(changes[hop.edge.key.from_id])
    return told


def _trained_on(store: Store, table_id: str) -> set[str]:
    """The ids of the versions that were trained on a table."""
    return {
        hop.node.id
        for hop in _fed(store, [table_id], "coarse")
        if hop.node.kind == VERSION and hop.edge.key.source == FROZEN
    }


def _fed(store: Store, ids: Collection[str], level: Level) -> Iterator[Hop]:
    """Everything that these nodes feed at once, a page at a time."""
    after: tuple[str, str] | None = None
    while hops := store.expand(ids, "downstream", level, limit=_PAGE, after=after):
        if len(hops) < _PAGE:
            yield from hops
            return
        *_, last = pairs = list(dict.fromkeys(_pair(hop) for hop in hops))
        after = pairs[-2] if len(pairs) > 1 else last  # the last may be told in part
        yield from (hop for hop in hops if _pair(hop) != last or after == last)


def _pair(hop: Hop) -> tuple[str, str]:
    return hop.edge.key.from_id, hop.edge.key.to_id


def _tell_of_erased(store: Store, change: Change, before: Document, draft: Draft) -> None:
    """Tell a version of the tables that an erasure takes out of it: no other write does.

    It knows already of those that were deleted before.
    """
    lost = _tables(before) - _tables(change.after)
    if not lost or change.after.get("deleted") or change.after.get("stage") == ARCHIVED:
        return
    found = store.find_many([change.id, *lost])
    for id_ in sorted(lost):
        if id_ in found and not found[id_].deleted:
            about = {"table": found[id_].fqn, "change": "erased", "columns": []}
            draft.events.append(_event(found[change.id], about))


def _tables(version: Document) -> set[str]:
    """The ids of the tables that a version was trained on."""
    frozen = version.get("frozenSources", ())
    return {each["dataSource"]["id"] for each in frozen if each.get("dataSource")}


def _event(version: Record, about: Document) -> EventWrite:
    return EventWrite(CHANGED, version.id, version.kind, version.fqn, version.version, dump(about))


def _table(
    store: Store, source: Document, now: Record | None, readers: Mapping[str, list[str]]
) -> Document | None:
    """A table that changed; None when it did not."""
    holder, trained_on = source["dataSource"], source.get("tableVersion")
    then = store.find(holder["id"], version=trained_on) if trained_on else None
    gone = now is None or now.deleted
    if not gone and (then is None or then.version == now.version):  # type: ignore[union-attr]  # gone says it is there
        return None
    columns: list[Document] = []
    if then is not None and now is not None:
        columns = [
            {**each, "features": sorted(set(readers.get(id_, ())))}
            for id_, each in _between(then, now)
        ]
    if not columns and not gone:
        return None
    return {
        "table": {name: holder[name] for name in ("id", "type", "fullyQualifiedName")},
        "trainedOn": trained_on,
        "now": None if now is None else now.version,
        "deleted": gone,
        "columns": columns,
    }


def _between(then: Record, now: Record) -> Iterator[tuple[str, Document]]:
    return _compared(shape_of(now.kind), load(then), load(now), then.fqn, now.fqn)


def _columns(change: Change, before: Document, after: Document) -> Iterator[tuple[str, Document]]:
    return _compared(change.kind.shape, before, after, change.fqn, change.fqn)


def _compared(
    shape: Any, before: Document, after: Document, was_in: str, is_in: str
) -> Iterator[tuple[str, Document]]:
    """The columns that differ between two states of a table, by id."""
    old = _by_id(parts_in(shape, before))
    new = _by_id(parts_in(shape, after))
    for id_, column in old.items():
        now = new.get(id_)
        name = column["fullyQualifiedName"][len(was_in) + 1 :]
        if now is None:
            yield id_, {"name": name, "change": "dropped", "was": _type(column)}
            continue
        if _type(column) != _type(now):
            yield id_, {"name": name, "change": "retyped", "was": _type(column), "is": _type(now)}
    for id_, column in new.items():
        if id_ not in old:
            name = column["fullyQualifiedName"][len(is_in) + 1 :]
            yield id_, {"name": name, "change": "added", "is": _type(column)}


def _by_id(parts: Iterable[tuple[str, Document]]) -> dict[str, Document]:
    return {part["id"]: part for what, part in parts if what == COLUMN and "id" in part}


def _type(column: Document) -> str:
    return str(column.get("dataTypeDisplay") or column.get("dataType") or "")
