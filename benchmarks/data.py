"""What the benchmark's catalog holds: models of 2 KB, and a graph of 100,000 edges."""

from __future__ import annotations

import json
import random
from typing import Any

from headwater.catalog import Actor, CatalogService
from headwater.lineage import derive
from headwater.schemas import kinds
from headwater.store import EdgeKey, EdgeWrite, EntityWrite, Store, WriteSet

MODELS = 2_000
NODES = 20_000
EDGES = 100_000
LAYER = 1_000
SCHEMA = "bench.main.shop"
ME = Actor()
LAST = list(kinds().values())[-1]
PLAIN = kinds()["databaseService"]
"""A kind of the first release; both can be made of a name and a text alone."""


def model(name: str) -> dict[str, Any]:
    """A create request of about 2 KB: 3 features, each with 2 sources that resolve."""
    features = [
        {
            "name": f"feature_{f}",
            "dataType": "numerical",
            "featureAlgorithm": "StandardScaler",
            "description": f"What feature {f} means to the people who use it, in a sentence.",
            "featureSources": [
                {
                    "name": f"column_{f}_{s}",
                    "dataType": "number",
                    "dataSource": {"type": "table", "fullyQualifiedName": f"{SCHEMA}.source_{s}"},
                }
                for s in range(2)
            ],
        }
        for f in range(3)
    ]
    parameters = [{"name": f"parameter_{p}", "value": p} for p in range(6)]
    return {
        "name": name,
        "algorithm": "GradientBoostingClassifier",
        "description": "A model of the benchmark. " * 8,
        "mlFeatures": features,
        "mlHyperParameters": parameters,
        "target": "label",
        "mlStore": {"storage": f"s3://models/{name}/model.pkl"},
    }


def plain(name: str) -> dict[str, Any]:
    """A create request of about 2 KB that any kind without a parent takes."""
    return {"name": name, "description": "What it is, in a sentence or two. " * 60}


def fill(store: Store) -> None:
    """Write the tables, the models and the graph."""
    catalog = CatalogService(store, derive=derive)
    catalog.ensure_built_in()
    catalog.put("databaseService", {"name": "bench"}, actor=ME)
    catalog.put("database", {"name": "main", "service": "bench"}, actor=ME)
    schema = catalog.put("databaseSchema", {"name": "shop", "database": "bench.main"}, actor=ME)
    tables = [
        {
            "name": f"source_{s}",
            "databaseSchema": SCHEMA,
            "columns": [{"name": f"column_{f}_{s}", "dataType": "DOUBLE"} for f in range(3)],
        }
        for s in range(2)
    ]
    failed = catalog.put_bulk("table", tables, actor=ME).failed
    models = [model(f"model_{n:05}") for n in range(MODELS)]
    for start in range(0, MODELS, 500):
        failed += catalog.put_bulk("mlmodel", models[start : start + 500], actor=ME).failed
    if failed:
        raise RuntimeError(f"the benchmark's data is refused: {failed[0]}")
    graph(store, schema.id)


def node_id(number: int) -> str:
    """The id of a node of the graph."""
    return f"00000000-0000-4000-8000-{number:012}"


def graph(store: Store, parent: str) -> None:
    """20,000 tables in 20 layers; 100,000 edges, each from one layer to the next.

    A table in the middle has 5 neighbours on each side, about 150 within 3 hops.
    """
    chance = random.Random(7)  # noqa: S311  (the same graph every time)
    tables = tuple(
        EntityWrite(
            id=node_id(n),
            kind="table",
            fqn=f"{SCHEMA}.node_{n:05}",
            name=f"node_{n:05}",
            parent_id=parent,
            version="0.1",
            expected_rev=0,
            document=json.dumps({"id": node_id(n), "name": f"node_{n:05}"}),
        )
        for n in range(NODES)
    )
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < EDGES:
        a = chance.randrange(NODES - LAYER)
        pairs.add((a, (a // LAYER + 1) * LAYER + chance.randrange(LAYER)))
    edges = tuple(
        EdgeWrite(EdgeKey(node_id(a), node_id(b), "coarse", "manual", "bench"))
        for a, b in sorted(pairs)
    )
    common: dict[str, Any] = {"actor": "bench", "actor_kind": "bot", "producer": "bench", "at": 0}
    store.commit(WriteSet(**common, entities=tables))
    store.commit(WriteSet(**common, edges=edges))
