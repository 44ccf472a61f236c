"""A project that dbt itself builds, from raw columns to marts, beside the SQL connector."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import duckdb
import pytest

from headwater import Dashboard, Headwater, Pipeline, Table
from headwater.connectors.dbt import ingest
from headwater.connectors.run import RunOptions
from headwater.connectors.sql import ingest as ingest_sql
from tools.environment import environment

# dbt 2 is another program. DuckDB's version is the catalog's own: it has to open the same file.
REQUIREMENTS = (
    "dbt-core==1.10.23",
    "dbt-duckdb==1.10.1",
    "dbt-adapters==1.24.5",
    "dbt-common==1.39.0",
    f"duckdb=={duckdb.__version__}",
)
WAREHOUSE = """
    CREATE SCHEMA raw;
    CREATE TABLE raw.customers (id INTEGER, name VARCHAR, email VARCHAR, city VARCHAR);
    INSERT INTO raw.customers VALUES (1, 'Ada', 'A@x', 'Lima'), (2, 'Bo', 'b@x', 'Oslo');
    CREATE TABLE raw.orders (id INTEGER, customer_id INTEGER, amount DOUBLE, ordered_at DATE);
    INSERT INTO raw.orders VALUES (1, 1, 9.5, '2024-05-01'), (2, 1, 3.0, '2024-05-02');
