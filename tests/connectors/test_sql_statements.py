"""What files of SQL statements say of tables, over real databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from headwater import Headwater
from headwater.connectors.config import check_config
from headwater.connectors.ingest import ingest
from headwater.connectors.report import Report
from headwater.sql.relation import Relation
from headwater.sql.rename import renamings
from headwater.sql.script import OpenError, split
from headwater.sql.statement import feeds
from headwater.sql.view_lineage import ViewReader

from .conftest import MakeDatabase, reached

MAIN = "shop.cellar.main"
SHOP = """
    CREATE TABLE customers (id INTEGER, email VARCHAR, "Full Name" VARCHAR);
    CREATE TABLE orders (id INTEGER, customer INTEGER, total DOUBLE);
    CREATE TABLE spending (customer INTEGER, who VARCHAR, spent DOUBLE);
    CREATE TABLE copy (id INTEGER, email VARCHAR, "Full Name" VARCHAR);
    CREATE TABLE p (id INTEGER PRIMARY KEY, email VARCHAR, low VARCHAR);
"""


def run(hw: Headwater, url: str, *statements: object) -> Report:
    source = {"type": "sql", "service": "shop", "url": url, "statements": [*map(str, statements)]}
    (report,) = ingest(hw, check_config({"sources": [source]}))
    return report


def pairs(hw: Headwater, table: str) -> dict[tuple[str, str], bool]:
    """Pairs of columns that lead to a table, and whether each is masking; none that is perhaps."""
    name = f"table:shop.cellar.main.{table}"
    found = hw.lineage(name, upstream=1, downstream=0, level="column").to_wire()
    names = {node["id"]: node["fullyQualifiedName"] for node in found["nodes"]}
    short = {key: name.removeprefix("shop.cellar.main.") for key, name in names.items()}
    return {
        (short[edge["from"]], short[edge["to"]].partition(".")[2]): any(
            each.get("masking", False) for each in edge["assertions"]
        )
        for edge in found["edges"]
        if "." in short[edge["from"]]
    }


def told(hw: Headwater) -> list[dict[str, Any]]:
    """The events, but for those of runs."""
    return [event for event in hw.events() if event["entity"]["type"] != "pipelineRun"]


@pytest.fixture(params=["sqlite", "duck"])
def url(request: pytest.FixtureRequest) -> str:
    make: MakeDatabase = request.getfixturevalue(request.param)
    return make(SHOP)


def test_an_insert_fills_the_columns_that_it_lists(url: str, hw: Headwater, tmp_path: Path) -> None:
    file = tmp_path / "fill.sql"
    file.write_text("""
        -- who spent what; and a semicolon in a text
        INSERT INTO spending (spent, who, customer)
        WITH sums AS (SELECT customer, sum(total) AS s FROM orders GROUP BY customer)
        SELECT s.s, md5(c.email) || ';', c.id FROM sums s JOIN customers c ON c.id = s.customer;
    """)
    report = run(hw, url, file)
    assert report.succeeded
    assert report.unresolved == []
    assert pairs(hw, "spending") == {
        ("orders.total", "spent"): False,
        ("customers.email", "who"): True,
        ("customers.id", "customer"): False,
    }
    edges = hw.lineage("table:shop.cellar.main.spending", upstream=1).to_wire()["edges"]
    said = [each for edge in edges for each in edge["assertions"]]
    assert {each["source"] for each in said} == {"sql"}
    assert all(each["sqlQuery"].startswith("INSERT INTO spending") for each in said)


def test_a_second_run_writes_nothing(url: str, hw: Headwater, tmp_path: Path) -> None:
    file = tmp_path / "fill.sql"
    file.write_text("INSERT INTO copy SELECT * FROM customers")
    run(hw, url, file)
    before = told(hw)
    again = run(hw, url, file)
    assert (again.created, again.changed) == (0, 0)
    assert told(hw) == before


def test_a_star_gives_the_columns_that_the_database_has(
    url: str, hw: Headwater, tmp_path: Path
) -> None:
    file = tmp_path / "fill.sql"
    file.write_text("INSERT INTO copy SELECT * FROM customers")
    run(hw, url, file)
    assert set(pairs(hw, "copy")) == {
        ("customers.id", "id"),
        ("customers.email", "email"),
        ("customers.Full Name", "Full Name"),
    }


def test_a_made_table_is_paired_by_name_and_place(url: str, hw: Headwater, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "deep"
    folder.mkdir(parents=True)
    (folder / "make.sql").write_text(
        "DROP TABLE IF EXISTS spending;\n"
        'CREATE TABLE SPENDING AS SELECT o.customer, c."Full Name" AS who, o.total AS spent\n'
        "FROM orders o JOIN customers c ON c.id = o.customer;\n"
        'CREATE TABLE copy AS\nSELECT id, "Full Name", email FROM customers;\n'
    )
    report = run(hw, url, tmp_path / "models")
    assert set(pairs(hw, "spending")) == {
        ("orders.customer", "customer"),
        ("customers.Full Name", "who"),
        ("orders.total", "spent"),
    }
    (note,) = report.unresolved
    assert (note.name, note.line) == (str(folder / "make.sql"), 5)
    assert "copy has 'email'" in note.message


def test_statements_of_one_table_count_together(url: str, hw: Headwater, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("INSERT INTO copy (email) SELECT md5(email) FROM customers;")
    (tmp_path / "b.sql").write_text(
        "INSERT INTO copy (id) SELECT id FROM customers;"
        "INSERT INTO copy (id) SELECT customer FROM orders"
    )
    run(hw, url, tmp_path / "*.sql")
    assert pairs(hw, "copy") == {
        ("customers.email", "email"): True,
        ("customers.id", "id"): False,
        ("orders.customer", "id"): False,
    }
    (tmp_path / "a.sql").write_text("INSERT INTO copy (email) SELECT email FROM customers")
    with (tmp_path / "b.sql").open("a") as file:
        file.write("; INSERT INTO copy (email) SELECT md5(email) FROM customers")
    run(hw, url, tmp_path / "*.sql")
    assert pairs(hw, "copy")["customers.email", "email"] is False


def test_what_no_statement_says_any_more_is_closed(url: str, hw: Headwater, tmp_path: Path) -> None:
    file = tmp_path / "fill.sql"
    file.write_text("INSERT INTO copy SELECT * FROM customers")
    run(hw, url, file)
    file.write_text("SELECT 1")
    run(hw, url, file)
    assert pairs(hw, "copy") == {}
    file.write_text("INSERT INTO copy (id) SELECT id FROM orders")
    run(hw, url, file)
    assert pairs(hw, "copy")
    run(hw, url)
    assert pairs(hw, "copy") == {}


def test_what_was_known_is_perhaps_while_its_statement_is_not_understood(
    url: str, hw: Headwater, tmp_path: Path
) -> None:
    file = tmp_path / "fill.sql"
    file.write_text("INSERT INTO copy SELECT * FROM customers")
    run(hw, url, file)
    known = pairs(hw, "copy")
    file.write_text("{{ load }} SELECT * FROM customers")
    assert run(hw, url, file).unresolved
    assert pairs(hw, "copy") == known  # nothing says that it is not filled so any more
    file.write_text("INSERT INTO copy SELECT FROM FROM customers")
    assert run(hw, url, file).unresolved
    assert pairs(hw, "copy") == {}
    main = "shop.cellar.main"
    assert reached(hw, f"{main}.customers.id", f"{main}.copy.email") == {"email": "perhaps"}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE copy SET (id, email) = (SELECT id, total FROM orders)",
        "UPDATE OR IGNORE copy SET email = (SELECT max(total) FROM orders)",
        "INSERT INTO copy SELECT id, total, 1 FROM orders"
        " ON CONFLICT DO UPDATE SET email = excluded.id",
        "INSERT INTO copy VALUES (1, 2, 3)"
        " ON CONFLICT DO UPDATE SET id = excluded.id + (SELECT 1 FROM orders)",
        "MERGE INTO copy USING orders ON copy.id = orders.id WHEN NOT MATCHED THEN INSERT",
        "INSERT INTO copy BY NAME SELECT * FROM orders",
        "INSERT INTO copy BY POSITION SELECT id, total, 1 FROM orders",
        "INSERT INTO copy OVERRIDING SYSTEM VALUE SELECT id, total, 1 FROM orders",
        "WITH d AS (DELETE FROM orders RETURNING *) INSERT INTO copy (email) SELECT total FROM d",
        "WITH customers AS (DELETE FROM orders RETURNING total AS email)"
        " INSERT INTO copy (email) SELECT customers.email FROM customers",
        "CREATE TEMP TABLE new AS SELECT * FROM orders; DELETE FROM new;"
        " INSERT INTO copy (email) SELECT total FROM new",
        "CREATE TEMP TABLE new AS SELECT *, shoe FROM orders;"
        " CREATE TEMP TABLE more AS SELECT * FROM new; INSERT INTO copy SELECT * FROM more",
        "CREATE TEMP TABLE new (a INT); UPDATE new SET (a) = (SELECT total FROM orders);"
        " INSERT INTO copy (email) SELECT new.a FROM new",
        "CREATE TABLE new AS SELECT * FROM orders; INSERT INTO copy SELECT * FROM new",
        "INSERT INTO copy (email) SELECT total" + " + total" * 3000 + " FROM orders",
        "PREPARE load AS INSERT INTO copy SELECT id, total, 1 FROM orders",
        "EXPLAIN ANALYZE INSERT INTO copy SELECT id, total, 1 FROM orders",
        "INSERT INTO copy (email) SELECT {{ column }} FROM orders",
        "INSERT INTO copy (email) SELECT total FROM orders WHERE 'open",
        "CREATE TRIGGER t AFTER INSERT ON orders BEGIN INSERT INTO copy SELECT new.id; END",
        "INSERT INTO copy (id, age) SELECT id, total FROM orders",
    ],
)
def test_what_is_not_followed_is_perhaps_of_all_that_its_statement_names(
    url: str, hw: Headwater, tmp_path: Path, sql: str
) -> None:
    file = tmp_path / "fill.sql"
    file.write_text(sql)
    report = run(hw, url, file)
    assert report.unresolved
    main = "shop.cellar.main"
    found = reached(hw, f"{main}.orders.total", f"{main}.copy.email", f"{main}.spending.who")
    assert found in ({"email": "perhaps"}, {"email": "certain"})
    assert ("total" in sql and "certain" in found.values()) is sql.startswith(
        "INSERT INTO copy SEL"
    )
    assert reached(hw, f"{main}.customers.email", f"{main}.copy.email") == {}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT INTO copy VALUES (1, (SELECT max(total) FROM orders), 2)", {"email": "total"}),
        ("INSERT INTO copy BY NAME SELECT total AS email, id FROM orders", {"email": "total"}),
        (
            "INSERT INTO copy (id, email) SELECT id, total FROM orders WHERE true"
            " ON CONFLICT (id) DO UPDATE SET email = copy.email || excluded.email",
            {"email": "total"},
        ),
        (
            "INSERT INTO copy (id) VALUES (7)"
            " ON CONFLICT (id) DO UPDATE SET email = (SELECT max(total) FROM orders)",
            {"email": "total"},
        ),
    ],
)
def test_what_moves_beside_a_plain_query_is_followed(
    url: str, hw: Headwater, tmp_path: Path, sql: str, expected: dict[str, str]
) -> None:
    file = tmp_path / "fill.sql"
    file.write_text(sql)
    if "BY NAME" in sql and "sqlite" in url:
        return  # it has none
    assert run(hw, url, file).unresolved == []
    found = {to: start for start, to in pairs(hw, "copy")}
    assert found == {to: f"orders.{name}" for to, name in expected.items()} | (
        {"id": "orders.id"} if "SELECT id" in sql or ", id FROM" in sql else {}
    )


@pytest.mark.parametrize(
    ("sql", "line", "message"),
    [
        ("\nINSERT INTO copy (id)\nSELECT id FROM staging", 3, "staging is not a known table"),
        ("\n\nINSERT INTO nowhere SELECT id FROM orders", 3, "nowhere is not a known table"),
        ("INSERT INTO copy (id,\n age) SELECT id, id FROM orders", 2, "age is not one column"),
        ("INSERT INTO copy\nSELECT id FROM orders", 2, "the SQL has 1 outputs, copy 3 columns"),
        (
            "INSERT INTO copy (id)\nSELECT shoe FROM orders o, customers c",
            2,
            "shoe is not a column of what the statement reads",
        ),
        ("SELECT 1;\nUPDATE copy SET (id, email) = (1, 2)", 2, "UPDATE without a list"),
        ("SELECT 1;\nINSERT INTO copy BY NAME SELECT * FROM orders", 2, "BY NAME"),
        ("SELECT 1;\nINSERT INTO copy (id) SELECT {{ id }} FROM orders", 2, "a template"),
        ("SELECT 1;\n{% if x %} INSERT INTO copy SELECT * FROM customers", 2, "a template"),
        ("SELECT 1;\nCREATE TEMP TABLE copy (i INT, j AS (i))", 2, "a temporary TABLE"),
        ("SELECT 1;\nCREATE TEMP TABLE k AS SELECT\nshoe FROM orders", 3, "shoe is not a column"),
        (
            "CREATE TRIGGER t AFTER INSERT ON orders\nBEGIN\nSELECT 1;"
            "\nINSERT INTO copy SELECT * FROM customers;\nEND",
            1,
            "what its body does is not followed",
        ),
        ("SELECT 1;\n\nINSERT INTO copy SELECT (", 3, ""),
        ("SELECT 1;\nINSERT INTO copy (id)\nSELECT 'open", 3, "the ' here is not closed"),
        (
            "INSERT INTO copy (id)\nSELECT id FROM orders, customers",
            2,
            "id is ambiguous: orders.id or customers.id",
        ),
        ("SELECT 1;\n\nREPLACE INTO copy SELECT FROM", 3, ""),
        ("SELECT 1; /* one */\n\n/* two\nSELECT 'it', /* three", 3, "the /* here is not closed"),
        (
            "SELECT 1;\nINSERT INTO copy (id) SELECT " + "(" * 3000 + "id" + ")" * 3000,
            2,
            "it is nested too deeply",
        ),
        (
            "SELECT 1;\nINSERT INTO copy (id) SELECT " + "+".join(["id"] * 3000),
            2,
            "it is nested too deeply",
        ),
    ],
)
def test_what_is_open_is_told_with_file_and_line(
    url: str, hw: Headwater, tmp_path: Path, sql: str, line: int, message: str
) -> None:
    file = tmp_path / "fill.sql"
    file.write_text(sql)
    report = run(hw, url, file)
    assert report.succeeded
    assert {(note.name, note.line) for note in report.unresolved} == {(str(file), line)}
    assert message in report.unresolved[0].message
    assert pairs(hw, "copy") == {}


def test_a_merge_updates_and_inserts(duck: MakeDatabase, hw: Headwater, tmp_path: Path) -> None:
    file = tmp_path / "merge.sql"
    file.write_text("""
        MERGE INTO spending AS t
        USING (SELECT customer, sum(total) AS total FROM orders GROUP BY customer) AS s
        ON t.customer = s.customer
        WHEN MATCHED THEN UPDATE SET spent = t.spent + s.total
        WHEN NOT MATCHED THEN INSERT (customer, who, spent) VALUES (s.customer, 'new', s.total);
    """)
    report = run(hw, duck(SHOP), file)
    assert report.unresolved == []
    assert set(pairs(hw, "spending")) == {
        ("orders.total", "spent"),
        ("orders.customer", "customer"),
    }


def test_a_merge_of_whole_rows_is_reported(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    file = tmp_path / "merge.sql"
    file.write_text("\nMERGE INTO copy USING customers USING (id) WHEN MATCHED THEN UPDATE")
    report = run(hw, duck(SHOP), file)
    assert [note.line for note in report.unresolved] == [2]


def test_the_databases_own_word_on_a_view_counts(
    url: str, hw: Headwater, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = tmp_path / "views.sql"
    file.write_text("CREATE VIEW v AS SELECT email AS id FROM customers")
    make: MakeDatabase = request.getfixturevalue("duck" if "duckdb" in url else "sqlite")
    report = run(hw, make("CREATE VIEW v AS SELECT id FROM orders"), file)
    assert report.unresolved == []
    assert set(pairs(hw, "v")) == {("orders.id", "id")}


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO seen SELECT total FROM orders",
        "UPDATE seen SET mail = (SELECT max(total) FROM orders)",
        "UPDATE seen SET (mail) = (SELECT max(total) FROM orders)",
        "WITH o AS (SELECT total FROM orders) INSERT INTO over_seen (mail) SELECT total FROM o",
    ],
)
def test_what_is_written_to_a_view_is_perhaps_in_the_tables_behind_it(
    sqlite: MakeDatabase, hw: Headwater, tmp_path: Path, sql: str
) -> None:
    sqlite(SHOP)
    url = sqlite(
        "CREATE VIEW seen AS SELECT email AS mail FROM p;"
        " CREATE VIEW over_seen AS SELECT mail FROM seen"
    )
    (tmp_path / "fill.sql").write_text(sql)
    report = run(hw, url, tmp_path / "fill.sql")
    assert report.unresolved
    ends = [f"{MAIN}.{end}" for end in ("p.email", "spending.who", "seen.mail")]
    found = reached(hw, f"{MAIN}.orders.total", *ends)
    assert found == {"email": "perhaps", "mail": "perhaps"}


def test_a_folder_that_was_emptied_is_a_failure_and_closes_nothing(
    url: str, hw: Headwater, tmp_path: Path
) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    file = folder / "load.sql"
    mark = "utf-8-sig"  # as editors on Windows write it
    file.write_text("INSERT INTO copy SELECT * FROM customers", mark)
    run(hw, url, folder)
    before = pairs(hw, "copy")
    file.unlink()
    report = run(hw, url, folder)
    assert [each.message for each in report.failed] == ["there is no .sql file in it"]
    assert len(before) == 3
    assert pairs(hw, "copy") == before


def test_a_file_that_is_not_there_is_a_failure(url: str, hw: Headwater, tmp_path: Path) -> None:
    report = run(hw, url, tmp_path / "none.sql")
    assert [each.name for each in report.failed] == [str(tmp_path / "none.sql")]


def test_an_update_moves_what_it_assigns(url: str, hw: Headwater, tmp_path: Path) -> None:
    file = tmp_path / "fill.sql"
    file.write_text("""
        UPDATE spending SET spent = spent + o.total, who = (
            SELECT max(md5(c.email)) FROM customers c WHERE c.id = spending.customer
        ) FROM orders o WHERE o.customer = spending.customer;
        UPDATE copy SET id = 1;
    """)
    report = run(hw, url, file)
    assert report.unresolved == []
    assert pairs(hw, "spending") == {
        ("orders.total", "spent"): False,
        ("customers.email", "who"): True,
    }


def test_what_is_set_to_its_default_comes_from_no_column(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    url, file = duck(SHOP), tmp_path / "fill.sql"
    file.write_text("UPDATE copy SET id = o.id, email = o.customer FROM orders o")
    run(hw, url, file)
    file.write_text("""
        UPDATE copy SET id = o.id, email = DEFAULT FROM orders o;
        MERGE INTO spending s USING orders o ON o.customer = s.customer
        WHEN MATCHED THEN UPDATE SET spent = default
        WHEN NOT MATCHED THEN INSERT (customer, spent) VALUES (o.customer, DEFAULT);
    """)
    assert run(hw, url, file).unresolved == []
    assert set(pairs(hw, "copy")) == {("orders.id", "id")}
    assert set(pairs(hw, "spending")) == {("orders.customer", "customer")}


def test_a_file_may_choose_its_schema(duck: MakeDatabase, hw: Headwater, tmp_path: Path) -> None:
    file = tmp_path / "fill.sql"
    file.write_text("""
        INSERT INTO copy (id) SELECT id FROM orders;
        SET schema = 'raw';
        INSERT INTO main.copy (email) SELECT mail FROM orders;
        SET search_path = raw, main;
        INSERT INTO main.copy ("Full Name")
        SELECT mail FROM orders;
    """)
    other = tmp_path / "other.sql"
    other.write_text("INSERT INTO spending (spent) SELECT total FROM orders")
    url = duck(f"{SHOP} CREATE SCHEMA raw; CREATE TABLE raw.orders (id INTEGER, mail VARCHAR)")
    report = run(hw, url, file, other)
    assert {(note.line, note.name) for note in report.unresolved} == {(7, str(file))}
    lineage = hw.lineage("table:shop.cellar.main.copy", upstream=1, level="column").to_wire()
    names = {node["id"]: node["fullyQualifiedName"] for node in lineage["nodes"]}
    assert {(names[each["from"]], names[each["to"]]) for each in lineage["edges"]} == {
        ("shop.cellar.main.orders.id", "shop.cellar.main.copy.id"),
        ("shop.cellar.raw.orders.mail", "shop.cellar.main.copy.email"),
    }
    assert set(pairs(hw, "spending")) == {("orders.total", "spent")}


def test_a_table_of_a_session_is_not_the_one_that_it_hides(
    url: str, hw: Headwater, tmp_path: Path
) -> None:
    file = tmp_path / "fill.sql"
    file.write_text(
        "CREATE TEMP TABLE orders (id INTEGER);\n"
        "INSERT INTO copy (id) SELECT id FROM orders;\n"
        "INSERT INTO copy (email) SELECT email FROM customers;\n"
    )
    assert run(hw, url, file).unresolved == []
    assert set(pairs(hw, "copy")) == {("customers.email", "email")}


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE copy SET email = p.mail FROM copy JOIN people p ON p.id = copy.id",
        "UPDATE c SET c.email = p.mail FROM people p, copy AS c WHERE p.id = c.id",
    ],
)
def test_an_update_of_sql_server_names_a_table_that_it_reads(text: str) -> None:
    dialect = Dialect.get_or_raise("tsql")
    known = [Relation("dbo", "copy", ("id", "email")), Relation("dbo", "people", ("id", "mail"))]
    reader = ViewReader(known, dialect="tsql", database="shop", default_schema="dbo")
    (statement,) = split(text, dialect)
    (feed,) = feeds(statement.parse(dialect))
    table, lineage = reader.read_feed(feed)
    assert (table.name, lineage.notes) == ("copy", ())
    assert [(each.column, each.origins) for each in lineage.columns] == [
        ("email", ((known[1], "mail"),))
    ]


def test_batches_of_sql_server_are_statements() -> None:
    text = "SELECT 1\nGO\n  go \nINSERT INTO copy SELECT * FROM t\nGO"
    statements = list(split(text, Dialect.get_or_raise("tsql")))
    assert [(each.line, each.sql[:6]) for each in statements] == [(1, "SELECT"), (4, "INSERT")]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "WITH k AS (INSERT INTO copy SELECT * FROM customers RETURNING id) SELECT * FROM k",
            "INSERT within another statement is not followed",
        ),
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO copy SELECT * FROM customers; END; $$",
            "what this FUNCTION does is not followed",
        ),
        (
            "DO $$ BEGIN INSERT INTO copy SELECT * FROM customers; END; $$",
            "what this DO does is not followed",
        ),
    ],
)
def test_what_moves_within_another_statement_is_told(sql: str, message: str) -> None:
    dialect = Dialect.get_or_raise("postgres")
    (statement,) = split(sql, dialect)
    with pytest.raises(OpenError, match=message):
        list(feeds(statement.parse(dialect)))


@pytest.mark.parametrize(
    ("broken", "line", "more"),
    [
        ("SELECT 'open", 4, ""),
        ("SELECT ('open;\n-- it's", 4, ""),
        ("SELECT 1 /* open", 4, ""),
        ('\n\nSELECT "open', 6, ""),
        ("SELECT ('open;\nINSERT INTO copy SELECT * FROM customers;\nSELECT ('open", 4, "line 6"),
        ("SELECT 'open;\n/* old:\nINSERT INTO copy SELECT * FROM customers;\n*/", 4, "line 7"),
    ],
)
def test_what_has_no_end_leaves_the_statements_around_it(
    url: str, hw: Headwater, tmp_path: Path, broken: str, line: int, more: str
) -> None:
    file = tmp_path / "fill.sql"
    before = "INSERT INTO spending (who)\nSELECT email || ';\n' FROM customers;\n"
    after = "INSERT INTO spending (spent) SELECT total FROM orders;\n"
    file.write_text(f"{before}{broken};\n{after}")
    report = run(hw, url, file)
    assert [(note.line, more in note.message) for note in report.unresolved] == [(line, True)]
    assert set(pairs(hw, "spending")) == {("customers.email", "who"), ("orders.total", "spent")}
    assert pairs(hw, "copy") == {}


@pytest.mark.parametrize(
    "sql",
    [
        "REPLACE INTO copy (id) SELECT replace(id, ';', '') FROM orders",
        "INSERT OR REPLACE INTO copy (id) SELECT id FROM orders",
        "INSERT OR IGNORE INTO copy (id) SELECT id FROM orders",
        "WITH o AS (SELECT id FROM orders) REPLACE INTO copy (id) SELECT id FROM o",
    ],
)
def test_what_replaces_rows_is_followed(
    sqlite: MakeDatabase, hw: Headwater, tmp_path: Path, sql: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "fill.sql"
    file.write_text(f"SELECT 1;\n{sql};\nVACUUM;\nALTER TABLE copy RENAME TO c, wrong;\n")
    url = sqlite(SHOP)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute(sql)  # SQLite takes it
    report = run(hw, url, file)
    assert report.unresolved == []
    assert set(pairs(hw, "copy")) == {("orders.id", "id")}
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("UPDATE p SET low = lower(email)", {("email", "low")}),
        ("UPDATE p SET low = md5(email), email = email", {("email", "low")}),
        (
            "UPDATE p SET low = (SELECT max(q.email) FROM (SELECT * FROM p) q)",
            {("email", "low")},
        ),
        ("INSERT INTO p (id, low) SELECT id + 1, email FROM p", {("email", "low")}),
        (
            "INSERT INTO p (id, email) VALUES (1, 'a') ON CONFLICT (id)"
            " DO UPDATE SET email = excluded.email || p.low",
            {("low", "email")},
        ),
        (
            "INSERT INTO p VALUES (1, 'a', 'b') ON CONFLICT (id) DO UPDATE SET low = p.email",
            {("email", "low")},
        ),
    ],
)
def test_columns_within_one_table_feed_each_other(
    url: str, hw: Headwater, tmp_path: Path, sql: str, expected: set[tuple[str, str]]
) -> None:
    (tmp_path / "fill.sql").write_text(sql)
    report = run(hw, url, tmp_path / "fill.sql")
    assert report.unresolved == []
    found = pairs(hw, "p")
    assert set(found) == {(f"p.{start}", end) for start, end in expected}
    assert any(found.values()) == ("md5" in sql)


def test_a_merge_into_its_own_source_feeds_its_columns(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    url = duck("CREATE TABLE p (id INT, email TEXT, low TEXT)")
    (tmp_path / "fill.sql").write_text(
        "MERGE INTO p AS a USING p AS b ON a.id = b.id + 1"
        " WHEN MATCHED THEN UPDATE SET low = b.email"
    )
    run(hw, url, tmp_path / "fill.sql")
    assert set(pairs(hw, "p")) == {("p.email", "low")}
    (tmp_path / "fill.sql").write_text("UPDATE p SET id = id")
    run(hw, url, tmp_path / "fill.sql")
    assert pairs(hw, "p") == {}


def test_a_column_whose_type_is_changed_comes_from_what_is_used(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    url = duck("CREATE TABLE p (id INT, email TEXT, low TEXT)")
    (tmp_path / "fill.sql").write_text(
        "ALTER TABLE p ALTER COLUMN low TYPE VARCHAR USING (low || md5(email));"
        " ALTER TABLE p ALTER email SET DATA TYPE VARCHAR USING email || id;"
        " ALTER TABLE p ALTER id TYPE BIGINT"
    )
    report = run(hw, url, tmp_path / "fill.sql")
    assert report.unresolved == []
    assert pairs(hw, "p") == {("p.email", "low"): True, ("p.id", "email"): False}


def test_what_is_not_followed_within_a_table_is_perhaps_of_its_columns(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    url = duck("CREATE TABLE p (id INT, email TEXT, low TEXT)")
    (tmp_path / "fill.sql").write_text("UPDATE p SET (low, id) = (SELECT email, 1 FROM p)")
    report = run(hw, url, tmp_path / "fill.sql")
    assert report.unresolved
    assert reached(hw, f"{MAIN}.p.email", f"{MAIN}.p.low") == {"low": "perhaps"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "CREATE TABLE copy_new AS SELECT * FROM customers; DROP TABLE copy;"
            " ALTER TABLE copy_new RENAME TO copy",
            {("customers.id", "id"), ("customers.email", "email"),
             ("customers.Full Name", "Full Name")},
        ),
        (
            "INSERT INTO copy_new (id, email) SELECT c.id, d.email FROM copy c, customers d;"
            " ALTER TABLE copy RENAME TO copy_old; ALTER TABLE copy_new RENAME TO copy;"
            " DROP TABLE copy_old",
            {("customers.email", "email")},
        ),
        (
            "INSERT INTO old SELECT id, email, 1 FROM customers;"
            " ALTER TABLE old RENAME COLUMN name TO \"Full Name\"; ALTER TABLE old RENAME TO copy",
            {("customers.id", "id"), ("customers.email", "email")},
        ),
        (
            "INSERT INTO copy (mail) SELECT email FROM customers;"
            " ALTER TABLE copy RENAME COLUMN mail TO email;"
            " INSERT INTO copy (id) SELECT id FROM customers",
            {("customers.email", "email"), ("customers.id", "id")},
        ),
    ],
)  # fmt: skip
def test_what_is_renamed_goes_on_under_its_new_name(
    url: str, hw: Headwater, tmp_path: Path, sql: str, expected: set[tuple[str, str]]
) -> None:
    (tmp_path / "fill.sql").write_text(sql)
    report = run(hw, url, tmp_path / "fill.sql")
    assert report.unresolved == []
    assert set(pairs(hw, "copy")) == expected


@pytest.mark.parametrize(
    ("columns", "expected"), [("email", "certain"), ("email, shoe", "perhaps")]
)
def test_what_was_behind_a_table_is_behind_it_under_its_new_name(
    url: str, hw: Headwater, tmp_path: Path, columns: str, expected: str
) -> None:
    (tmp_path / "fill.sql").write_text(
        f"CREATE TABLE s1 AS SELECT {columns} FROM customers; ALTER TABLE s1 RENAME TO s2;"  # noqa: S608  # parsed only
        " INSERT INTO copy (email) SELECT email FROM s2; DROP TABLE s2"
    )
    run(hw, url, tmp_path / "fill.sql")
    found = reached(hw, f"{MAIN}.customers.email", f"{MAIN}.copy.email")
    assert found == {"email": expected}


@pytest.mark.parametrize("kind", ["TABLE", "TEMP TABLE"])
def test_what_was_behind_a_table_is_behind_it_in_later_files(
    url: str, hw: Headwater, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "1.sql").write_text(
        f"CREATE {kind} stage AS SELECT email FROM customers"  # noqa: S608  # parsed only
    )
    (tmp_path / "2.sql").write_text("INSERT INTO copy (email) SELECT email FROM stage")
    (tmp_path / "3.sql").write_text("DROP TABLE stage")
    run(hw, url, tmp_path)
    found = reached(hw, f"{MAIN}.customers.email", f"{MAIN}.copy.email")
    assert found == {"email": "perhaps"}


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("snowflake", "ALTER TABLE a SWAP WITH b"),
        ("clickhouse", "EXCHANGE TABLES a AND b"),
        ("mysql", "RENAME TABLE a TO c, b TO a, c TO b"),
        ("tsql", "EXEC sp_rename 'b', 'c'; EXEC sp_rename 'a', 'b'; EXEC sp_rename 'c', 'a'"),
    ],
)
def test_tables_that_change_places_are_known_by_their_names_of_the_end(
    dialect: str, sql: str
) -> None:
    grammar = Dialect.get_or_raise(dialect)
    statements = [*split(f"INSERT INTO a SELECT 1; {sql}; INSERT INTO a SELECT 2", grammar)]
    names = "AB" if dialect == "snowflake" else "ab"
    tables = [Relation("main", name, ("x",)) for name in names]
    reader = ViewReader(tables, dialect=dialect, database="db", default_schema="main")
    told = renamings(statements, grammar, [reader.place_of] * len(statements))
    filled = []
    for at in (0, -1):
        (feed,) = feeds(statements[at].parse(grammar))
        filled.append(reader.within(then=told[at]).read_feed(feed)[0].name)
    assert filled == [names[1], names[0]]


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("hive", "ALTER TABLE a EXCHANGE PARTITION (d='1') WITH TABLE b", {"b": "a"}),
        ("mysql", "ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b", {"b": "a", "a": "b"}),
        ("clickhouse", "ALTER TABLE a REPLACE PARTITION 1 FROM b", {"b": "a"}),
        ("tsql", "ALTER TABLE b SWITCH PARTITION 2 TO a PARTITION 2", {"b": "a"}),
        ("tsql", "ALTER TABLE b SWITCH TO x.a", {"b": "a"}),
        ("postgres", "ALTER TABLE a ATTACH PARTITION b FOR VALUES FROM (1) TO (2)", {}),
    ],
)
def test_partitions_that_change_tables_feed_them(
    dialect: str, sql: str, expected: dict[str, str]
) -> None:
    grammar = Dialect.get_or_raise(dialect)
    (statement,) = split(sql, grammar)
    moved = feeds(statement.parse(grammar))
    found = {str(next(each.query.find_all(exp.Table)).name): each.table.name for each in moved}
    assert found == expected


VARIED = [
    "SET VARIABLE v = (SELECT max(email) FROM customers); UPDATE copy SET email = getvariable('v')",
    "INSERT INTO copy (email) SELECT email FROM query_table('customers')",
    "INSERT INTO copy (email) SELECT q.email FROM query('SELECT email FROM customers') q",
]
"""Reads by a variable or a text."""
SUMMED = [
    "PREPARE q AS SELECT * FROM customers; CREATE TABLE spending AS EXECUTE q",
    "PREPARE Q (int) AS SELECT * FROM customers; CREATE TABLE spending (a, b) AS EXECUTE q(1)",
    'PREPARE "Q" AS SELECT * FROM customers; CREATE TEMP TABLE k AS EXECUTE "Q";'
    " INSERT INTO spending SELECT * FROM k",
    "CREATE TABLE spending AS SUMMARIZE customers",
    "CREATE TABLE spending AS (SUMMARIZE customers)",
    "INSERT INTO spending FROM (SUMMARIZE customers)",
    "CREATE TABLE spending AS DESCRIBE customers",
    "CREATE TABLE spending AS SHOW customers",
    "CREATE TABLE spending AS PIVOT customers ON id USING max(email)",
    "CREATE TABLE spending AS UNPIVOT customers ON email INTO NAME n VALUE v",
]
"""What DuckDB makes of a table in other forms."""


@pytest.mark.parametrize(
    ("sql", "filled"),
    [*((sql, "copy.email") for sql in VARIED), *((sql, "spending.who") for sql in SUMMED)],
)
def test_what_is_read_in_ways_that_are_not_followed_is_perhaps_of_what_is_named(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path, sql: str, filled: str
) -> None:
    (tmp_path / "fill.sql").write_text(sql)
    report = run(hw, duck(SHOP), tmp_path / "fill.sql")
    assert len(report.unresolved) >= 1
    found = reached(hw, f"{MAIN}.customers.email", f"{MAIN}.{filled}")
    assert found == {filled.partition(".")[2]: "perhaps"}


def test_a_variable_of_a_constant_is_told_of_no_table(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    (tmp_path / "fill.sql").write_text(
        "SET VARIABLE v = 5;"
        " INSERT INTO copy (id, email) SELECT getvariable('v'), email FROM customers"
    )
    report = run(hw, duck(SHOP), tmp_path / "fill.sql")
    assert report.unresolved == []
    assert set(pairs(hw, "copy")) == {("customers.email", "email")}


@pytest.mark.parametrize("value", ["CONCAT(VALUES(a), b)", "new.a", "excluded.a"])
def test_what_is_done_with_a_row_that_is_there_reads_the_row_to_be_inserted(value: str) -> None:
    grammar = Dialect.get_or_raise("mysql")
    sql = f"INSERT INTO t (a, b) SELECT x, 1 FROM s ON DUPLICATE KEY UPDATE b = {value}"  # noqa: S608  # parsed only
    (statement,) = split(sql, grammar)
    source = Relation("main", "s", ("x",))
    known = [source, Relation("main", "t", ("a", "b"))]
    reader = ViewReader(known, dialect="mysql", database="db", default_schema="main")
    _, last = feeds(statement.parse(grammar))
    _, lineage = reader.read_feed(last)
    (column,) = lineage.columns
    assert (source, "x") in column.origins or source in column.perhaps
