"""Reverting: the values of an earlier version, as far as they can still be had."""

from __future__ import annotations

from headwater.catalog.lifecycle import projected
from headwater.catalog.reference import spelled_references, without_references
from headwater.schemas import Kind
from headwater.store.base import Store
from headwater.store.draft import Document


def reverted(
    store: Store, which: Kind, before: Document, target: Document
) -> tuple[Document, list[str]]:
    """Return the document to write, and the FQNs of references that are gone.

    The name, the parent, what only the catalog sets and what a promotion set stay as they are.
    """
    fixed = {field.name for field in which.shape.fields.values() if field.read_only}
    fixed |= {"name", *projected(before)} | ({which.parent.name} if which.parent else set())
    after = {name: value for name, value in target.items() if name not in fixed}
    after |= {name: value for name, value in before.items() if name in fixed}
    asked = {
        each.value["id"]: each.value["fullyQualifiedName"]
        for each in spelled_references(which.shape, after)
    }
    found = store.find_many(set(asked)) if asked else {}
    live = {str(key) for key, record in found.items() if not record.deleted}
    gone = {id_: fqn for id_, fqn in asked.items() if id_ not in live}
    return without_references(which.shape, after, gone), sorted(gone.values())
