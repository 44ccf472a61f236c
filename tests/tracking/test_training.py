"""What a run reads is tied to it, and to the version that it makes, down to the columns."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from headwater import (
    Client,
    Headwater,
    Model,
    ModelVersion,
    pipeline,
    read_sql,
    register_model_step,
    step,
)
from headwater.connectors.sql import ingest

QUERY = "SELECT age, income / 12 AS monthly, leaves FROM customers"


@pytest.fixture
def database(hw: Headwater, tmp_path: Path) -> Path:
    """A database that the catalog has as ``shop``."""
    file = tmp_path / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE customers (age INTEGER, income REAL, leaves INTEGER)")
        rows = [(31, 30.5, 0), (58, 41.0, 1), (44, 52.5, 1), (25, 28.0, 0)]
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?)", rows)
        connection.commit()
    ingest(hw, f"sqlite:///{file}", service="shop")
    return file


@step(enable_cache=True)  # though it reads a database
def load(file: str) -> Annotated[pd.DataFrame, "customers"]:
    with closing(sqlite3.connect(file)) as connection:
        return read_sql(QUERY, connection)


@step
def train(rows: pd.DataFrame) -> Annotated[Any, "model"]:
    return LogisticRegression().fit(rows[["age", "monthly"]], rows["leaves"])


@step
def count(rows: pd.DataFrame) -> Annotated[dict[str, int], "counted"]:
    return {"rows": len(rows)}


def columns_of(version: ModelVersion) -> dict[str, str]:
    """The column that each feature of a version is made from."""
    return {
        each.feature: f"{each.data_source.fully_qualified_name}.{each.name}"
        for each in version.frozen_sources or ()
        if each.data_source is not None and each.column_id
    }


def test_an_estimator_s_features_are_tied_to_columns(hw: Headwater, database: Path) -> None:
    @pipeline(model=Model("churn"), enable_cache=True)
    def training(file: str) -> None:
        train(load(file))

    training(str(database))
    (table,) = hw.list("table")
    tied = {"age": f"{table.fully_qualified_name}.age"}
    tied["monthly"] = f"{table.fully_qualified_name}.income"
    first = Model("churn", 1).entity
    assert (first.algorithm, columns_of(first)) == ("LogisticRegression", tied)
    run = Client().get_pipeline_run("training")
    assert [each.id for each in run.inputs or ()] == [table.id]
    assert run.to_wire()["steps"][0]["inputs"][0]["id"] == table.id

    training(str(database))
    run = Client().get_pipeline_run("training")
    assert [each["cached"] for each in run.to_wire()["steps"]] == [True, True]
    assert columns_of(Model("churn", 2).entity) == tied
    assert table.id in {each.id for each in run.inputs or ()}


def test_a_cached_estimator_is_tied_to_the_columns_of_an_artifact(
    hw: Headwater, database: Path
) -> None:
    @pipeline
    def loading(file: str) -> None:
        load(file)

    @pipeline(model=Model("churn"), enable_cache=True)
    def training() -> None:
        train(Client().get_artifact_version("customers"))

    loading(str(database))
    training()
    training()
    (taken,) = Client().get_pipeline_run("training").to_wire()["steps"]
    assert taken["cached"]
    tied = columns_of(Model("churn", 2).entity)
    assert tied
    assert tied == columns_of(Model("churn", 1).entity)


def test_a_model_that_tells_nothing_is_tied_to_what_was_read(hw: Headwater, database: Path) -> None:
    @pipeline(model=Model("rule"))
    def training(file: str) -> None:
        count(load(file))

    training(str(database))
    found = columns_of(Model("rule", 1).entity)
    assert {name: fqn.rpartition(".")[2] for name, fqn in found.items()} == {
        "age": "age", "monthly": "income", "leaves": "leaves",
    }  # fmt: skip
    impact = hw.impact(f"{found['monthly']}")
    assert [each.fully_qualified_name for each in impact.models] == ["headwater.rule.1"]


def test_rows_that_another_run_read_are_known_by_their_artifact(
    hw: Headwater, database: Path
) -> None:
    @pipeline
    def reading(file: str) -> None:
        load(file)

    @pipeline(model=Model("churn"))
    def training() -> None:
        train(Client().get_artifact_version("customers"))

    reading(str(database))
    training()
    found = columns_of(Model("churn", 1).entity)
    assert {name: fqn.rpartition(".")[2] for name, fqn in found.items()} == {
        "age": "age", "monthly": "income",
    }  # fmt: skip


def test_a_run_on_a_version_that_is_there_ties_the_run_alone(hw: Headwater, database: Path) -> None:
    Model("rule", version="old").resolve()

    @pipeline(model=Model("rule", version="old"))
    def using(file: str) -> None:
        count(load(file))

    using(str(database))
    assert Model("rule", version="old").entity.frozen_sources is None
    kinds = [each.type for each in Client().get_pipeline_run("using").inputs or ()]
    assert sorted(map(str, kinds)) == ["modelVersion", "table"]


def test_a_table_that_vanished_meanwhile_fails_no_training(hw: Headwater, database: Path) -> None:
    @pipeline(model=Model("rule"))
    def training(file: str) -> None:
        count(load(file))
        (table,) = hw.list("table")
        hw.delete(table)

    with pytest.warns(UserWarning, match="is not tied to its data"):
        training(str(database))
    assert Model("rule", 1).status == "ready"


def algorithm_of(version: ModelVersion) -> tuple[str | None, dict[str, Any]]:
    parameters = {each.name: each.value for each in version.ml_hyper_parameters or ()}
    return version.algorithm, parameters


@step
def train_on_arrays(rows: Any, target: Any) -> Annotated[Any, "model"]:
    return LogisticRegression(C=0.5).fit(rows, target)


@pytest.mark.parametrize("made", [np.asarray, list])
def test_an_estimator_of_arrays_tells_its_class_and_parameters(hw: Headwater, made: Any) -> None:
    @pipeline(model=Model("churn"))
    def training() -> None:
        model = train_on_arrays(made([[1.0, 2.0], [3.0, 4.0]]), made([0, 1]))
        register_model_step(model, name="registered")

    training()
    for name in ("churn", "registered"):
        version = Model(name, 1).entity
        algorithm, parameters = algorithm_of(version)
        assert (algorithm, parameters["C"]) == ("LogisticRegression", 0.5)
        assert [each.name for each in version.ml_features or ()] == ["x0", "x1"]
        assert not any(each.feature_sources for each in version.ml_features or ())


def test_an_estimator_of_an_array_is_tied_to_what_was_read(hw: Headwater, database: Path) -> None:
    @step
    def train_unnamed(rows: pd.DataFrame) -> Annotated[Any, "model"]:
        return LogisticRegression().fit(rows[["monthly", "age", "age"]].to_numpy(), rows["leaves"])

    @pipeline(model=Model("churn"))
    def training(file: str) -> None:
        train_unnamed(load(file))

    training(str(database))
    version = Model("churn", 1).entity
    assert version.algorithm == "LogisticRegression"
    assert {name: fqn.rpartition(".")[2] for name, fqn in columns_of(version).items()} == {
        "age": "age", "monthly": "income", "leaves": "leaves",
    }  # fmt: skip


def test_what_predicts_is_what_was_trained_and_no_scaler_after_it(hw: Headwater) -> None:
    @step
    def train_both() -> tuple[Annotated[Any, "model"], Annotated[Any, "scaler"]]:
        rows = np.asarray([[1.0, 2.0], [3.0, 4.0]])
        scaler = StandardScaler().fit(rows)
        return make_pipeline(SVC(), memory=None).fit(scaler.transform(rows), [0, 1]), scaler

    @pipeline(model=Model("churn"))
    def training() -> None:
        train_both()

    training()
    assert algorithm_of(Model("churn", 1).entity)[0] == "SVC"


def test_an_estimator_without_count_of_columns_tells_its_class(hw: Headwater) -> None:
    @step
    def train_text() -> Annotated[Any, "model"]:
        return make_pipeline(TfidfVectorizer(), SVC(C=2.0)).fit(["good day", "bad day"], [0, 1])

    @pipeline(model=Model("text"))
    def training() -> None:
        train_text()

    training()
    algorithm, parameters = algorithm_of(Model("text", 1).entity)
    assert (algorithm, parameters["C"]) == ("SVC", 2.0)


def test_parameters_of_versions_are_compared_with_defaults_too(hw: Headwater) -> None:
    @step
    def fit(estimator: Any) -> Annotated[Any, "model"]:
        return estimator.fit(pd.DataFrame({"age": [31, 58]}), [0, 1])

    @pipeline(model=Model("churn"))
    def training(estimator: Any) -> None:
        fit(estimator)

    training(LogisticRegression(C=0.5))
    training(LogisticRegression(max_iter=200))
    found = hw.compare("headwater.churn", [1, 2])
    rows = {each.name: each.values for each in found.differences if each.section == "parameter"}
    assert rows == {"C": [0.5, 1.0], "max_iter": [100, 200]}
