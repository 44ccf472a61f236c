"""What became of the data that a version was trained on: its tables then and now, by column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from headwater.lineage.kind import COLUMN, VERSION, parts_in
from headwater.schemas import kind
from headwater.store.base import EventWrite, Record, Store
from headwater.store.draft import Change, Document, Draft, dump, load

CHANGED = "sourcesChanged"
"""The event of a version whose data has another shape now."""
_MOST = 1000
"""How many versions one write tells of."""


def source_changes(store: Store, version: Record) -> Document:
    """Return how the tables that a version was trained on have changed since.

    Returns:
        ``outdated``: whether a column that it reads did, or its table is gone; ``tables``: those
        that changed, each with ``trainedOn`` and ``now`` (versions), ``deleted``, and ``columns``
        of ``{name, change, was, is, features}``; a change is ``added``, ``dropped`` or ``retyped``,
        and ``features`` are those of the version that read the column.
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
    gone = any(table["deleted"] for table in tables)
    return {"outdated": gone or bool(read), "tables": tables}


def tell_versions(store: Store, change: Change, draft: Draft) -> None:
    """Add an event for each version that learned from columns which a write drops or retypes.

    Archived versions are not told.
    """
    if change.before is None:
        return
    changes = {
        id_: each
        for id_, each in _columns(change, change.before, change.after)
        if each["change"] in ("dropped", "retyped")
    }
    if not changes:
        return
    told: dict[str, list[Document]] = defaultdict(list)
    for hop in store.expand(list(changes), "downstream", "fine", limit=_MOST):
        if hop.node.kind == VERSION:
            told[hop.node.id].append(changes[hop.edge.key.from_id])
    found = store.find_many(told) if told else {}
    for record in found.values():
        if record.deleted or load(record).get("stage") == "archived":
            continue
        about = {"table": change.fqn, "columns": told[record.id]}
        draft.events.append(
            EventWrite(CHANGED, record.id, record.kind, record.fqn, record.version, dump(about))
        )


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
    return _compared(kind(now.kind).shape, load(then), load(now), then.fqn, now.fqn)


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
    for id_ in new.keys() - old.keys():
        name = new[id_]["fullyQualifiedName"][len(is_in) + 1 :]
        yield id_, {"name": name, "change": "added", "is": _type(new[id_])}


def _by_id(parts: Iterable[tuple[str, Document]]) -> dict[str, Document]:
    return {part["id"]: part for what, part in parts if what == COLUMN and "id" in part}


def _type(column: Document) -> str:
    return str(column.get("dataTypeDisplay") or column.get("dataType") or "")
