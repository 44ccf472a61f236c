"""The queries by which statements fill tables.

What the queries read is not here (``view_lineage.py``), nor how a text is cut (``script.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from headwater.sql.rewrite import spelled_rows
from headwater.sql.script import OpenError, split

_FILLING = ("CREATE", "INSERT", "MERGE", "WITH", "UPDATE")
_MOVING = (exp.Insert, exp.Merge, exp.Update)
_MOVING_WORDS = re.compile(r"\b(?:INSERT|MERGE|UPDATE|REPLACE\s+INTO)\b", re.IGNORECASE)
_ANALYZED = re.compile(r"\bANALY[SZ]E\b", re.IGNORECASE)
"""An EXPLAIN without that does nothing."""
_CHOOSES = re.compile(
    r"USE\s+(?!ROLE|WAREHOUSE|SECONDARY)|ALTER\s+SESSION\s+SET\s+CURRENT_SCHEMA\b"
    r"|\\connect\s+"  # of PostgreSQL's shell, with the name of a database
    r"|RESET\s+(?:SEARCH_PATH|ALL)\b"
    r"|SET\s+(?:SESSION\s+|LOCAL\s+)?(?:SEARCH_PATH|SCHEMA|CURRENT_SCHEMA)\b",
    re.IGNORECASE,
)
_CHOOSES_ONE = re.compile(
    rf"(?:{_CHOOSES.pattern})\s*(?:(?:SCHEMA|DATABASE|TO)\s+|=\s*)?[\"'`\[]?(?P<schema>[\w$]+)[\"'`\]]?",
    re.IGNORECASE,
)
_MOVES_PARTS = re.compile(
    r"ALTER\s+TABLE\s+(?P<a>[\w$.\"`\[\]]+)\s+"
    r"(?:EXCHANGE\s+PARTITION\b(?P<swap>\s+\w)?.*?\bWITH\s+TABLE|(?P<gives>SWITCH)\b.*?\bTO)"
    r"\s+(?P<b>[\w$.\"`\[\]]+)",
    re.IGNORECASE | re.DOTALL,
)
"""Partitions that go from one table to another; those with a name, as MySQL's, change places."""
_PLAN = re.compile(r'\s*(?:"(?P<quoted>[^"]+)"|(?P<plain>\w+))')
_BODIES = ("FUNCTION", "PROCEDURE", "TRIGGER", "DO", "PREPARE", "EXECUTE", "EXPLAIN")


@dataclass(frozen=True, slots=True)
class Feed:
    """A query whose outputs go into a table, by position.

    Attributes:
        table: The table, as the statement names it.
        columns: Those that are filled; None: all, in the table's order.
        query: What fills them.
        named: Whether the outputs' names are those of the columns, as where the table is made.
        is_view: Whether a view is made, and no rows are moved.
    """

    table: exp.Table
    columns: tuple[exp.Expr, ...] | None
    query: exp.Query
    named: bool = False
    is_view: bool = False


def column_names(sql: str, dialect: Dialect) -> tuple[str | None, ...]:
    """The columns of what a ``CREATE VIEW`` makes, one for each output of its text.

    None stands for those that the text does not name: a star, an expression without an alias (each
    database names it otherwise), a name that is there twice.
    """
    try:
        made = [feed for each in split(sql, dialect) for feed in feeds(each.parse(dialect))]
    except OpenError:
        return (None,)
    outputs = [each for feed in made for each in feed.columns or feed.query.selects]
    names = [_own_name(each) for each in outputs]
    return tuple(name if names.count(name) == 1 else None for name in names)


def _own_name(output: exp.Expr) -> str | None:
    named = (exp.Alias, exp.Column, exp.Identifier)
    return output.alias_or_name if isinstance(output, named) and not output.is_star else None


