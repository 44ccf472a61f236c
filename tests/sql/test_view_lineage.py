"""What columns of views are made from, by their SQL alone."""

from __future__ import annotations

import pytest

from headwater.sql.relation import Relation, ViewLineage
from headwater.sql.view_lineage import ViewReader

SAMPLES = Relation("main", "samples", ("id", "Grower", "parent"))
CHEMISTRY = Relation("main", "chemistry", ("id", "acid", "ash", "odd name"))
RAW_SAMPLES = Relation("raw", "samples", ("id", "taken"))
KNOWN = (SAMPLES, CHEMISTRY, RAW_SAMPLES)


def read(sql: str, *columns: str, schema: str = "main", dialect: str = "duckdb") -> ViewLineage:
    view = Relation(schema, "v", columns)
    reader = ViewReader((*KNOWN, view), dialect=dialect, database="cellar", default_schema="main")
    return reader.read(view, sql)


def origins(sql: str, *columns: str, dialect: str = "duckdb") -> dict[str, set[str]]:
    lineage = read(sql, *columns, dialect=dialect)
    assert not lineage.notes
    return {
        column.column: {f"{table.schema}.{table.name}.{name}" for table, name in column.origins}
        for column in lineage.columns
    }


ACID, ASH, ID = "main.chemistry.acid", "main.chemistry.ash", "main.chemistry.id"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("acid", {ACID}),
        ("c.acid", {ACID}),
        ("acid / ash", {ACID, ASH}),
        ("CASE WHEN ash > 1 THEN acid END", {ACID, ASH}),
        ("round(acid, 2)", {ACID}),
        ("CAST(acid AS VARCHAR)", {ACID}),
        ("coalesce(acid, ash, 0)", {ACID, ASH}),
        ("sum(acid) OVER (PARTITION BY ash)", {ACID, ASH}),
        ('"odd name"', {"main.chemistry.odd name"}),
        ("ACID", {ACID}),
        ('"ACID"', {ACID}),
        ("(SELECT max(s.parent) FROM samples s WHERE s.id = c.id)", {"main.samples.parent"}),
        ("(SELECT max(c.acid + s.parent) FROM samples s)", {ACID, "main.samples.parent"}),
        ("acid IN (SELECT parent FROM samples)", {ACID, "main.samples.parent"}),
        ("EXISTS (SELECT parent FROM samples)", set()),
        ("EXISTS (SELECT 1 FROM samples s WHERE s.id = c.ash)", {ASH, "main.samples.id"}),
        (
            "NOT EXISTS (SELECT 1 FROM (SELECT * FROM samples s WHERE s.parent > 1) k)",
            {"main.samples.parent"},
        ),
        (
            "EXISTS (SELECT 1 FROM samples s JOIN raw.samples r ON r.id = s.id UNION"
            " SELECT 1 FROM samples HAVING max(parent) > 1)",
            {"main.samples.id", "raw.samples.id", "main.samples.parent"},
        ),
        ("count(*)", set()),
        ("1", set()),
        ("current_date", set()),
    ],
)
def test_an_output_is_made_from_the_columns_of_its_expression(
    output: str, expected: set[str]
) -> None:
    sql = f"CREATE VIEW v AS SELECT {output} AS x FROM chemistry c WHERE c.id > 3"  # noqa: S608  # parsed only
    assert origins(sql, "x") == {"x": expected}


@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "duckdb"])
@pytest.mark.parametrize(
    "over", ["w", "W", "v", "(w ORDER BY ash)", "(PARTITION BY id ORDER BY ash)"]
)
def test_a_window_that_has_a_name_is_made_from_its_columns(over: str, dialect: str) -> None:
    inner = "SELECT max(parent) OVER w FROM samples WINDOW w AS (ORDER BY samples.id)"
    named = "WINDOW w AS (PARTITION BY id), v AS (w ORDER BY ash)"
    sql = f"SELECT sum(acid) OVER {over} AS x, ({inner}) AS y FROM chemistry {named}"  # noqa: S608  # parsed only
    expected = {ACID, ID} | ({ASH} if over not in ("w", "W") else set())
    found = origins(sql, "x", "y", dialect=dialect)
    assert found == {"x": expected, "y": {"main.samples.parent", "main.samples.id"}}


@pytest.mark.parametrize(
    "output",
    [
        *("acid.upper()", "c.acid.abs().sqrt()", "(acid).upper()"),
        *("acid.s.part.upper()", "main.f(acid)", "acid.list_filter(lambda e: e.upper() = 'A')"),
    ],
)
def test_a_method_of_duckdb_is_made_from_what_it_is_called_on(output: str) -> None:
    assert origins(f"SELECT {output} AS x FROM chemistry c", "x") == {"x": {ACID}}  # noqa: S608  # parsed only


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("list_transform(list_value(acid), (lambda e: (e + (ash * (2)))))", {ACID, ASH}),
        ("list_filter(list_value(acid), (lambda ash, id: (ash > id)))", {ACID}),
        ("f((lambda e: list_transform(e, (lambda k: (k + e)))), acid)", {ACID}),
        ('"row"(acid, ash)[1]', {ACID}),
    ],
)
def test_functions_as_duckdb_prints_them_are_followed(output: str, expected: set[str]) -> None:
    sql = f"CREATE VIEW v (x) AS SELECT {output} FROM chemistry;"  # noqa: S608  # parsed only
    assert origins(sql, "x") == {"x": expected}


