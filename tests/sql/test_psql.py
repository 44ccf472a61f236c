"""Files for PostgreSQL's shell, which holds more than SQL."""

from __future__ import annotations

import pytest
from sqlglot.dialects.dialect import Dialect

from headwater.sql.script import OpenError, split
from headwater.sql.statement import chosen_schema

POSTGRES = Dialect.get_or_raise("postgres")


def statements(text: str) -> list[tuple[int, str]]:
    return [(each.line, " ".join(each.sql.split())) for each in split(text, POSTGRES)]


def test_commands_and_rows_of_copy_leave_the_statements_around_them() -> None:
    text = r"""\set ON_ERROR_STOP on
\echo it's "on
INSERT INTO a SELECT 1;
COPY b (x, y) FROM stdin WITH (DELIMITER ';');
1;it's /* odd
INSERT INTO a SELECT 2;
\.

\if :full
INSERT INTO a SELECT 3;
\endif
\copy b from stdin
'
\.
INSERT INTO a SELECT 4;
"""
    assert statements(text) == [
        (3, "INSERT INTO a SELECT 1"),
        (4, "COPY b (x, y) FROM stdin WITH (DELIMITER ';')"),
        (10, "INSERT INTO a SELECT 3"),
        (15, "INSERT INTO a SELECT 4"),
    ]


def test_some_commands_end_a_statement() -> None:
    text = r"""SELECT 1 AS n \gset
INSERT INTO a SELECT 2
\g
SELECT 3 \; SELECT 4;\echo 5 \\ SELECT 6
"""
    assert statements(text) == [
        (1, "SELECT 1 AS n"),
        (2, "INSERT INTO a SELECT 2"),
        (4, "SELECT 3"),
        (4, "SELECT 4"),
        (4, "SELECT 6"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '\n\\set a\n' AS x",
        "SELECT E'\\'\n\\set a\n' AS x",
        "SELECT $f$'\n\\set a\n$f$ AS x",
        'SELECT 1 AS "\n\\set a\n"',
    ],
)
def test_what_is_in_a_text_is_no_command(text: str) -> None:
    assert [each.sql for each in split(f"/*\n\\set a 'it */{text};\n-- \\i no", POSTGRES)] == [text]


def test_rows_of_copy_without_an_end_hide_no_statement() -> None:
    assert statements("COPY a FROM stdin;\nINSERT INTO a SELECT 1;")[1:] == [
        (2, "INSERT INTO a SELECT 1")
    ]


def test_what_runs_other_sql_is_told_in_its_place() -> None:
    text = "SELECT 'x' \\gexec\n\\i other.sql\nSELECT 1;\n\\ir 'a b.sql'\n"
    found = list(split(text, POSTGRES))
    assert [each.line for each in found] == [1, 1, 2, 3, 4]
    for at, name in ((1, "gexec"), (2, "i"), (4, "ir")):
        with pytest.raises(OpenError, match=rf"what \\{name} runs is not followed"):
            found[at].parse(POSTGRES)


@pytest.mark.parametrize(
    ("command", "schema"),
    [("\\c shop", "shop"), ("\\connect shop me localhost", ""), ("\\c", None)],
)
def test_another_connection_chooses_where_names_are(command: str, schema: str | None) -> None:
    found = list(split(f"SELECT 1;\n{command}\nSELECT 2;", POSTGRES))
    chosen = [chosen_schema(each.sql) for each in found]
    assert [each for each in chosen if each is not None] == ([] if schema is None else [schema])
