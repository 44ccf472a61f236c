"""Writes without end, and says on its output what was acknowledged. Killed by the test.

Two threads: one loads tables and models that read them in bulk, one moves versions of a model into
production. Every line is one acknowledgement, written after the catalog answered.

    python tests/crash/writer.py STORE ROUND
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
from typing import Any

from headwater.catalog import Actor, CatalogService
from headwater.lineage import derive
from headwater.store import open_store

SCHEMA = "wh.main.shop"
MODEL = "headwater.churn"
BATCH = 12
ME = Actor()


def main() -> None:
    url, round_ = sys.argv[1:]
    catalog = CatalogService(open_store(url), derive=derive)
    lock = threading.Lock()

    def acknowledged(**line: Any) -> None:
        with lock:
            os.write(1, (json.dumps(line) + "\n").encode())

    jobs = [
        threading.Thread(target=job, args=(catalog, round_, acknowledged), daemon=True)
        for job in (load, promote)
    ]
    acknowledged(ready=True)
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()


def load(catalog: CatalogService, round_: str, acknowledged: Any) -> None:
    """Tables, then models whose features are made from their columns; each again, changed."""
    for number in itertools.count():
        names = [f"r{round_}n{number}i{index}" for index in range(BATCH)]
        for words in ("first", "second"):
            tables = [
                {
                    "name": name,
                    "databaseSchema": SCHEMA,
                    "description": words,
                    "columns": [{"name": column, "dataType": "INT"} for column in ("a", "b")],
                }
                for name in names
            ]
            for each in catalog.put_bulk("table", tables, actor=ME).written:
                acknowledged(kind="table", id=each.id, version=each.version)
            models = [
                {
                    "name": name,
                    "algorithm": words,
                    "mlFeatures": [
                        {
                            "name": "f",
                            "featureSources": [
                                {"name": column, "dataSource": f"{SCHEMA}.{name}"}
                                for column in ("a", "b")
                            ],
                        }
                    ],
                }
                for name in names
            ]
            for each in catalog.put_bulk("mlmodel", models, actor=ME).written:
                acknowledged(kind="mlmodel", id=each.id, version=each.version)


def promote(catalog: CatalogService, round_: str, acknowledged: Any) -> None:
    """A new version of the model, into production."""
    for number in itertools.count():
        body = {"name": f"v{round_}-{number}", "mlmodel": MODEL, "algorithm": f"a{number}"}
        version = catalog.create("modelVersion", body, actor=ME)
        acknowledged(kind=version.kind, id=version.id, version=version.version)
        moved = catalog.model_versions.set_stage(version.id, "production", actor=ME, force=True)
        acknowledged(production=version.id, number=json.loads(moved.document)["number"])


if __name__ == "__main__":
    main()