def test_rows_of_a_table_behind_in_are_read() -> None:
    sql = "SELECT acid IN main.samples AS x FROM chemistry"
    samples = {f"main.samples.{name}" for name in SAMPLES.columns}
    assert origins(sql, "x", dialect="sqlite") == {"x": {ACID} | samples}


@pytest.mark.parametrize(
    ("output", "dialect"),
    [
        *(("#2", "duckdb"), ("#1 + 1", "duckdb"), ("@ acid", "postgres"), ("@acid", "tsql")),
        ("(SELECT array_agg(#1) FROM (SELECT acid FROM chemistry))", "duckdb"),
    ],
)
def test_what_is_not_known_to_come_of_its_parts_alone_is_open(output: str, dialect: str) -> None:
    lineage = read(f"SELECT ash, {output} AS x FROM chemistry", "ash", "x", dialect=dialect)  # noqa: S608  # parsed only
    assert [each.perhaps for each in lineage.columns] == [(), (CHEMISTRY,)]
    assert [note.message.rpartition(" is ")[2] for note in lineage.notes] == ["not followed"]


SAMPLE_ID = "main.samples.id"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT 1 FROM samples s JOIN raw.samples r USING (id)", {SAMPLE_ID, "raw.samples.id"}),
        ("SELECT 1 FROM samples s NATURAL JOIN raw.samples r", {SAMPLE_ID, "raw.samples.id"}),
        ("WITH q AS (SELECT * FROM samples WHERE id > c.acid) SELECT 1 FROM q", {SAMPLE_ID, ACID}),
        ("SELECT 1 FROM samples s, LATERAL (SELECT 1 WHERE s.id = c.acid) l", {SAMPLE_ID, ACID}),
        ("SELECT parent FROM samples INTERSECT SELECT c.acid", {"main.samples.parent", ACID}),
        ("SELECT c.acid EXCEPT SELECT parent FROM samples", {"main.samples.parent", ACID}),
        ("SELECT 1 FROM generate_series(1, c.acid)", {ACID}),
        ("SELECT 1 FROM samples, unnest(c.acid) k(x)", {ACID}),
        ("SELECT unnest(c.acid)", {ACID}),
        ("SELECT max(c.ash) FROM samples LIMIT c.acid", {ACID}),
        ("SELECT 1 FROM samples LEFT JOIN (SELECT 7) k ON samples.id = c.acid", {SAMPLE_ID, ACID}),
        (
            "WITH RECURSIVE q (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM q WHERE n < c.acid)"
            " SELECT 1 FROM q WHERE n > c.ash",
            {ACID, ASH},
        ),
        ("SELECT c.acid FROM samples", set()),
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_whether_there_are_rows_comes_from_all_that_makes_and_keeps_them(
    query: str, expected: set[str], dialect: str
) -> None:
    sql = f"SELECT EXISTS ({query}) AS x FROM chemistry c"  # noqa: S608  # parsed only
    assert origins(sql, "x", dialect=dialect) == {"x": expected}


@pytest.mark.parametrize(
    "rows", ["f(c.acid) k(x)", "ROWS FROM (f(c.acid), g(1)) AS k", "LATERAL unheard.f(c.acid) k"]
)
def test_whether_a_function_that_is_not_known_makes_rows_is_open(rows: str) -> None:
    sql = f"SELECT ash, EXISTS (SELECT 1 FROM {rows}) AS x FROM chemistry c"  # noqa: S608  # parsed only
    _, found = read(sql, "ash", "x", dialect="postgres").columns
    assert found.perhaps == (CHEMISTRY,) or found.origins == ((CHEMISTRY, "acid"),)


@pytest.mark.parametrize("count", ["count(*)", "count(1)", "count_star()", "1 + count(*) OVER ()"])
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("(SELECT DISTINCT acid FROM chemistry WHERE ash > 1)", {ACID}),
        ("(SELECT 1 FROM (SELECT DISTINCT acid, ash FROM chemistry) a)", {ACID, ASH}),
        ("(SELECT acid FROM chemistry UNION SELECT ash FROM chemistry)", {ACID, ASH}),
        ("(SELECT DISTINCT acid FROM chemistry EXCEPT SELECT parent FROM samples)", {ACID}),
        ("(SELECT acid FROM chemistry UNION ALL SELECT DISTINCT ash FROM chemistry)", {ASH}),
        ("(SELECT acid FROM chemistry)", set()),
        ("(SELECT acid FROM (SELECT DISTINCT acid, ash FROM chemistry) GROUP BY acid)", set()),
        ("(SELECT DISTINCT ON (ash) acid FROM chemistry)", {ASH}),
        ("chemistry, (SELECT DISTINCT parent FROM samples)", {"main.samples.parent"}),
    ],
)
def test_a_count_of_distinct_rows_comes_from_what_tells_them_apart(
    count: str, rows: str, expected: set[str]
) -> None:
    assert origins(f"SELECT {count} AS k FROM {rows} r", "k") == {"k": expected}  # noqa: S608  # parsed only


def test_a_count_of_the_rows_of_a_recursion_is_followed_until_it_adds_nothing() -> None:
    sql = (
        "WITH RECURSIVE w AS (SELECT id FROM samples UNION ALL"
        " SELECT s.id FROM (SELECT DISTINCT parent AS id FROM samples) s, w)"
        " SELECT count(*) AS k FROM w"
    )
    assert origins(sql, "k") == {"k": {"main.samples.parent"}}


