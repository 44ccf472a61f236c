"""A real PostgreSQL server: what is read of it, and what happens when it is not as it should be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from psycopg import Error
from sqlalchemy import make_url

from headwater import Headwater, SourceError, Table
from headwater.connectors.config import check_config
from headwater.connectors.ingest import ingest as ingest_all
from headwater.connectors.run import RunOptions
from headwater.connectors.sql import ingest

from .postgres import Postgres

pytestmark = pytest.mark.xdist_group("postgres")

CELLAR = """
    COMMENT ON SCHEMA public IS 'a schema';
    CREATE SCHEMA lab;
    CREATE TYPE colour AS ENUM ('red', 'white');
    CREATE TABLE grower (id integer PRIMARY KEY, "Full Name" text NOT NULL UNIQUE);
    CREATE TABLE lab.sample (
        id bigint, run smallint, grower integer REFERENCES grower (id), taken timestamptz,
        acid numeric(8, 2), notes jsonb, tags text[], tint colour, tints colour[], code varchar(12),
        PRIMARY KEY (id, run), UNIQUE (code, run)
    );
    COMMENT ON TABLE lab.sample IS 'one row a bottle';
    COMMENT ON COLUMN lab.sample.acid IS 'g/l';
    CREATE TABLE reading (day date NOT NULL, value real) PARTITION BY RANGE (day);
    CREATE TABLE reading_2024 PARTITION OF reading FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE VIEW lab.grown AS
        SELECT g."Full Name" AS who, s.acid * 2 AS "Twice", s.* FROM lab.sample s
        JOIN grower g ON g.id = s.grower;
    CREATE MATERIALIZED VIEW sums AS
        WITH part AS (SELECT who, "Twice" FROM lab.grown)
        SELECT WHO, max("Twice") FROM part GROUP BY 1;
    COMMENT ON MATERIALIZED VIEW sums IS 'kept';
