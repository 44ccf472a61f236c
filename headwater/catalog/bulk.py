"""Many writes of one kind in as few commits as possible, each item judged by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.catalog.write import Prepared
from headwater.catalog.written import Written, written_by
from headwater.errors import AlreadyExistsError, HeadwaterError, StaleWriteError
from headwater.store.base import Store
from headwater.store.draft import Actor, Document, Draft


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
    result = BulkResult()
    draft, pending = Draft(), list[tuple[int, Prepared]]()
    outcome: dict[int, Written] = {}

    def flush() -> None:
        nonlocal draft, pending
        try:
            draft.commit(store, actor)
            outcome.update({index: written_by(each) for index, each in pending})
        except (StaleWriteError, AlreadyExistsError):
            for index, _ in pending:  # somebody wrote in between: one by one, with retries
                one_by_one(index)
        draft, pending = Draft(), []

    def one_by_one(index: int) -> None:
        try:
            outcome[index] = put(items[index])
        except HeadwaterError as error:
            result.failed.append(_failure(index, items[index], error))

    for index, item in enumerate(items):
        try:
            prepared = prepare(item)
            if _overlap(draft, prepared.draft):
                flush()
                prepared = prepare(item)
        except HeadwaterError as error:
            result.failed.append(_failure(index, item, error))
            continue
        draft.merge(prepared.draft)
        pending.append((index, prepared))
    flush()
    result.failed.sort(key=lambda failure: int(failure["index"]))
    result.written = [outcome[index] for index in sorted(outcome)]
    return result


def name_of(item: Any) -> str | None:
    """The name that a request gives, if it is text."""
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else None


def _failure(index: int, item: Any, error: HeadwaterError) -> Document:
    out = {"index": index, "name": name_of(item), "code": error.code, "message": error.message}
    return out | ({"errors": error.details["errors"]} if "errors" in error.details else {})


def _overlap(a: Draft, b: Draft) -> bool:
    """Whether two drafts write or depend on one entity, or on one name."""
    written, wanted = ({write.id for write in draft.entities} for draft in (a, b))
    names = {(write.kind, write.fqn) for write in a.entities}
    return (
        not written.isdisjoint(wanted | b.expects.keys())
        or not wanted.isdisjoint(a.expects)
        or any((write.kind, write.fqn) in names for write in b.entities)
    )