def test_columns_of_where_join_and_order_are_no_origins() -> None:
    found = origins(
        "SELECT c.acid FROM samples s JOIN chemistry c ON c.id = s.id"
        " WHERE s.parent > 1 ORDER BY c.ash",
        "acid",
    )
    assert found == {"acid": {ACID}}


def test_every_table_that_is_read_counts_even_without_a_column() -> None:
    lineage = read("SELECT c.acid FROM chemistry c JOIN samples s ON c.id = s.id", "acid")
    assert set(lineage.relations) == {CHEMISTRY, SAMPLES}


def test_a_star_gives_every_column_in_order() -> None:
    found = origins(
        "SELECT *, s.id + 1 AS next FROM raw.samples s JOIN chemistry c ON s.id = c.id",
        *("id", "taken", "id_1", "acid", "ash", "odd name", "next"),
    )
    assert found == {
        "id": {"raw.samples.id"},
        "taken": {"raw.samples.taken"},
        "id_1": {"main.chemistry.id"},
        "acid": {ACID},
        "ash": {ASH},
        "odd name": {"main.chemistry.odd name"},
        "next": {"raw.samples.id"},
    }


def test_a_table_star_gives_that_table_alone() -> None:
    found = origins("SELECT r.*, c.acid FROM chemistry c, raw.samples r", "id", "taken", "acid")
    assert found == {"id": {"raw.samples.id"}, "taken": {"raw.samples.taken"}, "acid": {ACID}}


def test_a_self_join_keeps_its_two_sides_apart() -> None:
    found = origins(
        "SELECT child.Grower AS own, up.id AS above FROM samples child"
        " JOIN samples up ON child.parent = up.id",
        *("own", "above"),
    )
    assert found == {"own": {"main.samples.Grower"}, "above": {"main.samples.id"}}


def test_a_column_list_names_the_outputs() -> None:
    assert origins("CREATE VIEW v (p, q) AS SELECT * FROM raw.samples", "p", "q") == {
        "p": {"raw.samples.id"},
        "q": {"raw.samples.taken"},
    }


def test_common_tables_subqueries_and_unions_are_followed() -> None:
    found = origins(
        "WITH c (p) AS (SELECT acid / ash FROM chemistry UNION ALL SELECT parent FROM samples)"
        " SELECT inner_c.p AS x FROM (SELECT p FROM c) inner_c",
        "x",
    )
    assert found == {"x": {ACID, ASH, "main.samples.parent"}}


@pytest.mark.parametrize("outputs", ["t.acid, t.x, t.id", "acid, x, id", "*"])
@pytest.mark.parametrize(
    "rows",
    [
        "chemistry AS t (acid, x, id)",
        "(SELECT id, acid, ash FROM chemistry) t (acid, x, id)",
        "(SELECT id, acid, ash FROM chemistry UNION ALL SELECT * FROM k) t (acid, x, id)",
        "k AS t (acid, x, id)",
        "named t (acid, x, id)",
        "(SELECT * FROM named u (x, id, acid)) t (acid, x, id)",
    ],
)
def test_a_list_of_columns_behind_an_alias_renames_them(outputs: str, rows: str) -> None:
    common = "k AS (SELECT id, acid, ash FROM chemistry), named (acid, id, x) AS (SELECT * FROM k)"
    select = f"SELECT acid, x, id FROM (SELECT {outputs} FROM {rows}) w"  # noqa: S608  # parsed only
    found = origins(f"WITH {common} {select}", "acid", "x", "id", dialect="postgres")
    assert found == {"acid": {"main.chemistry.id"}, "x": {ACID}, "id": {ASH}}


def test_a_short_list_of_columns_behind_an_alias_renames_the_first() -> None:
    found = origins(
        "WITH k AS (SELECT id, acid, ash FROM chemistry) SELECT t.*, u.* FROM k t (ash2, id),"
        " (k JOIN samples USING (id)) u (p, q)",
        *("ash2", "id", "ash", "p", "q", "ash_1", "Grower", "parent"),
        dialect="postgres",
    )
    assert found == {
        "ash2": {"main.chemistry.id"},
        "id": {ACID},
        "ash": {ASH},
        "p": {"main.chemistry.id", "main.samples.id"},
        "q": {ACID},
        "ash_1": {ASH},
        "Grower": {"main.samples.Grower"},
        "parent": {"main.samples.parent"},
    }


def test_a_star_may_leave_out_and_replace_columns() -> None:
    found = origins(
        'SELECT * EXCLUDE ("odd name") REPLACE (acid / ash AS ash) FROM chemistry',
        *("id", "acid", "ash"),
    )
    assert found == {"id": {"main.chemistry.id"}, "acid": {ACID}, "ash": {ACID, ASH}}


def test_a_semi_join_gives_no_columns() -> None:
    found = origins("SELECT * FROM raw.samples SEMI JOIN chemistry USING (id)", "id", "taken")
    assert found == {"id": {"raw.samples.id"}, "taken": {"raw.samples.taken"}}


def test_a_field_of_a_struct_comes_from_its_column() -> None:
    assert origins("SELECT taken.year AS y FROM raw.samples", "y") == {"y": {"raw.samples.taken"}}


