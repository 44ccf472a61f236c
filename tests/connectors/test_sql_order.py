"""What a file of SQL says of a name that means another table later, judged by running the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot.dialects.dialect import Dialect

from headwater import Headwater
from headwater.sql.bygone import Bygone
from headwater.sql.relation import Relation
from headwater.sql.remade import pasts
from headwater.sql.rename import Then
from headwater.sql.script import split
from headwater.sql.statement import feeds
from headwater.sql.view_lineage import ViewReader

from .conftest import MakeDatabase, reached
from .test_sql_statements import pairs, run

MAIN = "shop.cellar.main"
SHOP = """
    CREATE TABLE s (a VARCHAR, b VARCHAR);
    INSERT INTO s VALUES ('a', 'b');
    CREATE TABLE x (p VARCHAR);
    CREATE TABLE y (q VARCHAR);
"""
MAKES = "CREATE TABLE t AS SELECT b AS r FROM s;"
MADE_AGAIN = {
    "dropped": """
        CREATE TABLE t AS SELECT a AS r FROM s; INSERT INTO x SELECT r FROM t;
        DROP TABLE t; CREATE TABLE t AS SELECT b AS r FROM s; INSERT INTO y SELECT r FROM t""",
    "filled by an insert": """
        CREATE TABLE t (r VARCHAR); INSERT INTO t SELECT a FROM s; INSERT INTO x SELECT r FROM t;
        DROP TABLE IF EXISTS t; CREATE TABLE t (r VARCHAR); INSERT INTO t SELECT b FROM s;
        INSERT INTO y SELECT r FROM t""",
    "of itself": """
        CREATE TABLE t AS SELECT a AS r, b AS o FROM s; INSERT INTO x SELECT r FROM t;
        CREATE TABLE n AS SELECT o AS r FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;
        INSERT INTO y SELECT r FROM t""",
    "renamed": """
        CREATE TABLE n AS SELECT a AS r FROM s; ALTER TABLE n RENAME TO t;
        INSERT INTO x SELECT r FROM t; DROP TABLE t;
        CREATE TABLE n AS SELECT b AS r FROM s; ALTER TABLE n RENAME TO t;
        INSERT INTO y SELECT r FROM t""",
    "a view": """
        CREATE VIEW t AS SELECT a AS r FROM s; INSERT INTO x SELECT r FROM t;
        DROP VIEW t; CREATE VIEW t AS SELECT b AS r FROM s; INSERT INTO y SELECT r FROM t""",
    "behind a view": """
        CREATE TABLE t AS SELECT a AS r FROM s; CREATE VIEW v AS SELECT r AS r FROM t;
        INSERT INTO x SELECT r FROM v; DROP TABLE t; CREATE TABLE t AS SELECT b AS r FROM s;
        INSERT INTO y SELECT r FROM v""",
    "behind a view of then": """
        CREATE TABLE t AS SELECT a AS r FROM s; CREATE VIEW v AS SELECT r AS r FROM t;
        DROP TABLE t; CREATE TABLE t AS SELECT b AS r FROM s; INSERT INTO y SELECT r FROM v;
        DROP VIEW v; CREATE VIEW v AS SELECT a AS r FROM s; INSERT INTO x SELECT r FROM v""",
    "for the session": """
        CREATE TEMP TABLE t AS SELECT a AS r FROM s; INSERT INTO x SELECT r FROM t;
        DROP TABLE t; CREATE TABLE t AS SELECT b AS r FROM s; INSERT INTO y SELECT r FROM t""",
    "a session's of a table of its name": """
        CREATE TABLE t AS SELECT b AS r FROM s;
        CREATE TEMP TABLE x AS SELECT a FROM s; CREATE TABLE z AS SELECT a AS p FROM x;
        DROP TABLE x; INSERT INTO x SELECT p FROM z; INSERT INTO y SELECT r FROM t""",
}
REPLACED = {
    "replaced": """
        CREATE OR REPLACE TABLE t AS SELECT a AS r FROM s; INSERT INTO x SELECT r FROM t;
        CREATE OR REPLACE TABLE t AS SELECT b AS r FROM s; INSERT INTO y SELECT r FROM t""",
    "replaced by a part": """
        CREATE OR REPLACE TABLE t AS SELECT a AS r, b AS o FROM s; INSERT INTO x SELECT r FROM t;
        CREATE OR REPLACE TABLE t AS SELECT o AS r FROM t; INSERT INTO y SELECT r FROM t""",
    "a view that is replaced": """
        CREATE OR REPLACE VIEW t AS SELECT a AS r FROM s; INSERT INTO x SELECT r FROM t;
        CREATE OR REPLACE VIEW t AS SELECT b AS r FROM s; INSERT INTO y SELECT r FROM t""",
}


@pytest.fixture(params=["sqlite", "duck"])
def url(request: pytest.FixtureRequest) -> str:
    make: MakeDatabase = request.getfixturevalue(request.param)
    return make(SHOP)


def moved(database: str, script: str) -> dict[str, set[str]]:
    """Which tables' values change with a column of ``s``, when a script is run."""
    before = ran(database, script)
    found = {}
    for column in ("a", "b"):
        after = ran(database, f"UPDATE s SET {column} = 'changed'; {script}")  # noqa: S608
        found[column] = {name for name in before if before[name] != after[name]}
    return found


