"""The demo's models that scikit-learn trains, registered version by version as they are fitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from examples.demo.warehouse import read
from headwater import Headwater, ModelVersion

VIEWS = "cellar.warehouse.features"


def train_cultivar(hw: Headwater, warehouse: Path) -> None:
    """Tell a bottle's grape from its chemistry: a forest, then a regression that replaces it."""
    wine = read(warehouse, "wine")
    numbers = ["alcohol", "proline", "acid_to_ash", "flavanoid_share", "redness"]
    found = {}
    for name, estimator in (
        ("forest", RandomForestClassifier(n_estimators=100, max_depth=6, random_state=0)),
        ("regression", LogisticRegression(C=0.5, max_iter=1000)),
    ):
        model = _pipeline(numbers, ["magnesium_class"], estimator)
        found[name] = register(hw, "wine-cultivar", name, model, wine, "wine", "cultivar")
    hw.set_stage(found["forest"], "production", reason="the first one")
    hw.set_stage(found["regression"], "production", reason="as good, and says why", force=True)
    hw.set_alias(found["regression"], "champion")


def train_churn(hw: Headwater, warehouse: Path) -> None:
    """Tell who leaves: with what customers are like, then only with what they bought."""
    customers = read(warehouse, "customer")
    bought = ["orders", "spent", "days_quiet"]
    forest = RandomForestClassifier(n_estimators=100, max_depth=5, random_state=0)
    personal = _pipeline([*bought, "age"], ["mail_domain", "city"], forest)
    spring = register(hw, "churn", "spring", personal, customers, "customer", "has_left")
    hw.set_stage(spring, "production", reason="first release")
    hw.set_alias(spring, "champion")
    plain = _pipeline(bought, ["city"], LogisticRegression(max_iter=1000))
    summer = register(hw, "churn", "summer", plain, customers, "customer", "has_left")
    hw.set_stage(summer, "staging", reason="without personal data")
    hw.set_alias(summer, "challenger")


def register(
    hw: Headwater, model: str, name: str, pipeline: Any, frame: pd.DataFrame, view: str, target: str
) -> ModelVersion:
    """Fit a pipeline on a view, register it as a version, and record how good it is."""
    known, unseen = train_test_split(frame, test_size=0.3, random_state=0, stratify=frame[target])
    columns = [column for _, _, some in pipeline[0].transformers for column in some]
    pipeline.fit(known[columns], known[target])
    version = hw.sklearn_model(
        model,
        pipeline,
        known[columns],
        sources=f"{VIEWS}.{view}",
        version=name,
        target=target,
    )
    told, true = pipeline.predict(unseen[columns]), unseen[target]
    scores = {
        "accuracy": accuracy_score(true, told),
        "f1": f1_score(true, told, average="weighted"),
    }
    records = [{"key": key, "data": {"value": round(float(v), 4)}} for key, v in scores.items()]
    hw.add_records(version, "metric", records)
    print(
        f"  {version.fully_qualified_name}: {version.algorithm},"
        f" {scores['accuracy']:.1%} of {len(unseen)} unseen rows told right"
    )
    return version


def _pipeline(numbers: list[str], words: list[str], estimator: Any) -> Any:
    prepared = make_column_transformer(
        (StandardScaler(), numbers),
        (OneHotEncoder(handle_unknown="ignore"), words),
        verbose_feature_names_out=False,
    )
    return make_pipeline(prepared, estimator)