@pytest.mark.parametrize("field", ["k.s.x", "k.s['x']", "k.S.X", "md5(k.s.x)"])
def test_a_field_of_a_struct_that_the_query_makes_comes_from_what_it_was_made_of(
    field: str,
) -> None:
    made = "(SELECT {'x': acid, 'y': ash} AS s FROM chemistry) k"
    assert origins(f"SELECT {field} AS x FROM {made}", "x") == {"x": {ACID}}  # noqa: S608  # parsed only


def test_no_value_comes_from_what_except_takes_away() -> None:
    found = origins("SELECT acid FROM chemistry EXCEPT SELECT parent FROM samples", "acid")
    assert found == {"acid": {ACID}}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT k.x, k.y FROM chemistry c, LATERAL (SELECT s.id AS x, c.acid + s.parent AS y"
        " FROM samples s) k",
        "SELECT k.x, k.y FROM chemistry c LEFT JOIN LATERAL (SELECT s.id, c.acid + s.parent"
        " FROM samples s) k(x, y) ON true",
        # DuckDB keeps it so in a view.
        "SELECT k.x, k.y FROM (chemistry c CROSS JOIN (SELECT s.id AS x, acid + s.parent AS y"
        " FROM samples s) AS k)",
        "SELECT k.x, k.y FROM chemistry c, (SELECT x, y FROM (SELECT s.id AS x, acid + parent AS y"
        " FROM samples s)) AS k",
        "SELECT s.id AS x, y FROM samples s, chemistry, (SELECT * FROM (VALUES (acid, 1),"
        " (parent, 2)) AS valueslist) AS k(y, z)",
        "SELECT k.* FROM chemistry c, (SELECT s.id AS x, c.acid + s.parent AS y FROM samples s) k",
    ],
)
def test_a_subquery_beside_others_sees_them_where_it_is_lateral(sql: str) -> None:
    assert origins(sql, "x", "y") == {"x": {"main.samples.id"}, "y": {ACID, "main.samples.parent"}}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("chemistry c, LATERAL (VALUES (c.acid), (ash)) k(x)", {ACID, ASH}),
        ("chemistry c CROSS JOIN LATERAL (VALUES (7, c.acid), (c.ash, 7)) AS k(x, y)", {ASH}),
        ("(VALUES ((SELECT max(acid) FROM chemistry)), (7)) k(x)", {ACID}),
        ("(SELECT col0 AS x FROM chemistry c, LATERAL (VALUES (c.acid))) k", {ACID}),
    ],
)
def test_rows_that_values_spell_come_from_what_stands_in_them(
    rows: str, expected: set[str]
) -> None:
    assert origins(f"SELECT k.x FROM {rows}", "x") == {"x": expected}  # noqa: S608  # parsed only


@pytest.mark.parametrize("dialect", ["sqlite", "tsql"])
def test_a_common_table_that_reads_itself_is_no_table_of_its_name(dialect: str) -> None:
    lineage = read(
        "WITH chemistry AS (SELECT id, parent FROM samples UNION ALL SELECT id, parent + 1"
        " FROM chemistry), other AS (SELECT id FROM samples)"
        " SELECT chemistry.id, other.id FROM chemistry, other",
        *("x", "y"),
        dialect=dialect,
    )
    assert [column.origins for column in lineage.columns] == [((SAMPLES, "id"),)] * 2
    assert (lineage.relations, lineage.notes) == ((SAMPLES,), ())


def test_rows_that_a_function_makes_come_from_its_arguments() -> None:
    lineage = read(
        "SELECT k.x, k.y, m.z FROM chemistry, unnest(acid, md5(ash)) k(x, y), unnest([7]) m(z)",
        *("x", "y", "z"),
    )
    assert lineage.notes == ()
    assert [column.origins for column in lineage.columns] == [
        ((CHEMISTRY, "acid"),),
        ((CHEMISTRY, "ash"),),
        (),
    ]
    assert [len(column.masked) for column in lineage.columns] == [0, 1, 0]
    partly = read(
        "SELECT k.x FROM samples s, LATERAL f((SELECT max(acid) FROM chemistry), s.parent) k(x)",
        "x",
        dialect="postgres",
    )
    assert partly.columns[0].origins == ((SAMPLES, "parent"),)
    assert [note.message for note in partly.notes] == ["a subquery is not followed"]
    found = read(
        "SELECT e.key, e.value FROM samples s, LATERAL jsonb_each(s.parent) e(key, value)",
        *("x", "y"),
        dialect="postgres",
    )
    assert [column.origins for column in found.columns] == [((SAMPLES, "parent"),)] * 2


@pytest.mark.parametrize(
    ("outputs", "rows", "dialect"),
    [
        ("j.value, j.key", "json_each(c.acid) AS j", "sqlite"),
        ("k.value, json_tree.atom", "json_each(acid) k, json_tree(k.value)", "sqlite"),
        ("value, (SELECT max(j.value) FROM json_each(acid) j)", "json_each(acid)", "duckdb"),
        ("g.i, range", "generate_series(1, c.acid) AS g(i), range(c.acid)", "duckdb"),
        ("i, k.value", "generate_series(1, acid) i, jsonb_array_elements(acid) k", "postgres"),
        ("k.a, k.b", "json_to_record(c.acid) AS k(a int, b text)", "postgres"),
        ("k.a, k.b", "LATERAL json_to_record(c.acid) k(a int, b text)", "postgres"),
    ],
)
def test_rows_of_a_function_in_from_come_from_its_arguments(
    outputs: str, rows: str, dialect: str
) -> None:
    found = origins(f"SELECT {outputs} FROM chemistry c, {rows}", "x", "y", dialect=dialect)  # noqa: S608  # parsed only
    assert found == {"x": {ACID}, "y": {ACID}}


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres"])
def test_rows_of_a_function_of_constants_come_from_no_column(dialect: str) -> None:
    sql = "SELECT k.value, acid FROM json_each('{}') k LEFT JOIN chemistry ON k.key = id"
    assert origins(sql, "x", "y", dialect=dialect) == {"x": set(), "y": {ACID}}