def ran(database: str, script: str) -> dict[str, Any]:
    """The rows of tables when a script was run."""
    connect: Any = sqlite3.connect if database == "sqlite" else duckdb.connect
    with closing(connect(":memory:")) as connection:
        run_all = connection.executescript if database == "sqlite" else connection.execute
        run_all(f"{SHOP}; {script}")
        names = ("x", "y", "t")
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}  # noqa: S608


@pytest.mark.parametrize(
    ("database", "script"),
    [
        *(pytest.param(db, sql, id=f"{db}: {name}")
          for name, sql in MADE_AGAIN.items() for db in ("sqlite", "duck")),
        *(pytest.param("duck", sql, id=name) for name, sql in REPLACED.items()),
    ],
)  # fmt: skip
def test_a_name_means_what_it_was_given_to_last(
    database: str, script: str, hw: Headwater, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    make: MakeDatabase = request.getfixturevalue(database)
    assert moved(database, script) == {"a": {"x"}, "b": {"y", "t"}}
    (tmp_path / "fill.sql").write_text(script)
    report = run(hw, make(f"{SHOP}; {script}"), tmp_path / "fill.sql")
    ends = [f"{MAIN}.{end}" for end in ("x.p", "y.q", "t.r")]
    of_a, of_b = (reached(hw, f"{MAIN}.s.{start}", *ends) for start in ("a", "b"))
    assert "p" in of_a
    assert "certain" not in {of_a.get("q"), of_a.get("r"), of_b.get("p")}
    assert {"q", "r"} <= {*of_b}
    assert report.unresolved or of_a["p"] == "certain"


def test_what_was_there_before_its_file_goes_on_under_its_name(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    url = duck(SHOP + MAKES)
    (tmp_path / "fill.sql").write_text(
        f"INSERT INTO x SELECT r FROM t; DROP TABLE t; {MAKES}"  # noqa: S608  # parsed only
    )
    assert run(hw, url, tmp_path / "fill.sql").unresolved == []
    assert reached(hw, f"{MAIN}.s.b", f"{MAIN}.x.p") == {"p": "certain"}


def test_what_is_made_and_dropped_is_what_another_file_makes(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    url = duck(SHOP + MAKES)
    (tmp_path / "up_and_down.sql").write_text(f"{MAKES} DROP TABLE t")
    assert run(hw, url, tmp_path).unresolved == []
    assert reached(hw, f"{MAIN}.s.b", f"{MAIN}.t.r") == {"r": "certain"}


def test_a_table_that_is_made_if_it_is_not_there_may_be_the_one_of_the_end(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    script = """
        CREATE TABLE IF NOT EXISTS t (r VARCHAR); INSERT INTO x SELECT r FROM t;
        DROP TABLE t; CREATE TABLE t AS SELECT b AS r FROM s"""
    assert moved("duck", script + ";" + script) == {"a": set(), "b": {"x", "t"}}
    url = duck(SHOP + script)
    (tmp_path / "fill.sql").write_text(script)
    run(hw, url, tmp_path / "fill.sql")
    assert reached(hw, f"{MAIN}.s.b", f"{MAIN}.x.p") == {"p": "perhaps"}


def test_a_later_file_may_give_a_table_and_its_column_their_names(
    url: str, hw: Headwater, tmp_path: Path
) -> None:
    folder = tmp_path / "steps"
    for name, sql in {
        "1/load": "INSERT INTO old (mail) SELECT a FROM s",
        "2/more": "INSERT INTO new (email) SELECT b FROM s; INSERT INTO y SELECT email FROM new",
        "3/swap": "DROP TABLE IF EXISTS x; ALTER TABLE new RENAME TO x",
        "4/name": "ALTER TABLE x RENAME COLUMN email TO p",
    }.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / f"{name}.sql").write_text(sql)
    report = run(hw, url, folder)
    assert [note.message for note in report.unresolved] == ["old is not a known table"]
    assert reached(hw, f"{MAIN}.s.b", f"{MAIN}.x.p", f"{MAIN}.y.q") == {
        "p": "certain",
        "q": "certain",
    }
    (folder / "5.sql").write_text(
        "ALTER TABLE old RENAME TO y; ALTER TABLE y RENAME COLUMN mail TO q"
    )
    assert run(hw, url, folder).unresolved == []
    assert reached(hw, f"{MAIN}.s.a", f"{MAIN}.y.q") == {"q": "certain"}


FOLLOWED = {
    "a chain": """
        CREATE TEMP TABLE t1 AS SELECT a, b FROM s;
        CREATE TEMP TABLE t2 AS SELECT t1.a AS c FROM t1;
        INSERT INTO x SELECT c FROM t2; INSERT INTO y SELECT B FROM t1""",
    "filled": """
        CREATE TEMP TABLE t1 (o VARCHAR, "N" VARCHAR); INSERT INTO t1 (n) SELECT a FROM s;
        UPDATE t1 SET o = s.b FROM s; DELETE FROM t1 WHERE o IS NULL;
        INSERT INTO x SELECT n FROM t1; INSERT INTO y SELECT o FROM t1""",
    "overwritten": """
        CREATE TEMP TABLE t1 AS SELECT b AS c, b AS d FROM s; UPDATE t1 SET c = 'c';
        UPDATE t1 SET c = (SELECT a FROM s); INSERT INTO x SELECT c FROM t1;
        INSERT INTO y SELECT d FROM t1""",
    "of its own name": """
        CREATE TEMP TABLE s AS SELECT b AS a, a AS b FROM s; INSERT INTO x SELECT b FROM s;
        DROP TABLE s; INSERT INTO y SELECT b FROM s""",
    "renamed for the session": """
        CREATE TEMP TABLE t1 AS SELECT a FROM s; ALTER TABLE t1 RENAME TO t2;
        CREATE TEMP TABLE t1 AS SELECT b AS a FROM s;
        INSERT INTO x SELECT a FROM t2; INSERT INTO y SELECT a FROM t1""",
    "a view of the session": """
        CREATE TEMP TABLE t1 (c VARCHAR); CREATE TEMP VIEW t2 AS SELECT c FROM t1;
        INSERT INTO t1 SELECT a FROM s; INSERT INTO x SELECT c FROM t2;
        INSERT INTO y SELECT b FROM s""",
    "only dropped": """
        CREATE TABLE n AS SELECT a, b FROM s; INSERT INTO x SELECT a FROM n;
        INSERT INTO y SELECT b FROM n; DROP TABLE n""",
}


@pytest.mark.parametrize("database", ["sqlite", "duck"])
@pytest.mark.parametrize("name", [*FOLLOWED, *MADE_AGAIN])
def test_what_is_gone_in_the_end_is_followed_to_what_it_was_made_from(
    database: str, name: str, hw: Headwater, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ended = MADE_AGAIN.get(name) or f"{FOLLOWED[name]}; {MAKES}"
    assert moved(database, ended) == {"a": {"x"}, "b": {"y", "t"}}
    (tmp_path / "fill.sql").write_text(ended)
    make: MakeDatabase = request.getfixturevalue(database)
    report = run(hw, make(f"{SHOP}; {ended}"), tmp_path / "fill.sql")
    ends = [f"{MAIN}.{end}" for end in ("x.p", "y.q", "t.r")]
    found = [reached(hw, f"{MAIN}.s.{start}", *ends) for start in ("a", "b")]
    if "behind a view" in name:  # that is read as it is in the end
        assert report.unresolved
    else:
        assert report.unresolved == []
        assert found == [{"p": "certain"}, {"q": "certain", "r": "certain"}]


def test_a_value_that_is_hidden_on_its_way_is_masked(
    duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    script = """
        CREATE TEMP TABLE t1 AS SELECT sha256(a) AS r, a AS o, md5(b) AS m FROM s;
        CREATE TEMP TABLE t2 (r, O, m) AS SELECT r, sha256(o), m FROM t1;
        INSERT INTO x SELECT r FROM t2 UNION ALL SELECT o FROM t2;
        UPDATE t2 SET m = o WHERE r IS NULL; UPDATE t2 SET m = (SELECT o FROM t1) WHERE r = 'r';
        INSERT INTO y SELECT m FROM t2"""
    (tmp_path / "fill.sql").write_text(script)
    assert run(hw, duck(SHOP), tmp_path / "fill.sql").unresolved == []
    assert pairs(hw, "x") == {("s.a", "p"): True}
    (edge,) = hw.lineage(f"table:{MAIN}.x", upstream=1, downstream=0).to_wire()["edges"]
    assert edge["assertions"][0]["sqlQuery"].split(";\n") == [
        each.strip() for each in script.split(";")[:3]
    ]
    assert pairs(hw, "y") == {("s.a", "q"): False, ("s.b", "q"): True}


UNSURE = {
    "emptied": "DELETE FROM t1",
    "of another kind": "ALTER TABLE t1 ADD COLUMN more VARCHAR",
    "of parts": "CREATE OR REPLACE TEMP TABLE t1 AS SELECT {'a': a, 'b': b} AS r FROM s",
    "of many": "CREATE OR REPLACE TEMP TABLE t1 AS SELECT unnest([a, b]) AS r FROM s",
    "of an unknown column": "UPDATE t1 SET r = shoe FROM s",
    "not understood": "INSERT INTO t1 SELECT {{ column }} FROM s",
    "if it is not there": "CREATE TEMP TABLE IF NOT EXISTS t1 AS SELECT b AS r FROM s",
    "of a conflict": "INSERT INTO t1 SELECT b FROM s ON CONFLICT (r) DO UPDATE SET r = 'r'",
}


@pytest.mark.parametrize("name", UNSURE)
def test_what_is_not_followed_of_what_is_gone_is_perhaps_of_all_that_filled_it(
    name: str, duck: MakeDatabase, hw: Headwater, tmp_path: Path
) -> None:
    (tmp_path / "fill.sql").write_text(
        f"CREATE TEMP TABLE t1 AS SELECT a AS r FROM s; {UNSURE[name]};"  # noqa: S608  # parsed only
        " INSERT INTO x SELECT r FROM t1"
    )
    report = run(hw, duck(SHOP), tmp_path / "fill.sql")
    assert "what was in t1 then is not followed" in {each.message for each in report.unresolved}
    assert reached(hw, f"{MAIN}.s.a", f"{MAIN}.x.p") == {"p": "perhaps"}


BY_DIALECT = [
    ("tsql", "SELECT a b, b a INTO #stage FROM s; INSERT INTO x SELECT a, b FROM #stage", "ba"),
    ("tsql", "SELECT a b, b a INTO #stage FROM s; INSERT INTO x SELECT a, b FROM stage", "AB"),
    ("tsql", "CREATE TABLE #t (a INT, b INT PRIMARY KEY); INSERT INTO #t (b, a) SELECT a, b FROM s;"
     " INSERT INTO x SELECT t.a, t.b FROM #t t", "ba"),
    ("tsql", "SELECT a, b INTO #g FROM s; MERGE INTO #g AS g USING stage AS m ON m.a = g.a"
     " WHEN MATCHED THEN UPDATE SET g.b = m.b; INSERT INTO x (a) SELECT b FROM #g", "bB"),
    ("postgres", "SELECT a, b INTO TEMP t FROM s; INSERT INTO x SELECT b, a FROM t", "ba"),
    ("postgres", 'CREATE TEMP TABLE "T" AS SELECT a AS "A", b FROM s; ANALYZE "T";'
     ' INSERT INTO x SELECT B, "A" FROM "T"', "ba"),
    ("postgres", "CREATE TEMP TABLE t AS SELECT a, b FROM s;"
     " CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ TRUNCATE t $$;"
     " INSERT INTO x SELECT a, b FROM t", "??"),
    ("postgres", "CREATE TEMP TABLE t AS SELECT * FROM s WITH NO DATA; INSERT INTO x TABLE t", ""),
    ("postgres", "CREATE TEMP TABLE t ON COMMIT DROP AS SELECT a, b FROM s;"
     " INSERT INTO x SELECT b, a FROM t", "ba"),
    ("postgres", "CREATE TEMP TABLE t (a INT, b INT) ON COMMIT DROP; INSERT INTO t TABLE s; COMMIT;"
     " INSERT INTO x SELECT a, b FROM t", "??"),
    ("postgres", "BEGIN; CREATE TEMP TABLE t AS SELECT a, b FROM s; COMMIT;"
     " INSERT INTO x SELECT a, b FROM t", "ab"),
    ("postgres", "BEGIN; CREATE TEMP TABLE t AS SELECT a, b FROM s; ROLLBACK;"
     " INSERT INTO x SELECT a, b FROM t", "??"),
    ("postgres", "CREATE TEMP TABLE t AS SELECT a, b FROM s; CREATE TEMP TABLE c () INHERITS (t);"
     " INSERT INTO c SELECT b, a FROM s; INSERT INTO x SELECT a, b FROM t", "??"),
    ("mysql", "CREATE TEMPORARY TABLE t SELECT a, b FROM s; UPDATE t SET a = b;"
     " INSERT INTO x SELECT a, b FROM t", "bb"),
    ("mysql", "CREATE TEMPORARY TABLE t SELECT a, b FROM s; UPDATE t SET a = 1, b = a;"
     " INSERT INTO x SELECT a, b FROM t", "??"),
    ("mysql", "CREATE TEMPORARY TABLE t (b INT, a INT) SELECT a, b FROM s;"
     " INSERT INTO x SELECT a, b FROM t", "??"),
    ("spark", "CREATE OR REPLACE TEMPORARY VIEW t AS SELECT a, b FROM s;"
     " INSERT OVERWRITE TABLE x SELECT b, a FROM t", "ba"),
]  # fmt: skip
"""What the columns of a table are made from: columns of s, those of stage in capitals."""


@pytest.mark.parametrize(("dialect", "sql", "expected"), BY_DIALECT)
def test_what_is_gone_is_named_and_filled_as_its_dialect_does(
    dialect: str, sql: str, expected: str
) -> None:
    grammar = Dialect.get_or_raise(dialect)
    statements = [*split(sql, grammar)]
    known = [Relation("main", name, ("a", "b")) for name in ("s", "stage", "x")]
    reader = ViewReader(known, dialect=dialect, database="db", default_schema="main")
    places = [reader.place_of] * len(statements)
    bygone = Bygone(grammar)
    states = pairwise(pasts(statements, grammar, places, reader.knows))
    for statement, (past, after) in zip(statements, states, strict=True):
        reader = reader.within(then=Then(past=past, past_after=after))
        reader = reader.within(made=bygone.known(statement, reader))
        tree, _ = bygone.take(statement, reader)
    (feed,) = feeds(tree)
    _, lineage = reader.read_feed(feed)
    found = [
        column.upper() if relation.name == "stage" else column
        for each in bygone.composed(lineage).columns
        for relation, column in each.origins or [(known[0], "?")]
    ]
    assert "".join(found) == expected


@pytest.mark.parametrize(
    ("sql", "hides"),
    [
        ("SELECT mail INTO #stage FROM people; INSERT INTO kept SELECT mail FROM #stage", True),
        ("CREATE TABLE #stage (mail INT); INSERT INTO kept SELECT mail FROM #stage", True),
        ("SELECT mail INTO #stage FROM people; DROP TABLE #stage;"
         " INSERT INTO kept SELECT mail FROM stage", False),
    ],
)  # fmt: skip
def test_a_table_of_sql_servers_session_is_not_the_one_of_its_name(
    sql: str, *, hides: bool
) -> None:
    grammar = Dialect.get_or_raise("tsql")
    statements = [*split(sql, grammar)]
    names = ("stage", "people", "kept")
    known = [Relation("dbo", name, ("mail",)) for name in names]
    reader = ViewReader(known, dialect="tsql", database="shop", default_schema="dbo")
    states = pasts(statements, grammar, [reader.place_of] * len(statements))
    made = reader.within(then=Then(past_after=states[1]))
    _, named = made.named(statements[0].sql)
    assert made.is_past("stage")
    (feed,) = feeds(statements[-1].parse(grammar))
    last = made.within(then=Then(past=states[-2]), behind={"stage": named})
    _, lineage = last.read_feed(feed)
    (column,) = lineage.columns
    assert column.origins == (() if hides else ((known[0], "mail"),))
    assert column.perhaps == (tuple(named) if hides else ())
