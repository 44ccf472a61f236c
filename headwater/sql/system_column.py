"""Columns that a table has without a word, such as ``rowid`` and ``ctid``."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.sqlite import SQLite
from sqlglot.optimizer.scope import Scope, traverse_scope

from headwater.sql.binding import Bindings, fold

_NAMES: tuple[tuple[type[Dialect], frozenset[str]], ...] = (
    (SQLite, frozenset(("rowid", "oid", "_rowid_"))),
    (Postgres, frozenset(("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"))),
    (DuckDB, frozenset(("rowid",))),
)


def system_names(dialect: Dialect) -> frozenset[str]:
    """What every table has beside its columns."""
    return next((names for kind, names in _NAMES if isinstance(dialect, kind)), frozenset())


def bind_system_columns(query: exp.Query, bindings: Bindings) -> None:
    """Tie those that a query reads to their table, before its other names are resolved.

    Where one is another name of a column of its table, that stands in its place. The others come
    from no column that is known.
    """
    names = system_names(bindings.dialect)
    if not any(each.name in names for each in query.find_all(exp.Column)):
        return
    for scope in traverse_scope(query):
        for column in scope.columns:
            if column.name in names:
                _bind(column, scope, bindings)


def _bind(column: exp.Column, scope: Scope, bindings: Bindings) -> None:
    name = column.table or _only_table(column.name, scope)
    table = scope.sources.get(name)
    relation = bindings.find(table) if isinstance(table, exp.Table) else None
    if relation is None or not relation.columns:  # a column may be called so
        return
    if column.name in {fold(each, bindings.dialect) for each in relation.columns}:
        return
    if relation.row_id is None and isinstance(bindings.dialect, SQLite):
        return  # it may be another name of a column
    column.set("table", exp.to_identifier(name, quoted=True))
    if relation.row_id:
        column.this.set("this", fold(relation.row_id, bindings.dialect))
        column.this.set("quoted", True)
    else:
        bindings.system_columns.add(column.name)


def _only_table(column: str, scope: Scope) -> str:
    """The one table that a query reads, unless something else there has a column so called."""
    tables = []
    for name, (_, source) in scope.selected_sources.items():
        if isinstance(source, exp.Table):
            tables.append(name)
            continue
        inner = source.expression
        given = inner.named_selects if isinstance(inner, exp.Selectable) else []
        if column in given or "*" in given:
            return ""
    return tables[0] if len(tables) == 1 else ""
