"""Rewrites a query so that one run shows which outputs take their values from a changed column.

Every table has each column twice: as the view's author knows it (``c``, which may be changed) and
as it was (``c__0``, its twin). In the rewritten query each output has a twin, too, and everything
that keeps, joins, groups or cuts rows (WHERE, ON, HAVING, GROUP BY, DISTINCT, UNION, EXCEPT …)
reads twins alone. So the rows are the same whatever is changed, and an output differs from its twin
exactly when a changed value flows into it. ORDER BY and LIMIT go: they only choose rows.

Names need no resolving: wherever ``t.c`` can be named, so can ``t.c__0``. That keeps the oracle
independent of what it judges.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp, parse_one

TWIN = "__0"


class NotTwinnedError(Exception):
    """A query has something that this module does not know."""


def twin(query: exp.Query, *, keep: Callable[[exp.Expr], bool]) -> exp.Query:
    """Return the query with a twin behind every output.

    Args:
        query: As its author wrote it.
        keep: Which conditions stay; the others are taken for true.
    """
    copy = query.copy().transform(_try)
    return _Twins(keep).double(copy)


def _try(node: exp.Expr) -> exp.Expr:
    # A changed text is no date any more: that is NULL, not the end of the run.
    return exp.TryCast(**node.args) if type(node) is exp.Cast else node


class _Twins:
    def __init__(self, keep: Callable[[exp.Expr], bool]) -> None:
        self._keep = keep
        self._apart = TWIN
        """What tells rows apart that are to be distinct."""

    def double(self, query: exp.Expr) -> exp.Query:
        if isinstance(query, exp.Subquery):
            query.set("this", self.double(query.this))
            return query
        for cte in query.ctes if isinstance(query, exp.Query) else ():
            if cte.args["alias"].columns:
                names = cte.args["alias"].columns
                cte.args["alias"].set("columns", [*names, *map(_twin_name, names)])
            cte.set("this", self.double(cte.this))
        if isinstance(query, exp.Select):
            return self._select(query)
        if isinstance(query, exp.SetOperation):
            return self._set_operation(query)
        raise NotTwinnedError(f"{query.key} is not known")

    def _select(self, query: exp.Select) -> exp.Query:
        if unknown := [each for each in ("laterals", "windows", "pivots") if query.args.get(each)]:
            raise NotTwinnedError(f"{unknown[0]} are not known")
        for clause in ("order", "limit", "offset"):
            query.set(clause, None)
        count = self._count(query)
        self._sources(query)
        group = query.args.get("group")
        value = self._grouped(query, group)
        names, firsts, seconds = [], list[exp.Expr](), list[exp.Expr]()
        for at, output in enumerate(query.expressions):
            if output.is_star:
                firsts.append(self._star(output))
                continue
            name = output.alias_or_name or f"_c{at}"
            body = output.unalias()
            first = value(body.copy()).transform(lambda node: count(node) or node)
            names.append(name)
            firsts.append(exp.alias_(first, name, quoted=True))
            seconds.append(exp.alias_(self.still(body.copy()), name + TWIN, quoted=True))
        for clause in ("where", "having", "qualify"):
            if condition := query.args.get(clause):
                condition.set("this", self.still(self.relaxed(condition.this)))
        if group is not None:
            self._group(group, len(names))
        distinct = query.args.get("distinct")
        query.set("distinct", None)
        query.set("expressions", [*firsts, *seconds])
        if distinct is None:
            return query
        if len(firsts) > len(seconds):
            raise NotTwinnedError("SELECT DISTINCT * is not known")
        return self._folded(query, names)

    def _count(self, query: exp.Select) -> Callable[[exp.Expr], exp.Expr | None]:
        """What stands for a count of all rows of a sub-query: some are left out, as they change."""
        start = query.args.get("from_")
        clauses = ("joins", "where", "group", "having", "qualify")
        source = start.this if start and not any(map(query.args.get, clauses)) else None
        if not isinstance(source, exp.Subquery) or self._apart != TWIN:
            return lambda _: None
        rows = _Twins(self._keep)
        rows._apart = ""
        counted = exp.select("count(*)").from_(_sub(rows.double(source.this.copy()), "_n"))
        return lambda node: counted.subquery() if _counts_rows(node) else None

    def _grouped(
        self, query: exp.Select, group: exp.Group | None
    ) -> Callable[[exp.Expr], exp.Expr]:
        """How outputs of a query are rewritten."""
        levels = (exp.Rollup, exp.Cube, exp.GroupingSets)
        rolled = group is not None and group.find(*levels) is not None
        grouped = group is not None or any(map(_aggregates, query.expressions))
        return lambda output: self._value(output, grouped=grouped, rolled=rolled)

    def _star(self, output: exp.Expr) -> exp.Expr:
        star = output.this if isinstance(output, exp.Column) else output
        excluded, replaced = star.args.get("except_"), star.args.get("replace")
        if excluded:
            star.set("except_", [*excluded, *map(_twin_name, excluded)])
        if replaced:
            twins = [exp.alias_(self.still(r.this), r.alias + TWIN, quoted=True) for r in replaced]
            star.set("replace", [*replaced, *twins])
        return output

    def _sources(self, query: exp.Select) -> None:
        start = query.args.get("from_")
        joins = query.args.get("joins") or []
        for source in [start.this] if start else []:
            self._source(source)
        for join in joins:
            self._source(join.this)
            if join.args.get("using"):
                raise NotTwinnedError("USING is not known")
            if on := join.args.get("on"):
                join.set("on", self.still(self.relaxed(on)))

    def _source(self, source: exp.Expr) -> None:
        for join in source.args.get("joins") or ():
            self._source(join.this)
            if on := join.args.get("on"):
                join.set("on", self.still(self.relaxed(on)))
        if isinstance(source, exp.Subquery):
            alias = source.args.get("alias")
            if alias and alias.columns:
                alias.set("columns", [*alias.columns, *map(_twin_name, alias.columns)])
            source.set("this", self.double(source.this))
        elif not isinstance(source, exp.Table) or source.alias_column_names:
            raise NotTwinnedError(f"{source.key} is not known")

    def _set_operation(self, query: exp.SetOperation) -> exp.Query:
        for clause in ("order", "limit", "offset"):
            query.set(clause, None)
        names = [each.alias_or_name for each in query.selects]
        left, right = self.double(query.left), self.double(query.right)
        query.set("this", left)
        query.set("expression", right)
        if isinstance(query, exp.Union):
            if not query.args.get("distinct"):
                return query
            query.set("distinct", False)
            return self._folded(query, names)
        same = exp.and_(
            *(
                exp.NullSafeEQ(
                    this=exp.column(name + self._apart, "_l", quoted=True),
                    expression=exp.column(name + self._apart, "_r", quoted=True),
                )
                for name in names
            )
        )
        # Only the left side's values are looked at; the right one says which rows stay.
        aliases = [*names, *(name + TWIN for name in names)]
        exists = exp.Exists(this=exp.select("1").from_(_sub(right, "_r", aliases)).where(same))
        wanted: exp.Expr = exp.not_(exists) if isinstance(query, exp.Except) else exists
        within = query.args.get("with_")
        folded = self._folded(left, names, alias="_l").where(wanted)
        folded.set("with_", within)
        return folded

    def _folded(self, query: exp.Query, names: list[str], alias: str = "_d") -> exp.Select:
        """One row of those that nothing tells apart."""
        groups = [exp.column(name + self._apart, quoted=True) for name in names]
        outputs = [*names, *(name + TWIN for name in names)]
        values = [exp.column(name, quoted=True) for name in outputs]
        folded = exp.select(
            *(
                value if value in groups else exp.alias_(exp.First(this=value), name, quoted=True)
                for name, value in zip(outputs, values, strict=True)
            )
        )
        folded = folded.from_(_sub(query, alias))
        return folded.group_by(*groups) if groups else folded

    def _group(self, group: exp.Group, outputs: int) -> None:
        for name, given in list(group.args.items()):
            if isinstance(given, list):
                group.set(name, [self._group_item(each, outputs) for each in given])

    def _group_item(self, item: exp.Expr, outputs: int) -> exp.Expr:
        if isinstance(item, exp.Literal) and not item.is_string:
            return exp.Literal.number(int(item.name) + outputs)
        return self.still(item)

    def still(self, expression: exp.Expr) -> exp.Expr:
        """An expression that reads twins alone."""

        def change(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
                return _still_column(node)
            return self._single(node, still=True) if _is_query(node) else node

        return expression.transform(change)

    def _value(self, expression: exp.Expr, *, grouped: bool, rolled: bool) -> exp.Expr:
        """An output's own expression. What it groups by is one value of the group."""

        def change(node: exp.Expr) -> exp.Expr:
            if _is_grouping(node):
                return self.still(node)
            if _is_query(node) and isinstance(node.parent, exp.Exists):
                return node  # whether it has rows is the value, so they follow the change
            if _is_query(node):
                return self._single(node, still=False)
            if not isinstance(node, exp.Column) or not grouped or _is_aggregated(node, expression):
                return node
            value = exp.First(this=node.copy())
            if not rolled:
                return value
            level = exp.Anonymous(this="grouping", expressions=[_still_column(node)])
            return exp.Case().when(exp.EQ(this=level, expression=exp.Literal.number(0)), value)

        return expression.transform(change)

    def _single(self, node: exp.Expr, *, still: bool) -> exp.Expr:
        """A query within an expression: its rows by twins, its values as asked."""
        query = node.assert_is(exp.Query)
        if isinstance(query.parent, exp.Exists):
            return exp.select("1").from_(_sub(self.double(query.copy()), "_s"))
        name = query.selects[0].alias_or_name or "_c0"
        column: exp.Expr = exp.column(name + (TWIN if still else ""), quoted=True)
        if query.selects[0].is_star:
            wanted = f"COLUMNS(c -> {'' if still else 'NOT '}contains(c, '{TWIN}'))"
            column = parse_one(wanted, dialect="duckdb")
        return exp.select(column).from_(_sub(self.double(query.copy()), "_s"))

    def relaxed(self, condition: exp.Expr) -> exp.Expr:
        """A condition without what is not kept."""
        if isinstance(condition, exp.Paren):
            return exp.paren(self.relaxed(condition.this))
        if isinstance(condition, (exp.And, exp.Or)):
            sides = [self.relaxed(each) for each in (condition.left, condition.right)]
            left, right = (exp.true() if side == exp.paren(exp.true()) else side for side in sides)
            if exp.true() not in (left, right):
                return type(condition)(this=left, expression=right)
            if isinstance(condition, exp.And):
                return right if left == exp.true() else left
            # An alternative that keeps all leaves the other's joins open: it goes.
            return right if left == exp.true() else left
        return condition.copy() if self._keep(condition) else exp.true()


