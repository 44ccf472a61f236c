"""Tables and columns that files of statements give other names to.

The database tells the names of the end; before a renaming, a statement says others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from headwater.sql.relation import Relation
from headwater.sql.script import OpenError, Statement

Place = tuple[str, str]
"""A schema and a name in it, folded."""

_MAY_RENAME = re.compile(r"\s*(?:ALTER|RENAME|EXCHANGE|EXEC(?:UTE)?)\b", re.IGNORECASE)
_NAME = r"[\w$.\"`\[\]]+"
_RENAMED = re.compile(rf"\bTABLE\s+({_NAME})\s+TO\s+({_NAME})|,\s*({_NAME})\s+TO\s+({_NAME})", re.I)
_MOVED = re.compile(
    rf"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?({_NAME})\s+SET\s+SCHEMA\s+({_NAME})", re.I
)
_SWAPPED = re.compile(rf"EXCHANGE\s+TABLES\s+({_NAME})\s+AND\s+({_NAME})", re.I)


class Past(NamedTuple):
    """What names mean, at one point of a file, that is not there in the end.

    Attributes:
        places: Where a table stands in whose place another one comes.
        names: Those that mean a table of the session.
    """

    places: frozenset[Place] = frozenset()
    names: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Whether one of a name is among them, in whatever schema."""
        return name in self.names or any(each == name for _, each in self.places)


@dataclass(frozen=True, slots=True)
class Then:
    """What names mean to a statement, by the names of the end.

    Attributes:
        tables: The tables that are called otherwise.
        columns: Their columns that are, of tables by the names of the end; by the names of then.
        past: What they mean that is not there in the end, where the statement reads.
        past_after: The same behind the statement, and so where it fills.
    """

    tables: Mapping[Place, Place] = field(default_factory=dict)
    columns: Mapping[Place, Mapping[str, str]] = field(default_factory=dict)
    past: Past = field(default_factory=Past)
    past_after: Past = field(default_factory=Past)

    def with_past(self, places: Collection[Place]) -> Then:
        """The same with more that is not there in the end."""
        past, after = (
            each._replace(places=each.places.union(places)) for each in (self.past, self.past_after)
        )
        return replace(self, past=past, past_after=after)

    def place(self, place: Place) -> Place:
        """Where a table of then is in the end."""
        return self.tables.get(place, place)

    def names(self, name: str) -> set[str]:
        """The name of a table and what that will be called."""
        return {name, *(new for (_, old), (_, new) in self.tables.items() if old == name)}

    def as_then(self, relation: Relation, fold: Callable[[str], str]) -> Relation:
        """A table with the columns that it had."""
        names = self.columns.get((fold(relation.schema), fold(relation.name)), {})
        then = {now: before for before, now in names.items()}
        columns = tuple(then.get(fold(each), each) for each in relation.columns)
        return replace(relation, columns=columns) if names else relation


@dataclass(frozen=True, slots=True)
class _Renaming:
    """Tables that get others' names, or, with ``columns``, one of whose columns does."""

    tables: tuple[tuple[exp.Table, exp.Table], ...] = ()
    columns: tuple[tuple[exp.Expr, exp.Expr], ...] = ()


def renamings(
    statements: Sequence[Statement],
    dialect: Dialect,
    place_of: Sequence[Callable[[exp.Table], Place]],
) -> list[Then]:
    """Return what names mean to each of the statements of files, as they come one after the other.

    Args:
        place_of: For each statement, where a table is that it names.
    """
    now, told = Then(), list[Then]()
    for statement, place in zip(reversed(statements), reversed(place_of), strict=True):
        for each in [*_renamings(statement, dialect)][::-1]:
            now = _before(now, each, place, dialect)
        told.append(now)
    return told[::-1]


def table_renamings(
    statement: Statement, dialect: Dialect
) -> Iterator[tuple[tuple[exp.Table, exp.Table], ...]]:
    """The tables that a statement renames at once, each with its new name."""
    for each in _renamings(statement, dialect):
        if not each.columns:
            yield each.tables


def _before(
    now: Then, renaming: _Renaming, place_of: Callable[[exp.Table], Place], dialect: Dialect
) -> Then:
    tables, columns = {**now.tables}, {**now.columns}
    if renaming.columns:
        ((table, _),) = renaming.tables
        key = now.place(place_of(table))
        names = {**columns.get(key, {})}
        for before, after in renaming.columns:
            old, new = (_column_name(each, dialect) for each in (before, after))
            names[old] = names.pop(new, new)
        return Then(tables, {**columns, key: names})
    # What had the new name before goes on under it.
    changed = {place_of(old): now.place(place_of(new)) for old, new in renaming.tables}
    return Then({**tables, **changed}, columns)


def _column_name(column: exp.Expr, dialect: Dialect) -> str:
    name = column.this if isinstance(column, exp.Column) else column
    return dialect.normalize_identifier(name.copy()).name


def _renamings(statement: Statement, dialect: Dialect) -> Iterator[_Renaming]:
    if statement.fault or not _MAY_RENAME.match(statement.sql):
        return
    try:
        tree = statement.parse(dialect)
        if isinstance(tree, exp.Alter):
            yield from _altered(tree)
        else:
            yield from _commanded(statement.sql, tree, dialect)
    except (OpenError, SqlglotError):
        return  # who reads the statement says so


def _altered(tree: exp.Alter) -> Iterator[_Renaming]:
    table = tree.this
    for action in tree.args.get("actions") or ():
        if isinstance(action, exp.AlterRename):
            yield _Renaming(((table, _beside(table, action.this)),))
        elif isinstance(action, exp.SwapTable):
            yield _Renaming(((table, action.this), (action.this, table)))
        elif isinstance(action, exp.RenameColumn):
            yield _Renaming(((table, table),), ((action.this, action.args["to"]),))


def _commanded(sql: str, tree: exp.Expr, dialect: Dialect) -> Iterator[_Renaming]:
    """What sqlglot keeps as text."""

    def named(*texts: str) -> list[exp.Table]:
        return [exp.to_table(text, dialect=dialect) for text in texts]

    if isinstance(tree, exp.Execute) and tree.this.name.lower() == "sp_rename":
        if len(tree.expressions) == 2:
            old, new = named(*(each.name for each in tree.expressions))
            yield _Renaming(((old, _beside(old, new)),))
    elif found := _MOVED.match(sql):
        (table,) = named(found[1])
        moved = exp.Table(this=table.this.copy(), db=exp.to_identifier(found[2].strip('"')))
        yield _Renaming(((table, moved),))
    elif found := _SWAPPED.match(sql):
        one, other = named(found[1], found[2])
        yield _Renaming(((one, other), (other, one)))
    elif sql[:6].upper() == "RENAME":
        for found in _RENAMED.finditer(sql):
            old, new = named(*(each for each in found.groups() if each))
            yield _Renaming(((old, _beside(old, new)),))


def _beside(old: exp.Table, new: exp.Table) -> exp.Table:
    """A new name, in the schema of the old one unless it says another."""
    if new.db or not old.db:
        return new
    return exp.Table(this=new.this.copy(), db=old.args["db"].copy())
