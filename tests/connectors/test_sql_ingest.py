"""The SQL connector from a real database to a real catalog."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater import Database, Headwater, SourceError, Table
from headwater.connectors.config import check_config
from headwater.connectors.ingest import ingest as ingest_all
from headwater.connectors.sql import ingest
from headwater.generated import Constraint

from .conftest import MakeDatabase, reached

CELLAR = """
    CREATE TABLE sample (id INTEGER PRIMARY KEY, grower VARCHAR NOT NULL);
    CREATE TABLE chemistry (sample_id INTEGER PRIMARY KEY REFERENCES sample (id),
        acid DOUBLE, ash DOUBLE, "odd. name" DOUBLE);
    CREATE VIEW ratio AS
        SELECT c.sample_id, c.acid / c.ash AS acid_to_ash, s.grower, c."odd. name" AS "Odd"
        FROM chemistry c JOIN sample s ON s.id = c.sample_id WHERE c.acid > 0;
    CREATE VIEW top AS SELECT * FROM ratio;
"""


def feeds(hw: Headwater, column: str) -> set[str]:
    """The columns that a column is made from, one step up."""
    lineage = hw.lineage(f"column:{column}", upstream=1, downstream=0, level="column")
    return {node.fully_qualified_name for node in lineage.upstream()}


def test_a_sqlite_database_with_its_lineage(sqlite: MakeDatabase, hw: Headwater) -> None:
    check_cellar(hw, sqlite(CELLAR), "sqlite")


def test_a_duckdb_database_with_its_lineage(duck: MakeDatabase, hw: Headwater) -> None:
    check_cellar(hw, duck(CELLAR), "duckdb")


def check_cellar(hw: Headwater, url: str, service: str) -> None:
    report = ingest(hw, url)
    assert report.succeeded
    assert (report.seen, report.created, report.found) == (7, 7, 4)
    assert (report.edges, report.columns, report.unresolved) == (3, 8, [])
    main = f"{service}.cellar.main"
    chemistry = hw.get(Table, f"{main}.chemistry")
    assert [column.name for column in chemistry.columns or []] == [
        *("sample_id", "acid", "ash", "odd. name"),
    ]
    assert (chemistry.columns or [])[0].constraint is Constraint.primary_key
    constraints = [each.to_wire() for each in chemistry.table_constraints or []]
    assert {
        "constraintType": "FOREIGN_KEY",
        "columns": ["sample_id"],
        "referredColumns": [f"{main}.sample.id"],
    } in constraints
    assert feeds(hw, f"{main}.ratio.acid_to_ash") == {
        f"{main}.chemistry.acid",
        f"{main}.chemistry.ash",
    }
    assert feeds(hw, f"{main}.ratio.grower") == {f"{main}.sample.grower"}
    assert feeds(hw, f"{main}.ratio.Odd") == {f'{main}.chemistry."odd. name"'}
    assert feeds(hw, f"{main}.top.acid_to_ash") == {f"{main}.ratio.acid_to_ash"}
    tables = hw.lineage(f"table:{main}.top", upstream=3, downstream=0).upstream()
    assert {node.name for node in tables} == {"ratio", "chemistry", "sample"}


def test_a_second_run_writes_nothing(duck: MakeDatabase, hw: Headwater) -> None:
    url = duck(CELLAR)
    ingest(hw, url)
    before = told(hw)
    again = ingest(hw, url)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 7)
    assert again.edges == 3
    assert told(hw) == before


def told(hw: Headwater) -> list[dict[str, Any]]:
    """The events, but for those of runs."""
    return [event for event in hw.events() if event["entity"]["type"] != "pipelineRun"]


def test_a_changed_view_says_its_lineage_anew(duck: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, duck(CELLAR))
    url = duck("""
        DROP VIEW top; DROP VIEW ratio;
        CREATE VIEW ratio AS SELECT sample_id, ash AS acid_to_ash FROM chemistry;
    """)
    report = ingest(hw, url)
    assert report.changed == 1
    assert feeds(hw, "duckdb.cellar.main.ratio.acid_to_ash") == {"duckdb.cellar.main.chemistry.ash"}


def test_what_a_view_no_longer_reads_is_closed(duck: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, duck(CELLAR))
    ratio = "table:duckdb.cellar.main.ratio"
    hw.put_edge("table:duckdb.cellar.main.top", ratio)
    report = ingest(
        hw,
        duck("""
        DROP VIEW top; DROP VIEW ratio;
        CREATE VIEW ratio AS SELECT sample_id, ash AS acid_to_ash FROM chemistry;
        CREATE VIEW top AS SELECT 1 AS one;
    """),
    )
    assert (report.edges, report.failed) == (1, [])
    up = {node.name for node in hw.lineage(ratio, downstream=0).upstream()}
    assert up == {"chemistry", "top"}  # a person's own edge stays
    assert not hw.lineage("table:duckdb.cellar.main.top", downstream=0).upstream()


def test_a_table_in_the_place_of_a_view_is_made_from_nothing(
    duck: MakeDatabase, hw: Headwater
) -> None:
    ingest(hw, duck(CELLAR))
    url = duck("DROP VIEW top; DROP VIEW ratio; CREATE TABLE ratio (grower TEXT, id INT)")
    for _ in range(2):
        report = ingest(hw, url)
    assert report.changed == 0
    ratio = "duckdb.cellar.main.ratio"
    assert feeds(hw, f"{ratio}.grower") == set()
    assert not hw.lineage(f"table:{ratio}", downstream=0).upstream()


@pytest.mark.parametrize("by", ["view", "file"])
def test_an_open_column_beside_known_ones_is_perhaps_of_all_that_is_read(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path, by: str
) -> None:
    query = "SELECT p.name, p AS v, md5(CAST(p AS TEXT)) AS w FROM people p"
    made = "CREATE TABLE wide (name TEXT, v STRUCT(name TEXT, age BIGINT), w TEXT)"
    fills = f"INSERT INTO wide {query}"
    if by == "view":
        made, fills = f"CREATE VIEW wide AS {query}", "SELECT 1"
    url = duck(f"CREATE TABLE people (name TEXT, age BIGINT); {made};")
    file = tmp_path / "fill.sql"
    file.write_text(fills)
    source = {"type": "sql", "service": "duckdb", "url": url, "statements": [str(file)]}
    for _ in range(2):  # once more, it is in place of the same
        (report,) = ingest_all(hw, check_config({"sources": [source]}))
        assert report.unresolved
    main = "duckdb.cellar.main"
    people, wide = f"{main}.people", f"{main}.wide"
    assert feeds(hw, f"{wide}.name") == {f"{people}.name"}
    assert feeds(hw, f"{wide}.v") == feeds(hw, f"{wide}.w") == {people}
    hw.create({"name": "PII"}, kind="classification")
    hw.create({"name": "Sensitive", "classification": "PII"}, kind="tag")
    age = {"name": "age", "dataType": "BIGINT", "tags": ["PII.Sensitive"]}
    columns = [{"name": "name", "dataType": "VARCHAR"}, age]
    body = {"name": "people", "databaseSchema": main, "columns": columns}
    hw.create_or_update(body, kind="table")
    for column in ("name", "v", "w"):
        sources = [{"name": column, "dataSource": wide}]
        features = [{"name": "f", "featureSources": sources}]
        hw.create({"name": column, "algorithm": "x", "mlFeatures": features}, kind="mlmodel")
    found = hw.impact(f"{people}.age")
    perhaps = [each.node.name for each in found.table_level_models]
    assert (found.total, perhaps) == (0, ["v", "w"])
    sensitive = hw.tag_impact("PII")
    perhaps = [each.node.name for each in sensitive.table_level_models]
    assert (sensitive.total, perhaps) == (0, ["v"])
    asked = {name: hw.tagged_sources(f"headwater.{name}", "PII") for name in ("name", "v", "w")}
    assert {n: each.table_level_total for n, each in asked.items()} == {"name": 0, "v": 1, "w": 0}
    assert {each.total for each in asked.values()} == {0}


@pytest.mark.parametrize(
    "query", ["SELECT p AS v FROM people p", "SELECT * FROM (SUMMARIZE people)"]
)
def test_a_pair_that_a_person_adds_settles_nothing_else_of_an_open_view(
    duck: MakeDatabase, hw: Headwater, query: str
) -> None:
    ingest(hw, duck(f"CREATE TABLE people (name TEXT, age BIGINT); CREATE VIEW wide AS {query};"))
    people, wide = "duckdb.cellar.main.people", "duckdb.cellar.main.wide"
    first = (hw.get(Table, wide).columns or [])[0].name
    pairs = [{"fromColumns": [f"{people}.name"], "toColumn": f"{wide}.{first}"}]
    hw.put_edge(f"table:{people}", f"table:{wide}", details={"columnsLineage": pairs})
    assert reached(hw, f"{people}.name", f"{wide}.{first}") == {first: "certain"}
    assert reached(hw, f"{people}.age", f"{wide}.{first}") == {first: "perhaps"}


def test_what_a_statement_that_is_open_fills_is_perhaps_of_all_that_it_reads(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    url = duck("CREATE TABLE people (name TEXT, age INT); CREATE TABLE made (who TEXT, old INT);")
    file = tmp_path / "fill.sql"
    file.write_text(
        "INSERT INTO made (who) SELECT name FROM people; INSERT INTO made SELECT 1, * FROM people;"
    )
    source = {"type": "sql", "service": "duckdb", "url": url, "statements": [str(file)]}
    (report,) = ingest_all(hw, check_config({"sources": [source]}))
    assert "the SQL has 3 outputs" in report.unresolved[0].message
    people, made = "duckdb.cellar.main.people", "duckdb.cellar.main.made"
    assert feeds(hw, f"{made}.who") == {f"{people}.name", people}
    assert feeds(hw, f"{made}.old") == {people}


def test_what_cannot_be_read_now_is_perhaps(sqlite: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, sqlite("CREATE TABLE t (a INTEGER); CREATE VIEW v AS SELECT a FROM t;"))
    report = ingest(
        hw, sqlite("DROP VIEW v; CREATE VIEW v AS SELECT CAST(a AS UNSIGNED BIG INT) AS a FROM t;")
    )
    assert [note.name for note in report.unresolved] == ["sqlite.cellar.main.v"]
    assert reached(hw, "sqlite.cellar.main.t.a", "sqlite.cellar.main.v.a") == {"a": "perhaps"}


def test_a_view_over_functions_of_one_application_is_described_as_sqlite_describes_it(
    sqlite: MakeDatabase, hw: Headwater
) -> None:
    class Spread:
        step = inverse = value = finalize = print

    views = {
        "named": "SELECT a, blur(b) AS blurred FROM t",
        "unnamed": "SELECT blur( b ), A, b AS \"b b\", blur(b)||'x', * FROM t",
        "above": "SELECT * FROM unnamed",
        "summed": "SELECT spread(a) FILTER (WHERE a > 1), spread(a) OVER (ORDER BY b) AS so FROM t",
        "plain": "SELECT a FROM t",
    }
    url = sqlite("CREATE TABLE t (a INTEGER, b TEXT)")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.create_function("blur", 1, str)  # unknown to every other connection
        connection.create_window_function("spread", 1, Spread)
        for name, sql in views.items():
            connection.execute(f"CREATE VIEW {name} AS {sql}")
        described = {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            for name in views
        }
    report, main = ingest(hw, url), "sqlite.cellar.main"
    assert (report.failed, report.unresolved) == ([], [])
    for name, columns in described.items():
        table = hw.get(Table, f"{main}.{name}")
        assert [column.name for column in table.columns or []] == columns
    assert "blur(b) AS blurred" in (hw.get(Table, f"{main}.named").view_definition or "")
    assert feeds(hw, f"{main}.named.blurred") == {f"{main}.t.b"}
    assert feeds(hw, f"{main}.unnamed.blur( b )") == {f"{main}.t.b"}
    assert feeds(hw, f"{main}.unnamed.a:1") == {f"{main}.t.a"}
    assert feeds(hw, f"{main}.above.a:1") == {f"{main}.unnamed.a:1"}
    again = ingest(hw, url)
    assert (again.created, again.changed) == (0, 0)


def test_the_row_id_of_sqlite_is_the_key_that_it_is_another_name_of(
    sqlite: MakeDatabase, hw: Headwater
) -> None:
    url = sqlite("""
        CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE places (id INT PRIMARY KEY, oid TEXT);
        CREATE TABLE back (id INTEGER PRIMARY KEY DESC, name TEXT);  -- not the row's number
        CREATE VIEW rows AS SELECT rowid, * FROM people;
        CREATE VIEW pairs AS SELECT p.oid AS person, l.rowid AS place, l.oid AS word,
          b._rowid_ AS b, (SELECT max(ROWID) FROM people) AS most
        FROM people p, places l, back b;
    """)
    report = ingest(hw, url, service="s")
    assert report.unresolved == []
    assert feeds(hw, "s.cellar.main.rows.id") == {"s.cellar.main.people.id"}
    assert feeds(hw, "s.cellar.main.rows.name") == {"s.cellar.main.people.name"}
    made = {name: feeds(hw, f"s.cellar.main.pairs.{name}") for name in ("person", "place", "word")}
    assert made == {
        "person": {"s.cellar.main.people.id"},
        "place": set(),
        "word": {"s.cellar.main.places.oid"},
    }
    assert feeds(hw, "s.cellar.main.pairs.most") == {"s.cellar.main.people.id"}
    assert feeds(hw, "s.cellar.main.pairs.b") == set()


def test_a_view_that_was_never_whole_has_the_columns_that_its_sql_names(
    sqlite: MakeDatabase, hw: Headwater
) -> None:
    url = sqlite("""
        CREATE TABLE t (a INTEGER, b TEXT);
        CREATE VIEW named AS SELECT t.a, b AS bb FROM t, gone;
        CREATE VIEW listed (x, y) AS SELECT lower(t.a), b FROM t, gone;
        CREATE VIEW partly AS SELECT lower(t.a), t.*, b AS bb, a, a FROM t, gone;
    """)
    report, main = ingest(hw, url), "sqlite.cellar.main"
    assert len(report.failed) == 3

    def columns(view: str) -> list[str]:
        return [each.name for each in hw.get(Table, f"{main}.{view}").columns or []]

    assert [columns("named"), columns("listed"), columns("partly")] == [
        ["a", "bb"],
        ["x", "y"],
        ["bb"],
    ]
    assert feeds(hw, f"{main}.listed.x") == {f"{main}.t.a"}
    told = [note.message for note in report.unresolved if note.name == f"{main}.partly"]
    assert told[0] == "not all of its columns are known: the SQL does not name them"
    upstream = hw.lineage(f"table:{main}.partly", upstream=1, downstream=0).upstream()
    assert [node.fully_qualified_name for node in upstream] == [f"{main}.t"]


def test_a_view_that_breaks_keeps_its_columns(sqlite: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, sqlite("CREATE TABLE t (a INTEGER); CREATE VIEW v AS SELECT a FROM t;"))
    before = hw.get(Table, "sqlite.cellar.main.v")
    report = ingest(hw, sqlite("DROP TABLE t"))
    assert [each.name for each in report.failed] == ["sqlite.cellar.main.v"]
    assert hw.get(Table, "sqlite.cellar.main.v") == before
    ingest(hw, sqlite("DROP VIEW v; CREATE VIEW v AS SELECT a, a AS b FROM t"))
    columns = hw.get(Table, "sqlite.cellar.main.v").columns
    assert [column.name for column in columns or []] == ["a", "b"]


def test_one_view_that_is_refused_holds_up_no_other(
    sqlite: MakeDatabase, hw: Headwater, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlite("""
        CREATE TABLE t (a INTEGER);
        CREATE VIEW bad AS SELECT a FROM t; CREATE VIEW good AS SELECT a FROM t;
    """)
    replace = Headwater.replace_edges

    def meanwhile_deleted(client: Headwater, edges: Any, **options: Any) -> dict[str, Any]:
        if found := hw.find(Table, "sqlite.cellar.main.bad"):
            hw.delete(found)
        return replace(client, edges, **options)

    monkeypatch.setattr(Headwater, "replace_edges", meanwhile_deleted)
    report = ingest(hw, url)
    assert [failure.name for failure in report.failed] == ["lineage of sqlite.cellar.main.bad"]
    assert "is deleted" in report.failed[0].message
    assert (report.edges, feeds(hw, "sqlite.cellar.main.good.a")) == (1, {"sqlite.cellar.main.t.a"})


def test_a_dropped_column_makes_a_major_version(duck: MakeDatabase, hw: Headwater) -> None:
    ingest(hw, duck("CREATE TABLE t (a INTEGER, b INTEGER)"))
    ingest(hw, duck("ALTER TABLE t DROP COLUMN b"))
    assert hw.get(Table, "duckdb.cellar.main.t").version == "1.0"


def test_what_a_person_wrote_stays(duck: MakeDatabase, hw: Headwater) -> None:
    url = duck("CREATE TABLE t (a INTEGER); COMMENT ON TABLE t IS 'by the database'")
    ingest(hw, url)
    table = hw.get(Table, "duckdb.cellar.main.t")
    assert table.description == "by the database"
    table.description = "by a person"
    hw.update(table)
    assert ingest(hw, url).changed == 0
    assert hw.get(Table, "duckdb.cellar.main.t").description == "by a person"


def test_a_comment_that_goes_takes_the_description_with_it(
    duck: MakeDatabase, hw: Headwater
) -> None:
    ingest(hw, duck("CREATE TABLE t (a INTEGER); COMMENT ON TABLE t IS 'old'"))
    ingest(hw, duck("COMMENT ON TABLE t IS NULL"))
    assert hw.get(Table, "duckdb.cellar.main.t").description is None


def test_everything_is_written_by_the_producer_of_the_service(
    sqlite: MakeDatabase, hw: Headwater
) -> None:
    ingest(hw, sqlite(CELLAR), service="my cellar")
    assert hw.get(Database, "my cellar.cellar").service.fully_qualified_name == "my cellar"
    lineage = hw.lineage("table:my cellar.cellar.main.ratio", upstream=1, downstream=0)
    told = [assertion for edge in lineage.edges for assertion in edge.assertions]
    assert {(each["source"], each["producer"]) for each in told} == {("view", "sql:my cellar")}
    assert all("CREATE VIEW ratio" in each["sqlQuery"] for each in told)


def test_a_service_may_have_any_name(sqlite: MakeDatabase, hw: Headwater) -> None:
    report = ingest(hw, sqlite(CELLAR), service='Keller "Süd". 葡萄')
    assert report.succeeded
    assert report.edges == 3


def test_odd_names_and_shapes_of_views(duck: MakeDatabase, hw: Headwater) -> None:
    url = duck("""
        CREATE SCHEMA "raw data";
        CREATE TABLE "raw data"."Wine ""A"".b/ü" ("The ID" INTEGER, "a.b" DOUBLE, up INTEGER);
        CREATE VIEW pairs AS SELECT l."a.b" AS own, r."a.b" AS above
            FROM "raw data"."Wine ""A"".b/ü" l JOIN "raw data"."Wine ""A"".b/ü" r
            ON l.up = r."The ID";
        CREATE VIEW listed ("x.y", z) AS SELECT * EXCLUDE (up) FROM "raw data"."wine ""a"".B/ü";
    """)
    report = ingest(hw, url)
    assert report.succeeded
    assert not report.unresolved
    raw = 'duckdb.cellar.raw data."Wine ""A"".b/ü"'
    assert feeds(hw, "duckdb.cellar.main.pairs.own") == {f'{raw}."a.b"'}
    assert feeds(hw, "duckdb.cellar.main.pairs.above") == {f'{raw}."a.b"'}
    assert feeds(hw, 'duckdb.cellar.main.listed."x.y"') == {f"{raw}.The ID"}


def test_a_view_whose_sql_cannot_be_read_is_reported_and_perhaps_made_from_all_that_it_names(
    sqlite: MakeDatabase, hw: Headwater
) -> None:
    url = sqlite("""
        CREATE TABLE t (a INTEGER);
        CREATE VIEW odd
        AS
            SELECT a,
                   CAST(a AS UNSIGNED BIG INT) AS big
            FROM t;
        CREATE VIEW good AS SELECT a FROM t;
    """)
    report = ingest(hw, url)
    assert report.succeeded
    assert [(note.name, note.line) for note in report.unresolved] == [("sqlite.cellar.main.odd", 4)]
    assert "open: sqlite.cellar.main.odd, line 4: the SQL cannot be resolved" in str(report)
    assert [column.name for column in hw.get(Table, "sqlite.cellar.main.odd").columns or []] == [
        *("a", "big"),
    ]
    odd = "sqlite.cellar.main.odd"
    found = reached(hw, "sqlite.cellar.main.t.a", f"{odd}.a", f"{odd}.big")
    assert found == {"a": "perhaps", "big": "perhaps"}
    assert feeds(hw, "sqlite.cellar.main.good.a") == {"sqlite.cellar.main.t.a"}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT list_transform([1], lambda e: e + a) AS x, 1 AS y FROM t",
        "SELECT [e + 1 FOR e IN (SELECT list(a) FROM t)] AS x, 1 AS y",
        "SELECT column_name AS x, 1 AS y FROM (SUMMARIZE t)",
        "SELECT * FROM (PIVOT t ON b IN (1, 2) USING max(a) GROUP BY a)",
        "VALUES (1, 2), ((SELECT max(a) FROM main.t), 2)",
        "SELECT a AS x, COLUMNS('b') AS y FROM t",
    ],
)
def test_views_of_duckdb_that_are_not_followed_are_perhaps(
    duck: MakeDatabase, hw: Headwater, query: str
) -> None:
    duck("CREATE TABLE t (a INT, b INT); INSERT INTO t VALUES (1, 2)")
    ingest(hw, duck(f"CREATE VIEW v AS {query}"))
    main = "duckdb.cellar.main"
    view = hw.get(Table, f"{main}.v")
    first = (view.columns or [])[0].name
    assert reached(hw, f"{main}.t.a", f"{main}.v.{first}")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("(SELECT max(k.x) FROM rows_of(1) k)", {"x": "perhaps"}),
        ("most_of(b)", {"x": "perhaps"}),
        ("more_of(b) + 1", {"x": "perhaps"}),
        ("twice(b)", {}),
        ("twice(a)", {"x": "certain"}),
    ],
)
def test_a_macro_of_duckdb_that_reads_tables_leaves_what_calls_it_open(
    duck: MakeDatabase, hw: Headwater, output: str, expected: dict[str, str]
) -> None:
    duck("""
        CREATE TABLE t (a INT, b INT); CREATE TABLE u (b INT);
        CREATE MACRO rows_of(n) AS TABLE SELECT a + n AS x FROM t;
        CREATE MACRO most_of(n) AS n + (SELECT max(a) FROM t);
        CREATE MACRO more_of(n) AS most_of(n) + 1;
        CREATE MACRO twice(n) AS n * 2;
    """)
    rows = "t" if output.startswith("twice") else "u"
    ingest(hw, duck(f"CREATE VIEW v AS FROM {rows} SELECT {output} AS x"))
    main = "duckdb.cellar.main"
    assert reached(hw, f"{main}.t.a", f"{main}.v.x") == expected


def test_a_table_that_the_catalog_refuses_holds_up_no_other(
    sqlite: MakeDatabase, hw: Headwater
) -> None:
    url = sqlite("""
        CREATE TABLE "line\nbreak" (a INTEGER); CREATE TABLE t (a INTEGER);
        CREATE VIEW v AS SELECT t.a, l.a AS b FROM t, "line\nbreak" l;
    """)
    report = ingest(hw, url)
    assert not report.succeeded
    assert [failure.name for failure in report.failed] == ["table line\nbreak"]
    assert feeds(hw, "sqlite.cellar.main.v.a") == {"sqlite.cellar.main.t.a"}


def test_an_empty_database_is_no_success_and_writes_nothing(
    sqlite: MakeDatabase, hw: Headwater
) -> None:
    report = ingest(hw, sqlite(""))
    assert not report.succeeded
    assert "nothing was found" in str(report)
    assert not list(hw.list("databaseService"))


def test_a_database_that_is_not_there_writes_nothing(hw: Headwater) -> None:
    with pytest.raises(SourceError, match="no such file"):
        ingest(hw, "sqlite:////nowhere/cellar.db")
    assert not list(hw.list("databaseService"))
    (run,) = hw.list("pipelineRun")
    counted = hw.records(run.id, "metric", kind="pipelineRun", key="failed")
    assert [each["data"]["value"] for each in counted] == [1]


def test_the_connector_loads_no_driver_until_it_runs() -> None:
    code = (
        "import sys; import headwater.connectors.sql;"
        "print([name for name in ('sqlalchemy', 'sqlglot', 'duckdb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['sqlglot'] = None\n"
        "from headwater.connectors.sql import ingest\n"
        "from headwater.errors import NotInstalledError\n"
        "try:\n    ingest(None, 'sqlite://')\n"
        "except NotInstalledError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "headwater[sql]" in done.stdout


GENERATED = """
    CREATE TABLE p (id INTEGER PRIMARY KEY, email VARCHAR, n INTEGER,
        low VARCHAR GENERATED ALWAYS AS (lower(email)), hidden VARCHAR AS (hex(email) || ',x('),
        "Next one" INTEGER GENERATED ALWAYS AS (n + 1), plain VARCHAR DEFAULT (lower('x')));
    CREATE VIEW v AS SELECT low, hidden, "Next one" AS k, plain FROM p;
