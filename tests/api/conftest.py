"""A client of the whole application over a store in memory."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from headwater.app import InProcessTransport
from headwater.store import Store, open_store

BASE = "http://localhost"
API = BASE + "/api/v1"


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store("sqlite://")
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store) -> Iterator[httpx.Client]:
    """Speaks to the API's base; paths that start with http are taken as they are."""
    with httpx.Client(base_url=API, transport=InProcessTransport(store)) as opened:
        yield opened


@pytest.fixture
def table(client: httpx.Client) -> str:
    """FQN of a table ``warehouse.shop.public.orders`` with the columns ``age`` and ``city``."""
    for collection, body in (
        ("databaseServices", {"name": "warehouse", "serviceType": "Sqlite"}),
        ("databases", {"name": "shop", "service": "warehouse"}),
        ("databaseSchemas", {"name": "public", "database": "warehouse.shop"}),
        (
            "tables",
            {
                "name": "orders",
                "databaseSchema": "warehouse.shop.public",
                "columns": [
                    {"name": "age", "dataType": "INTEGER"},
                    {"name": "city", "dataType": "TEXT"},
                ],
            },
        ),
    ):
        answer = client.post(f"/{collection}", json=body)
        assert answer.status_code == 201, answer.text
    return "warehouse.shop.public.orders"


@pytest.fixture
def model(client: httpx.Client, table: str) -> str:
    """FQN of a model with one feature from the table's column ``age``."""
    source = {"name": "age", "dataSource": {"fullyQualifiedName": table, "type": "table"}}
    body = {
        "name": "churn",
        "algorithm": "RandomForest",
        "mlFeatures": [{"name": "persona", "featureSources": [source]}],
    }
    answer = client.post("/mlmodels", json=body)
    assert answer.status_code == 201, answer.text
    fqn: str = answer.json()["fullyQualifiedName"]
    return fqn
