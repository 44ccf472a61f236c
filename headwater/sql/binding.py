"""What the names of one query mean: the tables that it reads, and their columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.schema import MappingSchema

from headwater.sql.relation import Note, Relation


def fold(name: str, dialect: Dialect) -> str:
    """Return a stored name as the dialect compares names."""
    return dialect.normalize_identifier(exp.to_identifier(name, quoted=True)).name


class Bindings:
    """The tables of one query, each bound to the relation that it means.

    The query is changed: every table gets the folded schema of its relation.
    """

    def __init__(
        self,
        query: exp.Query,
        dialect: Dialect,
        find: Callable[[exp.Table], Sequence[Relation]],
        behind: Mapping[str, Collection[Relation]] | None = None,
    ) -> None:
        self.notes: list[Note] = []
        self.relations: dict[tuple[str, str], Relation] = {}
        self.system_columns: set[str] = set()
        """Names of what tables have beside their columns, and no column of theirs is."""
        self._columns: dict[Relation, dict[str, str]] = {}
        self.dialect = dialect
        self._behind = behind or {}
        moved = [each for each in query.find_all(exp.CTE) if isinstance(each.this, exp.DML)]
        for cte in moved:  # WITH k AS (DELETE … RETURNING …), of which sqlglot makes no source
            inner = [each for table in cte.find_all(exp.Table) for each in find(table)]
            self._behind = {**self._behind, cte.alias: inner}
        hidden = {each.alias for each in moved}
        tables = _tables(query)
        for table in tables:
            self._bind(table, () if table.name in hidden and not table.db else find(table))
        unseen = self._unseen(query, {id(each) for each in tables}, find)
        self.perhaps = tuple(dict.fromkeys([*self.relations.values(), *unseen]))
        """All that an output may be made from that is not followed."""

    def _unseen(
        self,
        query: exp.Query,
        bound: Collection[int],
        find: Callable[[exp.Table], Sequence[Relation]],
    ) -> Iterator[Relation]:
        """What stands where sqlglot sees no table, or behind something that is not known."""
        common = {each.alias for each in query.find_all(exp.CTE)}
        for node in query.find_all(exp.Table, exp.Func, exp.Operator):
            yield from self.behind(node)
            if isinstance(node, exp.Table) and id(node) not in bound:
                yield from find(node) if node.db or node.name not in common else ()

    def _bind(self, table: exp.Table, meant: Sequence[Relation]) -> None:
        if len(meant) == 1:
            (relation,) = meant
            schema = fold(relation.schema, self.dialect)
            self.relations[schema, table.name] = relation
            self._columns[relation] = self._folded(relation)
        else:
            was = isinstance(table.this, exp.Identifier) and table.name in self._behind
            message = unknown(table, meant, self.dialect, was=was)
            self.notes.append(Note(line_of(table), message))
            self._behind = {**self._behind, table.name: [*self.behind(table), *meant]}
            # No schema is called so. Left empty, sqlglot would fill in one that has such a table.
            schema = "?"
        table.set("catalog", None)
        table.set("db", exp.to_identifier(schema, quoted=True))
        if isinstance(table.this, exp.Identifier) and not table.alias:
            # sqlglot gives a table its own name as alias, but folds a quoted one.
            table.set("alias", exp.TableAlias(this=table.this.copy()))

    def find(self, table: exp.Table) -> Relation | None:
        """Return the relation that a bound table means."""
        return self.relations.get((table.db, table.name))

    def behind(self, node: exp.Expr) -> Collection[Relation]:
        """What a table that is not known, or a function, may be made from."""
        return self._behind.get(self._called(node), ())

    def reads(self, node: exp.Expr) -> bool:
        """Whether a node calls a function that reads more than its arguments."""
        calls = isinstance(node, (exp.Func, exp.Operator))
        return calls and self._called(node) in self._behind

    def _called(self, node: exp.Expr) -> str:
        """What is called, as the functions that read tables are told by name."""
        if isinstance(node, exp.Cast):
            return cast_name(node.to, self.dialect)
        if isinstance(node, exp.Operator):  # OPERATOR(public.###)
            return node.text("operator").rpartition(".")[2]
        return function_name(node) if isinstance(node, exp.Func) else node.name

    def columns(self, relation: Relation) -> dict[str, str]:
        """Return columns by folded name, without those that fold alike: none can be meant."""
        return self._columns[relation]

    def _folded(self, relation: Relation) -> dict[str, str]:
        folded = [fold(column, self.dialect) for column in relation.columns]
        count = Counter(folded)
        pairs = zip(folded, relation.columns, strict=True)
        return {fold: column for fold, column in pairs if count[fold] == 1}

    def schema(self) -> MappingSchema:
        """The columns of all relations, as sqlglot takes them."""
        mapping: dict[str, dict[str, dict[str, str]]] = {}
        for (schema, name), relation in self.relations.items():
            columns = dict.fromkeys(self.columns(relation), "UNKNOWN")
            mapping.setdefault(schema, {})[name] = columns
        return MappingSchema({**mapping}, dialect=self.dialect, normalize=False)


def line_of(node: exp.Expr) -> int:
    """The line, counted from 1, where a node or what it stands in begins."""
    around: exp.Expr | None = node
    while around is not None:
        lines = [part.meta.get("line") for part in around.walk()]
        known = [line for line in lines if line]
        if known:
            return int(min(known))
        around = around.parent
    return 1


def cast_name(kind: exp.DataType, dialect: Dialect) -> str:
    """What a cast is called: ``::`` and the type, in small letters and without a schema."""
    return f"::{kind.sql(dialect).rpartition('.')[2].lower()}"


def function_name(node: exp.Func) -> str:
    """What a function is called, in small letters."""
    return (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()


def reads_itself(cte: exp.CTE) -> bool:
    """Whether a query of WITH names itself, or at least a table without a schema so called."""
    return any(each.name == cte.alias and not each.db for each in cte.this.find_all(exp.Table))


def unknown(
    table: exp.Table, meant: Sequence[Relation], dialect: Dialect, *, was: bool = False
) -> str:
    """Say that a name means none, or several, of the tables that are known.

    With ``was`` it meant one that is not there any more.
    """
    name = ".".join(part.name for part in table.parts)
    if not isinstance(table.this, exp.Identifier):  # functions that make rows
        parts = ("this", "db", "catalog", "rows_from")
        name = exp.Table(**{part: table.copy().args.get(part) for part in parts}).sql(dialect)
    if meant:
        may = " or ".join(f"{each.schema}.{each.name}" for each in meant)
        return f"{name} is ambiguous: {may}"
    return f"what was in {name} then is not followed" if was else f"{name} is not a known table"


def _tables(query: exp.Query) -> list[exp.Table]:
    """The tables that a query names, without its references to its own CTEs."""
    tables: dict[int, exp.Table] = {}
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and (
                source.db or source.name not in scope.cte_sources
            ):
                tables[id(source)] = source
    return list(tables.values())
