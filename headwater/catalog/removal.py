"""Soft deletion and its undoing, and erasure, which nothing undoes."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.catalog.reference import without_references
from headwater.catalog.sign_in import marks_of_erased
from headwater.catalog.write import WritePath
from headwater.catalog.written import Written, written_by
from headwater.errors import ConflictError
from headwater.schemas import kind
from headwater.store.base import EntryWrite, EventWrite, Record, Store
from headwater.store.draft import Actor, Document, Draft, dump, load, now_ms
from headwater.store.moment import AtVersion, sequence_of

NAMED = 20
"""How many entities that stand in the way are named."""


def delete(
    store: Store, path: WritePath, stored: Record, actor: Actor, *, recursive: bool
) -> Written:
    """See ``CatalogService.delete``."""
    below = [record for record in store.descendants(stored.id) if not record.deleted]
    if below and not recursive:
        raise _has_children(stored, below, "they go with it in a recursive delete")
    draft = Draft()
    path.forget(stored, draft, actor)
    return _set_deleted(store, path, [stored, *below], actor, draft, deleted=True)


def restore(store: Store, path: WritePath, stored: Record, actor: Actor) -> Written:
    """See ``CatalogService.restore``."""
    if not stored.deleted:
        raise ConflictError(f"{stored.kind} {stored.fqn!r} is not deleted")
    parent = store.find(stored.parent_id) if stored.parent_id else None
    if parent and parent.deleted:
        raise ConflictError(f"restore its parent first: {parent.kind} {parent.fqn!r}")
    together = _gone_with(store, stored, store.descendants(stored.id))
    return _set_deleted(store, path, [stored, *together], actor, Draft(), deleted=False)


def _gone_with(store: Store, stored: Record, below: Sequence[Record]) -> list[Record]:
    """Those below an entity that the commit deleted which deleted it.

    A rename above rewrites what is deleted, so that the seqs of the present states tell nothing.
    """
    ids = {record.id for record in below if record.deleted}
    if not ids:
        return []
    seq = sequence_of(store, AtVersion(stored.version), stored.id) or stored.seq
    then, before = store.find_many(ids, as_of=seq), store.find_many(ids, as_of=seq - 1)
    gone = {
        id_
        for id_ in ids
        if id_ in then and then[id_].deleted and not (id_ in before and before[id_].deleted)
    }
    return [record for record in below if record.id in gone]


def erase(
    store: Store, path: WritePath, stored: Record, actor: Actor, *, recursive: bool, force: bool
) -> None:
    """See ``CatalogService.erase``."""
    below = store.descendants(stored.id)
    if below and not recursive:
        raise _has_children(stored, below, "they are erased with it when recursive is set")
    family = {record.id: record for record in (stored, *below)}
    referring = _referrers(store, family)
    if referring and not force:
        raise _is_referred_to(stored, list(referring.values()))
    draft = Draft(erased=list(family), expects={each.id: each.rev for each in family.values()})
    for record in referring.values():
        which, before = kind(record.kind), load(record)
        after = without_references(which.shape, load(record), family)
        change = path.change(which, record, before, after)
        draft.merge(path.prepare(change, actor, stored=record).draft)
    for record in family.values():
        draft.events.append(_event(record))
        draft.entries.append(_tombstone(record))
    draft.entries += marks_of_erased(store, family.values())
    path.forget(stored, draft, actor)
    draft.commit(store, actor)


def _referrers(store: Store, family: dict[str, Record]) -> dict[str, Record]:
    """The entities outside a family that refer into it."""
    found = {
        entity_id
        for member in family
        for entity_id, _ in store.referrers(member)
        if entity_id not in family
    }
    records = store.find_many(found) if found else {}
    return {str(key): record for key, record in records.items()}


def _event(record: Record) -> EventWrite:
    return EventWrite("entityErased", record.id, record.kind, record.fqn, record.version)


def _tombstone(record: Record) -> EntryWrite:
    about = {"kind": record.kind, "fullyQualifiedName": record.fqn}
    return EntryWrite(record.id, "tombstone", at=now_ms(), data=dump(about))


def _set_deleted(
    store: Store,
    path: WritePath,
    records: Sequence[Record],
    actor: Actor,
    draft: Draft,
    *,
    deleted: bool,
) -> Written:
    first = None
    for record in records:
        which, before = kind(record.kind), load(record)
        after = load(record)
        after.pop("deleted", None)
        if deleted:
            after["deleted"] = True
        change = path.change(which, record, before, after)
        prepared = path.prepare(change, actor, stored=record)
        first = first or prepared
        draft.merge(prepared.draft)
    assert first is not None  # noqa: S101  (records is never empty; tells the type checker)
    draft.commit(store, actor)
    return written_by(first)


def _has_children(stored: Record, below: Sequence[Record], how: str) -> ConflictError:
    return ConflictError(
        f"{stored.kind} {stored.fqn!r} holds {len(below)} entities, such as "
        f"{below[0].kind} {below[0].fqn!r}; {how}",
        children=len(below),
    )


def _is_referred_to(stored: Record, referring: Sequence[Record]) -> ConflictError:
    named: list[Document] = [
        {"id": each.id, "type": each.kind, "fullyQualifiedName": each.fqn}
        for each in sorted(referring, key=lambda each: (each.kind, each.fqn))[:NAMED]
    ]
    first = ", ".join(f"{each['type']} {each['fullyQualifiedName']!r}" for each in named[:5])
    more = f" and {len(referring) - 5} more" if len(referring) > 5 else ""
    return ConflictError(
        f"{first}{more} refer to {stored.kind} {stored.fqn!r} or what lies below it; take that out"
        " first, or force the deletion, which does",
        referrers=named,
        total=len(referring),
    )