def test_a_recursion_is_followed_until_it_adds_nothing() -> None:
    found = origins(
        "WITH RECURSIVE k(x, y, z) AS (SELECT id, md5(acid), 0 FROM chemistry UNION ALL"
        " SELECT k.y, k.z + s.parent, k.x FROM k, (SELECT * FROM samples) s) SELECT * FROM k",
        *("x", "y", "z"),
    )
    everything = {"main.chemistry.id", ACID, "main.samples.parent"}
    assert found == dict.fromkeys("xyz", everything)


def test_the_word_recursive_alone_makes_no_recursion() -> None:
    assert origins("WITH RECURSIVE k AS (SELECT acid FROM chemistry) SELECT * FROM k", "acid") == {
        "acid": {ACID}
    }


@pytest.mark.parametrize("deep", ["(" * 3000 + "acid" + ")" * 3000, "+".join(["acid"] * 3000)])
def test_sql_that_is_nested_too_deeply_is_a_note(deep: str) -> None:
    lineage = read(f"SELECT {deep} AS x FROM chemistry", "x")  # noqa: S608  # parsed only
    assert lineage.columns == ()
    (note,) = lineage.notes
    assert note.message == "the SQL cannot be resolved: it is nested too deeply"


def test_a_common_table_hides_a_table_of_its_name() -> None:
    found = origins(
        "WITH samples AS (SELECT ash AS id FROM chemistry) SELECT id FROM samples", "id"
    )
    assert found == {"id": {ASH}}


def test_the_function_is_the_sql_behind_columns_that_only_pass_it_on() -> None:
    lineage = read(
        "WITH r AS (SELECT acid / ash AS ratio, id FROM chemistry) SELECT ratio, id FROM r",
        *("ratio", "id"),
    )
    assert [column.function for column in lineage.columns] == [
        "chemistry.acid / chemistry.ash",
        None,
    ]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nothing AS x FROM chemistry", "nothing is not a column of what the view reads"),
        (
            "SELECT id AS x FROM chemistry, samples s, (SELECT acid FROM chemistry) k",
            "id is ambiguous: chemistry.id or s.id",
        ),
        (
            "WITH k AS (SELECT id FROM samples) SELECT id AS x FROM chemistry, k",
            "id is ambiguous: chemistry.id or k.id",
        ),
        ("SELECT u.acid AS x FROM unheard u", "u.acid is not a column of a known table"),
        ("SELECT c AS x FROM chemistry c", "c is not followed"),
        ("SELECT k.x AS x FROM unheard(7) k(x)", "UNHEARD(7) is not a known table"),
        (
            "SELECT acid AS x FROM chemistry UNION BY NAME SELECT id AS x FROM samples",
            "UNION by name is not followed",
        ),
        (
            "SELECT acid AS x FROM chemistry UNION ALL SELECT *, acid FROM unheard, chemistry",
            "the columns of one side of UNION are not known",
        ),
        (
            "SELECT k.x FROM (SELECT *, acid AS x FROM chemistry, unheard) k",
            "k.x may come of a star in k that cannot be expanded",
        ),
        ("SELECT max(COLUMNS(*)) AS x FROM chemistry", "COLUMNS(*) is not followed"),
    ],
)
def test_what_is_open_is_a_note_and_never_an_origin(sql: str, message: str) -> None:
    lineage = read(sql, "x")
    assert message in [note.message for note in lineage.notes]
    assert [column.origins for column in lineage.columns] == [()]


@pytest.mark.parametrize(
    ("rows", "dialect", "name"),
    [
        ("read_csv('acid.csv')", "duckdb", "READ_CSV('acid.csv')"),
        ("main.unheard(1)\nAS g(i)", "duckdb", "main.UNHEARD(1)"),
        ("ROWS FROM (f(1), g(c.acid))\nAS k(x, y)", "postgres", "ROWS FROM (F(1), G(c.acid))"),
    ],
)
def test_rows_of_an_unknown_function_are_told_by_its_name_where_it_stands(
    rows: str, dialect: str, name: str
) -> None:
    lineage = read(f"SELECT\nacid AS x\nFROM chemistry c,\n{rows}", "x", dialect=dialect)
    assert (4, f"{name} is not a known table") in [
        (note.line, note.message) for note in lineage.notes
    ]


def test_an_open_column_leaves_the_others_resolved() -> None:
    lineage = read("SELECT acid,\n  ash,\n  nothing FROM chemistry", "acid", "ash", "x")
    assert [len(column.origins) for column in lineage.columns] == [1, 1, 0]
    assert [note.line for note in lineage.notes] == [3]


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT c.xmin AS x, c.tableoid::regclass AS y, c.acid AS z FROM chemistry c", "postgres"),
        ("SELECT ctid, tableoid, acid FROM chemistry, (SELECT 1 AS n) k", "postgres"),
        ("SELECT c.rowid, md5(s.rowid), acid FROM samples s, chemistry c", "duckdb"),
    ],
)
def test_what_every_row_has_comes_from_no_column(sql: str, dialect: str) -> None:
    found = origins(sql, *("x", "y", "z"), dialect=dialect)
    assert found == {"x": set(), "y": set(), "z": {ACID}}


