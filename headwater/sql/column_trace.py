"""Following one output of a qualified query to the columns that it is made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope, walk_in_scope

from headwater.sql.binding import Bindings, function_name, line_of
from headwater.sql.composite import (
    chosen,
    composes,
    holds_parts,
    keys_of,
    names_parts,
    part_of,
    source_of,
)
from headwater.sql.expression import is_known
from headwater.sql.masking import Masking
from headwater.sql.relation import ColumnLineage, Note, Relation, Way, Ways, merged
from headwater.sql.rewrite import makes_rows

_PIVOTED = "comes from a pivot, which is not followed"


class Trace:
    """Follows outputs of a query to the columns of the relations that it reads."""

    def __init__(
        self, query: exp.Query, bindings: Bindings, masking: Masking, *, what: str = "view"
    ) -> None:
        """Make one; ``what`` is the query's own name in messages."""
        scope = build_scope(query)
        if scope is None:
            raise ValueError("the query has no outputs")
        self.notes: list[Note] = []
        self._bindings = bindings
        self._masking = masking
        self._what = what
        self._root = scope
        self._scopes = {id(each.expression): each for each in scope.traverse()}
        self._seen: dict[tuple[int, int], Ways] = {}
        self._done: dict[tuple[int, int], bool] = {}
        self._recursed = False
        self._named: dict[tuple[int, int], bool] = {}

    def column(self, name: str, index: int) -> ColumnLineage:
        """Return what the output at a position is made from; faults are added to ``notes``."""
        ways = self._settled(index)
        return ColumnLineage.of(name, ways, self._function(self._root, index))

    def _settled(self, index: int) -> Ways:
        """What an output is made from; a recursion is followed until that adds nothing."""
        while True:
            before, self._recursed = dict(self._seen), False
            ways = self._output(self._root, index)
            if not self._recursed or self._seen == before:
                return ways
            self._done.clear()

    def _output(self, scope: Scope, index: int) -> Ways:
        key = (id(scope), index)
        if key not in self._done:
            self._done[key] = False
            self._seen[key] = merged(self._origins(scope, index))
            self._done[key] = True
        self._recursed |= not self._done[key]
        return self._seen.get(key, {})

    def _origins(self, scope: Scope, index: int) -> Iterator[tuple[Way, bool]]:
        query = scope.expression
        if isinstance(query, exp.Select):
            yield from self._expression(scope, query.selects[index])
        elif isinstance(query, exp.SetOperation):
            if any(query.args.get(option) for option in ("by_name", "on", "side", "kind")):
                yield from self._open(query, f"{query.key.upper()} by name is not followed").items()
                return
            sides = scope.set_operation_scopes
            if any(_expands(side) for side in sides) or len(set(map(_width, sides))) > 1:
                message = f"the columns of one side of {query.key.upper()} are not known"
                yield from self._open(query, message).items()
                return
            # The right side of EXCEPT takes rows away; no value comes from it.
            for side in sides[:1] if isinstance(query, exp.Except) else sides:
                yield from self._output(side, index).items()
        elif isinstance(query, (exp.Lateral, exp.Unnest)):
            # What a function makes of its arguments, though it makes rows of them.
            for argument in _arguments(query, index):
                yield from self._expression(scope, argument)
        elif not isinstance(query, exp.Values) or query.find(exp.Column, exp.Query):
            message = f"what {query.key.upper()} gives is not followed"
            yield from self._open(query, message).items()

    def _expression(self, scope: Scope, expression: exp.Expr) -> Iterator[tuple[Way, bool]]:
        queries = {id(each.expression): each for each in scope.subquery_scopes}
        for node in walk_in_scope(expression, prune=lambda n: self._ends_walk(scope, n)):
            ways: Ways = {}
            if _is_exists(node):
                ways = self._rows_of(queries.get(id(node.this)), node)
            elif isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
                ways = self._column(scope, node)
            elif _counts_rows(node):
                ways = self._apart_in(scope)
            elif (of := chosen(node)) is not None:
                ways = self._part(scope, node, of[0], known=of[1])
            elif (whole := self._taken_of(scope, node)) is not None:
                ways = self._part(scope, node, whole, known=False)
            elif isinstance(node, exp.UNWRAPPED_QUERIES):
                ways = self._subquery(queries.get(id(node)), node)
            elif self._bindings.reads(node):
                ways = self._open(node, f"what {node.sql()} reads is not followed")
            elif _is_whole_row(node) or not is_known(node):
                ways = self._open(node, f"{node.sql()} is not followed")
            hidden = bool(ways) and self._masking.hides(node, expression)
            yield from ((origin, hidden or before) for origin, before in ways.items())

    def _subquery(self, scope: Scope | None, node: exp.Expr) -> Ways:
        if scope is None:
            return self._open(node, "a subquery is not followed")
        query = scope.expression.assert_is(exp.Selectable)
        outputs = range(len(query.selects))
        return merged(way for index in outputs for way in self._output(scope, index).items())

    def _rows_of(self, scope: Scope | None, exists: exp.Expr, *around: Scope) -> Ways:
        """What decides whether a query has rows: its conditions, and the rows of what it reads."""
        if scope is None:
            return self._open(exists, "a subquery is not followed")
        if scope in around:  # a recursion adds no row to none
            return {}
        query, sides = scope.expression, scope.set_operation_scopes
        inner = [self._rows_of(side, exists, scope, *around) for side in sides]
        if isinstance(query, (exp.Intersect, exp.Except)):
            inner += [self._subquery(side, exists) for side in sides]
        for node, source in scope.selected_sources.values():
            if node.args.get("pivots") or _is_function(source):
                inner.append(self._open(node, f"rows of {node.sql()} are not followed"))
            elif isinstance(source, Scope):
                inner.append(self._rows_of(self._inner(source)[0], exists, scope, *around))
        ways = [way for each in inner for way in each.items()]
        for condition in _conditions(query):
            ways += self._expression(scope, condition)
        return merged(ways)

    def _apart_in(self, scope: Scope, *around: Scope) -> Ways:
        """What tells rows apart of the queries in FROM, and so how many there are."""
        inner = [
            self._inner(source)[0]
            for _, source in scope.selected_sources.values()
            if isinstance(source, Scope)
        ]
        return merged(
            way
            for each in inner
            if each not in around
            for way in self._apart(each, *around, each).items()
        )

    def _apart(self, scope: Scope, *around: Scope) -> Ways:
        """What tells the rows of a query apart; nothing where none is left out for being there."""
        query = scope.expression
        distinct = query.args.get("distinct")
        if distinct and isinstance(query, (exp.Select, exp.SetOperation)):
            on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
            return merged(self._expression(scope, on)) if on else self._subquery(scope, query)
        sides = scope.set_operation_scopes
        if sides:
            return merged(way for side in sides for way in self._apart(side, *around).items())
        grouped = not isinstance(query, exp.Select) or query.args.get("group")
        return {} if grouped else self._apart_in(scope, *around)

    def _column(self, scope: Scope, column: exp.Column) -> Ways:
        candidates = [] if column.table else self._candidates(scope, column.name)
        if len(candidates) > 1:
            return self._open(column, f"{column.sql()} is ambiguous: {' or '.join(candidates)}")
        source = self._follow(scope, column)
        if isinstance(source, exp.Table):
            return self._table_column(source, column)
        if isinstance(source, str):
            return self._open(column, f"{column.sql()} {source}")
        keys = keys_of(column)
        at, made = self._made(*source) if keys else (scope, None)
        part = part_of(made, keys) if made is not None and composes(made) else None
        if part is not None:
            return self._part(at, column, part, known=True)
        ways = self._output(*source)
        base = at.expression if made is None else made
        is_known = not keys or not (holds_parts(base) or self._names_parts(at, base))
        return ways if is_known else self._any_of(column, ways)

    def _ends_walk(self, scope: Scope, node: exp.Expr) -> bool:
        return _ends_walk(node) or self._taken_of(scope, node) is not None

    def _taken_of(self, scope: Scope, node: exp.Expr) -> exp.Expr | None:
        """What a node takes a part of, where a query further in made it of parts.

        None where it takes none, or those of a column: that is followed by itself.
        """
        base = source_of(node)
        if base is None or isinstance(base, exp.Column) or not self._names_parts(scope, base):
            return None
        return base

    def _names_parts(self, scope: Scope, node: exp.Expr) -> bool:
        """Whether something in a node, or in a query that it reads, gives names to parts."""
        key = (id(scope), id(node))
        if key not in self._named:
            self._named[key] = False  # for a recursion
            self._named[key] = names_parts(node) or any(
                self._names_parts(*each) for each in self._read_by(scope, node)
            )
        return self._named[key]

    def _read_by(self, scope: Scope, node: exp.Expr) -> Iterator[tuple[Scope, exp.Expr]]:
        """The outputs of queries that a node reads, each with its query."""
        if node is scope.expression and isinstance(node, exp.Query):
            for side in scope.set_operation_scopes:
                yield side, side.expression
            if isinstance(node, exp.Select):
                yield from ((scope, output) for output in node.selects)
            return
        queries = {id(each.expression): each for each in scope.subquery_scopes}
        for each in walk_in_scope(node):
            if id(each) in queries:
                yield queries[id(each)], each
            source = self._follow(scope, each) if isinstance(each, exp.Column) else None
            if isinstance(source, tuple):
                inner, index = source
                query = inner.expression
                yield inner, query.selects[index] if isinstance(query, exp.Select) else query

    def _part(self, scope: Scope, node: exp.Expr, part: exp.Expr, *, known: bool) -> Ways:
        """What a part of something that is made comes from; not known: perhaps from all of it."""
        ways = merged(self._expression(scope, part))
        return ways if known else self._any_of(node, ways)

    def _any_of(self, node: exp.Expr, ways: Ways) -> Ways:
        """Ways of which a node takes some, and nobody knows which."""
        if not ways:
            return ways
        self._open(node, f"which part {node.sql()} takes is not followed")
        return merged(((relation, None), hidden) for (relation, _), hidden in ways.items())

    def _made(self, scope: Scope, index: int) -> tuple[Scope, exp.Expr | None]:
        """What makes an output, behind the plain columns that only pass it on."""
        query = scope.expression
        output = query.selects[index].unalias() if isinstance(query, exp.Select) else None
        source = self._follow(scope, output) if isinstance(output, exp.Column) else None
        return self._made(*source) if isinstance(source, tuple) else (scope, output)

    def _candidates(self, scope: Scope, name: str) -> list[str]:
        """What a column without a table may be, of what its query reads."""
        found = []
        for alias, (node, source) in scope.selected_sources.items():
            if isinstance(source, exp.Table):
                relation = self._bindings.find(source)
                names = [*self._bindings.columns(relation)] if relation else []
            else:
                query = source.expression
                names = query.named_selects if isinstance(query, exp.Selectable) else []
            found += [f"{alias}.{name}"] * (name in _renamed(node, names))
        return found

    def _table_column(self, table: exp.Table, column: exp.Column) -> Ways:
        relation = self._bindings.find(table)
        if relation is None:
            # Nothing that is known feeds a table that is not, unless it is a function's.
            behind = [*self._bindings.behind(table)]
            read = self._bindings.perhaps if _is_function(table) else behind
            return self._open(column, f"{column.sql()} is not a column of a known table", read)
        columns = self._bindings.columns(relation)
        # FROM t AS x (p, q): the first columns go by other names.
        aliases = table.alias_column_names
        names = {alias or name: name for name, alias in zip_longest(columns, aliases)}
        if column.name not in names and column.name in self._bindings.system_columns:
            return {}
        if column.name not in names:
            message = f"{column.sql()} is not a column of a known table"
        elif aliases and len(columns) < len(relation.columns):
            message = f"{column.sql()} is open: columns of {table.name} share a name"
        else:
            return {(relation, columns[names[column.name]]): False}
        return self._open(column, message, [relation])

    def _function(self, scope: Scope, index: int) -> str | None:
        """The SQL of an output, behind the plain columns that only pass it on."""
        _, output = self._made(scope, index)
        if output is None or isinstance(output, exp.Column):
            return None
        return output.sql(dialect=self._bindings.dialect)

    def _follow(self, scope: Scope, column: exp.Column) -> tuple[Scope, int] | exp.Table | str:
        """Where a column comes from: an output of an inner query, a table, or why that is open."""
        at: Scope | None = scope
        # A subquery sees the sources of the query around it, and so does one in FROM that is
        # lateral, which DuckDB does not always say.
        while at is not None and column.table not in at.selected_sources:
            at = around(at)
        if at is None:
            pivoted = any(node.args.get("pivots") for node, _ in scope.selected_sources.values())
            return _PIVOTED if pivoted else f"is not a column of what the {self._what} reads"
        node, source = at.selected_sources[column.table]
        if node.args.get("pivots"):
            return _PIVOTED
        if isinstance(source, exp.Table):
            return source
        source, given = self._inner(source)
        names = _renamed(node, given)
        if _expands(source):
            return f"may come of a star in {column.table} that cannot be expanded"
        if names.count(column.name) != 1:
            return f"is not one column of {column.table}"
        return source, names.index(column.name)

    def _inner(self, source: Scope) -> tuple[Scope, list[str]]:
        """The query that gives a source's columns, and their names."""
        around: exp.Expr | None = None
        if isinstance(source.expression, exp.Lateral) and isinstance(
            source.expression.this, exp.Subquery
        ):
            around, source = source.expression, source.subquery_scopes[0]
        elif source.is_cte:
            around = source.expression.find_ancestor(exp.CTE)
            # What a recursion reads of itself is, to sqlglot, its first part alone.
            source = self._scopes.get(id(around.this), source) if around else source
        query = source.expression
        names = query.named_selects if isinstance(query, exp.Selectable) else []
        return source, _renamed(around, names)

    def _open(
        self, node: exp.Expr, message: str, perhaps: Sequence[Relation] | None = None
    ) -> Ways:
        """Note what is open, and return what it may come from: all that is read unless given."""
        self.notes.append(Note(line_of(node), message))
        meant = self._bindings.perhaps if perhaps is None else perhaps
        return {(each, None): False for each in meant}


