"""Services over both engines: every test here runs on SQLite and on Neo4j."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headwater.catalog import CatalogService
from headwater.lineage import LineageService, derive
from headwater.store import Store, open_store
from tests.services.shop import ME, Shop


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each engine."""
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("neo4j_url")
    store = open_store(url)
    yield store
    store.close()


@pytest.fixture
def catalog(store: Store) -> CatalogService:
    """The catalog over the store, wired as the application wires it."""
    service = CatalogService(store, derive=derive)
    service.ensure_built_in()
    return service


@pytest.fixture
def lineage(store: Store) -> LineageService:
    """The lineage service over the same store."""
    return LineageService(store)


@pytest.fixture
def schema(catalog: CatalogService) -> str:
    """FQN of a database schema to put tables in."""
    catalog.put("databaseService", {"name": "wh"}, actor=ME)
    catalog.put("database", {"name": "main", "service": "wh"}, actor=ME)
    return catalog.put("databaseSchema", {"name": "shop", "database": "wh.main"}, actor=ME).fqn


@pytest.fixture
def shop(catalog: CatalogService, schema: str) -> Shop:
    """A schema to write tables and models about."""
    return Shop(catalog, schema)