def test_what_may_be_a_column_of_an_unknown_table_is_open() -> None:
    known = [Relation("main", "t", ()), Relation("main", "v", ("x",))]
    reader = ViewReader(known, dialect="duckdb", database="cellar", default_schema="main")
    (note,) = reader.read(known[1], "SELECT t.rowid AS x FROM t").notes
    assert note.message == "t.rowid is not a column of a known table"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("c.shoe", "c.shoe is not a column of a known table"),
        ("k.rowid", "k.rowid is not one column of k"),
        ("u.rowid", "u.rowid is not a column of a known table"),
        ("rowid", "rowid is not a column of what the view reads"),
    ],
)
def test_a_column_that_is_not_there_leaves_the_others_resolved(output: str, message: str) -> None:
    lineage = read(
        f"SELECT {output}, c.acid FROM chemistry c, samples, (SELECT 1 AS n) k, unheard u",  # noqa: S608  # parsed only
        *("x", "y"),
    )
    assert message in [note.message for note in lineage.notes]
    assert [column.origins for column in lineage.columns] == [(), ((CHEMISTRY, "acid"),)]


def test_a_star_over_an_unknown_table_resolves_nothing() -> None:
    lineage = read("SELECT *, c.acid FROM unheard, chemistry c", "a", "b", "acid")
    assert lineage.columns == ()
    assert lineage.relations == (CHEMISTRY,)
    assert [note.message for note in lineage.notes] == [
        "unheard is not a known table",
        "a star cannot be expanded, because the columns behind it are not known",
    ]


def test_a_star_that_does_not_give_the_columns_of_the_view_resolves_nothing() -> None:
    lineage = read("SELECT * FROM raw.samples", "id", "renamed_since")
    assert lineage.columns == ()
    assert "renamed_since" in lineage.notes[0].message


def test_more_outputs_than_columns_resolve_nothing() -> None:
    lineage = read("SELECT acid, ash FROM chemistry", "acid")
    assert lineage.columns == ()
    assert lineage.notes[0].message == "the SQL has 2 outputs, v 1 columns"


@pytest.mark.parametrize("sql", ["SELEC acid FRM (", "", "SELECT a FROM t WHERE (", "DROP TABLE t"])
def test_sql_that_cannot_be_read_is_a_note(sql: str) -> None:
    lineage = read(sql, "x")
    assert (lineage.relations, lineage.columns) == ((), ())
    assert "cannot be resolved" in lineage.notes[0].message


def test_a_syntax_error_is_noted_at_its_line() -> None:
    assert [note.line for note in read("SELECT a,\n\n b FROM t WHERE (", "a", "b").notes] == [3]


def test_an_unqualified_name_that_two_schemas_have_is_open() -> None:
    view = Relation("raw", "v", ("id",))
    reader = ViewReader((*KNOWN, view), dialect="duckdb", database="cellar", default_schema="main")
    lineage = reader.read(view, "SELECT id FROM samples")
    assert set(lineage.relations) == {RAW_SAMPLES, SAMPLES}
    assert [column.origins for column in lineage.columns] == [()]
    assert lineage.notes[0].message == "samples is ambiguous: raw.samples or main.samples"
    assert reader.read(view, "SELECT id FROM main.samples").relations == (SAMPLES,)
    assert reader.read(view, "SELECT id FROM cellar.raw.samples").relations == (RAW_SAMPLES,)
    assert reader.read(view, "SELECT id FROM other.raw.samples").relations == ()


def test_a_view_of_rows_alone_comes_from_what_stands_in_them() -> None:
    sql = "VALUES (1, (SELECT max(acid) FROM chemistry)), (2, 3)"
    for dialect in ("sqlite", "postgres", "duckdb"):
        assert origins(sql, "x", "y", dialect=dialect) == {"x": set(), "y": {ACID}}


def test_sql_that_is_not_understood_reads_perhaps_all_that_it_names() -> None:
    sql = """CREATE VIEW v AS SELECT (FROM "samples", f(chemistry.acid), 'raw.samples', other.s"""
    lineage = read(sql, "x")
    assert (set(lineage.relations), lineage.columns) == (set(KNOWN), ())
    assert set(read("SELECT (FROM raw.samples -- chemistry", "x").relations) == {RAW_SAMPLES}
    upper = Relation("main", "T", ("a",))
    reader = ViewReader((upper,), dialect="postgres", database="db", default_schema="main")
    assert reader.read(KNOWN[0], 'SELECT (FROM "T"').relations == (upper,)
    assert reader.read(KNOWN[0], "SELECT (FROM T").relations == ()


def test_quoted_names_keep_their_case_where_the_database_keeps_it() -> None:
    upper, lower = Relation("public", "T", ("A", "a")), Relation("public", "t", ("A", "a"))
    view = Relation("public", "v", ("x", "y"))
    reader = ViewReader(
        (upper, lower, view), dialect="postgres", database="db", default_schema="public"
    )
    lineage = reader.read(view, 'SELECT "T"."A" AS x, "T".A AS y FROM "T"')
    assert [column.origins for column in lineage.columns] == [((upper, "A"),), ((upper, "a"),)]


