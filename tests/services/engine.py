"""Two stores at once: every pairing of engines that one Neo4j database allows."""

from __future__ import annotations

import pytest

from headwater.store import Store, open_store

PAIRS = [
    pytest.param(("sqlite", "sqlite"), id="sqlite-sqlite"),
    pytest.param(("sqlite", "neo4j"), id="sqlite-neo4j", marks=pytest.mark.neo4j),
    pytest.param(("neo4j", "sqlite"), id="neo4j-sqlite", marks=pytest.mark.neo4j),
]


def open_engine(engine: str, request: pytest.FixtureRequest) -> Store:
    """An empty store of an engine."""
    return open_store("sqlite://" if engine == "sqlite" else request.getfixturevalue("neo4j_url"))
