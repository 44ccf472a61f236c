"""Which origins of a column are hidden on every way to it."""

from __future__ import annotations

import pytest

from headwater import Headwater
from headwater.connectors.config import check_config
from headwater.connectors.ingest import ingest
from headwater.sql.masking import Masking
from headwater.sql.relation import Relation
from headwater.sql.view_lineage import ViewReader

from .conftest import MakeDatabase

PEOPLE = Relation("main", "people", ("id", "email", "name"))


def origins(sql: str, *functions: str, dialect: str = "duckdb") -> dict[str, bool]:
    """The origins of the view's only column, and whether each is masked."""
    view = Relation("main", "v", ("x",))
    reader = ViewReader(
        (PEOPLE, view),
        dialect=dialect,
        database="crm",
        default_schema="main",
        masking=Masking(functions),
    )
    lineage = reader.read(view, sql)
    assert not lineage.notes
    (column,) = lineage.columns
    return {origin[1]: origin in column.masked for origin in column.origins}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("md5(email)", {"email": True}),
        ("concat(md5(email), name)", {"email": True, "name": False}),
        ("concat(md5(email), email)", {"email": False}),
        ("substr(md5(lower(trim(email))), 1, 8)", {"email": True}),
        ("md5(email || name)", {"email": True, "name": True}),
        ("CASE WHEN md5(email) LIKE 'a%' THEN name END", {"email": True, "name": False}),
        ("max(sha256(email)) OVER (PARTITION BY name)", {"email": True, "name": False}),
        ("md5((SELECT max(p.email) FROM people p))", {"email": True}),
        ("md5((SELECT max(p.email || o.name) FROM people p))", {"email": True, "name": True}),
        ("(SELECT max(md5(p.email)) FROM people p)", {"email": True}),
        ("upper(email)", {"email": False}),
    ],
)
def test_an_origin_is_masked_when_every_way_from_it_is(
    output: str, expected: dict[str, bool]
) -> None:
    assert origins(f"SELECT {output} AS x FROM people o") == expected  # noqa: S608  # parsed only


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        ("WITH h AS (SELECT md5(email) AS e FROM people) SELECT upper(e) AS x FROM h", True),
        ("SELECT md5(e) AS x FROM (SELECT lower(email) AS e FROM people) i", True),
        ("SELECT md5(email) AS x FROM people UNION SELECT hash(email) FROM people", True),
        ("SELECT md5(email) AS x FROM people UNION ALL SELECT email FROM people", False),
        (
            "WITH h AS (SELECT md5(email) AS e, email FROM people) SELECT e || email AS x FROM h",
            False,
        ),
    ],
)
def test_masking_is_followed_through_inner_queries(sql: str, *, masked: bool) -> None:
    assert origins(sql) == {"email": masked}


@pytest.mark.parametrize(
    ("dialect", "output"),
    [
        ("postgres", "encode(digest(email, 'sha256'), 'hex')"),
        ("postgres", "encode(hmac(email, 'k', 'sha256'), 'hex')"),
        ("postgres", "encode(sha256(email::bytea), 'hex')"),
        ("postgres", "anon.hash(email)"),
        ("duckdb", "hash(email)"),
        ("duckdb", "sha1(email)"),
        ("mysql", "SHA2(email, 256)"),
        ("tsql", "HASHBYTES('MD5', email)"),
        ("tsql", "HASHBYTES('SHA2_512', email)"),
        ("snowflake", "sha2_hex(email)"),
        ("snowflake", "md5_number_lower64(email)"),
        ("bigquery", "to_hex(sha256(email))"),
        ("bigquery", "to_hex(md5(email))"),
        ("bigquery", "farm_fingerprint(email)"),
        ("clickhouse", "sipHash64(email)"),
        ("clickhouse", "cityHash64(email)"),
        ("oracle", "STANDARD_HASH(email, 'SHA256')"),
        ("spark", "xxhash64(email)"),
        ("spark", "sha(email)"),
        ("databricks", "mask(email)"),
        ("redshift", "func_sha1(email)"),
        ("trino", "to_hex(sha512(to_utf8(email)))"),
    ],
)
def test_dialects_words_for_hashing_are_known(dialect: str, output: str) -> None:
    # Only the folding of the names differs between dialects.
    people = Relation("MAIN", "PEOPLE", ("EMAIL",))
    relation = people if dialect in ("oracle", "snowflake") else PEOPLE
    view = Relation(relation.schema, "v", ("x",))
    reader = ViewReader(
        (relation, view), dialect=dialect, database="crm", default_schema=relation.schema
    )
    lineage = reader.read(view, f"SELECT {output} AS x FROM people")  # noqa: S608  # parsed only
    assert not lineage.notes
    assert [len(column.masked) for column in lineage.columns] == [1]


@pytest.mark.parametrize("output", ["crc32(email)", "aes_encrypt(email, 'k')", "left(email, 2)"])
def test_what_can_be_undone_or_shows_a_part_is_not_masking(output: str) -> None:
    sql = f"SELECT {output} AS x FROM people"  # noqa: S608  # parsed only
    assert origins(sql, dialect="spark") == {"email": False}


def test_own_functions_join_the_list_in_any_case() -> None:
    assert origins("SELECT crm.Blur(email) AS x FROM people", "BLUR") == {"email": True}
    assert origins("SELECT regexp_replace(email, '.', '*') AS x FROM people", "regexp_replace") == {
        "email": True
    }


def test_an_edge_says_apart_what_is_masked(duck: MakeDatabase, hw: Headwater) -> None:
    url = duck("""
        CREATE TABLE people (email VARCHAR, name VARCHAR, city VARCHAR);
        CREATE MACRO blur(t) AS upper(t);
        CREATE VIEW safe AS SELECT concat(md5(email), name) AS who, blur(city) AS place FROM people;
    """)
    source = {"type": "sql", "url": url, "masking": ["blur"]}
    (report,) = ingest(hw, check_config({"sources": [source]}))
    assert report.succeeded
    lineage = hw.lineage("table:duckdb.cellar.main.safe", upstream=1, level="column").to_wire()
    name = {node["id"]: node["name"] for node in lineage["nodes"]}
    assert {
        (name[edge["from"]], name[edge["to"]]): edge["assertions"][0].get("masking", False)
        for edge in lineage["edges"]
    } == {("email", "who"): True, ("name", "who"): False, ("city", "place"): True}
