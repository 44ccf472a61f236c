"""Logs models to an MLflow server, as people do; run by the environment that has MLflow.

Usage: ``python mlflow_models.py TRACKING_URI FOLDER``. Answers JSON: the ids of runs by model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from lightgbm import LGBMClassifier
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NEWER = int(mlflow.__version__.split(".")[0]) >= 3
FRAME = pd.DataFrame(
    {
        "age": [31, 45, 22, 60] * 10,
        "income": [1.5, 2.5, 0.5, 4.0] * 10,
        "churned": [True, False, True, False] * 10,
    }
)
FEATURES = ["age", "income"]


def log_model(flavor: Any, model: Any, **more: Any) -> Any:
    """Log a model under the name that both generations of MLflow have for it."""
    where = {"name": "model"} if NEWER else {"artifact_path": "model"}
    return flavor.log_model(model, **where, pip_requirements=[], **more)


def pipeline_with_data(folder: Path) -> str:
    """A pipeline with a signature, trained on a file that is named after a table."""
    x, y = FRAME[FEATURES], FRAME["churned"]
    file = folder / "customers.csv"
    FRAME.to_csv(file, index=False)
    with mlflow.start_run(run_name="pipeline") as run:
        data = mlflow.data.from_pandas(FRAME, source=str(file), name="training", targets="churned")
        mlflow.log_input(data, context="training")
        mlflow.log_params({"C": 0.5, "penalty": "l2"})
        mlflow.log_metric("auc", 0.5, step=0)
        mlflow.log_metric("auc", 0.93, step=1)
        mlflow.log_metric("broken", float("nan"))
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(x, y)
        signature = infer_signature(x, model.predict(x), params={"threshold": 0.5})
        log_model(mlflow.sklearn, model, signature=signature, registered_model_name="churn")
    return str(run.info.run_id)


def autologged() -> str:
    """A forest that MLflow logs by itself."""
    mlflow.sklearn.autolog(registered_model_name="churn", log_datasets=False)
    with mlflow.start_run(run_name="autologged") as run:
        RandomForestClassifier(n_estimators=3).fit(FRAME[FEATURES], FRAME["churned"])
    mlflow.sklearn.autolog(disable=True)
    return str(run.info.run_id)


def boosted() -> str:
    """A model of another library, without signature or data."""
    with mlflow.start_run(run_name="boosted") as run:
        model = LGBMClassifier(n_estimators=2, verbose=-1).fit(FRAME[FEATURES], FRAME["churned"])
        log_model(mlflow.lightgbm, model, registered_model_name="a.dotted name")
    return str(run.info.run_id)


def pickled(folder: Path) -> None:
    """A model whose file runs code when it is loaded, and one of a format of its own."""
    with mlflow.start_run(run_name="pickled"):
        model = LogisticRegression().fit(FRAME[FEATURES], FRAME["churned"])
        formats = ["pickle", "cloudpickle", *(["skops"] if NEWER else [])]
        for each in formats:
            log_model(mlflow.sklearn, model, serialization_format=each, registered_model_name=each)


def main() -> None:
    """Log them all."""
    uri, folder = sys.argv[1], Path(sys.argv[2])
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("churn experiment")
    runs = {"pipeline": pipeline_with_data(folder), "forest": autologged(), "boosted": boosted()}
    pickled(folder)
    client = MlflowClient()
    client.update_registered_model("churn", description="Who leaves.")
    client.set_registered_model_tag("churn", "team", "growth")
    client.update_model_version("churn", "1", description="The first.")
    client.set_model_version_tag("churn", "1", "validated", "yes")
    client.set_registered_model_alias("churn", "champion", "1")
    client.set_registered_model_alias("churn", "challenger", "2")
    if not NEWER:
        client.transition_model_version_stage("a.dotted name", "1", "Production")
    client.create_registered_model("empty")
    sys.stdout.write(json.dumps(runs))


main()
