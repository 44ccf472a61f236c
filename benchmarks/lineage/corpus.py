"""TPC-H and TPC-DS: queries, schemas and rows, from sqlglot's source distribution.

Nothing of it is in this repository: it is fetched by the package's name, once, into the cache.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import duckdb

from headwater.testing.neo4j.install import cache, locked

_SCHEMAS = {"tpc-h": "TPCH_SCHEMA", "tpc-ds": "TPCDS_SCHEMA"}
_TRAPS = Path(__file__).with_name("traps.sql")
_FIRST_DAY, _FIRST_DAY_SK = "1998-01-01", 2450815


@dataclass(frozen=True)
class Corpus:
    """Queries over the tables of one schema, in a database of its own."""

    name: str
    queries: dict[str, str]
    connection: duckdb.DuckDBPyConnection
    tables: dict[str, dict[str, str]]


def fetch() -> Path:
    """Return the unpacked source of the sqlglot that is installed."""
    name = f"sqlglot-{version('sqlglot')}"
    target = cache() / name
    cache().mkdir(parents=True, exist_ok=True)
    with locked(cache() / f"{name}.lock"):
        if not target.is_dir():
            package = name.replace("-", "==")
            options = ["--quiet", "--no-deps", "--no-binary", "sqlglot", "--dest", str(cache())]
            subprocess.run([sys.executable, "-m", "pip", "download", *options, package], check=True)
            with tarfile.open(cache() / f"{name}.tar.gz") as archive:
                archive.extractall(cache(), filter="data")
    return target


def tpc(name: str) -> Corpus:
    """Return a benchmark's queries over its tables, filled."""
    tests = fetch() / "tests"
    folder = tests / "fixtures" / "optimizer" / name
    tables = _tables(tests / "helpers.py", _SCHEMAS[name])
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    for table, columns in tables.items():
        connection.execute(
            f"CREATE TABLE {table} AS SELECT * FROM read_csv('{folder / table}.csv.gz',"
            f" delim='|', header=true, columns={columns})"
        )
    if name == "tpc-ds":
        _mend_keys(connection, tables)
    queries = {
        f"{name}-{at:02}": sql for at, sql in enumerate(_queries(folder / f"{name}.sql"), start=1)
    }
    return Corpus(name, queries, connection, tables)


def _tables(helpers: Path, name: str) -> dict[str, dict[str, str]]:
    """A schema that the file assigns to a name; the file itself is not run."""
    tree = ast.parse(helpers.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            found: dict[str, dict[str, str]] = ast.literal_eval(node.value)
            return {
                table: {column: _type(column, kind) for column, kind in columns.items()}
                for table, columns in found.items()
            }
    raise SystemExit(f"{helpers} has no {name}")


def _type(column: str, kind: str) -> str:
    # The fixtures keep days as text; queries reckon with them.
    days = kind == "string" and column.endswith(("d_date", "_rec_start_date", "_rec_end_date"))
    # Exact sums, whatever the order of the rows.
    return "date" if days else "decimal(15, 2)" if kind == "double" else kind


def _queries(file: Path) -> Iterator[str]:
    """Every other statement: between them stands what an optimizer makes of it."""
    text = re.sub(r"^(--|#).*$", "", file.read_text("utf-8"), flags=re.MULTILINE)
    statements = [each.strip() for each in text.split(";") if each.strip()]
    yield from statements[::2]


def _mend_keys(connection: duckdb.DuckDBPyConnection, tables: dict[str, dict[str, str]]) -> None:
    """Make the fixtures' rows, which are the first of each table, fit each other.

    The days start in 1900, the sales in 1998 and end soon; and sales name rows that were cut.
    """
    connection.execute(f"""
        UPDATE date_dim SET
            d_date = DATE '{_FIRST_DAY}' + (d_date_sk - 2415022)::INTEGER,
            d_date_sk = d_date_sk - 2415022 + {_FIRST_DAY_SK};
        DELETE FROM date_dim WHERE d_date >= DATE '2004-01-01';
        UPDATE date_dim SET
            d_year = year(d_date), d_fy_year = year(d_date), d_moy = month(d_date),
            d_dom = day(d_date), d_qoy = quarter(d_date), d_dow = dayofweek(d_date),
            d_day_name = dayname(d_date),
            d_quarter_name = year(d_date) || 'Q' || quarter(d_date),
            d_month_seq = (year(d_date) - 1900) * 12 + month(d_date) - 1,
            d_week_seq = (d_date - DATE '1900-01-01') // 7 + 1;
        UPDATE customer_address SET ca_zip = s_zip, ca_county = s_county, ca_state = s_state
            FROM store WHERE customer_address.rowid % 3 = 0;
    """)  # numbers of this module
    keys = {
        "date_sk": "d_date_sk",
        "time_sk": "t_time_sk",
        "item_sk": "i_item_sk",
        "customer_sk": "c_customer_sk",
        "cdemo_sk": "cd_demo_sk",
        "hdemo_sk": "hd_demo_sk",
        "addr_sk": "ca_address_sk",
        "store_sk": "s_store_sk",
        "promo_sk": "p_promo_sk",
        "warehouse_sk": "w_warehouse_sk",
        "web_site_sk": "web_site_sk",
        "web_page_sk": "wp_web_page_sk",
        "call_center_sk": "cc_call_center_sk",
        "catalog_page_sk": "cp_catalog_page_sk",
        "ship_mode_sk": "sm_ship_mode_sk",
        "reason_sk": "r_reason_sk",
        "income_band_sk": "ib_income_band_sk",
    }
    owner = {column: table for table, columns in tables.items() for column in columns}
    for column, table in owner.items():
        key = next((key for end, key in keys.items() if column.endswith(f"_{end}")), None)
        if key is None or key == column or owner[key] == table:
            continue
        if key == "d_date_sk":
            connection.execute(
                f"UPDATE {table} SET {column} = {_FIRST_DAY_SK} + (rowid * 37) % 2191"
                " WHERE rowid % 2 = 0"
            )
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE present AS
                SELECT {key} AS k, row_number() OVER (ORDER BY {key}) - 1 AS n FROM {owner[key]};
            UPDATE {table} SET {column} = (
                SELECT k FROM present WHERE n = {column} % (SELECT count(*) FROM present))
            WHERE {column} NOT IN (SELECT k FROM present);
        """)  # names of the schema


def traps() -> Corpus:
    """Return our own queries, each after a line ``-- name``, over small tables of their own."""
    text = _TRAPS.read_text("utf-8")
    setup, *parts = re.split(r"^-- (\S+)\n", text, flags=re.MULTILINE)
    connection = duckdb.connect()
    connection.execute(setup)
    queries = dict(zip(parts[::2], (part.strip().rstrip(";") for part in parts[1::2]), strict=True))
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " ORDER BY table_name, ordinal_position"
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = "string" if kind == "VARCHAR" else kind.lower()
    return Corpus("traps", queries, connection, tables)
