"""The Neo4j adapter passes the store's conformance suite, and its graph answers people's Cypher."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headwater.store.base import Store
from headwater.store.neo4j import Neo4jStore
from headwater.testing.store import DurableStoreConformance


class TestNeo4jStore(DurableStoreConformance):
    @pytest.fixture
    def store(self, neo4j_url: str) -> Iterator[Store]:
        self.url = neo4j_url
        store = Neo4jStore(neo4j_url)
        store.migrate()
        yield store
        store.close()

    def reopen(self, store: Store) -> Store:
        return Neo4jStore(self.url)
