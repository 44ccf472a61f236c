"""A catalog on Neo4j is tracked in as one on SQLite is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest

from headwater import Client, Model, connect, get_pipeline_context, log_metadata, pipeline, step
from headwater.tracking import disconnect

pytestmark = pytest.mark.neo4j


@step
def train(rate: float) -> Annotated[dict[str, float], "weights"]:
    log_metadata({"accuracy": 0.5 + rate}, infer_model=True)
    return {"rate": rate}


@step
def use(weights: dict[str, float]) -> Annotated[float, "used"]:
    return weights["rate"]


@pipeline(model=Model("engine", tags=["two"]), enable_cache=True)
def training(rate: float) -> None:
    train(rate)


@pipeline(model=Model("engine", version="production"))
def inference() -> float:
    return use(get_pipeline_context().model.get_artifact("weights"))


def test_train_promote_use(neo4j_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    connect(store=neo4j_url)
    try:
        for rate in (0.1, 0.2, 0.2):
            training(rate)
        versions = list(Client().list_model_versions("engine"))
        best = max(versions, key=lambda each: float(each.run_metadata["accuracy"].value)
                   if each.run_metadata else 0.0)  # fmt: skip
        best.set_stage("production")
        assert (best.number, inference()) == (2, 0.2)
        runs = [each.pipeline.name for each in Client().list_version_runs(best)]
        assert runs == ["inference", "training"]
        steps = Client().get_pipeline_run("training").to_wire()["steps"]
        assert [each["cached"] for each in steps] == [True]
        assert {each.name for each in best.list_artifacts()} == {"weights", "used"}
    finally:
        disconnect()
