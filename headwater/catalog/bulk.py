"""Many writes of one kind in few commits, each item judged by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.catalog.write import Prepared
from headwater.catalog.written import Written, written_by
from headwater.errors import AlreadyExistsError, HeadwaterError, InvalidInputError, StaleWriteError
from headwater.store.base import Store
from headwater.store.draft import Actor, Document, Draft

MOST_ROWS = 2_000
"""Of entities, parts and edges in a commit: a server holds all of a transaction in memory."""


@dataclass(slots=True)
class BulkResult:
    """Outcome of a bulk write, item by item.

    Attributes:
        failed: ``{index, name, code, message, errors?}`` for each item that was left out.
    """

    written: list[Written] = field(default_factory=list)
    failed: list[Document] = field(default_factory=list)


def put_bulk(
    store: Store,
    items: Sequence[Any],
    *,
    actor: Actor,
    prepare: Callable[[Any], Prepared],
    put: Callable[[Any], Written],
) -> BulkResult:
    """Put many items; those that fail are reported, the others are written.

    Args:
        prepare: Prepares one item against what is stored.
        put: Writes one item by itself, again and again while others are faster.
    """
    bulk = _Bulk(store, items, actor, prepare, put)
    for index, item in enumerate(items):
        try:
            bulk.add(index)
        except StaleWriteError:  # somebody else wrote while it was prepared
            bulk.flush()
            bulk.put(index)
        except HeadwaterError as error:
            bulk.failed.append(_failure(index, item, error))
    bulk.flush()
    return BulkResult(
        [bulk.written[index] for index in sorted(bulk.written)],
        sorted(bulk.failed, key=lambda failure: int(failure["index"])),
    )


class _Bulk:
    """Items on their way: gathered as long as they have nothing to do with each other."""

    def __init__(
        self,
        store: Store,
        items: Sequence[Any],
        actor: Actor,
        prepare: Callable[[Any], Prepared],
        put: Callable[[Any], Written],
    ) -> None:
        self.written: dict[int, Written] = {}
        self.failed: list[Document] = []
        self._store = store
        self._items = items
        self._actor = actor
        self._prepare = prepare
        self._put = put
        self._start()

    def _start(self) -> None:
        self._draft = Draft()
        self._pending: list[tuple[int, Prepared]] = []
        self._ids: set[str] = set()
        self._names: set[tuple[str, str]] = set()
        self._rows = 0

    def add(self, index: int) -> None:
        """Gather an item, after writing those before it where it depends on them."""
        prepared = None
        try:
            prepared = self._prepare(self._items[index])
        except InvalidInputError as error:  # what is missing may be among the items before it
            if not self._pending or "missing" not in error.details:
                raise
        if prepared is None or self._overlaps(prepared.draft):
            self.flush()
            prepared = self._prepare(self._items[index])
        self._draft.merge(prepared.draft)
        self._pending.append((index, prepared))
        self._ids.update(write.id for write in prepared.draft.entities)
        self._names.update((write.kind, write.fqn) for write in prepared.draft.entities)
        self._rows += len(prepared.draft.edges)
        self._rows += sum(1 + len(write.parts) for write in prepared.draft.entities)
        if self._rows >= MOST_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered, in one commit if nobody wrote in between."""
        draft, pending = self._draft, self._pending
        self._start()
        try:
            draft.commit(self._store, self._actor)
            self.written |= {index: written_by(each) for index, each in pending}
        except (StaleWriteError, AlreadyExistsError):
            for index, _ in pending:
                self.put(index)

    def put(self, index: int) -> None:
        """Write an item by itself."""
        try:
            self.written[index] = self._put(self._items[index])
        except HeadwaterError as error:
            self.failed.append(_failure(index, self._items[index], error))

    def _overlaps(self, draft: Draft) -> bool:
        """Whether a draft writes or depends on what is gathered, or the other way round."""
        return not self._ids.isdisjoint(draft.expects) or any(
            write.id in self._ids
            or write.id in self._draft.expects
            or (write.kind, write.fqn) in self._names
            for write in draft.entities
        )


def name_of(item: Any) -> str | None:
    """The name that a request gives, if it is text."""
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else None


def _failure(index: int, item: Any, error: HeadwaterError) -> Document:
    out = {"index": index, "name": name_of(item), "code": error.code, "message": error.message}
    return out | ({"errors": error.details["errors"]} if "errors" in error.details else {})
