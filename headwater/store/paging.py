"""Every entity of a kind, read page by page."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.store.base import Deleted, PageQuery, Record, Store

_PAGE = 1000


def every(
    store: Store, kind: str, *, parent_id: str | None = None, deleted: Deleted = "exclude"
) -> Iterator[Record]:
    """Yield the entities of a kind, ordered by FQN.

    Args:
        store: Where they are.
        kind: Theirs.
        parent_id: Only those of this parent.
        deleted: Whether soft-deleted ones are among them.
    """
    after = None
    while True:
        page = store.page(PageQuery(kind, _PAGE, after, parent_id, deleted))
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].fqn