"""
FILES = {
    "dbt_project.yml": """
        name: shop
        version: "1.0"
        profile: shop
        flags: {send_anonymous_usage_stats: false}
        models:
          shop:
            staging: {+materialized: view, +schema: staging}
            marts: {+materialized: table, +group: finance, +tags: [mart]}
    """,
    "profiles.yml": """
        shop:
          target: dev
          outputs:
            dev: {type: duckdb, path: warehouse.duckdb, threads: 1}
    """,
    "models/shop.yml": """
        groups:
          - name: finance
            owner: {name: Finance, email: finance@example.com}
        sources:
          - name: raw
            tables:
              - name: customers
                description: Whoever bought something.
                columns:
                  - {name: email, description: Where mail goes., config: {tags: [pii]}}
              - name: orders
        models:
          - name: stg_customers
            columns: [{name: id, data_tests: [unique, not_null]}]
          - name: spending
            description: What each customer spent.
            columns: [{name: total, description: In dollars., data_tests: [not_null]}]
        exposures:
          - name: weekly
            label: Weekly numbers
            type: dashboard
            url: https://bi.example.com/weekly
            owner: {name: Finance}
            depends_on: [ref('spending')]
          - name: churn
            type: ml
            owner: {name: Finance}
            depends_on: [ref('spending')]
    """,
    "models/staging/stg_customers.sql": """
        select id, name, lower(email) as email, city from {{ source('raw', 'customers') }}
    """,
    "models/staging/paid.sql": """
        {{ config(materialized='ephemeral') }}
        select * from {{ source('raw', 'orders') }} where amount > 0
    """,
    "models/marts/spending.sql": """
        with sums as (
          select customer_id, sum(amount) as total from {{ ref('paid') }} group by 1
        )
        select c.*, sums.total, r.region
        from {{ ref('stg_customers') }} c
        join sums on sums.customer_id = c.id
        left join {{ ref('regions') }} r using (city)
    """,
    "models/marts/daily.sql": """
        {{ config(materialized='incremental') }}
        select ordered_at, count(*) as orders, sum(amount) as amount
        from {{ ref('paid') }}
        {% if is_incremental() %}
        where ordered_at > (select max(ordered_at) from {{ this }})
        {% endif %}
        group by 1
    """,
    "seeds/regions.csv": "city,region\nLima,south\nOslo,north\n",
    "snapshots/customers.sql": """
        {% snapshot customers_over_time %}
        {{ config(schema='history', unique_key='id', strategy='check', check_cols='all') }}
        select * from {{ source('raw', 'customers') }}
        {% endsnapshot %}
    """,
}
FEEDS = {
    "main_staging.stg_customers.email": {"raw.customers.email"},
    "main.spending.id": {"main_staging.stg_customers.id"},
    "main.spending.name": {"main_staging.stg_customers.name"},
    "main.spending.email": {"main_staging.stg_customers.email"},
    "main.spending.city": {"main_staging.stg_customers.city"},
    "main.spending.total": {"raw.orders.amount"},
    "main.spending.region": {"main.regions.region"},
    "main.daily.ordered_at": {"raw.orders.ordered_at"},
    "main.daily.orders": set(),
    "main.daily.amount": {"raw.orders.amount"},
    "main_history.customers_over_time.email": {"raw.customers.email"},
    "main_history.customers_over_time.dbt_valid_from": set(),
}
TABLES = {
    *("raw.customers", "raw.orders", "main.regions", "main.spending", "main.daily"),
    *("main_staging.stg_customers", "main_history.customers_over_time"),
}
ROOT = "duckdb.warehouse"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after ``dbt build``, a second one, and ``dbt docs generate``."""
    folder = tmp_path_factory.mktemp("dbt")
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip())
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        warehouse.execute(WAREHOUSE)
    dbt = environment("dbt", *REQUIREMENTS).with_name("dbt")
    quiet = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_PROFILES_DIR": "."}
    for command in (["build"], ["build"], ["docs", "generate"]):
        done = subprocess.run(
            [dbt, *command], cwd=folder, env=os.environ | quiet, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def hw() -> Iterator[Headwater]:
    with Headwater.open(":memory:") as client:
        client.create({"name": "churn", "algorithm": "Forest"}, kind="mlmodel")
        client.create({"name": "finance", "displayName": "Finance"}, kind="team")
        yield client


def feeds(hw: Headwater, column: str) -> set[str]:
    lineage = hw.lineage(f"column:{ROOT}.{column}", upstream=1, downstream=0, level="column")
    return {str(node.fully_qualified_name).removeprefix(f"{ROOT}.") for node in lineage.upstream()}


def live(hw: Headwater) -> set[str]:
    return {str(each.fully_qualified_name).removeprefix(f"{ROOT}.") for each in hw.list(Table)}


def test_a_project_from_raw_columns_to_marts(hw: Headwater, project: Path) -> None:
    planned = ingest(hw, project, service="duckdb", options=RunOptions(preview=True))
    report = ingest(hw, project, service="duckdb")
    assert (report.failed, report.unresolved, report.notes) == ([], [], [])
    assert (report.found, report.created) == (7, planned.created)
    assert live(hw) == TABLES
    assert {column: feeds(hw, column) for column in FEEDS} == FEEDS
    path = hw.lineage_path(
        f"column:{ROOT}.raw.customers.email", f"column:{ROOT}.main.spending.email"
    )
    assert path.to_wire()
    again = ingest(hw, project, service="duckdb")
    assert (again.created, again.changed, again.deleted) == (0, 0, 0)


def test_words_tags_owners_and_types(hw: Headwater, project: Path) -> None:
    ingest(hw, project, service="duckdb")
    spending = hw.get(Table, f"{ROOT}.main.spending")
    assert spending.description == "What each customer spent."
    assert [tag.name for tag in spending.tags or []] == ["mart"]
    assert [owner.name for owner in spending.owners or []] == ["finance"]
    total = next(each for each in spending.columns or [] if each.name == "total")
    assert (total.data_type, total.description) == ("DOUBLE", "In dollars.")
    email = (hw.get(Table, f"{ROOT}.raw.customers").columns or [])[2]
    assert [tag.fully_qualified_name for tag in email.tags or []] == ["dbt.pii"]


def test_exposures_and_tests_are_there(hw: Headwater, project: Path) -> None:
    ingest(hw, project, service="duckdb")
    weekly = hw.get(Dashboard, "dbt.weekly")
    assert (weekly.display_name, [owner.name for owner in weekly.owners or []]) == (
        "Weekly numbers",
        ["finance"],
    )
    reached = hw.lineage(f"table:{ROOT}.raw.orders", upstream=0, downstream=3).downstream()
    assert {"weekly", "churn", "spending", "daily"} == {node.name for node in reached}
    tasks = {each.display_name: each for each in hw.get(Pipeline, "dbt.shop").tasks or []}
    assert tasks["not_null_spending_total"].task_type == "test"
    assert tasks["stg_customers"].downstream_tasks
    assert len(tasks) == 9


@pytest.mark.parametrize("first", ["dbt", "sql"])
def test_dbt_and_the_sql_connector_agree_on_what_is_the_same(
    hw: Headwater, project: Path, first: str
) -> None:
    url = f"duckdb:///{project / 'warehouse.duckdb'}"
    runs = {
        "dbt": lambda: ingest(hw, project, service="duckdb"),
        "sql": lambda: ingest_sql(hw, url, service="duckdb"),
    }
    order = [first, *(runs.keys() - {first})]
    for name in order:
        assert runs[name]().failed == []
    assert live(hw) == TABLES
    for name in order * 2:
        report = runs[name]()
        assert (report.created, report.changed, report.deleted) == (0, 0, 0)
    assert {column: feeds(hw, column) for column in FEEDS} == FEEDS
    assert hw.get(Table, f"{ROOT}.main.spending").description == "What each customer spent."
