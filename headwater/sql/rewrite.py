"""Spelling unusual SQL as plain queries, before its names are resolved."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.sqlite import SQLite

from headwater.sql.expression import is_bound

_MOST_PARTS = 4
"""Of a column's name: with its table, schema and database."""
_OF_TREE = ("key", "value", "type", "atom", "id", "parent", "fullkey", "path")
_TREES = {"json_each": _OF_TREE, "json_tree": _OF_TREE}
"""What SQLite and DuckDB make of JSON."""
_POSTGRES = {
    f"{json}_{function}": columns
    for json in ("json", "jsonb")
    for function, columns in {
        "each": ("key", "value"),
        "each_text": ("key", "value"),
        "array_elements": ("value",),
        "array_elements_text": ("value",),
        "to_record": (),
        "to_recordset": (),
    }.items()
}


_MAKING = (exp.Explode, exp.Unnest, exp.GenerateSeries, exp.ExplodingGenerateSeries)


def makes_rows(node: exp.Expr) -> bool:
    """Whether a node is a function whose arguments decide how many rows there are."""
    known = isinstance(node, exp.Anonymous) and node.name.lower() in {**_TREES, **_POSTGRES}
    return known or isinstance(node, _MAKING)


def rows_as_queries(query: exp.Query, dialect: Dialect) -> None:
    """Put ``SELECT … UNION ALL SELECT …`` in place of each VALUES that reads columns.

    sqlglot looks neither for the columns nor for the sub-queries of VALUES. Rows of constants are
    left out, because nothing comes from them. So it is done with the functions of FROM that read
    nothing but their arguments.
    """
    for alias in query.find_all(exp.TableAlias):  # x(a int): the types do not matter
        names = [each.this if isinstance(each, exp.ColumnDef) else each for each in alias.columns]
        alias.set("columns", names)
    for table in [*query.find_all(exp.Table)]:
        if isinstance(table.this, exp.Func):
            _function_as_query(table, dialect)
    for values in [*query.find_all(exp.Values)]:
        rows = values.expressions
        reading = [row for row in rows if row.find(exp.Column, exp.Query)]
        if not reading or not _is_table(rows):
            continue
        made: exp.Query = _select(reading[0], dialect)
        for row in reading[1:]:
            made = exp.Union(this=made, expression=_select(row, dialect), distinct=False)
        if not isinstance(values.parent, (exp.Subquery, exp.CTE, exp.SetOperation)):
            made = exp.Subquery(this=made, alias=values.args.get("alias"))
        values.replace(made)


def whole_windows(query: exp.Query) -> None:
    """Put what ``WINDOW w AS (…)`` says in place of each ``OVER w``: sqlglot looks for no names."""
    for window in query.find_all(exp.Window):
        select = window.find_ancestor(exp.Select)
        named = {each.name: each for each in (select and select.args.get("windows")) or ()}
        base: exp.Expr | None = window
        while base is not None:
            for part in ("partition_by", "order"):
                if not window.args.get(part) and base.args.get(part):
                    window.set(part, base.copy().args[part])
            base = named.pop(base.alias, None)
        window.set("alias", None)


def methods_as_functions(query: exp.Query, schemas: Collection[str]) -> None:
    """Make a column of what stands before DuckDB's ``t.name.upper()``, unless it is a schema."""
    for dot in query.find_all(exp.Dot):
        names = _parts(dot.this.unnest()) if isinstance(dot.expression, exp.Func) else []
        is_column = 0 < len(names) <= _MOST_PARTS and names[0].name not in schemas
        if is_column and not is_bound(names[-1]):
            dot.set("this", exp.column(*names, copy=True))


def tables_of_in(query: exp.Query) -> None:
    """Put a query in place of a table in SQLite's ``x IN t``."""
    for node in query.find_all(exp.In):
        field = node.args.get("field")
        if isinstance(field, exp.Column):
            rows = exp.select("*").from_(exp.Table(this=field.this, db=field.args.get("table")))
            node.replace(exp.In(this=node.this, query=exp.Subquery(this=rows)))


def _parts(name: exp.Expr) -> list[exp.Identifier]:
    """The parts of a name with dots, the last one first; none of anything else."""
    if isinstance(name, exp.Identifier):
        return [name]
    if isinstance(name, exp.Dot) and isinstance(name.expression, exp.Identifier):
        before = _parts(name.this)
        return [name.expression, *before] if before else []
    return []


def spelled_rows(values: exp.Values) -> exp.Select:
    """The query of rows that stand where a view or a statement has a query."""
    width = len(values.expressions[0].expressions)
    names = [f"c{at}" for at in range(width)]
    alias = exp.TableAlias(this=exp.to_identifier("k"), columns=list(map(exp.to_identifier, names)))
    rows = exp.Values(expressions=values.copy().expressions, alias=alias)
    query = exp.select(*(exp.column(name, "k") for name in names)).from_(rows)
    query.set("with_", values.args.get("with_"))
    return query


def _function_as_query(table: exp.Table, dialect: Dialect) -> None:
    said = {name for name, value in table.args.items() if value}
    columns = _columns(table, dialect)
    if columns is None or said - {"this", "alias"}:
        return
    given = table.alias_column_names
    names = [*given, *columns[len(given) :]]
    values = ((_field(table.this, name), name) for name in names)
    made = exp.select(*(exp.alias_(value, name, quoted=True) for value, name in values))
    alias = exp.to_identifier(table.alias or _called(table.this), quoted=True)
    table.replace(exp.Lateral(this=exp.Subquery(this=made), alias=exp.TableAlias(this=alias)))


def _field(function: exp.Func, name: str) -> exp.Expr:
    """What a function gives a column: of rows that have the names of JSON, the part so called."""
    called = _called(function)
    if not called.endswith(("to_record", "to_recordset")) or len(function.expressions) != 1:
        return function.copy()
    # A set has as many rows as the function makes.
    rows = function if called.endswith("set") else function.expressions[0]
    return exp.JSONExtract(this=rows.copy(), expression=exp.Literal.string(name))


def _columns(table: exp.Table, dialect: Dialect) -> tuple[str, ...] | None:
    """The columns of a function's rows, as long as they have no other names; None: not known."""
    called = _called(table.this)
    if isinstance(dialect, (Postgres, DuckDB)) and called in ("generate_series", "range"):
        return (table.alias or called,)
    if isinstance(dialect, Postgres):
        return _POSTGRES.get(called)
    return _TREES.get(called) if isinstance(dialect, (SQLite, DuckDB)) else None


def _called(function: exp.Func) -> str:
    if isinstance(function, (exp.GenerateSeries, exp.ExplodingGenerateSeries)):
        return "range" if function.args.get("is_end_exclusive") else "generate_series"
    return function.name.lower() if isinstance(function, exp.Anonymous) else ""


def _is_table(rows: list[exp.Expr]) -> bool:
    """Whether all rows are as wide as the first."""
    return all(
        isinstance(row, exp.Tuple) and len(row.expressions) == len(rows[0].expressions)
        for row in rows
    )


def _select(row: exp.Expr, dialect: Dialect) -> exp.Select:
    """A query of one row; its columns have the names that they have without an alias."""
    name, first = ("col", 0) if isinstance(dialect, DuckDB) else ("column", 1)
    values = enumerate(row.expressions, start=first)
    return exp.select(*(exp.alias_(value.copy(), f"{name}{at}") for at, value in values))
