"""The conformance suite of the store port. Whoever writes an adapter runs it; it knows none.

An adapter's test module is a few lines::

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def store(self) -> Iterator[Store]:
            store = MyStore()
            store.migrate()
            yield store
            store.close()

        def emptied(self, store: Store) -> Store:
            return another_store()

A store that outlives its instance passes ``DurableStoreConformance``, which is all of it and more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from headwater.errors import StaleWriteError
from headwater.store.base import Store
from headwater.testing.store_archive import ArchiveConformance
from headwater.testing.store_build import edge, entity, event, following, part, writes
from headwater.testing.store_entry import EntryConformance
from headwater.testing.store_erase import EraseConformance
from headwater.testing.store_graph import GraphConformance
from headwater.testing.store_read import ReadConformance
from headwater.testing.store_search import SearchConformance
from headwater.testing.store_thread import ThreadConformance, count_up, expect_each_other
from headwater.testing.store_write import WriteConformance, snapshot

__all__ = ["DurableStoreConformance", "StoreConformance"]


class StoreConformance(
    WriteConformance,
    ReadConformance,
    GraphConformance,
    EntryConformance,
    SearchConformance,
    EraseConformance,
    ArchiveConformance,
    ThreadConformance,
):
    """What every store does. Subclasses give the fixture ``store``; no test can be overridden."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a class in which a test of the suite is not the suite's own."""
        super().__init_subclass__(**kwargs)
        for base in cls.__mro__:
            if not base.__module__.startswith(__name__):
                continue
            for name, own in vars(base).items():
                if name.startswith("test_") and getattr(cls, name) is not own:
                    raise TypeError(f"{cls.__name__} overrides {name} of the conformance suite")

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """An empty, migrated store, closed after the test."""
        raise NotImplementedError(f"{type(self).__name__} has no fixture 'store'")


class DurableStoreConformance(StoreConformance):
    """What a store does beside that keeps its data when its instance is gone."""

    def reopen(self, store: Store) -> Store:
        """Return another instance on the same data; the test closes both."""
        raise NotImplementedError(f"{type(self).__name__} has no method 'reopen'")

    def test_reopened_store_has_everything(self, store: Store) -> None:
        write = entity("a", parts=(part("a", "x"), part("a", "y")))
        kept = edge("column-a.x", "table-b", level="fine")
        closed = edge("table-a", "table-b")
        store.commit(writes(write, entity("b"), edges=(kept, closed), events=(event("table-a"),)))
        changed = following(write, document="[2]", dropped_parts=("column-a.y",))
        store.commit(writes(changed, closed_edges=(closed.key,)))
        before = snapshot(store, "table-a", "table-b", "column-a.x")
        store.close()
        again = self.reopen(store)
        try:
            again.migrate()
            assert snapshot(again, "table-a", "table-b", "column-a.x") == before
            assert again.commit(writes(events=(event("table-b"),))) == 3
            assert [each.number for each in again.events()] == [1, 2]
        finally:
            again.close()

    def test_two_instances_share_one_store(self, store: Store) -> None:
        other = self.reopen(store)
        try:
            write = entity("a")
            assert store.commit(writes(write, events=(event("table-a"),))) == 1
            assert other.find("table-a") == store.find("table-a")
            assert other.commit(writes(following(write), events=(event("table-a"),))) == 2
            with pytest.raises(StaleWriteError):
                store.commit(writes(following(write)))
            assert [each.number for each in store.events()] == [1, 2]
            assert store.sequence() == 2
        finally:
            other.close()

    def test_two_instances_lose_no_update(self, store: Store) -> None:
        other = self.reopen(store)
        try:
            count_up(store, other)
            expect_each_other(store, other)
        finally:
            other.close()
