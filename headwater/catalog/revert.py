"""Reverting: the values of an earlier version, as far as they can still be had."""

from __future__ import annotations

from headwater.catalog.lifecycle import projected
from headwater.catalog.origin import Origins, left_out, origins_of
from headwater.catalog.reference import stored_references, without_references
from headwater.schemas import Kind
from headwater.store.base import Record, Store
from headwater.store.draft import Document, load


def reverted(
    store: Store, which: Kind, before: Document, target: Document
) -> tuple[Document, list[str]]:
    """Return the document to write, and the FQNs of references that are gone.

    The name, the parent, what only the catalog sets, what makes no version, what a promotion set
    and what the schema does not know stay as they are.
    """
    fixed = _fixed(which, before)
    known = which.shape.fields.keys() - fixed
    after = {name: value for name, value in target.items() if name in known}
    spelled = list(stored_references(which.shape, after))
    asked = {each.value["id"]: each.value["fullyQualifiedName"] for each in spelled}
    found = store.find_many(set(asked)) if asked else {}
    live = {str(key) for key, record in found.items() if not record.deleted}
    gone = {id_: fqn for id_, fqn in asked.items() if id_ not in live}
    after = without_references(which.shape, after, gone)
    for each in stored_references(which.shape, after):  # by id alone: names have changed since
        each.holder[each.slot] = {"id": each.value["id"]}
    after |= {name: value for name, value in before.items() if name not in known}
    return after, sorted(gone.values())


def reverted_origins(which: Kind, stored: Record, target: Record, after: Document) -> Origins:
    """The origins that go with the document to write: those of the version that its values have."""
    before, then = load(stored), load(target)
    fixed = _fixed(which, before)
    kept = {each.value["id"] for each in stored_references(which.shape, after)}
    for each in stored_references(which.shape, then):
        if each.value["id"] not in kept:
            each.value["id"] = None
    origins = left_out(which.shape, origins_of(target), then, after)
    taken = {p: mark for p, mark in origins.items() if p.partition(".")[0] not in fixed}
    now = origins_of(stored)
    return taken | {p: mark for p, mark in now.items() if p.partition(".")[0] in fixed}


def _fixed(which: Kind, before: Document) -> set[str]:
    """The fields that a revert leaves alone."""
    fields = which.shape.fields.values()
    own = {field.name for field in fields if field.read_only or field.volatile}
    return own | {"name", *projected(before)} | ({which.parent.name} if which.parent else set())