"""


@pytest.mark.parametrize("engine", ["sqlite", "duck"])
def test_a_generated_column_is_made_from_others_of_its_table(
    request: pytest.FixtureRequest, hw: Headwater, engine: str
) -> None:
    make: MakeDatabase = request.getfixturevalue(engine)
    url = make(GENERATED)
    config = {"type": "sql", "service": "db", "url": url, "masking": ["hex"]}
    (report,) = ingest_all(hw, check_config({"sources": [config]}))
    assert report.succeeded
    assert report.unresolved == []
    v, p = "db.cellar.main.v", "db.cellar.main.p"
    targets = [f"{v}.low", f"{v}.hidden", f"{v}.k", f"{v}.plain"]
    assert reached(hw, f"{p}.email", *targets) == {"low": "certain", "hidden": "certain"}
    assert reached(hw, f"{p}.n", *targets) == {"k": "certain"}
    edges = hw.lineage(f"column:{p}.hidden", upstream=1, level="column").to_wire()["edges"]
    assert [edge.get("masking") for edge in edges if edge["from"] != edge["to"]].count(True) == 1
    before = hw.lineage(f"table:{p}").to_wire()
    ingest_all(hw, check_config({"sources": [config]}))
    assert hw.lineage(f"table:{p}").to_wire() == before


def test_a_column_that_is_generated_no_more_loses_what_it_came_from(
    sqlite: MakeDatabase, hw: Headwater
) -> None:
    url = sqlite(GENERATED)
    ingest(hw, url, service="db")
    path = Path(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP VIEW v; ALTER TABLE p DROP COLUMN low; ALTER TABLE p ADD COLUMN low VARCHAR"
        )
    ingest(hw, url, service="db")
    p = "db.cellar.main.p"
    assert reached(hw, f"{p}.email", f"{p}.low", f"{p}.hidden") == {"hidden": "certain"}
