"""What is read is tied to the catalog's columns: through SQL, frames and estimators, unguessed."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import sqlalchemy
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from headwater import ConflictError, Headwater, InvalidInputError, NotFoundError
from headwater.connectors.sql import ingest
from headwater.tracking import ArtifactStore
from headwater.tracking.capture import Read, read_of, read_sql, read_table, recording
from headwater.tracking.feature import features_of

CUSTOMERS = "warehouse.cellar.main.customers"
ORDERS = "warehouse.cellar.main.orders"
SCRIPT = """
CREATE TABLE customers
  (id INTEGER, age INTEGER, income DOUBLE, "home city" VARCHAR, leaves BOOLEAN);
INSERT INTO customers VALUES (1, 31, 30.5, 'Lima', false), (2, 58, 41.0, 'Oslo', true),
  (3, 44, 52.5, 'Oslo', true), (4, 25, 28.0, 'Lima', false);
CREATE TABLE orders (customer INTEGER, total DOUBLE);
INSERT INTO orders VALUES (1, 10), (1, 20), (2, 5), (3, 7), (4, 9);
CREATE SCHEMA old;
CREATE TABLE old.customers (id INTEGER);
CREATE TABLE old.visits (id INTEGER, day DATE);
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "cellar.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(SCRIPT)
    return file


@pytest.fixture
def hw(tmp_path: Path, database: Path) -> Iterator[Headwater]:
    """A catalog that has the database as ``warehouse``."""
    with Headwater.open(tmp_path / "catalog.db") as client:
        ingest(client, f"duckdb:///{database}", service="warehouse")
        yield client


@pytest.fixture
def con(database: Path, hw: Headwater) -> Iterator[Any]:
    with duckdb.connect(str(database)) as connection:
        yield connection


def columns(frame: pd.DataFrame) -> dict[str, list[str]]:
    read = read_of(frame)
    assert read is not None
    return {name: list(found) for name, found in read.columns.items()}


def test_the_columns_of_a_query_are_followed_through_its_sql(hw: Headwater, con: Any) -> None:
    query = """
        WITH spent AS (SELECT customer, sum(total) AS spent FROM orders GROUP BY customer)
        SELECT c.age, c."home city" AS city, spent / income AS share, 1 AS one
        FROM main.customers c JOIN spent ON spent.customer = c.id WHERE c.age > ?
    """
    with recording(hw) as recorder:
        frame = read_sql(query, con, params=[26])
    assert len(frame) == 3
    assert columns(frame) == {
        "age": [f"{CUSTOMERS}.age"],
        "city": [f"{CUSTOMERS}.home city"],
        "share": [f"{ORDERS}.total", f"{CUSTOMERS}.income"],
        "one": [],
    }
    (read,) = recorder.reads
    assert read.sources == {ORDERS: "table", CUSTOMERS: "table"}
    assert read.notes == ()
    assert Read.from_wire(read.to_wire()) == read_of(frame)
    assert {"type": "table", "fullyQualifiedName": ORDERS} in read.references()


def test_a_name_that_several_tables_have_is_left_open_and_told(
    hw: Headwater, con: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), recording(hw) as recorder:
        frame = read_sql("SELECT age FROM customers", con)
    assert columns(frame) == {"age": []}
    (note,) = recorder.reads[0].notes
    both = f"table:{CUSTOMERS}, table:warehouse.cellar.old.customers"
    assert note == f"'customers' may be any of {both}; source= says which it is"
    assert note in caplog.text


def test_a_source_settles_which_table_is_meant(hw: Headwater, con: Any) -> None:
    frame = read_sql("SELECT age FROM customers", con, source=CUSTOMERS, catalog=hw)
    assert columns(frame) == {"age": [f"{CUSTOMERS}.age"]}
    both = read_sql(
        "SELECT * FROM customers JOIN orders ON id = customer",
        con,
        source=["main.customers", hw.get("table", ORDERS)],
        catalog=hw,
    )
    assert columns(both)["total"] == [f"{ORDERS}.total"]
    assert columns(both)["home city"] == [f"{CUSTOMERS}.home city"]


