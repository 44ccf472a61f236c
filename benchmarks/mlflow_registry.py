"""Fills an MLflow server's database with models, and reads it as its own client does.

Run by an environment that has MLflow: ``python mlflow_registry.py fill DATABASE FOLDER MODELS`` or
``python mlflow_registry.py read URL``, which answers how long that took.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def fill(database: str, folder: Path, models: int) -> None:
    """Write models with five versions each: runs, parameters, metrics, data, tags, an alias."""
    tracking = Tracking(database, "mlflow-artifacts:/")
    registry = Registry(database)
    experiments = [tracking.create_experiment(f"experiment {n}") for n in range(20)]
    for n in range(models):
        name = f"model-{n:04}"
        registry.create_registered_model(name, description=f"What {name} is for.")
        for number in range(1, VERSIONS + 1):
            run = tracking.create_run(experiments[n % 20], "anna", 1_700_000_000_000, [], "train")
            run_id = run.info.run_id
            metrics = [Metric(m, number / 10, 1_700_000_000_000, 0) for m in ("auc", "f1", "loss")]
            params = [Param(p, str(number)) for p in ("depth", "trees", "rate", "seed", "folds")]
            made_by = RunTag("estimator_class", "sklearn.ensemble._forest.RandomForestClassifier")
            tracking.log_batch(run_id, metrics, params, [made_by])
            place = json.dumps({"uri": f"s3://lake/customers_{n % 50}.parquet"})
            data = Dataset("train", f"digest{n % 50}", "s3", place, SCHEMA)
            context = InputTag("mlflow.data.context", "training")
            tracking.log_inputs(run_id, [DatasetInput(data, [context])])
            tracking.update_run_info(run_id, RunStatus.FINISHED, 1_700_000_100_000, "train")
            source = f"{run.info.artifact_uri}/model"
            files = folder / source.removeprefix("mlflow-artifacts:/")
            files.mkdir(parents=True)
            (files / "MLmodel").write_text(MLMODEL % run_id)
            tags = [ModelVersionTag("validated", "yes")]
            registry.create_model_version(name, source, run_id, tags)
        registry.set_registered_model_alias(name, "champion", "4")


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
        fill(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.stdout.write(json.dumps(read(sys.argv[2])))
