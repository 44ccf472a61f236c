"""The SQLite adapter: the conformance suite on a file and in memory, and what only SQLite does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.store.base import Store
from headwater.store.factory import open_store
from headwater.testing.store import DurableStoreConformance, StoreConformance


class TestMemory(StoreConformance):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        with_store = open_store("sqlite://")
        yield with_store
        with_store.close()


class TestFile(DurableStoreConformance):
    @pytest.fixture(autouse=True)
    def file(self, tmp_path: Path) -> None:
        self.url = f"sqlite:///{tmp_path / 'headwater.db'}"

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = open_store(self.url)
        yield store
        store.close()

    def reopen(self, store: Store) -> Store:
        return open_store(self.url)