def test_a_source_that_the_sql_calls_otherwise_gives_columns_of_its_names(
    hw: Headwater, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        copy.executescript(
            "CREATE TABLE c_2026 (AGE INT, more INT); INSERT INTO c_2026 VALUES (1, 2)"
        )
        frame = read_sql("SELECT * FROM c_2026", copy, source=CUSTOMERS, catalog=hw)
    assert columns(frame) == {"AGE": [f"{CUSTOMERS}.age"], "more": []}


def test_wrong_sources_are_refused_before_the_data_is_read(hw: Headwater) -> None:
    with pytest.raises(NotFoundError, match=r"no table or container 'shop\.clients'"):
        read_sql("SELECT 1", None, source="shop.clients", catalog=hw)
    with pytest.raises(ConflictError, match="source= says which") as refused:
        read_table("customers", None, catalog=hw)
    assert len(refused.value.details["candidates"]) == 2


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("SELECT * FROM unheard_of", "the catalog has no table or container 'unheard_of'"),
        ("SELECT * FROM duckdb_types()", "is not followed"),
        ("PRAGMA table_info('orders')", "the SQL cannot be resolved"),
    ],
)
def test_what_cannot_be_followed_is_read_all_the_same(
    hw: Headwater, con: Any, query: str, note: str
) -> None:
    con.execute("CREATE TEMP TABLE unheard_of AS SELECT 1 AS a")
    with recording(hw) as recorder:
        frame = read_sql(query, con)
    assert len(frame)
    assert not any(columns(frame).values())
    assert note in recorder.reads[0].notes[0]


def test_a_table_is_read_with_the_names_that_its_database_has(hw: Headwater, con: Any) -> None:
    frame = read_table(CUSTOMERS, con, columns=["home city", "age"], catalog=hw)
    assert columns(frame) == {"home city": [f"{CUSTOMERS}.home city"], "age": [f"{CUSTOMERS}.age"]}
    assert len(columns(read_table("old.visits", con, catalog=hw))) == 2


@pytest.mark.parametrize("form", ["url", "engine", "connection", "driver"])
def test_a_database_is_read_by_every_kind_of_connection(
    hw: Headwater, tmp_path: Path, form: str
) -> None:
    file = tmp_path / "cellar.sqlite"
    with closing(sqlite3.connect(file)) as made:
        made.executescript(
            "CREATE TABLE visits (id INT, day TEXT); INSERT INTO visits VALUES (1, 'x')"
        )
    ingest(hw, f"sqlite:///{file}", service="lite")
    engine = sqlalchemy.create_engine(f"sqlite:///{file}")
    driver = sqlite3.connect(file)
    connection = engine.connect()
    con = {
        "url": f"sqlite:///{file}",
        "engine": engine,
        "connection": connection,
        "driver": driver,
    }[form]
    try:
        frame = read_sql("SELECT day FROM main.visits", con, catalog=hw)
        whole = read_table("lite.cellar.main.visits", con, catalog=hw)
    finally:
        connection.close()
        engine.dispose()
        driver.close()
    assert columns(frame) == {"day": ["lite.cellar.main.visits.day"]}
    assert columns(whole)["id"] == ["lite.cellar.main.visits.id"]


def test_a_file_is_read_as_the_table_that_it_holds(hw: Headwater, con: Any, tmp_path: Path) -> None:
    frame = con.execute("SELECT * FROM orders").df()
    frame.to_parquet(tmp_path / "orders.parquet")
    frame.to_csv(tmp_path / "orders.csv", index=False)
    for place in (tmp_path / "orders.parquet", str(tmp_path / "orders.csv")):
        found = read_table(ORDERS, place, columns=["total"], catalog=hw)
        assert columns(found) == {"total": [f"{ORDERS}.total"]}
    with pytest.raises(InvalidInputError, match="neither a Parquet nor a CSV"):
        read_table(ORDERS, tmp_path / "orders.xlsx", catalog=hw)


def test_outside_a_run_data_is_just_read(con: Any) -> None:
    frame = read_sql("SELECT age FROM main.customers", con)
    assert list(frame["age"]) == [31, 58, 44, 25]
    assert frame.attrs == {}
    assert len(read_table("anything.main.orders", con)) == 5
    with pytest.raises(InvalidInputError, match="has a name in a catalog alone"):
        read_table("0190b3c4-0000-7000-8000-000000000000", con)


