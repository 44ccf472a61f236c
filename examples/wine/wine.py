"""Train, register, compare, promote and predict: from raw tables to the version in production.

``python -m examples.wine.wine [FOLDER]`` runs it; it writes into ``.wine``, or the folder.
"""

from __future__ import annotations

import argparse
import os
from contextlib import chdir
from pathlib import Path
from typing import Annotated, Any

import duckdb
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headwater import (
    Client,
    Headwater,
    Model,
    ModelStages,
    connect,
    get_pipeline_context,
    log_metadata,
    pipeline,
    read_sql,
    step,
)
from headwater.connectors.sql import ingest

DATABASE = "cellar.duckdb"
RAW = "cellar.cellar.main.measurements"
VIEW = """
CREATE VIEW samples AS
SELECT m.*, m.od280_od315_of_diluted_wines AS dilution, l.cultivar
FROM measurements m JOIN labels l USING (id)
"""
FEATURES = ["alcohol", "flavanoids", "proline", "dilution"]
Split = tuple[
    Annotated[pd.DataFrame, "wine_train"],
    Annotated[pd.DataFrame, "wine_test"],
]


@step
def load() -> Split:
    """Read what is learnt from; the SQL says which raw columns that is."""
    with duckdb.connect(DATABASE, read_only=True) as connection:
        frame = read_sql(f"SELECT {', '.join(FEATURES)}, cultivar FROM samples", connection)  # noqa: S608  (constants)
    train, test = train_test_split(frame, test_size=0.3, random_state=7, stratify=frame["cultivar"])
    return train, test


@step
def train(rows: pd.DataFrame, strength: float, features: list[str]) -> Annotated[Any, "wine_model"]:
    """Fit a classifier."""
    scaled = ColumnTransformer(
        [("scaled", StandardScaler(), features)], verbose_feature_names_out=False
    )
    model = make_pipeline(scaled, LogisticRegression(C=strength))
    return model.fit(rows[features], rows["cultivar"])


@step
def evaluate(model: Any, rows: pd.DataFrame, features: list[str]) -> Annotated[float, "accuracy"]:
    """Score it on what it has not seen."""
    accuracy = float(model.score(rows[features], rows["cultivar"]))
    log_metadata({"accuracy": round(accuracy, 3), "rows": len(rows)}, infer_model=True)
    return accuracy


@pipeline(model=Model("wine", license="CC BY 4.0", description="Which cultivar a wine is of."))
def training(strength: float, features: list[str]) -> float:
    """Make a version of the model."""
    rows, unseen = load()
    model = train(rows, strength, features)
    return evaluate(model, unseen, features)


@step
def predict(model: Any, rows: pd.DataFrame) -> Annotated[pd.Series, "predictions"]:
    """Say which cultivars they are."""
    return pd.Series(model.predict(rows), name="cultivar")


@pipeline(model=Model("wine", version=ModelStages.PRODUCTION))
def inference(rows: pd.DataFrame) -> pd.Series:
    """Use the version that is in production."""
    model = get_pipeline_context().model
    return predict(model.get_model_artifact("wine_model"), rows)


def fill() -> None:
    """Put scikit-learn's wines into raw tables, as a laboratory would, and a view over them."""
    wines = load_wine(as_frame=True)
    measured = wines.data.rename(columns=lambda name: name.replace("/", "_"))
    measured.insert(0, "id", range(len(measured)))
    labels = pd.DataFrame({"id": measured["id"], "cultivar": wines.target})
    with duckdb.connect(DATABASE) as connection:
        for name, frame in (("measurements", measured), ("labels", labels)):
            connection.register("frame", frame)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")  # noqa: S608  (constants)
        connection.execute(VIEW)


def run(hw: Headwater) -> None:
    """Tell the story."""
    print(ingest(hw, f"duckdb:///{DATABASE}", service="cellar"))
    print("\nTwo versions:")
    for strength, features in ((0.01, FEATURES[:2]), (1.0, FEATURES)):
        print(f"  C={strength}: accuracy {training(strength, features):.3f}")

    print("\nSide by side:")
    print(hw.compare("headwater.wine", [1, 2]))

    best = max(Client().list_model_versions("wine"), key=accuracy_of)
    best.set_stage(ModelStages.PRODUCTION, force=True, reason="more accurate")
    print(f"\nIn production: version {best.number}")

    sample = pd.DataFrame([[13.2, 2.8, 1050.0, 3.1], [12.4, 0.7, 600.0, 1.6]], columns=FEATURES)
    print(f"Predictions: {inference(sample).tolist()}")

    print(f"\nWhat {RAW}.alcohol reaches:")
    print(hw.impact(f"{RAW}.alcohol"))


def accuracy_of(version: Model) -> float:
    """What was logged as a version's accuracy."""
    return float(version.run_metadata["accuracy"].value)


def main() -> None:
    """Run it in a folder that is empty, or not there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(".wine"), help="%(default)s")
    folder: Path = parser.parse_args().folder
    folder.mkdir(exist_ok=True)
    os.environ.pop("HEADWATER_ARTIFACTS", None)
    with chdir(folder):
        fill()
        run(connect(store="catalog.db"))


if __name__ == "__main__":
    main()
