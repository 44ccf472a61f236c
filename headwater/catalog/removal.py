"""Soft deletion and its undoing, and erasure, which nothing undoes."""

from __future__ import annotations

from collections.abc import Container, Sequence

from headwater.catalog import model_summary, stage
from headwater.catalog.origin import Origins, origins_of, taken_out
from headwater.catalog.reference import referring, stored_references, without_references
from headwater.catalog.sign_in import marks_of_erased
from headwater.catalog.write import WritePath
from headwater.catalog.written import Written, written_by
from headwater.errors import ConflictError
from headwater.schemas import kinds
from headwater.store.base import EntryWrite, EventWrite, Record, Store
from headwater.store.draft import Actor, Document, Draft, dump, kind_of, load, now_ms
from headwater.store.stage import KIND as STAGE

ERASURE = "erasure"
"""The producer of what an erasure takes out of others."""
NAMED = 20
"""How many entities that stand in the way are named."""


def delete(
    store: Store,
    path: WritePath,
    stored: Record,
    actor: Actor,
    *,
    recursive: bool,
    force: bool,
) -> Written:
    """See ``CatalogService.delete``."""
    _check_no_default(stored)
    below = [record for record in store.descendants(stored.id) if not record.deleted]
    if below and not recursive:
        raise _has_children(stored, below, "they go with it in a recursive delete")
    draft = Draft()
    if not force:
        model_summary.check_unused([stored, *below])
    path.forget(stored, draft, actor, force=force)
    return _set_deleted(store, path, [stored, *below], actor, draft, deleted=True)


def restore(store: Store, path: WritePath, stored: Record, actor: Actor) -> Written:
    """See ``CatalogService.restore``."""
    if not stored.deleted:
        raise ConflictError(f"{stored.kind} {stored.fqn!r} is not deleted")
    parent = store.find(stored.parent_id) if stored.parent_id else None
    if parent and parent.deleted:
        raise ConflictError(f"restore its parent first: {parent.kind} {parent.fqn!r}")
    seq = _deleted_at(store, stored)
    together = _deleted_with(store, stored, seq)
    for model in (each for each in (stored, *together) if each.kind == model_summary.MODEL):
        stage.check_seen(store, stage.found_by(model), since=seq)
    return _set_deleted(store, path, [stored, *together], actor, Draft(), deleted=False)


def _deleted_with(store: Store, stored: Record, seq: int) -> list[Record]:
    """What lies below a deleted entity and was deleted by the commit that deleted it.

    Later commits may have completed some of them, such as a rename of what they refer to.
    """
    below = [record for record in store.descendants(stored.id) if record.deleted]
    if not below:
        return []
    then = store.find_many({record.id for record in below}, as_of=seq)
    together = {str(id_) for id_, each in then.items() if each.deleted and each.seq == seq}
    return [record for record in below if record.id in together]


def _deleted_at(store: Store, stored: Record) -> int:
    seq, before_rev = stored.seq, stored.rev
    while states := store.versions(stored.id, before_rev=before_rev):
        for state in states:
            if not state.deleted:
                return seq
            seq, before_rev = state.seq, state.rev
    return seq


def erase(
    store: Store, path: WritePath, stored: Record, actor: Actor, *, recursive: bool, force: bool
) -> None:
    """See ``CatalogService.erase``."""
    _check_no_default(stored)
    below = store.descendants(stored.id)
    if below and not recursive:
        raise _has_children(stored, below, "they are erased with it when recursive is set")
    family = {record.id: record for record in (stored, *below)}
    if not force:
        model_summary.check_unused(family.values())
    if stored.kind == STAGE:
        stage.check_empty(store, stored)
    others = referring(store, family)
    if others and not force:
        raise _is_referred_to(stored, list(others.values()))
    by_erasure = Actor(actor.name, "bot", ERASURE, role=actor.role)  # nothing becomes the actor's
    draft = Draft(erased=list(family), expects={each.id: each.rev for each in family.values()})
    for record in others.values():
        which, before = kind_of(record), load(record)
        after = without_references(which.shape, load(record), family)
        change = path.change(which, record, before, after)
        change.follows = True  # a model and the version that it serves lose the same
        change.origins, change.restores = _left(record, after, family, by_erasure), True
        draft.merge(path.prepare(change, by_erasure, stored=record).draft)
    for record in family.values():
        draft.events.append(_event(record))
        draft.entries.append(_tombstone(record))
    draft.entries += marks_of_erased(store, family.values())
    path.forget(stored, draft, actor, force=force)
    draft.commit(store, actor)


def _left(record: Record, after: Document, gone: Container[str], actor: Actor) -> Origins:
    """Who set what is left of a document without its references to what is gone."""
    which, before = kind_of(record), load(record)
    for each in stored_references(which.shape, before):
        if each.value["id"] in gone:
            each.value["id"] = None
    return taken_out(which, origins_of(record), before, after, actor)


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
        which, before = kind_of(record), load(record)
        after = load(record)
        after.pop("deleted", None)
        if deleted:
            after["deleted"] = True
        change = path.change(which, record, before, after)
        if record.kind == model_summary.MODEL and not deleted and "lifecycle" in before:
            model_summary.sum_up(change, records)
        prepared = path.prepare(change, actor, stored=record)
        first = first or prepared
        draft.merge(prepared.draft)
    assert first is not None  # noqa: S101  (records is never empty; tells the type checker)
    draft.commit(store, actor)
    return written_by(first)


def _check_no_default(stored: Record) -> None:
    """Refuse that something goes which requests mean that name nothing.

    Raises:
        ConflictError: It is the default of a reference.
    """
    meant = (stored.kind,)
    for which in kinds().values():
        for field in which.shape.fields.values():
            if field.default == stored.fqn and field.reference == meant:
                raise ConflictError(
                    f"{stored.kind} {stored.fqn!r} is the {field.name} of every {which.name} whose"
                    f" request names none (`default` of {field.name!r} in the schema {which.file});"
                    " delete what lies below it instead"
                )


def _has_children(stored: Record, below: Sequence[Record], how: str) -> ConflictError:
    return ConflictError(
        f"{stored.kind} {stored.fqn!r} holds other entities ({len(below)}), such"
        f" as {below[0].kind} {below[0].fqn!r}; {how}",
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
