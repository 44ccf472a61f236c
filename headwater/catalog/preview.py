"""What a write would do, without doing it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from headwater.catalog.bulk import name_of
from headwater.catalog.write import Prepared
from headwater.errors import HeadwaterError
from headwater.store.draft import Document


def preview(items: Sequence[Any], prepare: Callable[[Any], Prepared]) -> list[Document]:
    """Return what putting each item would do; see ``CatalogService.preview``."""
    return [{"index": index, **_one(item, prepare)} for index, item in enumerate(items)]


def _one(item: Any, prepare: Callable[[Any], Prepared]) -> Document:
    try:
        return describe(prepare(item))
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
