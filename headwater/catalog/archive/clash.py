"""Why an archive cannot be merged into a store: one line for each entity that is in the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from headwater.catalog.archive.content import Content
from headwater.catalog.archive.snapshot import TOMBSTONE, batches
from headwater.catalog.model_summary import KIND as MODEL_VERSION
from headwater.catalog.stage import found_by, hidden_by
from headwater.store.base import Key, Record, Store
from headwater.store.paging import every
from headwater.store.stage import KIND as STAGE


def clashes(store: Store, content: Content, stored: Mapping[Key, Record]) -> list[str]:
    """Return what stands in the way of a merge, by kind and FQN.

    Args:
        stored: The entities of the archive that are there, by id.
    """
    records = [each.record for each in content.entities.values()]
    around = _Around(
        stored=stored,
        holders=find_all(store, [(record.kind, record.fqn) for record in records]),
        parents=find_all(store, {record.parent_id for record in records if record.parent_id}),
        erased=_erased(store, [record.id for record in records if record.id not in stored]),
    )
    records.sort(key=lambda record: (record.kind, record.fqn))
    reasons = [(record, around.reason(record)) for record in records]
    found = [f"{record.kind} {record.fqn!r} {reason}" for record, reason in reasons if reason]
    return found + _hidden(store, content, stored)


def _hidden(store: Store, content: Content, stored: Mapping[Key, Record]) -> list[str]:
    """What a stage of one side alone would hide of the other's names and aliases of versions."""
    coming = [
        each.record
        for each in content.entities.values()
        if each.record.id not in stored and not each.record.deleted
    ]
    stages = {record.name for record in coming if record.kind == STAGE}
    here = {record.name for record in every(store, STAGE)} - content.stages
    hidden = hidden_by(store, stages) if stages else ()
    found = [f"{STAGE} {word!r} would hide {what} here" for word, what in hidden]
    for word, what in (each for record in coming for each in found_by(record)):
        if word in here:
            found.append(f"{STAGE} {word!r} here would hide {what}")
    return sorted(found)


def find_all(store: Store, keys: Iterable[Key]) -> dict[Key, Record]:
    """``Store.find_many``, of any number."""
    found: dict[Key, Record] = {}
    for some in batches(iter(keys)):
        found |= store.find_many(some)
    return found


class _Around(NamedTuple):
    """What a store has of an archive's ids, names and parents, and which ids it had."""

    stored: Mapping[Key, Record]
    holders: Mapping[Key, Record]
    parents: Mapping[Key, Record]
    erased: Collection[str]

    def reason(self, record: Record) -> str | None:
        here = self.stored.get(record.id)
        if here is not None:
            if (here.kind, here.fqn) == (record.kind, record.fqn):
                return None
            return f"is called {here.kind} {here.fqn!r} here; let it have one name in both"
        holder = self.holders.get((record.kind, record.fqn))
        if holder is not None:
            return f"is another entity here, with the id {holder.id} and not {record.id}"
        if record.id in self.erased:
            return "was erased here"
        parent = self.parents.get(str(record.parent_id))
        if parent is not None and parent.deleted and not record.deleted:
            return f"has no place here: {parent.kind} {parent.fqn!r} is deleted"
        if parent is not None and record.kind == MODEL_VERSION:
            return "is a version of a model that is here with versions of its own"
        return None


def _erased(store: Store, ids: list[str]) -> set[str]:
    found: set[str] = set()
    for some in batches(iter(ids)):
        tombstones = store.entries(entity_ids=some, types=[TOMBSTONE], latest=True, limit=len(some))
        found.update(entry.entity_id for entry in tombstones)
    return found