def test_columns_that_the_database_compares_as_one_are_never_chosen_between() -> None:
    twins = Relation("main", "twins", ("Straße", "straße"))
    view = Relation("main", "v", ("x",))
    reader = ViewReader((twins, view), dialect="duckdb", database="db", default_schema="main")
    lineage = reader.read(view, 'SELECT "straße" AS x FROM twins')
    assert lineage.columns[0].origins == ()
    assert len(lineage.notes) == 1


def test_text_in_double_quotes_is_no_column() -> None:
    lineage = read('SELECT "not a column" AS x FROM chemistry', "x", dialect="sqlite")
    assert lineage.columns[0].origins == ()
    assert len(lineage.notes) == 1


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite", "postgres"])
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT (SELECT max(parent) FROM chemistry AS s) AS x FROM samples AS s", "parent"),
        ("SELECT (SELECT max(parent) FROM raw.samples) AS x FROM main.samples", "parent"),
        ("SELECT (SELECT max(taken) FROM raw.samples) AS x FROM main.samples", "taken"),
        ("SELECT (SELECT max(main.samples.parent) FROM raw.samples) AS x FROM samples", "parent"),
        ("SELECT EXISTS (SELECT 1 FROM raw.samples WHERE parent > 1) AS x FROM samples", "parent"),
        ("SELECT (SELECT max(parent) FROM (SELECT 1 AS id) k) AS x FROM samples k", "parent"),
        ("SELECT (SELECT max(k.parent) FROM (SELECT * FROM samples) k) AS x FROM raw.samples k",
         "parent"),
        ("SELECT (SELECT max(s.taken) FROM raw.samples s) AS x FROM samples s", "taken"),
        ("SELECT x FROM (SELECT (SELECT max(parent) FROM chemistry s) x FROM samples s) s",
         "parent"),
    ],
)  # fmt: skip
def test_a_column_is_that_of_the_nearest_table_of_a_name_that_has_it(
    dialect: str, sql: str, expected: str
) -> None:
    lineage = read(sql, "x", dialect=dialect)
    assert lineage.notes == ()
    (column,) = lineage.columns
    assert {name for _, name in column.origins} == {expected}
    assert column.perhaps == ()


def test_a_field_of_a_struct_is_that_of_the_inner_table_of_a_name() -> None:
    sql = "SELECT (SELECT max(s.taken.year) FROM raw.samples s) AS x FROM samples s"
    assert origins(sql, "x") == {"x": {"raw.samples.taken"}}


@pytest.mark.parametrize(
    ("dialect", "part"),
    [
        ("duckdb", "struct_extract({'x': acid, 'y': ash}, 'x')"),
        ("duckdb", "struct_pack(x := acid, y := ash)['X']"),
        ("duckdb", "({'x': {'z': acid, 'y': ash}, 'y': ash}).x.z"),
        ("duckdb", "list_value(acid, ash)[1]"),
        ("duckdb", "list_extract([ash, acid], 2)"),
        ("duckdb", """struct_extract_at("row"(acid, ash), 1)"""),
        ("duckdb", """"map"(list_value('x', 'y'), list_value(acid, ash))['x']"""),
        ("duckdb", "map {'x': acid, 'y': ash}['x']"),
        ("postgres", "(ARRAY[acid, ash])[1]"),
        ("postgres", "jsonb_build_object('x', acid, 'y', ash) ->> 'x'"),
        ("sqlite", "json_extract(json_object('x', acid, 'y', ash), '$.x')"),
    ],
)
def test_a_part_of_what_the_sql_makes_comes_from_that_part(dialect: str, part: str) -> None:
    lineage = read(f"SELECT {part} AS k FROM chemistry", "k", dialect=dialect)  # noqa: S608  # parsed only
    assert lineage.notes == ()
    assert lineage.columns[0].origins == ((CHEMISTRY, "acid"),)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgres", "SELECT (ROW(acid, ash)::pair).p AS k FROM chemistry"),
        ("postgres", "SELECT (q.r).p AS k FROM (SELECT ROW(acid, ash)::pair r FROM chemistry) q"),
        (
            "duckdb",
            "SELECT (CASE WHEN id > 1 THEN {'x': acid, 'y': ash} END).x AS k FROM chemistry",
        ),
        (
            "duckdb",
            "SELECT r.x AS k FROM (SELECT unnest([{'x': acid, 'y': ash}]) AS r FROM chemistry)",
        ),
        ("duckdb", "SELECT q.r.x AS k FROM chemistry, unnest([{'x': acid, 'y': ash}]) AS q(r)"),
        ("duckdb", "SELECT r.x AS k FROM (SELECT max({'x': acid, 'y': ash}) r FROM chemistry)"),
        ("duckdb", "SELECT (first({'x': acid, 'y': ash})).x AS k FROM chemistry"),
        ("duckdb", "SELECT ([{'x': acid, 'y': ash}][id]).x AS k FROM chemistry"),
        (
            "duckdb",
            "SELECT r.x AS k FROM (SELECT {'x': acid, 'y': ash} AS r FROM chemistry"
            " UNION SELECT {'x': ash, 'y': acid} FROM chemistry)",
        ),
        (
            "duckdb",
            "WITH a AS (SELECT {'x': acid, 'y': ash} AS r FROM chemistry), b AS"
            " (SELECT max(r) AS m FROM a UNION ALL SELECT r FROM a) SELECT b.m.x AS k FROM b",
        ),
        (
            "postgres",
            "SELECT j.x AS k FROM chemistry, jsonb_to_recordset(jsonb_build_array("
            "jsonb_build_object('x', acid, 'y', ash))) AS j(x int, y int)",
        ),
        (
            "postgres",
            "SELECT j.x AS k FROM (SELECT jsonb_agg(jsonb_build_object('x', acid, 'y', ash)) AS r"
            " FROM chemistry) q, jsonb_to_recordset(q.r) AS j(x int, y int)",
        ),
        ("duckdb", "SELECT [acid, ash][-1] AS k FROM chemistry"),
        ("duckdb", "SELECT [acid, ash][1:1] AS k FROM chemistry"),
    ],
)
def test_a_part_that_is_not_known_is_perhaps_of_all(dialect: str, sql: str) -> None:
    lineage = read(sql, "k", dialect=dialect)
    (column,) = lineage.columns
    assert (column.origins, column.perhaps) == ((), (CHEMISTRY,))
    (note,) = lineage.notes
    assert note.message.startswith("which part ")


