"""Headwater on real data: raw tables, feature views, a trained model, and its lineage.

``make demo`` runs it. It works in ``.demo/`` of the checkout, which it empties first. With SERVE=0
in the environment it ends where it would start the server.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headwater import (
    Column,
    CreateMlModel,
    EntityReference,
    FeatureSource,
    FeatureSourceDataType,
    FeatureType,
    Headwater,
    InvalidInputError,
    MlFeature,
    MlHyperParameter,
    Table,
)
from headwater.app import serve
from headwater.connectors.sql import ingest
from headwater.settings import Settings

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / ".demo"
WAREHOUSE = FOLDER / "warehouse.duckdb"
CATALOG = FOLDER / "catalog.db"

# Which measurement of the wine data goes into which raw table, in the order of its columns.
RAW_TABLES = {
    "chemistry": ("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "proline"),
    "phenols": ("total_phenols", "flavanoids", "nonflavanoid_phenols", "proanthocyanins"),
    "colour": ("color_intensity", "hue", "od280/od315_of_diluted_wines"),
}


def main() -> None:
    """Tell the story, step by step."""
    print("Headwater demo: where does a model's data come from?")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()

    heading("1", "A warehouse: raw tables and feature views in a DuckDB file")
    fill_warehouse()

    with Headwater.open(CATALOG) as hw:
        heading("2", "The SQL connector reads it, and the views' SQL says what feeds what")
        read_warehouse(hw)

        heading("3", "A model is trained on the view features.wine, and registered")
        view = hw.get(Table, "cellar.warehouse.features.wine")
        forest = RandomForestClassifier(n_estimators=200, max_depth=6, random_state=0)
        model = hw.create_or_update(request_for(view, forest, train(forest)))
        print(f"registered {model.fully_qualified_name}, version {model.version}")

        heading("4", "Its lineage: raw table → view → feature → model")
        print(hw.lineage(model, upstream=4, downstream=0, level="feature").tree())
        print("\nColumn by column:\n")
        print(hw.lineage(model, upstream=4, downstream=0, level="column").tree())

        heading("5", "What breaks when a raw column changes?")
        print(hw.impact("cellar.warehouse.raw.chemistry.malic_acid").tree())

        heading("6", "Another algorithm is a new major version")
        regression = LogisticRegression(C=0.5, max_iter=1000)
        later = hw.create_or_update(request_for(view, regression, train(regression)))
        print(f"registered {later.fully_qualified_name}, version {later.version}\n")
        print(hw.diff(later, model.version, later.version))

    if os.environ.get("SERVE", "1") != "0":
        heading("7", "The same catalog, served")
        serve_catalog(later.fully_qualified_name)


def fill_warehouse() -> None:
    """Make the DuckDB file: tables and views by ``warehouse.sql``, rows from scikit-learn."""
    wine = load_wine()
    measured: dict[str, Any] = dict(zip(wine.feature_names, wine.data.T, strict=True))
    ids = range(1, len(wine.target) + 1)
    with duckdb.connect(str(WAREHOUSE)) as warehouse:
        warehouse.execute((HERE / "warehouse.sql").read_text(encoding="utf-8"))
        rows = {"samples": zip(ids, wine.target_names[wine.target].tolist(), strict=True)}
        for table, names in RAW_TABLES.items():
            rows[table] = zip(ids, *(measured[name].tolist() for name in names), strict=True)
        for table, values in rows.items():
            # One statement a table: inserting row by row would take most of the demo's time.
            listed = ", ".join(f"({', '.join(map(repr, row))})" for row in values)
            warehouse.execute(f"INSERT INTO raw.{table} VALUES {listed}")  # noqa: S608  # our own numbers
        for table in rows:
            print(f"  raw.{table:<12} {len(ids)} rows")
    print("  features.phenol_share, features.wine: views over them (examples/demo/warehouse.sql)")


def read_warehouse(hw: Headwater) -> None:
    """Run the connector twice: the second time there is nothing to write."""
    url = f"duckdb:///{WAREHOUSE}"
    print(ingest(hw, url, service="cellar"))
    again = ingest(hw, url, service="cellar")
    print(f"a second run: {again.created} created, {again.changed} changed")


def train(estimator: Any) -> float:
    """Train on the feature view, as the warehouse answers it; return the accuracy, 0 to 1."""
    with duckdb.connect(str(WAREHOUSE), read_only=True) as warehouse:
        columns = warehouse.execute(
            "SELECT * EXCLUDE (sample_id, magnesium_class),"
            " (magnesium_class = 'rich')::INTEGER AS magnesium_rich"
            " FROM features.wine ORDER BY sample_id"
        ).fetchnumpy()
    cultivar = columns.pop("cultivar")
    rows = list(zip(*columns.values(), strict=True))
    known, unseen, known_cultivar, unseen_cultivar = train_test_split(
        rows, cultivar, test_size=0.3, random_state=0, stratify=cultivar
    )
    pipeline = make_pipeline(StandardScaler(), estimator).fit(known, known_cultivar)
    accuracy = float(pipeline.score(unseen, unseen_cultivar))
    name = type(estimator).__name__
    print(f"{name}: {accuracy:.1%} of {len(unseen)} unseen bottles told right")
    return accuracy


def request_for(view: Table, estimator: Any, accuracy: float) -> CreateMlModel:
    """Describe a trained model as Headwater keeps it."""
    usual = type(estimator)().get_params()
    chosen = {k: v for k, v in sorted(estimator.get_params().items()) if v != usual[k]}
    return CreateMlModel(
        name="wine-cultivar",
        algorithm=type(estimator).__name__,
        description=f"Tells a bottle's cultivar from its chemistry ({accuracy:.1%} accurate).",
        target="cultivar",
        ml_features=[
            feature_from(column, view)
            for column in view.columns or []
            if column.name not in ("sample_id", "cultivar")
        ],
        ml_hyper_parameters=[MlHyperParameter(name=k, value=v) for k, v in chosen.items()],
    )


def feature_from(column: Column, view: Table) -> MlFeature:
    """Describe a feature and its source: a column of the view. What that comes from is known."""
    text = column.data_type == "VARCHAR"
    source = FeatureSource(
        name=column.name,
        data_type=FeatureSourceDataType.string if text else FeatureSourceDataType.number,
        data_source=EntityReference(id=view.id, type="table"),
    )
    kind = FeatureType.categorical if text else FeatureType.numerical
    return MlFeature(name=column.name, data_type=kind, feature_sources=[source])


def serve_catalog(model: str) -> None:
    """Serve in the foreground until Ctrl-C; on a free port where the usual one is taken."""
    installed = Path(sys.executable).with_name("headwater")
    here = installed.is_relative_to(Path.cwd())
    command = installed.relative_to(Path.cwd()) if here else "headwater"

    def announce(line: str) -> None:
        address = line.split()[-1]
        print(line)
        print(f"  its REST API:               {address}/docs")
        print(f"  from another terminal:      {command} lineage {model} --url {address}")
        print("Ctrl-C stops it.", flush=True)

    settings = Settings.from_env(store=f"sqlite:///{CATALOG}")
    try:
        serve(settings, announce=announce)
    except InvalidInputError as error:
        print(f"{error.message}\nHere, a free port is taken instead.")
        serve(replace(settings, host="127.0.0.1", port=0), announce=announce)


def heading(number: str, text: str) -> None:
    """Print the title of a step."""
    print(f"\n{number}. {text}\n{'─' * (len(text) + 3)}")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # Ctrl-C is how the server is meant to end
        main()
    print("\nThe end. .demo/ keeps the warehouse and the catalog.")
