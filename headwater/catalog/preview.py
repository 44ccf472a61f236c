"""What a write would do, without doing it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from headwater.catalog.bulk import name_of
from headwater.catalog.write import Prepared
from headwater.errors import HeadwaterError
from headwater.store.base import Key, Record, Store
from headwater.store.draft import Document, Draft


class Ahead:
    """A store as it would be, as far as later items look: with the entities that earlier ones put.

    What it does not know itself is the store's.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._put: dict[Key, Record] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def add(self, draft: Draft) -> None:
        """Let what a draft writes be there."""
        for each in draft.entities:
            self._put[each.id] = self._put[each.kind, each.fqn] = Record(
                *(each.id, each.kind, each.fqn, each.name, each.parent_id, each.version),
                *(each.expected_rev + 1, 0, each.deleted, each.document, each.origins),
            )

    def find(self, key: Key, **moment: Any) -> Record | None:
        """As ``Store.find``."""
        return (None if moment else self._put.get(key)) or self._store.find(key, **moment)

    def find_many(self, keys: Collection[Key], **moment: Any) -> dict[Key, Record]:
        """As ``Store.find_many``."""
        put = {} if moment else {key: self._put[key] for key in keys if key in self._put}
        return self._store.find_many(keys, **moment) | put


def preview(
    items: Sequence[Any], prepare: Callable[[Any], Prepared], ahead: Ahead
) -> list[Document]:
    """Return what putting the items would do; see ``CatalogService.preview``.

    Args:
        prepare: Prepares one against what is ahead.
    """
    return [{"index": index, **_one(item, prepare, ahead)} for index, item in enumerate(items)]


def _one(item: Any, prepare: Callable[[Any], Prepared], ahead: Ahead) -> Document:
    try:
        prepared = prepare(item)
        ahead.add(prepared.draft)
        return describe(prepared)
    except HeadwaterError as error:
        faults = {"errors": error.details["errors"]} if "errors" in error.details else {}
        failed = {
            "action": "fail",
            "name": name_of(item),
            "code": error.code,
            "message": error.message,
        }
        return failed | faults


def describe(prepared: Prepared) -> Document:
    """What a prepared write would do."""
    write, stored = prepared.write, prepared.stored
    if write is None:
        assert stored is not None  # noqa: S101  (a new entity is always written)
        return {"action": "none", "fullyQualifiedName": stored.fqn, "version": stored.version}
    about: Document = {"fullyQualifiedName": write.fqn, "version": write.version}
    if stored is None:
        return {"action": "create", **about}
    if write.version == stored.version:  # completed, by nothing that counts as a change
        return {"action": "none", **about}
    changes: Document = json.loads(write.document)["changeDescription"]
    changes.pop("previousVersion", None)
    return {"action": "restore" if stored.deleted else "update", **about, **changes}