def feeds(tree: exp.Expr) -> Iterator[Feed]:
    """Tell what a statement fills by a query; nothing for one that fills nothing so.

    Raises:
        OpenError: It fills something in a way that is not followed.
    """
    _refuse_hidden(tree)
    if isinstance(tree, exp.Create):
        yield from _created(tree)
    elif isinstance(tree, exp.Insert):
        yield from _inserted(tree)
    elif isinstance(tree, exp.Merge):
        yield from _merged(tree)
    elif isinstance(tree, exp.Update):
        yield _updated(tree)
    elif isinstance(tree, exp.Select) and tree.args.get("into"):
        query = tree.copy()
        into = query.args["into"].pop()
        yield Feed(into.this, None, query, named=True)
    elif isinstance(tree, exp.MultitableInserts):
        raise OpenError("INSERT into several tables is not followed")
    elif isinstance(tree, exp.Command) and tree.name.upper() in _FILLING:
        raise OpenError(f"this {tree.name.upper()} is not understood")
    elif isinstance(tree, (exp.Alter, exp.Command)):
        yield from _recast(tree)
        yield from _parts_moved(tree)


def _refuse_hidden(tree: exp.Expr) -> None:
    """Raise for what moves values inside of another statement: a WITH, a function's body."""
    # These have their own.
    if isinstance(tree, (exp.Merge, exp.MultitableInserts)):
        return
    if isinstance(tree, exp.Describe) and not _ANALYZED.search(tree.text("style")):
        return
    inner = next((each for each in tree.find_all(*_MOVING) if each is not tree), None)
    if inner is not None:
        raise OpenError(f"{inner.key.upper()} within another statement is not followed")
    kind = str(tree.args.get("kind") if isinstance(tree, exp.Create) else tree.name).upper()
    sql = tree.sql() if kind in _BODIES else ""
    if _MOVING_WORDS.search(sql) and (kind != "EXPLAIN" or _ANALYZED.search(sql)):
        raise OpenError(f"what this {kind} does is not followed")


def _created(tree: exp.Create) -> Iterator[Feed]:
    query = _query(tree)
    if tree.find(exp.ExecuteAsProperty):
        raise OpenError("AS EXECUTE is not followed")
    if tree.args.get("clone"):
        raise OpenError("CLONE is not followed")
    if query is not None and tree.kind in ("TABLE", "VIEW"):
        table, columns = _target(tree.this)
        yield Feed(table, columns, query, named=columns is None, is_view=tree.kind == "VIEW")


def _inserted(tree: exp.Insert) -> Iterator[Feed]:
    query = _query(tree)
    if query is None:
        return
    table, columns = _target(tree.this)
    if tree.args.get("by_name"):
        names = [_own_name(each) for each in query.selects]
        columns = tuple(exp.to_identifier(name) for name in names if name)
        if len(columns) < len(names):
            raise OpenError("INSERT BY NAME of what has no name is not followed")
    yield Feed(table, columns, query)
    changed = _changed(tree)
    reads_rows = any(_reads_row(each.expression, table) for each in changed)
    if reads_rows and columns is None:
        raise OpenError("what is done ON CONFLICT is not followed without a list of columns")
    if changed:
        given = [each.copy() for each in columns or ()]
        alias = exp.TableAlias(this=exp.to_identifier("excluded"), columns=given)
        pairs = [(each.this, each.expression) for each in _listed(changed)]
        rows = exp.Subquery(this=query.copy(), alias=alias)
        yield _assigned(tree, table, pairs, [rows, table] if reads_rows else [table])


def _changed(tree: exp.Create | exp.Insert) -> list[exp.Expr]:
    """What is assigned ON CONFLICT, without what takes the value that was to be inserted."""
    conflict = tree.args.get("conflict")
    return [each for each in conflict.expressions if not _is_excluded(each)] if conflict else []


def _reads_row(value: exp.Expr, table: exp.Table) -> bool:
    """Whether a value reads the row that was to be inserted: ``excluded.a``, MySQL's VALUES(a)."""
    own = ("", table.alias_or_name)
    columns, calls = value.find_all(exp.Column), value.find_all(exp.Anonymous)
    return any(each.table not in own for each in columns) or any(
        each.name.upper() == "VALUES" for each in calls
    )


