"""Databricks' model registry: what is asked of it, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from headwater import Headwater, MlModel, ModelVersion, SourceError
from headwater.connectors.mlflow import Config, ingest
from headwater.connectors.mlflow_migrate import migrate
from headwater.connectors.report import Report

from .databricks import API, Workspace, workspace

TOKEN = "dapi-right"  # noqa: S105 - of the test's own server


def version(model: str, number: int, **fields: Any) -> dict[str, Any]:
    """A version as the workspace's registry answers it: numbers of versions are text."""
    return {
        "name": model,
        "version": str(number),
        "creation_timestamp": 1_700_000_000_000 + number,
        "last_updated_timestamp": 1_700_000_000_000 + number,
        "current_stage": "None",
        "status": "READY",
        "source": f"dbfs:/databricks/mlflow-tracking/7/r{number}/artifacts/model",
        "run_id": f"r{number}",
        **fields,
    }


def run(number: int) -> dict[str, Any]:
    info = {
        "run_id": f"r{number}",
        "experiment_id": "7",
        "status": "FINISHED",
        "start_time": 1_700_000_000_000,
        "end_time": 1_700_000_001_000,
    }
    data = {
        "metrics": [{"key": "auc", "value": 0.9, "timestamp": 1_700_000_000_500, "step": 0}],
        "params": [{"key": "max_depth", "value": "4"}],
        "tags": [
            {"key": "estimator_class", "value": "sklearn.ensemble._forest.RandomForestClassifier"}
        ],
    }
    return {"info": info, "data": data}


@pytest.fixture
def databricks() -> Iterator[Workspace]:
    with workspace(
        token=TOKEN,
        models=[{"name": name} for name in ("churn", "lifetime value", "it's")],
        versions=[
            version("churn", 1, current_stage="Archived"),
            version("churn", 2, current_stage="Production"),
            version("churn", 3),
            version("lifetime value", 1, run_id="gone"),
            version("it's", 1),
        ],
        runs={f"r{number}": run(number) for number in (1, 2, 3)},
    ) as found:
        yield found


def read(hw: Headwater, at: str, token: str = TOKEN) -> Report:
    return ingest(hw, "databricks", databricks_host=at, tracking_token=token, service="databricks")


def test_models_versions_and_runs_of_databricks(hw: Headwater, databricks: Workspace) -> None:
    report = read(hw, databricks.url)
    assert (report.failed, report.unresolved) == ([], [])
    assert "no signatures" in report.notes[0]
    assert {model.name for model in hw.list(MlModel)} == {"churn", "lifetime value", "it's"}
    assert len(list(hw.list(ModelVersion))) == 5
    churn = hw.get(MlModel, "databricks.churn")
    assert churn.algorithm == "RandomForestClassifier"
    live = hw.get(ModelVersion, "databricks.churn.2")
    assert (live.stage, live.trained_at) == ("production", 1_700_000_001_000)
    assert [(each.name, each.value) for each in live.ml_hyper_parameters or []] == [
        ("max_depth", "4")
    ]
    (metric,) = hw.records(live, "metric")
    assert (metric["key"], metric["data"]["value"]) == ("auc", 0.9)
    assert {path.removeprefix(API) for path in databricks.asked} == {
        *("registered-models/search", "model-versions/search"),
        *("experiments/search", "runs/get"),
    }
    again = read(hw, databricks.url)
    assert (again.created, again.changed, again.unresolved) == (0, 0, [])


def test_the_address_of_a_page_of_the_workspace_will_do(
    hw: Headwater, databricks: Workspace
) -> None:
    assert read(hw, f"{databricks.url}/?o=7364#mlflow/models").found == 3


def test_databricks_registry_can_be_moved(hw: Headwater, databricks: Workspace) -> None:
    config = Config(
        type="mlflow",
        tracking_uri="databricks",
        databricks_host=databricks.url,
        tracking_token=TOKEN,
    )
    for _ in range(2):
        report = migrate(hw, config, service="headwater")
        assert report.succeeded, report
        assert len(list(hw.list(ModelVersion))) == 5
    assert (report.created, report.changed, report.records) == (0, 0, 0)
    assert hw.get(ModelVersion, "headwater.churn.2").stage == "production"


def test_a_token_that_databricks_refuses_is_told_with_its_reason(
    hw: Headwater, databricks: Workspace
) -> None:
    with pytest.raises(
        SourceError, match=r"refuses the sign-in \(403, Invalid access token"
    ) as told:
        read(hw, databricks.url, "dapi-wrong")
    assert "dapi" not in told.value.message
    assert list(hw.list(MlModel)) == []