def _renamed(node: object, names: list[str]) -> list[str]:
    """Columns behind an alias: ``AS k (x, y)`` calls the first ones so."""
    named = (exp.Table, exp.DerivedTable)
    aliases = node.alias_column_names if isinstance(node, named) else []
    return [*aliases, *names[len(aliases) :]]


def _expands(scope: Scope) -> bool:
    """Whether an output of a query still stands for several columns, so that places shift."""
    query = scope.expression
    outputs = query.selects if isinstance(query, exp.Selectable) else []
    return any(output.unalias().is_star or output.find(exp.Columns) for output in outputs)


def around(scope: Scope) -> Scope | None:
    """The query whose tables one sees, too; one of WITH does not see those of its own query."""
    return around(scope.parent) if scope.is_cte and scope.parent else scope.parent


def _arguments(rows: exp.Lateral | exp.Unnest, index: int | None = None) -> list[exp.Expr]:
    """What a function that makes rows makes them, or the output at a position, from."""
    function = rows.this if isinstance(rows, exp.Lateral) else rows
    if not isinstance(function, exp.Unnest):
        return [function]
    lists = function.expressions  # several are laid side by side
    return lists[index : index + 1] if index is not None and 1 < len(lists) > index else lists


def _is_function(source: exp.Table | Scope) -> bool:
    return isinstance(source, exp.Table) and not isinstance(source.this, exp.Identifier)


