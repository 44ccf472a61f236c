"""What is read of real databases, before the catalog hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from headwater.connectors.sql_source import ForeignKey, SqlTable, Unread, open_source, reason_of
from headwater.errors import InvalidInputError, NotInstalledError, SourceError

from .conftest import MakeDatabase

TABLES = """
    CREATE TABLE sample (
        id INTEGER PRIMARY KEY, code VARCHAR NOT NULL UNIQUE, label VARCHAR(12), price DECIMAL(8, 2)
    );
    CREATE TABLE "odd, 'name'. ü" ("a b" INTEGER REFERENCES sample (id), "SELECT" DOUBLE NOT NULL,
        UNIQUE ("SELECT", "a b"));
    CREATE VIEW priced AS SELECT code, price * 2 AS "double price" FROM sample;
"""


def tables(url: str) -> dict[tuple[str, str], SqlTable | Unread]:
    with open_source(url) as source:
        found = [table for schema in source.schemas() for table in source.tables(schema)]
    return {(table.schema, table.name): table for table in found}


def test_tables_of_sqlite(sqlite: MakeDatabase) -> None:
    check_tables(sqlite(TABLES), label_type="VARCHAR(12)")


def test_tables_of_duckdb(duck: MakeDatabase) -> None:
    check_tables(duck(TABLES), label_type="VARCHAR")


def check_tables(url: str, label_type: str) -> None:
    found = tables(url)
    assert sorted(found) == [("main", "odd, 'name'. ü"), ("main", "priced"), ("main", "sample")]
    sample, odd, view = (
        found["main", "sample"],
        found["main", "odd, 'name'. ü"],
        found["main", "priced"],
    )
    assert isinstance(sample, SqlTable)
    assert [(column.name, column.type.replace(" ", "")) for column in sample.columns] == [
        ("id", "INTEGER"),
        ("code", "VARCHAR"),
        ("label", label_type),
        ("price", "DECIMAL(8,2)"),
    ]
    assert [column.nullable for column in sample.columns][1:] == [False, True, True]
    assert sample.primary_key == ("id",)
    assert sample.unique == (("code",),)
    assert isinstance(odd, SqlTable)
    assert odd.unique == (("SELECT", "a b"),)
    (key,) = odd.foreign_keys
    assert (key.columns, key.table, key.referred) == (("a b",), "sample", ("id",))
    assert isinstance(view, SqlTable)
    assert view.type == "View"
    assert [column.name for column in view.columns] == ["code", "double price"]
    assert "double price" in (view.definition or "")


def test_schemas_comments_and_nested_types_of_duckdb(duck: MakeDatabase) -> None:
    found = tables(
        duck("""
            CREATE SCHEMA raw;
            CREATE TABLE raw.t (id INTEGER, tags VARCHAR[], place STRUCT(x INTEGER));
            CREATE TABLE raw.u (a INTEGER, b INTEGER, PRIMARY KEY (a, b));
            CREATE VIEW raw.v AS SELECT id FROM raw.t;
            COMMENT ON TABLE raw.t IS 'one row a bottle';
            COMMENT ON COLUMN raw.t.id IS 'on the label';
            COMMENT ON VIEW raw.v IS 'ids alone';
        """)
    )
    table, keyed, view = found["raw", "t"], found["raw", "u"], found["raw", "v"]
    assert isinstance(table, SqlTable)
    assert isinstance(keyed, SqlTable)
    assert isinstance(view, SqlTable)
    assert (table.comment, view.comment) == ("one row a bottle", "ids alone")
    assert table.columns[0].comment == "on the label"
    assert [column.type for column in table.columns] == [
        "INTEGER",
        "VARCHAR[]",
        "STRUCT(x INTEGER)",
    ]
    assert keyed.primary_key == ("a", "b")


def test_the_database_is_named_by_its_file(sqlite: MakeDatabase, duck: MakeDatabase) -> None:
    for url in (sqlite("CREATE TABLE t (a)"), duck("CREATE TABLE t (a INTEGER)")):
        with open_source(url) as source:
            assert (source.database, source.default_schema) == ("cellar", "main")


def test_a_view_that_its_database_cannot_read_holds_up_no_other(sqlite: MakeDatabase) -> None:
    found = tables(
        sqlite("""
            CREATE TABLE t (a INTEGER); CREATE TABLE gone (a INTEGER);
            CREATE VIEW broken AS SELECT a FROM gone; CREATE VIEW good AS SELECT a FROM t;
            DROP TABLE gone;
        """)
    )
    broken = found["main", "broken"]
    assert isinstance(broken, SqlTable)
    assert "gone" in broken.fault
    assert (broken.columns, "FROM gone" in (broken.definition or "")) == ((), True)
    assert isinstance(found["main", "good"], SqlTable)


@pytest.mark.parametrize("backend", ["sqlite", "duckdb"])
def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, backend: str) -> None:
    file = tmp_path / "missing"
    with (
        pytest.raises(SourceError, match="no such file"),
        open_source(f"{backend}:///{file}"),
    ):
        pass
    assert not file.exists()


@pytest.mark.parametrize("backend", ["sqlite", "duckdb"])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, backend: str) -> None:
    file = tmp_path / "letter"
    file.write_text("Dear reader, " * 100)
    with pytest.raises(SourceError, match="cannot read") as caught:
        tables(f"{backend}:///{file}")
    assert "\n" not in str(caught.value)


def test_a_url_that_is_none_is_refused_without_repeating_it() -> None:
    with pytest.raises(InvalidInputError) as caught, open_source("user:hunter2 at somewhere"):
        pass
    assert "hunter2" not in str(caught.value)


def test_a_missing_driver_is_named() -> None:
    with (
        pytest.raises(NotInstalledError, match="nosuchdb"),
        open_source("nosuchdb://u:hunter2@h/d"),
    ):
        pass


def test_what_a_database_says_is_shown_without_the_password() -> None:
    url = make_url("postgresql://me:hunter%402@host/db")
    shown = reason_of(ValueError("cannot connect: user=me password=hunter@2\nat line 3"), url)
    assert shown == "cannot connect: user=me password=***"


def test_secrets_in_the_query_of_an_address_are_shown_to_nobody() -> None:
    url = "postgresql+psycopg://127.0.0.1:1/db?user=me&password=hunter2&sslPassword=a%26b"
    with pytest.raises(SourceError) as caught, open_source(url):
        pass
    assert "password=***&sslPassword=***&user=me" in caught.value.message
    assert "hunter2" not in caught.value.message
    said = ValueError('invalid dsn "password=hunter2 sslpassword=a&b"')
    assert reason_of(said, make_url(url)) == 'invalid dsn "password=*** sslpassword=***"'


def test_foreign_keys_name_their_schema_where_it_is_known(duck: MakeDatabase) -> None:
    found = tables(
        duck("""
            CREATE SCHEMA raw; CREATE TABLE raw.t (id INTEGER PRIMARY KEY);
            CREATE TABLE raw.u (t_id INTEGER REFERENCES raw.t (id));
        """)
    )
    table = found["raw", "u"]
    assert isinstance(table, SqlTable)
    assert table.foreign_keys == (ForeignKey(("t_id",), "raw", "t", ("id",)),)
