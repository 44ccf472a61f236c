"""Columns that a query in FROM takes of what stands beside it, without a word (DuckDB)."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope, walk_in_scope

from headwater.sql.binding import Bindings
from headwater.sql.column_trace import around
from headwater.sql.shadow import columns_of


def bind_beside(query: exp.Query, bindings: Bindings) -> None:
    """Tie columns without a table that nothing has which their own query reads.

    DuckDB keeps ``LATERAL (SELECT …)`` in a view as ``(SELECT …)``, and sqlglot looks for what
    stands beside that only where the word is.
    """
    for scope in traverse_scope(query):
        if not isinstance(scope.expression, exp.Select):
            continue
        outputs = {*scope.expression.named_selects}
        for node in walk_in_scope(scope.expression):
            if not isinstance(node, exp.Column) or node.table or node.name in outputs:
                continue
            if isinstance(node.this, exp.Identifier):
                _bind(node, scope, bindings)


def _bind(column: exp.Column, scope: Scope, bindings: Bindings) -> None:
    if (
        column.find_ancestor(exp.Comprehension, exp.Lambda)
        or _having(column, scope, bindings) != []
    ):
        return
    at = around(scope)
    while at is not None:
        having = _having(column, at, bindings)
        if having is None or len(having) > 1:
            return
        if having:
            column.set("table", exp.to_identifier(having[0], quoted=True))
            return
        at = around(at)


def _having(column: exp.Column, scope: Scope, bindings: Bindings) -> list[str] | None:
    """What a query reads that has a column of the name; None: perhaps something has."""
    found = []
    for name, (node, source) in scope.selected_sources.items():
        if isinstance(source, Scope) and _is_within(column, source.expression):
            continue
        given = columns_of(node, source, bindings)
        if given is None or node.args.get("pivots"):
            return None
        found += [name] * (column.name in given)
    return found


def _is_within(node: exp.Expr, query: exp.Expr) -> bool:
    at: exp.Expr | None = node
    while at is not None and at is not query:
        at = at.parent
    return at is query