def _width(scope: Scope) -> int:
    return len(scope.expression.assert_is(exp.Selectable).selects)


def _ends_walk(node: exp.Expr) -> bool:
    # GROUPING(c) tells of which groups a row is the sum, whatever c holds.
    return (
        isinstance(node, (exp.Column, exp.DataType))
        or _is_exists(node)
        or chosen(node) is not None
        or (isinstance(node, exp.Func) and function_name(node) in ("grouping", "grouping_id"))
    )


def _is_exists(node: exp.Expr) -> bool:
    return isinstance(node, exp.Exists) and isinstance(node.this, exp.Query)


def _conditions(query: exp.Expr) -> list[exp.Expr]:
    """What a query, or a function in FROM, keeps and makes rows by."""
    if isinstance(query, (exp.Lateral, exp.Unnest)):
        return _arguments(query)
    clauses = [query.args.get(name) for name in ("where", "having", "qualify", "limit", "offset")]
    joined = [join.args.get("on") for join in query.args.get("joins") or ()]
    outputs = query.selects if isinstance(query, exp.Select) else []
    rows = [each for each in outputs if any(map(makes_rows, walk_in_scope(each)))]
    return [each for each in (*clauses, *joined, *rows) if each is not None]


def _counts_rows(node: exp.Expr) -> bool:
    """Whether a node counts rows, whatever they hold."""
    if isinstance(node, exp.Anonymous):
        return node.name.lower() == "count_star"  # as DuckDB prints it
    if not isinstance(node, exp.Count):
        return False
    return node.this is None or isinstance(node.this, (exp.Star, exp.Literal))


def _is_whole_row(node: exp.Expr) -> bool:
    if isinstance(node, exp.Star):
        return not isinstance(node.parent, exp.Count)
    return isinstance(node, (exp.TableColumn, exp.Columns))
