"""Seconds that questions of lineage take on large graphs: ``python -m benchmarks.impact [STORE]``.

The graph of ``data.py`` (100,000 edges between tables), the same between columns, and a column that
100,000 versions were trained on. The store must be empty; a new file unless one is given.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import data
from headwater.catalog import CatalogService
from headwater.lineage import LineageService, derive
from headwater.store import EdgeKey, EdgeWrite, EntityWrite, Part, Store, WriteSet, open_store

HUB = 100_000
BATCH = 10_000
FIRST = "first.main.shop"
ROUNDS = 3


def column_id(number: int) -> str:
    """The id of a column of the graph of columns."""
    return f"00000000-0000-4000-9000-{number:012}"


def version_id(number: int) -> str:
    """The id of a version that was trained on the hub."""
    return f"00000000-0000-4000-a000-{number:012}"


def columns(store: Store, catalog: CatalogService) -> None:
    """A column for each table of ``data.graph``, tied as the tables are; every tenth edge masks.

    The first tables' columns carry a tag, and the last ones' feed 1,000 versions of a model.
    """
    catalog.put("classification", {"name": "PII"}, actor=data.ME)
    catalog.put("tag", {"name": "Sensitive", "classification": "PII"}, actor=data.ME)
    model = catalog.put("mlmodel", {"name": "deep", "algorithm": "x"}, actor=data.ME)
    catalog.put("databaseService", {"name": "first"}, actor=data.ME)
    catalog.put("database", {"name": "main", "service": "first"}, actor=data.ME)
    catalog.put("databaseSchema", {"name": "shop", "database": "first.main"}, actor=data.ME)
    tagged = {"name": "email", "dataType": "VARCHAR", "tags": ["PII.Sensitive"]}
    tables = [
        {"name": f"t{n}", "databaseSchema": FIRST, "columns": [tagged]} for n in range(data.LAYER)
    ]
    catalog.put_bulk("table", tables, actor=data.ME)
    found = store.nodes(fqns=[f"{FIRST}.t{n}.email" for n in range(data.LAYER)])
    chance = random.Random(7)  # noqa: S311  (the same graph every time)
    edges = [
        EdgeWrite(EdgeKey(node.id, column_id(chance.randrange(data.LAYER)), "fine", "view", "b"))
        for node in found
    ]
    masks = json.dumps({"masking": True}, separators=(",", ":"))
    tied = store.edges(producer="bench")
    for edge in tied:
        start, end = (column_id(int(each[-12:])) for each in edge.key[:2])
        details = masks if chance.random() < 0.1 else "{}"
        edges.append(EdgeWrite(EdgeKey(start, end, "fine", "view", "b"), details))
    known = {
        record.id: record
        for record in store.find_many([data.node_id(n) for n in range(data.NODES)]).values()
    }
    writes = [
        _again(record, Part(column_id(int(id_[-12:])), "column", f"{record.fqn}.c", "c"))
        for id_, record in known.items()
    ]
    for at in range(0, len(writes), BATCH):
        _commit(store, entities=tuple(writes[at : at + BATCH]))
    last = data.NODES - data.LAYER
    versions(store, model.id, "deep", data.LAYER, first=HUB)
    edges += [
        EdgeWrite(EdgeKey(column_id(last + n), version_id(HUB + n), "fine", "frozen", "b"))
        for n in range(data.LAYER)
    ]
    _commit(store, edges=tuple(edges))


def hub(store: Store, catalog: CatalogService) -> None:
    """100,000 versions that were trained on one column, which has a tag of its own."""
    catalog.put("tag", {"name": "Hub", "classification": "PII"}, actor=data.ME)
    column = {"name": "hub", "dataType": "INT", "tags": ["PII.Hub"]}
    catalog.put(
        "table", {"name": "hub", "databaseSchema": FIRST, "columns": [column]}, actor=data.ME
    )
    model = catalog.put("mlmodel", {"name": "wide", "algorithm": "x"}, actor=data.ME)
    (node,) = store.nodes(fqns=[f"{FIRST}.hub.hub"])
    for at in range(0, HUB, BATCH):
        versions(store, model.id, "wide", BATCH, first=at)
        some = range(at, at + BATCH)
        keys = [EdgeKey(node.id, version_id(n), "fine", "frozen", "b") for n in some]
        _commit(store, edges=tuple(map(EdgeWrite, keys)))


def versions(store: Store, model_id: str, model: str, count: int, *, first: int) -> None:
    """Versions of a model; every hundredth is in production."""
    writes = []
    for n in range(first, first + count):
        stage = "none" if n % 100 else "production"
        document = {"id": version_id(n), "name": f"v{n}", "stage": stage, "trainedAt": n}
        writes.append(
            EntityWrite(
                id=version_id(n),
                kind="modelVersion",
                fqn=f"headwater.{model}.v{n:06}",
                name=f"v{n:06}",
                parent_id=model_id,
                version="0.1",
                expected_rev=0,
                document=json.dumps(document),
            )
        )
    _commit(store, entities=tuple(writes))


def _again(record: Any, part: Part) -> EntityWrite:
    return EntityWrite(
        id=record.id, kind=record.kind, fqn=record.fqn, name=record.name,
        parent_id=record.parent_id, version=record.version, expected_rev=record.rev,
        document=record.document, parts=(part,),
    )  # fmt: skip


def _commit(store: Store, **written: Any) -> None:
    store.commit(WriteSet(actor="bench", actor_kind="bot", producer="b", at=0, **written))


def measure(store: Store) -> None:
    """Print what each question answers and the best of some rounds."""
    ask = LineageService(store)
    hub_column, middle = f"{FIRST}.hub.hub", f"{data.SCHEMA}.node_00500"
    questions: dict[str, Callable[[], dict[str, Any]]] = {
        "impact of a table, 8 steps": lambda: ask.impact(f"table:{middle}"),
        "impact of a column, 8 steps": lambda: ask.impact(f"column:{middle}.c"),
        "impact of a column, 20 steps": lambda: ask.impact(f"column:{middle}.c", depth=20),
        "… with --drop": lambda: ask.impact(f"column:{middle}.c", depth=20, drop=True),
        "tag on 1,000 columns, 8 steps": lambda: ask.tag_impact("PII.Sensitive"),
        "tag on 1,000 columns, 22 steps": lambda: ask.tag_impact("PII.Sensitive", depth=22),
        "… in production": lambda: ask.tag_impact("PII.Sensitive", depth=22, stage="production"),
        "tag, a version's side, 22 steps": lambda: ask.tagged_sources(
            "modelVersion:headwater.deep.v100000", "PII", depth=22
        ),
        "impact of the hub": lambda: ask.impact(hub_column),
        "impact of the hub, in production": lambda: ask.impact(hub_column, stage="production"),
        "tag on the hub": lambda: ask.tag_impact("PII.Hub"),
        "trained on the hub, in a period": lambda: ask.trained_on(hub_column, since=9, until=99),
    }
    for name, question in questions.items():
        times = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            answer = question()
            times.append(time.perf_counter() - begun)
        cut = ", cut" if answer["truncated"] else ""
        print(f"{name:34} {min(times):7.3f} s  {answer['total']} found{cut}")


def main() -> None:
    """Fill a store and ask."""
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if sys.argv[1:] else f"sqlite:///{Path(folder) / 'impact.db'}"
        store = open_store(url)
        catalog = CatalogService(store, derive=derive)
        data.fill(store)
        columns(store, catalog)
        hub(store, catalog)
        measure(store)
        store.close()


if __name__ == "__main__":
    main()