def test_a_catalog_that_is_gone_holds_up_no_reading(con: Any) -> None:
    with Headwater("http://127.0.0.1:9") as gone, recording(gone) as recorder:
        frame = read_sql("SELECT age FROM main.customers", con, source=CUSTOMERS)
    assert len(frame) == 4
    assert "is not looked up" in recorder.reads[0].notes[0]


def test_a_recorder_around_another_notes_what_is_read_within(hw: Headwater, con: Any) -> None:
    with recording(hw) as run:
        with recording() as step:
            read_sql("SELECT total FROM orders", con)
        read_sql("SELECT day FROM old.visits", con)
    assert [len(each.reads) for each in (run, step)] == [2, 1]
    assert step.reads == run.reads[:1]


def model() -> Pipeline:
    return make_pipeline(
        ColumnTransformer(
            [("n", StandardScaler(), ["age", "share"]), ("c", OneHotEncoder(), ["city"])],
            verbose_feature_names_out=False,
        ),
        LogisticRegression(),
    )


QUERY = """
    SELECT c.id, c.age, c."home city" AS city, c.leaves, o.total / c.income AS share
    FROM main.customers c JOIN orders o ON o.customer = c.id
"""


def edges(features: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {
        each["name"]: [
            f"{source['dataSource']['fullyQualifiedName']}.{source['name']}"
            for source in each["featureSources"]
            if "dataSource" in source
        ]
        for each in features
    }


WANTED = {
    "age": [f"{CUSTOMERS}.age"],
    "share": [f"{ORDERS}.total", f"{CUSTOMERS}.income"],
    "city_Lima": [f"{CUSTOMERS}.home city"],
    "city_Oslo": [f"{CUSTOMERS}.home city"],
}


def test_a_fitted_pipeline_has_features_of_the_columns_that_were_read(
    hw: Headwater, con: Any
) -> None:
    frame = read_sql(QUERY, con, catalog=hw)
    rows, _ = train_test_split(frame.dropna().copy(), test_size=0.25, random_state=0)
    rows = rows.assign(age=rows["age"] + 1)[["age", "city", "share", "leaves"]]
    fitted = model().fit(rows, rows["leaves"])
    features = features_of(fitted, rows)
    assert edges(features) == WANTED
    made = hw.create({"name": "churn", "mlFeatures": features, "algorithm": "lr"}, kind="mlmodel")
    reached = hw.lineage(f"column:{ORDERS}.total", downstream=1, upstream=0)
    assert {node.name for node in reached.downstream()} == {"share"}
    assert made.ml_features[0].feature_sources[0].column_id is not None


def test_a_frame_that_comes_from_the_artifact_store_still_tells(
    hw: Headwater, con: Any, store: ArtifactStore
) -> None:
    stored = store.put(read_sql(QUERY, con, catalog=hw), name="rows")
    rows = store.load(stored.uri, data_type=stored.data_type, media_type=stored.media_type)
    assert edges(features_of(model().fit(rows, rows["leaves"]), rows)) == WANTED


def test_what_pandas_forgets_in_a_merge_the_recorder_knows(hw: Headwater, con: Any) -> None:
    with recording(hw) as recorder:
        people = read_table(CUSTOMERS, con).rename(columns={"home city": "city"})
        totals = read_sql("SELECT customer AS id, total AS share FROM orders", con)
    rows = people.merge(totals, on="id")
    fitted = model().fit(rows, rows["leaves"])
    found = edges(features_of(fitted, rows, recorder.reads))
    assert found["age"] == [f"{CUSTOMERS}.age"]
    assert found["share"] == [f"{ORDERS}.total"]
    assert found["city_Oslo"] == []  # renamed, by nobody who told


def test_a_column_that_two_reads_have_is_tied_to_neither(hw: Headwater, con: Any) -> None:
    with recording(hw) as recorder:
        read_sql("SELECT age AS x FROM main.customers", con)
        read_sql("SELECT total AS x FROM orders", con)
    plain = pd.DataFrame({"x": [1.0, 2, 3, 4]})
    fitted = LogisticRegression().fit(plain, [0, 1, 0, 1])
    assert features_of(fitted, plain, recorder.reads) == [
        {
            "name": "x",
            "featureSources": [{"name": "x", "dataType": "number"}],
            "dataType": "numerical",
        }
    ]