def _is_excluded(given: exp.Expr) -> bool:
    """Whether a column takes the value that was to be inserted: that is known without a word."""
    value = given.expression
    same = isinstance(value, exp.Column) and value.name == given.this.name
    return same and value.table.lower() == "excluded"


def _merged(tree: exp.Merge) -> Iterator[Feed]:
    for when in tree.args["whens"].expressions:
        then = when.args["then"]
        if isinstance(then, exp.Update):
            pairs = [(each.this, each.expression) for each in _listed(then.expressions)]
        elif isinstance(then, exp.Insert):
            columns, values = then.this, then.expression
            if not isinstance(columns, exp.Tuple) or not isinstance(values, exp.Tuple):
                raise OpenError("INSERT without a list of columns is not followed in MERGE")
            if len(columns.expressions) != len(values.expressions):
                raise OpenError("INSERT has not as many values as columns")
            pairs = list(zip(columns.expressions, values.expressions, strict=True))
        else:
            continue
        # What is inserted has no row of the target beside it.
        beside = [tree.this] if isinstance(then, exp.Update) else []
        yield _assigned(tree, tree.this, pairs, [tree.args["using"], *beside])


def _updated(tree: exp.Update) -> Feed:
    given = tree.args.get("from_")
    if not isinstance(tree.this, exp.Table) or tree.this.args.get("joins"):
        raise OpenError("UPDATE of several tables is not followed")
    pairs = [(each.this, each.expression) for each in _listed(tree.expressions)]
    read = [given.this] if given else []
    # SQL Server's names one of FROM, perhaps by its alias.
    beside = [join.this for part in read for join in part.args.get("joins") or ()]
    tables = [each for each in (*read, *beside) if isinstance(each, exp.Table)]
    named = {each.alias_or_name: each for each in tables}
    table = named.get(tree.this.alias_or_name)
    return _assigned(tree, table or tree.this, pairs, read if table else [*read, tree.this])


def _recast(tree: exp.Expr) -> Iterator[Feed]:
    """What columns get whose type is changed ``USING`` an expression."""
    actions = tree.args.get("actions") or ()
    pairs = [(each.this, each.args["using"]) for each in actions if each.args.get("using")]
    if pairs:
        yield _assigned(tree, tree.this, pairs, [tree.this])


def _assigned(
    tree: exp.Expr,
    table: exp.Table,
    pairs: list[tuple[exp.Expr, exp.Expr]],
    read: list[exp.Expr],
) -> Feed:
    """What assignments to a table's columns move, of what is read beside each other."""
    values = enumerate(exp.null() if _is_default(value) else value.copy() for _, value in pairs)
    query = exp.select(*(exp.alias_(value, f"_{at}") for at, value in values))
    query = query.from_(read[0].copy())
    for each in read[1:]:
        query = query.join(each.copy(), join_type="cross")
    if tree.args.get("with_"):
        query.set("with_", tree.args["with_"].copy())
    filled = tuple(each.this if isinstance(each, exp.Column) else each for each, _ in pairs)
    filled_table = exp.Table(**{name: table.args.get(name) for name in ("this", "db", "catalog")})
    return Feed(filled_table.copy(), filled, query)


def _listed(assignments: list[exp.Expr] | None) -> list[exp.Expr]:
    """The assignments of an UPDATE, each ``column = value``."""
    if not assignments or not all(_is_assignment(each) for each in assignments):
        raise OpenError("UPDATE without a list of single columns is not followed")
    return assignments


def _is_assignment(given: exp.Expr) -> bool:
    return isinstance(given, exp.EQ) and isinstance(given.this, (exp.Column, exp.Identifier))


def _is_default(value: exp.Expr) -> bool:
    """Whether a value is the word DEFAULT, which sqlglot takes for a column's name."""
    return isinstance(value, (exp.Column, exp.Var)) and value.sql().upper() == "DEFAULT"


