"""Trains the demo's model of prices and logs it to MLflow; run by the environment that has MLflow.

Usage: ``python price_model.py TRACKING_URI FOLDER``, where the folder has ``order_line.csv``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

MODEL = "order-price"
NUMBERS = ["alcohol", "ordered_in", "bottles"]
WORDS = ["cultivar", "city"]


def log(name: str, estimator: Any, lines: pd.DataFrame, file: Path) -> None:
    """Train a version and log it: with the file it learned from, parameters, scores, signature."""
    features = ["shopper", *NUMBERS, *WORDS]
    known, unseen = train_test_split(lines, test_size=0.3, random_state=0)
    prepared = make_column_transformer(
        (TargetEncoder(random_state=0), ["shopper"]),
        (StandardScaler(), NUMBERS),
        (OneHotEncoder(), WORDS),
    )
    model = make_pipeline(prepared, estimator)
    with mlflow.start_run(run_name=name):
        data = mlflow.data.from_pandas(lines, source=str(file), name=file.stem, targets="price")
        mlflow.log_input(data, context="training")
        mlflow.log_params(estimator.get_params())
        model.fit(known[features], known["price"])
        told = model.predict(unseen[features])
        mlflow.log_metric("mean_absolute_error", mean_absolute_error(unseen["price"], told))
        mlflow.log_metric("r2", r2_score(unseen["price"], told))
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(known[features], told),
            pip_requirements=[],
            registered_model_name=MODEL,
            serialization_format="cloudpickle",
        )


def main() -> None:
    """Log two versions, of which the first is in use."""
    uri, folder = sys.argv[1], Path(sys.argv[2])
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("prices")
    file = folder / "order_line.csv"
    lines = pd.read_csv(file)
    log("ridge", Ridge(), lines, file)
    log("forest", RandomForestRegressor(n_estimators=50, max_depth=8, random_state=0), lines, file)
    client = MlflowClient()
    client.update_registered_model(MODEL, description="What a bottle is sold for.")
    client.set_registered_model_tag(MODEL, "team", "pricing")
    client.set_registered_model_alias(MODEL, "champion", "1")
    client.set_registered_model_alias(MODEL, "challenger", "2")


main()