def _counts_rows(node: exp.Expr) -> bool:
    return isinstance(node, exp.Count) and isinstance(node.this, (exp.Star, exp.Literal))


def _sub(query: exp.Query, alias: str, columns: list[str] | None = None) -> exp.Subquery:
    names = [exp.to_identifier(name, quoted=True) for name in columns or ()]
    inner = query.this if isinstance(query, exp.Subquery) else query
    table = exp.TableAlias(this=exp.to_identifier(alias), columns=names)
    return exp.Subquery(this=inner, alias=table)


def _twin_name(name: exp.Expr) -> exp.Identifier:
    return exp.to_identifier(name.name + TWIN, quoted=True)


def _still_column(column: exp.Column) -> exp.Column:
    copy = column.copy()
    copy.set("this", exp.to_identifier(column.name + TWIN, quoted=True))
    return copy


def _is_query(node: exp.Expr) -> bool:
    return isinstance(node, (exp.Select, exp.SetOperation))


def _is_grouping(node: exp.Expr) -> bool:
    return isinstance(node, exp.Func) and "grouping" in (node.name.lower(), node.key)


def _is_aggregated(column: exp.Expr, within: exp.Expr) -> bool:
    at: exp.Expr | None = column
    while at is not None:
        windowed = isinstance(at.parent, (exp.Window, exp.IgnoreNulls)) and at.arg_key == "this"
        if isinstance(at, exp.AggFunc) and not windowed:
            return True
        at = None if at is within else at.parent
    return False


def _aggregates(output: exp.Expr) -> bool:
    return any(
        not isinstance(each.parent, exp.Window) and each.find_ancestor(exp.Select) is output.parent
        for each in output.find_all(exp.AggFunc)
    )