def made_table(tree: exp.Expr) -> exp.Table | None:
    """The table or view that a statement makes, as it names that."""
    given = tree.args.get("into") if isinstance(tree, exp.Select) else None
    if isinstance(tree, exp.Create) and tree.kind in ("TABLE", "VIEW"):
        given = tree
    named = given.this if given else None
    table = named.this if isinstance(named, exp.Schema) else named
    return table if isinstance(table, exp.Table) else None


def is_for_session(tree: exp.Expr) -> bool:
    """Whether a statement makes something for its own session alone."""
    into = tree.args.get("into") if isinstance(tree, exp.Select) else None
    properties = tree.args.get("properties") if isinstance(tree, exp.Create) else None
    return bool(
        (into and into.args.get("temporary"))
        or (properties and properties.find(exp.TemporaryProperty))
    )


def kept_as(tree: exp.Expr) -> exp.Table | None:
    """What is named to read what a statement keeps for others of its session.

    That is ``getvariable`` for a variable of DuckDB, and the name of what is prepared.
    """
    if isinstance(tree, exp.Command) and tree.name.upper() == "PREPARE":
        found = _PLAN.match(tree.text("expression"))
        return _named(found["quoted"] or found["plain"], found["quoted"]) if found else None
    items = tree.expressions if isinstance(tree, exp.Set) else ()
    sets = any(each.text("kind").upper() == "VARIABLE" for each in items)
    return _named("getvariable") if sets else None


def _named(name: str, quoted: str | None = None) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name, quoted=bool(quoted)))


def chosen_schema(sql: str) -> str | None:
    """Where names without a schema are looked up after a statement; None: it does not say.

    Empty where that is not one place.
    """
    if not _CHOOSES.match(sql):
        return None
    one = _CHOOSES_ONE.fullmatch(sql)
    return one["schema"] if one else ""


def _parts_moved(tree: exp.Alter | exp.Command) -> Iterator[Feed]:
    """What partitions move that go from one table to another."""
    replaced = tree.find(exp.ReplacePartition)
    if replaced is not None:
        yield _whole(replaced.args["source"], tree.this)
    elif isinstance(tree, exp.Command) and (found := _MOVES_PARTS.match(tree.sql())):
        one, other = _table_of(found["a"]), _table_of(found["b"])
        ways = [(one, other)] if found["gives"] else [(other, one)]
        if found["swap"]:
            ways.append((one, other))
        yield from (_whole(*way) for way in ways)


def _whole(start: exp.Table, end: exp.Table) -> Feed:
    return Feed(end.copy(), None, exp.select("*").from_(start.copy()))


def _table_of(name: str) -> exp.Table:
    parts = [
        exp.to_identifier(re.sub(r"\W", "", each), quoted=not each.isidentifier())
        for each in name.split(".")
    ]
    return exp.Table(**dict(zip(("this", "db", "catalog"), reversed(parts), strict=False)))


def _query(tree: exp.Create | exp.Insert) -> exp.Query | None:
    """The statement's query, with what its WITH names; None for rows of constants."""
    given = tree.expression
    if isinstance(given.unnest() if given else None, (exp.Describe, exp.Summarize)):
        raise OpenError(f"{given.unnest().key.upper()} is not followed")
    if isinstance(given, exp.Values) and (tree.find(exp.Query) or _changed(tree)):
        given = spelled_rows(given)
        for value in filter(_is_default, [*given.find_all(exp.Column)]):
            value.replace(exp.null())
    body = given.unnest() if isinstance(given, exp.Query) else None
    if not isinstance(body, (exp.Select, exp.SetOperation)):
        return None
    query = body.copy()
    around = tree.args.get("with_")
    if around is not None:
        if query.args.get("with_"):
            raise OpenError("WITH before INSERT and in its query is not followed")
        query.set("with_", around.copy())
    return query


def _target(given: exp.Expr) -> tuple[exp.Table, tuple[exp.Expr, ...] | None]:
    if not isinstance(given, exp.Schema):
        return given.assert_is(exp.Table), None
    columns = (each.this if isinstance(each, exp.ColumnDef) else each for each in given.expressions)
    return given.this.assert_is(exp.Table), tuple(columns)
