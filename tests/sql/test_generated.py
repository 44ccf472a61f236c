"""What ``CREATE TABLE`` says of generated columns."""

from __future__ import annotations

import pytest
from sqlglot.dialects.dialect import Dialect

from headwater.sql.generated import expressions, read_generated
from headwater.sql.relation import Relation
from headwater.sql.view_lineage import ViewReader

TABLE = Relation("main", "t", ("email", "low"))
SQLITE = Dialect.get_or_raise("sqlite")


def test_expressions_are_cut_out_of_what_makes_a_table() -> None:
    sql = """
        CREATE TABLE "t (" (email odd type (3, 2) CHECK (email <> ') AS (x)'), -- AS (no)
            low text GENERATED ALWAYS AS (lower(email) || ',') STORED CHECK (low > (1)),
            "A b" AS (email || (1 + 2)), id int DEFAULT (1), CHECK ((id) > 0))
    """
    found = expressions(sql, SQLITE)
    assert found == {"low": "lower(email) || ','", "A b": "email || (1 + 2)"}
    assert expressions("CREATE TABLE t (a int AS ('", SQLITE) == {}


@pytest.mark.parametrize("text", ["", "lower(email", "?? frob"])
def test_what_is_not_understood_is_perhaps_of_any_column_of_the_table(text: str) -> None:
    reader = ViewReader([TABLE], dialect="sqlite", database="db", default_schema="main")
    found = read_generated(TABLE, {"low": text}, reader, SQLITE)
    (column,) = found.columns
    assert (column.column, column.origins, column.perhaps) == ("low", (), (TABLE,))
    assert found.relations == (TABLE,)
    assert found.notes[0].message.startswith("low: ")