@pytest.mark.parametrize(
    ("dialect", "part"),
    [
        *(("duckdb", part) for part in ("max(q.r).x", "(q.r::pair).x", "list(q.r)[1].x")),
        ("duckdb", "struct_extract(max(q.r), 'x')"),
        ("duckdb", "coalesce(q.r, NULL).x"),
        ("duckdb", "(SELECT q.r).x"),
        ("postgres", "max(q.r) ->> 'x'"),
        ("postgres", "jsonb_path_query(q.r, '$.x')"),
    ],
)
def test_a_part_of_what_passed_through_a_function_is_perhaps_of_all(
    dialect: str, part: str
) -> None:
    made = {
        "duckdb": "{'x': acid, 'y': ash}",
        "postgres": "jsonb_build_object('x', acid, 'y', ash)",
    }
    sql = f"SELECT {part} AS k FROM (SELECT {made[dialect]} AS r FROM chemistry) q"  # noqa: S608  # parsed only
    (column,) = read(sql, "k", dialect=dialect).columns
    assert (column.origins, column.perhaps) == ((), (CHEMISTRY,))


@pytest.mark.parametrize("rows", ["json_to_record", "jsonb_to_record"])
@pytest.mark.parametrize(
    "tables",
    [
        "chemistry, {}(json_build_object('x', acid, 'y', ash)) AS j(x int, y int)",
        "(SELECT json_build_object('x', acid, 'y', ash) AS r FROM chemistry) q,"
        " {}(q.r) AS j(y int, x int)",
    ],
)
def test_a_column_of_a_record_comes_from_the_part_of_its_name(rows: str, tables: str) -> None:
    sql = f"SELECT j.x AS k FROM {tables.format(rows)}"  # noqa: S608  # parsed only
    assert origins(sql, "k", dialect="postgres") == {"k": {ACID}}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT max(q.r).x AS k FROM (SELECT parent AS r FROM samples) q",
        "SELECT (SELECT max(k.parent)).x AS k FROM samples k",
        "WITH RECURSIVE q AS (SELECT parent AS r FROM samples UNION SELECT max(r).x FROM q)"
        " SELECT max(r).x AS k FROM q",
    ],
)
def test_a_part_of_what_no_query_makes_comes_from_its_column(sql: str) -> None:
    assert origins(sql, "k") == {"k": {"main.samples.parent"}}


def test_an_element_that_rows_decide_comes_from_each() -> None:
    found = origins("SELECT [acid, ash][id] AS k FROM chemistry", "k")
    assert found == {"k": {ACID, ASH, "main.chemistry.id"}}


def test_a_part_is_followed_behind_what_passes_it_on() -> None:
    made = "(SELECT s AS r FROM (SELECT {'x': {'z': acid}, 'y': ash} AS s FROM chemistry))"
    assert origins(f"SELECT q.r.x.z AS k FROM {made} q", "k") == {"k": {ACID}}  # noqa: S608  # parsed only


def test_what_sqlglot_fails_at_is_perhaps_of_all_that_is_named() -> None:
    lineage = read(
        "SELECT (SELECT max(p.x) FROM (PIVOT chemistry ON ash USING max(acid)) p) AS k"
        " FROM samples p",
        "k",
    )
    assert lineage.notes
    assert {*lineage.relations} == {CHEMISTRY, SAMPLES}


@pytest.mark.parametrize("word", ["copy", "merge", "UPDATE", "create"])
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW v AS SELECT FROM FROM {} c",
        "SELECT FROM a JOIN {} ON",
        "SELECT {}.x FROM FROM k",
        "SELECT FROM a, main.{}",
        "SELECT x IN {} WHERE FROM FROM",
        "SELECT FROM FROM query_table('{}')",
        'SELECT FROM FROM "{}"',
    ],
)
def test_a_table_may_be_called_as_a_statement_is(word: str, sql: str) -> None:
    table = Relation("main", word.lower(), ("x",))
    reader = ViewReader(
        (SAMPLES, table), dialect="duckdb", database="cellar", default_schema="main"
    )
    lineage = reader.read(Relation("main", "v", ("x",)), sql.format(word))
    assert lineage.notes
    assert lineage.relations == (table,)
