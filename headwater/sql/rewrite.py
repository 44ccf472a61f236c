"""Spelling unusual SQL as plain queries, before its names are resolved."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB


def rows_as_queries(query: exp.Query, dialect: Dialect) -> None:
    """Put ``SELECT … UNION ALL SELECT …`` in place of each VALUES that reads columns.

    sqlglot looks neither for the columns nor for the sub-queries of VALUES. Rows of constants are
    left out, because nothing comes from them.
    """
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
