"""Which table or container a logged dataset is."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import Headwater
from headwater.connectors.dataset_match import DatasetMatcher, Match
from headwater.connectors.mlflow_source import Dataset

CUSTOMERS = "wh.main.shop.Customers"
COPY = "wh.main.stage.customers"


@pytest.fixture
def filled(hw: Headwater) -> Headwater:
    """Two tables of one name, of which one lacks a column; orders at an address; a bucket."""
    hw.create_or_update({"name": "wh"}, kind="databaseService")
    hw.create_or_update({"name": "main", "service": "wh"}, kind="database")
    for schema, table, columns in (
        ("shop", "Customers", ["AGE", "city"]),
        ("stage", "customers", ["age", "city", "zip"]),
        ("shop", "orders", ["total"]),
    ):
        above = {"name": schema, "database": "wh.main"}
        hw.create_or_update(above, kind="databaseSchema")
        hw.create_or_update(
            {
                "name": table,
                "databaseSchema": f"wh.main.{schema}",
                "columns": [{"name": name, "dataType": "INT"} for name in columns],
                "sourceUrl": f"s3://lake/{schema}/{table}/",
            },
            kind="table",
        )
    hw.create_or_update({"name": "s3"}, kind="storageService")
    bucket = {"name": "lake", "service": "s3", "sourceUrl": "s3://raw"}
    hw.create_or_update(bucket, kind="container")
    return hw


def match(hw: Headwater, *wanted: str, settled: Any = (), **about: Any) -> Match:
    dataset = Dataset(
        name=about.pop("name", "dataset"),
        digest="d1",
        context="training",
        source_type="",
        source=about,
        columns=None,
    )
    return DatasetMatcher(hw, dict(settled)).match(dataset, wanted)


def found(*args: Any, **about: Any) -> str:
    place = match(*args, **about).place
    assert place is not None
    return place.fqn


def test_an_address_decides_before_names(filled: Headwater) -> None:
    assert found(filled, "total", uri="s3://lake/shop/orders") == "wh.main.shop.orders"
    assert found(filled, "age", name="orders", uri="s3a://lake/stage/customers") == COPY
    assert found(filled, "anything", uri="s3://raw/2024/day.csv") == "s3.lake"


@pytest.mark.parametrize(
    "source",
    [
        {"table_name": "shop.customers"},
        {"delta_table_name": "main.shop.customers"},
        {"sql": 'SELECT age FROM "shop".`Customers` WHERE age > 3'},
        {"query": "select * from main.shop.customers c"},
        {"query": "select age, zip from shop.customers where age in (1, 2) order by age, zip"},
    ],
)
def test_a_source_names_its_table(filled: Headwater, source: dict[str, str]) -> None:
    assert found(filled, "age", **source) == CUSTOMERS


def test_columns_tell_tables_of_one_name_apart(filled: Headwater) -> None:
    assert found(filled, "age", "ZIP", uri="/data/customers.parquet") == COPY
    assert found(filled, "Zip", name="customers") == COPY


def test_several_that_fit_are_told_with_the_way_out(filled: Headwater) -> None:
    open_ = match(filled, "age", name="customers")
    assert open_.place is None
    assert f"table:{CUSTOMERS}, table:{COPY}" in open_.reason
    assert "datasets:" in open_.reason
    for key in ("customers", "d1"):
        assert found(filled, "age", name="customers", settled={key: COPY}) == COPY


def test_what_nothing_fits_is_told_with_the_reason(filled: Headwater) -> None:
    assert "lacks salary" in match(filled, "total", "salary", name="orders").reason
    assert "nothing" in match(filled, "age", name="elsewhere", uri="http://x.example/y").reason
    assert "no 'wh.no'" in match(filled, "age", name="x", settled={"x": "wh.no"}).reason


@pytest.mark.parametrize(
    "tables",
    [
        "shop.customers JOIN shop.orders USING (id)",
        "shop.customers, shop.orders",
        'shop."customers" AS c , shop.orders o',
        "customers c\n, orders",
    ],
)
def test_a_query_of_several_tables_is_not_guessed(filled: Headwater, tables: str) -> None:
    sql = f"SELECT age, total FROM {tables}"  # noqa: S608
    assert match(filled, "age", sql=sql).place is None