"""
SIX = "; ".join(f"CREATE TABLE t{n} (a integer)" for n in range(6))
VIEW = "; ".join([SIX, "CREATE VIEW v AS SELECT a FROM t0"])


def service_of(database: str) -> str:
    return f'"postgresql-127.0.0.1".{database}'


def live(hw: Headwater) -> set[str]:
    return {str(table.name) for table in hw.list(Table)}


def columns(hw: Headwater, fqn: str) -> dict[str, dict[str, Any]]:
    wire = hw.get(Table, fqn).to_wire()
    return {column["name"]: column for column in wire["columns"]}


def feeds(hw: Headwater, column: str) -> set[str]:
    """FQNs of the columns that a column is made from."""
    found = hw.lineage(f"column:{column}", downstream=0).upstream()
    return {str(node.fully_qualified_name) for node in found}


def last_status(hw: Headwater) -> str:
    runs = hw.list("pipelineRun")
    return str(max(runs, key=lambda run: run.started_at).status.value)


def test_schemas_tables_types_keys_and_comments(
    server: Postgres, database: str, hw: Headwater
) -> None:
    server.run(CELLAR, database)
    report = ingest(hw, server.url(database))
    top = service_of(database)
    assert report.failed == []
    assert {schema.name for schema in hw.list("databaseSchema")} == {"lab", "public"}
    kinds = {table.name: table.to_wire()["tableType"] for table in hw.list(Table)}
    assert kinds == {
        "grower": "Regular",
        "sample": "Regular",
        "reading": "Partitioned",
        "reading_2024": "Regular",
        "grown": "View",
        "sums": "MaterializedView",
    }
    sample = hw.get(Table, f"{top}.lab.sample")
    assert sample.description == "one row a bottle"
    assert hw.get(Table, f"{top}.public.sums").description == "kept"
    found = columns(hw, f"{top}.lab.sample")
    assert found["acid"]["description"] == "g/l"
    assert {name: column["dataTypeDisplay"] for name, column in found.items()} == {
        "id": "bigint",
        "run": "smallint",
        "grower": "integer",
        "taken": "timestamp with time zone",
        "acid": "numeric(8,2)",
        "notes": "jsonb",
        "tags": "text[]",
        "tint": "colour",
        "tints": "colour[]",
        "code": "character varying(12)",
    }
    assert (found["acid"]["precision"], found["acid"]["scale"]) == (8, 2)
    assert (found["tints"]["dataType"], found["tints"]["arrayDataType"]) == ("ARRAY", "COLOUR")
    assert found["code"]["dataLength"] == 12
    keys = {each["constraintType"]: each for each in sample.to_wire()["tableConstraints"]}
    assert keys["PRIMARY_KEY"]["columns"] == ["id", "run"]
    assert keys["UNIQUE"]["columns"] == ["code", "run"]
    assert keys["FOREIGN_KEY"]["columns"] == ["grower"]
    assert keys["FOREIGN_KEY"]["referredColumns"] == [f"{top}.public.grower.id"]
    assert columns(hw, f"{top}.public.grower")["id"]["constraint"] == "PRIMARY_KEY"


def test_columns_of_views_come_from_postgresqls_own_text(
    server: Postgres, database: str, hw: Headwater
) -> None:
    server.run(CELLAR, database)
    report = ingest(hw, server.url(database))
    top = service_of(database)
    assert (report.unresolved, report.edges) == ([], 4)
    assert feeds(hw, f"{top}.lab.grown.who") == {f"{top}.public.grower.Full Name"}
    assert feeds(hw, f"{top}.lab.grown.Twice") == {f"{top}.lab.sample.acid"}
    assert feeds(hw, f"{top}.lab.grown.tags") == {f"{top}.lab.sample.tags"}
    assert feeds(hw, f"{top}.public.sums.max") == {f"{top}.lab.grown.Twice"}


def test_a_name_in_two_schemas_means_the_one_that_the_view_means(
    server: Postgres, database: str, hw: Headwater
) -> None:
    server.run(
        """
        CREATE SCHEMA lab;
        CREATE TABLE t (a integer PRIMARY KEY, "A" integer);
        CREATE TABLE lab.t (a integer PRIMARY KEY, "A" integer);
        CREATE VIEW lab.v AS SELECT t.a, t."A" FROM public.t;
        CREATE TABLE lab.u (a integer REFERENCES public.t (a));
        """,
        database,
    )
    report = ingest(hw, server.url(database))
    top = service_of(database)
    assert report.unresolved == []
    assert feeds(hw, f"{top}.lab.v.a") == {f"{top}.public.t.a"}
    assert feeds(hw, f"{top}.lab.v.A") == {f"{top}.public.t.A"}
    (key,) = hw.get(Table, f"{top}.lab.u").to_wire()["tableConstraints"]
    assert key["referredColumns"] == [f"{top}.public.t.a"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("WITH q AS (SELECT a, b FROM t) SELECT k.a AS x FROM q k (b, a)", "nothing"),
        ("WITH q AS (SELECT a, b FROM t) SELECT k.b AS x FROM q k (b, a)", "certain"),
        ("SELECT count(*) OVER w AS x FROM t WINDOW w AS (PARTITION BY a)", "certain"),
        ("SELECT sum(b) OVER (w ORDER BY c) AS x FROM t WINDOW w AS (PARTITION BY a)", "certain"),
        ("SELECT @ a AS x FROM t", "perhaps"),
        ("SELECT column1 AS x FROM (VALUES ((SELECT max(a) FROM t)), (2)) v", "certain"),
        ("VALUES (1), ((SELECT max(a) FROM t))", "certain"),
        (
            "SELECT f.x FROM t, ROWS FROM (generate_series(1, a), unnest(ARRAY[1])) f (x)",
            "perhaps",
        ),
        ("SELECT f.x FROM t, XMLTABLE('/r' PASSING (t.a::text::xml) COLUMNS x text) f", "perhaps"),
        ("SELECT ju.b AS x FROM t JOIN u USING (b) AS ju", "perhaps"),
        ("SELECT lab.double(b) AS x FROM t", "nothing"),
        ("SELECT lab.most() AS x", "perhaps"),
        ("SELECT lab.twice_most() + b AS x FROM u", "perhaps"),
        ("SELECT f.x FROM u, lab.of_t(u.b) f (x)", "perhaps"),
        ("SELECT f.x FROM u, LATERAL lab.of_t(u.b) f", "perhaps"),
        ("SELECT lab.largest(b) AS x FROM t", "perhaps"),
        ("SELECT b OPERATOR(lab.###) 1 AS x FROM u", "perhaps"),
        ("SELECT b OPERATOR(lab.@#@) 1 AS x FROM u", "nothing"),
        ("SELECT (b::lab.pair)::text AS x FROM u", "perhaps"),
        ("SELECT query_to_xml('select a from t', true, false, '')::text AS x", "perhaps"),
        ("SELECT table_to_xml('t'::regclass, true, false, '')::text AS x FROM u", "perhaps"),
    ],
)
def test_views_of_postgresql_are_followed_or_open(
    server: Postgres, database: str, hw: Headwater, query: str, expected: str
) -> None:
    server.run(
        """
        CREATE TABLE t (a integer, b integer, c integer); CREATE TABLE u (b integer);
        CREATE SCHEMA lab;
        CREATE FUNCTION lab.double(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 2';
        CREATE FUNCTION lab.most() RETURNS integer LANGUAGE sql
            RETURN (SELECT max(t.a) FROM public.t);
        CREATE FUNCTION lab.twice_most() RETURNS integer LANGUAGE plpgsql
            AS 'BEGIN RETURN lab.double(lab.most()); END';
        CREATE FUNCTION lab.of_t(n integer) RETURNS TABLE (x integer) LANGUAGE sql
            AS 'SELECT a + n FROM public.t';
        CREATE FUNCTION lab.larger(p integer, q integer) RETURNS integer LANGUAGE sql
            AS 'SELECT max(a) + p + q FROM public.t';
        CREATE AGGREGATE lab.largest(integer) (SFUNC = lab.larger, STYPE = integer);
        CREATE TYPE lab.pair AS (p integer, q integer);
        CREATE FUNCTION lab.pair_of(n integer) RETURNS lab.pair LANGUAGE sql
            AS 'SELECT ROW(max(a), n)::lab.pair FROM public.t';
        CREATE CAST (integer AS lab.pair) WITH FUNCTION lab.pair_of(integer);
        CREATE OPERATOR lab.### (FUNCTION = lab.larger, LEFTARG = integer, RIGHTARG = integer);
        CREATE FUNCTION lab.plus(p integer, q integer) RETURNS integer LANGUAGE sql
            AS 'SELECT p + q';
        CREATE OPERATOR lab.@#@ (FUNCTION = lab.plus, LEFTARG = integer, RIGHTARG = integer);
        """,
        database,
    )
    server.run(f"CREATE VIEW v (x) AS {query}", database)
    ingest(hw, server.url(database))
    top = service_of(database)
    sources = [{"name": "x", "dataSource": f"{top}.public.v"}]
    features = [{"name": "f", "featureSources": sources}]
    hw.create({"name": "m", "algorithm": "x", "mlFeatures": features}, kind="mlmodel")
    found = hw.impact(f"{top}.public.t.a")
    said = "certain" if found.total else "perhaps" if found.table_level_total else "nothing"
    assert said == expected


def test_a_second_run_changes_nothing(server: Postgres, database: str, hw: Headwater) -> None:
    server.run(CELLAR, database)
    first = ingest(hw, server.url(database))
    versions = {each.id: each.version for each in hw.list(Table)}
    again = ingest(hw, server.url(database))
    assert (first.created, again.created, again.changed, again.deleted) == (10, 0, 0, 0)
    assert {each.id: each.version for each in hw.list(Table)} == versions


def test_a_preview_writes_nothing_and_tells_what_would_be(
    server: Postgres, database: str, hw: Headwater
) -> None:
    server.run(CELLAR, database)
    url = server.url(database)
    preview = ingest(hw, url, options=RunOptions(preview=True))
    assert list(hw.list("databaseService")) == []
    real = ingest(hw, url)
    assert (preview.created, preview.edges) == (real.created, real.edges)
    server.run("ALTER TABLE lab.sample ADD sugar real", database)
    preview = ingest(hw, url, options=RunOptions(preview=True))
    assert [(each.action, each.fields) for each in preview.planned] == [
        ("update", ("columns.sugar",))
    ]


def test_a_server_that_is_not_there_is_said_so(hw: Headwater) -> None:
    with pytest.raises(SourceError, match="cannot read") as raised:
        ingest(hw, Postgres(1).url("cellar"))
    assert "spring" not in str(raised.value)
    assert list(hw.list("databaseService")) == []


@pytest.mark.parametrize("wrong", ["sp%40ring/water", "autumn"])
def test_a_wrong_password_is_said_so_and_not_told(
    server: Postgres, database: str, hw: Headwater, wrong: str
) -> None:
    with pytest.raises(SourceError, match="password authentication failed") as raised:
        ingest(hw, server.url(database, password=wrong))
    secret = str(make_url(server.url(database, password=wrong)).password)
    assert secret not in str(raised.value)
    assert wrong not in str(raised.value)
    logged = [line for run in hw.list("pipelineRun") for line in hw.records(run, "log")]
    assert secret not in str(logged)
    assert last_status(hw) == "failed"


def test_a_connection_that_is_lost_half_way_deletes_nothing(
    server: Postgres, database: str, hw: Headwater
) -> None:
    server.run(VIEW, database)
    url = server.url(database)
    ingest(hw, url)
    before = live(hw)
    server.run("DROP TABLE t5", database)
    with ThreadPoolExecutor(1) as pool, held(server, database):
        running = pool.submit(ingest, hw, url)
        server.run(f"SELECT pg_terminate_backend({waiting(server, database)}, 5000)")
        with pytest.raises(SourceError, match="terminating connection"):
            running.result(30)
    assert live(hw) == before
    assert last_status(hw) == "failed"
    assert ingest(hw, url).deleted == 1


@contextmanager
def held(server: Postgres, database: str) -> Iterator[None]:
    """Keep everybody else from reading the view."""
    with server.connect(database) as holder:
        holder.execute("BEGIN")
        holder.execute("ALTER VIEW v SET (security_barrier)")
        yield


def waiting(server: Postgres, database: str) -> int:
    """The process of the server that waits for a lock, as soon as one does."""
    query = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    end = time.monotonic() + 30
    with server.connect() as watcher:
        while time.monotonic() < end:
            if found := watcher.execute(query, (database,)).fetchone():
                return int(found[0])
    raise TimeoutError("nobody waits")


def test_fewer_tables_than_the_day_before(server: Postgres, database: str, hw: Headwater) -> None:
    server.run(VIEW, database)
    url = server.url(database)
    ingest(hw, url)
    server.run("DROP TABLE t5", database)
    assert ingest(hw, url).deleted == 1
    server.run("DROP TABLE t4; DROP TABLE t3", database)
    report = ingest(hw, url)
    assert report.deleted == 0
    assert "no longer in the source" in report.notes[0]
    assert live(hw) == {"t0", "t1", "t2", "t3", "t4", "v"}
    server.run("DROP SCHEMA public CASCADE", database)
    assert ingest(hw, url).deleted == 0
    assert len(live(hw)) == 6


def test_two_runs_at_once_delete_nothing_and_lose_nothing(
    server: Postgres, database: str, tmp_path: Path
) -> None:
    server.run(VIEW, database)
    url = server.url(database)
    with Headwater.open(tmp_path / "catalog.db") as hw:
        ingest(hw, url)
        server.run("DROP TABLE t5; CREATE TABLE t6 (a integer)", database)
        with ThreadPoolExecutor(2) as pool, held(server, database):
            slow = pool.submit(ingest, hw, url)
            waiting(server, database)
            other = pool.submit(ingest, hw, url)
        reports = [slow.result(60), other.result(60)]
        assert all(report.failed == [] for report in reports)
        assert live(hw) >= {"t0", "t1", "t2", "t3", "t4", "t6", "v"}
        ingest(hw, url)
        assert live(hw) == {"t0", "t1", "t2", "t3", "t4", "t6", "v"}


def test_a_user_without_rights_on_a_schema_deletes_nothing_of_it(
    server: Postgres, database: str, hw: Headwater
) -> None:
    server.run(CELLAR, database)
    ingest(hw, server.url(database))
    before = live(hw)
    server.run(
        f"CREATE ROLE guest_{database} LOGIN PASSWORD 'guest';"
        " REVOKE ALL ON SCHEMA lab FROM PUBLIC",
        database,
    )
    guest = server.url(database, user=f"guest_{database}", password="guest")  # noqa: S106
    report = ingest(hw, guest, options=RunOptions(allow_deletes=True))
    assert (report.failed, report.changed, report.deleted) == ([], 0, 0)
    assert live(hw) == before
    server.run(f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
    with pytest.raises(SourceError, match="permission denied for database"):
        ingest(hw, guest)
    assert live(hw) == before


def test_parts_feed_their_table_and_generated_columns_come_from_others(
    server: Postgres, database: str, hw: Headwater
) -> None:
    server.run(
        """
        CREATE TABLE log (day date, email text, low text GENERATED ALWAYS AS (lower(email)) STORED)
            PARTITION BY RANGE (day);
        CREATE TABLE log_2024 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE base (a integer);
        CREATE SCHEMA lab;
        CREATE TABLE lab.child (b integer, hash text GENERATED ALWAYS AS (md5(b::text)) STORED)
            INHERITS (base);
        """,
        database,
    )
    report = ingest(hw, server.url(database))
    top = service_of(database)
    public = f"{top}.public"
    assert report.unresolved == []
    assert feeds(hw, f"{public}.log.email") == {f"{public}.log_2024.email"}
    assert feeds(hw, f"{public}.log_2024.low") == {f"{public}.log_2024.email"}
    assert feeds(hw, f"{public}.log.low") == {f"{public}.log_2024.low", f"{public}.log.email"}
    assert feeds(hw, f"{public}.base.a") == {f"{top}.lab.child.a"}
    assert feeds(hw, f"{top}.lab.child.hash") == {f"{top}.lab.child.b"}
    server.run("ALTER TABLE log DETACH PARTITION log_2024", database)
    ingest(hw, server.url(database))
    assert feeds(hw, f"{public}.log.email") == set()


def test_what_fills_a_table_fills_its_partitions(
    server: Postgres, database: str, hw: Headwater, tmp_path: Path
) -> None:
    server.run(
        """
        CREATE TABLE raw (day date, email text);
        CREATE TABLE log (day date, email text) PARTITION BY RANGE (day);
        CREATE TABLE log_2024 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
            PARTITION BY LIST (email);
        CREATE TABLE log_2024_a PARTITION OF log_2024 FOR VALUES IN ('a');
        """,
        database,
    )
    (tmp_path / "fill.sql").write_text("INSERT INTO log (day, email) SELECT day, email FROM raw")
    source = {"type": "sql", "service": "pg", "url": "env:PG"}
    config = {"sources": [source | {"statements": [str(tmp_path / "fill.sql")]}]}
    sources = check_config(config, environ={"PG": server.url(database)})
    (report,) = ingest_all(hw, sources)
    assert report.unresolved == []
    public = f"pg.{database}.public"
    assert f"{public}.raw.email" in feeds(hw, f"{public}.log_2024_a.email")
    assert feeds(hw, f"{public}.log_2024_a.day") == {f"{public}.raw.day"}


def test_what_filled_a_table_is_in_the_partition_that_leaves_it_behind_that(
    server: Postgres, database: str, hw: Headwater, tmp_path: Path
) -> None:
    fill = """
        INSERT INTO log (day, email) SELECT day, email FROM raw;
        ALTER TABLE log DETACH PARTITION log_2024;
        INSERT INTO log (email) SELECT other FROM raw;
    """
    server.run(
        """
        CREATE TABLE raw (day date, email text, other text);
        CREATE TABLE log (day date, email text) PARTITION BY RANGE (day);
        CREATE TABLE log_2024 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        ALTER TABLE log DETACH PARTITION log_2024;
        """,
        database,
    )
    (tmp_path / "fill.sql").write_text(fill)
    source = {"type": "sql", "service": "pg", "url": "env:PG"}
    config = {"sources": [source | {"statements": [str(tmp_path / "fill.sql")]}]}
    (report,) = ingest_all(hw, check_config(config, environ={"PG": server.url(database)}))
    assert report.unresolved == []
    public = f"pg.{database}.public"
    assert feeds(hw, f"{public}.log_2024.email") == {f"{public}.raw.email"}


def test_what_a_trigger_of_a_file_fills_is_perhaps_of_its_table(
    server: Postgres, database: str, hw: Headwater, tmp_path: Path
) -> None:
    tables = "CREATE TABLE raw (a int); CREATE TABLE t (x int); CREATE TABLE log (x int)"
    server.run(tables, database)
    fill = """
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO log VALUES (new.x); RETURN new; END $$;
        CREATE TRIGGER noted AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION public.note();
        INSERT INTO t SELECT a FROM raw;
    """
    server.run(fill, database)
    (tmp_path / "fill.sql").write_text(fill)
    source = {"type": "sql", "service": "pg", "url": "env:PG"}
    config = {"sources": [source | {"statements": [str(tmp_path / "fill.sql")]}]}
    (report,) = ingest_all(hw, check_config(config, environ={"PG": server.url(database)}))
    assert [note.line for note in report.unresolved] == [2, 4]
    public = f"pg.{database}.public"
    reached = hw.impact(f"column:{public}.raw.a", drop=True).entities
    found = {each.node.fully_qualified_name: each for each in reached}
    assert f"{public}.log" in found
    assert not found[f"{public}.log"].certain


@pytest.mark.parametrize(
    ("view", "sql", "certain"),
    [
        ("SELECT b AS q, a AS p FROM t", "INSERT INTO v (p) SELECT s FROM raw", True),
        ("SELECT t.a AS p FROM t, w", "INSERT INTO v SELECT s FROM raw", False),
        ("SELECT a AS p, upper(b) AS q FROM t", "UPDATE v SET p = raw.s FROM raw", True),
        ("SELECT p FROM w", "INSERT INTO v (p) SELECT s FROM raw", True),
        ("SELECT x AS p FROM over", "INSERT INTO v SELECT s FROM raw", False),
        ("SELECT a AS p FROM t; CREATE RULE r AS ON INSERT TO v DO INSTEAD INSERT INTO t (a, b)"
         " VALUES ('', new.p)", "INSERT INTO v SELECT s FROM raw", False),
        ("SELECT a AS p FROM t; CREATE TRIGGER g INSTEAD OF INSERT ON v FOR EACH ROW"
         " EXECUTE FUNCTION moved()", "INSERT INTO v SELECT s FROM raw", False),
    ],
)  # fmt: skip
def test_what_is_written_to_a_view_is_in_the_table_behind_it(
    server: Postgres, database: str, hw: Headwater, tmp_path: Path,
    view: str, sql: str, *, certain: bool,
) -> None:  # fmt: skip
    server.run(
        f"""
        CREATE TABLE raw (s text); INSERT INTO raw VALUES ('new');
        CREATE TABLE t (a text, b text); INSERT INTO t VALUES ('a', 'b');
        CREATE VIEW w AS SELECT a AS p, b AS q FROM t;
        CREATE VIEW over AS SELECT DISTINCT a AS x FROM t;
        CREATE FUNCTION moved() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO t (a, b) VALUES ('', new.p); RETURN new; END $$;
        CREATE VIEW v AS {view};
        """,  # noqa: S608  # of constants
        database,
    )
    with server.connect(database) as connection:
        with suppress(Error):  # not every view takes rows
            connection.execute(sql.encode())
        moved = connection.execute("SELECT count(*) FROM t WHERE a = 'new'").fetchone() == (1,)
    assert moved is certain
    (tmp_path / "fill.sql").write_text(sql)
    source = {"type": "sql", "service": "pg", "url": "env:PG"}
    config = {"sources": [source | {"statements": [str(tmp_path / "fill.sql")]}]}
    (report,) = ingest_all(hw, check_config(config, environ={"PG": server.url(database)}))
    public = f"pg.{database}.public"
    reached = hw.impact(f"column:{public}.raw.s", drop=True).entities
    found = {each.node.fully_qualified_name: each.certain for each in reached}
    if certain:
        assert (report.unresolved, found[f"{public}.t"]) == ([], True)
        assert feeds(hw, f"{public}.t.a") == {f"{public}.raw.s"}
        assert feeds(hw, f"{public}.t.b") == set()
        assert f"{public}.raw.s" not in feeds(hw, f"{public}.v.p")
    else:
        assert report.unresolved
        assert (found[f"{public}.v"], found[f"{public}.t"]) == (False, False)
