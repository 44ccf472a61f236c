"""Names that a sub-query gives to what it reads, and that something around it has, too."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from headwater.sql.binding import Bindings
from headwater.sql.column_trace import around
from headwater.sql.system_column import system_names


def part_names(query: exp.Query, bindings: Bindings) -> None:
    """Give other names to what sub-queries read under one that the query around them uses.

    A column is bound here to the nearest of what is so called and has it, as SQLite and DuckDB do:
    behind this, a name means one table wherever it stands.
    """
    scopes = [(scope, {**scope.selected_sources}) for scope in traverse_scope(query)]
    taken = {each.name for each in query.find_all(exp.Identifier)}
    for scope, sources in scopes:  # the inner ones come first
        outer = set[str]()
        at = around(scope)
        while at is not None:
            outer.update(at.selected_sources)
            at = around(at)
        for name in outer.intersection(sources):
            node, source = sources[name]
            if isinstance(node, exp.Query) and not isinstance(node, exp.Subquery):
                node = node.find_ancestor(exp.Subquery) or node
            if not node.args.get("pivots") and isinstance(node, (exp.Table, exp.DerivedTable)):
                new = next(n for at in count(2) if (n := f"{name}_{at}") not in taken)
                taken.add(new)
                _rename(scope, node, source, (name, new), bindings)


def _rename(
    scope: Scope,
    node: exp.Table | exp.DerivedTable,
    source: exp.Table | Scope,
    names: tuple[str, str],
    bindings: Bindings,
) -> None:
    old, new = names
    given = columns_of(node, source, bindings)
    for column in _own_columns(scope.expression):
        first, *others = column.parts  # of t.s.x the second is a column, too: a struct
        named = others[0] if others else first
        has = given is None or named.name in given or isinstance(named, exp.Star)
        if first.name == old and has == bool(others):  # a table's name alone means its rows
            first.set("this", new)
        elif column.table == old and column.text("db") == node.text("db") != "":
            column.replace(exp.column(column.this, exp.to_identifier(new, quoted=True)))
    columns = node.args["alias"].args.get("columns") if node.args.get("alias") else None
    alias = exp.TableAlias(this=exp.to_identifier(new, quoted=True), columns=columns)
    node.set("alias", alias)


def columns_of(node: exp.Expr, source: exp.Table | Scope, bindings: Bindings) -> set[str] | None:
    """Return the columns of what is read; None: nobody knows all of them."""
    if isinstance(node, (exp.Table, exp.DerivedTable)) and node.alias_column_names:
        return None
    if isinstance(source, exp.Table):
        relation = bindings.find(source)
        known = bindings.columns(relation) if relation else {}
        return {*known, *system_names(bindings.dialect)} if known else None
    query = source.expression
    if not isinstance(query, exp.Selectable) or any(each.is_star for each in query.selects):
        return None
    return {*query.named_selects}


def _own_columns(query: exp.Expr) -> Iterator[exp.Column]:
    """The columns of a query and of those within it, but for its WITH: that sees nothing of it."""
    pruned = query.args.get("with_")
    for node in query.walk(prune=lambda each: each is pruned):
        if isinstance(node, exp.Column):
            yield node
