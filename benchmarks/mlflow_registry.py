"""Fills an MLflow server's database with models, and reads it as its own client does.

Run by an environment that has MLflow: ``python mlflow_registry.py fill DATABASE FOLDER MODELS`` or
``python mlflow_registry.py read URL``, which answers how long that took.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
    Param,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

VERSIONS = 5
COPIED = (
    *("runs", "params", "metrics", "latest_metrics", "tags", "inputs", "input_tags"),
    *("registered_models", "registered_model_aliases", "model_versions", "model_version_tags"),
)
"""Tables of which each further model has rows of its own: MLflow's stores would take an hour."""
MLMODEL = """\
artifact_path: model
flavors:
  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl}
  sklearn: {pickled_model: model.pkl, serialization_format: cloudpickle}
run_id: %s
signature:
  inputs: '[{"type": "long", "name": "age"}, {"type": "double", "name": "income"},
    {"type": "string", "name": "city"}]'
  outputs: '[{"type": "long"}]'
"""
SCHEMA = json.dumps(
    {"mlflow_colspec": [{"type": "long", "name": n} for n in ("age", "income", "city", "churned")]}
)


def fill(database: Path, folder: Path, models: int) -> None:
    """Write models with five versions each: runs, parameters, metrics, data, tags, an alias."""
    first = _first_model(f"sqlite:///{database}")
    with closing(sqlite3.connect(database)) as connection, connection:
        rows = {table: _rows(connection, table) for table in COPIED}
        for n in range(1, models):
            fresh = {each: uuid.uuid4().hex for each in first} | {"model-0000": f"model-{n:04}"}
            for table, (columns, values) in rows.items():
                marks = ", ".join("?" * len(columns))
                copies = [[_copied(value, fresh) for value in row] for row in values]
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", copies)
        sources = connection.execute("SELECT source, run_id FROM model_versions").fetchall()
    for source, run_id in sources:
        files = folder / source.removeprefix("mlflow-artifacts:/")
        files.mkdir(parents=True)
        (files / "MLmodel").write_text(MLMODEL % run_id)


def _first_model(database: str) -> list[str]:
    """Write one model by MLflow's own stores; return the ids that its copies need anew."""
    tracking, registry = Tracking(database, "mlflow-artifacts:/"), Registry(database)
    experiment = tracking.create_experiment("training")
    registry.create_registered_model("model-0000", description="What it is for.")
    for number in range(1, VERSIONS + 1):
        run = tracking.create_run(experiment, "anna", 1_700_000_000_000, [], "train")
        run_id = run.info.run_id
        metrics = [Metric(m, number / 10, 1_700_000_000_000, 0) for m in ("auc", "f1", "loss")]
        params = [Param(p, str(number)) for p in ("depth", "trees", "rate", "seed", "folds")]
        made_by = RunTag("estimator_class", "sklearn.ensemble._forest.RandomForestClassifier")
        tracking.log_batch(run_id, metrics, params, [made_by])
        place = json.dumps({"uri": f"s3://lake/customers_{number}.parquet"})
        data = Dataset("train", f"digest{number}", "s3", place, SCHEMA)
        context = InputTag("mlflow.data.context", "training")
        tracking.log_inputs(run_id, [DatasetInput(data, [context])])
        tracking.update_run_info(run_id, RunStatus.FINISHED, 1_700_000_100_000, "train")
        source = f"{run.info.artifact_uri}/model"
        tags = [ModelVersionTag("validated", "yes")]
        registry.create_model_version("model-0000", source, run_id, tags)
    registry.set_registered_model_alias("model-0000", "champion", "4")
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        ids = "SELECT run_uuid FROM runs UNION SELECT input_uuid FROM inputs"
        return [row[0] for row in connection.execute(ids)]


def _rows(connection: sqlite3.Connection, table: str) -> tuple[list[str], list[Any]]:
    found = connection.execute(f"SELECT * FROM {table}")
    return [each[0] for each in found.description], found.fetchall()


def _copied(value: Any, fresh: dict[str, str]) -> Any:
    """A value with the copy's ids and name in it."""
    if isinstance(value, str):
        for old, new in fresh.items():
            value = value.replace(old, new)
    return value


def read(url: str) -> dict[str, float]:
    """Read what the connector reads, at the largest pages; return seconds."""
    mlflow.set_tracking_uri(url)
    client = MlflowClient()
    start = time.perf_counter()
    models = pages(
        lambda token: client.search_registered_models(max_results=1000, page_token=token)
    )
    versions = pages(
        lambda token: client.search_model_versions(max_results=200_000, page_token=token)
    )
    experiments = pages(
        lambda token: client.search_experiments(
            view_type=ViewType.ALL, max_results=50_000, page_token=token
        )
    )
    ids = [each.experiment_id for each in experiments]
    runs = pages(
        lambda token: client.search_runs(
            ids, run_view_type=ViewType.ALL, max_results=50_000, page_token=token
        )
    )
    paged = time.perf_counter() - start

    def mlmodel(version: Any) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = client.download_artifacts(version.run_id, "model/MLmodel", folder)
            return Path(path).read_text()

    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(mlmodel, versions))
    whole = time.perf_counter() - start
    counts = {"models": len(models), "versions": len(versions), "runs": len(runs)}
    return {**counts, "files": len(files), "pages_seconds": paged, "seconds": whole}


def pages(ask: Callable[[str | None], Any]) -> list[Any]:
    """All pages of a search."""
    found: list[Any] = []
    token: str | None = None
    while True:
        page = ask(token)
        found += page
        token = page.token
        if not token:
            return found


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.stdout.write(json.dumps(read(sys.argv[2])))
